/* SPDX-License-Identifier: Apache-2.0 */
/* The load generator's histogram against exact percentiles of the same values. */
#include "load/histogram.h"

#include "base/mem.h"
#include "test.h"

enum { VALUES = 20000 };

static int compare(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a;
    uint64_t y = *(const uint64_t *)b;

    return (x > y) - (x < y);
}

/* Values of every magnitude up to 2^41, from a fixed generator. */
static uint64_t value_at(uint64_t *state)
{
    *state = *state * 6364136223846793005U + 1442695040888963407U;
    return (*state >> 16) % (UINT64_C(1) << (1 + (*state >> 60) * 40 / 15));
}

TEST(percentiles_are_those_of_the_sorted_values_or_less_than_a_128th_above)
{
    static const double percents[] = {0.1, 1, 10, 50, 90, 99, 99.9, 99.99, 100};
    struct od_histogram *h = OD_NEW(struct od_histogram);
    uint64_t *sorted = od_alloc(VALUES * sizeof(*sorted));
    uint64_t seed = 7;

    for (int i = 0; i < VALUES; i++) {
        sorted[i] = value_at(&seed);
        od_histogram_add(h, sorted[i]);
    }
    qsort(sorted, VALUES, sizeof(*sorted), compare);
    for (size_t i = 0; i < OD_COUNT(percents); i++) {
        size_t rank = (size_t)(VALUES * percents[i] / 100);
        uint64_t exact = sorted[rank - 1];
        uint64_t got = od_histogram_percentile(h, percents[i]);

        CHECK(got >= exact);
        CHECK(got <= exact + exact / 128);
    }
    CHECK_EQ(h->count, VALUES);
    CHECK_EQ(h->max, sorted[VALUES - 1]);
    od_free(sorted);
    od_free(h);
}

TEST(values_below_256_are_exact)
{
    for (uint64_t v = 0; v < 256; v++) {
        struct od_histogram *h = OD_NEW(struct od_histogram);

        od_histogram_add(h, v);
        od_histogram_add(h, 1 << 20);
        CHECK_EQ(od_histogram_percentile(h, 50), v);
        od_free(h);
    }
}

TEST(neighbours_of_a_bucket_edge_fall_into_different_buckets)
{
    struct od_histogram *h = OD_NEW(struct od_histogram);

    od_histogram_add(h, 257);
    od_histogram_add(h, 258);
    od_histogram_add(h, 4096);
    CHECK_EQ(od_histogram_percentile(h, 30), 257);
    CHECK_EQ(od_histogram_percentile(h, 60), 259);
    od_free(h);
}

TEST(an_empty_histogram_has_percentile_0)
{
    struct od_histogram *h = OD_NEW(struct od_histogram);

    CHECK_EQ(od_histogram_percentile(h, 50), 0);
    od_free(h);
}

TEST(a_value_beyond_the_last_bucket_is_reported_as_the_maximum)
{
    struct od_histogram *h = OD_NEW(struct od_histogram);

    od_histogram_add(h, 5);
    od_histogram_add(h, UINT64_C(1) << 50);
    CHECK_EQ(od_histogram_percentile(h, 50), 5);
    CHECK_EQ(od_histogram_percentile(h, 100), UINT64_C(1) << 50);
    od_free(h);
}

TEST(the_largest_value_that_has_a_bucket_and_the_next_one)
{
    struct od_histogram *h = OD_NEW(struct od_histogram);
    uint64_t last = (UINT64_C(1) << 41) - 1;

    od_histogram_add(h, last);
    CHECK_EQ(od_histogram_percentile(h, 100), last);
    od_histogram_add(h, last + 1);
    CHECK_EQ(od_histogram_percentile(h, 100), last + 1);
    CHECK_EQ(h->count, 2);
    od_free(h);
}
