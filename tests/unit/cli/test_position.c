/* SPDX-License-Identifier: Apache-2.0 */
/* Positions and times as people write them. */
#include "cli/position.h"
#include "test.h"

#include <string.h>

enum { NOW = 10000000 };

static const char *parsed(const char *text)
{
    static const char *const kinds[] = { "start", "end", "offset", "time" };
    static char out[64];
    struct od_position p;

    if (!od_position_parse(od_str_of(text), NOW, &p))
        return "no";
    snprintf(out, sizeof(out), "%s %lld", kinds[p.kind], (long long)p.number);
    return out;
}

TEST(each_form_has_its_meaning)
{
    CHECK_STR(parsed("start"), "start 0");
    CHECK_STR(parsed("end"), "end 0");
    CHECK_STR(parsed("+5"), "start 5");
    CHECK_STR(parsed("-5"), "end 5");
    CHECK_STR(parsed("0"), "offset 0");
    CHECK_STR(parsed("9223372036854775807"), "offset 9223372036854775807");
    CHECK_STR(parsed("@0"), "time 0");
    CHECK_STR(parsed("@-1s"), "time 9999000");
    CHECK_STR(parsed("@-2h"), "time 2800000");
    CHECK_STR(parsed("@-10000000"), "time 0");
}

TEST(what_is_no_position_is_refused)
{
    static const char *const bad[] = { "", "-", "+", "@", "x", "1x", "+-1", "--1", "+x", "@x",
                                       "@-", "@-1y", "@-10000001", "9223372036854775808",
                                       "@-3h", "Start" };

    for (size_t i = 0; i < OD_COUNT(bad); i++)
        CHECK_STR(parsed(bad[i]), "no");
}

TEST(calendar_dates_are_utc)
{
    CHECK_STR(parsed("@1970-01-01"), "time 0");
    CHECK_STR(parsed("@1970-01-02T00:00"), "time 86400000");
    CHECK_STR(parsed("@2000-02-29T23:59:59.999Z"), "time 951868799999");
    CHECK_STR(parsed("@2026-11-20T13:00:05"), "time 1795179605000");
    CHECK_STR(parsed("@9999-12-31"), "time 253402214400000");
}

TEST(dates_that_there_are_not_are_refused)
{
    static const char *const bad[] = {
        "@1969-12-31",     "@2001-02-29",    "@1900-02-29",       "@2026-13-01",  "@2026-00-01",
        "@2026-01-32",     "@2026-1-1",      "@2026-01-01T24:00", "@2026-01-01T",
        "@2026-01-01T1:00", "@2026-01-01T00:60", "@2026-01-01x", "@2026-01-01T00:00:60",
        "@10000-01-01",    "@2026-01-",
        "@2026-01-01T00:00:00.1",
    };

    for (size_t i = 0; i < OD_COUNT(bad); i++)
        CHECK_STR(parsed(bad[i]), "no");
}

TEST(times_print_and_parse_again_as_the_same)
{
    static const int64_t times[] = { 0, 1, 86399999, 86400000, 951782400000, 951868799999,
                                     951868800000, 1795179605250, 253402300799999 };

    for (size_t i = 0; i < OD_COUNT(times); i++) {
        struct od_text text = { 0 };
        int64_t ms = -1;

        od_time_print(times[i], &text);
        CHECK_EQ(text.len, 24);
        CHECK(od_time_parse((struct od_str){ text.data, text.len }, NOW, &ms));
        CHECK_EQ(ms, times[i]);
        od_text_reset(&text);
    }
}

TEST(times_beyond_the_calendar_print_as_numbers)
{
    struct od_text text = { 0 };

    od_time_print(-1, &text);
    od_time_print(INT64_MAX, &text);
    CHECK_STR(od_text_get(&text), "-19223372036854775807");
    od_text_reset(&text);
}
