/* SPDX-License-Identifier: Apache-2.0 */
/* od_pmap: copies keep what they had, whatever the other does, also when hashes are equal. */
#include "core/cluster/pmap.h"
#include "test.h"

#include <string.h>

enum { VALUES = 2000 };

struct value {
    uint32_t key;
    int refs;
};

/* Hashes of very different quality; the map must work with each. */
enum { GOOD, FEW, ONE, DEEP };

static struct value values[VALUES];
static int quality;

static uint64_t hash_key(uint32_t key)
{
    switch (quality) {
    case GOOD:
        return key * UINT64_C(0x9e3779b97f4a7c15);
    case FEW:
        return key % 7;
    case DEEP:
        return (uint64_t)key << 53; /* differs in the last levels only */
    default:
        return 42;
    }
}

static uint64_t hash(const void *value, uint64_t seed)
{
    (void)seed;
    return hash_key(((const struct value *)value)->key);
}

static bool same(const void *value, const void *key)
{
    return ((const struct value *)value)->key == *(const uint32_t *)key;
}

static const void *key_of(const void *value)
{
    return &((const struct value *)value)->key;
}

static void ref(void *value)
{
    ((struct value *)value)->refs++;
}

static void unref(void *value)
{
    ((struct value *)value)->refs--;
}

static const struct od_pmap_kind kind = { hash, same, key_of, ref, unref };

static void put(struct od_pmap *m, uint32_t key)
{
    values[key].key = key;
    values[key].refs++;
    od_pmap_put(m, &values[key]);
}

static bool has(const struct od_pmap *m, uint32_t key)
{
    return od_pmap_find(m, hash_key(key), &key) != NULL;
}

static void check_holds(const struct od_pmap *m, const bool *model)
{
    struct od_pmap_walk walk = { 0 };
    const struct value *v;
    size_t n = 0, walked = 0;

    for (uint32_t i = 0; i < VALUES; i++) {
        CHECK_EQ(has(m, i), model[i]);
        n += model[i];
    }
    while ((v = od_pmap_next(m, &walk))) {
        CHECK(model[v->key]);
        walked++;
    }
    CHECK_EQ(m->count, n);
    CHECK_EQ(walked, n);
}

static void run_model(int with, uint32_t steps)
{
    static bool model[VALUES], old_model[VALUES];
    struct od_pmap m, old;
    uint32_t state = 12345;

    quality = with;
    memset(model, 0, sizeof(model));
    memset(values, 0, sizeof(values));
    od_pmap_init(&m, &kind, 7);
    old = od_pmap_copy(&m);
    memcpy(old_model, model, sizeof(model));
    for (uint32_t i = 0; i < steps; i++) {
        uint32_t key;

        state = state * 1664525 + 1013904223;
        key = (state >> 8) % (steps / 4);
        if (state & UINT32_C(0x80000000)) {
            CHECK_EQ(od_pmap_remove(&m, hash_key(key), &key), model[key]);
            model[key] = false;
        } else {
            put(&m, key);
            model[key] = true;
        }
        if (i % (steps / 8) == 0) {
            check_holds(&old, old_model);
            od_pmap_deinit(&old);
            old = od_pmap_copy(&m);
            memcpy(old_model, model, sizeof(model));
        }
    }
    check_holds(&m, model);
    check_holds(&old, old_model);
    od_pmap_deinit(&old);
    for (uint32_t i = 0; i < VALUES; i++)
        CHECK_EQ(values[i].refs, model[i]); /* once, in a node that nobody shares any more */
    od_pmap_deinit(&m);
    for (uint32_t i = 0; i < VALUES; i++)
        CHECK_EQ(values[i].refs, 0);
}

TEST(copies_are_independent_with_good_hashes)
{
    run_model(GOOD, 8000);
}

TEST(copies_are_independent_with_few_hashes)
{
    run_model(FEW, 800);
}

TEST(copies_are_independent_with_one_hash)
{
    run_model(ONE, 400);
}

TEST(copies_are_independent_with_hashes_that_differ_at_the_end)
{
    run_model(DEEP, 2000);
}

TEST(another_value_of_the_same_hash_is_found)
{
    struct od_pmap m;
    uint32_t one = 1, two = 2;

    quality = ONE;
    memset(values, 0, sizeof(values));
    od_pmap_init(&m, &kind, 7);
    CHECK(!od_pmap_find_other(&m, 42, &one));
    put(&m, 1);
    CHECK(!od_pmap_find_other(&m, 42, &one));
    CHECK(od_pmap_find_other(&m, 42, &two) == &values[1]);
    put(&m, 2);
    CHECK(od_pmap_find_other(&m, 42, &one) == &values[2]);
    quality = GOOD;
    CHECK(!od_pmap_find_other(&m, hash_key(1), &two));
    quality = ONE;
    od_pmap_deinit(&m);
}

TEST(a_put_replaces_its_like)
{
    struct value twin = { 1, 1 };
    struct od_pmap m;
    uint32_t one = 1;

    quality = GOOD;
    memset(values, 0, sizeof(values));
    od_pmap_init(&m, &kind, 7);
    put(&m, 1);
    od_pmap_put(&m, &twin);
    CHECK_EQ(m.count, 1);
    CHECK_EQ(values[1].refs, 0);
    CHECK(od_pmap_find(&m, hash_key(1), &one) == &twin);
    od_pmap_deinit(&m);
    CHECK_EQ(twin.refs, 0);
}
