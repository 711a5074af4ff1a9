/* SPDX-License-Identifier: Apache-2.0 */
/* Reading and writing primitives: known bytes, limits and their neighbours, sticky errors. */
#include "test.h"
#include "wire/reader.h"
#include "wire/writer.h"

#include <string.h>

static struct od_reader reader(const void *data, size_t len)
{
    return od_reader_of(data, len);
}

TEST(varints_of_known_bytes)
{
    static const struct {
        uint8_t bytes[10];
        size_t len;
        uint64_t value;
    } cases[] = {
        {{0}, 1, 0},
        {{0x7f}, 1, 127},
        {{0x80, 1}, 2, 128},
        {{0xff, 0x7f}, 2, 16383},
        {{0x80, 0x80, 1}, 3, 16384},
        {{0xff, 0xff, 0xff, 0xff, 0x0f}, 5, UINT32_MAX},
        {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1}, 10, UINT64_MAX},
    };

    for (size_t i = 0; i < OD_COUNT(cases); i++) {
        struct od_reader r = reader(cases[i].bytes, cases[i].len);
        uint8_t out[10];
        struct od_writer w = od_writer_of(out, sizeof(out));

        CHECK_EQ(od_read_uvarlong(&r), cases[i].value);
        CHECK(!r.err && od_reader_left(&r) == 0);
        if (cases[i].value <= UINT32_MAX) {
            r = reader(cases[i].bytes, cases[i].len);
            CHECK_EQ(od_read_uvarint(&r), cases[i].value);
            CHECK_OK(r.err);
        }
        od_write_uvarlong(&w, cases[i].value);
        CHECK_EQ(od_writer_len(&w), cases[i].len);
        CHECK_EQ(od_uvarint_len(cases[i].value), cases[i].len);
        CHECK_MEM(out, cases[i].bytes, cases[i].len);
        r = reader(cases[i].bytes, cases[i].len - 1);
        CHECK_EQ(od_read_uvarlong(&r), 0);
        CHECK_EQ(r.err, OD_E_TRUNCATED);
    }
}

TEST(varints_that_do_not_fit_are_corrupt)
{
    static const uint8_t too_big_32[] = {0xff, 0xff, 0xff, 0xff, 0x10};
    static const uint8_t too_long_32[] = {0x80, 0x80, 0x80, 0x80, 0x80, 0};
    static const uint8_t too_big_64[] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2};
    struct od_reader r = reader(too_big_32, sizeof(too_big_32));

    od_read_uvarint(&r);
    CHECK_EQ(r.err, OD_E_CORRUPT);
    r = reader(too_long_32, sizeof(too_long_32));
    od_read_uvarint(&r);
    CHECK_EQ(r.err, OD_E_CORRUPT);
    r = reader(too_big_64, sizeof(too_big_64));
    od_read_uvarlong(&r);
    CHECK_EQ(r.err, OD_E_CORRUPT);
}

TEST(zig_zag_keeps_the_extremes)
{
    static const int64_t values[] = {0,  -1,        1,         63,        -64,
                                     64, INT32_MIN, INT32_MAX, INT64_MIN, INT64_MAX};

    for (size_t i = 0; i < OD_COUNT(values); i++) {
        uint8_t out[10];
        struct od_writer w = od_writer_of(out, sizeof(out));
        struct od_reader r;

        od_write_varlong(&w, values[i]);
        CHECK_EQ(od_writer_len(&w), od_varlong_len(values[i]));
        r = reader(out, od_writer_len(&w));
        CHECK_EQ(od_read_varlong(&r), values[i]);
        if (values[i] < INT32_MIN || values[i] > INT32_MAX)
            continue;
        r = reader(out, od_writer_len(&w));
        CHECK_EQ(od_read_varint(&r), values[i]);
        CHECK_EQ(od_varint_len((int32_t)values[i]), od_writer_len(&w));
    }
}

