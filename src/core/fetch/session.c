/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fetch sessions: the partitions of a session, the order in which they are served, what was told.
 *
 * Invariants
 * 1. A cursor is in at most one of: ready, the round being served, the free list.
 * 2. Every cursor that has something its client was not told is ready or in the round; so is each
 *    one that the request named, and each whose last answer held records or an error.
 * 3. available and urgent of the session are the sums over its cursors.
 */
#include "core/fetch/session.h"

#include "base/assert.h"
#include "base/mem.h"
#include "core/fetch/session_internal.h"

#include <string.h>

enum {
    SLAB_MIN = 4,
    SLAB_MAX = 256,
    MAP_BYTES = 64, /* of the map for each cursor, at its emptiest */
};

struct od_fetch_slab {
    struct od_fetch_slab *next;
    uint32_t count;
    struct od_fetch_cursor cursors[];
};

/* --- topics and cursors ---------------------------------------------------------------------- */

static size_t topic_bytes(size_t name_len)
{
    return sizeof(struct od_fetch_topic) + name_len;
}

static size_t slab_bytes(uint32_t count)
{
    return sizeof(struct od_fetch_slab) + count * (sizeof(struct od_fetch_cursor) + MAP_BYTES);
}

static struct od_fetch_topic *find_topic(const struct od_fetch_session *s,
                                         const struct od_fetch_key *key)
{
    return s->by_id ? od_map_get(&s->topics, &key->topic_id, sizeof(key->topic_id))
                    : od_map_get(&s->topics, key->topic.data, key->topic.len);
}

static const void *topic_key(const struct od_fetch_session *s, const struct od_fetch_topic *t,
                             size_t *len)
{
    *len = s->by_id ? sizeof(t->id) : t->name.len;
    return s->by_id ? (const void *)&t->id : t->name.data;
}

static struct od_fetch_topic *add_topic(struct od_fetch_session *s, const struct od_fetch_key *key)
{
    size_t name_len = s->by_id ? 0 : key->topic.len;
    struct od_fetch_topic *t;
    size_t len;

    if (!od_budget_take(s->cache->config.budget, topic_bytes(name_len)))
        return NULL;
    t = od_zalloc(topic_bytes(name_len));
    t->number = s->topics_made++;
    if (s->by_id) {
        t->id = key->topic_id;
    } else {
        char *name = (char *)(t + 1);

        if (name_len > 0)
            memcpy(name, key->topic.data, name_len);
        t->name = (struct od_str){ name, name_len };
    }
    const void *bytes = topic_key(s, t, &len);

    od_map_put(&s->topics, bytes, len, t);
    return t;
}

static void remove_topic(struct od_fetch_session *s, struct od_fetch_topic *t)
{
    size_t len;
    const void *bytes = topic_key(s, t, &len);

    od_map_remove(&s->topics, bytes, len);
    od_budget_give(s->cache->config.budget, topic_bytes(t->name.len));
    od_free(t);
}

static struct od_fetch_cursor *find_cursor(const struct od_fetch_session *s,
                                           const struct od_fetch_topic *t, int32_t partition)
{
    struct od_fetch_cursor probe = { .key = { t->number, partition } };

    return od_map_get(&s->cursors, &probe.key, sizeof(probe.key));
}

/* Slabs double, so that a session of any size takes few allocations and wastes at most half. */
static bool grow(struct od_fetch_session *s)
{
    uint32_t count = s->slabs ? s->slabs->count * 2 : SLAB_MIN;
    struct od_fetch_slab *slab;

    if (count > SLAB_MAX)
        count = SLAB_MAX;
    if (!od_budget_take(s->cache->config.budget, slab_bytes(count)))
        return false;
    slab = od_zalloc(slab_bytes(count));
    slab->count = count;
    slab->next = s->slabs;
    s->slabs = slab;
    for (uint32_t i = 0; i < count; i++)
        od_list_push(&s->free, &slab->cursors[i].link);
    return true;
}

static struct od_fetch_cursor *add_cursor(struct od_fetch_session *s, struct od_fetch_topic *t,
                                          int32_t partition)
{
    struct od_fetch_cursor *c;

    if (od_list_empty(&s->free) && !grow(s))
        return NULL;
    c = OD_FETCH_CURSOR(od_list_pop(&s->free));
    *c = (struct od_fetch_cursor){
        .topic = t,
        .key = { t->number, partition },
        .high_watermark = -1,
        .log_start = -1,
        .used = true,
    };
    t->cursors++;
    od_map_put(&s->cursors, &c->key, sizeof(c->key), c);
    return c;
}

static void count(struct od_fetch_session *s, struct od_fetch_cursor *c, int64_t available,
                  bool urgent)
{
    s->available += available - c->available;
    s->urgent += (uint32_t)urgent - (uint32_t)c->urgent;
    c->available = available;
    c->urgent = urgent;
}

