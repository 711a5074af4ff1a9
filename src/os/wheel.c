/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A hierarchical timer wheel.
 *
 * Invariants: 1. a timer in level L, slot s has the bits of now_ms above digit L, and digit L == s
 * greater than now_ms's digit; so every occupied slot lies ahead, and lower levels come first.
 * 2. A timer in `due` has a deadline at or before now_ms.
 *
 * Not one level of hashed slots: idle connections with far deadlines would fill all of them and
 * wake an idle process every millisecond.
 */
#include "os/wheel.h"

#include "base/assert.h"

/* 8,919 years: deadlines beyond it never come. */
static const int64_t TIME_MS_MAX = (1ll << (OD_WHEEL_BITS * OD_WHEEL_LEVELS)) - 1;

void od_wheel_init(struct od_wheel *w, int64_t now_ms)
{
    w->now_ms = now_ms;
    od_list_init(&w->due);
    for (int level = 0; level < OD_WHEEL_LEVELS; level++) {
        w->occupied[level] = 0;
        for (int slot = 0; slot < OD_WHEEL_SLOTS; slot++)
            od_list_init(&w->slots[level][slot]);
    }
}

static unsigned digit(int64_t ms, int level)
{
    return (unsigned)(ms >> (OD_WHEEL_BITS * level)) & (OD_WHEEL_SLOTS - 1);
}

void od_wheel_set(struct od_wheel *w, struct od_timer *t)
{
    int64_t ms = t->deadline_ms < TIME_MS_MAX ? t->deadline_ms : TIME_MS_MAX;
    int level;

    od_link_remove(&t->link);
    if (ms <= w->now_ms) {
        od_list_push(&w->due, &t->link);
        return;
    }
    level = (63 - __builtin_clzll((uint64_t)(ms ^ w->now_ms))) / OD_WHEEL_BITS;
    w->occupied[level] |= 1ull << digit(ms, level);
    od_list_push(&w->slots[level][digit(ms, level)], &t->link);
}

/* The first occupied slot and the time at which it begins; false: none. */
static bool find_next(struct od_wheel *w, int *level, unsigned *slot, int64_t *ms)
{
    for (int i = 0; i < OD_WHEEL_LEVELS; i++) {
        while (w->occupied[i]) {
            int shift = OD_WHEEL_BITS * i;
            int64_t base = w->now_ms >> (shift + OD_WHEEL_BITS) << (shift + OD_WHEEL_BITS);

            *level = i;
            *slot = (unsigned)__builtin_ctzll(w->occupied[i]);
            *ms = base | (int64_t)*slot << shift;
            if (!od_list_empty(&w->slots[i][*slot]))
                return true;
            w->occupied[i] &= ~(1ull << *slot); /* its timers were cancelled */
        }
    }
    return false;
}

void od_wheel_advance(struct od_wheel *w, int64_t now_ms)
{
    unsigned slot;
    int level;
    int64_t ms;

    OD_ASSERT(now_ms >= w->now_ms && now_ms < TIME_MS_MAX);
    while (find_next(w, &level, &slot, &ms) && ms <= now_ms) {
        struct od_list *list = &w->slots[level][slot];
        struct od_list moved;
        struct od_link *link;

        OD_ASSERT(ms > w->now_ms);
        w->now_ms = ms;
        w->occupied[level] &= ~(1ull << slot);
        od_list_init(&moved);
        while ((link = od_list_pop(list)))
            od_list_push(&moved, link);
        while ((link = od_list_pop(&moved)))
            od_wheel_set(w, OD_CONTAINER(link, struct od_timer, link));
    }
    w->now_ms = now_ms;
}

struct od_timer *od_wheel_pop(struct od_wheel *w)
{
    struct od_link *link = od_list_pop(&w->due);

    return link ? OD_CONTAINER(link, struct od_timer, link) : NULL;
}

int64_t od_wheel_next_ms(struct od_wheel *w)
{
    unsigned slot;
    int level;
    int64_t ms;

    if (!od_list_empty(&w->due))
        return w->now_ms;
    return find_next(w, &level, &slot, &ms) ? ms : -1;
}