TEST(an_error_sticks_and_everything_after_it_is_zero)
{
    static const uint8_t bytes[] = {1, 2, 3};
    struct od_reader r = reader(bytes, sizeof(bytes));

    CHECK_EQ(od_read_i32(&r), 0);
    CHECK_EQ(r.err, OD_E_TRUNCATED);
    CHECK_EQ(od_read_i8(&r), 0);
    CHECK(!od_read_str(&r, OD_FORM_COMPACT).len);
    CHECK_EQ(od_read_count(&r, OD_FORM_CLASSIC, 1), 0);
    od_reader_fail(&r, OD_E_CORRUPT);
    CHECK_EQ(r.err, OD_E_TRUNCATED);
}

TEST(null_and_empty_text_differ_in_both_forms)
{
    static const uint8_t classic_null[] = {0xff, 0xff}, classic_empty[] = {0, 0};
    static const uint8_t compact_null[] = {0}, compact_empty[] = {1};
    struct od_reader r = reader(classic_null, 2);

    CHECK(!od_read_str(&r, OD_FORM_CLASSIC | OD_FORM_NULLABLE).data && !r.err);
    r = reader(classic_empty, 2);
    CHECK(od_read_str(&r, OD_FORM_CLASSIC | OD_FORM_NULLABLE).data && !r.err);
    r = reader(compact_null, 1);
    CHECK(!od_read_str(&r, OD_FORM_COMPACT | OD_FORM_NULLABLE).data && !r.err);
    r = reader(compact_empty, 1);
    CHECK(od_read_str(&r, OD_FORM_COMPACT | OD_FORM_NULLABLE).data && !r.err);
    r = reader(classic_null, 2);
    od_read_str(&r, OD_FORM_CLASSIC);
    CHECK_EQ(r.err, OD_E_CORRUPT);
    r = reader("\xff\xfe", 2);
    od_read_str(&r, OD_FORM_CLASSIC | OD_FORM_NULLABLE);
    CHECK_EQ(r.err, OD_E_CORRUPT);
}

TEST(classic_text_ends_at_32767_bytes_and_compact_does_not)
{
    static char text[32768];
    static uint8_t out[40000];
    struct od_size size = {0};
    struct od_writer w = od_writer_of(out, sizeof(out));

    od_write_str(&w, OD_FORM_CLASSIC, (struct od_str) {text, 32767});
    CHECK_OK(w.err);
    CHECK_EQ(od_writer_len(&w), 32769);
    od_size_str(&size, OD_FORM_CLASSIC, (struct od_str) {text, 32767});
    CHECK_EQ(size.wire, 32769);
    w = od_writer_of(out, sizeof(out));
    od_write_str(&w, OD_FORM_CLASSIC, (struct od_str) {text, 32768});
    CHECK_EQ(w.err, OD_E_LIMIT);
    od_size_str(&size, OD_FORM_CLASSIC, (struct od_str) {text, 32768});
    CHECK_EQ(size.err, OD_E_LIMIT);
    w = od_writer_of(out, sizeof(out));
    od_write_str(&w, OD_FORM_COMPACT, (struct od_str) {text, 32768});
    CHECK_OK(w.err);
}

TEST(null_is_an_error_unless_allowed_or_the_field_is_never_null)
{
    uint8_t out[8];
    struct od_writer w = od_writer_of(out, sizeof(out));

    od_write_str(&w, OD_FORM_COMPACT, OD_STR_NULL);
    CHECK_EQ(w.err, OD_UNSUPPORTED_VERSION);
    w = od_writer_of(out, sizeof(out));
    od_write_str(&w, OD_FORM_COMPACT | OD_FORM_REQUIRED, OD_STR_NULL);
    od_write_str(&w, OD_FORM_COMPACT | OD_FORM_NULLABLE, OD_STR_NULL);
    CHECK_OK(w.err);
    CHECK_EQ(out[0], 1);
    CHECK_EQ(out[1], 0);
}

