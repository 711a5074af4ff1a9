/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Batches of keyed records, and reading them back, without the product's record code.  A key and a
 * value are small numbers; NO_VALUE is a tombstone, NO_KEY a record without key.
 */
#pragma once

#include "fixture.h"
#include "wire/compress.h"

enum { KEYED_RECORDS_MAX = 64, NO_VALUE = -1, NO_KEY = -1, KEYED_BYTES_MAX = 1 << 20 };

struct keyed {
    int64_t offset;
    int64_t timestamp;
    int key;
    int value;
};

/* What a batch states beside its records. */
struct keyed_batch {
    enum od_compress codec;
    int16_t flags; /* further attributes */
    int64_t producer_id;
    int16_t epoch;
    int32_t sequence;
};

static const struct keyed_batch keyed_plain = { .producer_id = -1, .epoch = -1, .sequence = -1 };

static inline size_t keyed_varint(uint8_t *p, int64_t v)
{
    uint64_t z = ((uint64_t)v << 1) ^ (uint64_t)(v >> 63);
    size_t n = 0;

    for (; z >= 0x80; z >>= 7)
        p[n++] = (uint8_t)(z | 0x80);
    p[n++] = (uint8_t)z;
    return n;
}

static inline int64_t keyed_number(const uint8_t **p)
{
    uint64_t z = 0;

    for (unsigned shift = 0;; shift += 7) {
        z |= (uint64_t)(**p & 0x7f) << shift;
        if (!(*(*p)++ & 0x80))
            return (int64_t)(z >> 1) ^ -(int64_t)(z & 1);
    }
}

/* A key of 1 to 9 bytes; a value of 4 bytes and up to 99 more. */
static inline size_t keyed_key(uint8_t *p, int key)
{
    return (size_t)snprintf((char *)p, 16, "k%d", key);
}

static inline size_t keyed_value(uint8_t *p, int value)
{
    size_t fill = (size_t)value % 100;

    od_be32_store(p, (uint32_t)value);
    memset(p + 4, value & 0xff, fill);
    return 4 + fill;
}

static inline size_t keyed_record(uint8_t *out, const struct keyed *r, int64_t base,
                                  int64_t base_time)
{
    uint8_t body[256], text[128];
    size_t n = 0, len;

    body[n++] = 0;
    n += keyed_varint(body + n, r->timestamp - base_time);
    n += keyed_varint(body + n, r->offset - base);
    len = r->key == NO_KEY ? 0 : keyed_key(text, r->key);
    n += keyed_varint(body + n, r->key == NO_KEY ? -1 : (int64_t)len);
    memcpy(body + n, text, len);
    n += len;
    len = r->value == NO_VALUE ? 0 : keyed_value(text, r->value);
    n += keyed_varint(body + n, r->value == NO_VALUE ? -1 : (int64_t)len);
    memcpy(body + n, text, len);
    n += len;
    n += keyed_varint(body + n, 1); /* one header "h": null */
    n += keyed_varint(body + n, 1);
    body[n++] = 'h';
    n += keyed_varint(body + n, -1);
    len = keyed_varint(out, (int64_t)n);
    memcpy(out + len, body, n);
    return len + n;
}

/* n records with ascending offsets, from base to last. */
static inline size_t keyed_build(uint8_t *out, int64_t base, int64_t last, const struct keyed *v,
                                 int n, const struct keyed_batch *b)
{
    static uint8_t plain[KEYED_BYTES_MAX];
    int64_t time = n ? v[0].timestamp : -1, greatest = time;
    size_t len = 0, packed = 0;

    for (int i = 0; i < n; i++) {
        len += keyed_record(plain + len, &v[i], base, time);
        if (v[i].timestamp > greatest)
            greatest = v[i].timestamp;
    }
    if (b->codec == OD_COMPRESS_NONE)
        memcpy(out + OD_BATCH_HEADER_BYTES, plain, packed = len);
    else
        CHECK_OK(od_compress(b->codec, 0, (struct od_bytes){ plain, len },
                             out + OD_BATCH_HEADER_BYTES, KEYED_BYTES_MAX, &packed));
    len = OD_BATCH_HEADER_BYTES + packed;
    memset(out, 0, OD_BATCH_HEADER_BYTES);
    od_be64_store(out, (uint64_t)base);
    od_be32_store(out + 8, (uint32_t)(len - OD_BATCH_PREFIX_BYTES));
    out[16] = 2;
    od_be16_store(out + 21, (uint16_t)((int)b->codec | b->flags));
    od_be32_store(out + 23, (uint32_t)(last - base));
    od_be64_store(out + 27, (uint64_t)time);
    od_be64_store(out + 35, (uint64_t)greatest);
    od_be64_store(out + 43, (uint64_t)b->producer_id);
    od_be16_store(out + 51, (uint16_t)b->epoch);
    od_be32_store(out + 53, (uint32_t)b->sequence);
    od_be32_store(out + 57, (uint32_t)n);
    od_be32_store(out + 17, od_crc32c(out + OD_BATCH_CRC_POS, len - OD_BATCH_CRC_POS));
    return len;
}

/* The records of a whole batch, taken apart; returns how many. */
static inline int keyed_parse(const uint8_t *data, struct keyed *out, int max)
{
    static uint8_t plain[KEYED_BYTES_MAX];
    size_t len = od_be32_load(data + 8) + OD_BATCH_PREFIX_BYTES;
    int attributes = od_be16_load(data + 21), n = (int)od_be32_load(data + 57);
    struct od_expand_limits limits = { .total_bytes = sizeof(plain) };
    const uint8_t *p = data + OD_BATCH_HEADER_BYTES, *end = data + len;
    struct od_expand *expand;
    struct od_bytes window;
    size_t got = 0;

    CHECK_EQ(od_be32_load(data + 17), od_crc32c(data + OD_BATCH_CRC_POS, len - OD_BATCH_CRC_POS));
    CHECK(n <= max);
    if (attributes & OD_BATCH_COMPRESSION) {
        CHECK_OK(od_expand_open((enum od_compress)(attributes & OD_BATCH_COMPRESSION), p,
                                (size_t)(end - p), &limits, &expand));
        for (;;) {
            CHECK_OK(od_expand_next(expand, &window));
            if (!window.len)
                break;
            memcpy(plain + got, window.data, window.len);
            got += window.len;
        }
        od_expand_close(expand);
        p = plain;
        end = plain + got;
    }
    for (int i = 0; i < n; i++) {
        int64_t size = keyed_number(&p), klen, vlen;
        const uint8_t *stop = p + size;

        CHECK_EQ(*p++, 0);
        out[i].timestamp = (int64_t)od_be64_load(data + 27) + keyed_number(&p);
        out[i].offset = (int64_t)od_be64_load(data) + keyed_number(&p);
        klen = keyed_number(&p);
        out[i].key = klen < 0 ? NO_KEY : 0;
        for (int64_t j = 1; j < klen; j++)
            out[i].key = out[i].key * 10 + (p[j] - '0');
        p += klen < 0 ? 0 : klen;
        vlen = keyed_number(&p);
        out[i].value = vlen < 0 ? NO_VALUE : (int)od_be32_load(p);
        p += vlen < 0 ? 0 : vlen;
        CHECK_EQ(keyed_number(&p), 1);
        CHECK_EQ(keyed_number(&p), 1);
        CHECK_EQ(*p++, 'h');
        CHECK_EQ(keyed_number(&p), -1);
        CHECK(p == stop);
    }
    CHECK(p == end);
    return n;
}
