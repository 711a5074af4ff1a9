/* SPDX-License-Identifier: Apache-2.0 */
/* Retention, DeleteRecords, and producers that fell silent: what leaves the log leaves it at once,
 * its files by a helper. */
#include "broker/partition_internal.h"

#include "base/mem.h"
#include "broker/node.h"
#include "broker/shard.h"
#include "os/clock.h"

struct removal {
    struct od_job job;
    struct od_node *node;
    struct od_plog_trash trash;
};

static void run_removal(struct od_job *job)
{
    struct removal *r = OD_CONTAINER(job, struct removal, job);

    /* What cannot be removed is logged there and left to the next start. */
    (void)!od_plog_trash_run(&r->trash);
}

static void removal_done(struct od_job *job)
{
    struct removal *r = OD_CONTAINER(job, struct removal, job);

    atomic_fetch_sub(&r->node->jobs_out, 1);
    od_free(r);
}

static void submit(struct removal *r)
{
    r->job = (struct od_job){ .class = OD_JOB_DELETE, .run = run_removal, .done = removal_done };
    atomic_fetch_add(&r->node->jobs_out, 1);
    if (od_helpers_submit(r->node->helpers, &r->job)) {
        run_removal(&r->job); /* the queue is full of removals: this one cannot wait for ever */
        removal_done(&r->job);
    }
}

void od_partition_expire_producers(struct od_partition *p, struct od_shard *shard,
                                   int64_t expiration_ms)
{
    struct od_effects fx;

    od_partition_enter(p, &fx);
    if (p->plog)
        od_plog_expire_producers(p->plog, od_clock_wall_ms(), expiration_ms);
    od_partition_leave(p, &fx, shard);
}

void od_partition_retain(struct od_partition *p, struct od_shard *shard)
{
    struct removal *r = OD_NEW(struct removal);
    bool any = false;
    struct od_effects fx;

    r->node = p->node;
    od_partition_enter(p, &fx);
    if (p->plog) {
        bool by_policy = p->config->cleanup_policy & OD_CLEANUP_DELETE;
        struct od_plog_retention rule = {
            .now_ms = od_clock_wall_ms(),
            .retention_ms = by_policy ? p->config->retention_ms : -1,
            .retention_bytes = by_policy ? p->config->retention_bytes : -1,
            .limit_offset = od_replica_high_watermark(&p->replica),
        };

        any = od_plog_retain(p->plog, &rule, &r->trash);
        od_partition_publish(p);
    }
    od_partition_leave(p, &fx, shard);
    if (any)
        submit(r);
    else
        od_free(r);
}

/* With the partition entered. */
static enum od_err move_start(struct od_partition *p, int64_t offset, bool *moved)
{
    int64_t high_watermark = od_replica_high_watermark(&p->replica);
    int64_t to = offset == OD_PARTITION_ALL ? high_watermark : offset;

    if (!p->plog)
        return p->absent_err;
    if (p->replica.state != OD_REPLICA_LEADER)
        return OD_NOT_LEADER_OR_FOLLOWER;
    if (p->config->cleanup_policy == OD_CLEANUP_COMPACT)
        return OD_POLICY_VIOLATION;
    if (to < 0 || to > high_watermark)
        return OD_OFFSET_OUT_OF_RANGE;
    *moved = to > od_plog_start_offset(p->plog);
    od_plog_set_start_offset(p->plog, to);
    return OD_NONE;
}

enum od_err od_partition_delete_records(struct od_partition *p, struct od_shard *shard,
                                        int64_t offset, int64_t *start, bool *moved)
{
    struct od_effects fx;
    enum od_err err;

    *moved = false;
    od_partition_enter(p, &fx);
    err = move_start(p, offset, moved);
    if (!err)
        *start = od_plog_start_offset(p->plog);
    if (*moved) {
        od_partition_publish(p);
        od_partition_wake(p, &fx); /* who waits below the start hears of it now */
    }
    od_partition_leave(p, &fx, shard);
    return err;
}
