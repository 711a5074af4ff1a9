/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The assignors.  Both fill an array of owners per topic, from which the members' sets are built.
 *
 * uniform, when all members read the same topics: each keeps up to its quota, the rest goes to
 * those below theirs; linear.  Otherwise partitions go to their least loaded subscriber, and then
 * move from a member to another that has at least two fewer, until none does; that costs partitions
 * times members in each of a few passes.
 */
#include "core/group/assignor.h"

#include "base/assert.h"

#include <stdlib.h>
#include <string.h>

enum { NOBODY = -1, PASSES_MAX = 20 };

struct work {
    const struct od_assignor_input *in;
    struct od_arena *arena;
    int32_t **owners; /* of each topic's partitions: a member's place, or NOBODY */
    int32_t *loads;   /* partitions of each member */
};

static struct work begin(const struct od_assignor_input *in, struct od_arena *arena)
{
    struct work w = { .in = in, .arena = arena };

    w.owners = od_arena_alloc(arena, sizeof(int32_t *) * (size_t)in->topic_count);
    w.loads = od_arena_alloc(arena, sizeof(int32_t) * (size_t)in->member_count);
    for (int32_t t = 0; t < in->topic_count; t++) {
        w.owners[t] = od_arena_alloc(arena, sizeof(int32_t) * (size_t)in->topics[t].partitions);
        for (int32_t p = 0; p < in->topics[t].partitions; p++)
            w.owners[t][p] = NOBODY;
    }
    return w;
}

