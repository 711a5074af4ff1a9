/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The cache of fetch sessions: which request goes on with which session, and who has to leave.
 *
 * A new session takes a free slot; or that of the least recently used one, if that was not used for
 * two minutes; or that of a less valuable one.  A follower's is more valuable than a consumer's,
 * among equals the one with more partitions; a consumer's is safe for its first two minutes unless
 * a follower comes (KIP-227).  Only a full cache looks for a victim: one pass over the slots.
 */
#include "base/assert.h"
#include "base/mutant.h"
#include "core/fetch/session_internal.h"

enum { SAFE_MS = 120 * 1000 };

void od_fetch_cache_init(struct od_fetch_cache *c, const struct od_fetch_config *config)
{
    OD_ASSERT(config->shards > 0 && config->shard < config->shards);
    *c = (struct od_fetch_cache){ .config = *config };
    od_map_init(&c->sessions, config->seed);
    od_list_init(&c->lru);
}

void od_fetch_close(struct od_fetch_session *s)
{
    struct od_fetch_cache *c = s->cache;

    s->keep = false;
    if (!od_link_used(&s->lru))
        return;
    od_link_remove(&s->lru);
    od_map_remove(&c->sessions, &s->id, sizeof(s->id));
    c->count--;
    if (!s->busy)
        od_fetch_session_free(s);
}

void od_fetch_cache_deinit(struct od_fetch_cache *c)
{
    OD_LIST_EACH(&c->lru, link)
        od_fetch_close(OD_CONTAINER(link, struct od_fetch_session, lru));
    od_map_deinit(&c->sessions);
}

static struct od_fetch_session *find(const struct od_fetch_cache *c, int32_t id)
{
    return id == 0 ? NULL : od_map_get(&c->sessions, &id, sizeof(id));
}

static int32_t epoch_after(int32_t epoch)
{
    return epoch == INT32_MAX ? 1 : epoch + 1;
}

static enum od_err go_on(struct od_fetch_session *s, const struct od_fetch_start *start)
{
    if (!s)
        return OD_FETCH_SESSION_ID_NOT_FOUND;
    if (s->busy || s->epoch != start->epoch)
        return OD_INVALID_FETCH_SESSION_EPOCH;
    if (s->by_id != start->by_id)
        return OD_FETCH_SESSION_TOPIC_ID_ERROR;
    s->epoch = epoch_after(s->epoch);
    s->full = false;
    s->busy = true;
    return OD_NONE;
}

enum od_err od_fetch_begin(struct od_fetch_cache *c, const struct od_fetch_start *start,
                           struct od_fetch_session **out)
{
    struct od_fetch_session *known = find(c, start->session_id);

    if (start->epoch > 0) {
        *out = known;
        return go_on(known, start);
    }
    if (start->epoch < -1)
        return known ? OD_INVALID_FETCH_SESSION_EPOCH : OD_FETCH_SESSION_ID_NOT_FOUND;
    if (known)
        od_fetch_close(known);
    *out = od_fetch_session_new(c, start);
    return *out ? OD_NONE : OD_E_NO_MEMORY;
}

/* --- admission ------------------------------------------------------------------------------- */

/* Is a less valuable than b? */
static bool is_lesser(const struct od_fetch_session *a, const struct od_fetch_session *b)
{
    if (a->privileged != b->privileged)
        return b->privileged;
    return a->cursors.count != b->cursors.count ? a->cursors.count < b->cursors.count
                                                : a->id < b->id;
}

static bool is_safe(const struct od_fetch_session *s, bool from_follower, int64_t now_ms)
{
    return now_ms - s->created_ms <= SAFE_MS && (s->privileged || !from_follower);
}

static struct od_fetch_session *victim_for(const struct od_fetch_session *s, int64_t now_ms)
{
    struct od_fetch_cache *c = s->cache;
    struct od_fetch_session *least = NULL;

    if (od_list_empty(&c->lru))
        return NULL;
    struct od_fetch_session *oldest =
        OD_CONTAINER(od_list_first(&c->lru), struct od_fetch_session, lru);

    if (now_ms - oldest->used_ms > SAFE_MS)
        return oldest;
    OD_LIST_EACH(&c->lru, link) {
        struct od_fetch_session *other = OD_CONTAINER(link, struct od_fetch_session, lru);

        if (!is_safe(other, s->privileged, now_ms) && (!least || is_lesser(other, least)))
            least = other;
    }
    return least && is_lesser(least, s) ? least : NULL;
}

static int32_t free_id(const struct od_fetch_cache *c, uint32_t random)
{
    uint32_t shards = c->config.shards;
    uint32_t ids = ((uint32_t)INT32_MAX - c->config.shard) / shards; /* in our residue class */
    uint32_t at = random % ids;

    for (;;) {
        int32_t id = (int32_t)((at + 1) * shards - shards + c->config.shard);

        if (id != 0 && !find(c, id))
            return id;
        at = (at + 1) % ids;
    }
}

int32_t od_fetch_admit(struct od_fetch_session *s, int64_t now_ms, uint32_t random)
{
    struct od_fetch_cache *c = s->cache;

    s->used_ms = now_ms;
    if (s->cursors.count == 0) {
        od_fetch_close(s);
        return 0;
    }
    if (od_link_used(&s->lru)) {
        od_link_remove(&s->lru);
        od_list_push(&c->lru, &s->lru);
        return s->id;
    }
    if (!s->keep)
        return 0;
    if (c->count >= c->config.slots) {
        struct od_fetch_session *victim = victim_for(s, now_ms);

        if (!victim)
            return 0;
        od_fetch_close(victim);
        c->evictions++;
    }
    s->id = free_id(c, random);
    s->epoch = 1;
    c->count++;
    od_list_push(&c->lru, &s->lru);
    od_map_put(&c->sessions, &s->id, sizeof(s->id), s);
    return s->id;
}

void od_fetch_end(struct od_fetch_session *s)
{
    s->busy = false;
    if (!od_link_used(&s->lru)) {
        od_fetch_session_free(s);
        return;
    }
    while (OD_MUTANT(fetch_rest_forgotten) && od_list_pop(&s->round))
        ;
    /* What was not reached comes first next time. */
    od_list_append(&s->round, &s->ready);
    od_list_append(&s->ready, &s->round);
}
