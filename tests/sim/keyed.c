/* SPDX-License-Identifier: Apache-2.0 */
/* Keys of four bytes, values of four bytes or null; compacted batches have gaps, or no record. */
#include "keyed.h"

#include "base/be.h"
#include "base/crc32c.h"

#include <string.h>

enum { HEADER_BYTES = 61, CRC_POS = 17, ATTRIBUTES_POS = 21 };

static size_t put_varint(uint8_t *p, int64_t v)
{
    uint64_t z = ((uint64_t)v << 1) ^ (uint64_t)(v >> 63);
    size_t n = 0;

    for (; z >= 0x80; z >>= 7)
        p[n++] = (uint8_t)(z | 0x80);
    p[n++] = (uint8_t)z;
    return n;
}

static bool get_varint(const uint8_t **p, const uint8_t *end, int64_t *out)
{
    uint64_t z = 0;

    for (unsigned shift = 0; shift < 64; shift += 7) {
        if (*p == end)
            return false;
        z |= (uint64_t)(**p & 0x7f) << shift;
        if (!(*(*p)++ & 0x80)) {
            *out = (int64_t)(z >> 1) ^ -(int64_t)(z & 1);
            return true;
        }
    }
    return false;
}

static size_t put_record(uint8_t *out, int index, const struct keyed *r)
{
    uint8_t body[64];
    size_t n = 0, at;

    body[n++] = 0;
    n += put_varint(body + n, 0);
    n += put_varint(body + n, index);
    n += put_varint(body + n, 4);
    od_be32_store(body + n, r->key);
    n += 4;
    n += put_varint(body + n, r->number ? 4 : -1);
    if (r->number) {
        od_be32_store(body + n, r->number);
        n += 4;
    }
    body[n++] = 0;
    at = put_varint(out, (int64_t)n);
    memcpy(out + at, body, n);
    return at + n;
}

size_t keyed_build(uint8_t *out, int64_t base, const struct keyed *v, int n, int64_t timestamp_ms)
{
    size_t len = HEADER_BYTES;

    memset(out, 0, HEADER_BYTES);
    for (int i = 0; i < n; i++)
        len += put_record(out + len, i, &v[i]);
    od_be64_store(out, (uint64_t)base);
    od_be32_store(out + 8, (uint32_t)(len - 12));
    out[16] = 2;
    od_be32_store(out + 23, (uint32_t)(n - 1));
    od_be64_store(out + 27, (uint64_t)timestamp_ms);
    od_be64_store(out + 35, (uint64_t)timestamp_ms);
    memset(out + 43, 0xff, 14);
    od_be32_store(out + 57, (uint32_t)n);
    od_be32_store(out + CRC_POS, od_crc32c(out + ATTRIBUTES_POS, len - ATTRIBUTES_POS));
    return len;
}

static bool take_record(const uint8_t **p, const uint8_t *end, int64_t *delta, struct keyed *out)
{
    const uint8_t *stop;
    int64_t len, v;

    if (!get_varint(p, end, &len) || len < 1 || len > end - *p)
        return false;
    stop = *p + len;
    (*p)++;
    if (!get_varint(p, stop, &v) || !get_varint(p, stop, delta) || !get_varint(p, stop, &v) ||
        v != 4 || stop - *p < 5)
        return false;
    *out = (struct keyed){ .key = od_be32_load(*p) };
    *p += 4;
    if (!get_varint(p, stop, &v) || (v != 4 && v != -1) || stop - *p != (v == 4) * 4 + 1)
        return false;
    if (v == 4)
        out->number = od_be32_load(*p);
    *p = stop;
    return true;
}

static const char *walk_batch(const uint8_t *data, size_t bytes,
                              void (*each)(void *arg, int64_t offset, const struct keyed *r),
                              void *arg)
{
    const uint8_t *p = data + HEADER_BYTES;
    int64_t base = (int64_t)od_be64_load(data), delta, before = -1;
    struct keyed r;

    if (od_crc32c(data + ATTRIBUTES_POS, bytes - ATTRIBUTES_POS) != od_be32_load(data + CRC_POS))
        return "CRC";
    for (uint32_t i = 0; i < od_be32_load(data + 57); i++) {
        if (!take_record(&p, data + bytes, &delta, &r))
            return "record";
        if (delta <= before || delta > (int64_t)od_be32_load(data + 23))
            return "offset delta";
        before = delta;
        each(arg, base + delta, &r);
    }
    return p == data + bytes ? NULL : "length";
}

bool keyed_walk(const uint8_t *data, size_t len,
                void (*each)(void *arg, int64_t offset, const struct keyed *r), void *arg,
                int64_t *next_offset, const char **why)
{
    *why = NULL;
    while (len >= HEADER_BYTES && !*why) {
        size_t bytes = 12 + (size_t)od_be32_load(data + 8);

        if (bytes < HEADER_BYTES || bytes > len || data[16] != 2) {
            *why = "length or magic";
            return false;
        }
        *why = walk_batch(data, bytes, each, arg);
        *next_offset = (int64_t)od_be64_load(data) + (int32_t)od_be32_load(data + 23) + 1;
        data += bytes;
        len -= bytes;
    }
    return !*why && len == 0;
}
