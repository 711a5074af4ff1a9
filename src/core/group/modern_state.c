/* SPDX-License-Identifier: Apache-2.0 */
/* The state of a consumer group and the functions that write it, one per kind of record. */
#include "base/mem.h"
#include "core/group/modern_internal.h"
#include "wire/records/consumer_group_current_member_assignment_value.h"
#include "wire/records/consumer_group_member_metadata_value.h"
#include "wire/records/consumer_group_metadata_value.h"
#include "wire/records/consumer_group_regular_expression_value.h"
#include "wire/records/consumer_group_target_assignment_member_value.h"
#include "wire/records/consumer_group_target_assignment_metadata_value.h"

#include <stdlib.h>
#include <string.h>

/* --- sorted lists of names  -- */

static int by_name(const void *a, const void *b)
{
    return od_str_cmp(*(const struct od_str *)a, *(const struct od_str *)b);
}

static struct od_str *keep_names(const struct od_str *names, int32_t *n)
{
    int32_t count = *n > 0 ? *n : 0, kept = 0;
    struct od_str *v = od_alloc(sizeof(*v) * (size_t)(count + 1));

    if (count > 0)
        memcpy(v, names, sizeof(*v) * (size_t)count);
    qsort(v, (size_t)count, sizeof(*v), by_name);
    for (int32_t i = 0; i < count; i++)
        if (kept == 0 || !od_str_eq(v[kept - 1], v[i]))
            v[kept++] = v[i];
    for (int32_t i = 0; i < kept; i++)
        v[i] = od_group_keep(v[i]);
    *n = kept;
    return v;
}

static void free_names(struct od_str **names, int32_t *n)
{
    for (int32_t i = 0; i < *n; i++)
        od_group_give_back(&(*names)[i]);
    od_free(*names);
    *names = NULL;
    *n = 0;
}

static bool has_name(const struct od_str *names, int32_t n, struct od_str name)
{
    return n > 0 && bsearch(&name, names, (size_t)n, sizeof(name), by_name);
}

/* --- looking  -- */

struct od_modern_member *od_modern_member(const struct od_group *g, struct od_str id)
{
    return g->modern && id.data ? od_map_get(&g->modern->members, id.data, id.len) : NULL;
}

struct od_modern_member *od_modern_static(const struct od_group *g, struct od_str instance_id)
{
    return g->modern && instance_id.data
               ? od_map_get(&g->modern->statics, instance_id.data, instance_id.len)
               : NULL;
}

struct od_modern_member *od_modern_owner(const struct od_group *g, struct od_uuid topic,
                                             int32_t partition)
{
    const struct od_modern_owners *o =
        od_map_get(&g->modern->owners, topic.bytes, sizeof(topic.bytes));

    return o && partition < o->count ? o->v[partition] : NULL;
}

struct od_modern_regex *od_modern_regex(const struct od_group *g, struct od_str text)
{
    return text.data ? od_map_get(&g->modern->regexes, text.data, text.len) : NULL;
}

bool od_modern_reads(const struct od_group *g, const struct od_modern_member *m,
                       struct od_str topic)
{
    const struct od_modern_regex *r = od_modern_regex(g, m->regex);

    return has_name(m->topics, m->topic_count, topic) ||
           (r && has_name(r->topics, r->topic_count, topic));
}

bool od_modern_group_reads(const struct od_group *g, struct od_str topic)
{
    OD_LIST_EACH(&g->modern->in_order, link)
        if (od_modern_reads(g, OD_CONTAINER(link, struct od_modern_member, link), topic))
            return true;
    return false;
}

bool od_modern_is_empty(const struct od_group *g)
{
    return !g->modern->members.count;
}

const char *od_modern_state_name(const struct od_group *g)
{
    const struct od_modern *c = g->modern;

    if (od_modern_is_empty(g))
        return "Empty";
    if (c->epoch > c->assignment_epoch)
        return "Assigning";
    OD_LIST_EACH(&c->in_order, link) {
        const struct od_modern_member *m = OD_CONTAINER(link, struct od_modern_member, link);

        if (m->state != OD_MODERN_STABLE || m->epoch != c->assignment_epoch)
            return "Reconciling";
    }
    return "Stable";
}

/* --- owners  -- */

static void set_owner(struct od_group *g, struct od_uuid topic, int32_t partition,
                      const struct od_modern_member *from, struct od_modern_member *to)
{
    struct od_map *owners = &g->modern->owners;
    struct od_modern_owners *o = od_map_get(owners, topic.bytes, sizeof(topic.bytes));

    if (!o) {
        o = OD_NEW(struct od_modern_owners);
        o->id = topic;
        od_map_put(owners, o->id.bytes, sizeof(o->id.bytes), o);
    }
    if (partition < 0)
        return;
    if (partition >= o->count) {
        int32_t count = partition + 1;

        o->v = od_realloc(o->v, sizeof(struct od_modern_member *) * (size_t)count);
        for (int32_t i = o->count; i < count; i++)
            o->v[i] = NULL;
        o->count = count;
    }
    if (to || o->v[partition] == from)
        o->v[partition] = to;
}

