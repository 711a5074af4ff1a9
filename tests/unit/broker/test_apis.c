/* SPDX-License-Identifier: Apache-2.0 */
/* The table of served APIs: sorted, within what the schema knows, and honest about coordinators. */
#include "broker/handlers.h"
#include "test.h"

TEST(rows_are_sorted_by_key_and_named_once)
{
    struct od_api_row row;
    int previous = -1;

    for (int i = 0; od_api_row(i, &row); i++) {
        CHECK(row.api->key > previous);
        previous = row.api->key;
    }
    CHECK_EQ(previous, 75);
}

TEST(every_row_advertises_versions_that_the_schema_has)
{
    struct od_api_row row;

    for (int i = 0; od_api_row(i, &row); i++) {
        CHECK(row.version_min >= row.api->version_min);
        CHECK(row.version_min <= row.api->version_max);
    }
}

TEST(fetch_begins_with_the_first_version_of_batches_in_format_2)
{
    struct od_api_row row;

    CHECK(od_api_row(1, &row));
    CHECK_EQ(row.api->key, 1);
    CHECK_EQ(row.version_min, 4);
    CHECK_EQ(row.api->version_max, 18);
}

TEST(there_is_no_row_before_the_first_or_after_the_last)
{
    struct od_api_row row;

    CHECK(!od_api_row(-1, &row));
    CHECK(!od_api_row(OD_API_ROWS, &row));
}
