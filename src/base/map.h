/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hash map from borrowed bytes to pointers.  The key's bytes belong to the value, which must
 * outlive its entry.  Seeded SipHash-1-3, so that input cannot choose collisions; iteration order
 * depends on the seed and the history, never on addresses.  Not thread-safe.
 */
#pragma once

#include "base/str.h"

struct od_map_entry;

struct od_map {
    uint64_t seed[2];
    struct od_map_entry *entries; /* capacity of them */
    size_t capacity;              /* 0 or a power of two */
    size_t count;
};

void od_map_init(struct od_map *m, uint64_t seed); /* seed from os, or fixed in a test */
void od_map_deinit(struct od_map *m);              /* values are the caller's */
void *od_map_get(const struct od_map *m, const void *key, size_t len); /* NULL: none */
/* Adds, or replaces and returns the value that had the key. */
void *od_map_put(struct od_map *m, const void *key, size_t len, void *value);
void *od_map_remove(struct od_map *m, const void *key, size_t len); /* the removed value or NULL */
/* Iteration: start with *cursor = 0; NULL at the end.  The map must not change meanwhile. */
void *od_map_next(const struct od_map *m, size_t *cursor);

uint64_t od_siphash(const uint64_t seed[2], const void *data, size_t len);
