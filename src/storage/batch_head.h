/* SPDX-License-Identifier: Apache-2.0 */
/* What a log must know of a record batch: the front that wire/batch.h parses, as offsets. */
#pragma once

#include "wire/batch.h"

#include <stdbool.h>

enum {
    OD_BATCH_HEAD_BYTES = OD_BATCH_HEADER_BYTES,
    OD_BATCH_CRC_POS = 21, /* where the checksummed bytes begin */
};

struct od_batch_head {
    int64_t base_offset;
    int64_t last_offset;
    int64_t max_timestamp;
    int64_t len; /* of the whole batch */
    int32_t leader_epoch;
    uint32_t crc;
    bool has_producer; /* of an idempotent or transactional producer */
};

/* From at least OD_BATCH_HEAD_BYTES; false: these bytes do not begin a batch. */
OD_MUST_USE bool od_batch_head_read(const uint8_t *data, struct od_batch_head *out);
