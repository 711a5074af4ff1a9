/* SPDX-License-Identifier: Apache-2.0 */
/* Linear probing with backward-shift deletion; grows at 3/4 full. */
#include "base/map.h"

#include "base/mem.h"

#include <string.h>

struct od_map_entry {
    uint64_t hash;
    const void *key;
    size_t len;
    void *value; /* NULL: free */
};

static uint64_t rotate(uint64_t x, int by)
{
    return x << by | x >> (64 - by);
}

static void sip_round(uint64_t v[4])
{
    v[0] += v[1];
    v[1] = rotate(v[1], 13) ^ v[0];
    v[0] = rotate(v[0], 32);
    v[2] += v[3];
    v[3] = rotate(v[3], 16) ^ v[2];
    v[0] += v[3];
    v[3] = rotate(v[3], 21) ^ v[0];
    v[2] += v[1];
    v[1] = rotate(v[1], 17) ^ v[2];
    v[2] = rotate(v[2], 32);
}

uint64_t od_siphash(const uint64_t seed[2], const void *data, size_t len)
{
    const uint8_t *p = data;
    uint64_t v[4] = { seed[0] ^ 0x736f6d6570736575, seed[1] ^ 0x646f72616e646f6d,
                      seed[0] ^ 0x6c7967656e657261, seed[1] ^ 0x7465646279746573 };
    uint64_t word;
    size_t left = len;

    for (; left >= 8; left -= 8, p += 8) {
        memcpy(&word, p, 8);
        v[3] ^= word;
        sip_round(v);
        v[0] ^= word;
    }
    word = (uint64_t)len << 56;
    for (size_t i = 0; i < left; i++)
        word |= (uint64_t)p[i] << (8 * i);
    v[3] ^= word;
    sip_round(v);
    v[0] ^= word;
    v[2] ^= 0xff;
    for (int i = 0; i < 3; i++)
        sip_round(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

void od_map_init(struct od_map *m, uint64_t seed)
{
    *m = (struct od_map){ .seed = { seed, ~seed } };
}

void od_map_deinit(struct od_map *m)
{
    od_free(m->entries);
    m->entries = NULL;
    m->capacity = m->count = 0;
}

/* The entry that holds the key, or the free one where it would go; capacity must not be 0. */
static struct od_map_entry *find(const struct od_map *m, uint64_t hash, const void *key, size_t len)
{
    size_t i = hash & (m->capacity - 1);

    for (;; i = (i + 1) & (m->capacity - 1)) {
        struct od_map_entry *e = &m->entries[i];

        if (!e->value || (e->hash == hash && e->len == len && !memcmp(e->key, key, len)))
            return e;
    }
}

static void grow(struct od_map *m)
{
    struct od_map wider = *m;

    wider.capacity = m->capacity ? m->capacity * 2 : 16;
    wider.entries = od_zalloc(wider.capacity * sizeof(*wider.entries));
    for (size_t i = 0; i < m->capacity; i++) {
        const struct od_map_entry *e = &m->entries[i];

        if (e->value)
            *find(&wider, e->hash, e->key, e->len) = *e;
    }
    od_free(m->entries);
    *m = wider;
}

void *od_map_get(const struct od_map *m, const void *key, size_t len)
{
    return m->count ? find(m, od_siphash(m->seed, key, len), key, len)->value : NULL;
}

void *od_map_put(struct od_map *m, const void *key, size_t len, void *value)
{
    uint64_t hash = od_siphash(m->seed, key, len);
    struct od_map_entry *e;
    void *old;

    if (m->count + 1 > m->capacity / 4 * 3)
        grow(m);
    e = find(m, hash, key, len);
    old = e->value;
    m->count += !old;
    *e = (struct od_map_entry){ hash, key, len, value };
    return old;
}

void *od_map_remove(struct od_map *m, const void *key, size_t len)
{
    struct od_map_entry *e;
    void *old;
    size_t hole, i;

    if (!m->count)
        return NULL;
    e = find(m, od_siphash(m->seed, key, len), key, len);
    old = e->value;
    if (!old)
        return NULL;
    m->count--;
    hole = (size_t)(e - m->entries);
    for (i = (hole + 1) & (m->capacity - 1); m->entries[i].value; i = (i + 1) & (m->capacity - 1)) {
        size_t home = m->entries[i].hash & (m->capacity - 1);

        /* Move back unless the entry's home lies cyclically within (hole, i]. */
        if (((i - home) & (m->capacity - 1)) >= ((i - hole) & (m->capacity - 1))) {
            m->entries[hole] = m->entries[i];
            hole = i;
        }
    }
    m->entries[hole].value = NULL;
    return old;
}

void *od_map_next(const struct od_map *m, size_t *cursor)
{
    while (*cursor < m->capacity) {
        void *value = m->entries[(*cursor)++].value;

        if (value)
            return value;
    }
    return NULL;
}
