/* SPDX-License-Identifier: Apache-2.0 */
/* The life cycle of a broker: registered fenced, unfenced when caught up, shut down. */
#include "core/cluster/cluster_internal.h"

static bool holds(const int32_t *ids, int32_t n, int32_t id)
{
    for (int32_t i = 0; i < n; i++)
        if (ids[i] == id)
            return true;
    return false;
}

static void grant_leadership(struct od_step *s, const struct od_image_topic *topic,
                             const struct od_image_partition *p, int32_t leader)
{
    struct od_partition_change_record *r =
        &od_step_add(s, OD_RECORD_PARTITION_CHANGE)->partition_change;

    r->topic_id = topic->id;
    r->partition_id = p->index;
    r->leader = leader;
}

/*
 * Grants the broker a new epoch of every partition it leads (again), or of every partition that
 * has no leader and could have this one.
 */
static void grant_all(struct od_step *s, int32_t id, bool led)
{
    const struct od_image_topic *topic;
    struct od_pmap_walk topics = { 0 };

    while ((topic = od_image_topic_next(s->image, &topics))) {
        const struct od_image_partition *p;
        struct od_pmap_walk partitions = { 0 };

        while ((p = od_pmap_next(&topic->partitions, &partitions)))
            if (led ? p->leader == id
                    : p->leader == OD_NO_LEADER && holds(p->isr, p->isr_count, id))
                grant_leadership(s, topic, p, id);
    }
}

static void fill_registration(struct od_step *s, const struct od_register_broker *c,
                              struct od_register_broker_record *r)
{
    r->broker_id = c->id;
    r->incarnation_id = c->incarnation;
    r->broker_epoch = s->event->next_offset;
    r->rack = c->rack;
    r->fenced = true;
    OD_ARENA_LIST(s->arena, r->end_points, c->endpoint_count);
    for (int i = 0; i < c->endpoint_count; i++) {
        struct od_register_broker_record_endpoint *e = &r->end_points.v[i];

        e->name = c->endpoints[i].name;
        e->host = c->endpoints[i].host;
        e->port = c->endpoints[i].port;
        e->security_protocol = c->endpoints[i].security_protocol;
    }
    OD_ARENA_LIST(s->arena, r->features, c->feature_count);
    for (int i = 0; i < c->feature_count; i++) {
        r->features.v[i].name = c->features[i].name;
        r->features.v[i].min_supported_version = c->features[i].min;
        r->features.v[i].max_supported_version = c->features[i].max;
    }
    OD_ARENA_LIST(s->arena, r->log_dirs, c->directory_count);
    if (c->directory_count)
        memcpy(r->log_dirs.v, c->directories,
               (size_t)c->directory_count * sizeof(*c->directories));
}

void od_step_register_broker(struct od_step *s, const struct od_register_broker *c)
{
    const struct od_image_broker *old = od_image_broker_find(s->image, c->id);

    if (c->id < 0) {
        od_step_refuse_all(s, OD_INVALID_REQUEST, "node.id %d is negative", c->id);
        return;
    }
    for (int i = 0; i < c->feature_count; i++) {
        int16_t level = od_image_feature_level(s->image, c->features[i].name);

        if (level && (level < c->features[i].min || level > c->features[i].max)) {
            od_step_refuse_all(s, OD_UNSUPPORTED_VERSION,
                               "the cluster runs %.*s %d, and this broker supports %d to %d",
                               OD_STR_ARGS(c->features[i].name), level, c->features[i].min,
                               c->features[i].max);
            return;
        }
    }
    fill_registration(s, c, &od_step_add(s, OD_RECORD_REGISTER_BROKER)->register_broker);
    s->reply->broker_epoch = s->event->next_offset;
    /* After a clean stop everything that was appended is there, and the old epochs may go on. */
    if (old && old->epoch != c->previous_epoch)
        grant_all(s, c->id, true);
}

static struct od_broker_registration_change_record *change(struct od_step *s,
                                                           const struct od_heartbeat *c)
{
    struct od_broker_registration_change_record *r =
        &od_step_add(s, OD_RECORD_BROKER_REGISTRATION_CHANGE)->broker_registration_change;

    r->broker_id = c->id;
    r->broker_epoch = c->broker_epoch;
    return r;
}

static void shut_down(struct od_step *s, const struct od_heartbeat *c,
                      const struct od_image_broker *b)
{
    struct od_broker_registration_change_record *r;

    s->reply->should_shut_down = true;
    s->reply->fenced = true;
    if (b->fenced && b->in_controlled_shutdown)
        return;
    r = change(s, c);
    r->fenced = b->fenced ? 0 : 1;
    r->in_controlled_shutdown = b->in_controlled_shutdown ? 0 : 1;
}

void od_step_heartbeat(struct od_step *s, const struct od_heartbeat *c)
{
    const struct od_image_broker *b = od_image_broker_find(s->image, c->id);

    if (!b) {
        od_step_refuse_all(s, OD_BROKER_ID_NOT_REGISTERED, "broker %d is not registered", c->id);
        return;
    }
    if (b->epoch != c->broker_epoch) {
        od_step_refuse_all(s, OD_STALE_BROKER_EPOCH, "broker %d has registered anew since", c->id);
        return;
    }
    s->reply->broker_epoch = b->epoch;
    s->reply->caught_up = c->applied_offset >= b->epoch;
    s->reply->fenced = b->fenced;
    if (c->want_shut_down) {
        shut_down(s, c, b);
    } else if (b->fenced && !c->want_fence && s->reply->caught_up && !b->in_controlled_shutdown) {
        change(s, c)->fenced = -1;
        s->reply->fenced = false;
        grant_all(s, c->id, false);
    } else if (!b->fenced && c->want_fence) {
        change(s, c)->fenced = 1;
        s->reply->fenced = true;
    }
}
