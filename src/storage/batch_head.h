/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The fixed 61 bytes in front of every record batch (magic 2), as far as a log needs them:
 *
 *      0 base offset 8 | 8 length 4, of what follows | 12 leader epoch 4 | 16 magic 1 | 17 crc 4
 *     21 attributes 2 | 23 last offset delta 4 | 27 first timestamp 8 | 35 max timestamp 8
 *     43 producer id 8 | 51 producer epoch 2 | 53 base sequence 4 | 57 record count 4
 *
 * The CRC-32C covers everything from the attributes on.
 */
#pragma once

#include "base/compiler.h"

#include <stdbool.h>

enum {
    OD_BATCH_HEAD_BYTES = 61,
    OD_BATCH_CRC_POS = 21, /* where the checksummed bytes begin */
    OD_BATCH_FRONT_BYTES = 12, /* base offset and length, not counted by the length */
};

struct od_batch_head {
    int64_t base_offset;
    int64_t last_offset;
    int64_t max_timestamp;
    int64_t len; /* of the whole batch */
    int32_t leader_epoch;
    uint32_t crc;
};

/* From at least OD_BATCH_HEAD_BYTES; false: these bytes do not begin a batch. */
OD_MUST_USE bool od_batch_head_read(const uint8_t *data, struct od_batch_head *out);
