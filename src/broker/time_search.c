/* SPDX-License-Identifier: Apache-2.0 */
/* One READ job per segment; the partition is found anew for each. */
#include "broker/time_search.h"

#include "broker/node.h"
#include "broker/partition.h"
#include "broker/shard.h"

enum { RESTARTS_MAX = 8 }; /* then the client asks again */

static void run_done(struct od_post *post)
{
    struct od_time_search *t = OD_CONTAINER(post, struct od_time_search, post);

    t->done(t);
}

static void finish(struct od_time_search *t)
{
    t->post.run = run_done;
    od_reactor_post(t->shard->reactor, &t->post);
}

static void run_search(struct od_job *job)
{
    struct od_time_search *t = OD_CONTAINER(job, struct od_time_search, job);

    t->err = od_plog_scan_time(&t->place, &t->found);
}

static void search_from(struct od_time_search *t, int64_t offset);

static void search_done(struct od_job *job)
{
    struct od_time_search *t = OD_CONTAINER(job, struct od_time_search, job);

    od_plog_place_release(&t->place);
    if (t->err == OD_E_STALE && t->restarts++ < RESTARTS_MAX)
        search_from(t, -1);
    else if (!t->err && t->found.offset < 0 && t->found.next_offset >= 0)
        search_from(t, t->found.next_offset);
    else
        finish(t);
}

/* offset -1: the log's start. */
static void search_from(struct od_time_search *t, int64_t offset)
{
    struct od_node *node = t->shard->node;
    struct od_partition *p = od_partitions_find(&node->partitions, t->topic_id, t->partition);
    struct od_effects fx;

    t->err = OD_UNKNOWN_TOPIC_OR_PARTITION; /* it was there when the search began */
    t->found = (struct od_plog_found){
        .offset = -1, .timestamp = -1, .leader_epoch = -1, .next_offset = -1
    };
    if (p) {
        od_partition_enter(p, &fx);
        if (p->plog)
            t->err = od_plog_locate_time(p->plog, t->timestamp,
                                         offset < 0 ? od_plog_start_offset(p->plog) : offset,
                                         t->limit_offset, &t->place);
        else
            t->err = p->absent_err;
        od_partition_leave(p, &fx, t->shard);
        od_partition_unref(p);
    }
    t->job = (struct od_job){ .class = OD_JOB_READ, .run = run_search, .done = search_done };
    if (t->err || !t->place.segment) {
        finish(t);
    } else if (od_helpers_submit(node->helpers, &t->job)) {
        od_plog_place_release(&t->place);
        t->err = OD_REQUEST_TIMED_OUT; /* every helper is busy; the client tries again */
        finish(t);
    }
}

void od_time_search_start(struct od_time_search *t, struct od_shard *shard,
                          void (*done)(struct od_time_search *t))
{
    t->shard = shard;
    t->done = done;
    t->place = (struct od_plog_place){ 0 };
    t->restarts = 0;
    search_from(t, -1);
}
