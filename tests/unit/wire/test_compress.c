/* SPDX-License-Identifier: Apache-2.0 */
/* Expanding: round trips, joined streams, xerial's snappy, damage, limits and the budget. */
#include "base/be.h"
#include "base/mem.h"
#include "test.h"
#include "wire/compress.h"

#include <string.h>

enum { PLAIN_BYTES = 300000, ROOM_BYTES = 700000 };

static uint8_t plain[PLAIN_BYTES], packed[ROOM_BYTES], expanded[ROOM_BYTES];

static void fill(void)
{
    uint32_t x = 12345;

    for (size_t i = 0; i < PLAIN_BYTES; i++) {
        x = x * 1664525 + 1013904223;
        plain[i] = i % 3 ? (uint8_t)(x >> 29) : 'x';
    }
}

static enum od_err expand(enum od_compress codec, size_t len, struct od_expand_limits limits,
                          size_t *out_len)
{
    struct od_expand *e;
    struct od_bytes window;
    enum od_err err = od_expand_open(codec, packed, len, &limits, &e);

    *out_len = 0;
    while (!err) {
        err = od_expand_next(e, &window);
        if (err || window.len == 0)
            break;
        CHECK(window.len <= OD_EXPAND_WINDOW_BYTES || codec <= OD_COMPRESS_SNAPPY);
        CHECK(*out_len + window.len <= ROOM_BYTES);
        memcpy(expanded + *out_len, window.data, window.len);
        *out_len += window.len;
    }
    od_expand_close(e);
    return err;
}

static const struct od_expand_limits no_limits = {NULL, INT64_MAX};

TEST(every_codec_gives_back_what_it_was_given)
{
    static const size_t lens[] = {0, 1, 65535, 65536, 65537, 131072, PLAIN_BYTES};

    fill();
    for (int c = OD_COMPRESS_NONE; c <= OD_COMPRESS_ZSTD; c++) {
        for (size_t i = 0; i < OD_COUNT(lens); i++) {
            enum od_compress codec = (enum od_compress)c;
            size_t len, out_len;

            CHECK(od_compress_bound(codec, lens[i]) <= ROOM_BYTES);
            CHECK_OK(od_compress(codec, 0, (struct od_bytes) {plain, lens[i]}, packed,
                                 od_compress_bound(codec, lens[i]), &len));
            CHECK_OK(expand(codec, len, no_limits, &out_len));
            CHECK_EQ(out_len, lens[i]);
            CHECK_MEM(expanded, plain, out_len);
        }
    }
}

TEST(joined_streams_are_read_as_one)
{
    static const enum od_compress codecs[] = {OD_COMPRESS_GZIP, OD_COMPRESS_LZ4, OD_COMPRESS_ZSTD};

    fill();
    for (size_t i = 0; i < OD_COUNT(codecs); i++) {
        size_t first, second, out_len;

        CHECK_OK(
            od_compress(codecs[i], 0, (struct od_bytes) {plain, 100}, packed, ROOM_BYTES, &first));
        CHECK_OK(od_compress(codecs[i], 0, (struct od_bytes) {plain + 100, 900}, packed + first,
                             ROOM_BYTES - first, &second));
        CHECK_OK(expand(codecs[i], first + second, no_limits, &out_len));
        CHECK_EQ(out_len, 1000);
        CHECK_MEM(expanded, plain, 1000);
    }
}

/* As xerial's Java library frames it. */
static size_t pack_xerial(size_t blocks, size_t block_bytes)
{
    static const uint8_t head[16] = {0x82, 'S', 'N', 'A', 'P', 'P', 'Y', 0, 0, 0, 0, 1, 0, 0, 0, 1};
    size_t at = sizeof(head);

    memcpy(packed, head, sizeof(head));
    for (size_t i = 0; i < blocks; i++) {
        size_t len;

        CHECK_OK(od_compress(OD_COMPRESS_SNAPPY, 0,
                             (struct od_bytes) {plain + i * block_bytes, block_bytes},
                             packed + at + 4, ROOM_BYTES - at - 4, &len));
        od_be32_store(packed + at, (uint32_t)len);
        at += 4 + len;
    }
    return at;
}

TEST(xerial_framed_snappy_is_expanded_block_by_block)
{
    size_t len, out_len;

    fill();
    len = pack_xerial(8, 32768);
    CHECK_OK(expand(OD_COMPRESS_SNAPPY, len, no_limits, &out_len));
    CHECK_EQ(out_len, 8 * 32768);
    CHECK_MEM(expanded, plain, out_len);
    CHECK_EQ(expand(OD_COMPRESS_SNAPPY, len - 1, no_limits, &out_len), OD_E_CORRUPT);
}

TEST(every_truncation_is_refused)
{
    fill();
    for (int c = OD_COMPRESS_GZIP; c <= OD_COMPRESS_ZSTD; c++) {
        size_t len, out_len;

        CHECK_OK(od_compress((enum od_compress)c, 0, (struct od_bytes) {plain, 300}, packed,
                             ROOM_BYTES, &len));
        /* Nothing at all is an empty stream where frames may be joined. */
        for (size_t cut = 1; cut < len; cut++)
            CHECK_EQ(expand((enum od_compress)c, cut, no_limits, &out_len), OD_E_CORRUPT);
    }
}

TEST(changed_bytes_never_expand_beyond_the_limit_or_keep_memory)
{
    uint32_t x = 99;

    fill();
    for (int c = OD_COMPRESS_GZIP; c <= OD_COMPRESS_ZSTD; c++) {
        for (int round = 0; round < 300; round++) {
            struct od_budget budget;
            struct od_expand_limits limits = {&budget, ROOM_BYTES};
            size_t len, out_len;

            od_budget_init(&budget, 16 << 20);
            CHECK_OK(od_compress((enum od_compress)c, 0, (struct od_bytes) {plain, 5000}, packed,
                                 ROOM_BYTES, &len));
            for (int k = 0; k < 3; k++) {
                x = x * 1664525 + 1013904223;
                packed[(x >> 8) % (k == 0 ? 12 : len)] = (uint8_t)x;
            }
            (void)!expand((enum od_compress)c, len, limits, &out_len);
            CHECK_EQ(budget.used_bytes, 0);
        }
    }
}

TEST(a_budget_too_small_is_said_at_once)
{
    size_t len, out_len;

    fill();
    for (int c = OD_COMPRESS_GZIP; c <= OD_COMPRESS_ZSTD; c++) {
        struct od_budget budget;

        od_budget_init(&budget, 1000);
        CHECK_OK(od_compress((enum od_compress)c, 0, (struct od_bytes) {plain, 5000}, packed,
                             ROOM_BYTES, &len));
        CHECK_EQ(expand((enum od_compress)c, len, (struct od_expand_limits) {&budget, INT64_MAX},
                        &out_len),
                 OD_E_NO_MEMORY);
        CHECK_EQ(budget.used_bytes, 0);
    }
}

TEST(a_zstd_window_beyond_the_largest_is_refused_before_memory_is_taken)
{
    static const uint8_t frame[] = {0x28, 0xb5, 0x2f, 0xfd, 0x00, 0xf8, 1, 0, 0};
    size_t out_len;

    memcpy(packed, frame, sizeof(frame));
    CHECK_EQ(expand(OD_COMPRESS_ZSTD, sizeof(frame), no_limits, &out_len), OD_E_LIMIT);
}
