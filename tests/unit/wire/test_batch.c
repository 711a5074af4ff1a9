/* SPDX-License-Identifier: Apache-2.0 */
/* Record batches: known bytes, building, streaming, patching, refusing. */
#include "base/crc32c.h"
#include "base/mem.h"
#include "test.h"
#include "wire/batch.h"

#include <string.h>

static const struct od_expand_limits no_limits = {NULL, INT64_MAX};

/* One record, key "k", value "v", timestamp 1000, no producer; the checksum was computed apart. */
static const uint8_t one_record[] = {
    0,    0,    0,    0,    0,    0,    0,    7,       /* base offset */
    0,    0,    0,    58,                              /* length */
    0,    0,    0,    3,                               /* leader epoch */
    2,                                                 /* magic */
    0x71, 0x6a, 0x61, 0x89,                            /* crc */
    0,    0,                                           /* attributes */
    0,    0,    0,    0,                               /* last delta */
    0,    0,    0,    0,    0,    0,    3,    0xe8,    /* base timestamp */
    0,    0,    0,    0,    0,    0,    3,    0xe8,    /* max timestamp */
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,    /* producer id */
    0xff, 0xff,                                        /* producer epoch */
    0xff, 0xff, 0xff, 0xff,                            /* base sequence */
    0,    0,    0,    1,                               /* count */
    16,   0,    0,    0,    2,    'k',  2,    'v',  0, /* the record */
};

static struct od_bytes bytes_of(const char *text)
{
    return (struct od_bytes) {(const uint8_t *)text, text ? strlen(text) : 0};
}

/* n records with keys and values of value_bytes; returns the batch's size. */
static size_t build(uint8_t *data, size_t capacity, int32_t n, size_t value_bytes)
{
    struct od_batch_header header = od_batch_plain(100, 5);
    struct od_batch_builder b;
    uint8_t *value = od_zalloc(value_bytes + 1);
    size_t len;

    od_batch_begin(&b, data, capacity, &header);
    for (int32_t i = 0; i < n; i++) {
        memset(value, 'a' + i % 26, value_bytes);
        od_batch_add(&b, 1000 + i, bytes_of("key"), (struct od_bytes) {value, value_bytes}, NULL,
                     0);
    }
    CHECK_OK(od_batch_end(&b, &len));
    od_free(value);
    return len;
}

TEST(builder_writes_the_known_bytes)
{
    uint8_t data[sizeof(one_record)];
    struct od_batch_header header = od_batch_plain(7, 3);
    struct od_batch_builder b;
    size_t len;

    od_batch_begin(&b, data, sizeof(data), &header);
    od_batch_add(&b, 1000, bytes_of("k"), bytes_of("v"), NULL, 0);
    CHECK_OK(od_batch_end(&b, &len));
    CHECK_EQ(len, sizeof(one_record));
    CHECK_MEM(data, one_record, len);
}

TEST(parse_reads_every_field_of_the_header)
{
    struct od_batch_header h;

    CHECK_OK(od_batch_parse(one_record, sizeof(one_record), &h));
    CHECK_EQ(h.base_offset, 7);
    CHECK_EQ(od_batch_bytes(&h), sizeof(one_record));
    CHECK_EQ(h.leader_epoch, 3);
    CHECK_EQ(h.magic, 2);
    CHECK_EQ(h.base_timestamp, 1000);
    CHECK_EQ(h.max_timestamp, 1000);
    CHECK_EQ(h.producer_id, -1);
    CHECK_EQ(h.producer_epoch, -1);
    CHECK_EQ(h.base_sequence, -1);
    CHECK_EQ(h.count, 1);
    CHECK_EQ(od_batch_last_offset(&h), 7);
    CHECK_OK(od_batch_check(one_record, &h));
}

