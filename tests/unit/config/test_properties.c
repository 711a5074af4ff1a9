/* SPDX-License-Identifier: Apache-2.0 */
/* od_properties: Java's syntax, its refusals, and printing that parses to the same. */
#include "config/properties.h"
#include "test.h"

#include <string.h>

static struct od_properties parse(const char *file)
{
    struct od_properties p;
    struct od_text why = { 0 };

    CHECK(od_properties_parse(od_str_of(file), &p, &why));
    CHECK_STR(od_text_get(&why), "");
    return p;
}

static void check_one(const char *file, const char *key, const char *value)
{
    struct od_properties p = parse(file);

    CHECK_EQ(p.n, 1);
    CHECK_STR(p.v[0].key.data, key);
    CHECK_STR(p.v[0].value.data, value);
    CHECK_EQ(p.v[0].value.len, strlen(value));
    od_properties_deinit(&p);
}

static void check_refused(struct od_str file, const char *message)
{
    struct od_properties p;
    struct od_text why = { 0 };

    CHECK(!od_properties_parse(file, &p, &why));
    CHECK_STR(od_text_get(&why), message);
    od_text_reset(&why);
    od_properties_deinit(&p);
}

TEST(equals_colon_and_blank_separate_key_and_value)
{
    check_one("a=1", "a", "1");
    check_one("a:1", "a", "1");
    check_one("a 1", "a", "1");
    check_one(" \ta \t= \f1 ", "a", "1 ");
    check_one("a = = 1", "a", "= 1");
    check_one("a", "a", "");
    check_one("a=", "a", "");
    check_one("=1", "", "1");
}

TEST(escapes_give_the_character)
{
    check_one("a\\=b\\:c\\ d=e\\tf\\n\\r\\f\\q\\\\", "a=b:c d", "e\tf\n\r\fq\\");
    check_one("k=\\u0041\\u00e9\\u20AC\\ud83d\\ude00", "k",
              "A\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80");
}

TEST(bytes_above_127_pass)
{
    check_one("k=\xc3\xa9", "k", "\xc3\xa9");
}

TEST(backslash_at_the_end_continues_the_line)
{
    check_one("a=1,\\\n   2,\\\r\n\t3", "a", "1,2,3");
    check_one("a\\\n  b=1", "ab", "1");
    check_one("a=1\\", "a", "1");
    check_one("a=1\\\\", "a", "1\\");
    check_one("a=1\\\n", "a", "1");
    check_one("\\\n\\\n\n  a=1", "a", "1");
    check_one("\\\n#a=1", "#a", "1");
}

TEST(comments_and_empty_lines_are_skipped_and_lines_counted)
{
    struct od_properties p = parse("# a=1\n\n  ! b=2 \\\nc=3\r\n\r\rd=4#5\n");

    CHECK_EQ(p.n, 2);
    CHECK_STR(p.v[0].key.data, "c");
    CHECK_EQ(p.v[0].line, 4);
    CHECK_STR(p.v[1].value.data, "4#5");
    CHECK_EQ(p.v[1].line, 7);
    od_properties_deinit(&p);
}

TEST(a_key_may_come_twice)
{
    struct od_properties p = parse("a=1\na=2\n");

    CHECK_EQ(p.n, 2);
    CHECK_STR(p.v[1].value.data, "2");
    od_properties_deinit(&p);
}

TEST(the_shortest_lines_fit_the_buffer)
{
    struct od_properties p = parse("a\nb\nc\n=\n:\nd");

    CHECK_EQ(p.n, 6);
    CHECK_STR(p.v[5].key.data, "d");
    od_properties_deinit(&p);
}

TEST(what_is_no_text_is_refused_with_its_line)
{
    check_refused(OD_STR("a=1\nb=\\u12"), "line 2: \\u needs four hexadecimal digits");
    check_refused(OD_STR("b=\\u12g4"), "line 1: \\u needs four hexadecimal digits");
    check_refused(OD_STR("b=\\u0000"), "line 1: \\u0000 is no character of a setting");
    check_refused(OD_STR("b=\\ud83dx"), "line 1: \\ud83d is no character of a setting");
    check_refused(OD_STR("b=1\0"), "line 1: a zero byte");
    check_refused(OD_STR("b=1\\\0"), "line 1: a zero byte");
}

TEST(a_file_over_the_limit_is_refused_and_one_at_it_is_read)
{
    static char file[OD_PROPERTIES_BYTES_MAX + 1];
    struct od_properties p;
    struct od_text why = { 0 };

    memset(file, '#', sizeof(file));
    CHECK(od_properties_parse((struct od_str){ file, sizeof(file) - 1 }, &p, &why));
    CHECK_EQ(p.n, 0);
    od_properties_deinit(&p);
    check_refused((struct od_str){ file, sizeof(file) }, "1048577 bytes are more than the 1048576 "
                                                         "that are read");
}

TEST(what_is_printed_parses_to_the_same)
{
    struct od_properties p = parse("a\\ b\\=c=\\  x\\ty\\\\ #!=:\n\\#k: v\n=\n\\u0001=2");
    struct od_text printed = { 0 };
    struct od_properties again;

    od_properties_print(&p, &printed);
    again = parse(printed.data);
    CHECK_EQ(again.n, p.n);
    for (int i = 0; i < p.n; i++) {
        CHECK(od_str_eq(again.v[i].key, p.v[i].key));
        CHECK(od_str_eq(again.v[i].value, p.v[i].value));
    }
    od_text_reset(&printed);
    od_properties_deinit(&again);
    od_properties_deinit(&p);
}
