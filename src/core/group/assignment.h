/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sets of partitions by topic id.  Topics ascend by id, partitions by number, nothing is twice and
 * no topic is empty.  Results lie in the arena; od_assignment_keep makes one that is freed with
 * od_assignment_free.  Operations are linear in their operands.
 */
#pragma once

#include "base/arena.h"
#include "base/uuid.h"

#include <stdbool.h>

struct od_assignment_topic {
    struct od_uuid id;
    int32_t n;
    int32_t *v;
};

struct od_assignment {
    int32_t n;
    struct od_assignment_topic *v;
};

/* Room for `topics` calls of add, in any order, then end. */
void od_assignment_begin(struct od_arena *arena, int32_t topics, struct od_assignment *out);
void od_assignment_add(struct od_arena *arena, struct od_assignment *a, struct od_uuid id,
                       const int32_t *partitions, int32_t n);
void od_assignment_end(struct od_assignment *a); /* sorts and joins */

bool od_assignment_has(const struct od_assignment *a, struct od_uuid id, int32_t partition);
bool od_assignment_equal(const struct od_assignment *a, const struct od_assignment *b);
bool od_assignment_within(const struct od_assignment *a, const struct od_assignment *b);
bool od_assignment_meet(const struct od_assignment *a, const struct od_assignment *b);
struct od_assignment od_assignment_and(struct od_arena *arena, const struct od_assignment *a,
                                       const struct od_assignment *b);
struct od_assignment od_assignment_minus(struct od_arena *arena, const struct od_assignment *a,
                                         const struct od_assignment *b);
struct od_assignment od_assignment_or(struct od_arena *arena, const struct od_assignment *a,
                                      const struct od_assignment *b);

struct od_assignment od_assignment_keep(const struct od_assignment *a);
void od_assignment_free(struct od_assignment *a); /* leaves it empty */
