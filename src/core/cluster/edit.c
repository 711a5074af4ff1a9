/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Applying metadata records.  What an edit changes is private to it: a topic is copied when it is
 * first touched and changed in place from then on.
 */
#include "core/cluster/edit.h"

#include "base/assert.h"
#include "base/map.h"
#include "base/mem.h"
#include "core/cluster/cluster.h"
#include "core/cluster/image_internal.h"

#include <stdatomic.h>

/* A topic that records have named. */
struct touched {
    struct od_uuid id;
    struct od_image_topic *own; /* the edit's private copy; NULL: none; owned by the maps */
    int32_t *partitions;        /* each once */
    int32_t partition_count;
    int32_t partition_capacity;
    uint64_t *seen; /* bit per index below seen_count * 64 */
    int32_t seen_count;
};

struct od_edit {
    struct od_image *base;  /* owns a reference */
    struct od_image *image; /* private */
    struct od_image *saved; /* as it was before the metadata transaction; NULL: none is open */
    struct od_map by_id;    /* of touched */
    struct touched **touched;
    int touched_count;
    int touched_capacity;
    bool brokers_changed;
    bool broker_configs_changed;
    bool features_changed;
};

struct od_edit *od_edit_new(struct od_image *base)
{
    struct od_edit *e = OD_NEW(struct od_edit);

    e->base = od_image_ref(base);
    e->image = od_image_copy(base);
    od_map_init(&e->by_id, base->topics_by_id.seed);
    return e;
}

static void free_touched(struct touched *t)
{
    od_free(t->partitions);
    od_free(t->seen);
    od_free(t);
}

void od_edit_free(struct od_edit *e)
{
    if (!e)
        return;
    for (int i = 0; i < e->touched_count; i++)
        free_touched(e->touched[i]);
    od_free(e->touched);
    od_map_deinit(&e->by_id);
    od_image_unref(e->base);
    od_image_unref(e->image);
    od_image_unref(e->saved);
    od_free(e);
}

const struct od_image *od_edit_image(const struct od_edit *e)
{
    return e->image;
}

bool od_edit_in_transaction(const struct od_edit *e)
{
    return e->saved != NULL;
}

static enum od_err contradiction(struct od_text *why, const char *what)
{
    od_text_add(why, "metadata record contradicts the image: %s", what);
    return OD_E_CORRUPT;
}

/* --- topics ----------------------------------------------------------------------------------- */

static struct touched *touch(struct od_edit *e, struct od_uuid id)
{
    struct touched *t = od_map_get(&e->by_id, id.bytes, sizeof(id.bytes));

    if (t)
        return t;
    t = OD_NEW(struct touched);
    t->id = id;
    od_map_put(&e->by_id, t->id.bytes, sizeof(t->id.bytes), t);
    if (e->touched_count == e->touched_capacity) {
        e->touched_capacity = e->touched_capacity ? e->touched_capacity * 2 : 8;
        e->touched = od_realloc(e->touched, (size_t)e->touched_capacity * sizeof(*e->touched));
    }
    e->touched[e->touched_count++] = t;
    return t;
}

static void touch_partition(struct touched *t, int32_t index)
{
    int32_t word = index / 64;
    uint64_t bit = UINT64_C(1) << index % 64;

    if (word >= t->seen_count) {
        int32_t count = word + 1 > t->seen_count * 2 ? word + 1 : t->seen_count * 2;

        t->seen = od_realloc(t->seen, (size_t)count * sizeof(*t->seen));
        memset(t->seen + t->seen_count, 0, (size_t)(count - t->seen_count) * sizeof(*t->seen));
        t->seen_count = count;
    }
    if (t->seen[word] & bit)
        return;
    t->seen[word] |= bit;
    if (t->partition_count == t->partition_capacity) {
        t->partition_capacity = t->partition_capacity ? t->partition_capacity * 2 : 4;
        t->partitions =
            od_realloc(t->partitions, (size_t)t->partition_capacity * sizeof(*t->partitions));
    }
    t->partitions[t->partition_count++] = index;
}

