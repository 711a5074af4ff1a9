/* SPDX-License-Identifier: Apache-2.0 */
/* Parsing of the fixed front of a record batch. */
#include "storage/batch_head.h"

#include "base/be.h"

bool od_batch_head_read(const uint8_t *data, struct od_batch_head *out)
{
    int32_t len = (int32_t)od_be32_load(data + 8);
    int32_t delta = (int32_t)od_be32_load(data + 23);

    out->base_offset = (int64_t)od_be64_load(data);
    out->len = (int64_t)len + OD_BATCH_FRONT_BYTES;
    out->leader_epoch = (int32_t)od_be32_load(data + 12);
    out->crc = od_be32_load(data + 17);
    out->last_offset = out->base_offset + delta;
    out->max_timestamp = (int64_t)od_be64_load(data + 35);
    return data[16] == 2 && out->base_offset >= 0 && delta >= 0 &&
           out->base_offset < INT64_MAX - delta && out->len >= OD_BATCH_HEAD_BYTES;
}
