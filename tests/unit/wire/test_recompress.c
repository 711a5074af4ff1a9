/* SPDX-License-Identifier: Apache-2.0 */
/* Any compression into any other: the records, their offsets and times stay what they were. */
#include "wire/recompress.h"

#include "base/mem.h"
#include "test.h"
#include "wire/validate.h"

#include <stdio.h>
#include <string.h>

enum { RECORDS = 500, BATCH_BYTES_MAX = 1 << 18, CODECS = OD_COMPRESS_ZSTD + 1 };

static struct od_bytes bytes_of(const char *text)
{
    return (struct od_bytes){(uint8_t *)(uintptr_t)text, strlen(text)};
}

/* Records with and without key and headers, at times that fall. */
static size_t build(uint8_t *out)
{
    struct od_record_header header = {bytes_of("name"), bytes_of("value")};
    struct od_batch_header h = od_batch_plain(0, -1);
    struct od_batch_builder b;
    char key[32], value[200];
    size_t len;

    h.producer_id = 77;
    h.producer_epoch = 3;
    h.base_sequence = 12;
    od_batch_begin(&b, out, BATCH_BYTES_MAX, &h);
    for (int i = 0; i < RECORDS; i++) {
        snprintf(key, sizeof(key), "key %d", i);
        snprintf(value, sizeof(value), "value %d of some length, as values have %0*d", i, i % 90,
                 i);
        od_batch_add(&b, 1000000 - i * 3, i % 5 ? bytes_of(key) : (struct od_bytes){NULL, 0},
                     bytes_of(value), &header, i % 2);
    }
    CHECK_OK(od_batch_end(&b, &len));
    return len;
}

static size_t build_as(enum od_compress codec, uint8_t *out)
{
    uint8_t *plain = od_alloc(BATCH_BYTES_MAX);
    size_t len = build(plain);

    CHECK_OK(od_batch_repack(codec, 0, (struct od_bytes){plain, len}, out, BATCH_BYTES_MAX, &len));
    od_free(plain);
    return len;
}

static struct od_validate_result validated(uint8_t *data, size_t len)
{
    struct od_validate_rules rules = {.timestamp_before_max_ms = INT64_MAX,
                                      .timestamp_after_max_ms = INT64_MAX,
                                      .limits = {.total_bytes = 1 << 24}};
    struct od_validate_result result;

    CHECK_OK(od_validate_batch(data, len, &rules, &result));
    return result;
}

