/* SPDX-License-Identifier: Apache-2.0 */
/* Where replicas go: manual assignments checked, others placed on the live brokers. */
#include "core/cluster/cluster_internal.h"

bool od_broker_is_live(const struct od_image_broker *b)
{
    return b && !b->fenced && !b->in_controlled_shutdown;
}

struct od_placement od_step_placement(struct od_step *s)
{
    struct od_placement live = { 0 };
    struct od_pmap_walk walk = { 0 };
    const struct od_image_broker *b;

    live.v = od_arena_alloc(s->arena, s->image->brokers.count * sizeof(const void *));
    while ((b = od_image_broker_next(s->image, &walk)))
        if (od_broker_is_live(b))
            live.v[live.n++] = b;
    return live;
}

bool od_step_refuse_assignment(struct od_step *s, struct od_item_reply *out, const char *what,
                               int32_t partition)
{
    od_step_refuse(s, out, OD_INVALID_REPLICA_ASSIGNMENT,
                   "The manual assignment of partition %d %s.", partition, what);
    return false;
}

bool od_step_check_replicas(struct od_step *s, const struct od_new_assignment *a,
                            struct od_item_reply *out)
{
    bool any_live = false;

    if (a->replica_count <= 0)
        return od_step_refuse_assignment(s, out, "names no broker", a->partition);
    for (int32_t i = 0; i < a->replica_count; i++) {
        const struct od_image_broker *b = od_image_broker_find(s->image, a->replicas[i]);

        if (!b)
            return od_step_refuse_assignment(s, out, "names a broker that is not registered",
                                             a->partition);
        for (int32_t j = 0; j < i; j++)
            if (a->replicas[j] == a->replicas[i])
                return od_step_refuse_assignment(s, out, "names a broker twice", a->partition);
        any_live |= od_broker_is_live(b);
    }
    if (!any_live)
        return od_step_refuse_assignment(
            s, out, "names only brokers that are fenced or shutting down", a->partition);
    return true;
}

/* A broker with one directory keeps the replica there; otherwise it chooses later. */
static struct od_uuid directory_of(const struct od_image *image, int32_t id)
{
    const struct od_image_broker *b = od_image_broker_find(image, id);

    return b && b->directory_count == 1 ? b->directories[0] : OD_UUID_ZERO;
}

void od_step_add_partition(struct od_step *s, struct od_uuid topic_id, int32_t index,
                           const int32_t *replicas, int32_t replica_count)
{
    struct od_partition_record *r = &od_step_add(s, OD_RECORD_PARTITION)->partition;

    r->partition_id = index;
    r->topic_id = topic_id;
    OD_ARENA_LIST(s->arena, r->replicas, replica_count);
    OD_ARENA_LIST(s->arena, r->directories, replica_count);
    OD_ARENA_LIST(s->arena, r->isr, replica_count);
    r->isr.n = 0;
    for (int32_t i = 0; i < replica_count; i++) {
        r->replicas.v[i] = replicas[i];
        r->directories.v[i] = directory_of(s->image, replicas[i]);
        if (od_broker_is_live(od_image_broker_find(s->image, replicas[i])))
            r->isr.v[r->isr.n++] = replicas[i];
    }
    r->leader = r->isr.v[0];
    r->leader_epoch = 0;
    r->partition_epoch = 0;
}

/*
 * Round robin from a random broker; the followers of each round are shifted by one more, so that
 * the partitions of a lost leader fall to different brokers.
 */
static void place(const struct od_placement *live, uint64_t start, int32_t index,
                  int32_t *replicas, int n)
{
    uint64_t count = (uint64_t)live->n;
    uint64_t first = start + (uint64_t)index;
    uint64_t shift = count > 1 ? (uint64_t)index / count % (count - 1) : 0;

    replicas[0] = live->v[first % count]->id;
    for (int i = 1; i < n; i++)
        replicas[i] = live->v[(first + 1 + (shift + (uint64_t)i - 1) % (count - 1)) % count]->id;
}

void od_step_place(struct od_step *s, const struct od_placement *live, struct od_uuid topic_id,
                   int32_t first, int32_t end, int16_t factor)
{
    int32_t *replicas = od_arena_alloc(s->arena, (size_t)factor * sizeof(*replicas));
    uint64_t start = od_step_random(s) % (uint64_t)live->n;

    for (int32_t i = first; i < end; i++) {
        place(live, start, i, replicas, factor);
        od_step_add_partition(s, topic_id, i, replicas, factor);
    }
}
