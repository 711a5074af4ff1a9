/* SPDX-License-Identifier: Apache-2.0 */
/* Log-linear histogram: the bucket of a value is its highest bits and how far they were shifted. */
#include "load/histogram.h"

enum { SUB_COUNT = 1 << OD_HISTOGRAM_SUB_BITS };

static int shift_of(uint64_t value)
{
    int bits = 64 - __builtin_clzll(value | 1);

    return bits > OD_HISTOGRAM_SUB_BITS + 1 ? bits - OD_HISTOGRAM_SUB_BITS - 1 : 0;
}

void od_histogram_add(struct od_histogram *h, uint64_t value)
{
    int shift = shift_of(value);

    h->count++;
    if (value > h->max)
        h->max = value;
    if (shift > OD_HISTOGRAM_SHIFT_MAX)
        h->buckets[OD_HISTOGRAM_BUCKETS - 1]++;
    else
        h->buckets[(uint64_t)(shift * SUB_COUNT) + (value >> shift)]++;
}

static uint64_t bucket_end(int index)
{
    int shift = index < 2 * SUB_COUNT ? 0 : index / SUB_COUNT - 1;
    uint64_t top = (uint64_t)(index - shift * SUB_COUNT);

    return ((top + 1) << shift) - 1;
}

uint64_t od_histogram_percentile(const struct od_histogram *h, double percent)
{
    double exact = (double)h->count * percent / 100;
    uint64_t rank = (uint64_t)exact;
    uint64_t seen = 0;

    if (h->count == 0)
        return 0;
    if ((double)rank < exact || rank == 0)
        rank++;
    for (int i = 0; i < OD_HISTOGRAM_BUCKETS; i++) {
        seen += h->buckets[i];
        if (seen >= rank) {
            uint64_t end = bucket_end(i);

            return end < h->max && i < OD_HISTOGRAM_BUCKETS - 1 ? end : h->max;
        }
    }
    return h->max;
}
