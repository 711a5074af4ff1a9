/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Early write-back of a partition, so that the kernel finds few dirty pages when it looks for some:
 * at most one is out.  The job owns file references and the partition's name, never the partition.
 */
#include "broker/partition_internal.h"

#include "base/mem.h"
#include "broker/node.h"
#include "broker/partitions.h"
#include "broker/shard.h"
#include "os/helpers.h"

enum { RETRY_MS = 2 };

struct od_write_back_job {
    struct od_job job;
    struct od_node *node;
    struct od_uuid topic_id;
    int32_t index;
    uint64_t incarnation;
    struct od_plog_write_back write_back;
    struct od_timer retry;
};

struct od_write_back_job *od_write_back_begin(struct od_partition *p, int64_t min_bytes)
{
    struct od_write_back_job *w;

    if (od_plog_dirty_bytes(p->plog) < min_bytes)
        return NULL;
    w = OD_NEW(struct od_write_back_job);
    if (!od_plog_write_back_begin(p->plog, min_bytes, &w->write_back)) {
        od_free(w);
        return NULL;
    }
    w->node = p->node;
    w->topic_id = p->topic_id;
    w->index = p->index;
    w->incarnation = p->incarnation;
    atomic_fetch_add(&p->node->jobs_out, 1);
    return w;
}

void od_partition_want_write_back(struct od_partition *p, struct od_effects *fx)
{
    if (!p->plog || fx->write_back)
        return;
    fx->write_back = od_write_back_begin(p, p->node->dirty.step_bytes);
    if (!fx->write_back && od_plog_dirty_bytes(p->plog) > 0 && !p->flushing && !p->has_dirty)
        od_dirty_add(&p->node->dirty, p);
}

void od_partition_write_back(struct od_partition *p, struct od_shard *shard)
{
    struct od_effects fx;

    od_partition_enter(p, &fx);
    p->has_dirty = false;
    if (p->plog)
        fx.write_back = od_write_back_begin(p, 1);
    od_partition_leave(p, &fx, shard);
}

static void run_write_back(struct od_job *job)
{
    od_plog_write_back_run(&OD_CONTAINER(job, struct od_write_back_job, job)->write_back);
}

static void write_back_done(struct od_job *job)
{
    struct od_write_back_job *w = OD_CONTAINER(job, struct od_write_back_job, job);
    struct od_node *node = w->node;
    struct od_shard *shard = od_shard_current(node);
    struct od_partition *p = od_partitions_find(&node->partitions, w->topic_id, w->index);
    struct od_effects fx;

    if (p) {
        od_partition_enter(p, &fx);
        if (p->plog && p->incarnation == w->incarnation) {
            od_plog_write_back_end(p->plog, &w->write_back);
            od_partition_want_write_back(p, &fx);
        }
        od_partition_leave(p, &fx, shard);
        od_partition_unref(p);
    }
    if (w->write_back.dir)
        od_plog_write_back_drop(&w->write_back);
    atomic_fetch_sub(&node->jobs_out, 1);
    od_free(w);
}

static void submit(struct od_write_back_job *w, struct od_shard *shard);

static void submit_again(struct od_timer *t)
{
    struct od_write_back_job *w = OD_CONTAINER(t, struct od_write_back_job, retry);

    submit(w, od_shard_current(w->node));
}

static void submit(struct od_write_back_job *w, struct od_shard *shard)
{
    if (od_helpers_submit(w->node->helpers, &w->job) != OD_NONE)
        od_timer_set(shard->reactor, &w->retry, od_reactor_now_ms(shard->reactor) + RETRY_MS);
}

void od_write_back_submit(struct od_write_back_job *w, struct od_shard *shard)
{
    w->job = (struct od_job){ .class = OD_JOB_WRITE_BACK,
                              .run = run_write_back,
                              .done = write_back_done };
    w->retry = (struct od_timer){ .fire = submit_again };
    submit(w, shard);
}
