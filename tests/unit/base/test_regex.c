/* SPDX-License-Identifier: Apache-2.0 */
/* Patterns that match whole texts, in RE2's and RE2/J's syntax. */
#include "base/regex.h"

#include "test.h"

static bool matches(const char *pattern, const char *text)
{
    struct od_regex *r;
    struct od_text why = { 0 };
    bool found;

    CHECK_OK(od_regex_new(od_str_of(pattern), &r, &why));
    found = od_regex_matches_all_of(r, od_str_of(text));
    od_regex_free(r);
    od_text_reset(&why);
    return found;
}

TEST(the_whole_text_must_match)
{
    CHECK(matches("topic-.*", "topic-1"));
    CHECK(!matches("topic-.*", "my-topic-1"));
    CHECK(!matches("topic", "topic-1"));
    CHECK(matches("a|b", "b"));
    CHECK(matches("", ""));
    CHECK(!matches("", "a"));
}

TEST(named_groups_of_either_syntax_are_understood)
{
    CHECK(matches("(?P<env>prod|test)-x", "prod-x"));
    CHECK(matches("(?<env>prod|test)-x", "test-x"));
    CHECK(matches("\\(?<env>x", "(<env>x") || matches("\\(?<env>x", "<env>x"));
}

TEST(a_bad_pattern_is_told_with_its_reason)
{
    static const char *const bad[] = { "(", "a**b(", "[", "(?=ahead)", "\\8" };

    for (size_t i = 0; i < OD_COUNT(bad); i++) {
        struct od_regex *r;
        struct od_text why = { 0 };

        CHECK_EQ(od_regex_new(od_str_of(bad[i]), &r, &why), OD_INVALID_REGULAR_EXPRESSION);
        CHECK(r == NULL);
        CHECK(why.len > 0);
        od_text_reset(&why);
    }
}

TEST(a_pattern_that_explodes_in_other_engines_is_quick)
{
    char text[5001];

    memset(text, 'a', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    CHECK(!matches("(a+)+b", text));
}

TEST(a_pattern_too_large_for_its_memory_is_refused)
{
    struct od_regex *r;
    struct od_text why = { 0 };

    CHECK_EQ(od_regex_new(OD_STR("((a{100}){100}){100}"), &r, &why), OD_INVALID_REGULAR_EXPRESSION);
    od_text_reset(&why);
}
