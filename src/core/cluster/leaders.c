/* SPDX-License-Identifier: Apache-2.0 */
/* Elections and reassignments that an administrator asks for. */
#include "base/map.h"
#include "core/cluster/cluster_internal.h"

static bool holds(const int32_t *ids, int32_t n, int32_t id)
{
    for (int32_t i = 0; i < n; i++)
        if (ids[i] == id)
            return true;
    return false;
}

static bool is_live(const struct od_step *s, int32_t id)
{
    return od_broker_is_live(od_image_broker_find(s->image, id));
}

/* NULL, and the item is refused, when there is none. */
static const struct od_image_partition *find(struct od_step *s,
                                             const struct od_partition_name *name,
                                             const struct od_image_topic **topic,
                                             struct od_item_reply *out)
{
    const struct od_image_partition *p;

    out->topic_name = name->topic;
    out->partition = name->partition;
    *topic = od_image_topic_find(s->image, name->topic);
    if (!*topic) {
        od_step_refuse(s, out, OD_UNKNOWN_TOPIC_OR_PARTITION, "No such topic as %.*s",
                       OD_STR_ARGS(name->topic));
        return NULL;
    }
    p = od_image_partition_find(*topic, name->partition);
    if (!p)
        od_step_refuse(s, out, OD_UNKNOWN_TOPIC_OR_PARTITION, "No such partition as %.*s-%d",
                       OD_STR_ARGS(name->topic), name->partition);
    return p;
}

/* --- elections -------------------------------------------------------------------------------- */

static enum od_err elect(struct od_step *s, const struct od_image_topic *topic,
                         const struct od_image_partition *p, enum od_election election)
{
    struct od_partition_change_record *r;
    int32_t leader = OD_NO_LEADER;
    bool clean = false;

    if (election == OD_ELECTION_PREFERRED ? p->leader == p->replicas[0]
                                          : p->leader != OD_NO_LEADER)
        return OD_ELECTION_NOT_NEEDED;
    for (int32_t i = 0; i < p->replica_count && !clean; i++) {
        bool in_sync = holds(p->isr, p->isr_count, p->replicas[i]);

        if (!is_live(s, p->replicas[i]) || (leader != OD_NO_LEADER && !in_sync))
            continue;
        if (election == OD_ELECTION_PREFERRED && (i > 0 || !in_sync))
            break;
        leader = p->replicas[i];
        clean = in_sync;
    }
    if (leader == OD_NO_LEADER)
        return election == OD_ELECTION_PREFERRED ? OD_PREFERRED_LEADER_NOT_AVAILABLE
                                                 : OD_ELIGIBLE_LEADERS_NOT_AVAILABLE;
    r = &od_step_add(s, OD_RECORD_PARTITION_CHANGE)->partition_change;
    r->topic_id = topic->id;
    r->partition_id = p->index;
    r->leader = leader;
    if (!clean) {
        OD_ARENA_LIST(s->arena, r->isr, 1);
        r->isr.v[0] = leader;
        r->leader_recovery_state = 1;
    }
    return OD_NONE;
}

/* What a partition is known by, without padding. */
struct key {
    struct od_uuid topic_id;
    int32_t partition;
};

static enum od_err elect_once(struct od_step *s, const struct od_image_topic *topic,
                              const struct od_image_partition *p, enum od_election election,
                              struct od_map *elected)
{
    struct key *key = od_arena_alloc(s->arena, sizeof(*key));
    enum od_err err;

    *key = (struct key){ topic->id, p->index };
    if (od_map_get(elected, key, sizeof(*key)))
        return OD_ELECTION_NOT_NEEDED; /* by now */
    err = elect(s, topic, p, election);
    if (!err)
        od_map_put(elected, key, sizeof(*key), key);
    return err;
}

