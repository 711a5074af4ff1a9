/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The two kinds of lock there are.  A thread holds at most one of rank PARTITION, and at most one
 * of rank LEAF, which may be taken while a PARTITION lock is held but not the other way round.
 * Checked in every build.  Never held while blocking: see DESIGN in ARCHITECTURE.md, Threads.
 */
#pragma once

#include "base/compiler.h"

#include <stdatomic.h>
#include <stdbool.h>

enum od_lock_rank { OD_LOCK_PARTITION, OD_LOCK_LEAF };

struct od_lock {
    _Atomic uint32_t state; /* 0 free, 1 held, 2 held and waited for; os only */
    enum od_lock_rank rank;
    void *sim; /* the simulator's queue of waiting fibers */
};

void od_lock_init(struct od_lock *l, enum od_lock_rank rank);
void od_lock_deinit(struct od_lock *l);
void od_lock_take(struct od_lock *l);
OD_MUST_USE bool od_lock_try(struct od_lock *l);
void od_lock_drop(struct od_lock *l);
/* Locks taken that were not free, since start, by all threads of the process. */
uint64_t od_lock_contended(void);
