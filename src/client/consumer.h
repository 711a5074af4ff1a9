/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads records from partitions that are named, not assigned by a group.  Blocking, one thread,
 * for tools.  Where a partition stops is an offset given at its start.
 */
#pragma once

#include "client/client.h"
#include "wire/batch.h"

struct od_consumer;

struct od_consumer_options {
    bool read_committed;
    int32_t max_wait_ms; /* that a broker waits for records */
};

/* One record, borrowed for the call. */
struct od_consumed {
    struct od_str topic;
    int32_t partition;
    const struct od_record *record;
    bool log_append_time; /* what the timestamp is */
};

enum { OD_CONSUMER_NO_STOP = -1 };

struct od_consumer *od_consumer_new(struct od_client *client,
                                    const struct od_consumer_options *options);
void od_consumer_free(struct od_consumer *c); /* accepts NULL; the client stays */
/* From offset up to stop, which is left out.  The client has learned the topic. */
void od_consumer_add(struct od_consumer *c, struct od_str topic, int32_t partition,
                     int64_t offset, int64_t stop);
/*
 * Asks each leader once and gives every record, in the order of each partition, to each(), which
 * returns false to end the poll at once.  Leaders that move and brokers that are away are tried
 * again for as long as the client's timeout.  An error ends everything: od_consumer_why.
 */
OD_MUST_USE enum od_err od_consumer_poll(struct od_consumer *c,
                                         bool (*each)(void *user, const struct od_consumed *r),
                                         void *user);
bool od_consumer_finished(const struct od_consumer *c); /* every partition came to its stop */
const char *od_consumer_why(const struct od_consumer *c);