static void drop_watch(struct od_fetch_session *s, struct od_fetch_cursor *c)
{
    if (c->watch)
        s->cache->config.drop(c);
    c->watch = NULL;
}

void od_fetch_session_free(struct od_fetch_session *s)
{
    struct od_budget *budget = s->cache->config.budget;
    struct od_fetch_topic *t;
    size_t at = 0;

    while (s->slabs) {
        struct od_fetch_slab *slab = s->slabs;

        s->slabs = slab->next;
        for (uint32_t i = 0; i < slab->count; i++)
            if (slab->cursors[i].used)
                drop_watch(s, &slab->cursors[i]);
        od_budget_give(budget, slab_bytes(slab->count));
        od_free(slab);
    }
    while ((t = od_map_next(&s->topics, &at)) != NULL) {
        od_budget_give(budget, topic_bytes(t->name.len));
        od_free(t);
    }
    od_map_deinit(&s->topics);
    od_map_deinit(&s->cursors);
    od_budget_give(budget, sizeof(*s));
    od_free(s);
}

struct od_fetch_session *od_fetch_session_new(struct od_fetch_cache *cache,
                                              const struct od_fetch_start *start)
{
    struct od_fetch_session *s;

    if (!od_budget_take(cache->config.budget, sizeof(*s)))
        return NULL;
    s = OD_NEW(struct od_fetch_session);
    s->cache = cache;
    s->by_id = start->by_id;
    s->privileged = start->follower;
    s->full = true;
    s->keep = start->epoch == 0;
    s->busy = true;
    s->created_ms = s->used_ms = start->now_ms;
    od_map_init(&s->topics, cache->config.seed);
    od_map_init(&s->cursors, cache->config.seed);
    od_list_init(&s->free);
    od_list_init(&s->ready);
    od_list_init(&s->round);
    return s;
}

/* --- what the request says ------------------------------------------------------------------- */

enum od_err od_fetch_want(struct od_fetch_session *s, const struct od_fetch_key *key,
                          const struct od_fetch_params *want)
{
    struct od_fetch_topic *t = find_topic(s, key);
    struct od_fetch_cursor *c;

    if (!t && !(t = add_topic(s, key)))
        return OD_E_NO_MEMORY;
    c = find_cursor(s, t, key->partition);
    if (!c && !(c = add_cursor(s, t, key->partition))) {
        if (t->cursors == 0)
            remove_topic(s, t);
        return OD_E_NO_MEMORY;
    }
    c->want = *want;
    od_fetch_mark(s, c, 0, false);
    return OD_NONE;
}

void od_fetch_forget(struct od_fetch_session *s, const struct od_fetch_key *key)
{
    struct od_fetch_topic *t = find_topic(s, key);
    struct od_fetch_cursor *c = t ? find_cursor(s, t, key->partition) : NULL;

    if (!c)
        return;
    drop_watch(s, c);
    count(s, c, 0, false);
    od_map_remove(&s->cursors, &c->key, sizeof(c->key));
    c->used = false;
    od_link_remove(&c->link);
    od_list_push(&s->free, &c->link);
    if (--t->cursors == 0)
        remove_topic(s, t);
}

/* --- readiness ------------------------------------------------------------------------------- */

void od_fetch_mark(struct od_fetch_session *s, struct od_fetch_cursor *c, int64_t available,
                   bool urgent)
{
    int64_t limit = c->want.max_bytes > 0 ? c->want.max_bytes : 0;

    count(s, c, available < limit ? available : limit, urgent);
    if (!od_link_used(&c->link))
        od_list_push(&s->ready, &c->link);
}

bool od_fetch_due(const struct od_fetch_session *s, int32_t min_bytes)
{
    return s->urgent > 0 || s->available >= min_bytes || s->cursors.count == 0;
}

/* --- serving --------------------------------------------------------------------------------- */

void od_fetch_round(struct od_fetch_session *s)
{
    OD_ASSERT(od_list_empty(&s->round));
    od_list_append(&s->round, &s->ready);
}

struct od_fetch_cursor *od_fetch_next(struct od_fetch_session *s)
{
    struct od_link *first = od_list_first(&s->round);

    return first ? OD_FETCH_CURSOR(first) : NULL;
}

bool od_fetch_put(struct od_fetch_session *s, struct od_fetch_cursor *c,
                  const struct od_fetch_result *result)
{
    bool changed = result->high_watermark != c->high_watermark ||
                   result->log_start != c->log_start;
    bool failed = result->err != OD_NONE;

    c->log_start = result->log_start;
    /* After an error the partition must be named again once it is well. */
    c->high_watermark = failed ? -1 : result->high_watermark;
    od_link_remove(&c->link);
    if (result->records_bytes > 0 || result->more || failed || result->diverging)
        od_list_push(&s->ready, &c->link);
    else
        count(s, c, 0, false);
    return s->full || changed || failed || result->records_bytes > 0 || result->preferred ||
           result->diverging;
}
