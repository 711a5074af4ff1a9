/* SPDX-License-Identifier: Apache-2.0 */
/* Creating topics: names, counts, assignments, settings, and placing replicas. */
#include "base/map.h"
#include "core/cluster/cluster_internal.h"

static const struct od_str metadata_topic = { "__cluster_metadata", 18 };

/* Live brokers, where replicas may be placed. */
struct brokers {
    const struct od_image_broker **v;
    int n;
};

struct creation {
    struct od_step *s;
    const struct od_create_topics *c;
    struct brokers live;
    struct od_map names; /* of this command, to the first item that has it */
    struct od_map plain; /* names accepted so far with '_' for '.', to their items */
    int32_t partition_count; /* of all topics so far */
};

static bool is_live(const struct od_image_broker *b)
{
    return b && !b->fenced && !b->in_controlled_shutdown;
}

static struct brokers live_brokers(struct od_step *s)
{
    struct brokers live = { 0 };
    struct od_pmap_walk walk = { 0 };
    const struct od_image_broker *b;

    live.v = od_arena_alloc(s->arena, s->image->brokers.count * sizeof(const void *));
    while ((b = od_image_broker_next(s->image, &walk)))
        if (is_live(b))
            live.v[live.n++] = b;
    return live;
}

static bool name_is_legal(struct od_str name)
{
    if (name.len == 0 || name.len > OD_TOPIC_NAME_MAX || od_str_is(name, ".") ||
        od_str_is(name, ".."))
        return false;
    for (size_t i = 0; i < name.len; i++) {
        char c = name.data[i];

        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              c == '.' || c == '_' || c == '-'))
            return false;
    }
    return true;
}

static bool check_name(struct creation *k, const struct od_new_topic *in,
                       struct od_item_reply *out)
{
    struct od_step *s = k->s;
    const struct od_image_topic *other;
    struct od_item_reply *twin;

    if (!name_is_legal(in->name)) {
        od_step_refuse(s, out, OD_INVALID_TOPIC_EXCEPTION,
                       "A topic name has 1 to %d of the characters a-z, A-Z, 0-9, '.', '_' and "
                       "'-', and is neither \".\" nor \"..\".",
                       OD_TOPIC_NAME_MAX);
        return false;
    }
    if (od_str_eq(in->name, metadata_topic)) {
        od_step_refuse(s, out, OD_INVALID_REQUEST, "Topic %.*s holds the cluster's metadata.",
                       OD_STR_ARGS(in->name));
        return false;
    }
    twin = od_map_get(&k->names, in->name.data, in->name.len);
    if (twin != out) {
        od_step_refuse(s, out, OD_INVALID_REQUEST, "The request names this topic twice.");
        od_step_refuse(s, twin, OD_INVALID_REQUEST, "The request names this topic twice.");
        return false;
    }
    if (od_image_topic_find(s->image, in->name)) {
        od_step_refuse(s, out, OD_TOPIC_ALREADY_EXISTS, "Topic '%.*s' already exists.",
                       OD_STR_ARGS(in->name));
        return false;
    }
    other = od_image_topic_colliding(s->image, in->name);
    if (other) {
        od_step_refuse(s, out, OD_INVALID_TOPIC_EXCEPTION,
                       "Topic '%.*s' collides with existing topic: %.*s; names must differ in "
                       "more than '.' and '_'.",
                       OD_STR_ARGS(in->name), OD_STR_ARGS(other->name));
        return false;
    }
    return true;
}

/* Like two topics, two names of one command may not differ in '.' and '_' only. */
static bool check_collision(struct creation *k, const struct od_new_topic *in,
                            struct od_item_reply *out)
{
    char *plain = od_arena_alloc(k->s->arena, in->name.len);
    struct od_item_reply *other;

    for (size_t i = 0; i < in->name.len; i++)
        plain[i] = in->name.data[i] == '.' ? '_' : in->name.data[i];
    other = od_map_get(&k->plain, plain, in->name.len);
    if (other) {
        od_step_refuse(k->s, out, OD_INVALID_TOPIC_EXCEPTION,
                       "Topic '%.*s' collides with '%.*s' of this request; names must differ in "
                       "more than '.' and '_'.",
                       OD_STR_ARGS(in->name), OD_STR_ARGS(other->topic_name));
        return false;
    }
    od_map_put(&k->plain, plain, in->name.len, out);
    return true;
}

static bool check_settings(struct creation *k, const struct od_new_topic *in,
                           struct od_item_reply *out)
{
    struct od_step *s = k->s;
    struct od_text why = { 0 };
    bool ignored, good = true;

    for (int i = 0; good && i < in->setting_count; i++) {
        good = s->rules->check_setting(s->rules->ctx, OD_RESOURCE_TOPIC, in->settings[i].name,
                                       in->settings[i].value, &ignored, &why) == OD_NONE;
        if (!good)
            od_step_refuse(s, out, OD_INVALID_CONFIG, "%s", od_text_get(&why));
    }
    od_text_reset(&why);
    return good;
}

