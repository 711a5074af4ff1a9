/* SPDX-License-Identifier: Apache-2.0 */
/* The rank rule of locks, the same for every twin. */
#include "base/assert.h"
#include "os/thread_state.h"

void od_lock_check(const struct od_lock *l)
{
    const struct od_thread_state *state = od_thread_state();

    OD_ASSERT(!state->held[l->rank]);
    OD_ASSERT(!state->held[OD_LOCK_LEAF]);
}

void od_lock_note_taken(const struct od_lock *l)
{
    od_thread_state()->held[l->rank] = l;
}

void od_lock_note_dropped(const struct od_lock *l)
{
    struct od_thread_state *state = od_thread_state();

    OD_ASSERT(state->held[l->rank] == l);
    state->held[l->rank] = NULL;
}