/* Takes over the topic's one reference. */
static void put_topic(struct od_edit *e, struct od_image_topic *topic)
{
    od_topic_ref(topic);
    od_pmap_put(&e->image->topics_by_name, topic);
    od_pmap_put(&e->image->topics_by_id, topic);
}

/* The topic, made private; NULL: there is none. */
static struct od_image_topic *own_topic(struct od_edit *e, struct od_uuid id, struct touched **out)
{
    const struct od_image_topic *old = od_image_topic_by_id(e->image, id);
    struct od_image_topic draft;
    struct touched *t;

    if (!old)
        return NULL;
    t = touch(e, id);
    if (out)
        *out = t;
    if (!t->own) {
        draft = *old;
        draft.partitions = od_pmap_copy(&old->partitions);
        if (draft.config)
            draft.config = draft.ops->ref(draft.config);
        t->own = od_topic_new(&draft);
        put_topic(e, t->own);
    }
    return t->own;
}

static void set_config(struct od_image_topic *topic, struct od_topic_config *config)
{
    if (topic->config)
        topic->ops->unref(topic->config);
    topic->config = config;
}

static struct od_topic_config *resolve_layers(const struct od_image *image,
                                              const struct od_image_resource *own)
{
    const struct od_image_ops *ops = image->ops;

    return ops->resolve(ops->ctx, own,
                        od_image_resource_find(image, OD_RESOURCE_BROKER, ops->node),
                        od_image_resource_find(image, OD_RESOURCE_BROKER, OD_STR("")));
}

/* The settings that a topic of this name has now; owns a reference. */
static struct od_topic_config *resolve(const struct od_image *image, struct od_str name)
{
    const struct od_image_ops *ops = image->ops;
    const struct od_image_resource *own = od_image_resource_find(image, OD_RESOURCE_TOPIC, name);

    if (!ops)
        return NULL;
    return own ? resolve_layers(image, own) : ops->ref(image->plain_config);
}

static enum od_err apply_topic(struct od_edit *e, const struct od_topic_record *r,
                               struct od_text *why)
{
    struct od_image_topic draft = { .id = r->topic_id, .name = r->name, .ops = e->image->ops };
    struct touched *t;

    if (r->name.len == 0 || r->name.len > OD_TOPIC_NAME_MAX || od_uuid_is_zero(r->topic_id))
        return contradiction(why, "a topic without a name or an id");
    if (od_image_topic_find(e->image, r->name) || od_image_topic_by_id(e->image, r->topic_id))
        return contradiction(why, "a new topic has the name or the id of an old one");
    od_pmap_init(&draft.partitions, &od_partition_kind, 0);
    draft.config = resolve(e->image, r->name);
    t = touch(e, r->topic_id);
    t->own = od_topic_new(&draft);
    put_topic(e, t->own);
    return OD_NONE;
}

static enum od_err apply_remove_topic(struct od_edit *e, const struct od_remove_topic_record *r,
                                      struct od_text *why)
{
    struct od_image *image = e->image;
    const struct od_image_topic *topic = od_image_topic_by_id(image, r->topic_id);
    struct od_image_resource wanted = { .type = OD_RESOURCE_TOPIC };
    struct od_uuid id = r->topic_id;
    char name[OD_TOPIC_NAME_MAX];

    if (!topic)
        return contradiction(why, "an unknown topic is removed");
    memcpy(name, topic->name.data, topic->name.len); /* the topic may go with the first removal */
    wanted.name = (struct od_str){ name, topic->name.len };
    image->partition_count -= topic->partition_count;
    touch(e, id)->own = NULL;
    od_pmap_remove(&image->topics_by_name,
                   od_topic_name_hash(wanted.name, image->topics_by_name.seed), &wanted.name);
    od_pmap_remove(&image->topics_by_id, od_uuid_hash(id, image->topics_by_id.seed), &id);
    od_pmap_remove(&image->resources,
                   od_resource_hash((struct od_resource_key){ wanted.type, wanted.name },
                                    image->resources.seed),
                   &wanted);
    return OD_NONE;
}

/* --- partitions ------------------------------------------------------------------------------- */