static bool refuse_assignment(struct creation *k, struct od_item_reply *out, const char *what,
                              int32_t partition)
{
    od_step_refuse(k->s, out, OD_INVALID_REPLICA_ASSIGNMENT,
                   "The manual assignment of partition %d %s.", partition, what);
    return false;
}

/* Replicas exist and are told once; at least one is live. */
static bool check_replicas(struct creation *k, const struct od_new_assignment *a,
                           struct od_item_reply *out)
{
    bool any_live = false;

    if (a->replica_count <= 0)
        return refuse_assignment(k, out, "names no broker", a->partition);
    for (int32_t i = 0; i < a->replica_count; i++) {
        const struct od_image_broker *b = od_image_broker_find(k->s->image, a->replicas[i]);

        if (!b)
            return refuse_assignment(k, out, "names a broker that is not registered",
                                     a->partition);
        for (int32_t j = 0; j < i; j++)
            if (a->replicas[j] == a->replicas[i])
                return refuse_assignment(k, out, "names a broker twice", a->partition);
        any_live |= is_live(b);
    }
    if (!any_live)
        return refuse_assignment(k, out, "names only brokers that are fenced or shutting down",
                                 a->partition);
    return true;
}

static bool check_assignments(struct creation *k, const struct od_new_topic *in,
                              struct od_item_reply *out)
{
    bool *seen = od_arena_alloc(k->s->arena, (size_t)in->assignment_count);

    if (in->partitions != -1 || in->replication_factor != -1) {
        od_step_refuse(k->s, out, OD_INVALID_REQUEST,
                       "With a manual assignment the numbers of partitions and replicas must "
                       "be -1.");
        return false;
    }
    for (int i = 0; i < in->assignment_count; i++) {
        const struct od_new_assignment *a = &in->assignments[i];

        if (a->partition < 0 || a->partition >= in->assignment_count || seen[a->partition])
            return refuse_assignment(k, out, "does not belong to a row of partitions from 0 on",
                                     a->partition);
        seen[a->partition] = true;
        if (!check_replicas(k, a, out))
            return false;
        if (a->replica_count != in->assignments[0].replica_count)
            return refuse_assignment(k, out, "has another number of replicas than the first",
                                     a->partition);
    }
    out->partitions = in->assignment_count;
    out->replication_factor = (int16_t)in->assignments[0].replica_count;
    return true;
}

static bool check_counts(struct creation *k, const struct od_new_topic *in,
                         struct od_item_reply *out)
{
    int32_t partitions = in->partitions == -1 ? k->c->default_partitions : in->partitions;
    int16_t factor = in->replication_factor == -1 ? k->c->default_replication_factor
                                                  : in->replication_factor;

    if (partitions < 1) {
        od_step_refuse(k->s, out, OD_INVALID_PARTITIONS,
                       "A topic has at least 1 partition; -1 asks for num.partitions.");
        return false;
    }
    if (factor < 1) {
        od_step_refuse(k->s, out, OD_INVALID_REPLICATION_FACTOR,
                       "A partition has at least 1 replica; -1 asks for "
                       "default.replication.factor.");
        return false;
    }
    if (k->c->fit_replication && factor > k->live.n && k->live.n > 0)
        factor = (int16_t)k->live.n;
    if (factor > k->live.n) {
        od_step_refuse(k->s, out, OD_INVALID_REPLICATION_FACTOR,
                       "A replication factor of %d needs as many live brokers, and there %s %d.",
                       factor, k->live.n == 1 ? "is" : "are", k->live.n);
        return false;
    }
    out->partitions = partitions;
    out->replication_factor = factor;
    return true;
}

static void emit_settings(struct creation *k, const struct od_new_topic *in)
{
    struct od_step *s = k->s;
    struct od_text unused = { 0 };

    for (int i = 0; i < in->setting_count; i++) {
        struct od_config_record *r;
        bool ignored = false;

        if (s->rules->check_setting(s->rules->ctx, OD_RESOURCE_TOPIC, in->settings[i].name,
                                    in->settings[i].value, &ignored, &unused) ||
            ignored)
            continue;
        r = &od_step_add(s, OD_RECORD_CONFIG)->config;
        r->resource_type = OD_RESOURCE_TOPIC;
        r->resource_name = in->name;
        r->name = in->settings[i].name;
        r->value = in->settings[i].value;
    }
    od_text_reset(&unused);
}

/* A broker with one directory keeps the replica there; otherwise it chooses later. */
static struct od_uuid directory_of(const struct od_image *image, int32_t id)
{
    const struct od_image_broker *b = od_image_broker_find(image, id);

    return b && b->directory_count == 1 ? b->directories[0] : OD_UUID_ZERO;
}

