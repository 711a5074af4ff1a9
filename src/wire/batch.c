/* SPDX-License-Identifier: Apache-2.0 */
/* Record batch headers: reading, checking and changing them in place. */
#include "wire/batch.h"

#include "base/assert.h"
#include "base/be.h"
#include "base/crc32c.h"

enum { /* byte positions */
       LENGTH_AT = 8,
       LEADER_EPOCH_AT = 12,
       MAGIC_AT = 16,
       CRC_AT = 17,
       ATTRIBUTES_AT = 21, /* the checksum covers everything from here */
       LAST_DELTA_AT = 23,
       BASE_TIMESTAMP_AT = 27,
       MAX_TIMESTAMP_AT = 35,
       PRODUCER_ID_AT = 43,
       PRODUCER_EPOCH_AT = 51,
       BASE_SEQUENCE_AT = 53,
       COUNT_AT = 57,
       OLD_LENGTH_MIN = 14, /* of formats 0 and 1: crc, magic, attributes, two lengths */
};

static enum od_err parse_old(struct od_batch_header *out)
{
    if (out->magic < 0 || out->magic > OD_BATCH_MAGIC || out->length < OLD_LENGTH_MIN)
        return OD_E_CORRUPT;
    return OD_UNSUPPORTED_FOR_MESSAGE_FORMAT;
}

enum od_err od_batch_parse(const uint8_t *data, size_t len, struct od_batch_header *out)
{
    *out = (struct od_batch_header) {0};
    if (len <= MAGIC_AT)
        return OD_E_TRUNCATED;
    out->base_offset = (int64_t)od_be64_load(data);
    out->length = (int32_t)od_be32_load(data + LENGTH_AT);
    out->magic = (int8_t)data[MAGIC_AT];
    if (out->magic != OD_BATCH_MAGIC)
        return parse_old(out);
    if (len < OD_BATCH_HEADER_BYTES)
        return OD_E_TRUNCATED;
    out->leader_epoch = (int32_t)od_be32_load(data + LEADER_EPOCH_AT);
    out->crc = od_be32_load(data + CRC_AT);
    out->attributes = (int16_t)od_be16_load(data + ATTRIBUTES_AT);
    out->last_offset_delta = (int32_t)od_be32_load(data + LAST_DELTA_AT);
    out->base_timestamp = (int64_t)od_be64_load(data + BASE_TIMESTAMP_AT);
    out->max_timestamp = (int64_t)od_be64_load(data + MAX_TIMESTAMP_AT);
    out->producer_id = (int64_t)od_be64_load(data + PRODUCER_ID_AT);
    out->producer_epoch = (int16_t)od_be16_load(data + PRODUCER_EPOCH_AT);
    out->base_sequence = (int32_t)od_be32_load(data + BASE_SEQUENCE_AT);
    out->count = (int32_t)od_be32_load(data + COUNT_AT);
    if (out->length < OD_BATCH_HEADER_BYTES - OD_BATCH_PREFIX_BYTES || out->count < 0 ||
        out->last_offset_delta < 0 || out->base_offset < 0 ||
        out->base_offset > INT64_MAX - out->last_offset_delta)
        return OD_E_CORRUPT;
    return OD_NONE;
}

static uint32_t checksum(const uint8_t *data, size_t len)
{
    return od_crc32c(data + ATTRIBUTES_AT, len - ATTRIBUTES_AT);
}

enum od_err od_batch_check(const uint8_t *data, const struct od_batch_header *h)
{
    return checksum(data, od_batch_bytes(h)) == h->crc ? OD_NONE : OD_CORRUPT_MESSAGE;
}

void od_batch_set_base_offset(uint8_t *data, int64_t base_offset)
{
    od_be64_store(data, (uint64_t)base_offset);
}

void od_batch_set_leader_epoch(uint8_t *data, int32_t leader_epoch)
{
    od_be32_store(data + LEADER_EPOCH_AT, (uint32_t)leader_epoch);
}

static void renew_checksum(uint8_t *data)
{
    size_t len = (size_t)od_be32_load(data + LENGTH_AT) + OD_BATCH_PREFIX_BYTES;

    od_be32_store(data + CRC_AT, checksum(data, len));
}

void od_batch_set_max_timestamp(uint8_t *data, bool log_append_time, int64_t max_timestamp)
{
    uint16_t attributes = od_be16_load(data + ATTRIBUTES_AT);

    if (log_append_time)
        attributes |= OD_BATCH_LOG_APPEND_TIME;
    else
        attributes = (uint16_t)(attributes & ~OD_BATCH_LOG_APPEND_TIME);
    od_be16_store(data + ATTRIBUTES_AT, attributes);
    od_be64_store(data + MAX_TIMESTAMP_AT, (uint64_t)max_timestamp);
    renew_checksum(data);
}

void od_batch_seal(uint8_t *data, const struct od_batch_header *h)
{
    OD_ASSERT(h->length >= OD_BATCH_HEADER_BYTES - OD_BATCH_PREFIX_BYTES);
    od_batch_set_base_offset(data, h->base_offset);
    od_be32_store(data + LENGTH_AT, (uint32_t)h->length);
    od_batch_set_leader_epoch(data, h->leader_epoch);
    data[MAGIC_AT] = OD_BATCH_MAGIC;
    od_be16_store(data + ATTRIBUTES_AT, (uint16_t)h->attributes);
    od_be32_store(data + LAST_DELTA_AT, (uint32_t)h->last_offset_delta);
    od_be64_store(data + BASE_TIMESTAMP_AT, (uint64_t)h->base_timestamp);
    od_be64_store(data + MAX_TIMESTAMP_AT, (uint64_t)h->max_timestamp);
    od_be64_store(data + PRODUCER_ID_AT, (uint64_t)h->producer_id);
    od_be16_store(data + PRODUCER_EPOCH_AT, (uint16_t)h->producer_epoch);
    od_be32_store(data + BASE_SEQUENCE_AT, (uint32_t)h->base_sequence);
    od_be32_store(data + COUNT_AT, (uint32_t)h->count);
    renew_checksum(data);
}
