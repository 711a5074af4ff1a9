/* SPDX-License-Identifier: Apache-2.0 */
/* Locks on a futex: taking and dropping a free one is one atomic operation each. */
#include "os/lock.h"

#include "base/assert.h"
#include "os/linux/futex.h"
#include "os/thread_state.h"

enum { FREE, HELD, HELD_AND_WAITED_FOR };

static _Atomic uint64_t contended;

void od_lock_init(struct od_lock *l, enum od_lock_rank rank)
{
    atomic_init(&l->state, FREE);
    l->rank = rank;
    l->sim = NULL;
}

void od_lock_deinit(struct od_lock *l)
{
    OD_ASSERT(atomic_load_explicit(&l->state, memory_order_relaxed) == FREE);
}

static bool take_free(struct od_lock *l)
{
    uint32_t expected = FREE;

    return atomic_compare_exchange_strong_explicit(&l->state, &expected, HELD,
                                                   memory_order_acquire, memory_order_relaxed);
}

void od_lock_take(struct od_lock *l)
{
    od_lock_check(l);
    if (!take_free(l)) {
        atomic_fetch_add_explicit(&contended, 1, memory_order_relaxed);
        /* Whoever slept takes it as waited for, since others may sleep still. */
        while (atomic_exchange_explicit(&l->state, HELD_AND_WAITED_FOR, memory_order_acquire) !=
               FREE)
            od_futex_wait(&l->state, HELD_AND_WAITED_FOR, -1);
    }
    od_lock_note_taken(l);
}

bool od_lock_try(struct od_lock *l)
{
    od_lock_check(l);
    if (!take_free(l))
        return false;
    od_lock_note_taken(l);
    return true;
}

void od_lock_drop(struct od_lock *l)
{
    od_lock_note_dropped(l);
    if (atomic_exchange_explicit(&l->state, FREE, memory_order_release) == HELD_AND_WAITED_FOR)
        od_futex_wake_one(&l->state);
}

uint64_t od_lock_contended(void)
{
    return atomic_load_explicit(&contended, memory_order_relaxed);
}
