/* SPDX-License-Identifier: Apache-2.0 */
/* What a leader accepts from a producer, and what it puts right. */
#include "base/be.h"
#include "base/mem.h"
#include "test.h"
#include "wire/validate.h"

#include <string.h>

enum { NOW_MS = 1000000 };

static struct od_validate_rules rules(void)
{
    return (struct od_validate_rules) {
        .now_ms = NOW_MS,
        .timestamp_before_max_ms = INT64_MAX,
        .timestamp_after_max_ms = 3600000,
        .limits = {NULL, 256 << 20},
    };
}

static struct od_bytes bytes_of(const char *text)
{
    return (struct od_bytes) {(const uint8_t *)text, text ? strlen(text) : 0};
}

/* Three records; the keys may be NULL. */
static size_t build(uint8_t *data, size_t capacity, const char *const keys[3], int64_t timestamp)
{
    struct od_batch_header h = od_batch_plain(0, -1);
    struct od_batch_builder b;
    size_t len;

    od_batch_begin(&b, data, capacity, &h);
    for (int i = 0; i < 3; i++)
        od_batch_add(&b, timestamp + (i == 1 ? 10 : i), bytes_of(keys[i]), bytes_of("value"), NULL,
                     0);
    CHECK_OK(od_batch_end(&b, &len));
    return len;
}

static const char *const all_keys[3] = {"a", "b", "c"};
static const char *const some_keys[3] = {"a", NULL, "c"};

static void reseal(uint8_t *data, void (*change)(struct od_batch_header *h))
{
    struct od_batch_header h;

    CHECK_OK(od_batch_parse(data, OD_BATCH_HEADER_BYTES, &h));
    change(&h);
    od_batch_seal(data, &h);
}

TEST(a_good_batch_passes_in_every_compression)
{
    for (int codec = OD_COMPRESS_NONE; codec <= OD_COMPRESS_ZSTD; codec++) {
        uint8_t plain[512], data[512];
        size_t plain_len = build(plain, sizeof(plain), all_keys, NOW_MS), len;
        struct od_validate_rules r = rules();
        struct od_validate_result out;

        CHECK_OK(od_batch_repack((enum od_compress)codec, 0, (struct od_bytes) {plain, plain_len},
                                 data, sizeof(data), &len));
        r.compacted = true;
        CHECK_OK(od_validate_batch(data, len, &r, &out));
        CHECK_EQ(out.header.count, 3);
        CHECK_EQ(out.header.max_timestamp, NOW_MS + 10);
        CHECK_EQ(out.max_timestamp_delta, 1);
        CHECK_EQ(out.fault_count, 0);
    }
}

TEST(missing_keys_are_reported_by_index_only_where_the_topic_is_compacted)
{
    uint8_t data[512];
    size_t len = build(data, sizeof(data), some_keys, NOW_MS);
    struct od_validate_rules r = rules();
    struct od_validate_result out;

    CHECK_OK(od_validate_batch(data, len, &r, &out));
    r.compacted = true;
    CHECK_EQ(od_validate_batch(data, len, &r, &out), OD_INVALID_RECORD);
    CHECK_EQ(out.fault_count, 1);
    CHECK_EQ(out.faults[0].index, 1);
    CHECK_EQ(out.faults[0].err, OD_INVALID_RECORD);
}

static void wrong_max(struct od_batch_header *h)
{
    h->max_timestamp = 5;
}

TEST(a_wrong_max_timestamp_is_put_right_with_the_checksum)
{
    uint8_t data[512];
    size_t len = build(data, sizeof(data), all_keys, NOW_MS);
    struct od_validate_rules r = rules();
    struct od_validate_result out;
    struct od_batch_header h;

    reseal(data, wrong_max);
    CHECK_OK(od_validate_batch(data, len, &r, &out));
    CHECK_EQ(out.header.max_timestamp, NOW_MS + 10);
    CHECK_OK(od_batch_parse(data, len, &h));
    CHECK_EQ(h.max_timestamp, NOW_MS + 10);
    CHECK_OK(od_batch_check(data, &h));
}

