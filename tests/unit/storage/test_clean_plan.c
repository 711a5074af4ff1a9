/* SPDX-License-Identifier: Apache-2.0 */
/* Which segments are cleaned, when, and together; what the offset map remembers. */
#include "storage/clean_map.h"
#include "storage/clean_plan.h"
#include "test.h"

static const struct od_clean_rules rules = { .now_ms = 10000, .max_lag_ms = INT64_MAX,
                                             .dirty_ratio = 0.5 };

/* n segments of ten offsets and 100 bytes each, from offset 0; segment i has times i * 1000. */
static struct od_clean_segment *make(int n)
{
    static struct od_clean_segment v[8];

    for (int i = 0; i < n; i++)
        v[i] = (struct od_clean_segment){ i * 10, i * 10 + 10, 100, 8, i * 1000, i * 1000, true };
    return v;
}

static struct od_clean_outlook plan(int n, int64_t start, int64_t cleaned, int64_t limit,
                                    struct od_clean_rules r)
{
    struct od_clean_outlook out;

    od_clean_plan(make(n), n, start, cleaned, limit, &r, &out);
    return out;
}

TEST(a_log_never_cleaned_is_wholly_dirty)
{
    struct od_clean_outlook o = plan(4, 0, -1, 1000, rules);

    CHECK_EQ(o.first_dirty, 0);
    CHECK_EQ(o.limit_offset, 40);
    CHECK_EQ(o.dirty_bytes, 400);
    CHECK_EQ(o.clean_bytes, 0);
    CHECK(o.wanted);
}

TEST(the_ratio_must_be_passed_and_not_reached)
{
    CHECK(!plan(4, 0, 20, 1000, rules).wanted); /* 200 of 400 */
    CHECK(plan(5, 0, 20, 1000, rules).wanted);  /* 300 of 500 */
    CHECK(!plan(4, 0, 40, 1000, rules).wanted);
    CHECK_EQ(plan(4, 0, 40, 1000, rules).dirty_bytes, 0);
}

TEST(nothing_at_or_above_the_limit_is_cleaned)
{
    CHECK_EQ(plan(4, 0, -1, 30, rules).limit_offset, 30);
    CHECK_EQ(plan(4, 0, -1, 29, rules).limit_offset, 20);
    CHECK_EQ(plan(4, 0, -1, 0, rules).dirty_bytes, 0);
}

TEST(a_segment_younger_than_the_min_lag_and_all_after_it_wait)
{
    struct od_clean_rules r = rules;

    r.min_lag_ms = 8000; /* segment 2, at 2000, has just this age */
    CHECK_EQ(plan(4, 0, -1, 1000, r).limit_offset, 30);
    r.min_lag_ms = 8001;
    CHECK_EQ(plan(4, 0, -1, 1000, r).limit_offset, 20);
    r.min_lag_ms = INT64_MAX;
    CHECK_EQ(plan(4, 0, -1, 1000, r).dirty_bytes, 0);
}

TEST(unknown_times_count_as_young_where_age_matters)
{
    struct od_clean_segment *v = make(3);
    struct od_clean_rules r = rules;
    struct od_clean_outlook out;

    v[1].times_known = false;
    od_clean_plan(v, 3, 0, -1, 1000, &r, &out);
    CHECK_EQ(out.limit_offset, 30);
    CHECK(!out.times_unknown);
    r.min_lag_ms = 1;
    od_clean_plan(v, 3, 0, -1, 1000, &r, &out);
    CHECK_EQ(out.limit_offset, 10);
    CHECK(out.times_unknown);
}

TEST(the_max_lag_cleans_whatever_the_ratio)
{
    struct od_clean_rules r = rules;

    r.max_lag_ms = 7000; /* segment 3, at 3000, has just this age */
    CHECK(!plan(4, 0, 30, 1000, r).wanted);
    r.max_lag_ms = 6999;
    CHECK(plan(4, 0, 30, 1000, r).wanted);
    CHECK(plan(4, 0, 30, 1000, r).overdue);
    CHECK(!plan(4, 0, 40, 1000, r).wanted);
}

