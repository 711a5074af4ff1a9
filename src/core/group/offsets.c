/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Committed offsets: where they are kept, and when they expire (KIP-211).
 *
 * Retention counts from when the group became empty; for standalone commits, and for topics that a
 * live group no longer reads, from the commit.  Offsets that a transaction has written are kept
 * aside until its marker decides.
 */
#include "base/mem.h"
#include "core/group/group_internal.h"

#include <string.h>

static struct od_group_topic *topic_of(const struct od_group *g, struct od_str name)
{
    return od_map_get(&g->topics, name.data, name.len);
}

/* The place of the first entry that is not below the partition. */
static int32_t place_of(const struct od_group_topic *t, int32_t partition)
{
    int32_t low = 0, high = t->count;

    while (low < high) {
        int32_t mid = low + (high - low) / 2;

        if (t->offsets[mid].partition < partition)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

struct od_committed *od_offsets_find(const struct od_group *g, struct od_str topic,
                                     int32_t partition)
{
    struct od_group_topic *t = topic_of(g, topic);
    int32_t at = t ? place_of(t, partition) : 0;

    return t && at < t->count && t->offsets[at].partition == partition ? &t->offsets[at] : NULL;
}

static struct od_group_topic *make_topic(struct od_group *g, struct od_str name)
{
    struct od_group_topic *t = topic_of(g, name);

    if (t)
        return t;
    t = OD_NEW(struct od_group_topic);
    t->name = od_group_keep(name);
    od_map_put(&g->topics, t->name.data, t->name.len, t);
    return t;
}

static void free_topic(struct od_group *g, struct od_group_topic *t)
{
    for (int32_t i = 0; i < t->count; i++)
        od_group_give_back(&t->offsets[i].metadata);
    od_map_remove(&g->topics, t->name.data, t->name.len);
    od_free(t->offsets);
    od_group_give_back(&t->name);
    od_free(t);
}

void od_offsets_set(struct od_group *g, struct od_str topic, const struct od_committed *value)
{
    struct od_group_topic *t = make_topic(g, topic);
    int32_t at = place_of(t, value->partition);
    struct od_str metadata = od_group_keep(value->metadata);

    if (at == t->count || t->offsets[at].partition != value->partition) {
        if (t->count == t->capacity) {
            t->capacity = t->capacity ? t->capacity * 2 : 4;
            t->offsets = od_realloc(t->offsets, sizeof(t->offsets[0]) * (size_t)t->capacity);
        }
        memmove(&t->offsets[at + 1], &t->offsets[at],
                sizeof(t->offsets[0]) * (size_t)(t->count - at));
        t->count++;
    } else {
        od_group_give_back(&t->offsets[at].metadata);
    }
    t->offsets[at] = *value;
    t->offsets[at].metadata = metadata;
    t->offsets[at].write = ++g->shard->writes;
}

static void take_out(struct od_group_topic *t, int32_t at)
{
    od_group_give_back(&t->offsets[at].metadata);
    memmove(&t->offsets[at], &t->offsets[at + 1],
            sizeof(t->offsets[0]) * (size_t)(t->count - at - 1));
    t->count--;
}

static void free_pending(struct od_pending_offset *p)
{
    od_link_remove(&p->of_shard);
    od_link_remove(&p->of_group);
    od_group_give_back(&p->group_id);
    od_group_give_back(&p->topic);
    od_group_give_back(&p->value.metadata);
    od_free(p);
}

void od_offsets_remove(struct od_group *g, struct od_str topic, int32_t partition)
{
    struct od_group_topic *t = topic_of(g, topic);
    struct od_committed *c = od_offsets_find(g, topic, partition);

    OD_LIST_EACH(&g->pending, link) {
        struct od_pending_offset *p = OD_CONTAINER(link, struct od_pending_offset, of_group);

        if (p->value.partition == partition && od_str_eq(p->topic, topic))
            free_pending(p);
    }
    if (!c)
        return;
    take_out(t, (int32_t)(c - t->offsets));
    if (!t->count)
        free_topic(g, t);
}

void od_offsets_free(struct od_group *g)
{
    size_t cursor = 0;

    OD_LIST_EACH(&g->pending, link)
        free_pending(OD_CONTAINER(link, struct od_pending_offset, of_group));
    while (g->topics.count) {
        free_topic(g, od_map_next(&g->topics, &cursor));
        cursor = 0;
    }
}

/* --- transactions  -- */

void od_offsets_add_pending(struct od_group_shard *s, int64_t producer_id, struct od_str group_id,
                            struct od_str topic, const struct od_committed *value)
{
    struct od_group *g = od_group_make(s, group_id);
    struct od_pending_offset *p = OD_NEW(struct od_pending_offset);

    p->producer_id = producer_id;
    p->group_id = od_group_keep(group_id);
    p->topic = od_group_keep(topic);
    p->value = *value;
    p->value.metadata = od_group_keep(value->metadata);
    p->value.write = ++s->writes;
    od_list_push(&s->pending, &p->of_shard);
    od_list_push(&g->pending, &p->of_group);
}

bool od_offsets_is_pending(const struct od_group *g, struct od_str topic, int32_t partition)
{
    OD_LIST_EACH(&g->pending, link) {
        const struct od_pending_offset *p = OD_CONTAINER(link, struct od_pending_offset, of_group);

        if (p->value.partition == partition && od_str_eq(p->topic, topic))
            return true;
    }
    return false;
}

void od_group_shard_end_txn(struct od_group_shard *s, int64_t producer_id, bool commit)
{
    OD_LIST_EACH(&s->pending, link) {
        struct od_pending_offset *p = OD_CONTAINER(link, struct od_pending_offset, of_shard);
        struct od_group *g;
        const struct od_committed *current;

        if (p->producer_id != producer_id)
            continue;
        g = od_group_find(s, p->group_id);
        current = od_offsets_find(g, p->topic, p->value.partition);
        if (commit && (!current || current->write < p->value.write))
            od_offsets_set(g, p->topic, &p->value);
        free_pending(p);
        if (od_group_holds_nothing(g) && !g->generation)
            od_group_free(g);
    }
}

/* --- going  -- */

/* From when the retention of the offset counts; INT64_MAX: it does not. */
static int64_t counts_from(const struct od_group *g, const struct od_committed *c, bool subscribed)
{
    if (g->modern)
        return subscribed ? INT64_MAX : c->commit_wall_ms;
    if (!g->protocol_type.data)
        return c->commit_wall_ms;
    if (g->state == OD_GROUP_EMPTY)
        return g->state_wall_ms >= 0 ? g->state_wall_ms : c->commit_wall_ms;
    if (g->state == OD_GROUP_STABLE && od_group_is_consumer(g) && !subscribed)
        return c->commit_wall_ms;
    return INT64_MAX;
}

static bool has_expired(const struct od_group *g, const struct od_committed *c, bool subscribed,
                        const struct od_group_event *ev)
{
    int64_t from = counts_from(g, c, subscribed);

    if (from == INT64_MAX)
        return false;
    if (c->expire_wall_ms >= 0)
        return ev->wall_ms >= c->expire_wall_ms;
    return ev->wall_ms - from >= ev->rules->offsets_retention_ms;
}

static void expire_topic(struct od_group *g, struct od_group_topic *t,
                         const struct od_group_event *ev, struct od_group_out *out)
{
    bool subscribed =
        (g->modern || (g->state == OD_GROUP_STABLE && od_group_is_consumer(g))) &&
        od_group_subscribes(g, t->name);

    for (int32_t at = t->count - 1; at >= 0; at--) {
        if (od_offsets_is_pending(g, t->name, t->offsets[at].partition) ||
            !has_expired(g, &t->offsets[at], subscribed, ev))
            continue;
        od_group_record_no_offset(out, g->id, t->name, t->offsets[at].partition);
        take_out(t, at);
    }
    if (!t->count)
        free_topic(g, t);
}

bool od_offsets_expire(struct od_group *g, const struct od_group_event *ev,
                       struct od_group_out *out)
{
    struct od_any_list topics = od_group_values(&g->topics, out->arena);

    for (int32_t i = 0; i < topics.n; i++)
        expire_topic(g, ((struct od_group_topic **)topics.v)[i], ev, out);
    return !g->topics.count && od_list_empty(&g->pending);
}

static void delete_topic(struct od_group *g, struct od_str topic, struct od_group_out *out)
{
    struct od_group_topic *t = topic_of(g, topic);

    OD_LIST_EACH(&g->pending, link) {
        struct od_pending_offset *p = OD_CONTAINER(link, struct od_pending_offset, of_group);

        if (!od_str_eq(p->topic, topic))
            continue;
        /* The marker may still come: without a tombstone it would bring the offset back. */
        od_group_record_no_offset(out, g->id, p->topic, p->value.partition);
        free_pending(p);
    }
    if (!t)
        return;
    for (int32_t at = 0; at < t->count; at++)
        od_group_record_no_offset(out, g->id, t->name, t->offsets[at].partition);
    free_topic(g, t);
}

void od_offsets_delete_all(struct od_group *g, struct od_group_out *out)
{
    struct od_any_list topics = od_group_values(&g->topics, out->arena);
    struct od_link *first;

    for (int32_t i = 0; i < topics.n; i++)
        delete_topic(g, ((struct od_group_topic **)topics.v)[i]->name, out);
    while ((first = od_list_first(&g->pending))) {
        struct od_pending_offset *p = OD_CONTAINER(first, struct od_pending_offset, of_group);

        od_group_record_no_offset(out, g->id, p->topic, p->value.partition);
        free_pending(p);
    }
}

void od_group_shard_topic_deleted(struct od_group_shard *s, struct od_str topic,
                                  struct od_group_out *out)
{
    struct od_any_list groups = od_group_values(&s->groups, out->arena);

    for (int32_t i = 0; i < groups.n; i++) {
        struct od_group *g = ((struct od_group **)groups.v)[i];

        delete_topic(g, topic, out);
        if (od_group_holds_nothing(g) && !g->generation)
            od_group_free(g);
    }
}
