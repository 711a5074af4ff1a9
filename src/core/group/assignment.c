/* SPDX-License-Identifier: Apache-2.0 */
/* Set operations by merging sorted lists. */
#include "core/group/assignment.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

static int by_id(const void *a, const void *b)
{
    const struct od_assignment_topic *x = a, *y = b;

    return memcmp(x->id.bytes, y->id.bytes, sizeof(x->id.bytes));
}

static int by_number(const void *a, const void *b)
{
    const int32_t *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

/* --- building  -- */

void od_assignment_begin(struct od_arena *arena, int32_t topics, struct od_assignment *out)
{
    out->n = 0;
    out->v = od_arena_alloc(arena, sizeof(*out->v) * (size_t)(topics > 0 ? topics : 0));
}

void od_assignment_add(struct od_arena *arena, struct od_assignment *a, struct od_uuid id,
                       const int32_t *partitions, int32_t n)
{
    struct od_assignment_topic *t = &a->v[a->n++];

    t->id = id;
    t->n = n;
    t->v = od_arena_alloc(arena, sizeof(*t->v) * (size_t)(n > 0 ? n : 0));
    if (n > 0)
        memcpy(t->v, partitions, sizeof(*t->v) * (size_t)n);
}

static void sort_partitions(struct od_assignment_topic *t)
{
    int32_t n = 0;

    if (t->n <= 0)
        return;
    qsort(t->v, (size_t)t->n, sizeof(*t->v), by_number);
    for (int32_t i = 0; i < t->n; i++)
        if (n == 0 || t->v[n - 1] != t->v[i])
            t->v[n++] = t->v[i];
    t->n = n;
}

void od_assignment_end(struct od_assignment *a)
{
    int32_t n = 0;

    if (a->n > 0)
        qsort(a->v, (size_t)a->n, sizeof(*a->v), by_id);
    for (int32_t i = 0; i < a->n; i++) {
        sort_partitions(&a->v[i]);
        /* A topic that was given twice counts once: with what came first. */
        if (a->v[i].n > 0 && (n == 0 || by_id(&a->v[n - 1], &a->v[i]) != 0))
            a->v[n++] = a->v[i];
    }
    a->n = n;
}

/* --- asking  -- */

static const struct od_assignment_topic *find(const struct od_assignment *a, struct od_uuid id)
{
    struct od_assignment_topic key = { .id = id };

    return a->n > 0 ? bsearch(&key, a->v, (size_t)a->n, sizeof(key), by_id) : NULL;
}

bool od_assignment_has(const struct od_assignment *a, struct od_uuid id, int32_t partition)
{
    const struct od_assignment_topic *t = find(a, id);

    return t && bsearch(&partition, t->v, (size_t)t->n, sizeof(partition), by_number);
}

bool od_assignment_equal(const struct od_assignment *a, const struct od_assignment *b)
{
    if (a->n != b->n)
        return false;
    for (int32_t i = 0; i < a->n; i++)
        if (by_id(&a->v[i], &b->v[i]) != 0 || a->v[i].n != b->v[i].n ||
            memcmp(a->v[i].v, b->v[i].v, sizeof(int32_t) * (size_t)a->v[i].n) != 0)
            return false;
    return true;
}

bool od_assignment_within(const struct od_assignment *a, const struct od_assignment *b)
{
    for (int32_t i = 0; i < a->n; i++)
        for (int32_t j = 0; j < a->v[i].n; j++)
            if (!od_assignment_has(b, a->v[i].id, a->v[i].v[j]))
                return false;
    return true;
}

bool od_assignment_meet(const struct od_assignment *a, const struct od_assignment *b)
{
    for (int32_t i = 0; i < a->n; i++)
        for (int32_t j = 0; j < a->v[i].n; j++)
            if (od_assignment_has(b, a->v[i].id, a->v[i].v[j]))
                return true;
    return false;
}

/* --- operations  -- */

/* The partitions of a that are (or are not) in b. */
static struct od_assignment pick(struct od_arena *arena, const struct od_assignment *a,
                                 const struct od_assignment *b, bool in_b)
{
    struct od_assignment out;

    od_assignment_begin(arena, a->n, &out);
    for (int32_t i = 0; i < a->n; i++) {
        const struct od_assignment_topic *other = find(b, a->v[i].id);
        struct od_assignment_topic *t = &out.v[out.n];

        t->id = a->v[i].id;
        t->n = 0;
        t->v = od_arena_alloc(arena, sizeof(int32_t) * (size_t)a->v[i].n);
        for (int32_t j = 0; j < a->v[i].n; j++) {
            int32_t partition = a->v[i].v[j];
            bool found = other && bsearch(&partition, other->v, (size_t)other->n, sizeof(partition),
                                          by_number);

            if (found == in_b)
                t->v[t->n++] = partition;
        }
        out.n += t->n > 0;
    }
    return out;
}

struct od_assignment od_assignment_and(struct od_arena *arena, const struct od_assignment *a,
                                       const struct od_assignment *b)
{
    return pick(arena, a, b, true);
}

struct od_assignment od_assignment_minus(struct od_arena *arena, const struct od_assignment *a,
                                         const struct od_assignment *b)
{
    return pick(arena, a, b, false);
}

static void join_topics(struct od_arena *arena, struct od_assignment_topic *t,
                        const struct od_assignment_topic *more)
{
    int32_t *v = od_arena_alloc(arena, sizeof(int32_t) * (size_t)(t->n + more->n));

    memcpy(v, t->v, sizeof(int32_t) * (size_t)t->n);
    memcpy(v + t->n, more->v, sizeof(int32_t) * (size_t)more->n);
    t->v = v;
    t->n += more->n;
    sort_partitions(t);
}

struct od_assignment od_assignment_or(struct od_arena *arena, const struct od_assignment *a,
                                      const struct od_assignment *b)
{
    struct od_assignment out;
    int32_t i = 0, j = 0;

    od_assignment_begin(arena, a->n + b->n, &out);
    while (i < a->n || j < b->n) {
        int order = i == a->n ? 1 : j == b->n ? -1 : by_id(&a->v[i], &b->v[j]);

        out.v[out.n] = order <= 0 ? a->v[i] : b->v[j];
        if (order == 0)
            join_topics(arena, &out.v[out.n], &b->v[j]);
        i += order <= 0;
        j += order >= 0;
        out.n++;
    }
    return out;
}

struct od_assignment od_assignment_keep(const struct od_assignment *a)
{
    struct od_assignment out = { .n = a->n };

    if (a->n <= 0)
        return (struct od_assignment){ 0 };
    out.v = od_alloc(sizeof(*out.v) * (size_t)a->n);
    for (int32_t i = 0; i < a->n; i++) {
        out.v[i] = a->v[i];
        out.v[i].v = od_alloc(sizeof(int32_t) * (size_t)a->v[i].n);
        memcpy(out.v[i].v, a->v[i].v, sizeof(int32_t) * (size_t)a->v[i].n);
    }
    return out;
}

void od_assignment_free(struct od_assignment *a)
{
    for (int32_t i = 0; i < a->n; i++)
        od_free(a->v[i].v);
    od_free(a->v);
    *a = (struct od_assignment){ 0 };
}