TEST(a_flipped_bit_behind_the_checksum_is_found)
{
    for (size_t at = 21; at < sizeof(one_record); at++) {
        uint8_t data[sizeof(one_record)];
        struct od_batch_header h;

        memcpy(data, one_record, sizeof(data));
        CHECK_OK(od_batch_parse(data, sizeof(data), &h));
        data[at] ^= 1;
        CHECK_EQ(od_batch_check(data, &h), OD_CORRUPT_MESSAGE);
    }
}

TEST(old_formats_are_recognised_and_wrong_lengths_refused)
{
    uint8_t data[sizeof(one_record)];
    struct od_batch_header h;

    memcpy(data, one_record, sizeof(data));
    CHECK_EQ(od_batch_parse(data, 16, &h), OD_E_TRUNCATED);
    CHECK_EQ(od_batch_parse(data, 60, &h), OD_E_TRUNCATED);
    CHECK_OK(od_batch_parse(data, 61, &h));
    data[16] = 1;
    CHECK_EQ(od_batch_parse(data, 17, &h), OD_UNSUPPORTED_FOR_MESSAGE_FORMAT);
    data[16] = 3;
    CHECK_EQ(od_batch_parse(data, sizeof(data), &h), OD_E_CORRUPT);
    data[16] = 2;
    data[11] = 48;
    CHECK_EQ(od_batch_parse(data, sizeof(data), &h), OD_E_CORRUPT);
    data[11] = 49;
    CHECK_OK(od_batch_parse(data, sizeof(data), &h));
    data[8] = 0x80;
    CHECK_EQ(od_batch_parse(data, sizeof(data), &h), OD_E_CORRUPT);
}

TEST(offset_and_epoch_change_without_the_checksum_and_the_max_timestamp_with_it)
{
    uint8_t data[sizeof(one_record)];
    struct od_batch_header h;

    memcpy(data, one_record, sizeof(data));
    od_batch_set_base_offset(data, INT64_MAX - 1);
    od_batch_set_leader_epoch(data, 9);
    CHECK_OK(od_batch_parse(data, sizeof(data), &h));
    CHECK_EQ(h.base_offset, INT64_MAX - 1);
    CHECK_EQ(h.leader_epoch, 9);
    CHECK_OK(od_batch_check(data, &h));
    od_batch_set_max_timestamp(data, true, 77);
    CHECK_OK(od_batch_parse(data, sizeof(data), &h));
    CHECK_EQ(h.max_timestamp, 77);
    CHECK_EQ(h.attributes, OD_BATCH_LOG_APPEND_TIME);
    CHECK_OK(od_batch_check(data, &h));
}

static void check_records(const uint8_t *data, int32_t n, size_t value_bytes)
{
    struct od_batch_header h;
    struct od_record_stream s;
    struct od_record r;

    CHECK_OK(od_batch_parse(data, OD_BATCH_HEADER_BYTES, &h));
    CHECK_OK(od_record_stream_open(&s, data, &h, &no_limits));
    for (int32_t i = 0; i < n; i++) {
        CHECK_OK(od_record_stream_next(&s, &r));
        CHECK_EQ(r.index, i);
        CHECK_EQ(r.offset, 100 + i);
        CHECK_EQ(r.timestamp, 1000 + i);
        CHECK_EQ(r.key.len, 3);
        CHECK_EQ(r.value.len, value_bytes);
        for (size_t k = 0; k < value_bytes; k++)
            CHECK_EQ(r.value.data[k], 'a' + i % 26);
        CHECK_EQ(r.header_count, 0);
    }
    CHECK_EQ(od_record_stream_next(&s, &r), OD_E_NOT_FOUND);
    od_record_stream_close(&s);
}