static void put_partition(struct od_edit *e, struct od_image_topic *topic, struct touched *t,
                          const struct od_image_partition *draft)
{
    if (!od_image_partition_find(topic, draft->index))
        e->image->partition_count++;
    if (draft->index >= topic->partition_count)
        topic->partition_count = draft->index + 1;
    od_pmap_put(&topic->partitions, od_image_partition_new(draft));
    touch_partition(t, draft->index);
}

static bool is_member(int32_t id, const int32_t *ids, int32_t n)
{
    for (int32_t i = 0; i < n; i++)
        if (ids[i] == id)
            return true;
    return false;
}

/* What holds of every partition; the rest of the invariants is the machine's to keep. */
static enum od_err check_partition(const struct od_image_partition *p, struct od_text *why)
{
    if (p->replica_count == 0)
        return contradiction(why, "a partition without replicas");
    for (int32_t i = 0; i < p->isr_count; i++)
        if (!is_member(p->isr[i], p->replicas, p->replica_count))
            return contradiction(why, "an in-sync replica that is no replica");
    if (p->leader != OD_NO_LEADER && !is_member(p->leader, p->replicas, p->replica_count))
        return contradiction(why, "a leader that is no replica");
    return OD_NONE;
}

static enum od_err apply_partition(struct od_edit *e, const struct od_partition_record *r,
                                   struct od_arena *arena, struct od_text *why)
{
    struct touched *t;
    struct od_image_topic *topic = own_topic(e, r->topic_id, &t);
    struct od_image_partition draft = {
        .index = r->partition_id,
        .leader = r->leader,
        .leader_epoch = r->leader_epoch,
        .partition_epoch = r->partition_epoch,
        .recovering = r->leader_recovery_state == 1,
        .has_elr = r->eligible_leader_replicas.n >= 0 || r->last_known_elr.n >= 0,
        .replica_count = r->replicas.n,
        .replicas = r->replicas.v,
        .isr_count = r->isr.n,
        .isr = r->isr.v,
        .removing_count = r->removing_replicas.n,
        .removing = r->removing_replicas.v,
        .adding_count = r->adding_replicas.n,
        .adding = r->adding_replicas.v,
        .elr_count = r->eligible_leader_replicas.n > 0 ? r->eligible_leader_replicas.n : 0,
        .elr = r->eligible_leader_replicas.v,
        .last_elr_count = r->last_known_elr.n > 0 ? r->last_known_elr.n : 0,
        .last_elr = r->last_known_elr.v,
        .directories = r->directories.v,
    };
    enum od_err err;

    if (!topic)
        return contradiction(why, "a partition of an unknown topic");
    if (r->partition_id < 0 || r->partition_id > topic->partition_count ||
        r->partition_id >= OD_TOPIC_PARTITIONS_MAX)
        return contradiction(why, "a partition index leaves a gap");
    if (r->directories.n != r->replicas.n) /* written before directories were known */
        draft.directories =
            od_arena_alloc(arena, (size_t)r->replicas.n * sizeof(*draft.directories));
    err = check_partition(&draft, why);
    if (!err)
        put_partition(e, topic, t, &draft);
    return err;
}

/* A list of a change record: absent leaves what was. */
static void change_ids(int32_t n, const int32_t *v, int32_t *count, const int32_t **ids)
{
    if (n < 0)
        return;
    *count = n;
    *ids = v;
}

static enum od_err apply_partition_change(struct od_edit *e,
                                          const struct od_partition_change_record *r,
                                          struct od_arena *arena, struct od_text *why)
{
    struct touched *t;
    struct od_image_topic *topic = own_topic(e, r->topic_id, &t);
    const struct od_image_partition *old =
        topic ? od_image_partition_find(topic, r->partition_id) : NULL;
    struct od_image_partition draft;
    enum od_err err;

