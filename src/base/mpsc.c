/* SPDX-License-Identifier: Apache-2.0 */
/* A Treiber stack that is taken whole and reversed, so that no element is freed under a reader. */
#include "base/mpsc.h"

void od_mpsc_init(struct od_mpsc *q)
{
    atomic_init(&q->top, NULL);
}

bool od_mpsc_push(struct od_mpsc *q, struct od_mpsc_node *n)
{
    struct od_mpsc_node *top = atomic_load_explicit(&q->top, memory_order_relaxed);

    do {
        n->next = top;
    } while (!atomic_compare_exchange_weak_explicit(&q->top, &top, n, memory_order_acq_rel,
                                                    memory_order_relaxed));
    return !top;
}

struct od_mpsc_node *od_mpsc_take(struct od_mpsc *q)
{
    struct od_mpsc_node *newest = atomic_exchange_explicit(&q->top, NULL, memory_order_acq_rel);
    struct od_mpsc_node *oldest = NULL;

    while (newest) {
        struct od_mpsc_node *next = newest->next;

        newest->next = oldest;
        oldest = newest;
        newest = next;
    }
    return oldest;
}

bool od_mpsc_empty(const struct od_mpsc *q)
{
    return !atomic_load_explicit(&q->top, memory_order_acquire);
}
