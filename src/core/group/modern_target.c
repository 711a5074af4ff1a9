/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From subscriptions and topics to a target assignment.  A new group epoch begins when a
 * subscription changes, or what is known of the topics that the group reads; the target follows.
 */
#include "base/regex.h"
#include "core/group/assignor.h"
#include "core/group/modern_internal.h"

#include <stdlib.h>
#include <string.h>

/* --- regular expressions  -- */

struct matching {
    const struct od_regex *regex;
    struct od_arena *arena;
    struct od_str *v;
    int32_t n, capacity;
};

static bool is_internal(struct od_str name)
{
    return od_str_is(name, "__consumer_offsets") || od_str_is(name, "__transaction_state") ||
           od_str_is(name, "__share_group_state");
}

static void match(void *arg, struct od_str name)
{
    struct matching *m = arg;

    if (is_internal(name) || !od_regex_matches_all_of(m->regex, name))
        return;
    if (m->n == m->capacity) {
        int32_t capacity = m->capacity ? m->capacity * 2 : 16;
        struct od_str *v = od_arena_alloc(m->arena, sizeof(*v) * (size_t)capacity);

        if (m->n > 0)
            memcpy(v, m->v, sizeof(*v) * (size_t)m->n);
        m->v = v;
        m->capacity = capacity;
    }
    m->v[m->n++] = name;
}

static int by_name(const void *a, const void *b)
{
    return od_str_cmp(*(const struct od_str *)a, *(const struct od_str *)b);
}

static bool same_topics(const struct od_modern_regex *r, const struct matching *m)
{
    if (r->topic_count != m->n)
        return false;
    for (int32_t i = 0; i < m->n; i++)
        if (!od_str_eq(r->topics[i], m->v[i]))
            return false;
    return true;
}

/* What the text stands for now; recorded when that has changed. */
static void look_up_regex(struct od_group *g, struct od_str text, const struct od_group_event *ev,
                          struct od_group_out *out)
{
    struct od_modern_regex *r = od_modern_regex(g, text);
    struct matching m = { .arena = out->arena };
    struct od_text why = { 0 };
    struct od_regex *regex;

    if (r && r->version == ev->topics->version)
        return;
    if (od_regex_new(text, &regex, &why)) { /* it was checked when it came */
        od_text_reset(&why);
        return;
    }
    m.regex = regex;
    ev->topics->each(ev->topics->ctx, match, &m);
    od_regex_free(regex);
    if (m.n > 0)
        qsort(m.v, (size_t)m.n, sizeof(*m.v), by_name);
    if (!r || !same_topics(r, &m))
        od_modern_put_regex(out, g, text, m.n, m.v, ev->topics->version, ev->wall_ms);
    od_modern_regex(g, text)->version = ev->topics->version;
}

static bool is_used(const struct od_group *g, struct od_str text)
{
    OD_LIST_EACH(&g->modern->in_order, link)
        if (od_str_eq(OD_CONTAINER(link, struct od_modern_member, link)->regex, text))
            return true;
    return false;
}

static void look_up_regexes(struct od_group *g, const struct od_group_event *ev,
                            struct od_group_out *out)
{
    struct od_any_list all = od_group_values(&g->modern->regexes, out->arena);

    for (int32_t i = 0; i < all.n; i++) {
        struct od_str text = ((struct od_modern_regex **)all.v)[i]->text;

        if (!is_used(g, text))
            od_modern_drop_regex(out, g, text);
    }
    OD_LIST_EACH(&g->modern->in_order, link) {
        struct od_modern_member *m = OD_CONTAINER(link, struct od_modern_member, link);

        if (m->regex.data)
            look_up_regex(g, m->regex, ev, out);
    }
}

/* --- the topics that are read  -- */

struct topics {
    int32_t n;
    struct od_assignor_topic *v; /* ascending by id */
    struct od_str *names;        /* at the same places */
};

struct named {
    struct od_assignor_topic topic;
    struct od_str name;
};

static int by_id(const void *a, const void *b)
{
    const struct named *x = a, *y = b;

    return memcmp(x->topic.id.bytes, y->topic.id.bytes, sizeof(x->topic.id.bytes));
}

static void note(struct od_map *seen, struct od_arena *arena, const struct od_str *names, int32_t n)
{
    for (int32_t i = 0; i < n; i++) {
        struct named *t;

        if (od_map_get(seen, names[i].data, names[i].len))
            continue;
        t = od_arena_alloc(arena, sizeof(*t));
        t->name = names[i];
        od_map_put(seen, t->name.data, t->name.len, t);
    }
}

/* Of all members together; those that do not exist are left out. */
static struct topics topics_read(const struct od_group *g, const struct od_group_event *ev,
                                 struct od_arena *arena)
{
    struct topics out = { 0 };
    struct od_map seen;
    struct od_any_list all;
    struct named *found;

