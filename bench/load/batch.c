/* SPDX-License-Identifier: Apache-2.0 */
/* Record batches of an exact size, for prebuilt requests. */
#include "load/batch.h"

#include "base/be.h"
#include "base/crc32c.h"
#include "wire/writer.h"

enum { LEADER_EPOCH_NONE = -1, MAGIC = 2, ATTRIBUTES_AT = OD_BATCH_CRC_AT + 4 };

/* Bytes of a record after its length. */
static uint32_t body_bytes(uint32_t index, uint32_t value_bytes)
{
    /* attributes, timestamp delta 0, no key, no headers */
    return 4 + (uint32_t)od_varint_len((int32_t)index) +
           (uint32_t)od_varint_len((int32_t)value_bytes) + value_bytes;
}

static uint32_t record_bytes(uint32_t index, uint32_t value_bytes)
{
    uint32_t body = body_bytes(index, value_bytes);

    return (uint32_t)od_varint_len((int32_t)body) + body;
}

static void put_record(struct od_writer *w, uint32_t index, uint32_t value_bytes)
{
    uint8_t *value;

    od_write_varint(w, (int32_t)body_bytes(index, value_bytes));
    od_write_i8(w, 0);
    od_write_varlong(w, 0);
    od_write_varint(w, (int32_t)index);
    od_write_varint(w, -1);
    od_write_varint(w, (int32_t)value_bytes);
    value = value_bytes ? od_writer_take(w, value_bytes) : NULL;
    /* Text that differs from record to record. */
    for (uint32_t i = 0; value && i < value_bytes; i++)
        value[i] = (uint8_t)('a' + (index + i * i) % 26);
    od_write_varint(w, 0);
}

/* The value size that makes record `index` exactly `bytes` long; UINT32_MAX if none does. */
static uint32_t value_for(uint32_t index, uint32_t bytes)
{
    uint32_t overhead_max = 5 + 4 + 5 + 5;

    for (uint32_t v = bytes > overhead_max ? bytes - overhead_max : 0; v < bytes; v++)
        if (record_bytes(index, v) == bytes)
            return v;
    return UINT32_MAX;
}

static void put_header(uint8_t *out, uint32_t bytes, uint32_t count, int64_t now_ms)
{
    struct od_writer w = od_writer_of(out, OD_BATCH_HEADER_BYTES);

    od_write_i64(&w, 0);
    od_write_i32(&w, (int32_t)bytes - 12);
    od_write_i32(&w, LEADER_EPOCH_NONE);
    od_write_i8(&w, MAGIC);
    od_write_i32(&w, 0); /* the checksum, below */
    od_write_i16(&w, 0);
    od_write_i32(&w, (int32_t)count - 1);
    od_write_i64(&w, now_ms);
    od_write_i64(&w, now_ms);
    od_write_i64(&w, -1); /* producer id, epoch, sequence */
    od_write_i16(&w, -1);
    od_write_i32(&w, -1);
    od_write_i32(&w, (int32_t)count);
    od_be32_store(out + OD_BATCH_CRC_AT, od_crc32c(out + ATTRIBUTES_AT, bytes - ATTRIBUTES_AT));
}

uint32_t od_batch_build(uint8_t *out, uint32_t bytes, uint32_t value_bytes, int64_t now_ms)
{
    struct od_writer w = od_writer_of(out, bytes);
    uint32_t left = bytes - OD_BATCH_HEADER_BYTES;
    uint32_t count = 0;
    uint32_t last;

    w.p += OD_BATCH_HEADER_BYTES;
    while (left >= 2 * record_bytes(count + 1, value_bytes)) {
        left -= record_bytes(count, value_bytes);
        put_record(&w, count++, value_bytes);
    }
    last = value_for(count, left);
    if (last == UINT32_MAX)
        return 0;
    put_record(&w, count++, last);
    put_header(out, bytes, count, now_ms);
    return count;
}