static void same_bytes(struct od_bytes a, struct od_bytes b)
{
    CHECK(!a.data == !b.data);
    CHECK_EQ(a.len, b.len);
    CHECK(a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

static void same_records(const uint8_t *a, const uint8_t *b, size_t b_len)
{
    struct od_expand_limits limits = {.total_bytes = 1 << 24};
    struct od_batch_header ah, bh;
    struct od_record_stream as, bs;
    struct od_record ar, br;

    CHECK_OK(od_batch_parse(a, OD_BATCH_HEADER_BYTES, &ah));
    CHECK_OK(od_batch_parse(b, b_len, &bh));
    CHECK_EQ(od_batch_bytes(&bh), b_len);
    CHECK_OK(od_batch_check(b, &bh));
    CHECK_EQ(ah.base_timestamp, bh.base_timestamp);
    CHECK_EQ(ah.max_timestamp, bh.max_timestamp);
    CHECK_EQ(ah.producer_id, bh.producer_id);
    CHECK_EQ(ah.producer_epoch, bh.producer_epoch);
    CHECK_EQ(ah.base_sequence, bh.base_sequence);
    CHECK_EQ(ah.attributes & ~OD_BATCH_COMPRESSION, bh.attributes & ~OD_BATCH_COMPRESSION);
    CHECK_OK(od_record_stream_open(&as, a, &ah, &limits));
    CHECK_OK(od_record_stream_open(&bs, b, &bh, &limits));
    for (int i = 0; i < RECORDS; i++) {
        CHECK_OK(od_record_stream_next(&as, &ar));
        CHECK_OK(od_record_stream_next(&bs, &br));
        CHECK_EQ(ar.offset, br.offset);
        CHECK_EQ(ar.timestamp, br.timestamp);
        same_bytes(ar.key, br.key);
        same_bytes(ar.value, br.value);
        same_bytes(ar.headers, br.headers);
    }
    CHECK_EQ(od_record_stream_next(&bs, &br), OD_E_NOT_FOUND);
    od_record_stream_close(&as);
    od_record_stream_close(&bs);
}

TEST(any_compression_becomes_any_other_with_the_same_records)
{
    uint8_t *data = od_alloc(BATCH_BYTES_MAX);

    for (int from = 0; from < CODECS; from++)
        for (int to = 0; to < CODECS; to++) {
            size_t len = build_as((enum od_compress)from, data), stored;
            struct od_validate_result v = validated(data, len);
            struct od_budget budget;
            struct od_recompress how = {.codec = (enum od_compress)to,
                                        .records_bytes = v.records_bytes,
                                        .budget = &budget};
            struct od_batch_header h;
            struct od_buf *out;

            if (from == to)
                continue;
            od_budget_init(&budget, 64 << 20);
            CHECK_OK(od_batch_recompress(data, &v.header, &how, &out, &stored));
            CHECK_OK(od_batch_parse(out->data, stored, &h));
            CHECK_EQ(od_batch_compression(&h), to);
            same_records(data, out->data, stored);
            CHECK_EQ(validated(out->data, stored).records_bytes, v.records_bytes);
            od_buf_unref(out);
            CHECK_EQ(atomic_load(&budget.used_bytes), 0);
        }
    od_free(data);
}

TEST(log_append_time_survives_another_compression)
{
    uint8_t *data = od_alloc(BATCH_BYTES_MAX);
    size_t len = build_as(OD_COMPRESS_LZ4, data), stored;
    struct od_validate_rules rules = {.log_append_time = true,
                                      .now_ms = 5000000,
                                      .timestamp_before_max_ms = 1,
                                      .timestamp_after_max_ms = 1,
                                      .limits = {.total_bytes = 1 << 24}};
    struct od_validate_result v;
    struct od_recompress how = {.codec = OD_COMPRESS_ZSTD};
    struct od_batch_header h;
    struct od_buf *out;

    CHECK_OK(od_validate_batch(data, len, &rules, &v));
    how.records_bytes = v.records_bytes;
    CHECK_OK(od_batch_recompress(data, &v.header, &how, &out, &stored));
    CHECK_OK(od_batch_parse(out->data, stored, &h));
    CHECK(h.attributes & OD_BATCH_LOG_APPEND_TIME);
    CHECK_EQ(h.max_timestamp, 5000000);
    CHECK_OK(od_batch_check(out->data, &h));
    od_buf_unref(out);
    od_free(data);
}

TEST(the_level_counts)
{
    static const enum od_compress codecs[] = {OD_COMPRESS_GZIP, OD_COMPRESS_LZ4, OD_COMPRESS_ZSTD};
    static const int least[] = {1, 1, -50}, most[] = {9, 12, 3};
    uint8_t *data = od_alloc(BATCH_BYTES_MAX);
    size_t len = build(data);
    struct od_validate_result v = validated(data, len);

    for (size_t i = 0; i < OD_COUNT(codecs); i++) {
        struct od_recompress how = {codecs[i], least[i], v.records_bytes, NULL};
        size_t quick, small;
        struct od_buf *out;

        CHECK_OK(od_batch_recompress(data, &v.header, &how, &out, &quick));
        od_buf_unref(out);
        how.level = most[i];
        CHECK_OK(od_batch_recompress(data, &v.header, &how, &out, &small));
        CHECK(small < quick);
        same_records(data, out->data, small);
        od_buf_unref(out);
    }
    od_free(data);
}

TEST(without_memory_in_the_budget_nothing_is_kept)
{
    uint8_t *data = od_alloc(BATCH_BYTES_MAX);
    size_t len = build_as(OD_COMPRESS_ZSTD, data), stored;
    struct od_validate_result v = validated(data, len);
    struct od_budget budget;
    struct od_recompress how = {OD_COMPRESS_GZIP, 0, v.records_bytes, &budget};
    bool enough = false;

    for (int64_t limit = 1024; !enough; limit *= 2) {
        struct od_buf *out;
        enum od_err err;

        od_budget_init(&budget, limit);
        err = od_batch_recompress(data, &v.header, &how, &out, &stored);
        enough = !err;
        CHECK(enough ? out != NULL : err == OD_E_NO_MEMORY && out == NULL);
        od_buf_unref(out);
        CHECK_EQ(atomic_load(&budget.used_bytes), 0);
    }
    od_free(data);
}
