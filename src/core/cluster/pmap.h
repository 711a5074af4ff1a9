/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Persistent hash map: a copy costs one reference, a change copies one path of nodes, and nodes
 * that no other copy shares are changed in place.  32 ways per node, keyed by a 64-bit hash; values
 * with equal hashes are told apart by the kind's `same`.  Copies may be read and dropped by any
 * thread; one copy is changed by one thread.
 */
#pragma once

#include "base/compiler.h"

#include <stdbool.h>

struct od_pmap_node;

/* What the map holds; constant. */
struct od_pmap_kind {
    uint64_t (*hash)(const void *value, uint64_t seed);
    bool (*same)(const void *value, const void *key); /* key as passed to find and remove */
    const void *(*key)(const void *value);
    void (*ref)(void *value);
    void (*unref)(void *value);
};

struct od_pmap {
    const struct od_pmap_kind *kind;
    struct od_pmap_node *root; /* NULL when empty */
    uint64_t seed;
    size_t count;
};

enum { OD_PMAP_DEPTH_MAX = 14 }; /* 13 levels of 5 bits, then a node of equal hashes */

struct od_pmap_walk {
    bool started;
    int depth;
    const struct od_pmap_node *nodes[OD_PMAP_DEPTH_MAX];
    unsigned places[OD_PMAP_DEPTH_MAX];
};

void od_pmap_init(struct od_pmap *m, const struct od_pmap_kind *kind, uint64_t seed);
void od_pmap_deinit(struct od_pmap *m);
struct od_pmap od_pmap_copy(const struct od_pmap *m);

void *od_pmap_find(const struct od_pmap *m, uint64_t hash, const void *key); /* NULL: none */
/* Any value with this hash for which `same` is false. */
void *od_pmap_find_other(const struct od_pmap *m, uint64_t hash, const void *key);
void od_pmap_put(struct od_pmap *m, void *value); /* takes over one reference; replaces its like */
bool od_pmap_remove(struct od_pmap *m, uint64_t hash, const void *key); /* false: not there */
void *od_pmap_next(const struct od_pmap *m, struct od_pmap_walk *walk); /* by ascending hash bits */
