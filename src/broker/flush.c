/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Group commit of a partition: at most one flush is out; what is appended meanwhile goes with the
 * next.  The job owns file references and the partition's name, never the partition.
 */
#include "broker/partition_internal.h"

#include "base/log.h"
#include "base/mem.h"
#include "broker/node.h"
#include "broker/partitions.h"
#include "broker/shard.h"
#include "os/helpers.h"

enum { NO_ROOM_MS = 500 }; /* until a flush that had no room for the epochs is tried again */

struct od_flush_job {
    struct od_job job;
    struct od_node *node;
    struct od_uuid topic_id;
    int32_t index;
    uint64_t incarnation;
    uint32_t generation;
    struct od_plog_flush flush;
    struct od_timer retry;
};

struct od_flush_job *od_flush_begin(struct od_partition *p)
{
    struct od_flush_job *f = OD_NEW(struct od_flush_job);

    if (!od_plog_flush_begin(p->plog, &f->flush)) {
        od_free(f);
        return NULL;
    }
    f->node = p->node;
    f->topic_id = p->topic_id;
    f->index = p->index;
    f->incarnation = p->incarnation;
    f->generation = od_replica_log_generation(&p->replica);
    p->flushing = true;
    atomic_fetch_add(&p->node->jobs_out, 1);
    return f;
}

static void run_flush(struct od_job *job)
{
    od_plog_flush_run(&OD_CONTAINER(job, struct od_flush_job, job)->flush);
}

/* With the partition entered. */
static void end_flush(struct od_partition *p, struct od_flush_job *f, struct od_effects *fx)
{
    enum od_err err = od_plog_flush_end(p->plog, &f->flush);

    p->flushing = false;
    od_partition_step(p,
                      &(struct od_replica_event){
                          .kind = OD_REPLICA_EV_DURABLE,
                          .now_ms = od_partition_now_ms(),
                          .durable = { .end = od_plog_durable_end(p->plog),
                                       .generation = f->generation,
                                       .err = err },
                      },
                      fx);
    od_partition_want_flush(p, fx);
    od_partition_want_write_back(p, fx);
}

static void free_job(struct od_flush_job *f)
{
    atomic_fetch_sub(&f->node->jobs_out, 1);
    od_free(f);
}

static void submit(struct od_flush_job *f, struct od_shard *shard);

static void submit_again(struct od_timer *t)
{
    struct od_flush_job *f = OD_CONTAINER(t, struct od_flush_job, retry);

    submit(f, od_shard_current(f->node));
}

static void flush_done(struct od_job *job)
{
    struct od_flush_job *f = OD_CONTAINER(job, struct od_flush_job, job);
    struct od_shard *shard = od_shard_current(f->node);
    struct od_partition *p = od_partitions_find(&f->node->partitions, f->topic_id, f->index);
    struct od_effects fx;

    if (p && f->flush.err == OD_E_NO_SPACE && !shard->draining) {
        od_timer_set(shard->reactor, &f->retry, od_reactor_now_ms(shard->reactor) + NO_ROOM_MS);
        od_partition_unref(p);
        return;
    }
    if (!p) {
        od_plog_flush_drop(&f->flush);
        free_job(f);
        return;
    }
    od_partition_enter(p, &fx);
    if (p->plog && p->incarnation == f->incarnation)
        end_flush(p, f, &fx);
    else
        od_plog_flush_drop(&f->flush);
    od_partition_leave(p, &fx, shard);
    od_partition_unref(p);
    free_job(f);
}

/* A full queue empties by itself: what waits for this flush waits a little longer. */
static void submit(struct od_flush_job *f, struct od_shard *shard)
{
    enum { RETRY_MS = 2 };

    if (od_helpers_submit(f->node->helpers, &f->job) != OD_NONE)
        od_timer_set(shard->reactor, &f->retry, od_reactor_now_ms(shard->reactor) + RETRY_MS);
}

void od_flush_submit(struct od_flush_job *f, struct od_shard *shard)
{
    f->job = (struct od_job){ .class = OD_JOB_FLUSH, .run = run_flush, .done = flush_done };
    f->retry = (struct od_timer){ .fire = submit_again };
    submit(f, shard);
}
