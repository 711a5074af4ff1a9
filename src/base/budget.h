/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A shared cap on memory that the wire can make us take.  Any thread; lock-free.
 * Bytes are taken before the memory is and given back after it is freed.
 */
#pragma once

#include "base/compiler.h"

#include <stdatomic.h>
#include <stdbool.h>

struct od_budget {
    _Atomic int64_t used_bytes;
    int64_t limit_bytes; /* set once, before the budget is shared */
};

void od_budget_init(struct od_budget *b, int64_t limit_bytes);
/* False when the limit would be passed. */
OD_MUST_USE bool od_budget_take(struct od_budget *b, size_t bytes);
void od_budget_force(struct od_budget *b, size_t bytes);            /* may pass the limit */
void od_budget_give(struct od_budget *b, size_t bytes);