static void elect_named(struct od_step *s, const struct od_elect_leaders *c)
{
    struct od_item_reply *items = od_step_items(s, c->partition_count);
    struct od_map elected;

    od_map_init(&elected, s->event->random[0]);
    for (int i = 0; i < c->partition_count; i++) {
        const struct od_image_topic *topic;
        const struct od_image_partition *p = find(s, &c->partitions[i], &topic, &items[i]);

        if (p && s->records->n == OD_ELECTIONS_MAX)
            od_step_refuse(s, &items[i], OD_POLICY_VIOLATION,
                           "One request elects at most %d leaders.", OD_ELECTIONS_MAX);
        else if (p)
            items[i].err = elect_once(s, topic, p, c->election, &elected);
    }
    od_map_deinit(&elected);
}

/* The item of a partition that was looked at; the replies grow as they are needed. */
static void add_item(struct od_step *s, int *capacity, const struct od_image_topic *topic,
                     int32_t partition, enum od_err err)
{
    struct od_command_reply *r = s->reply;
    struct od_item_reply *wider;

    if (r->item_count == *capacity) {
        *capacity = *capacity ? *capacity * 2 : 16;
        wider = od_arena_alloc(s->arena, (size_t)*capacity * sizeof(*wider));
        if (r->item_count)
            memcpy(wider, r->items, (size_t)r->item_count * sizeof(*wider));
        r->items = wider;
    }
    r->items[r->item_count++] = (struct od_item_reply){
        .err = err,
        .topic_name = od_str_of(od_arena_printf(s->arena, "%.*s", OD_STR_ARGS(topic->name))),
        .topic_id = topic->id,
        .partition = partition,
    };
}

/* Beyond the limit the rest is left for the next request. */
static void elect_all(struct od_step *s, const struct od_elect_leaders *c)
{
    const struct od_image_topic *topic;
    struct od_pmap_walk walk = { 0 };
    int capacity = 0;

    while ((topic = od_image_topic_next(s->image, &walk)))
        for (int32_t i = 0; i < topic->partition_count; i++) {
            enum od_err err;

            if (s->reply->item_count == OD_ELECTIONS_MAX)
                return;
            err = elect(s, topic, od_image_partition_find(topic, i), c->election);
            if (err != OD_ELECTION_NOT_NEEDED)
                add_item(s, &capacity, topic, i, err);
        }
}

void od_step_elect_leaders(struct od_step *s, const struct od_elect_leaders *c)
{
    if (c->all)
        elect_all(s, c);
    else
        elect_named(s, c);
}

/* --- reassignments ---------------------------------------------------------------------------- */

static bool is_same(const struct od_image_partition *p, const struct od_reassignment *in)
{
    if (p->replica_count != in->replica_count)
        return false;
    for (int32_t i = 0; i < p->replica_count; i++)
        if (p->replicas[i] != in->replicas[i])
            return false;
    return true;
}

static void reassign(struct od_step *s, const struct od_reassign *c,
                     const struct od_reassignment *in, const struct od_image_partition *p,
                     struct od_item_reply *out)
{
    struct od_new_assignment a = { p->index, in->replica_count, in->replicas };

    if (in->replica_count < 0) {
        od_step_refuse(s, out, OD_NO_REASSIGNMENT_IN_PROGRESS, "%s",
                       od_err_text(OD_NO_REASSIGNMENT_IN_PROGRESS));
        return;
    }
    if (!od_step_check_replicas(s, &a, out) || is_same(p, in))
        return;
    if (!c->factor_may_change && in->replica_count != p->replica_count) {
        od_step_refuse(s, out, OD_INVALID_REPLICATION_FACTOR,
                       "The replication factor is changed from %d to %d", p->replica_count,
                       in->replica_count);
        return;
    }
    od_step_refuse_assignment(s, out, "moves a replica, and a single node replicates nothing",
                              p->index);
}

void od_step_reassign(struct od_step *s, const struct od_reassign *c)
{
    struct od_item_reply *items = od_step_items(s, c->partition_count);

    for (int i = 0; i < c->partition_count; i++) {
        const struct od_image_topic *topic;
        const struct od_image_partition *p =
            find(s, &c->partitions[i].name, &topic, &items[i]);

        if (p)
            reassign(s, c, &c->partitions[i], p, &items[i]);
    }
}