TEST(counts_are_bounded_by_the_limit_and_by_the_bytes_left)
{
    static uint8_t bytes[3000000];
    struct od_reader r;

    od_be32_store(bytes, 1000000);
    r = reader(bytes, 1000004);
    CHECK_EQ(od_read_count(&r, OD_FORM_CLASSIC, 1), 1000000);
    r = reader(bytes, 1000003);
    od_read_count(&r, OD_FORM_CLASSIC, 1);
    CHECK_EQ(r.err, OD_E_TRUNCATED);
    r = reader(bytes, 2000003);
    od_read_count(&r, OD_FORM_CLASSIC, 2);
    CHECK_EQ(r.err, OD_E_TRUNCATED);
    od_be32_store(bytes, 1000001);
    r = reader(bytes, sizeof(bytes));
    od_read_count(&r, OD_FORM_CLASSIC, 1);
    CHECK_EQ(r.err, OD_E_LIMIT);
    od_be32_store(bytes, 0x80000000);
    r = reader(bytes, sizeof(bytes));
    od_read_count(&r, OD_FORM_CLASSIC | OD_FORM_NULLABLE, 1);
    CHECK_EQ(r.err, OD_E_CORRUPT);
}

TEST(a_list_that_the_budget_refuses_is_an_error_and_empty)
{
    static uint8_t bytes[40004];
    struct od_budget budget;
    struct od_arena arena = {.budget = &budget};
    struct od_reader r = reader(bytes, sizeof(bytes));
    int32_t n;

    od_budget_init(&budget, 10000);
    od_be32_store(bytes, 10000);
    CHECK(!od_read_list_i32(&r, OD_FORM_CLASSIC, &arena, &n));
    CHECK_EQ(n, 0);
    CHECK_EQ(r.err, OD_E_NO_MEMORY);
    CHECK_EQ(budget.used_bytes, 0);
}

TEST(tagged_fields_are_bounded_ascending_and_read_to_their_end)
{
    static const uint8_t good[] = {2, 0, 1, 9, 5, 0, 77};
    static const uint8_t equal[] = {2, 5, 0, 5, 0};
    static const uint8_t falling[] = {2, 5, 0, 4, 0};
    static const uint8_t beyond[] = {1, 0, 2, 9};
    struct od_reader r = reader(good, sizeof(good));
    struct od_tag_cursor c = od_tags_open(&r);

    CHECK(od_tags_next(&c, &r));
    CHECK_EQ(c.tag, 0);
    CHECK_EQ(od_reader_left(&r), 1);
    CHECK_EQ(od_read_i8(&r), 9);
    od_tag_close(&c, &r);
    CHECK(od_tags_next(&c, &r));
    CHECK_EQ(c.tag, 5);
    od_tag_close(&c, &r);
    CHECK(!od_tags_next(&c, &r));
    CHECK_EQ(od_read_i8(&r), 77);
    CHECK_OK(r.err);
    r = reader(good, sizeof(good));
    c = od_tags_open(&r);
    CHECK(od_tags_next(&c, &r));
    od_tag_close(&c, &r); /* without reading the value */
    CHECK_EQ(r.err, OD_E_CORRUPT);
    CHECK_EQ(od_read_i8(&r), 0);
    r = reader(equal, sizeof(equal));
    od_tags_skip(&r);
    CHECK_EQ(r.err, OD_E_CORRUPT);
    r = reader(falling, sizeof(falling));
    od_tags_skip(&r);
    CHECK_EQ(r.err, OD_E_CORRUPT);
    r = reader(beyond, sizeof(beyond));
    od_tags_skip(&r);
    CHECK_EQ(r.err, OD_E_TRUNCATED);
}

TEST(ten_thousand_tagged_fields_pass_and_one_more_does_not)
{
    static uint8_t bytes[60000];
    struct od_writer w = od_writer_of(bytes, sizeof(bytes));
    struct od_reader r;

    od_write_uvarint(&w, 10000);
    for (uint32_t i = 0; i < 10000; i++)
        od_write_tag(&w, i, 0);
    r = reader(bytes, od_writer_len(&w));
    od_tags_skip(&r);
    CHECK(!r.err && od_reader_left(&r) == 0);
    w = od_writer_of(bytes, sizeof(bytes));
    od_write_uvarint(&w, 10001);
    r = reader(bytes, sizeof(bytes));
    od_tags_skip(&r);
    CHECK_EQ(r.err, OD_E_LIMIT);
}
