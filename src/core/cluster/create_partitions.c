/* SPDX-License-Identifier: Apache-2.0 */
/* Adding partitions to topics. */
#include "base/map.h"
#include "core/cluster/cluster_internal.h"

struct growth {
    struct od_step *s;
    struct od_placement live;
    int32_t partition_count; /* to be created, of all topics so far */
};

/* What the numbers alone forbid. */
static bool check_count(struct growth *g, const struct od_grown_topic *in,
                        const struct od_image_topic *topic, struct od_item_reply *out)
{
    int32_t have = topic->partition_count;

    if (in->count == have) {
        od_step_refuse(g->s, out, OD_INVALID_PARTITIONS, "Topic already has %d partition(s).",
                       have);
    } else if (in->count < have) {
        od_step_refuse(g->s, out, OD_INVALID_PARTITIONS,
                       "The topic %.*s currently has %d partition(s); %d would not be an increase.",
                       OD_STR_ARGS(topic->name), have, in->count);
    } else if (in->count > OD_TOPIC_PARTITIONS_MAX) {
        od_step_refuse(g->s, out, OD_INVALID_PARTITIONS, "A topic has at most %d partitions.",
                       OD_TOPIC_PARTITIONS_MAX);
    } else if (in->count - have > OD_CREATE_PARTITIONS_MAX - g->partition_count) {
        od_step_refuse(g->s, out, OD_POLICY_VIOLATION,
                       "One request creates at most %d partitions.", OD_CREATE_PARTITIONS_MAX);
    }
    return !out->err;
}

static bool check_assignments(struct growth *g, const struct od_grown_topic *in,
                              const struct od_image_topic *topic, struct od_item_reply *out)
{
    int32_t additional = in->count - topic->partition_count;
    int32_t factor = od_image_partition_find(topic, 0)->replica_count;

    if (in->assignment_count != additional) {
        od_step_refuse(g->s, out, OD_INVALID_REPLICA_ASSIGNMENT,
                       "Attempted to add %d additional partition(s), but %d assignment(s) were "
                       "specified.",
                       additional, in->assignment_count);
        return false;
    }
    for (int i = 0; i < in->assignment_count; i++) {
        struct od_new_assignment a = in->assignments[i];

        a.partition = topic->partition_count + i;
        if (!od_step_check_replicas(g->s, &a, out))
            return false;
        if (a.replica_count != factor)
            return od_step_refuse_assignment(
                g->s, out, "has another number of replicas than the topic", a.partition);
    }
    return true;
}

static bool check_brokers(struct growth *g, const struct od_image_topic *topic,
                          struct od_item_reply *out)
{
    int32_t factor = od_image_partition_find(topic, 0)->replica_count;

    if (factor <= g->live.n)
        return true;
    od_step_refuse(g->s, out, OD_INVALID_REPLICATION_FACTOR,
                   "Partitions of %d replicas need as many live brokers, and there %s %d.", factor,
                   g->live.n == 1 ? "is" : "are", g->live.n);
    return false;
}

static void grow(struct growth *g, const struct od_grown_topic *in,
                 const struct od_image_topic *topic)
{
    int32_t have = topic->partition_count;

    for (int i = 0; i < in->assignment_count; i++)
        od_step_add_partition(g->s, topic->id, have + i, in->assignments[i].replicas,
                              in->assignments[i].replica_count);
    if (in->assignment_count < 0)
        od_step_place(g->s, &g->live, topic->id, have, in->count,
                      (int16_t)od_image_partition_find(topic, 0)->replica_count);
}

static void grow_one(struct growth *g, const struct od_grown_topic *in, bool validate_only,
                     struct od_item_reply *out)
{
    const struct od_image_topic *topic = od_image_topic_find(g->s->image, in->name);

    if (!topic || topic->partition_count == 0) {
        od_step_refuse(g->s, out, OD_UNKNOWN_TOPIC_OR_PARTITION, "There is no topic '%.*s'.",
                       OD_STR_ARGS(in->name));
        return;
    }
    if (!check_count(g, in, topic, out))
        return;
    if (in->assignment_count >= 0 ? !check_assignments(g, in, topic, out)
                                  : !check_brokers(g, topic, out))
        return;
    g->partition_count += in->count - topic->partition_count;
    out->partitions = in->count;
    if (!validate_only)
        grow(g, in, topic);
}

void od_step_create_partitions(struct od_step *s, const struct od_create_partitions *c)
{
    struct growth g = { .s = s, .live = od_step_placement(s) };
    struct od_item_reply *items = od_step_items(s, c->topic_count);
    const struct od_grown_topic **topics =
        od_arena_alloc(s->arena, (size_t)c->topic_count * sizeof(*topics));
    struct od_map names; /* to their items */
    int n = 0;

    od_map_init(&names, s->event->random[0]);
    for (int i = 0; i < c->topic_count; i++) {
        struct od_str name = c->topics[i].name;
        struct od_item_reply *twin = od_map_get(&names, name.data, name.len);

        if (twin) {
            od_step_refuse(s, twin, OD_INVALID_REQUEST, "Duplicate topic name.");
            continue;
        }
        topics[n] = &c->topics[i];
        items[n].topic_name = name;
        od_map_put(&names, name.data, name.len, &items[n++]);
    }
    for (int i = 0; i < n; i++)
        if (!items[i].err)
            grow_one(&g, topics[i], c->validate_only, &items[i]);
    s->reply->item_count = n;
    od_map_deinit(&names);
}
