/* SPDX-License-Identifier: Apache-2.0 */
/* Rounds over the partitions, in slices. */
#include "broker/housekeeping.h"

#include "base/log.h"
#include "base/mem.h"
#include "broker/node_internal.h"
#include "broker/partition.h"

enum { SLICE = 256, SLICE_MS = 1, ROOM_MS = 2000, EXPIRE_INTERVAL_MS = 600000 };

static void run_sweep(struct od_job *job)
{
    struct od_housekeeping *h = OD_CONTAINER(job, struct od_housekeeping, job);

    od_storage_sweep(h->node->storage);
}

static void run_checkpoint(struct od_job *job)
{
    struct od_housekeeping *h = OD_CONTAINER(job, struct od_housekeeping, job);

    if (od_storage_checkpoint(h->node->storage))
        od_log(OD_LOG_WARN, "broker", "no checkpoint: the next start has more to read");
}

static void job_done(struct od_job *job)
{
    OD_CONTAINER(job, struct od_housekeeping, job)->out = false;
}

static void submit(struct od_housekeeping *h, void (*run)(struct od_job *))
{
    if (h->out)
        return; /* the last one is slow; the next round tries again */
    h->job = (struct od_job){ .class = OD_JOB_DELETE, .run = run, .done = job_done };
    h->out = !od_helpers_submit(h->node->helpers, &h->job);
}

static void run_make_room(struct od_job *job)
{
    od_storage_make_room(OD_CONTAINER(job, struct od_housekeeping, make_room)->node->storage);
}

static void made_room(struct od_job *job)
{
    OD_CONTAINER(job, struct od_housekeeping, make_room)->making_room = false;
}

static void look_for_room(struct od_timer *t)
{
    struct od_housekeeping *h = OD_CONTAINER(t, struct od_housekeeping, room);
    struct od_reactor *r = h->node->shards[0].reactor;

    if (!h->making_room && !od_storage_has_room(h->node->storage)) {
        h->make_room = (struct od_job){ .class = OD_JOB_DELETE,
                                        .run = run_make_room,
                                        .done = made_room };
        h->making_room = !od_helpers_submit(h->node->helpers, &h->make_room);
    }
    if (od_storage_has_room(h->node->storage))
        od_node_open_again(h->node);
    od_timer_set(r, t, od_reactor_now_ms(r) + ROOM_MS);
}

static void set_timer(struct od_housekeeping *h, int64_t in_ms)
{
    struct od_reactor *r = h->node->shards[0].reactor;

    od_timer_set(r, &h->timer, od_reactor_now_ms(r) + in_ms);
}

static int64_t expiration_ms(struct od_node *n)
{
    struct od_image *image = od_image_acquire(&n->image);
    int64_t ms = (image->live ? image->live : &n->config.live)->producer_id_expiration_ms;

    od_image_unref(image);
    return ms;
}

static void begin_round(struct od_housekeeping *h)
{
    int64_t now_ms = od_reactor_now_ms(h->node->shards[0].reactor);

    h->all = od_partitions_all(&h->node->partitions, &h->count);
    h->next = 0;
    h->retaining = now_ms >= h->retain_ms;
    if (h->retaining)
        h->retain_ms = now_ms + h->node->config.log_retention_check_interval_ms;
    h->expiring = now_ms >= h->expire_ms;
    if (h->expiring) {
        h->expire_ms = now_ms + EXPIRE_INTERVAL_MS;
        h->expiration_ms = expiration_ms(h->node);
    }
}

static void end_round(struct od_housekeeping *h)
{
    od_free(h->all);
    h->all = NULL;
    submit(h, run_checkpoint);
    set_timer(h, h->node->config.log_flush_offset_checkpoint_interval_ms);
}

static void go_on(struct od_timer *t)
{
    struct od_housekeeping *h = OD_CONTAINER(t, struct od_housekeeping, timer);
    struct od_shard *shard = &h->node->shards[0];

    if (!h->all)
        begin_round(h);
    for (int i = 0; i < SLICE && h->next < h->count; i++) {
        struct od_partition *p = h->all[h->next++];

        if (h->retaining)
            od_partition_retain(p, shard);
        if (h->expiring)
            od_partition_expire_producers(p, shard, h->expiration_ms);
        od_partition_flush(p, shard);
        od_partition_unref(p);
    }
    if (h->next < h->count)
        set_timer(h, SLICE_MS);
    else
        end_round(h);
}

void od_housekeeping_start(struct od_housekeeping *h, struct od_node *node)
{
    *h = (struct od_housekeeping){ .node = node, .timer.fire = go_on, .room.fire = look_for_room };
    look_for_room(&h->room);
    submit(h, run_sweep);
    set_timer(h, node->config.log_flush_offset_checkpoint_interval_ms);
}

void od_housekeeping_stop(struct od_housekeeping *h)
{
    if (!h->node)
        return;
    od_timer_cancel(h->node->shards[0].reactor, &h->timer);
    od_timer_cancel(h->node->shards[0].reactor, &h->room);
    while (h->all && h->next < h->count)
        od_partition_unref(h->all[h->next++]);
    od_free(h->all);
    h->all = NULL;
}

bool od_housekeeping_idle(const struct od_housekeeping *h)
{
    return !h->out && !h->making_room;
}
