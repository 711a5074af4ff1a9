/* SPDX-License-Identifier: Apache-2.0 */
/* A shard as a whole: dispatch of calls, due times, expiry, and which group belongs to it. */
#include "core/group/shard.h"

#include "base/assert.h"
#include "base/mem.h"
#include "core/group/modern_internal.h"

void od_group_out_init(struct od_group_out *out, struct od_arena *arena)
{
    *out = (struct od_group_out){ .arena = arena, .producer_id = -1, .producer_epoch = -1 };
    od_list_init(&out->answered);
}

struct od_group_shard *od_group_shard_new(uint64_t seed)
{
    struct od_group_shard *s = OD_NEW(struct od_group_shard);

    s->seed = seed;
    od_map_init(&s->groups, seed);
    od_list_init(&s->pending);
    return s;
}

void od_group_shard_free(struct od_group_shard *s)
{
    struct od_arena arena = { 0 };
    struct od_any_list groups;

    if (!s)
        return;
    groups = od_group_values(&s->groups, &arena);
    for (int32_t i = 0; i < groups.n; i++) {
        od_offsets_free(((struct od_group **)groups.v)[i]);
        od_group_free(((struct od_group **)groups.v)[i]);
    }
    od_arena_reset(&arena);
    od_map_deinit(&s->groups);
    od_deadlines_deinit(&s->deadlines);
    od_free(s);
}

void od_group_shard_drop(struct od_group_shard *s, enum od_err err, struct od_group_out *out)
{
    size_t cursor = 0;
    struct od_group *g;

    while ((g = od_map_next(&s->groups, &cursor)))
        OD_LIST_EACH(&g->members_in_order, link)
            od_group_remove(g, OD_CONTAINER(link, struct od_group_member, link), err, out);
}

void od_group_shard_loaded(struct od_group_shard *s, const struct od_group_event *ev,
                           struct od_group_out *out)
{
    size_t cursor = 0;
    struct od_group *g;

    while ((g = od_map_next(&s->groups, &cursor))) {
        OD_LIST_EACH(&g->members_in_order, link)
            od_group_alive(OD_CONTAINER(link, struct od_group_member, link), ev->now_ms);
        if (g->modern)
            od_modern_loaded(g, ev);
        if (od_group_size(g) > ev->rules->size_max)
            od_group_rebalance(g, ev, out);
    }
}

void od_group_shard_call(struct od_group_shard *s, const struct od_group_event *ev,
                         struct od_group_call *call, struct od_group_out *out)
{
    switch (call->kind) {
    case OD_GROUP_JOIN:
        od_group_join(s, ev, call, out);
        return;
    case OD_GROUP_SYNC:
        od_group_sync(s, ev, call, out);
        return;
    case OD_GROUP_HEARTBEAT:
        od_group_heartbeat(s, ev, call, out);
        return;
    case OD_GROUP_LEAVE:
        od_group_leave(s, ev, call, out);
        return;
    case OD_GROUP_COMMIT:
        od_group_commit(s, ev, call, out);
        return;
    case OD_GROUP_TXN_COMMIT:
        od_group_txn_commit(s, ev, call, out);
        return;
    case OD_GROUP_FETCH:
        od_group_fetch(s, call, out);
        return;
    case OD_GROUP_DELETE_OFFSETS:
        od_group_delete_offsets(s, call, out);
        return;
    case OD_GROUP_DESCRIBE:
        od_group_describe(s, call, out);
        return;
    case OD_GROUP_DELETE:
        od_group_delete(s, call, out);
        return;
    case OD_GROUP_CONSUMER_HEARTBEAT:
        od_modern_heartbeat(s, ev, call, out);
        return;
    case OD_GROUP_CONSUMER_DESCRIBE:
        od_modern_describe(s, ev, call, out);
        return;
    }
}

/* --- time --------------------------------------------------------------------------------------
 */

static void pending_due(struct od_pending_member *p, const struct od_group_event *ev,
                        struct od_group_out *out)
{
    struct od_group *g = p->group;

    od_group_remove_pending(p);
    if (g->state == OD_GROUP_PREPARING)
        od_group_changed(g, ev, out);
    if (od_group_holds_nothing(g) && !g->generation)
        od_group_free(g);
}

