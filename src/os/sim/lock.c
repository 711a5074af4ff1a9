/* SPDX-License-Identifier: Apache-2.0 */
/* Locks between fibers: taking and dropping are scheduling points; who gets it next is drawn. */
#include "os/lock.h"

#include "base/assert.h"
#include "base/mem.h"
#include "os/sim/world.h"

struct waiters {
    struct od_list list;
    uint32_t count;
    uint64_t id; /* stands for the lock in the trace */
};

void od_lock_init(struct od_lock *l, enum od_lock_rank rank)
{
    struct waiters *w = OD_NEW(struct waiters);

    od_list_init(&w->list);
    w->id = ++od_world.lock_count;
    atomic_init(&l->state, 0);
    l->rank = rank;
    l->sim = w;
}

void od_lock_deinit(struct od_lock *l)
{
    OD_ASSERT(atomic_load(&l->state) == 0);
    od_free(l->sim);
    l->sim = NULL;
}

static void note_contended(void)
{
    od_world.stats.contended++;
    if (od_world.running)
        od_world.running->node->contended++;
}

void od_lock_take(struct od_lock *l)
{
    struct waiters *w = l->sim;

    od_lock_check(l);
    od_sim_step(OD_CALL_LOCK, w->id, 0);
    if (atomic_load(&l->state) != 0)
        note_contended();
    while (atomic_load(&l->state) != 0) {
        OD_ASSERT(od_world.running);
        od_list_push(&w->list, &od_world.running->in_queue);
        w->count++;
        (void)od_sim_block(-1);
    }
    atomic_store(&l->state, 1);
    od_lock_note_taken(l);
}

bool od_lock_try(struct od_lock *l)
{
    struct waiters *w = l->sim;

    od_lock_check(l);
    od_sim_step(OD_CALL_TRY, w->id, 0);
    if (atomic_load(&l->state) != 0) {
        od_world.stats.tries_failed++;
        return false;
    }
    atomic_store(&l->state, 1);
    od_lock_note_taken(l);
    return true;
}

static void wake_one(struct waiters *w)
{
    struct od_link *link = od_list_first(&w->list);

    for (uint64_t skip = od_rng_below(&od_world.schedule, w->count); skip > 0; skip--)
        link = link->next;
    od_link_remove(link);
    w->count--;
    od_sim_wake(OD_CONTAINER(link, struct od_thread, in_queue));
}

void od_lock_drop(struct od_lock *l)
{
    struct waiters *w = l->sim;

    od_sim_step(OD_CALL_DROP, w->id, w->count); /* others may come and find it taken */
    od_lock_note_dropped(l);
    atomic_store(&l->state, 0);
    if (w->count > 0)
        wake_one(w);
    od_sim_step(OD_CALL_DROP, w->id, UINT64_MAX);
}

uint64_t od_lock_contended(void)
{
    return od_world.running ? od_world.running->node->contended : 0;
}
