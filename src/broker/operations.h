/* SPDX-License-Identifier: Apache-2.0 */
/* Authorised operations as clients see them: a bit per operation, by Kafka's numbers. */
#pragma once

#include <stdint.h>

enum {
    /* READ, WRITE, CREATE, DELETE, ALTER, DESCRIBE, DESCRIBE_CONFIGS, ALTER_CONFIGS. */
    OD_OPERATIONS_TOPIC = 1 << 3 | 1 << 4 | 1 << 5 | 1 << 6 | 1 << 7 | 1 << 8 | 1 << 10 | 1 << 11,
    /* CREATE, ALTER, DESCRIBE, CLUSTER_ACTION, configs, IDEMPOTENT_WRITE. */
    OD_OPERATIONS_CLUSTER = 1 << 5 | 1 << 7 | 1 << 8 | 1 << 9 | 1 << 10 | 1 << 11 | 1 << 12,
    OD_OPERATIONS_NOT_ASKED = INT32_MIN,
};
