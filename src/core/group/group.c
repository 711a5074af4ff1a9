/* SPDX-License-Identifier: Apache-2.0 */
/* A group and its members: making, finding and freeing them. */
#include "base/assert.h"
#include "base/mem.h"
#include "core/group/modern_internal.h"
#include "wire/records/consumer_protocol_subscription.h"

#include <string.h>

/* --- owned and lent bytes  -- */

struct od_str od_group_keep(struct od_str s)
{
    return (struct od_str){ s.data ? od_str_dup(s) : NULL, s.len };
}

struct od_bytes od_group_keep_bytes(struct od_bytes b)
{
    uint8_t *copy;

    if (!b.data)
        return b;
    copy = od_alloc(b.len ? b.len : 1);
    memcpy(copy, b.data, b.len);
    return (struct od_bytes){ copy, b.len };
}

void od_group_give_back(struct od_str *s)
{
    od_free((void *)s->data);
    *s = OD_STR_NULL;
}

void od_group_give_back_bytes(struct od_bytes *b)
{
    od_free((void *)b->data);
    *b = (struct od_bytes){ 0 };
}

struct od_str od_group_lend(struct od_group_call *call, struct od_str s)
{
    struct od_bytes b =
        od_group_lend_bytes(call, (struct od_bytes){ (const uint8_t *)s.data, s.len });

    return (struct od_str){ (const char *)b.data, b.len };
}

struct od_bytes od_group_lend_bytes(struct od_group_call *call, struct od_bytes b)
{
    uint8_t *copy;

    if (!b.data)
        return b;
    copy = od_arena_alloc(call->arena, b.len ? b.len : 1);
    memcpy(copy, b.data, b.len);
    return (struct od_bytes){ copy, b.len };
}

void od_group_answered(struct od_group_out *out, struct od_group_call *call)
{
    od_list_push(&out->answered, &call->link);
}

struct od_any_list od_group_values(const struct od_map *m, struct od_arena *arena)
{
    struct od_any_list list = { (int32_t)m->count, NULL };
    void **v = od_arena_alloc(arena, sizeof(void *) * (m->count + 1));
    size_t cursor = 0;

    for (int32_t i = 0; i < list.n; i++)
        v[i] = od_map_next(m, &cursor);
    list.v = v;
    return list;
}

/* --- groups  -- */

struct od_group *od_group_find(const struct od_group_shard *s, struct od_str id)
{
    return od_map_get(&s->groups, id.data, id.len);
}

struct od_group *od_group_make(struct od_group_shard *s, struct od_str id)
{
    struct od_group *g = od_group_find(s, id);

    if (g)
        return g;
    g = OD_NEW(struct od_group);
    g->id = od_group_keep(id);
    g->shard = s;
    g->state_wall_ms = -1;
    g->phase.kind = OD_GROUP_DUE_PHASE;
    od_map_init(&g->topics, s->seed);
    od_map_init(&g->members, s->seed);
    od_map_init(&g->statics, s->seed);
    od_map_init(&g->pending_members, s->seed);
    od_list_init(&g->pending);
    od_list_init(&g->members_in_order);
    od_map_put(&s->groups, g->id.data, g->id.len, g);
    return g;
}

void od_group_free(struct od_group *g)
{
    struct od_group_out none = { 0 };
    size_t cursor = 0;

    OD_LIST_EACH(&g->members_in_order, link)
        od_group_remove(g, OD_CONTAINER(link, struct od_group_member, link), OD_NONE, &none);
    while (g->pending_members.count) {
        od_group_remove_pending(od_map_next(&g->pending_members, &cursor));
        cursor = 0;
    }
    OD_ASSERT(od_list_empty(&g->pending));
    od_deadline_clear(&g->shard->deadlines, &g->phase);
    od_offsets_free(g);
    od_modern_free(g);
    od_map_remove(&g->shard->groups, g->id.data, g->id.len);
    od_map_deinit(&g->topics);
    od_map_deinit(&g->members);
    od_map_deinit(&g->statics);
    od_map_deinit(&g->pending_members);
    od_group_give_back(&g->protocol_type);
    od_group_give_back(&g->protocol);
    od_group_give_back(&g->id);
    od_free(g);
}