static int32_t place_of(const struct work *w, struct od_uuid id)
{
    int32_t low = 0, high = w->in->topic_count;

    while (low < high) {
        int32_t mid = low + (high - low) / 2;
        int order = memcmp(w->in->topics[mid].id.bytes, id.bytes, sizeof(id.bytes));

        if (order == 0)
            return mid;
        if (order < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return NOBODY;
}

static int by_value(const void *a, const void *b)
{
    const int32_t *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

static bool subscribes(const struct od_assignor_member *m, int32_t topic)
{
    return m->topic_count > 0 &&
           bsearch(&topic, m->topics, (size_t)m->topic_count, sizeof(topic), by_value);
}

static void give(struct work *w, int32_t topic, int32_t partition, int32_t member)
{
    int32_t *owner = &w->owners[topic][partition];

    if (*owner != NOBODY)
        w->loads[*owner]--;
    *owner = member;
    w->loads[member]++;
}

/* A member keeps what it had of the topics it still reads, up to its quota. */
static void keep(struct work *w, int32_t member, int32_t quota)
{
    const struct od_assignor_member *m = &w->in->members[member];

    for (int32_t i = 0; m->before && i < m->before->n; i++) {
        const struct od_assignment_topic *had = &m->before->v[i];
        int32_t topic = place_of(w, had->id);

        if (topic == NOBODY || !subscribes(m, topic))
            continue;
        for (int32_t j = 0; j < had->n && w->loads[member] < quota; j++)
            if (had->v[j] < w->in->topics[topic].partitions &&
                w->owners[topic][had->v[j]] == NOBODY)
                give(w, topic, had->v[j], member);
    }
}

/* --- uniform  -- */

static bool all_read_the_same(const struct od_assignor_input *in)
{
    const struct od_assignor_member *first = &in->members[0];

    for (int32_t i = 1; i < in->member_count; i++)
        if (in->members[i].topic_count != first->topic_count ||
            memcmp(in->members[i].topics, first->topics,
                   sizeof(int32_t) * (size_t)first->topic_count) != 0)
            return false;
    return true;
}

/* Who has more than the least share already is the first to get one more: fewer moves. */
static int32_t *share_out(struct work *w, int32_t total)
{
    int32_t members = w->in->member_count, base = total / members, extra = total % members;
    int32_t *quotas = od_arena_alloc(w->arena, sizeof(int32_t) * (size_t)members);

    for (int32_t m = 0; m < members; m++) {
        const struct od_assignment *before = w->in->members[m].before;
        int32_t had = 0;

        for (int32_t i = 0; before && i < before->n; i++)
            had += before->v[i].n;
        quotas[m] = base;
        if (had > base && extra > 0) {
            quotas[m]++;
            extra--;
        }
    }
    for (int32_t m = 0; m < members && extra > 0; m++)
        if (quotas[m] == base) {
            quotas[m]++;
            extra--;
        }
    return quotas;
}

static void spread_evenly(struct work *w)
{
    const struct od_assignor_member *first = &w->in->members[0];
    int32_t total = 0, filling = 0, *quotas;

    for (int32_t i = 0; i < first->topic_count; i++)
        total += w->in->topics[first->topics[i]].partitions;
    quotas = share_out(w, total);
    for (int32_t m = 0; m < w->in->member_count; m++)
        keep(w, m, quotas[m]);
    for (int32_t i = 0; i < first->topic_count; i++) {
        int32_t topic = first->topics[i];

        for (int32_t p = 0; p < w->in->topics[topic].partitions; p++) {
            if (w->owners[topic][p] != NOBODY)
                continue;
            while (w->loads[filling] == quotas[filling])
                filling++;
            give(w, topic, p, filling);
        }
    }
}

static int32_t least_loaded(const struct work *w, int32_t topic)
{
    int32_t best = NOBODY;

    for (int32_t m = 0; m < w->in->member_count; m++)
        if (subscribes(&w->in->members[m], topic) &&
            (best == NOBODY || w->loads[m] < w->loads[best]))
            best = m;
    return best;
}

/* True: something moved. */
static bool level_out(struct work *w)
{
    bool moved = false;

    for (int32_t t = 0; t < w->in->topic_count; t++)
        for (int32_t p = 0; p < w->in->topics[t].partitions; p++) {
            int32_t owner = w->owners[t][p];
            int32_t best = owner == NOBODY ? NOBODY : least_loaded(w, t);

            if (best != NOBODY && w->loads[owner] > w->loads[best] + 1) {
                give(w, t, p, best);
                moved = true;
            }
        }
    return moved;
}

static void spread_by_load(struct work *w)
{
    int passes = 0;

    for (int32_t m = 0; m < w->in->member_count; m++)
        keep(w, m, INT32_MAX);
    for (int32_t t = 0; t < w->in->topic_count; t++)
        for (int32_t p = 0; p < w->in->topics[t].partitions; p++) {
            int32_t best = w->owners[t][p] == NOBODY ? least_loaded(w, t) : NOBODY;

            if (best != NOBODY)
                give(w, t, p, best);
        }
    while (passes++ < PASSES_MAX && level_out(w))
        ;
}

/* --- range  -- */

static int by_identity(const struct od_assignor_member *a, const struct od_assignor_member *b)
{
    if (a->instance_id.data && b->instance_id.data)
        return od_str_cmp(a->instance_id, b->instance_id);
    if (a->instance_id.data || b->instance_id.data)
        return a->instance_id.data ? -1 : 1;
    return od_str_cmp(a->id, b->id);
}

struct ordered {
    const struct od_assignor_member *member;
    int32_t place;
};

static int by_order(const void *a, const void *b)
{
    const struct ordered *x = a, *y = b;

    return by_identity(x->member, y->member);
}

static void cut_ranges(struct work *w)
{
    int32_t members = w->in->member_count;
    struct ordered *order = od_arena_alloc(w->arena, sizeof(*order) * (size_t)members);

    for (int32_t m = 0; m < members; m++)
        order[m] = (struct ordered){ &w->in->members[m], m };
    qsort(order, (size_t)members, sizeof(*order), by_order);
    for (int32_t t = 0; t < w->in->topic_count; t++) {
        int32_t readers = 0, partitions = w->in->topics[t].partitions, next = 0, extra;

        for (int32_t m = 0; m < members; m++)
            readers += subscribes(order[m].member, t);
        if (readers == 0)
            continue;
        extra = partitions % readers;
        for (int32_t m = 0; m < members; m++) {
            int32_t quota = partitions / readers + (extra > 0);

            if (!subscribes(order[m].member, t))
                continue;
            extra -= extra > 0;
            for (int32_t i = 0; i < quota && next < partitions; i++)
                give(w, t, next++, order[m].place);
        }
    }
}

/* --- the result  -- */

static void build_targets(struct work *w)
{
    const struct od_assignor_input *in = w->in;
    int32_t *counts = od_arena_alloc(w->arena, sizeof(int32_t) * (size_t)in->member_count);

    for (int32_t m = 0; m < in->member_count; m++)
        od_assignment_begin(w->arena, in->members[m].topic_count, &in->members[m].target);
    for (int32_t t = 0; t < in->topic_count; t++) {
        int32_t partitions = in->topics[t].partitions;

        memset(counts, 0, sizeof(int32_t) * (size_t)in->member_count);
        for (int32_t p = 0; p < partitions; p++)
            if (w->owners[t][p] != NOBODY)
                counts[w->owners[t][p]]++;
        for (int32_t p = 0; p < partitions; p++) {
            int32_t m = w->owners[t][p];
            struct od_assignment *a = m == NOBODY ? NULL : &in->members[m].target;
            struct od_assignment_topic *to;

            if (!a)
                continue;
            if (a->n == 0 || !od_uuid_eq(a->v[a->n - 1].id, in->topics[t].id)) {
                to = &a->v[a->n++];
                to->id = in->topics[t].id;
                to->n = 0;
                to->v = od_arena_alloc(w->arena, sizeof(int32_t) * (size_t)counts[m]);
            }
            to = &a->v[a->n - 1];
            to->v[to->n++] = p;
        }
    }
}

bool od_assignor_known(struct od_str name)
{
    return od_str_is(name, "uniform") || od_str_is(name, "range");
}

void od_assignor_run(struct od_str name, const struct od_assignor_input *in, struct od_arena *arena)
{
    struct work w;

    OD_ASSERT(od_assignor_known(name));
    if (in->member_count == 0)
        return;
    w = begin(in, arena);
    if (od_str_is(name, "range"))
        cut_ranges(&w);
    else if (all_read_the_same(in))
        spread_evenly(&w);
    else
        spread_by_load(&w);
    build_targets(&w);
}
