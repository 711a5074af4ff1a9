/* SPDX-License-Identifier: Apache-2.0 */
/* Compression bombs: a batch of some bytes whose one record claims and expands to gigabytes. */
#include "hostile.h"

#include "base/mem.h"

#include <zlib.h>

enum { BOMB_BYTES_MAX = 1000000, RUN_BYTES = 128 << 10 };

/* What every bomb begins with: a record of 2 GiB less some bytes, of which zeros follow. */
static size_t write_record_start(uint8_t *data, size_t capacity)
{
    struct od_writer w = od_writer_of(data, capacity);

    od_write_varint(&w, INT32_MAX - 64);
    od_write_i8(&w, 0);
    od_write_varlong(&w, 0);
    od_write_varint(&w, 0);
    od_write_varint(&w, -1);
    od_write_varint(&w, INT32_MAX - 128);
    CHECK_OK(w.err);
    return od_writer_len(&w);
}

/* A frame of one raw block and then runs of zeros: 128 KiB for each four bytes. */
static size_t zstd_bomb(uint8_t *out, size_t capacity)
{
    static const uint8_t head[] = { 0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x58 }; /* a window of 2 MiB */
    uint8_t start[32];
    size_t start_len = write_record_start(start, sizeof(start)), len = sizeof(head);

    memcpy(out, head, sizeof(head));
    out[len++] = (uint8_t)(start_len << 3);
    out[len++] = 0;
    out[len++] = 0;
    memcpy(out + len, start, start_len);
    len += start_len;
    while (len + 8 <= capacity) {
        uint32_t block = (RUN_BYTES << 3) | 1 << 1; /* not the last; a run */

        out[len++] = (uint8_t)block;
        out[len++] = (uint8_t)(block >> 8);
        out[len++] = (uint8_t)(block >> 16);
        out[len++] = 0;
    }
    return len;
}

