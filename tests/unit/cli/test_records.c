/* SPDX-License-Identifier: Apache-2.0 */
/* Records as they are printed and as they are read. */
#include "base/mem.h"
#include "cli/base64.h"
#include "cli/record_format.h"
#include "cli/record_input.h"
#include "test.h"

#include <string.h>

/* --- printing -------------------------------------------------------------------------------- */

static struct od_bytes bytes(const char *text)
{
    return (struct od_bytes){ (const uint8_t *)text, text ? strlen(text) : 0 };
}

static const char *printed(const char *format, struct od_bytes key, struct od_bytes value)
{
    static const uint8_t headers[] = "\x02" "a" "\x04" "bc" "\x02" "d" "\x01";
    static char out[512];
    struct od_record record = { .offset = 7, .timestamp = 1500, .key = key, .value = value,
                                .headers = { headers, sizeof(headers) - 1 }, .header_count = 2 };
    struct od_consumed c = { .topic = OD_STR("t"), .partition = 3, .record = &record };
    struct od_text text = { 0 }, why = { 0 };
    struct od_record_format *f = format ? od_record_format_new(format, &why) : NULL;

    if (f)
        od_record_format_print(f, &c, &text);
    else if (!format)
        od_record_json(&c, &text);
    snprintf(out, sizeof(out), "%s", why.len ? od_text_get(&why) : od_text_get(&text));
    od_record_format_free(f);
    od_text_reset(&text);
    od_text_reset(&why);
    return out;
}

TEST(letters_print_their_fields)
{
    CHECK_STR(printed("%t %p %o %k %K %s %S %T %h%%\\n", bytes("key"), bytes("value")),
              "t 3 7 key 3 value 5 1500 a=bc,d=%\n");
    CHECK_STR(printed("%T{iso}", bytes("k"), bytes("v")), "1970-01-01T00:00:01.500Z");
    CHECK_STR(printed("[%k] %K [%s] %S", bytes(NULL), bytes(NULL)), "[] -1 [] -1");
    CHECK_STR(printed("[%k] %K", bytes(""), bytes("")), "[] 0");
}

TEST(other_forms_of_key_and_value)
{
    struct od_bytes raw = { (const uint8_t *)"\xff\x00z", 3 };

    CHECK_STR(printed("%k{hex} %s{base64} %s{json}", bytes("ab"), raw), "6162 /wB6 \"/wB6\"");
    CHECK_STR(printed("%s{json}", bytes(NULL), bytes("a\"\n")), "\"a\\\"\\n\"");
    CHECK_STR(printed("%s{json}", bytes(NULL), bytes(NULL)), "null");
}

TEST(escapes_are_bytes)
{
    CHECK_STR(printed("a\\tb\\x41\\\\\\q\\", bytes(""), bytes("")), "a\tbA\\\\q\\");
}

TEST(unknown_letters_and_forms_are_named)
{
    CHECK_STR(printed("%z", bytes(""), bytes("")),
              "%z is none of %t %p %o %k %K %s %S %T %h %R %%");
    CHECK_STR(printed("a%", bytes(""), bytes("")),
              "% is none of %t %p %o %k %K %s %S %T %h %R %%");
    CHECK_STR(printed("%k{iso}", bytes(""), bytes("")),
              "%k{iso}: the forms are hex, base64, json of k and s, and iso of T");
    CHECK_STR(printed("%k{hex", bytes(""), bytes("")),
              "%k{hex}: the forms are hex, base64, json of k and s, and iso of T");
}

TEST(json_keeps_null_text_and_bytes_apart)
{
    struct od_bytes raw = { (const uint8_t *)"\xff", 1 };

    CHECK_STR(printed(NULL, bytes(NULL), bytes("")),
              "{\"topic\":\"t\",\"partition\":3,\"offset\":7,\"timestamp\":1500,\"key\":null,"
              "\"value\":\"\",\"headers\":[{\"key\":\"a\",\"value\":\"bc\"},"
              "{\"key\":\"d\",\"value\":null}]}\n");
    CHECK(strstr(printed(NULL, raw, raw), "\"key_base64\":\"/w==\",\"value_base64\":\"/w==\""));
}

TEST(base64_returns_what_it_was_given)
{
    for (size_t len = 0; len < 40; len++) {
        struct od_text text = { 0 };
        uint8_t in[40], *out;
        size_t got;

        for (size_t i = 0; i < len; i++)
            in[i] = (uint8_t)(i * 37 + len);
        od_base64_print((struct od_bytes){ in, len }, &text);
        out = od_base64_parse((struct od_str){ od_text_get(&text), text.len }, &got);
        CHECK(out && got == len);
        CHECK_MEM(in, out, len);
        od_free(out);
        od_text_reset(&text);
    }
}

