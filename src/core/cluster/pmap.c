/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A hash array mapped trie.
 *
 * Invariants
 * 1. A node at depth d < 13 is indexed by bits 5d to 5d + 4 of the hash; at depth 13 all values
 *    have one hash and are searched in line.
 * 2. A node other than the root holds two values or more, itself or below it.
 * 3. Only a node with one reference, all of whose ancestors have one, is changed.
 */
#include "core/cluster/pmap.h"

#include "base/assert.h"
#include "base/mem.h"

#include <stdatomic.h>

enum { BITS = 5, DEPTH_LINE = OD_PMAP_DEPTH_MAX - 1 };

struct od_pmap_node {
    _Atomic uint32_t refs;
    uint32_t used; /* bit b: bits b of the hash lead to a slot; unused in a line */
    uint32_t n;    /* slots, in the order of their bits */
    uintptr_t slots[]; /* a value, or a node with the lowest bit set */
};

static bool is_node(uintptr_t slot)
{
    return slot & 1;
}

static struct od_pmap_node *node_of(uintptr_t slot)
{
    return (struct od_pmap_node *)(slot & ~(uintptr_t)1);
}

static uintptr_t slot_of(struct od_pmap_node *node)
{
    return (uintptr_t)node | 1;
}

static uint32_t bit_at(uint64_t hash, int depth)
{
    return UINT32_C(1) << (hash >> (depth * BITS) & 31);
}

static uint32_t place_of(const struct od_pmap_node *node, uint32_t bit)
{
    return (uint32_t)__builtin_popcount(node->used & (bit - 1));
}

static size_t node_bytes(uint32_t n)
{
    return sizeof(struct od_pmap_node) + n * sizeof(uintptr_t);
}

static struct od_pmap_node *node_new(void)
{
    struct od_pmap_node *node = od_zalloc(node_bytes(0));

    atomic_init(&node->refs, 1);
    return node;
}

static void drop(const struct od_pmap *m, struct od_pmap_node *node)
{
    if (atomic_fetch_sub_explicit(&node->refs, 1, memory_order_acq_rel) != 1)
        return;
    for (uint32_t i = 0; i < node->n; i++) {
        if (is_node(node->slots[i]))
            drop(m, node_of(node->slots[i]));
        else
            m->kind->unref((void *)node->slots[i]);
    }
    od_free(node);
}

/* Gives up one reference to a node and returns one that may be changed. */
static struct od_pmap_node *own(const struct od_pmap *m, struct od_pmap_node *node)
{
    struct od_pmap_node *copy;

    if (atomic_load_explicit(&node->refs, memory_order_acquire) == 1)
        return node;
    copy = od_alloc(node_bytes(node->n));
    atomic_init(&copy->refs, 1);
    copy->used = node->used;
    copy->n = node->n;
    for (uint32_t i = 0; i < node->n; i++) {
        copy->slots[i] = node->slots[i];
        if (is_node(copy->slots[i]))
            atomic_fetch_add_explicit(&node_of(copy->slots[i])->refs, 1, memory_order_relaxed);
        else
            m->kind->ref((void *)copy->slots[i]);
    }
    drop(m, node);
    return copy;
}

static struct od_pmap_node *insert_slot(struct od_pmap_node *node, uint32_t place, uintptr_t slot)
{
    node = od_realloc(node, node_bytes(node->n + 1));
    memmove(&node->slots[place + 1], &node->slots[place],
            (node->n - place) * sizeof(node->slots[0]));
    node->slots[place] = slot;
    node->n++;
    return node;
}

static struct od_pmap_node *remove_slot(struct od_pmap_node *node, uint32_t place)
{
    node->n--;
    memmove(&node->slots[place], &node->slots[place + 1],
            (node->n - place) * sizeof(node->slots[0]));
    return node;
}

static bool same(const struct od_pmap *m, uintptr_t slot, const void *key)
{
    return m->kind->same((const void *)slot, key);
}

static void replace_value(const struct od_pmap *m, uintptr_t *slot, void *value)
{
    m->kind->unref((void *)*slot);
    *slot = (uintptr_t)value;
}

static struct od_pmap_node *put_in_line(struct od_pmap *m, struct od_pmap_node *node, void *value)
{
    const void *key = m->kind->key(value);

    for (uint32_t i = 0; i < node->n; i++) {
        if (same(m, node->slots[i], key)) {
            replace_value(m, &node->slots[i], value);
            return node;
        }
    }
    m->count++;
    return insert_slot(node, node->n, (uintptr_t)value);
}

/* Consumes a reference to the node and to the value. */
static struct od_pmap_node *put(struct od_pmap *m, struct od_pmap_node *node, int depth,
                                uint64_t hash, void *value)
{
    struct od_pmap_node *child;
    uint32_t bit, place;
    uintptr_t old;

    node = own(m, node);
    if (depth == DEPTH_LINE)
        return put_in_line(m, node, value);
    bit = bit_at(hash, depth);
    place = place_of(node, bit);
    if (!(node->used & bit)) {
        node->used |= bit;
        m->count++;
        return insert_slot(node, place, (uintptr_t)value);
    }
    old = node->slots[place];
    if (is_node(old)) {
        node->slots[place] = slot_of(put(m, node_of(old), depth + 1, hash, value));
    } else if (same(m, old, m->kind->key(value))) {
        replace_value(m, &node->slots[place], value);
    } else {
        child = put(m, node_new(), depth + 1, m->kind->hash((void *)old, m->seed), (void *)old);
        m->count--; /* the old value was counted before */
        node->slots[place] = slot_of(put(m, child, depth + 1, hash, value));
    }
    return node;
}

