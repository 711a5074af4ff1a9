/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Offsets as ListOffsets version 0 tells them: where segments begin, and the log's end, the newest
 * first, from the one whose file last changed no later than a time.  A helper looks at the files.
 * Lies in the caller's memory until done, which is called on the shard that started it, never
 * within the start.
 */
#pragma once

#include "base/uuid.h"
#include "os/helpers.h"
#include "storage/plog.h"

struct od_shard;

struct od_old_offsets {
    struct od_uuid topic_id;
    int32_t partition;
    int64_t timestamp; /* wall ms; -1: the latest, -2: the earliest */
    int32_t offsets_max;
    bool consumer; /* sees nothing above the high watermark */
    /* The rest is set by the search. */
    enum od_err err;
    int64_t *offsets; /* in arena; descending */
    int32_t count;
    struct od_shard *shard;
    struct od_arena *arena;
    void (*done)(struct od_old_offsets *o);
    int64_t high_watermark;
    struct od_plog_listing listing;
    struct od_job job;
    struct od_post post;
};

void od_old_offsets_start(struct od_old_offsets *o, struct od_shard *shard, struct od_arena *arena,
                          void (*done)(struct od_old_offsets *o));
