/* SPDX-License-Identifier: Apache-2.0 */
/* A leader changes the in-sync set of its partitions (AlterPartition, KIP-497). */
#include "base/map.h"
#include "core/cluster/cluster_internal.h"

static bool holds(const int32_t *ids, int32_t n, int32_t id)
{
    for (int32_t i = 0; i < n; i++)
        if (ids[i] == id)
            return true;
    return false;
}

static enum od_err check_member(const struct od_image *image, const struct od_image_partition *p,
                                const struct od_isr_member *m)
{
    const struct od_image_broker *b = od_image_broker_find(image, m->id);

    if (!holds(p->replicas, p->replica_count, m->id))
        return OD_INVALID_REQUEST;
    if (holds(p->isr, p->isr_count, m->id))
        return OD_NONE; /* stays in; only who joins must be eligible */
    if (!b || b->fenced || b->in_controlled_shutdown ||
        (m->broker_epoch != -1 && m->broker_epoch != b->epoch))
        return OD_INELIGIBLE_REPLICA;
    return OD_NONE;
}

/* Every member counts, and the leader is one of them, each once. */
static enum od_err check_isr(const struct od_image *image, const struct od_image_partition *p,
                             const struct od_alter_partition *in)
{
    bool has_leader = false;

    for (int i = 0; i < in->isr_count; i++) {
        enum od_err err = check_member(image, p, &in->isr[i]);

        if (err)
            return err;
        for (int j = 0; j < i; j++)
            if (in->isr[j].id == in->isr[i].id)
                return OD_INVALID_REQUEST;
        has_leader |= in->isr[i].id == p->leader;
    }
    if (!has_leader || (in->recovering && (!p->recovering || in->isr_count > 1)))
        return OD_INVALID_REQUEST;
    return OD_NONE;
}

static enum od_err check(const struct od_image *image, int32_t broker_id,
                         const struct od_image_partition *p, const struct od_alter_partition *in)
{
    if (!p)
        return OD_UNKNOWN_TOPIC_OR_PARTITION;
    if (in->leader_epoch > p->leader_epoch || in->partition_epoch > p->partition_epoch)
        return OD_NOT_CONTROLLER; /* it knows more than we: another controller leads */
    if (in->leader_epoch < p->leader_epoch)
        return OD_FENCED_LEADER_EPOCH;
    if (p->leader != broker_id)
        return OD_INVALID_REQUEST;
    if (in->partition_epoch < p->partition_epoch)
        return OD_INVALID_UPDATE_VERSION;
    return check_isr(image, p, in);
}

static bool is_same_isr(const struct od_image_partition *p, const struct od_alter_partition *in)
{
    if (p->isr_count != in->isr_count || p->recovering != in->recovering)
        return false;
    for (int i = 0; i < in->isr_count; i++)
        if (!holds(p->isr, p->isr_count, in->isr[i].id))
            return false;
    return true;
}

static void alter(struct od_step *s, const struct od_alter_partition *in,
                  const struct od_image_partition *p, struct od_item_reply *out)
{
    struct od_partition_change_record *r;
    int32_t *isr = od_arena_alloc(s->arena, (size_t)in->isr_count * sizeof(*isr));

    for (int i = 0; i < in->isr_count; i++)
        isr[i] = in->isr[i].id;
    out->leader = p->leader;
    out->leader_epoch = p->leader_epoch;
    out->partition_epoch = p->partition_epoch;
    out->recovering = in->recovering;
    out->isr_count = in->isr_count;
    out->isr = isr;
    if (is_same_isr(p, in))
        return;
    out->partition_epoch++;
    r = &od_step_add(s, OD_RECORD_PARTITION_CHANGE)->partition_change;
    r->topic_id = in->topic_id;
    r->partition_id = in->partition;
    r->isr.n = in->isr_count;
    r->isr.v = isr;
    if (p->recovering && !in->recovering)
        r->leader_recovery_state = 0;
}

/* Topic id and partition, one behind the other, are what a partition is known by. */
enum { KEY_BYTES = sizeof(struct od_uuid) + sizeof(int32_t) };
_Static_assert(offsetof(struct od_alter_partition, partition) == sizeof(struct od_uuid), "a key");

void od_step_alter_partitions(struct od_step *s, const struct od_alter_partitions *c)
{
    const struct od_image_broker *b = od_image_broker_find(s->image, c->broker_id);
    struct od_item_reply *items;
    struct od_map seen;

    if (!b || b->epoch != c->broker_epoch) {
        od_step_refuse_all(s, OD_STALE_BROKER_EPOCH, "broker %d has registered anew since",
                           c->broker_id);
        return;
    }
    items = od_step_items(s, c->partition_count);
    od_map_init(&seen, s->event->random[0]);
    for (int i = 0; i < c->partition_count; i++) {
        const struct od_alter_partition *in = &c->partitions[i];
        const struct od_image_topic *topic = od_image_topic_by_id(s->image, in->topic_id);
        const struct od_image_partition *p =
            topic ? od_image_partition_find(topic, in->partition) : NULL;

        items[i].topic_id = in->topic_id;
        items[i].err = topic ? check(s->image, c->broker_id, p, in) : OD_UNKNOWN_TOPIC_ID;
        if (od_map_put(&seen, &in->topic_id, KEY_BYTES, &items[i]))
            items[i].err = OD_INVALID_REQUEST; /* the change before it is not in the image yet */
        if (!items[i].err)
            alter(s, in, p, &items[i]);
    }
    od_map_deinit(&seen);
}