TEST(records_survive_every_compression_and_window_boundary)
{
    static const size_t value_bytes[] = {0, 1, 100, 65536, 200000};
    static uint8_t plain[8 << 20], packed[9 << 20];

    for (size_t v = 0; v < OD_COUNT(value_bytes); v++) {
        int32_t n = value_bytes[v] > 1000 ? 5 : 3000;
        size_t len = build(plain, sizeof(plain), n, value_bytes[v]);

        check_records(plain, n, value_bytes[v]);
        for (int codec = OD_COMPRESS_GZIP; codec <= OD_COMPRESS_ZSTD; codec++) {
            size_t packed_len;

            CHECK_OK(od_batch_repack((enum od_compress)codec, 0, (struct od_bytes) {plain, len},
                                     packed, sizeof(packed), &packed_len));
            check_records(packed, n, value_bytes[v]);
        }
    }
}

TEST(null_key_and_value_differ_from_empty_and_headers_come_back)
{
    uint8_t data[200];
    struct od_record_header headers[] = {{bytes_of("h"), bytes_of("x")}, {bytes_of(""), {0}}};
    struct od_record_header out;
    struct od_batch_header h = od_batch_plain(0, 0);
    struct od_batch_builder b;
    struct od_record_stream s;
    struct od_record r;
    size_t len;

    od_batch_begin(&b, data, sizeof(data), &h);
    od_batch_add(&b, 5, bytes_of(NULL), bytes_of(""), headers, 2);
    od_batch_add(&b, 3, bytes_of(""), bytes_of(NULL), NULL, 0);
    CHECK_OK(od_batch_end(&b, &len));
    CHECK_OK(od_batch_parse(data, len, &h));
    CHECK_EQ(h.max_timestamp, 5);
    CHECK_OK(od_record_stream_open(&s, data, &h, &no_limits));
    CHECK_OK(od_record_stream_next(&s, &r));
    CHECK(!r.key.data && r.value.data && r.value.len == 0);
    CHECK_EQ(r.header_count, 2);
    CHECK(od_record_header_next(&r.headers, &out));
    CHECK(out.key.len == 1 && out.key.data[0] == 'h' && out.value.data[0] == 'x');
    CHECK(od_record_header_next(&r.headers, &out));
    CHECK(out.key.len == 0 && !out.value.data);
    CHECK(!od_record_header_next(&r.headers, &out));
    CHECK_OK(od_record_stream_next(&s, &r));
    CHECK(r.key.data && r.key.len == 0 && !r.value.data);
    CHECK_EQ(r.timestamp, 3);
    CHECK_EQ(od_record_stream_next(&s, &r), OD_E_NOT_FOUND);
    od_record_stream_close(&s);
}

TEST(a_builder_without_room_says_so_and_an_empty_batch_is_refused)
{
    uint8_t data[sizeof(one_record)];
    struct od_batch_header h = od_batch_plain(0, 0);
    struct od_batch_builder b;
    size_t len;

    od_batch_begin(&b, data, sizeof(data) - 1, &h);
    od_batch_add(&b, 1000, bytes_of("k"), bytes_of("v"), NULL, 0);
    CHECK_EQ(od_batch_end(&b, &len), OD_E_FULL);
    od_batch_begin(&b, data, sizeof(data), &h);
    CHECK_EQ(od_batch_end(&b, &len), OD_INVALID_RECORD);
}

TEST(a_record_larger_than_the_budget_is_refused_and_everything_is_given_back)
{
    static uint8_t plain[2 << 20], packed[2 << 20];
    size_t len = build(plain, sizeof(plain), 1, 1 << 20), packed_len;
    struct od_budget budget;
    struct od_expand_limits limits = {&budget, INT64_MAX};
    struct od_batch_header h;
    struct od_record_stream s;
    struct od_record r;

    od_budget_init(&budget, 900 << 10);
    CHECK_OK(od_batch_repack(OD_COMPRESS_LZ4, 0, (struct od_bytes) {plain, len}, packed,
                             sizeof(packed), &packed_len));
    CHECK_OK(od_batch_parse(packed, packed_len, &h));
    CHECK_OK(od_record_stream_open(&s, packed, &h, &limits));
    CHECK_EQ(od_record_stream_next(&s, &r), OD_E_NO_MEMORY);
    od_record_stream_close(&s);
    CHECK_EQ(budget.used_bytes, 0);
}
