/* SPDX-License-Identifier: Apache-2.0 */
/* Topics that one client makes, fills, trims, grows and deletes, and makes again by their names. */
#pragma once

#include "base/uuid.h"

#include <stdbool.h>

enum {
    CHURN_TOPICS = 3,
    CHURN_PARTITIONS_MAX = 5,
    CHURN_RECORDS_MAX = 600, /* per partition; no more is sent */
    CHURN_NUMBERS = 100000,  /* of records in one incarnation of a topic */
};

/* What the last command on it may have done, when its answer was lost. */
enum churn_doubt { CHURN_SURE, CHURN_CREATE, CHURN_DELETE, CHURN_GROW };

struct churn_partition {
    int64_t acked_end;     /* all below is durable */
    int64_t trimmed;       /* all below is deleted for good */
    int64_t trimmed_maybe; /* by an answer that was lost; at least trimmed */
    uint32_t numbers[CHURN_RECORDS_MAX]; /* by offset, of what was acknowledged to the owner */
};

struct churn_topic {
    char name[32];
    bool there;
    enum churn_doubt doubt;
    int boots;         /* of the broker when the command in doubt was sent */
    struct od_uuid id; /* of the last incarnation */
    uint32_t serial;   /* of the incarnation: its records' numbers begin with it */
    uint32_t sent;     /* records of this incarnation */
    int partitions;
    struct churn_partition p[CHURN_PARTITIONS_MAX];
};
