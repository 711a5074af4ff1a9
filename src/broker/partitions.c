/* SPDX-License-Identifier: Apache-2.0 */
/* The table of local partitions. */
#include "broker/partitions.h"

#include "base/assert.h"
#include "base/mem.h"
#include "broker/partition.h"

#include <string.h>

/* The key of a partition is its topic_id and index, copied together. */
struct key {
    struct od_uuid topic_id;
    int32_t index;
};

struct entry {
    struct key key;
    struct od_partition *partition;
};

static struct key key_of(struct od_uuid topic_id, int32_t index)
{
    return (struct key){ topic_id, index };
}

void od_partitions_init(struct od_partitions *ps, uint64_t seed)
{
    od_lock_init(&ps->lock, OD_LOCK_LEAF);
    od_map_init(&ps->map, seed);
}

void od_partitions_deinit(struct od_partitions *ps)
{
    OD_ASSERT(ps->map.count == 0);
    od_map_deinit(&ps->map);
    od_lock_deinit(&ps->lock);
}

struct od_partition *od_partitions_find(struct od_partitions *ps, struct od_uuid topic_id,
                                        int32_t index)
{
    struct key key = key_of(topic_id, index);
    struct od_partition *p = NULL;
    struct entry *e;

    od_lock_take(&ps->lock);
    e = od_map_get(&ps->map, &key, sizeof(key));
    if (e)
        p = od_partition_ref(e->partition);
    od_lock_drop(&ps->lock);
    return p;
}

void od_partitions_add(struct od_partitions *ps, struct od_partition *p)
{
    struct entry *e = OD_NEW(struct entry);
    struct entry *old;

    e->key = key_of(p->topic_id, p->index);
    e->partition = od_partition_ref(p);
    od_lock_take(&ps->lock);
    old = od_map_put(&ps->map, &e->key, sizeof(e->key), e);
    od_lock_drop(&ps->lock);
    OD_ASSERT(!old);
}

struct od_partition *od_partitions_remove(struct od_partitions *ps, struct od_uuid topic_id,
                                          int32_t index)
{
    struct key key = key_of(topic_id, index);
    struct od_partition *p;
    struct entry *e;

    od_lock_take(&ps->lock);
    e = od_map_remove(&ps->map, &key, sizeof(key));
    od_lock_drop(&ps->lock);
    p = e ? e->partition : NULL;
    od_free(e);
    return p;
}

struct od_partition **od_partitions_all(struct od_partitions *ps, size_t *count)
{
    struct od_partition **all;
    size_t cursor = 0, n = 0;
    struct entry *e;

    od_lock_take(&ps->lock);
    all = od_alloc(ps->map.count * sizeof(struct od_partition *));
    while ((e = od_map_next(&ps->map, &cursor)))
        all[n++] = od_partition_ref(e->partition);
    od_lock_drop(&ps->lock);
    *count = n;
    return all;
}
