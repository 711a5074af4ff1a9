/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What to clean of a log: pure decisions over a list of its segments.
 *
 *      log start ... first dirty offset ... first uncleanable offset ... end
 *      |    clean    |      cleanable      |  too young, active, or not yet safe
 */
#pragma once

#include "base/compiler.h"

#include <stdbool.h>

struct od_clean_segment {
    int64_t base_offset;
    int64_t end_offset;
    int64_t size;
    int64_t index_bytes; /* of the larger of the two indexes, about */
    int64_t first_timestamp; /* -1: unknown or none */
    int64_t max_timestamp;   /* -1: none */
    bool times_known;
};

struct od_clean_rules {
    int64_t now_ms;
    int64_t min_lag_ms;  /* min.compaction.lag.ms */
    int64_t max_lag_ms;  /* max.compaction.lag.ms */
    double dirty_ratio;  /* min.cleanable.dirty.ratio */
};

struct od_clean_outlook {
    int64_t first_dirty;   /* offset */
    int64_t limit_offset;  /* where cleaning ends; == first_dirty: nothing to clean */
    int64_t clean_bytes;
    int64_t dirty_bytes;   /* that could be cleaned */
    double ratio;          /* dirty of both */
    bool overdue;          /* the max lag has passed */
    bool wanted;           /* should be cleaned now */
    bool times_unknown;    /* a segment's times must be learnt before its age can be judged */
};

/*
 * segments: the sealed ones, ascending, all below what is durable.  cleaned: the first dirty offset
 * as noted, -1: none; limit: nothing at or above it is cleaned.
 */
void od_clean_plan(const struct od_clean_segment *segments, int n, int64_t start_offset,
                   int64_t cleaned, int64_t limit, const struct od_clean_rules *rules,
                   struct od_clean_outlook *out);

/*
 * How many of the n segments, from the first, become one: their sum keeps within the bytes of a
 * segment and of an index, their offsets within INT32_MAX of the first base.  At least 1.
 */
int od_clean_group(const struct od_clean_segment *segments, int n, int64_t segment_bytes,
                   int64_t index_bytes);
