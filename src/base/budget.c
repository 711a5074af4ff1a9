/* SPDX-License-Identifier: Apache-2.0 */
/* Relaxed counters: the cap bounds memory, it orders nothing. */
#include "base/budget.h"

#include "base/assert.h"

void od_budget_init(struct od_budget *b, int64_t limit_bytes)
{
    atomic_init(&b->used_bytes, 0);
    b->limit_bytes = limit_bytes;
}

bool od_budget_take(struct od_budget *b, size_t bytes)
{
    int64_t used = atomic_load_explicit(&b->used_bytes, memory_order_relaxed);

    do {
        if ((int64_t)bytes > b->limit_bytes - used)
            return false;
    } while (!atomic_compare_exchange_weak_explicit(&b->used_bytes, &used, used + (int64_t)bytes,
                                                    memory_order_relaxed, memory_order_relaxed));
    return true;
}

void od_budget_force(struct od_budget *b, size_t bytes)
{
    atomic_fetch_add_explicit(&b->used_bytes, (int64_t)bytes, memory_order_relaxed);
}

void od_budget_give(struct od_budget *b, size_t bytes)
{
    int64_t before =
        atomic_fetch_sub_explicit(&b->used_bytes, (int64_t)bytes, memory_order_relaxed);

    OD_ASSERT(before >= (int64_t)bytes);
}