    if (!old)
        return contradiction(why, "a change of an unknown partition");
    memcpy(&draft, old, sizeof(draft));
    change_ids(r->isr.n, r->isr.v, &draft.isr_count, &draft.isr);
    change_ids(r->replicas.n, r->replicas.v, &draft.replica_count, &draft.replicas);
    change_ids(r->removing_replicas.n, r->removing_replicas.v, &draft.removing_count,
               &draft.removing);
    change_ids(r->adding_replicas.n, r->adding_replicas.v, &draft.adding_count, &draft.adding);
    change_ids(r->eligible_leader_replicas.n, r->eligible_leader_replicas.v, &draft.elr_count,
               &draft.elr);
    change_ids(r->last_known_elr.n, r->last_known_elr.v, &draft.last_elr_count, &draft.last_elr);
    if (r->eligible_leader_replicas.n >= 0 || r->last_known_elr.n >= 0)
        draft.has_elr = true;
    if (r->leader_recovery_state >= 0)
        draft.recovering = r->leader_recovery_state == 1;
    if (r->leader != -2) {
        draft.leader = r->leader;
        draft.leader_epoch++;
    }
    draft.partition_epoch++;
    if (r->directories.n == draft.replica_count)
        draft.directories = r->directories.v;
    else if (r->replicas.n >= 0)
        draft.directories =
            od_arena_alloc(arena, (size_t)draft.replica_count * sizeof(*draft.directories));
    err = check_partition(&draft, why);
    if (!err)
        put_partition(e, topic, t, &draft);
    return err;
}

static void clear_elr_of(struct od_edit *e, struct od_uuid id)
{
    struct touched *t;
    struct od_image_topic *topic = own_topic(e, id, &t);

    for (int32_t i = 0; i < topic->partition_count; i++) {
        const struct od_image_partition *old = od_image_partition_find(topic, i);
        struct od_image_partition draft;

        if (old->elr_count == 0 && old->last_elr_count == 0)
            continue;
        memcpy(&draft, old, sizeof(draft));
        draft.elr_count = draft.last_elr_count = 0;
        draft.partition_epoch++;
        put_partition(e, topic, t, &draft);
    }
}

static enum od_err apply_clear_elr(struct od_edit *e, const struct od_clear_elr_record *r,
                                   struct od_text *why)
{
    const struct od_image_topic *topic = od_image_topic_find(e->image, r->topic_name);
    struct od_image *all;
    struct od_pmap_walk walk = { 0 };

    if (r->topic_name.len) {
        if (!topic)
            return contradiction(why, "an unknown topic's eligible leaders are cleared");
        clear_elr_of(e, topic->id);
        return OD_NONE;
    }
    all = od_image_copy(e->image); /* a map must not change under its walk */
    while ((topic = od_image_topic_next(all, &walk)))
        clear_elr_of(e, topic->id);
    od_image_unref(all);
    return OD_NONE;
}

/* --- brokers ---------------------------------------------------------------------------------- */

static enum od_err apply_register_broker(struct od_edit *e, struct od_arena *arena,
                                         const struct od_register_broker_record *r,
                                         struct od_text *why)
{
    struct od_image_endpoint *endpoints =
        od_arena_alloc(arena, (size_t)r->end_points.n * sizeof(*endpoints));
    struct od_image_feature *features =
        od_arena_alloc(arena, (size_t)r->features.n * sizeof(*features));
    struct od_image_broker draft = {
        .id = r->broker_id,
        .epoch = r->broker_epoch,
        .incarnation = r->incarnation_id,
        .rack = r->rack,
        .fenced = r->fenced,
        .in_controlled_shutdown = r->in_controlled_shutdown,
        .endpoint_count = r->end_points.n,
        .endpoints = endpoints,
        .feature_count = r->features.n,
        .features = features,
        .directory_count = r->log_dirs.n,
        .directories = r->log_dirs.v,
    };

    if (r->broker_id < 0)
        return contradiction(why, "a broker with a negative id");
    for (int32_t i = 0; i < r->end_points.n; i++) {
        const struct od_register_broker_record_endpoint *p = &r->end_points.v[i];

        endpoints[i] =
            (struct od_image_endpoint){ p->name, p->host, p->port, p->security_protocol };
    }
    for (int32_t i = 0; i < r->features.n; i++) {
        const struct od_register_broker_record_feature *f = &r->features.v[i];

        features[i] = (struct od_image_feature){ f->name, f->min_supported_version,
                                                 f->max_supported_version };
    }
    od_pmap_put(&e->image->brokers, od_broker_new(&draft));
    e->brokers_changed = true;
    return OD_NONE;
}