int32_t od_group_size(const struct od_group *g)
{
    return (int32_t)g->members.count;
}

bool od_group_holds_nothing(const struct od_group *g)
{
    return !g->modern && g->state == OD_GROUP_EMPTY && !g->members.count &&
           !g->pending_members.count && !g->topics.count && od_list_empty(&g->pending);
}

bool od_group_is_empty(const struct od_group *g)
{
    return g->modern ? od_modern_is_empty(g) : g->state == OD_GROUP_EMPTY;
}

const char *od_group_state_name(const struct od_group *g)
{
    if (g->modern)
        return od_modern_state_name(g);
    switch (g->state) {
    case OD_GROUP_EMPTY:
        return "Empty";
    case OD_GROUP_PREPARING:
        return "PreparingRebalance";
    case OD_GROUP_COMPLETING:
        return "CompletingRebalance";
    case OD_GROUP_STABLE:
        return "Stable";
    }
    return NULL;
}

/* --- members  -- */

struct od_group_member *od_group_member(const struct od_group *g, struct od_str id)
{
    return id.data ? od_map_get(&g->members, id.data, id.len) : NULL;
}

struct od_group_member *od_group_static(const struct od_group *g, struct od_str instance_id)
{
    return instance_id.data ? od_map_get(&g->statics, instance_id.data, instance_id.len) : NULL;
}

struct od_group_member *od_group_add(struct od_group *g, struct od_str id,
                                     struct od_str instance_id)
{
    struct od_group_member *m = OD_NEW(struct od_group_member);

    m->group = g;
    m->id = od_group_keep(id);
    m->instance_id = od_group_keep(instance_id);
    m->session.kind = OD_GROUP_DUE_SESSION;
    od_list_push(&g->members_in_order, &m->link);
    od_map_put(&g->members, m->id.data, m->id.len, m);
    if (m->instance_id.data)
        od_map_put(&g->statics, m->instance_id.data, m->instance_id.len, m);
    if (!g->leader)
        g->leader = m;
    return m;
}

static void forget_protocols(struct od_group_member *m)
{
    for (int i = 0; i < m->protocol_count; i++) {
        od_group_give_back(&m->protocols[i].name);
        od_group_give_back_bytes(&m->protocols[i].metadata);
    }
    od_free(m->protocols);
    m->protocols = NULL;
    m->protocol_count = 0;
}

static void answer_parked(struct od_group_member *m, enum od_err err, struct od_group_out *out)
{
    struct od_group_call *join = m->join;
    struct od_group_call *sync = m->sync;

    if (join) {
        m->join = NULL;
        m->group->joining_count--;
        od_group_answer_join(join, err, m->id, out);
    }
    if (sync) {
        m->sync = NULL;
        od_group_answer_sync(sync, err, (struct od_bytes){ 0 }, out);
    }
}

void od_group_remove(struct od_group *g, struct od_group_member *m, enum od_err err,
                     struct od_group_out *out)
{
    answer_parked(m, err, out);
    if (m->sync_missing)
        g->sync_missing_count--;
    od_deadline_clear(&g->shard->deadlines, &m->session);
    od_link_remove(&m->link);
    od_map_remove(&g->members, m->id.data, m->id.len);
    if (m->instance_id.data && od_group_static(g, m->instance_id) == m)
        od_map_remove(&g->statics, m->instance_id.data, m->instance_id.len);
    if (g->leader == m) {
        struct od_link *first = od_list_first(&g->members_in_order);

        g->leader = first ? OD_CONTAINER(first, struct od_group_member, link) : NULL;
    }
    forget_protocols(m);
    od_group_give_back_bytes(&m->assignment);
    od_group_give_back(&m->id);
    od_group_give_back(&m->instance_id);
    od_group_give_back(&m->client_id);
    od_group_give_back(&m->client_host);
    od_free(m);
}

