/* SPDX-License-Identifier: Apache-2.0 */
/* Batches of format 2: 61 bytes of header, then records. */
#include "batches.h"

#include "base/be.h"
#include "base/crc32c.h"

#include <string.h>

enum { HEADER_BYTES = 61, CRC_POS = 17, ATTRIBUTES_POS = 21, RECORD_HEAD_MAX = 32 };

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

static uint8_t filling(uint64_t number, size_t i)
{
    return (uint8_t)(number * 31 + i * 7);
}

size_t batch_bytes_max(int n, size_t fill)
{
    return HEADER_BYTES + (size_t)n * (RECORD_HEAD_MAX + 8 + fill);
}

static size_t put_record(uint8_t *p, int index, uint64_t number, size_t fill)
{
    uint8_t head[RECORD_HEAD_MAX];
    size_t n = 0, at;

    head[n++] = 0;                                  /* attributes */
    n += put_varint(head + n, 0);                   /* timestamp delta */
    n += put_varint(head + n, index);               /* offset delta */
    n += put_varint(head + n, -1);                  /* no key */
    n += put_varint(head + n, (int64_t)(8 + fill)); /* value */
    at = put_varint(p, (int64_t)(n + 8 + fill + 1));
    memcpy(p + at, head, n);
    at += n;
    od_be64_store(p + at, number);
    at += 8;
    for (size_t i = 0; i < fill; i++)
        p[at++] = filling(number, i);
    p[at++] = 0; /* no headers */
    return at;
}

size_t batch_build(uint8_t *out, uint64_t first, int n, size_t fill, int64_t timestamp_ms)
{
    size_t len = HEADER_BYTES;

    memset(out, 0, HEADER_BYTES);
    for (int i = 0; i < n; i++)
        len += put_record(out + len, i, first + (uint64_t)i, fill);
    od_be32_store(out + 8, (uint32_t)(len - 12));
    od_be32_store(out + 12, UINT32_MAX); /* leader epoch: the broker's to set */
    out[16] = 2;
    od_be32_store(out + 23, (uint32_t)(n - 1)); /* last offset delta */
    od_be64_store(out + 27, (uint64_t)timestamp_ms);
    od_be64_store(out + 35, (uint64_t)timestamp_ms);
    memset(out + 43, 0xff, 14); /* no producer id, epoch, sequence */
    od_be32_store(out + 57, (uint32_t)n);
    od_be32_store(out + CRC_POS, od_crc32c(out + ATTRIBUTES_POS, len - ATTRIBUTES_POS));
    return len;
}

void batch_identify(uint8_t *batch, size_t len, int64_t producer_id, int16_t epoch,
                    int32_t sequence)
{
    od_be64_store(batch + 43, (uint64_t)producer_id);
    od_be16_store(batch + 51, (uint16_t)epoch);
    od_be32_store(batch + 53, (uint32_t)sequence);
    od_be32_store(batch + CRC_POS, od_crc32c(batch + ATTRIBUTES_POS, len - ATTRIBUTES_POS));
}

void batch_place(uint8_t *batch, int64_t base_offset, int32_t leader_epoch)
{
    od_be64_store(batch, (uint64_t)base_offset);
    od_be32_store(batch + 12, (uint32_t)leader_epoch);
}

static bool walk_record(const uint8_t **p, const uint8_t *end, int64_t *delta, uint64_t *number)
{
    const uint8_t *stop;
    int64_t len, key, value, v;

    if (!get_varint(p, end, &len) || len < 0 || len > end - *p)
        return false;
    stop = *p + len;
    (*p)++; /* attributes */
    if (!get_varint(p, stop, &v) || !get_varint(p, stop, delta) || !get_varint(p, stop, &key) ||
        !get_varint(p, stop, &value) || key != -1 || value < 8 || value + 1 != stop - *p)
        return false;
    *number = od_be64_load(*p);
    for (size_t i = 0; i < (size_t)value - 8; i++)
        if ((*p)[8 + i] != filling(*number, i))
            return false;
    *p = stop;
    return true;
}

bool batch_walk(const uint8_t *data, size_t len,
                void (*each)(void *arg, int64_t offset, uint64_t number), void *arg,
                const char **why)
{
    *why = NULL;
    while (len >= HEADER_BYTES) {
        int64_t base = (int64_t)od_be64_load(data);
        size_t bytes = 12 + (size_t)od_be32_load(data + 8);
        const uint8_t *p = data + HEADER_BYTES;

        if (bytes > len)
            return true; /* cut off by the answer's limit */
        if (bytes < HEADER_BYTES || data[16] != 2) {
            *why = "length or magic";
        } else if (od_crc32c(data + ATTRIBUTES_POS, bytes - ATTRIBUTES_POS) !=
                   od_be32_load(data + CRC_POS)) {
            *why = "CRC";
        }
        for (uint32_t i = 0; !*why && i < od_be32_load(data + 57); i++) {
            int64_t delta;
            uint64_t number;

            if (walk_record(&p, data + bytes, &delta, &number) && delta == (int64_t)i)
                each(arg, base + delta, number);
            else
                *why = "record";
        }
        if (*why)
            return false;
        data += bytes;
        len -= bytes;
    }
    return true;
}
