/* SPDX-License-Identifier: Apache-2.0 */
/* Open addressing over the hashes themselves; nothing is ever removed. */
#include "storage/clean_map.h"

#include "base/map.h"
#include "base/mem.h"

struct slot {
    uint64_t hash[2];
    int64_t offset_plus_one; /* 0: free */
};

_Static_assert(sizeof(struct slot) == OD_CLEAN_SLOT_BYTES, "memory is counted in slots");

struct od_clean_map {
    uint64_t seed[2];
    size_t capacity; /* slots */
    int64_t count, count_max;
    struct slot slots[];
};

struct od_clean_map *od_clean_map_new(int64_t bytes_max, double load_max, int64_t keys_max,
                                      const uint64_t seed[2])
{
    double load = load_max < 0.1 ? 0.1 : load_max > 0.95 ? 0.95 : load_max;
    int64_t slots_max = bytes_max / OD_CLEAN_SLOT_BYTES;
    double slots_wanted = (double)keys_max / load + 2;
    size_t capacity = slots_max < 2 ? 2 : (size_t)slots_max;
    struct od_clean_map *m;

    if (slots_wanted < (double)capacity)
        capacity = (size_t)slots_wanted < 2 ? 2 : (size_t)slots_wanted;
    m = od_alloc_try(sizeof(*m) + capacity * sizeof(struct slot));
    if (!m)
        return NULL;
    memset(m, 0, sizeof(*m) + capacity * sizeof(struct slot));
    m->seed[0] = seed[0];
    m->seed[1] = seed[1];
    m->capacity = capacity;
    m->count_max = (int64_t)((double)capacity * load);
    if (m->count_max < 1)
        m->count_max = 1; /* and one slot stays free, so that a search ends */
    return m;
}

void od_clean_map_free(struct od_clean_map *m)
{
    od_free(m);
}

/* The slot of the key, or the free one where it would go. */
static size_t find(const struct od_clean_map *m, struct od_bytes key, uint64_t hash[2])
{
    const uint64_t other[2] = { ~m->seed[1], m->seed[0] };
    size_t i;

    hash[0] = od_siphash(m->seed, key.data, key.len);
    hash[1] = od_siphash(other, key.data, key.len);
    i = (size_t)(hash[0] % m->capacity);
    while (m->slots[i].offset_plus_one &&
           (m->slots[i].hash[0] != hash[0] || m->slots[i].hash[1] != hash[1]))
        i = i + 1 < m->capacity ? i + 1 : 0;
    return i;
}

bool od_clean_map_put(struct od_clean_map *m, struct od_bytes key, int64_t offset)
{
    uint64_t hash[2];
    struct slot *s = &m->slots[find(m, key, hash)];

    if (!s->offset_plus_one) {
        if (m->count == m->count_max)
            return false;
        m->count++;
        s->hash[0] = hash[0];
        s->hash[1] = hash[1];
    }
    s->offset_plus_one = offset + 1;
    return true;
}

int64_t od_clean_map_get(const struct od_clean_map *m, struct od_bytes key)
{
    uint64_t hash[2];

    return m->slots[find(m, key, hash)].offset_plus_one - 1;
}

int64_t od_clean_map_count(const struct od_clean_map *m)
{
    return m->count;
}
