/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lock-free list with many producers and one consumer at a time.  Intrusive; unbounded: whoever
 * pushes bounds the number of elements.  Order is kept per producer, and across producers by the
 * moment of the push.
 */
#pragma once

#include "base/compiler.h"

#include <stdatomic.h>
#include <stdbool.h>

struct od_mpsc_node {
    struct od_mpsc_node *next;
};

struct od_mpsc {
    _Atomic(struct od_mpsc_node *) top; /* newest first */
};

void od_mpsc_init(struct od_mpsc *q);
bool od_mpsc_push(struct od_mpsc *q, struct od_mpsc_node *n); /* true: the list was empty */
struct od_mpsc_node *od_mpsc_take(struct od_mpsc *q); /* all elements, oldest first; NULL: none */
bool od_mpsc_empty(const struct od_mpsc *q);