static enum od_err apply_unregister_broker(struct od_edit *e,
                                           const struct od_unregister_broker_record *r,
                                           struct od_text *why)
{
    e->brokers_changed = true;
    if (!od_pmap_remove(&e->image->brokers, (uint32_t)r->broker_id, &r->broker_id))
        return contradiction(why, "an unknown broker is unregistered");
    return OD_NONE;
}

/* fenced, in_shutdown: -1 no, 0 as it was, 1 yes. */
static enum od_err change_broker(struct od_edit *e, int32_t id, int64_t epoch, int fenced,
                                 int in_shutdown, const struct od_uuid *directories,
                                 int directory_count, struct od_text *why)
{
    const struct od_image_broker *old = od_image_broker_find(e->image, id);
    struct od_image_broker draft;

    if (!old || old->epoch != epoch)
        return contradiction(why, "a change of a registration that is not there");
    memcpy(&draft, old, sizeof(draft));
    if (fenced)
        draft.fenced = fenced > 0;
    if (in_shutdown)
        draft.in_controlled_shutdown = in_shutdown > 0;
    if (directory_count > 0) {
        draft.directories = directories;
        draft.directory_count = directory_count;
    }
    od_pmap_put(&e->image->brokers, od_broker_new(&draft));
    e->brokers_changed = true;
    return OD_NONE;
}

/* --- settings and features -------------------------------------------------------------------- */

/* Gives every topic its settings anew, after the default of all brokers has changed. */
static void resolve_all(struct od_edit *e)
{
    const struct od_image_ops *ops = e->image->ops;
    const struct od_image_topic *topic;
    struct od_image *all;
    struct od_pmap_walk walk = { 0 };

    ops->unref(e->image->plain_config);
    e->image->plain_config = resolve_layers(e->image, NULL);
    all = od_image_copy(e->image);
    while ((topic = od_image_topic_next(all, &walk)))
        set_config(own_topic(e, topic->id, NULL), resolve(e->image, topic->name));
    od_image_unref(all);
}

static void resolve_live(struct od_edit *e)
{
    struct od_image *image = e->image;
    const struct od_image_ops *ops = image->ops;

    if (!image->live)
        return;
    ops->unref_live(image->live);
    image->live = ops->resolve_live(
        ops->ctx, od_image_resource_find(image, OD_RESOURCE_BROKER, ops->node),
        od_image_resource_find(image, OD_RESOURCE_BROKER, OD_STR("")));
}

/* After the setting of our broker, or of all. */
static void resolve_broker(struct od_edit *e, struct od_str setting)
{
    const struct od_image_ops *ops = e->image->ops;

    resolve_live(e);
    if (!ops->is_topic_default || ops->is_topic_default(ops->ctx, setting))
        resolve_all(e);
}

static void resolve_after(struct od_edit *e, enum od_resource_type type, struct od_str name,
                          struct od_str setting)
{
    const struct od_image_topic *topic;

    if (type == OD_RESOURCE_TOPIC) {
        topic = od_image_topic_find(e->image, name);
        if (topic)
            set_config(own_topic(e, topic->id, NULL), resolve(e->image, topic->name));
    } else if (type == OD_RESOURCE_BROKER) {
        e->broker_configs_changed = true;
        if (e->image->ops && (name.len == 0 || od_str_eq(name, e->image->ops->node)))
            resolve_broker(e, setting);
    }
}

static bool is_resource_type(int8_t type)
{
    return type == OD_RESOURCE_TOPIC || type == OD_RESOURCE_BROKER ||
           type == OD_RESOURCE_CLIENT_METRICS || type == OD_RESOURCE_GROUP;
}

/* Settings stay sorted by name, as they are few and always written in order. */
static int merge(const struct od_image_resource *old, const struct od_config_record *r,
                 struct od_image_setting *out)
{
    int n = 0, i = 0, count = old ? old->count : 0;