TEST(log_append_time_stamps_the_batch)
{
    uint8_t data[512];
    size_t len = build(data, sizeof(data), all_keys, 5);
    struct od_validate_rules r = rules();
    struct od_validate_result out;

    r.log_append_time = true;
    r.timestamp_before_max_ms = 0;
    CHECK_OK(od_validate_batch(data, len, &r, &out));
    CHECK_EQ(out.header.max_timestamp, NOW_MS);
    CHECK_EQ(out.header.attributes, OD_BATCH_LOG_APPEND_TIME);
    CHECK_EQ(out.max_timestamp_delta, 2);
    CHECK_OK(od_batch_check(data, &out.header));
}

TEST(timestamps_pass_at_the_limit_and_fail_one_beyond)
{
    uint8_t data[512];
    size_t len = build(data, sizeof(data), all_keys, NOW_MS + 100);
    struct od_validate_rules r = rules();
    struct od_validate_result out;

    r.timestamp_after_max_ms = 110;
    CHECK_OK(od_validate_batch(data, len, &r, &out));
    r.timestamp_after_max_ms = 109;
    CHECK_EQ(od_validate_batch(data, len, &r, &out), OD_INVALID_TIMESTAMP);
    CHECK_EQ(out.faults[0].index, 1);
    len = build(data, sizeof(data), all_keys, NOW_MS - 100);
    r.timestamp_before_max_ms = 100;
    CHECK_OK(od_validate_batch(data, len, &r, &out));
    r.timestamp_before_max_ms = 99;
    CHECK_EQ(od_validate_batch(data, len, &r, &out), OD_INVALID_TIMESTAMP);
    CHECK_EQ(out.fault_count, 1);
    CHECK_EQ(out.faults[0].index, 0);
}

static void control(struct od_batch_header *h)
{
    h->attributes = OD_BATCH_CONTROL;
}

static void no_sequence(struct od_batch_header *h)
{
    h->producer_id = 4;
}

static void wrong_count(struct od_batch_header *h)
{
    h->count = 4;
}

static void wrong_count_and_delta(struct od_batch_header *h)
{
    h->count = 4;
    h->last_offset_delta = 3;
}

static void fewer(struct od_batch_header *h)
{
    h->count = 2;
    h->last_offset_delta = 1;
}

static void elsewhere(struct od_batch_header *h)
{
    h->base_offset = 1;
}

static void empty(struct od_batch_header *h)
{
    h->count = 0;
}

TEST(headers_that_lie_are_invalid_records)
{
    void (*const changes[])(struct od_batch_header *) = {
        control, no_sequence, wrong_count, wrong_count_and_delta, fewer, empty, elsewhere,
    };

    for (size_t i = 0; i < OD_COUNT(changes); i++) {
        uint8_t data[512];
        size_t len = build(data, sizeof(data), all_keys, NOW_MS);
        struct od_validate_rules r = rules();
        struct od_validate_result out;

        reseal(data, changes[i]);
        CHECK_EQ(od_validate_batch(data, len, &r, &out), OD_INVALID_RECORD);
        CHECK(out.text != NULL);
    }
}

static void append_time(struct od_batch_header *h)
{
    h->attributes = OD_BATCH_LOG_APPEND_TIME;
}

static void unknown_codec(struct od_batch_header *h)
{
    h->attributes = 5;
}

TEST(claimed_append_time_and_unknown_compression_have_their_own_errors)
{
    uint8_t data[512];
    size_t len = build(data, sizeof(data), all_keys, NOW_MS);
    struct od_validate_rules r = rules();
    struct od_validate_result out;

    reseal(data, append_time);
    CHECK_EQ(od_validate_batch(data, len, &r, &out), OD_INVALID_TIMESTAMP);
    reseal(data, unknown_codec);
    CHECK_EQ(od_validate_batch(data, len, &r, &out), OD_UNSUPPORTED_COMPRESSION_TYPE);
}

