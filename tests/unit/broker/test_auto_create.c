/* SPDX-License-Identifier: Apache-2.0 */
/* Which topic names are legal, and which belong to the broker itself. */
#include "broker/auto_create.h"
#include "test.h"

#include <string.h>

static bool valid(const char *name)
{
    return od_topic_name_valid(od_str_of(name));
}

TEST(names_are_letters_digits_dots_dashes_and_underscores)
{
    CHECK(valid("a"));
    CHECK(valid("Orders-2.eu_west"));
    CHECK(valid("..."));
    CHECK(!valid("a b"));
    CHECK(!valid("a/b"));
    CHECK(!valid("\xc3\xa9"));
    CHECK(!od_topic_name_valid((struct od_str){ "a\0b", 3 }));
}

TEST(names_that_are_directories_are_refused)
{
    CHECK(!valid("."));
    CHECK(!valid(".."));
    CHECK(!valid(""));
}

TEST(a_name_has_at_most_249_bytes)
{
    char name[251];

    memset(name, 'n', sizeof(name));
    CHECK(od_topic_name_valid((struct od_str){ name, 249 }));
    CHECK(!od_topic_name_valid((struct od_str){ name, 250 }));
}

TEST(only_the_three_coordinator_topics_are_internal)
{
    CHECK(od_topic_is_internal(OD_STR("__consumer_offsets")));
    CHECK(od_topic_is_internal(OD_STR("__transaction_state")));
    CHECK(od_topic_is_internal(OD_STR("__share_group_state")));
    CHECK(!od_topic_is_internal(OD_STR("__consumer_offset")));
    CHECK(!od_topic_is_internal(OD_STR("orders")));
}