    od_map_init(&seen, g->shard->seed);
    OD_LIST_EACH(&g->modern->in_order, link) {
        struct od_modern_member *m = OD_CONTAINER(link, struct od_modern_member, link);
        struct od_modern_regex *r = od_modern_regex(g, m->regex);

        note(&seen, arena, m->topics, m->topic_count);
        if (r)
            note(&seen, arena, r->topics, r->topic_count);
    }
    all = od_group_values(&seen, arena);
    od_map_deinit(&seen);
    found = od_arena_alloc(arena, sizeof(*found) * (size_t)all.n);
    for (int32_t i = 0; i < all.n; i++) {
        found[out.n] = *((struct named **)all.v)[i];
        out.n += ev->topics->find(ev->topics->ctx, found[out.n].name, &found[out.n].topic.id,
                                  &found[out.n].topic.partitions);
    }
    if (out.n > 0)
        qsort(found, (size_t)out.n, sizeof(*found), by_id);
    out.v = od_arena_alloc(arena, sizeof(*out.v) * (size_t)out.n);
    out.names = od_arena_alloc(arena, sizeof(*out.names) * (size_t)out.n);
    for (int32_t i = 0; i < out.n; i++) {
        out.v[i] = found[i].topic;
        out.names[i] = found[i].name;
    }
    return out;
}

/* Never 0, which says that nothing is known. */
static int64_t hash_of(const struct topics *t)
{
    static const uint64_t seed[2] = { 1, 2 }; /* the same everywhere: it is recorded */
    uint64_t hash = 1;

    for (int32_t i = 0; i < t->n; i++) {
        uint64_t parts[3] = { hash, 0, (uint64_t)t->v[i].partitions };

        parts[1] = od_siphash(seed, t->v[i].id.bytes, sizeof(t->v[i].id.bytes)) ^
                   od_siphash(seed, t->names[i].data, t->names[i].len);
        hash = od_siphash(seed, parts, sizeof(parts));
    }
    return hash ? (int64_t)hash : 1;
}

void od_modern_look_at_topics(struct od_group *g, const struct od_group_event *ev, bool changed,
                                struct od_group_out *out)
{
    struct od_modern *c = g->modern;
    struct topics topics;
    int64_t hash;

    if (!changed && c->seen_version == ev->topics->version)
        return;
    look_up_regexes(g, ev, out);
    topics = topics_read(g, ev, out->arena);
    hash = hash_of(&topics);
    if (changed || hash != c->metadata_hash)
        od_modern_put_group(out, g, c->epoch + 1, hash);
    c->seen_version = ev->topics->version;
}

/* --- the target  -- */

struct od_str od_modern_assignor(const struct od_group *g, struct od_str otherwise)
{
    static const char *const names[] = { "uniform", "range" };
    int best = 0;

    for (size_t i = 0; i < OD_COUNT(names); i++) {
        int votes = 0;

        OD_LIST_EACH(&g->modern->in_order, link)
            votes +=
                od_str_is(OD_CONTAINER(link, struct od_modern_member, link)->assignor, names[i]);
        if (votes > best) {
            best = votes;
            otherwise = od_str_of(names[i]);
        }
    }
    return otherwise;
}

static void describe(const struct od_group *g, struct od_modern_member *m,
                     const struct topics *topics, struct od_arena *arena,
                     struct od_assignor_member *to)
{
    int32_t *places = od_arena_alloc(arena, sizeof(*places) * (size_t)topics->n);

    to->id = m->id;
    to->instance_id = m->instance_id;
    to->before = &m->target;
    to->topics = places;
    for (int32_t t = 0; t < topics->n; t++)
        if (od_modern_reads(g, m, topics->names[t]))
            places[to->topic_count++] = t;
}

void od_modern_retarget(struct od_group *g, const struct od_group_event *ev,
                          struct od_group_out *out)
{
    struct od_modern *c = g->modern;
    struct topics topics;
    struct od_assignor_input in;
    struct od_any_list members;

    if (c->epoch <= c->assignment_epoch)
        return;
    topics = topics_read(g, ev, out->arena);
    members = od_group_values(&c->members, out->arena);
    in = (struct od_assignor_input){ .member_count = members.n,
                                     .topic_count = topics.n,
                                     .topics = topics.v };
    in.members = od_arena_alloc(out->arena, sizeof(*in.members) * (size_t)members.n);
    for (int32_t i = 0; i < members.n; i++)
        describe(g, ((struct od_modern_member **)members.v)[i], &topics, out->arena,
                 &in.members[i]);
    od_assignor_run(od_modern_assignor(g, ev->rules->consumer_assignor), &in, out->arena);
    for (int32_t i = 0; i < members.n; i++) {
        struct od_modern_member *m = ((struct od_modern_member **)members.v)[i];

        if (!od_assignment_equal(&m->target, &in.members[i].target))
            od_modern_put_target(out, g, m->id, &in.members[i].target);
    }
    od_modern_put_target_epoch(out, g, c->epoch, ev->wall_ms);
}