void od_pmap_init(struct od_pmap *m, const struct od_pmap_kind *kind, uint64_t seed)
{
    *m = (struct od_pmap){ .kind = kind, .seed = seed };
}

void od_pmap_deinit(struct od_pmap *m)
{
    if (m->root)
        drop(m, m->root);
    m->root = NULL;
    m->count = 0;
}

struct od_pmap od_pmap_copy(const struct od_pmap *m)
{
    if (m->root)
        atomic_fetch_add_explicit(&m->root->refs, 1, memory_order_relaxed);
    return *m;
}

/* The slot that a hash leads to: a value, or a line of them; 0: none. */
static uintptr_t descend(const struct od_pmap *m, uint64_t hash)
{
    uintptr_t slot = m->root ? slot_of(m->root) : 0;

    for (int depth = 0; slot && is_node(slot) && depth < DEPTH_LINE; depth++) {
        const struct od_pmap_node *node = node_of(slot);
        uint32_t bit = bit_at(hash, depth);

        slot = node->used & bit ? node->slots[place_of(node, bit)] : 0;
    }
    return slot;
}

static void *find(const struct od_pmap *m, uint64_t hash, const void *key, bool wanted)
{
    uintptr_t slot = descend(m, hash);
    const struct od_pmap_node *line;

    if (!slot)
        return NULL;
    if (!is_node(slot)) {
        if (same(m, slot, key) != wanted || m->kind->hash((void *)slot, m->seed) != hash)
            return NULL;
        return (void *)slot;
    }
    line = node_of(slot);
    for (uint32_t i = 0; i < line->n; i++)
        if (same(m, line->slots[i], key) == wanted)
            return (void *)line->slots[i];
    return NULL;
}

void *od_pmap_find(const struct od_pmap *m, uint64_t hash, const void *key)
{
    return find(m, hash, key, true);
}

void *od_pmap_find_other(const struct od_pmap *m, uint64_t hash, const void *key)
{
    return find(m, hash, key, false);
}

void od_pmap_put(struct od_pmap *m, void *value)
{
    OD_ASSERT(!is_node((uintptr_t)value));
    m->root = put(m, m->root ? m->root : node_new(), 0, m->kind->hash(value, m->seed), value);
}

static struct od_pmap_node *remove_from_line(struct od_pmap *m, struct od_pmap_node *node,
                                             const void *key)
{
    for (uint32_t i = 0; i < node->n; i++) {
        if (same(m, node->slots[i], key)) {
            m->kind->unref((void *)node->slots[i]);
            return remove_slot(node, i);
        }
    }
    return node;
}

/* A node that is left with one value gives it to its parent's slot. */
static uintptr_t collapse(struct od_pmap_node *node)
{
    uintptr_t only;

    if (node->n != 1 || is_node(node->slots[0]))
        return slot_of(node);
    only = node->slots[0];
    od_free(node);
    return only;
}

/* The key is known to be there. */
static struct od_pmap_node *take_out(struct od_pmap *m, struct od_pmap_node *node, int depth,
                                     uint64_t hash, const void *key)
{
    uint32_t bit, place;

    node = own(m, node);
    if (depth == DEPTH_LINE)
        return remove_from_line(m, node, key);
    bit = bit_at(hash, depth);
    place = place_of(node, bit);
    if (is_node(node->slots[place])) {
        node->slots[place] =
            collapse(take_out(m, node_of(node->slots[place]), depth + 1, hash, key));
        return node;
    }
    m->kind->unref((void *)node->slots[place]);
    node->used &= ~bit;
    return remove_slot(node, place);
}

bool od_pmap_remove(struct od_pmap *m, uint64_t hash, const void *key)
{
    if (!od_pmap_find(m, hash, key))
        return false;
    m->root = take_out(m, m->root, 0, hash, key);
    if (--m->count == 0)
        od_pmap_deinit(m);
    return true;
}

void *od_pmap_next(const struct od_pmap *m, struct od_pmap_walk *walk)
{
    if (!walk->started) {
        *walk = (struct od_pmap_walk){ .started = true, .depth = m->root ? 0 : -1 };
        walk->nodes[0] = m->root;
    }
    while (walk->depth >= 0) {
        const struct od_pmap_node *node = walk->nodes[walk->depth];
        uintptr_t slot;

        if (walk->places[walk->depth] == node->n) {
            walk->depth--;
            continue;
        }
        slot = node->slots[walk->places[walk->depth]++];
        if (!is_node(slot))
            return (void *)slot;
        walk->depth++;
        walk->nodes[walk->depth] = node_of(slot);
        walk->places[walk->depth] = 0;
    }
    return NULL;
}