TEST(what_is_not_base64_is_refused)
{
    static const char *const bad[] = { "a", "ab", "abc", "ab=c", "a===", "====", "ab\nc", "ab-_" };
    size_t len;

    for (size_t i = 0; i < OD_COUNT(bad); i++)
        CHECK(!od_base64_parse(od_str_of(bad[i]), &len));
}

/* --- reading --------------------------------------------------------------------------------- */

static const struct od_record_rules lines = { .delimiter = { "\n", 1 }, .partition = -1 };

static const char *read_one(const struct od_record_rules *rules, const char *piece)
{
    static char out[512];
    struct od_produce_record r;
    struct od_arena arena = { 0 };
    struct od_text why = { 0 }, text = { 0 };

    if (!od_record_input_parse(rules, od_str_of(piece), 99, &arena, &r, &why)) {
        snprintf(out, sizeof(out), "error: %s", od_text_get(&why));
    } else {
        od_text_add(&text, "%d %lld %s%.*s %s%.*s", r.partition, (long long)r.timestamp,
                    r.key.data ? "=" : "null", (int)r.key.len, (const char *)r.key.data,
                    r.value.data ? "=" : "null", (int)r.value.len, (const char *)r.value.data);
        for (int32_t i = 0; i < r.header_count; i++)
            od_text_add(&text, " %.*s:%.*s", (int)r.headers[i].key.len,
                        (const char *)r.headers[i].key.data, (int)r.headers[i].value.len,
                        (const char *)r.headers[i].value.data);
        snprintf(out, sizeof(out), "%s", od_text_get(&text));
    }
    od_arena_reset(&arena);
    od_text_reset(&why);
    od_text_reset(&text);
    return out;
}

TEST(a_line_is_a_value_or_a_key_and_a_value)
{
    struct od_record_rules keyed = lines, dead = lines;

    keyed.key_delimiter = OD_STR("::");
    CHECK_STR(read_one(&lines, "a:b"), "-1 99 null =a:b");
    CHECK_STR(read_one(&lines, ""), "-1 99 null =");
    CHECK_STR(read_one(&keyed, "k::v::w"), "-1 99 =k =v::w");
    CHECK_STR(read_one(&keyed, "::v"), "-1 99 = =v");
    CHECK_STR(read_one(&keyed, "v"), "-1 99 null =v");
    keyed.key = (struct od_bytes){ (const uint8_t *)"d", 1 };
    CHECK_STR(read_one(&keyed, "v"), "-1 99 =d =v");
    dead.empty_is_null = true;
    CHECK_STR(read_one(&dead, ""), "-1 99 null null");
}

TEST(json_gives_every_field_and_needs_none)
{
    struct od_record_rules json = lines;

    json.kind = OD_INPUT_JSON;
    CHECK_STR(read_one(&json, "{}"), "-1 99 null null");
    CHECK_STR(read_one(&json, "{\"key\":\"k\",\"value\":\"v\",\"timestamp\":5,\"partition\":2,"
                              "\"headers\":[{\"key\":\"a\",\"value\":\"b\"}],\"offset\":1}"),
              "2 5 =k =v a:b");
    CHECK_STR(read_one(&json, "{\"key_base64\":\"aw==\",\"value\":null}"), "-1 99 =k null");
}

TEST(bad_json_says_what_is_wrong)
{
    struct od_record_rules json = lines;

    json.kind = OD_INPUT_JSON;
    CHECK_STR(read_one(&json, "[]"), "error: not a JSON object");
    CHECK_STR(read_one(&json, "{\"value\":5}"), "error: value is not a string");
    CHECK_STR(read_one(&json, "{\"value_base64\":\"?\"}"), "error: value_base64 is not base64");
    CHECK_STR(read_one(&json, "{\"partition\":-1}"),
              "error: partition is not a number from 0 to 2147483647");
    CHECK_STR(read_one(&json, "{\"headers\":{}}"), "error: headers is not a list");
    CHECK_STR(read_one(&json, "{\"headers\":[{\"value\":\"x\"}]}"), "error: a header without key");
    CHECK_STR(read_one(&json, "{\"headers\":[7]}"), "error: a header without key");
    CHECK(strstr(read_one(&json, "{"), "error: "));
}

TEST(pieces_end_at_the_delimiter)
{
    struct od_record_rules rules = lines;
    size_t len = 0, used = 0;

    CHECK(od_record_input_split(&rules, OD_STR("ab\nc"), &len, &used));
    CHECK(len == 2 && used == 3);
    CHECK(!od_record_input_split(&rules, OD_STR("ab"), &len, &used));
    CHECK(!od_record_input_split(&rules, OD_STR(""), &len, &used));
    rules.delimiter = OD_STR("--");
    CHECK(od_record_input_split(&rules, OD_STR("a-b--"), &len, &used));
    CHECK(len == 3 && used == 5);
    rules.kind = OD_INPUT_WHOLE;
    CHECK(!od_record_input_split(&rules, OD_STR("a--b"), &len, &used));
}
