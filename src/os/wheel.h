/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Timers by deadline, in milliseconds: setting and cancelling take constant time, whatever the
 * number of timers; a far one is moved at most OD_WHEEL_LEVELS times.  One thread.
 */
#pragma once

#include "os/reactor.h"

enum {
    OD_WHEEL_BITS = 6, /* 64 slots of 1 ms, 64 of 64 ms, and so on */
    OD_WHEEL_SLOTS = 1 << OD_WHEEL_BITS,
    OD_WHEEL_LEVELS = 8,
};

struct od_wheel {
    int64_t now_ms; /* everything up to here has become due */
    uint64_t occupied[OD_WHEEL_LEVELS]; /* bit per slot; may stay set after cancels */
    struct od_list due;
    struct od_list slots[OD_WHEEL_LEVELS][OD_WHEEL_SLOTS];
};

void od_wheel_init(struct od_wheel *w, int64_t now_ms);
/* deadline_ms is read from t.  A set timer is moved. */
void od_wheel_set(struct od_wheel *w, struct od_timer *t);
/* Makes due what has a deadline up to now_ms, which never goes back. */
void od_wheel_advance(struct od_wheel *w, int64_t now_ms);
/* The next due timer, earliest deadline first, equal ones in the order they were set; or NULL. */
struct od_timer *od_wheel_pop(struct od_wheel *w);
/* When to advance next: never later than the earliest deadline; -1: nothing is set. */
int64_t od_wheel_next_ms(struct od_wheel *w);