    for (; i < count && od_str_cmp(old->settings[i].name, r->name) < 0; i++)
        out[n++] = old->settings[i];
    if (r->value.data)
        out[n++] = (struct od_image_setting){ r->name, r->value };
    if (i < count && od_str_eq(old->settings[i].name, r->name))
        i++;
    for (; i < count; i++)
        out[n++] = old->settings[i];
    return n;
}

static enum od_err apply_config(struct od_edit *e, const struct od_config_record *r,
                                struct od_arena *arena, struct od_text *why)
{
    enum od_resource_type type = (enum od_resource_type)r->resource_type;
    struct od_pmap *m = &e->image->resources;
    const struct od_image_resource *old;
    struct od_image_resource draft = { .type = type, .name = r->resource_name };
    struct od_image_setting *settings;

    if (!is_resource_type(r->resource_type))
        return contradiction(why, "a setting of an unknown type of resource");
    old = od_image_resource_find(e->image, type, r->resource_name);
    settings = od_arena_alloc(arena, (size_t)(old ? old->count + 1 : 1) * sizeof(*settings));
    draft.count = merge(old, r, settings);
    draft.settings = settings;
    if (draft.count)
        od_pmap_put(m, od_resource_new(&draft));
    else
        od_pmap_remove(m,
                       od_resource_hash((struct od_resource_key){ type, draft.name }, m->seed),
                       &draft);
    resolve_after(e, type, r->resource_name, r->name);
    return OD_NONE;
}

static enum od_err apply_feature(struct od_edit *e, const struct od_feature_level_record *r,
                                 struct od_text *why)
{
    struct od_pmap *m = &e->image->features;

    e->features_changed = true;
    if (od_str_is(r->name, "metadata.version")) {
        if (r->feature_level < OD_METADATA_VERSION_MIN ||
            r->feature_level > OD_METADATA_VERSION_MAX) {
            od_text_add(why, "metadata.version %d is not among those read here, %d to %d",
                        r->feature_level, OD_METADATA_VERSION_MIN, OD_METADATA_VERSION_MAX);
            return OD_UNSUPPORTED_VERSION;
        }
        e->image->metadata_version = r->feature_level;
    }
    if (r->feature_level)
        od_pmap_put(m, od_feature_new(r->name, r->feature_level));
    else
        od_pmap_remove(m, od_str_hash(r->name, m->seed), &r->name);
    return OD_NONE;
}

/* --- metadata transactions -------------------------------------------------------------------- */

/* The private topics are shared with the saved image from now on. */
static void disown_topics(struct od_edit *e)
{
    for (int i = 0; i < e->touched_count; i++)
        e->touched[i]->own = NULL;
}

static enum od_err begin_transaction(struct od_edit *e, struct od_text *why)
{
    if (e->saved)
        return contradiction(why, "a metadata transaction begins inside another");
    disown_topics(e);
    e->saved = od_image_copy(e->image);
    return OD_NONE;
}

static enum od_err end_transaction(struct od_edit *e, bool commit, struct od_text *why)
{
    if (!e->saved)
        return contradiction(why, "a metadata transaction ends that has not begun");
    if (commit) {
        od_image_unref(e->saved);
    } else {
        disown_topics(e);
        od_image_unref(e->image);
        e->image = e->saved;
    }
    e->saved = NULL;
    return OD_NONE;
}

/* --- the whole -------------------------------------------------------------------------------- */