static void set_owners(struct od_modern_member *m, const struct od_assignment *a,
                       struct od_modern_member *to)
{
    for (int32_t i = 0; i < a->n; i++)
        for (int32_t j = 0; j < a->v[i].n; j++)
            set_owner(m->group, a->v[i].id, a->v[i].v[j], m, to);
}

static void own_nothing(struct od_modern_member *m)
{
    set_owners(m, &m->assigned, NULL);
    set_owners(m, &m->revoking, NULL);
    od_assignment_free(&m->assigned);
    od_assignment_free(&m->revoking);
}

/* --- making and freeing  -- */

static struct od_modern *make(struct od_group *g)
{
    struct od_modern *c;

    if (g->modern)
        return g->modern;
    c = OD_NEW(struct od_modern);
    c->seen_version = -1;
    od_map_init(&c->members, g->shard->seed);
    od_map_init(&c->statics, g->shard->seed);
    od_map_init(&c->owners, g->shard->seed);
    od_map_init(&c->regexes, g->shard->seed);
    od_list_init(&c->in_order);
    g->modern = c;
    return c;
}

static struct od_modern_member *make_member(struct od_group *g, struct od_str id)
{
    struct od_modern *c = make(g);
    struct od_modern_member *m = od_modern_member(g, id);

    if (m)
        return m;
    m = OD_NEW(struct od_modern_member);
    m->group = g;
    m->id = od_group_keep(id);
    m->session.kind = OD_GROUP_DUE_CONSUMER_SESSION;
    m->rebalance.kind = OD_GROUP_DUE_CONSUMER_REBALANCE;
    od_list_push(&c->in_order, &m->link);
    od_map_put(&c->members, m->id.data, m->id.len, m);
    return m;
}

/* What it told about itself. */
static void forget_description(struct od_modern_member *m)
{
    if (m->instance_id.data && od_modern_static(m->group, m->instance_id) == m)
        od_map_remove(&m->group->modern->statics, m->instance_id.data, m->instance_id.len);
    od_group_give_back(&m->instance_id);
    od_group_give_back(&m->rack_id);
    od_group_give_back(&m->client_id);
    od_group_give_back(&m->client_host);
    od_group_give_back(&m->regex);
    od_group_give_back(&m->assignor);
    free_names(&m->topics, &m->topic_count);
}

static void free_member(struct od_modern_member *m)
{
    struct od_group *g = m->group;

    od_deadline_clear(&g->shard->deadlines, &m->session);
    od_deadline_clear(&g->shard->deadlines, &m->rebalance);
    own_nothing(m);
    od_assignment_free(&m->target);
    forget_description(m);
    od_link_remove(&m->link);
    od_map_remove(&g->modern->members, m->id.data, m->id.len);
    od_group_give_back(&m->id);
    od_free(m);
}

static void free_regex(struct od_group *g, struct od_modern_regex *r)
{
    od_map_remove(&g->modern->regexes, r->text.data, r->text.len);
    free_names(&r->topics, &r->topic_count);
    od_group_give_back(&r->text);
    od_free(r);
}

void od_modern_free(struct od_group *g)
{
    struct od_modern *c = g->modern;
    struct od_arena arena = { 0 };
    struct od_any_list all;

    if (!c)
        return;
    OD_LIST_EACH(&c->in_order, link)
        free_member(OD_CONTAINER(link, struct od_modern_member, link));
    all = od_group_values(&c->regexes, &arena);
    for (int32_t i = 0; i < all.n; i++)
        free_regex(g, ((struct od_modern_regex **)all.v)[i]);
    all = od_group_values(&c->owners, &arena);
    for (int32_t i = 0; i < all.n; i++) {
        od_free(((struct od_modern_owners **)all.v)[i]->v);
        od_free(((struct od_modern_owners **)all.v)[i]);
    }
    od_arena_reset(&arena);
    od_map_deinit(&c->members);
    od_map_deinit(&c->statics);
    od_map_deinit(&c->owners);
    od_map_deinit(&c->regexes);
    od_free(c);
    g->modern = NULL;
}

/* --- the writers  -- */

void od_modern_apply_group(struct od_group *g, const struct od_consumer_group_metadata_value *v)
{
    if (!v) {
        od_modern_free(g);
        return;
    }
    make(g)->epoch = v->epoch;
    g->modern->metadata_hash = v->metadata_hash;
}

