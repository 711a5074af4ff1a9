/* SPDX-License-Identifier: Apache-2.0 */
/* Negotiation of API versions. */
#include "client/versions.h"
#include "test.h"

static struct od_versions listed(int16_t key, int16_t min, int16_t max)
{
    struct od_api_versions_rsp_api_version row = { key, min, max };
    struct od_api_versions_rsp rsp = { .api_keys = { 1, &row } };
    struct od_versions v;

    od_versions_learn(&v, &rsp);
    return v;
}

static int picked(struct od_versions v, int16_t key, int16_t max)
{
    int16_t version = -1;

    return od_versions_pick(&v, od_api_find(key), max, &version) ? -1 : version;
}

TEST(the_highest_version_of_both_is_used)
{
    CHECK_EQ(picked(listed(3, 0, 7), 3, INT16_MAX), 7);
    CHECK_EQ(picked(listed(3, 0, 99), 3, INT16_MAX), od_api_find(3)->version_max);
    CHECK_EQ(picked(listed(3, 4, 4), 3, INT16_MAX), 4);
}

TEST(a_bound_lowers_the_version_but_not_below_what_is_served)
{
    CHECK_EQ(picked(listed(1, 4, 18), 1, 12), 12);
    CHECK_EQ(picked(listed(1, 4, 18), 1, 4), 4);
    CHECK_EQ(picked(listed(1, 4, 18), 1, 3), -1);
}

TEST(ranges_that_do_not_meet_have_no_version)
{
    CHECK_EQ(picked(listed(3, 50, 60), 3, INT16_MAX), -1);
    CHECK_EQ(picked(listed(3, 0, 7), 19, INT16_MAX), -1);
    CHECK_EQ(picked(listed(3, 5, -1), 3, INT16_MAX), -1);
}

TEST(keys_out_of_range_are_left_out)
{
    struct od_versions v = listed(-1, 0, 5);

    for (int i = 0; i < OD_VERSIONS_KEYS; i++)
        CHECK_EQ(v.v[i].max, -1);
    v = listed(OD_VERSIONS_KEYS, 0, 5);
    for (int i = 0; i < OD_VERSIONS_KEYS; i++)
        CHECK_EQ(v.v[i].max, -1);
    CHECK(!od_versions_serves(&v, od_api_find(3)));
}

TEST(a_new_list_replaces_the_old_one)
{
    struct od_versions v = listed(3, 0, 7);
    struct od_api_versions_rsp none = { 0 };

    CHECK(od_versions_serves(&v, od_api_find(3)));
    od_versions_learn(&v, &none);
    CHECK(!od_versions_serves(&v, od_api_find(3)));
}
