/* SPDX-License-Identifier: Apache-2.0 */
/* From an image back to records. */
#include "core/cluster/image_records.h"

#include "core/cluster/cluster_internal.h"

enum { LEVEL_ELR = 23 };

/* What one call hands around. */
struct piece {
    struct od_image_records *w;
    struct od_step step; /* for its list of records */
};

static struct od_metadata_record *add(struct piece *p, enum od_record_type type)
{
    return od_step_add(&p->step, type);
}

static void next_stage(struct od_image_records *w)
{
    w->stage++;
    w->walk = (struct od_pmap_walk){ 0 };
}

static void copy_ids(struct od_arena *arena, int32_t n, const int32_t *ids, void *list)
{
    struct {
        int32_t n;
        int32_t *v;
    } *to = list;

    OD_ARENA_LIST(arena, *to, n);
    if (n)
        memcpy(to->v, ids, (size_t)n * sizeof(*ids));
}

/* --- features --------------------------------------------------------------------------------- */

static void add_feature(struct piece *p, struct od_str name, int16_t level)
{
    struct od_feature_level_record *r = &add(p, OD_RECORD_FEATURE_LEVEL)->feature_level;

    r->name = name;
    r->feature_level = level;
}

static void tell_feature(struct piece *p)
{
    struct od_image_records *w = p->w;
    const struct od_image_feature *f;

    if (!w->level_told && w->image->metadata_version)
        add_feature(p, OD_STR("metadata.version"), w->image->metadata_version);
    w->level_told = true;
    f = od_image_feature_next(w->image, &w->walk);
    if (!f)
        next_stage(w);
    else if (!od_str_is(f->name, "metadata.version"))
        add_feature(p, f->name, f->max);
}

/* --- brokers ---------------------------------------------------------------------------------- */

static void copy_endpoints(struct od_arena *arena, const struct od_image_broker *b,
                           struct od_register_broker_record *r)
{
    OD_ARENA_LIST(arena, r->end_points, b->endpoint_count);
    for (int i = 0; i < b->endpoint_count; i++) {
        r->end_points.v[i].name = b->endpoints[i].name;
        r->end_points.v[i].host = b->endpoints[i].host;
        r->end_points.v[i].port = b->endpoints[i].port;
        r->end_points.v[i].security_protocol = b->endpoints[i].security_protocol;
    }
    OD_ARENA_LIST(arena, r->features, b->feature_count);
    for (int i = 0; i < b->feature_count; i++) {
        r->features.v[i].name = b->features[i].name;
        r->features.v[i].min_supported_version = b->features[i].min;
        r->features.v[i].max_supported_version = b->features[i].max;
    }
}

static void tell_broker(struct piece *p)
{
    const struct od_image_broker *b = od_image_broker_next(p->w->image, &p->w->walk);
    struct od_register_broker_record *r;

    if (!b) {
        next_stage(p->w);
        return;
    }
    r = &add(p, OD_RECORD_REGISTER_BROKER)->register_broker;
    r->broker_id = b->id;
    r->incarnation_id = b->incarnation;
    r->broker_epoch = b->epoch;
    r->rack = b->rack;
    r->fenced = b->fenced;
    r->in_controlled_shutdown = b->in_controlled_shutdown;
    copy_endpoints(p->step.arena, b, r);
    OD_ARENA_LIST(p->step.arena, r->log_dirs, b->directory_count);
    if (b->directory_count)
        memcpy(r->log_dirs.v, b->directories, (size_t)b->directory_count * sizeof(*b->directories));
}

/* --- topics ----------------------------------------------------------------------------------- */

static void add_partition(struct piece *p, struct od_uuid topic_id,
                          const struct od_image_partition *from)
{
    struct od_partition_record *r = &add(p, OD_RECORD_PARTITION)->partition;
    struct od_arena *arena = p->step.arena;

    r->topic_id = topic_id;
    r->partition_id = from->index;
    r->leader = from->leader;
    r->leader_epoch = from->leader_epoch;
    r->partition_epoch = from->partition_epoch;
    r->leader_recovery_state = from->recovering;
    copy_ids(arena, from->replica_count, from->replicas, &r->replicas);
    copy_ids(arena, from->isr_count, from->isr, &r->isr);
    copy_ids(arena, from->removing_count, from->removing, &r->removing_replicas);
    copy_ids(arena, from->adding_count, from->adding, &r->adding_replicas);
    if (from->has_elr && p->w->image->metadata_version >= LEVEL_ELR) {
        copy_ids(arena, from->elr_count, from->elr, &r->eligible_leader_replicas);
        copy_ids(arena, from->last_elr_count, from->last_elr, &r->last_known_elr);
    }
    OD_ARENA_LIST(arena, r->directories, from->replica_count);
    memcpy(r->directories.v, from->directories,
           (size_t)from->replica_count * sizeof(*from->directories));
}

static void tell_topic(struct piece *p)
{
    struct od_image_records *w = p->w;
    struct od_topic_record *r;

    if (w->topic && w->partition < w->topic->partition_count) {
        add_partition(p, w->topic->id, od_image_partition_find(w->topic, w->partition++));
        return;
    }
    w->topic = od_image_topic_next(w->image, &w->walk);
    w->partition = 0;
    if (!w->topic) {
        next_stage(w);
        return;
    }
    r = &add(p, OD_RECORD_TOPIC)->topic;
    r->name = w->topic->name;
    r->topic_id = w->topic->id;
}

/* --- settings, producer ids ------------------------------------------------------------------- */

static void tell_settings(struct piece *p)
{
    const struct od_image_resource *from = od_image_resource_next(p->w->image, &p->w->walk);

    if (!from) {
        next_stage(p->w);
        return;
    }
    for (int i = 0; i < from->count; i++) {
        struct od_config_record *r = &add(p, OD_RECORD_CONFIG)->config;

        r->resource_type = (int8_t)from->type;
        r->resource_name = from->name;
        r->name = from->settings[i].name;
        r->value = from->settings[i].value;
    }
}

static void tell_producer_ids(struct piece *p)
{
    struct od_producer_ids_record *r;

    next_stage(p->w);
    if (p->w->image->next_producer_id <= 0)
        return;
    r = &add(p, OD_RECORD_PRODUCER_IDS)->producer_ids;
    r->broker_id = -1;
    r->broker_epoch = -1;
    r->next_producer_id = p->w->image->next_producer_id;
}

/* --- the whole -------------------------------------------------------------------------------- */

static void tell(struct piece *p)
{
    switch (p->w->stage) {
    case OD_IMAGE_RECORDS_FEATURES:
        tell_feature(p);
        return;
    case OD_IMAGE_RECORDS_BROKERS:
        tell_broker(p);
        return;
    case OD_IMAGE_RECORDS_TOPICS:
        tell_topic(p);
        return;
    case OD_IMAGE_RECORDS_SETTINGS:
        tell_settings(p);
        return;
    case OD_IMAGE_RECORDS_IDS:
        tell_producer_ids(p);
        return;
    case OD_IMAGE_RECORDS_END:
        return;
    }
}

struct od_image_records od_image_records_begin(const struct od_image *image)
{
    return (struct od_image_records){ .image = image };
}

bool od_image_records_next(struct od_image_records *w, int n, struct od_arena *arena,
                      struct od_record_list *out)
{
    struct piece p = { .w = w, .step = { .image = w->image, .arena = arena, .records = out } };

    *out = (struct od_record_list){ 0 };
    while (w->stage != OD_IMAGE_RECORDS_END && out->n < n)
        tell(&p);
    return out->n > 0;
}
