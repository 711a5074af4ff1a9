/* SPDX-License-Identifier: Apache-2.0 */
/* Stopping producers, and what is done until they go on. */
#include "broker/dirty.h"

#include "base/assert.h"
#include "base/mutant.h"
#include "broker/call.h"
#include "broker/node.h"
#include "broker/partition.h"
#include "broker/shard.h"

enum {
    LOOK_MS = 2,      /* how often a shard with stopped producers looks */
    LOOK_MAX = 32,    /* partitions written back per look */
    FREE_PART = 4,    /* a quarter of the limit is free again before producers go on */
    /* Enough for the device to be busy with; little enough to be there soon. */
    STEP_BYTES = 4 << 20,
};

void od_dirty_init(struct od_dirty *d, int64_t limit_bytes)
{
    od_lock_init(&d->lock, OD_LOCK_LEAF);
    od_list_init(&d->noted);
    d->limit_bytes = limit_bytes;
    d->resume_bytes = limit_bytes - limit_bytes / FREE_PART;
    d->step_bytes = limit_bytes / FREE_PART < STEP_BYTES ? limit_bytes / FREE_PART : STEP_BYTES;
    atomic_init(&d->stops, 0);
}

void od_dirty_deinit(struct od_dirty *d)
{
    OD_ASSERT(od_list_empty(&d->noted));
    od_lock_deinit(&d->lock);
}

void od_dirty_add(struct od_dirty *d, struct od_partition *p)
{
    p->has_dirty = true;
    od_partition_ref(p);
    od_lock_take(&d->lock);
    od_list_push(&d->noted, &p->dirty);
    od_lock_drop(&d->lock);
}

void od_dirty_remove(struct od_dirty *d, struct od_partition *p)
{
    bool noted;

    if (!p->has_dirty)
        return;
    od_lock_take(&d->lock);
    noted = od_link_used(&p->dirty); /* else a look has it already */
    od_link_remove(&p->dirty);
    od_lock_drop(&d->lock);
    p->has_dirty = false;
    if (noted)
        od_partition_unref(p); /* not the last: the caller has one */
}

static struct od_partition *take_noted(struct od_dirty *d)
{
    struct od_link *link;

    od_lock_take(&d->lock);
    link = od_list_pop(&d->noted);
    od_lock_drop(&d->lock);
    return link ? OD_CONTAINER(link, struct od_partition, dirty) : NULL;
}

/* Before the storage is there nothing is appended. */
static bool is_over(const struct od_node *n, int64_t limit_bytes)
{
    return od_storage_dirty_bytes(n->storage) >= limit_bytes && !od_storage_fenced(n->storage);
}

static void look_again(struct od_shard *shard)
{
    od_timer_set(shard->reactor, &shard->dirty, od_reactor_now_ms(shard->reactor) + LOOK_MS);
}

void od_dirty_admit(struct od_shard *shard, const struct od_call *call)
{
    struct od_node *n = shard->node;
    struct od_conn *conn = od_reply_conn(call->reply);

    if (!is_over(n, n->dirty.limit_bytes) || !conn)
        return;
    od_conn_stop(conn);
    atomic_fetch_add_explicit(&n->dirty.stops, 1, memory_order_relaxed);
    if (!od_link_used(&shard->dirty.link))
        look_again(shard);
}

void od_dirty_look(struct od_timer *t)
{
    struct od_shard *shard = OD_CONTAINER(t, struct od_shard, dirty);
    struct od_node *n = shard->node;
    struct od_partition *p;

    if (!od_net_has_stopped(shard->net))
        return;
    if (!is_over(n, n->dirty.resume_bytes)) {
        od_net_release_stopped(shard->net);
        return;
    }
    for (int i = 0; i < LOOK_MAX && (p = take_noted(&n->dirty)); i++) {
        if (!OD_MUTANT(broker_dirty_forgotten))
            od_partition_write_back(p, shard);
        od_partition_unref(p);
    }
    look_again(shard);
}