void od_modern_apply_member(struct od_group *g, struct od_str id,
                              const struct od_consumer_group_member_metadata_value *v)
{
    struct od_modern_member *m;

    if (!v) {
        m = od_modern_member(g, id);
        if (m)
            free_member(m);
        return;
    }
    m = make_member(g, id);
    forget_description(m);
    m->described = true;
    m->instance_id = od_group_keep(v->instance_id);
    m->rack_id = od_group_keep(v->rack_id);
    m->client_id = od_group_keep(v->client_id);
    m->client_host = od_group_keep(v->client_host);
    m->regex =
        v->subscribed_topic_regex.len ? od_group_keep(v->subscribed_topic_regex) : OD_STR_NULL;
    m->assignor = od_group_keep(v->server_assignor);
    m->rebalance_timeout_ms = v->rebalance_timeout_ms;
    m->topic_count = v->subscribed_topic_names.n;
    m->topics = keep_names(v->subscribed_topic_names.v, &m->topic_count);
    if (m->instance_id.data)
        od_map_put(&g->modern->statics, m->instance_id.data, m->instance_id.len, m);
}

void od_modern_apply_target_epoch(
    struct od_group *g, const struct od_consumer_group_target_assignment_metadata_value *v)
{
    if (v)
        make(g)->assignment_epoch = v->assignment_epoch;
    else if (g->modern)
        g->modern->assignment_epoch = 0;
}

void od_modern_apply_target(struct od_group *g, struct od_str id,
                              const struct od_consumer_group_target_assignment_member_value *v,
                              struct od_arena *arena)
{
    struct od_modern_member *m = v ? make_member(g, id) : od_modern_member(g, id);
    struct od_assignment a;

    if (!m)
        return;
    od_assignment_begin(arena, v ? v->topic_partitions.n : 0, &a);
    for (int32_t i = 0; v && i < v->topic_partitions.n; i++)
        od_assignment_add(arena, &a, v->topic_partitions.v[i].topic_id,
                          v->topic_partitions.v[i].partitions.v,
                          v->topic_partitions.v[i].partitions.n);
    od_assignment_end(&a);
    od_assignment_free(&m->target);
    m->target = od_assignment_keep(&a);
}

static void read_owned(struct od_arena *arena, int32_t n,
                       const struct od_consumer_group_current_member_assignment_value_topic *v,
                       struct od_assignment *out)
{
    od_assignment_begin(arena, n, out);
    for (int32_t i = 0; i < n; i++)
        od_assignment_add(arena, out, v[i].topic_id, v[i].partitions.v, v[i].partitions.n);
    od_assignment_end(out);
}

void od_modern_apply_current(struct od_group *g, struct od_str id,
                               const struct od_consumer_group_current_member_assignment_value *v,
                               struct od_arena *arena)
{
    struct od_modern_member *m = v ? make_member(g, id) : od_modern_member(g, id);
    struct od_assignment assigned, revoking;

    if (!m)
        return;
    if (!v) {
        own_nothing(m);
        m->epoch = m->previous_epoch = OD_MODERN_LEFT;
        m->state = OD_MODERN_STABLE;
        return;
    }
    /* The record may point into what the member has now. */
    read_owned(arena, v->assigned_partitions.n, v->assigned_partitions.v, &assigned);
    read_owned(arena, v->partitions_pending_revocation.n, v->partitions_pending_revocation.v,
               &revoking);
    own_nothing(m);
    m->epoch = v->member_epoch;
    m->previous_epoch = v->previous_member_epoch;
    m->state = v->state >= OD_MODERN_STABLE && v->state <= OD_MODERN_UNRELEASED
                   ? v->state
                   : OD_MODERN_STABLE;
    m->assigned = od_assignment_keep(&assigned);
    m->revoking = od_assignment_keep(&revoking);
    set_owners(m, &m->assigned, m);
    set_owners(m, &m->revoking, m);
}

void od_modern_apply_regex(struct od_group *g, struct od_str text,
                             const struct od_consumer_group_regular_expression_value *v)
{
    struct od_modern_regex *r;

    make(g);
    r = od_modern_regex(g, text);
    if (!v) {
        if (r)
            free_regex(g, r);
        return;
    }
    if (!r) {
        r = OD_NEW(struct od_modern_regex);
        r->text = od_group_keep(text);
        od_map_put(&g->modern->regexes, r->text.data, r->text.len, r);
    }
    free_names(&r->topics, &r->topic_count);
    r->version = -1;
    r->topic_count = v->topics.n;
    r->topics = keep_names(v->topics.v, &r->topic_count);
}
