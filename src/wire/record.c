/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The records of a batch.  A record is: size varint, attributes 1, timestamp delta varlong, offset
 * delta varint, key length varint (-1: null), key, value length varint, value, number of headers
 * varint, and per header: key length varint, key, value length varint, value.
 */
#include "base/mem.h"
#include "wire/batch.h"
#include "wire/reader.h"

static void take_back(struct od_record_stream *s)
{
    od_free(s->buffer);
    if (s->limits.budget)
        od_budget_give(s->limits.budget, s->buffer_bytes);
    s->buffer = NULL;
    s->buffer_bytes = 0;
}

/* Room for at least bytes, of which the first `used` are kept. */
static enum od_err grow(struct od_record_stream *s, size_t bytes, size_t used)
{
    struct od_budget *budget = s->limits.budget;
    uint8_t *bigger;

    if (bytes <= s->buffer_bytes)
        return OD_NONE;
    if (budget && !od_budget_take(budget, bytes))
        return OD_E_NO_MEMORY;
    bigger = od_alloc_try(bytes);
    if (!bigger) {
        if (budget)
            od_budget_give(budget, bytes);
        return OD_E_NO_MEMORY;
    }
    if (used > 0)
        memcpy(bigger, s->buffer, used);
    take_back(s);
    s->buffer = bigger;
    s->buffer_bytes = bytes;
    return OD_NONE;
}

enum od_err od_record_stream_open(struct od_record_stream *s, const uint8_t *data,
                                  const struct od_batch_header *h,
                                  const struct od_expand_limits *limits)
{
    const uint8_t *records = data + OD_BATCH_HEADER_BYTES;
    size_t len = od_batch_bytes(h) - OD_BATCH_HEADER_BYTES;

    *s = (struct od_record_stream) {.header = *h, .limits = *limits, .last_delta = -1};
    if (od_batch_compression(h) != OD_COMPRESS_NONE)
        return od_expand_open(od_batch_compression(h), records, len, limits, &s->expand);
    s->window = (struct od_bytes) {records, len};
    return OD_NONE;
}

void od_record_stream_close(struct od_record_stream *s)
{
    od_expand_close(s->expand);
    s->expand = NULL;
    take_back(s);
}

/* Fetches a window when the last one is used up; its length 0 is the end. */
static enum od_err refill(struct od_record_stream *s)
{
    if (s->window.len > 0 || !s->expand)
        return OD_NONE;
    return od_expand_next(s->expand, &s->window);
}

static enum od_err read_size(struct od_record_stream *s, size_t *size)
{
    uint8_t bytes[5];
    size_t n = 0;
    struct od_reader r;
    int32_t value;

    do {
        enum od_err err = refill(s);

        if (err)
            return err;
        if (s->window.len == 0 || n == sizeof(bytes))
            return OD_E_CORRUPT;
        bytes[n++] = *s->window.data++;
        s->window.len--;
    } while (bytes[n - 1] >= 0x80);
    r = od_reader_of(bytes, n);
    value = od_read_varint(&r);
    if (r.err || value < 0)
        return OD_E_CORRUPT;
    *size = (size_t)value;
    return OD_NONE;
}

/* The next len bytes in one piece: in the window if they lie there, else gathered. */
static enum od_err take(struct od_record_stream *s, size_t len, const uint8_t **out)
{
    size_t have = 0;

    if (s->window.len >= len) {
        *out = s->window.data;
        s->window.data += len;
        s->window.len -= len;
        return OD_NONE;
    }
    while (have < len) {
        enum od_err err = refill(s);
        size_t part = s->window.len < len - have ? s->window.len : len - have;

        if (err)
            return err;
        if (part == 0)
            return OD_E_CORRUPT;
        /* Grown with what has arrived, because len is only a claim. */
        if (have + part > s->buffer_bytes) {
            size_t bytes = 2 * (have + part);

            err = grow(s, bytes < len ? bytes : len, have);
            if (err)
                return err;
        }
        memcpy(s->buffer + have, s->window.data, part);
        have += part;
        s->window.data += part;
        s->window.len -= part;
    }
    *out = s->buffer;
    return OD_NONE;
}

/* A length of -1 is null. */
static struct od_bytes read_field(struct od_reader *r)
{
    int32_t len = od_read_varint(r);

    if (len == -1)
        return (struct od_bytes) {NULL, 0};
    if (len < 0) {
        od_reader_fail(r, OD_E_CORRUPT);
        len = 0;
    }
    return od_read_raw(r, (size_t)len);
}

static void read_header(struct od_reader *r, struct od_record_header *out)
{
    out->key = read_field(r);
    if (!out->key.data)
        od_reader_fail(r, OD_E_CORRUPT);
    out->value = read_field(r);
}

bool od_record_header_next(struct od_bytes *headers, struct od_record_header *out)
{
    struct od_reader r = od_reader_of(headers->data, headers->len);

    if (headers->len == 0)
        return false;
    read_header(&r, out);
    *headers = (struct od_bytes) {r.p, od_reader_left(&r)};
    return !r.err;
}

/* The body of a record, all of it. */
static enum od_err parse(struct od_record_stream *s, struct od_reader *r, struct od_record *out)
{
    const struct od_batch_header *h = &s->header;
    struct od_record_header header;
    int64_t timestamp_delta;
    int32_t delta;

    od_read_i8(r); /* attributes: none are defined */
    timestamp_delta = od_read_varlong(r);
    delta = od_read_varint(r);
    out->key = read_field(r);
    out->value = read_field(r);
    out->header_count = od_read_varint(r);
    if (r->err || out->header_count < 0)
        return OD_E_CORRUPT;
    out->headers = (struct od_bytes) {r->p, od_reader_left(r)};
    for (int32_t i = 0; i < out->header_count && !r->err; i++)
        read_header(r, &header);
    if (r->err || od_reader_left(r) != 0)
        return OD_E_CORRUPT;
    if (delta <= s->last_delta || delta > h->last_offset_delta)
        return OD_E_CORRUPT;
    s->last_delta = delta;
    out->index = s->index++;
    out->offset = h->base_offset + delta;
    out->timestamp = h->attributes & OD_BATCH_LOG_APPEND_TIME
                         ? h->max_timestamp
                         : (int64_t)((uint64_t)h->base_timestamp + (uint64_t)timestamp_delta);
    return OD_NONE;
}

static enum od_err expect_end(struct od_record_stream *s)
{
    enum od_err err = refill(s);

    if (err)
        return err;
    return s->window.len == 0 ? OD_E_NOT_FOUND : OD_E_CORRUPT;
}

enum od_err od_record_stream_next(struct od_record_stream *s, struct od_record *out)
{
    const uint8_t *body = NULL;
    size_t size;
    struct od_reader r;
    enum od_err err;

    if (s->index == s->header.count)
        return expect_end(s);
    err = read_size(s, &size);
    if (!err)
        err = take(s, size, &body);
    if (err)
        return err;
    r = od_reader_of(body, size);
    return parse(s, &r, out);
}
