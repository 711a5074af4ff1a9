/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counts of durations in log-linear buckets: 128 per power of two, so that a value read back is
 * at most 1/128 too high.  Exact below 256.  Not safe for use from several threads.
 */
#pragma once

#include <stdint.h>

enum {
    OD_HISTOGRAM_SUB_BITS = 7,
    OD_HISTOGRAM_SHIFT_MAX = 33, /* larger values count as 2^41 - 1, which is 36 minutes in ns */
    OD_HISTOGRAM_BUCKETS = (OD_HISTOGRAM_SHIFT_MAX + 2) << OD_HISTOGRAM_SUB_BITS,
};

/* Zeroed memory is an empty histogram. */
struct od_histogram {
    uint64_t count;
    uint64_t max; /* exact, also beyond the last bucket */
    uint64_t buckets[OD_HISTOGRAM_BUCKETS];
};

void od_histogram_add(struct od_histogram *h, uint64_t value);
/*
 * The smallest bucket end that at least `percent` of the values do not exceed; 0 when empty.
 * percent is 0 to 100; 0 gives the bucket of the lowest value.
 */
uint64_t od_histogram_percentile(const struct od_histogram *h, double percent);
