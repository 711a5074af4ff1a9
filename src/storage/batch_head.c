/* SPDX-License-Identifier: Apache-2.0 */
/* The log's view of a batch header. */
#include "storage/batch_head.h"

bool od_batch_head_read(const uint8_t *data, struct od_batch_head *out)
{
    struct od_batch_header h;

    if (od_batch_parse(data, OD_BATCH_HEAD_BYTES, &h))
        return false;
    *out = (struct od_batch_head){ .base_offset = h.base_offset,
                                   .last_offset = od_batch_last_offset(&h),
                                   .max_timestamp = h.max_timestamp,
                                   .len = (int64_t)od_batch_bytes(&h),
                                   .leader_epoch = h.leader_epoch,
                                   .crc = h.crc,
                                   .has_producer = h.producer_id >= 0 };
    return out->last_offset < INT64_MAX;
}