TEST(an_offset_below_the_log_start_is_not_the_first_dirty_one)
{
    CHECK_EQ(plan(4, 25, 10, 1000, rules).first_dirty, 25);
    CHECK_EQ(plan(4, 25, 10, 1000, rules).dirty_bytes, 200);
    CHECK_EQ(plan(4, 25, 10, 1000, rules).clean_bytes, 200);
}

TEST(a_group_keeps_to_the_bytes_of_a_segment)
{
    CHECK_EQ(od_clean_group(make(4), 4, 300, 1000), 3);
    CHECK_EQ(od_clean_group(make(4), 4, 299, 1000), 2);
    CHECK_EQ(od_clean_group(make(4), 4, 1, 1000), 1);
    CHECK_EQ(od_clean_group(make(4), 4, 1000, 1000), 4);
}

TEST(a_group_keeps_to_the_bytes_of_an_index)
{
    CHECK_EQ(od_clean_group(make(4), 4, 1000, 16), 2);
    CHECK_EQ(od_clean_group(make(4), 4, 1000, 15), 1);
}

TEST(a_group_spans_no_more_offsets_than_an_index_can_name)
{
    struct od_clean_segment *v = make(2);

    v[1].end_offset = INT32_MAX;
    CHECK_EQ(od_clean_group(v, 2, 1000, 1000), 2);
    v[1].end_offset++;
    CHECK_EQ(od_clean_group(v, 2, 1000, 1000), 1);
}

/* --- the map ---------------------------------------------------------------------------------- */

static const uint64_t seed[2] = { 1, 2 };

static struct od_bytes key_of(uint32_t *number)
{
    return (struct od_bytes){ (const uint8_t *)number, sizeof(*number) };
}

TEST(the_map_knows_the_last_offset_of_each_key)
{
    struct od_clean_map *m = od_clean_map_new(1 << 20, 0.9, 5000, seed);

    for (int round = 0; round < 2; round++)
        for (uint32_t i = 0; i < 5000; i++)
            CHECK(od_clean_map_put(m, key_of(&i), round * 10000 + i));
    CHECK_EQ(od_clean_map_count(m), 5000);
    for (uint32_t i = 0; i < 5000; i++)
        CHECK_EQ(od_clean_map_get(m, key_of(&i)), 10000 + i);
    for (uint32_t i = 5000; i < 6000; i++)
        CHECK_EQ(od_clean_map_get(m, key_of(&i)), -1);
    od_clean_map_free(m);
}

TEST(a_full_map_takes_known_keys_and_no_others)
{
    struct od_clean_map *m = od_clean_map_new(10 * OD_CLEAN_SLOT_BYTES, 0.9, 1000, seed);
    uint32_t i = 0;

    while (od_clean_map_put(m, key_of(&i), i))
        i++;
    CHECK_EQ(i, 9);
    CHECK_EQ(od_clean_map_get(m, key_of(&i)), -1);
    i = 3;
    CHECK(od_clean_map_put(m, key_of(&i), 100));
    CHECK_EQ(od_clean_map_get(m, key_of(&i)), 100);
    od_clean_map_free(m);
}

TEST(the_smallest_map_takes_one_key)
{
    struct od_clean_map *m = od_clean_map_new(0, 0.9, 1000, seed);
    uint32_t i = 7, j = 8;

    CHECK(od_clean_map_put(m, key_of(&i), 0));
    CHECK(!od_clean_map_put(m, key_of(&j), 1));
    CHECK_EQ(od_clean_map_get(m, key_of(&i)), 0);
    od_clean_map_free(m);
}

TEST(an_empty_key_is_a_key)
{
    struct od_clean_map *m = od_clean_map_new(1000, 0.9, 10, seed);

    CHECK_EQ(od_clean_map_get(m, (struct od_bytes){ (const uint8_t *)"", 0 }), -1);
    CHECK(od_clean_map_put(m, (struct od_bytes){ (const uint8_t *)"", 0 }, 5));
    CHECK_EQ(od_clean_map_get(m, (struct od_bytes){ (const uint8_t *)"", 0 }), 5);
    od_clean_map_free(m);
}
