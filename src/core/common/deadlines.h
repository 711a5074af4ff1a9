/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Many points in time, the earliest first: a binary heap of embedded elements.  Set, clear and
 * take cost O(log n), and 8 bytes per element beside its own struct.  Not thread-safe.
 */
#pragma once

#include "base/compiler.h"

#include <stdbool.h>

struct od_deadline {
    int64_t due_ms; /* on whichever clock the owner uses */
    int32_t index;  /* in the heap, from 1; 0: not set */
    int32_t kind;   /* the owner's */
};

struct od_deadlines {
    struct od_deadline **v; /* v[0] is unused */
    int32_t count;
    int32_t capacity;
};

void od_deadlines_deinit(struct od_deadlines *d); /* the elements are the caller's */
/* Sets it, or moves it to another time. */
void od_deadline_set(struct od_deadlines *d, struct od_deadline *e, int64_t due_ms);
void od_deadline_clear(struct od_deadlines *d, struct od_deadline *e); /* unset: nothing happens */
int64_t od_deadlines_next_ms(const struct od_deadlines *d);            /* INT64_MAX: none is set */
/* Takes out the earliest that is due; NULL: none. */
struct od_deadline *od_deadlines_take(struct od_deadlines *d, int64_t now_ms);
