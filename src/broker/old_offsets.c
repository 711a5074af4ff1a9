/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One READ job that asks when each segment's file last changed.  The rules are Kafka 3.9's, odd
 * cases included: the end is listed only if the last segment has bytes; a consumer is told the high
 * watermark in place of what lies above it, even if a segment begins there as well.
 */
#include "broker/old_offsets.h"

#include "base/arena.h"
#include "broker/node.h"
#include "broker/partition.h"
#include "broker/shard.h"
#include "os/clock.h"

enum { LATEST = -1, EARLIEST = -2 };

static void run_done(struct od_post *post)
{
    struct od_old_offsets *o = OD_CONTAINER(post, struct od_old_offsets, post);

    o->done(o);
}

static void finish(struct od_old_offsets *o)
{
    od_plog_listing_release(&o->listing);
    o->post.run = run_done;
    od_reactor_post(o->shard->reactor, &o->post);
}

static int64_t listed_offset(const struct od_plog_listing *l, int i)
{
    if (i == l->n)
        return l->end_offset;
    return l->segments[i].base_offset > l->start_offset ? l->segments[i].base_offset
                                                        : l->start_offset;
}

/* The entry to begin with, downwards; -1: none. */
static int first_listed(const struct od_old_offsets *o)
{
    const struct od_plog_listing *l = &o->listing;
    int i = l->has_bytes ? l->n : l->n - 1;

    if (o->timestamp == LATEST)
        return i;
    if (o->timestamp == EARLIEST)
        return 0;
    if (i == l->n && od_clock_wall_ms() <= o->timestamp)
        return i;
    for (i = l->n - 1; i >= 0; i--)
        if (l->segments[i].modified_ms >= 0 && l->segments[i].modified_ms <= o->timestamp)
            break;
    return i;
}

static void choose(struct od_old_offsets *o)
{
    int first = first_listed(o), n = first + 1 < o->offsets_max ? first + 1 : o->offsets_max;
    int skip = 0;

    o->offsets = od_arena_alloc(o->arena, sizeof(*o->offsets) * ((size_t)n + 1));
    for (int i = 0; i < n; i++) {
        int64_t offset = listed_offset(&o->listing, first - i);

        if (o->consumer && offset > o->high_watermark && o->count == skip) {
            o->offsets[0] = o->high_watermark;
            o->count = skip = 1;
        } else {
            o->offsets[o->count++] = offset;
        }
    }
}

static void run_listing(struct od_job *job)
{
    struct od_old_offsets *o = OD_CONTAINER(job, struct od_old_offsets, job);

    o->err = od_plog_listing_run(&o->listing);
}

static void listed(struct od_job *job)
{
    struct od_old_offsets *o = OD_CONTAINER(job, struct od_old_offsets, job);

    if (o->err)
        o->err = OD_KAFKA_STORAGE_ERROR;
    else
        choose(o);
    finish(o);
}

static enum od_err list(struct od_old_offsets *o, struct od_partition *p)
{
    enum od_err err;
    struct od_effects fx;

    od_partition_enter(p, &fx);
    err = p->plog ? od_replica_check_fetch(&p->replica, -1) : p->absent_err;
    if (!err) {
        o->high_watermark = od_replica_high_watermark(&p->replica);
        od_plog_list(p->plog, &o->listing);
    }
    od_partition_leave(p, &fx, o->shard);
    return err;
}

void od_old_offsets_start(struct od_old_offsets *o, struct od_shard *shard, struct od_arena *arena,
                          void (*done)(struct od_old_offsets *o))
{
    struct od_node *node = shard->node;
    struct od_partition *p = od_partitions_find(&node->partitions, o->topic_id, o->partition);

    o->shard = shard;
    o->arena = arena;
    o->done = done;
    o->offsets = NULL;
    o->count = 0;
    o->listing = (struct od_plog_listing){ 0 };
    o->err = p ? list(o, p) : OD_NOT_LEADER_OR_FOLLOWER;
    od_partition_unref(p);
    o->job = (struct od_job){ .class = OD_JOB_READ, .run = run_listing, .done = listed };
    if (!o->err && od_helpers_submit(node->helpers, &o->job))
        o->err = OD_REQUEST_TIMED_OUT; /* every helper is busy; the client tries again */
    if (o->err)
        finish(o);
}
