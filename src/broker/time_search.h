/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finds the first record of a partition at or after a timestamp, or the one with the greatest: a
 * helper reads segment after segment.  Lies in the caller's memory until done, which is called on
 * the shard that started it, never within the start.
 */
#pragma once

#include "base/uuid.h"
#include "os/helpers.h"
#include "storage/plog.h"

struct od_shard;

struct od_time_search {
    struct od_uuid topic_id;
    int32_t partition;
    int64_t timestamp;    /* wall ms, or OD_PLOG_TIME_MAX */
    int64_t limit_offset; /* only below it */
    /* The rest is set by the search. */
    enum od_err err;
    struct od_plog_found found; /* offset -1: there is none */
    struct od_shard *shard;
    void (*done)(struct od_time_search *t);
    struct od_plog_place place;
    int restarts; /* the segment at hand was deleted or compacted */
    struct od_job job;
    struct od_post post;
};

void od_time_search_start(struct od_time_search *t, struct od_shard *shard,
                          void (*done)(struct od_time_search *t));
