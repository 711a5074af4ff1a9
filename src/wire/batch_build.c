/* SPDX-License-Identifier: Apache-2.0 */
/* Builds uncompressed record batches. */
#include "wire/batch.h"
#include "wire/writer.h"

struct od_batch_header od_batch_plain(int64_t base_offset, int32_t leader_epoch)
{
    return (struct od_batch_header) {
        .base_offset = base_offset,
        .leader_epoch = leader_epoch,
        .producer_id = -1,
        .producer_epoch = -1,
        .base_sequence = -1,
    };
}

void od_batch_begin(struct od_batch_builder *b, uint8_t *data, size_t capacity,
                    const struct od_batch_header *header)
{
    *b = (struct od_batch_builder) {.data = data, .capacity = capacity, .header = *header};
    b->len = OD_BATCH_HEADER_BYTES;
    b->header.count = 0;
    if (capacity < OD_BATCH_HEADER_BYTES)
        b->err = OD_E_FULL;
}

/* A varint of the length, -1 for null, and the bytes. */
static size_t field_bytes(struct od_bytes v)
{
    return od_varint_len(v.data ? (int32_t)v.len : -1) + v.len;
}

static void write_field(struct od_writer *w, struct od_bytes v)
{
    od_write_varint(w, v.data ? (int32_t)v.len : -1);
    od_write_raw(w, v.data, v.len);
}

size_t od_batch_record_bytes_max(struct od_bytes key, struct od_bytes value)
{
    /* Size, attributes, timestamp delta, offset delta, two lengths, number of headers. */
    return 5 + 1 + 10 + 5 + 5 + 5 + 5 + key.len + value.len;
}

static size_t body_bytes(const struct od_batch_builder *b, int64_t delta, struct od_bytes key,
                         struct od_bytes value)
{
    return 1 + od_varlong_len(delta) + od_varint_len(b->header.count) + field_bytes(key) +
           field_bytes(value);
}

void od_batch_add(struct od_batch_builder *b, int64_t timestamp, struct od_bytes key,
                  struct od_bytes value, const struct od_record_header *headers, int32_t n)
{
    struct od_batch_header *h = &b->header;
    int64_t delta;
    size_t body;

    if (b->err)
        return;
    if (h->count == 0)
        h->base_timestamp = h->max_timestamp = timestamp;
    delta = timestamp - h->base_timestamp;
    body = body_bytes(b, delta, key, value) + od_varint_len(n);
    for (int32_t i = 0; i < n; i++)
        body += field_bytes(headers[i].key) + field_bytes(headers[i].value);
    if (body > INT32_MAX || h->count == INT32_MAX) {
        b->err = OD_E_FULL;
        return;
    }
    struct od_writer w = od_writer_of(b->data + b->len, b->capacity - b->len);

    od_write_varint(&w, (int32_t)body);
    od_write_i8(&w, 0);
    od_write_varlong(&w, delta);
    od_write_varint(&w, h->count);
    write_field(&w, key);
    write_field(&w, value);
    od_write_varint(&w, n);
    for (int32_t i = 0; i < n; i++) {
        write_field(&w, headers[i].key);
        write_field(&w, headers[i].value);
    }
    b->err = w.err;
    if (b->err)
        return;
    b->len += od_writer_len(&w);
    h->count++;
    if (timestamp > h->max_timestamp)
        h->max_timestamp = timestamp;
}

enum od_err od_batch_end(struct od_batch_builder *b, size_t *len)
{
    *len = 0;
    if (b->err)
        return b->err;
    if (b->header.count == 0)
        return OD_INVALID_RECORD;
    if (b->len - OD_BATCH_PREFIX_BYTES > INT32_MAX)
        return OD_E_FULL;
    b->header.length = (int32_t)(b->len - OD_BATCH_PREFIX_BYTES);
    b->header.last_offset_delta = b->header.count - 1;
    od_batch_seal(b->data, &b->header);
    *len = b->len;
    return OD_NONE;
}

enum od_err od_batch_repack(enum od_compress codec, int level, struct od_bytes plain, uint8_t *out,
                            size_t capacity, size_t *len)
{
    struct od_batch_header h;
    enum od_err err = od_batch_parse(plain.data, plain.len, &h);
    size_t packed;

    *len = 0;
    if (err)
        return err;
    if (od_batch_bytes(&h) != plain.len || od_batch_compression(&h) != OD_COMPRESS_NONE)
        return OD_E_CORRUPT;
    if (capacity < OD_BATCH_HEADER_BYTES)
        return OD_E_FULL;
    err = od_compress(
        codec, level,
        (struct od_bytes) {plain.data + OD_BATCH_HEADER_BYTES, plain.len - OD_BATCH_HEADER_BYTES},
        out + OD_BATCH_HEADER_BYTES, capacity - OD_BATCH_HEADER_BYTES, &packed);
    if (err)
        return err;
    h.attributes = (int16_t)(h.attributes | (int16_t)codec);
    h.length = (int32_t)(packed + OD_BATCH_HEADER_BYTES - OD_BATCH_PREFIX_BYTES);
    od_batch_seal(out, &h);
    *len = packed + OD_BATCH_HEADER_BYTES;
    return OD_NONE;
}