static enum od_err apply(struct od_edit *e, const struct od_metadata_record *r,
                         struct od_arena *arena, struct od_text *why)
{
    switch (r->type) {
    case OD_RECORD_REGISTER_BROKER:
        return apply_register_broker(e, arena, &r->register_broker, why);
    case OD_RECORD_UNREGISTER_BROKER:
        return apply_unregister_broker(e, &r->unregister_broker, why);
    case OD_RECORD_TOPIC:
        return apply_topic(e, &r->topic, why);
    case OD_RECORD_PARTITION:
        return apply_partition(e, &r->partition, arena, why);
    case OD_RECORD_CONFIG:
        return apply_config(e, &r->config, arena, why);
    case OD_RECORD_PARTITION_CHANGE:
        return apply_partition_change(e, &r->partition_change, arena, why);
    case OD_RECORD_FENCE_BROKER:
        return change_broker(e, r->fence_broker.id, r->fence_broker.epoch, 1, 0, NULL, 0, why);
    case OD_RECORD_UNFENCE_BROKER:
        return change_broker(e, r->unfence_broker.id, r->unfence_broker.epoch, -1, 0, NULL, 0,
                             why);
    case OD_RECORD_REMOVE_TOPIC:
        return apply_remove_topic(e, &r->remove_topic, why);
    case OD_RECORD_FEATURE_LEVEL:
        return apply_feature(e, &r->feature_level, why);
    case OD_RECORD_PRODUCER_IDS:
        e->image->next_producer_id = r->producer_ids.next_producer_id;
        return OD_NONE;
    case OD_RECORD_BROKER_REGISTRATION_CHANGE: {
        const struct od_broker_registration_change_record *c = &r->broker_registration_change;

        return change_broker(e, c->broker_id, c->broker_epoch, c->fenced,
                             c->in_controlled_shutdown, c->log_dirs.v, c->log_dirs.n, why);
    }
    case OD_RECORD_BEGIN_TRANSACTION:
        return begin_transaction(e, why);
    case OD_RECORD_END_TRANSACTION:
        return end_transaction(e, true, why);
    case OD_RECORD_ABORT_TRANSACTION:
        return end_transaction(e, false, why);
    case OD_RECORD_CLEAR_ELR:
        return apply_clear_elr(e, &r->clear_elr, why);
    case OD_RECORD_NO_OP:
    case OD_RECORD_ZK_MIGRATION_STATE: /* history of another cluster's life */
    case OD_RECORD_REGISTER_CONTROLLER: /* of quorum members, which we do not talk to */
        return OD_NONE;
    }
    return contradiction(why, "a record of an unknown type");
}

enum od_err od_edit_apply(struct od_edit *e, const struct od_metadata_record *record,
                          struct od_text *why)
{
    struct od_arena arena = { 0 };
    enum od_err err = apply(e, record, &arena, why);

    od_arena_reset(&arena);
    return err;
}

/* Fills one delta; false: nothing has changed after all. */
static bool take_delta(struct od_edit *e, struct touched *t, struct od_topic_delta *out)
{
    struct od_image_topic *before = (void *)od_image_topic_by_id(e->base, t->id);
    struct od_image_topic *after = (void *)od_image_topic_by_id(e->image, t->id);

    if (before == after)
        return false;
    if (before)
        od_topic_ref(before);
    if (after)
        od_topic_ref(after);
    *out = (struct od_topic_delta){
        .before = before,
        .after = after,
        .config_changed = before && after && before->config != after->config,
    };
    if (after) {
        out->partitions = t->partitions;
        out->partition_count = t->partition_count;
        t->partitions = NULL;
    }
    return true;
}

struct od_image *od_edit_finish(struct od_edit *e, int64_t offset, int32_t epoch,
                                struct od_image_delta *delta)
{
    struct od_image *image;

    OD_ASSERT(!e->saved);
    *delta = (struct od_image_delta){
        .topics = od_alloc((size_t)e->touched_count * sizeof(*delta->topics)),
        .brokers_changed = e->brokers_changed,
        .broker_configs_changed = e->broker_configs_changed,
        .features_changed = e->features_changed,
    };
    for (int i = 0; i < e->touched_count; i++)
        if (take_delta(e, e->touched[i], &delta->topics[delta->topic_count]))
            delta->topic_count++;
    image = e->image;
    e->image = NULL;
    od_edit_free(e);
    image->offset = offset;
    image->epoch = epoch;
    return image;
}

void od_image_delta_deinit(struct od_image_delta *d)
{
    for (int i = 0; i < d->topic_count; i++) {
        if (d->topics[i].before)
            od_topic_unref(d->topics[i].before);
        if (d->topics[i].after)
            od_topic_unref(d->topics[i].after);
        od_free(d->topics[i].partitions);
    }
    od_free(d->topics);
    *d = (struct od_image_delta){ 0 };
}
