/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What os remembers per thread; per fiber in the simulator.  The only thread-local there is: each
 * twin provides its storage, the common files of os read and write it, nobody else includes this.
 */
#pragma once

#include "os/lock.h"

struct od_reactor;
struct od_logring;

struct od_thread_state {
    struct od_reactor *reactor; /* the one this thread runs, or NULL */
    const struct od_lock *held[OD_LOCK_LEAF + 1]; /* by rank; NULL: none */
    struct od_logring *ring; /* where od_log writes; NULL until the first line */
};

/* The calling thread's own, zeroed when the thread starts.  Provided by each twin. */
struct od_thread_state *od_thread_state(void);

/* The rank rule, for both twins: before a lock is taken, after it was, before it is dropped. */
void od_lock_check(const struct od_lock *l);
void od_lock_note_taken(const struct od_lock *l);
void od_lock_note_dropped(const struct od_lock *l);