static size_t gzip_bomb(uint8_t *out, size_t capacity)
{
    static uint8_t zeros[RUN_BYTES];
    z_stream z = { .next_out = out, .avail_out = (uInt)capacity - 1024 };
    uint8_t start[32];

    CHECK_EQ(deflateInit2(&z, 1, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    z.next_in = start;
    z.avail_in = (uInt)write_record_start(start, sizeof(start));
    CHECK_EQ(deflate(&z, Z_NO_FLUSH), Z_OK);
    for (int i = 0; i < 1024 && z.avail_out > 1024; i++) { /* at most 128 MiB */
        z.next_in = zeros;
        z.avail_in = sizeof(zeros);
        CHECK_EQ(deflate(&z, Z_NO_FLUSH), Z_OK);
    }
    deflate(&z, Z_FINISH);
    capacity = z.total_out;
    deflateEnd(&z);
    return capacity;
}

/* A frame of independent blocks, each of which is one match that repeats a zero. */
static size_t lz4_bomb(uint8_t *out, size_t capacity)
{
    static const uint8_t head[] = {
        0x04, 0x22, 0x4d, 0x18, 0x60, 0x70, 0x73
    }; /* blocks of 4 MiB */
    enum { BLOCK_BYTES = 4 << 20, MATCH_BYTES = BLOCK_BYTES / 255 };
    uint8_t start[32];
    size_t start_len = write_record_start(start, sizeof(start)), len = sizeof(head);

    memcpy(out, head, sizeof(head));
    while (len + 64 + MATCH_BYTES <= capacity) {
        uint8_t *block = out + len;
        size_t n = 4;

        block[n++] = 0xff; /* literals, then a match, both longer than 14 */
        block[n++] = (uint8_t)(start_len + 1 - 15 + 4);
        memcpy(block + n, start, start_len);
        memset(block + n + start_len, 0, 5);
        n += start_len + 5;
        block[n++] = 1; /* the distance of the match */
        block[n++] = 0;
        memset(block + n, 0xff, MATCH_BYTES - 2);
        n += MATCH_BYTES - 2;
        block[n++] = 0;
        block[n++] = 0x50; /* the last five bytes are literals */
        memset(block + n, 0, 5);
        n += 5;
        for (int i = 0; i < 4; i++)
            block[i] = (uint8_t)((n - 4) >> (8 * i));
        len += n;
    }
    return len;
}

/* Raw snappy says its whole length at the start. */
static size_t snappy_bomb(uint8_t *out, size_t capacity)
{
    static const uint8_t length[] = { 0xff, 0xff, 0xff, 0xff, 0x07 };
    uint8_t start[32];
    size_t start_len = write_record_start(start, sizeof(start)), len = sizeof(length);

    memcpy(out, length, sizeof(length));
    out[len++] = (uint8_t)((start_len - 1) << 2);
    memcpy(out + len, start, start_len);
    for (len += start_len; len + 3 <= capacity; len += 3) {
        out[len] = 0xfe;  /* copy 64 bytes */
        out[len + 1] = 1; /* from one byte before */
        out[len + 2] = 0;
    }
    return len;
}

static size_t (*const bombs[])(uint8_t *out, size_t capacity) = {
    [OD_COMPRESS_GZIP] = gzip_bomb,
    [OD_COMPRESS_SNAPPY] = snappy_bomb,
    [OD_COMPRESS_LZ4] = lz4_bomb,
    [OD_COMPRESS_ZSTD] = zstd_bomb,
};

static void drop(struct raw *c, const struct topic *t, int codec, size_t bytes)
{
    uint8_t *data = od_zalloc(BOMB_BYTES_MAX + OD_BATCH_HEADER_BYTES);
    struct od_batch_header h = od_batch_plain(0, -1);
    struct od_produce_rsp rsp;
    struct produce_one one;
    size_t len = bombs[codec](data + OD_BATCH_HEADER_BYTES, bytes);

    h.magic = OD_BATCH_MAGIC;
    h.length = (int32_t)(len + OD_BATCH_HEADER_BYTES - OD_BATCH_PREFIX_BYTES);
    h.attributes = (int16_t)codec;
    h.count = 1;
    od_batch_seal(data, &h);
    produce_one(&one, t, 0, -1, data, len + OD_BATCH_HEADER_BYTES);
    CHECK_EQ(raw_call(c, OD_produce_KEY, 13, &one.req, &rsp), RAW_ANSWER);
    CHECK_EQ(rsp.responses.v[0].partition_responses.v[0].error_code, OD_INVALID_RECORD);
    CHECK_EQ(ask_end(c, t), 0);
    od_free(data);
}

TEST(small_bombs_of_each_codec_are_refused)
{
    struct raw *c;
    struct topic t;

    watch_begin();
    c = raw_open();
    t = ask_create(c, "bombed", 1, NULL);
    for (int codec = OD_COMPRESS_GZIP; codec <= OD_COMPRESS_ZSTD; codec++)
        drop(c, &t, codec, codec == OD_COMPRESS_LZ4 ? 40000 : 2048);
    raw_close(c);
    watch_end();
}

TEST(large_bombs_of_each_codec_are_refused_while_others_are_served)
{
    struct raw *c;
    struct topic t;

    watch_begin();
    c = raw_open();
    t = ask_create(c, "bombed", 1, NULL);
    for (int codec = OD_COMPRESS_GZIP; codec <= OD_COMPRESS_ZSTD; codec++)
        drop(c, &t, codec, BOMB_BYTES_MAX);
    raw_close(c);
    watch_end();
}

TEST(many_bombs_at_once_share_the_helpers)
{
    enum { PEERS = 8 };
    struct raw *peers[PEERS];
    struct topic t;
    uint8_t *data = od_zalloc(BOMB_BYTES_MAX + OD_BATCH_HEADER_BYTES);
    struct od_batch_header h = od_batch_plain(0, -1);
    struct od_produce_rsp rsp;
    struct produce_one one;
    size_t len;

    watch_begin();
    len = zstd_bomb(data + OD_BATCH_HEADER_BYTES, BOMB_BYTES_MAX);
    h.magic = OD_BATCH_MAGIC;
    h.length = (int32_t)(len + OD_BATCH_HEADER_BYTES - OD_BATCH_PREFIX_BYTES);
    h.attributes = OD_COMPRESS_ZSTD;
    h.count = 1;
    od_batch_seal(data, &h);
    for (int i = 0; i < PEERS; i++) {
        peers[i] = raw_open();
        if (i == 0)
            t = ask_create(peers[i], "bombed", 1, NULL);
        produce_one(&one, &t, 0, -1, data, len + OD_BATCH_HEADER_BYTES);
        CHECK(raw_send(peers[i], OD_produce_KEY, 13, &one.req));
    }
    for (int i = 0; i < PEERS; i++) {
        CHECK_EQ(raw_receive(peers[i], OD_produce_KEY, 13, &rsp, 2 * RAW_PATIENCE_MS), RAW_ANSWER);
        CHECK(rsp.responses.v[0].partition_responses.v[0].error_code != OD_NONE);
        raw_close(peers[i]);
    }
    od_free(data);
    watch_end();
}