static void emit_partition(struct creation *k, struct od_uuid topic_id, int32_t index,
                           const int32_t *replicas, int32_t replica_count)
{
    struct od_step *s = k->s;
    struct od_partition_record *r = &od_step_add(s, OD_RECORD_PARTITION)->partition;

    r->partition_id = index;
    r->topic_id = topic_id;
    OD_ARENA_LIST(s->arena, r->replicas, replica_count);
    OD_ARENA_LIST(s->arena, r->directories, replica_count);
    OD_ARENA_LIST(s->arena, r->isr, replica_count);
    r->isr.n = 0;
    for (int32_t i = 0; i < replica_count; i++) {
        r->replicas.v[i] = replicas[i];
        r->directories.v[i] = directory_of(s->image, replicas[i]);
        if (is_live(od_image_broker_find(s->image, replicas[i])))
            r->isr.v[r->isr.n++] = replicas[i];
    }
    r->leader = r->isr.v[0];
    r->leader_epoch = 0;
    r->partition_epoch = 0;
}

/*
 * Round robin from a random broker; the followers of each round are shifted by one more, so that
 * the partitions of a lost leader fall to different brokers.
 */
static void place(struct creation *k, uint64_t start, int32_t index, int32_t *replicas, int n)
{
    uint64_t count = (uint64_t)k->live.n;
    uint64_t first = start + (uint64_t)index;
    uint64_t shift = count > 1 ? (uint64_t)index / count % (count - 1) : 0;

    replicas[0] = k->live.v[first % count]->id;
    for (int i = 1; i < n; i++)
        replicas[i] =
            k->live.v[(first + 1 + (shift + (uint64_t)i - 1) % (count - 1)) % count]->id;
}

static void emit_assigned(struct creation *k, const struct od_new_topic *in,
                          struct od_uuid topic_id)
{
    const struct od_new_assignment **sorted =
        od_arena_alloc(k->s->arena, (size_t)in->assignment_count * sizeof(*sorted));

    for (int32_t i = 0; i < in->assignment_count; i++)
        sorted[in->assignments[i].partition] = &in->assignments[i];
    for (int32_t i = 0; i < in->assignment_count; i++)
        emit_partition(k, topic_id, i, sorted[i]->replicas, sorted[i]->replica_count);
}

static void emit_topic(struct creation *k, const struct od_new_topic *in,
                       struct od_item_reply *out)
{
    struct od_step *s = k->s;
    struct od_topic_record *topic = &od_step_add(s, OD_RECORD_TOPIC)->topic;
    uint64_t start = od_step_random(s) % (k->live.n ? (uint64_t)k->live.n : 1);
    uint64_t high = od_step_random(s), low = od_step_random(s);
    int32_t *replicas =
        od_arena_alloc(s->arena, (size_t)out->replication_factor * sizeof(*replicas));

    out->topic_id = od_uuid_from_random(high, low);
    topic->name = in->name;
    topic->topic_id = out->topic_id;
    emit_settings(k, in);
    emit_assigned(k, in, out->topic_id);
    for (int32_t i = 0; in->assignment_count == 0 && i < out->partitions; i++) {
        place(k, start, i, replicas, out->replication_factor);
        emit_partition(k, out->topic_id, i, replicas, out->replication_factor);
    }
}

static bool check_topic(struct creation *k, const struct od_new_topic *in,
                        struct od_item_reply *out)
{
    if (!check_name(k, in, out) || !check_settings(k, in, out))
        return false;
    if (in->assignment_count ? !check_assignments(k, in, out) : !check_counts(k, in, out))
        return false;
    if (out->partitions > OD_CREATE_PARTITIONS_MAX - k->partition_count) {
        od_step_refuse(k->s, out, OD_POLICY_VIOLATION,
                       "One request creates at most %d partitions.", OD_CREATE_PARTITIONS_MAX);
        return false;
    }
    if (!check_collision(k, in, out))
        return false;
    k->partition_count += out->partitions;
    return true;
}

void od_step_create_topics(struct od_step *s, const struct od_create_topics *c)
{
    struct creation k = { .s = s, .c = c, .live = live_brokers(s) };
    struct od_item_reply *items = od_step_items(s, c->topic_count);

    od_map_init(&k.names, s->event->random[0]);
    od_map_init(&k.plain, s->event->random[1]);
    for (int i = c->topic_count - 1; i >= 0; i--) {
        items[i].topic_name = c->topics[i].name;
        od_map_put(&k.names, c->topics[i].name.data, c->topics[i].name.len, &items[i]);
    }
    for (int i = 0; i < c->topic_count; i++)
        if (!items[i].err)
            check_topic(&k, &c->topics[i], &items[i]);
    for (int i = 0; i < c->topic_count && !c->validate_only; i++)
        if (!items[i].err)
            emit_topic(&k, &c->topics[i], &items[i]);
    od_map_deinit(&k.names);
    od_map_deinit(&k.plain);
}