void od_group_set_protocols(struct od_group_member *m, int count,
                            const struct od_group_protocol *protocols)
{
    struct od_group_protocol *copy = od_alloc(sizeof(*copy) * (size_t)(count ? count : 1));

    for (int i = 0; i < count; i++) {
        copy[i].name = od_group_keep(protocols[i].name);
        copy[i].metadata = od_group_keep_bytes(protocols[i].metadata);
    }
    forget_protocols(m);
    m->protocols = copy;
    m->protocol_count = count;
}

void od_group_set_assignment(struct od_group_member *m, struct od_bytes assignment)
{
    struct od_bytes copy = od_group_keep_bytes(assignment);

    od_group_give_back_bytes(&m->assignment);
    m->assignment = copy;
}

struct od_bytes od_group_metadata_for(const struct od_group_member *m, struct od_str protocol)
{
    for (int i = 0; i < m->protocol_count; i++)
        if (od_str_eq(m->protocols[i].name, protocol))
            return m->protocols[i].metadata;
    return (struct od_bytes){ 0 };
}

enum od_err od_group_check_member(const struct od_group *g, struct od_str id,
                                  struct od_str instance_id)
{
    const struct od_group_member *known;

    if (!instance_id.data)
        return od_group_member(g, id) ? OD_NONE : OD_UNKNOWN_MEMBER_ID;
    known = od_group_static(g, instance_id);
    if (!known)
        return OD_UNKNOWN_MEMBER_ID;
    return od_str_eq(known->id, id) ? OD_NONE : OD_FENCED_INSTANCE_ID;
}

/* --- ids handed out ----------------------------------------------------------------------------
 */

struct od_pending_member *od_group_pending(const struct od_group *g, struct od_str id)
{
    return id.data ? od_map_get(&g->pending_members, id.data, id.len) : NULL;
}

void od_group_add_pending(struct od_group *g, struct od_str id, int64_t due_ms)
{
    struct od_pending_member *p = OD_NEW(struct od_pending_member);

    p->group = g;
    p->id = od_group_keep(id);
    p->expiry.kind = OD_GROUP_DUE_PENDING;
    od_map_put(&g->pending_members, p->id.data, p->id.len, p);
    od_deadline_set(&g->shard->deadlines, &p->expiry, due_ms);
}

void od_group_remove_pending(struct od_pending_member *p)
{
    od_deadline_clear(&p->group->shard->deadlines, &p->expiry);
    od_map_remove(&p->group->pending_members, p->id.data, p->id.len);
    od_group_give_back(&p->id);
    od_free(p);
}

/* --- subscriptions  -- */

bool od_group_is_consumer(const struct od_group *g)
{
    return g->modern || (g->protocol_type.data && od_str_is(g->protocol_type, "consumer"));
}

/* Without a subscription that can be read the member counts as subscribed to everything. */
static bool subscribes(struct od_bytes metadata, struct od_str topic)
{
    struct od_reader r = od_reader_of(metadata.data, metadata.len);
    struct od_consumer_protocol_subscription sub;
    struct od_arena arena = { 0 };
    int16_t version = od_read_i16(&r);
    bool found = true;

    if (version > OD_consumer_protocol_subscription_VERSION_MAX)
        version = OD_consumer_protocol_subscription_VERSION_MAX;
    if (!r.err && version >= 0 &&
        !od_consumer_protocol_subscription_decode(&r, version, &arena, &sub)) {
        found = false;
        for (int32_t i = 0; i < sub.topics.n && !found; i++)
            found = od_str_eq(sub.topics.v[i], topic);
    }
    od_arena_reset(&arena);
    return found;
}

bool od_group_subscribes(const struct od_group *g, struct od_str topic)
{
    if (g->modern)
        return od_modern_group_reads(g, topic);
    OD_LIST_EACH(&g->members_in_order, link) {
        const struct od_group_member *m = OD_CONTAINER(link, struct od_group_member, link);

        if (subscribes(od_group_metadata_for(m, g->protocol), topic))
            return true;
    }
    return false;
}
