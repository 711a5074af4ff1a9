/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory of one call: many small allocations, freed together.  Owned by one thread at a time.
 * With a budget, chunks are charged to it; od_arena_try refuses what would pass the limit, for
 * sizes that come from outside; od_arena_alloc never fails, for sizes bounded by what was decoded.
 */
#pragma once

#include "base/budget.h"

struct od_arena_chunk;

struct od_arena {
    struct od_arena_chunk *chunks; /* newest first */
    struct od_budget *budget;      /* may be NULL; outlives the arena */
};

void *od_arena_alloc(struct od_arena *a, size_t len); /* zeroed, aligned for any type */
void *od_arena_try(struct od_arena *a, size_t len);   /* zeroed; NULL: refused */
char *od_arena_printf(struct od_arena *a, const char *format, ...) OD_PRINTF(2, 3);
/* Memory to begin with, for an empty arena; not charged, returned by the reset. */
void od_arena_lend(struct od_arena *a, void *memory, size_t len);
void od_arena_reset(struct od_arena *a); /* frees everything; the arena stays usable */

/* Gives a generated list (fields n and v) count zeroed elements. */
#define OD_ARENA_LIST(arena, list, count)                                                          \
    ((list).n = (count), (list).v = od_arena_alloc(                                                \
                             (arena), sizeof(*(list).v) * (size_t)((list).n > 0 ? (list).n : 0)))