TEST(old_formats_are_invalid_records)
{
    uint8_t data[512];
    size_t len = build(data, sizeof(data), all_keys, NOW_MS);
    struct od_validate_rules r = rules();
    struct od_validate_result out;

    for (uint8_t magic = 0; magic < 2; magic++) {
        data[16] = magic;
        CHECK_EQ(od_validate_batch(data, len, &r, &out), OD_INVALID_RECORD);
    }
}

TEST(two_batches_and_half_a_batch_are_refused)
{
    uint8_t data[1024];
    size_t len = build(data, sizeof(data), all_keys, NOW_MS);
    struct od_validate_rules r = rules();
    struct od_validate_result out;

    memcpy(data + len, data, len);
    CHECK_EQ(od_validate_batch(data, 2 * len, &r, &out), OD_INVALID_RECORD);
    CHECK_EQ(od_validate_batch(data, len - 1, &r, &out), OD_INVALID_RECORD);
    CHECK_EQ(od_validate_batch(data, 0, &r, &out), OD_INVALID_RECORD);
    data[len - 1] ^= 1;
    CHECK_EQ(od_validate_batch(data, len, &r, &out), OD_CORRUPT_MESSAGE);
}

/* Where a record says how long it is and what it is: not attributes, timestamp, key and value. */
static bool is_structure(size_t at)
{
    static const bool layout[] = {true,  false, false, true,  true,  false, true,
                                  false, false, false, false, false, true};

    return layout[(at - OD_BATCH_HEADER_BYTES) % sizeof(layout)];
}

TEST(any_change_to_the_structure_of_a_record_is_refused)
{
    uint8_t good[512], data[512];
    size_t len = build(good, sizeof(good), all_keys, NOW_MS);

    CHECK_EQ(len, OD_BATCH_HEADER_BYTES + 3 * 13);
    for (size_t at = OD_BATCH_HEADER_BYTES; at < len; at++) {
        for (int value = 0; value < 256; value++) {
            struct od_validate_rules r = rules();
            struct od_validate_result out;
            struct od_batch_header h;

            memcpy(data, good, len);
            data[at] = (uint8_t)value;
            CHECK_OK(od_batch_parse(data, len, &h));
            od_batch_seal(data, &h);
            if (is_structure(at) && data[at] != good[at])
                CHECK_EQ(od_validate_batch(data, len, &r, &out), OD_INVALID_RECORD);
            else
                (void)!od_validate_batch(data, len, &r, &out);
        }
    }
}

TEST(a_bomb_is_refused_at_the_limit_and_header_mode_does_not_look)
{
    static uint8_t plain[4 << 20], data[4 << 20];
    struct od_batch_header h = od_batch_plain(0, -1);
    struct od_batch_builder b;
    struct od_validate_rules r = rules();
    struct od_validate_result out;
    struct od_budget budget;
    uint8_t *zeros = od_zalloc(3 << 20);
    size_t plain_len;

    od_batch_begin(&b, plain, sizeof(plain), &h);
    od_batch_add(&b, NOW_MS, bytes_of("k"), (struct od_bytes) {zeros, 3 << 20}, NULL, 0);
    CHECK_OK(od_batch_end(&b, &plain_len));
    od_free(zeros);
    od_budget_init(&budget, 8 << 20);
    r.limits.budget = &budget;
    for (int codec = OD_COMPRESS_GZIP; codec <= OD_COMPRESS_ZSTD; codec++) {
        size_t len;

        CHECK_OK(od_batch_repack((enum od_compress)codec, 0, (struct od_bytes) {plain, plain_len},
                                 data, sizeof(data), &len));
        r.limits.total_bytes = (int64_t)plain_len - OD_BATCH_HEADER_BYTES;
        r.header_only = false;
        CHECK_OK(od_validate_batch(data, len, &r, &out));
        r.limits.total_bytes--;
        CHECK_EQ(od_validate_batch(data, len, &r, &out), OD_INVALID_RECORD);
        r.header_only = true;
        CHECK_OK(od_validate_batch(data, len, &r, &out));
        CHECK_EQ(budget.used_bytes, 0);
    }
}