void od_group_shard_tick(struct od_group_shard *s, const struct od_group_event *ev,
                         struct od_group_out *out)
{
    struct od_deadline *e;

    while ((e = od_deadlines_take(&s->deadlines, ev->now_ms))) {
        switch ((enum od_group_deadline)e->kind) {
        case OD_GROUP_DUE_SESSION:
            od_group_session_due(OD_CONTAINER(e, struct od_group_member, session), ev, out);
            break;
        case OD_GROUP_DUE_PENDING:
            pending_due(OD_CONTAINER(e, struct od_pending_member, expiry), ev, out);
            break;
        case OD_GROUP_DUE_PHASE:
            od_group_phase_due(OD_CONTAINER(e, struct od_group, phase), ev, out);
            break;
        case OD_GROUP_DUE_CONSUMER_SESSION:
            od_modern_fence(OD_CONTAINER(e, struct od_modern_member, session), out);
            break;
        case OD_GROUP_DUE_CONSUMER_REBALANCE:
            od_modern_fence(OD_CONTAINER(e, struct od_modern_member, rebalance), out);
            break;
        }
    }
}

int64_t od_group_shard_deadline_ms(const struct od_group_shard *s)
{
    return od_deadlines_next_ms(&s->deadlines);
}

void od_group_shard_expire(struct od_group_shard *s, const struct od_group_event *ev,
                           struct od_group_out *out)
{
    struct od_any_list groups = od_group_values(&s->groups, out->arena);

    for (int32_t i = 0; i < groups.n; i++) {
        struct od_group *g = ((struct od_group **)groups.v)[i];

        if (od_offsets_expire(g, ev, out) && od_group_is_empty(g) && !g->pending_members.count)
            od_group_bury(g, out);
    }
}

/* --- looking on --------------------------------------------------------------------------------
 */

int32_t od_group_shard_group_count(const struct od_group_shard *s)
{
    return (int32_t)s->groups.count;
}

void od_group_shard_each_offset(const struct od_group_shard *s,
                                void (*tell)(void *ctx, const struct od_group_lag *lag), void *ctx)
{
    const struct od_group *g;
    size_t at = 0;

    while ((g = od_map_next(&s->groups, &at))) {
        const struct od_group_topic *t;
        size_t cursor = 0;

        while ((t = od_map_next(&g->topics, &cursor)))
            for (int32_t i = 0; i < t->count; i++)
                tell(ctx, &(struct od_group_lag){ g->id, t->name, t->offsets[i].partition,
                                                  t->offsets[i].offset });
    }
}

/* One UTF-16 unit, or two for what does not fit into one; bytes that are not UTF-8 count as
 * U+FFFD, as Java decodes them. */
static uint32_t hash_unit(uint32_t hash, uint32_t unit)
{
    return hash * 31 + unit;
}

static uint32_t next_code_point(struct od_str s, size_t *at)
{
    uint8_t lead = (uint8_t)s.data[(*at)++];
    int more = lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : lead >= 0xc2 ? 1 : 0;
    uint32_t point = more == 3 ? lead & 7u : more == 2 ? lead & 15u : more == 1 ? lead & 31u : lead;

    if (lead >= 0x80 && (!more || lead > 0xf4))
        return 0xfffd;
    for (; more; more--) {
        if (*at == s.len || ((uint8_t)s.data[*at] & 0xc0) != 0x80)
            return 0xfffd;
        point = point << 6 | ((uint8_t)s.data[(*at)++] & 0x3f);
    }
    return point;
}

int32_t od_group_partition(struct od_str group_id, int32_t partitions)
{
    uint32_t hash = 0;

    OD_ASSERT(partitions > 0);
    for (size_t at = 0; at < group_id.len;) {
        uint32_t point = next_code_point(group_id, &at);

        if (point >= 0x10000) {
            hash = hash_unit(hash, 0xd800 + ((point - 0x10000) >> 10));
            point = 0xdc00 + ((point - 0x10000) & 0x3ff);
        }
        hash = hash_unit(hash, point);
    }
    if (hash == 0x80000000u)
        return 0;
    return (int32_t)((hash & 0x80000000u ? 0u - hash : hash) % (uint32_t)partitions);
}
