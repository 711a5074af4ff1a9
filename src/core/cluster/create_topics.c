/* SPDX-License-Identifier: Apache-2.0 */
/* Creating topics: names, counts, assignments, settings, and placing replicas. */
#include "base/map.h"
#include "core/cluster/cluster_internal.h"

static const struct od_str metadata_topic = { "__cluster_metadata", 18 };

struct creation {
    struct od_step *s;
    const struct od_create_topics *c;
    struct od_placement live;
    struct od_map names; /* of this command, to the first item that has it */
    struct od_map plain; /* names accepted so far with '_' for '.', to their items */
    int32_t partition_count; /* of all topics so far */
};

bool od_topic_name_is_legal(struct od_str name)
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

    if (!od_topic_name_is_legal(in->name)) {
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
            return od_step_refuse_assignment(
                k->s, out, "does not belong to a row of partitions from 0 on", a->partition);
        seen[a->partition] = true;
        if (!od_step_check_replicas(k->s, a, out))
            return false;
        if (a->replica_count != in->assignments[0].replica_count)
            return od_step_refuse_assignment(
                k->s, out, "has another number of replicas than the first", a->partition);
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
    if (in->fit_replication && factor > k->live.n && k->live.n > 0)
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

static void emit_assigned(struct creation *k, const struct od_new_topic *in,
                          struct od_uuid topic_id)
{
    const struct od_new_assignment **sorted =
        od_arena_alloc(k->s->arena, (size_t)in->assignment_count * sizeof(*sorted));

    for (int32_t i = 0; i < in->assignment_count; i++)
        sorted[in->assignments[i].partition] = &in->assignments[i];
    for (int32_t i = 0; i < in->assignment_count; i++)
        od_step_add_partition(k->s, topic_id, i, sorted[i]->replicas, sorted[i]->replica_count);
}

static void emit_topic(struct creation *k, const struct od_new_topic *in,
                       struct od_item_reply *out)
{
    struct od_step *s = k->s;
    struct od_topic_record *topic = &od_step_add(s, OD_RECORD_TOPIC)->topic;
    uint64_t high = od_step_random(s), low = od_step_random(s);

    out->topic_id = od_uuid_from_random(high, low);
    topic->name = in->name;
    topic->topic_id = out->topic_id;
    emit_settings(k, in);
    emit_assigned(k, in, out->topic_id);
    if (in->assignment_count == 0)
        od_step_place(s, &k->live, out->topic_id, 0, out->partitions, out->replication_factor);
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
    struct creation k = { .s = s, .c = c, .live = od_step_placement(s) };
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
