/* SPDX-License-Identifier: Apache-2.0 */
/* The objects of an image, the maps that hold them, and looking things up. */
#include "core/cluster/image.h"

#include "base/map.h"
#include "base/mem.h"
#include "core/cluster/cluster.h"
#include "core/cluster/image_internal.h"

#include <stdatomic.h>

/* True for the last reference. */
static bool drop(_Atomic uint32_t *refs)
{
    return atomic_fetch_sub_explicit(refs, 1, memory_order_acq_rel) == 1;
}

static void take(_Atomic uint32_t *refs)
{
    atomic_fetch_add_explicit(refs, 1, memory_order_relaxed);
}

/* Lays copies one behind the other into the tail of an object. */
struct packer {
    char *p;
};

static const void *pack(struct packer *k, const void *data, size_t len)
{
    void *to = k->p;

    if (len)
        memcpy(to, data, len);
    k->p += len;
    return to;
}

static struct od_str pack_str(struct packer *k, struct od_str s)
{
    return s.data ? (struct od_str){ pack(k, s.data, s.len), s.len } : s;
}

static const int32_t *pack_ids(struct packer *k, const int32_t *ids, int32_t n)
{
    return pack(k, ids, (size_t)n * sizeof(*ids));
}

/* --- hashes ----------------------------------------------------------------------------------- */

static uint64_t hash_bytes(const void *data, size_t len, uint64_t seed)
{
    const uint64_t seeds[2] = { seed, ~seed };

    return od_siphash(seeds, data, len);
}

uint64_t od_str_hash(struct od_str s, uint64_t seed)
{
    return hash_bytes(s.data, s.len, seed);
}

/* Names that differ in '.' and '_' only collide in metric names, so that Kafka refuses the second:
 * they get one hash, by which od_image_topic_colliding finds it. */
uint64_t od_topic_name_hash(struct od_str name, uint64_t seed)
{
    char plain[OD_TOPIC_NAME_MAX];
    size_t len = name.len < sizeof(plain) ? name.len : sizeof(plain);

    for (size_t i = 0; i < len; i++)
        plain[i] = name.data[i] == '.' ? '_' : name.data[i];
    return hash_bytes(plain, len, seed);
}

uint64_t od_uuid_hash(struct od_uuid id, uint64_t seed)
{
    return hash_bytes(id.bytes, sizeof(id.bytes), seed);
}

uint64_t od_resource_hash(struct od_resource_key key, uint64_t seed)
{
    return od_str_hash(key.name, seed + (uint64_t)key.type);
}

/* --- partitions ------------------------------------------------------------------------------- */

struct od_image_partition *od_image_partition_new(const struct od_image_partition *draft)
{
    size_t ids = (size_t)draft->replica_count + (size_t)draft->isr_count +
                 (size_t)draft->removing_count + (size_t)draft->adding_count +
                 (size_t)draft->elr_count + (size_t)draft->last_elr_count;
    struct od_image_partition *p = od_alloc(sizeof(*p) + ids * sizeof(int32_t) +
                                            (size_t)draft->replica_count * sizeof(struct od_uuid));
    struct packer k = { (char *)(p + 1) };

    memcpy(p, draft, sizeof(*p));
    atomic_init(&p->refs, 1);
    p->replicas = pack_ids(&k, draft->replicas, draft->replica_count);
    p->isr = pack_ids(&k, draft->isr, draft->isr_count);
    p->removing = pack_ids(&k, draft->removing, draft->removing_count);
    p->adding = pack_ids(&k, draft->adding, draft->adding_count);
    p->elr = pack_ids(&k, draft->elr, draft->elr_count);
    p->last_elr = pack_ids(&k, draft->last_elr, draft->last_elr_count);
    p->directories =
        pack(&k, draft->directories, (size_t)draft->replica_count * sizeof(struct od_uuid));
    return p;
}

static uint64_t partition_hash(const void *value, uint64_t seed)
{
    (void)seed; /* indexes are dense: the map is then a vector */
    return (uint64_t)((const struct od_image_partition *)value)->index;
}

static bool partition_same(const void *value, const void *key)
{
    return ((const struct od_image_partition *)value)->index == *(const int32_t *)key;
}

static const void *partition_key(const void *value)
{
    return &((const struct od_image_partition *)value)->index;
}

static void partition_ref(void *value)
{
    take(&((struct od_image_partition *)value)->refs);
}

static void partition_unref(void *value)
{
    struct od_image_partition *p = value;

    if (drop(&p->refs))
        od_free(p);
}

const struct od_pmap_kind od_partition_kind = { partition_hash, partition_same, partition_key,
                                                partition_ref, partition_unref };

/* --- topics ----------------------------------------------------------------------------------- */

struct od_image_topic *od_topic_new(const struct od_image_topic *draft)
{
    struct od_image_topic *t = od_alloc(sizeof(*t) + draft->name.len);
    struct packer k = { (char *)(t + 1) };

    memcpy(t, draft, sizeof(*t));
    atomic_init(&t->refs, 1);
    t->name = pack_str(&k, draft->name);
    return t;
}

void od_topic_ref(void *topic)
{
    take(&((struct od_image_topic *)topic)->refs);
}

void od_topic_unref(void *topic)
{
    struct od_image_topic *t = topic;

    if (!drop(&t->refs))
        return;
    od_pmap_deinit(&t->partitions);
    if (t->config)
        t->ops->unref(t->config);
    od_free(t);
}

static uint64_t topic_name_hash(const void *value, uint64_t seed)
{
    return od_topic_name_hash(((const struct od_image_topic *)value)->name, seed);
}

static bool topic_name_same(const void *value, const void *key)
{
    return od_str_eq(((const struct od_image_topic *)value)->name, *(const struct od_str *)key);
}

static const void *topic_name_key(const void *value)
{
    return &((const struct od_image_topic *)value)->name;
}

static uint64_t topic_id_hash(const void *value, uint64_t seed)
{
    return od_uuid_hash(((const struct od_image_topic *)value)->id, seed);
}

static bool topic_id_same(const void *value, const void *key)
{
    return od_uuid_eq(((const struct od_image_topic *)value)->id, *(const struct od_uuid *)key);
}

static const void *topic_id_key(const void *value)
{
    return &((const struct od_image_topic *)value)->id;
}

static const struct od_pmap_kind by_name = { topic_name_hash, topic_name_same, topic_name_key,
                                             od_topic_ref, od_topic_unref };
static const struct od_pmap_kind by_id = { topic_id_hash, topic_id_same, topic_id_key, od_topic_ref,
                                           od_topic_unref };

/* --- brokers ---------------------------------------------------------------------------------- */

static size_t broker_bytes(const struct od_image_broker *b)
{
    size_t n = sizeof(*b) + (size_t)b->endpoint_count * sizeof(*b->endpoints) +
               (size_t)b->feature_count * sizeof(*b->features) +
               (size_t)b->directory_count * sizeof(*b->directories) + b->rack.len;

    for (int i = 0; i < b->endpoint_count; i++)
        n += b->endpoints[i].name.len + b->endpoints[i].host.len;
    for (int i = 0; i < b->feature_count; i++)
        n += b->features[i].name.len;
    return n;
}

struct od_image_broker *od_broker_new(const struct od_image_broker *draft)
{
    struct od_image_broker *b = od_alloc(broker_bytes(draft));
    struct packer k = { (char *)(b + 1) };
    struct od_image_endpoint *endpoints;
    struct od_image_feature *features;

    memcpy(b, draft, sizeof(*b));
    atomic_init(&b->refs, 1);
    endpoints = (struct od_image_endpoint *)pack(
        &k, draft->endpoints, (size_t)draft->endpoint_count * sizeof(*draft->endpoints));
    features = (struct od_image_feature *)pack(
        &k, draft->features, (size_t)draft->feature_count * sizeof(*draft->features));
    b->directories =
        pack(&k, draft->directories, (size_t)draft->directory_count * sizeof(*draft->directories));
    for (int i = 0; i < b->endpoint_count; i++) {
        endpoints[i].name = pack_str(&k, endpoints[i].name);
        endpoints[i].host = pack_str(&k, endpoints[i].host);
    }
    for (int i = 0; i < b->feature_count; i++)
        features[i].name = pack_str(&k, features[i].name);
    b->endpoints = endpoints;
    b->features = features;
    b->rack = pack_str(&k, draft->rack);
    return b;
}

static uint64_t broker_hash(const void *value, uint64_t seed)
{
    (void)seed;
    return (uint32_t)((const struct od_image_broker *)value)->id;
}

static bool broker_same(const void *value, const void *key)
{
    return ((const struct od_image_broker *)value)->id == *(const int32_t *)key;
}

static const void *broker_key(const void *value)
{
    return &((const struct od_image_broker *)value)->id;
}

static void broker_ref(void *value)
{
    take(&((struct od_image_broker *)value)->refs);
}

static void broker_unref(void *value)
{
    struct od_image_broker *b = value;

    if (drop(&b->refs))
        od_free(b);
}

static const struct od_pmap_kind broker_kind = { broker_hash, broker_same, broker_key, broker_ref,
                                                 broker_unref };

/* --- settings --------------------------------------------------------------------------------- */

struct od_image_resource *od_resource_new(const struct od_image_resource *draft)
{
    size_t n = sizeof(*draft) + (size_t)draft->count * sizeof(*draft->settings) + draft->name.len;
    struct od_image_resource *r;
    struct od_image_setting *settings;
    struct packer k;

    for (int i = 0; i < draft->count; i++)
        n += draft->settings[i].name.len + draft->settings[i].value.len;
    r = od_alloc(n);
    k.p = (char *)(r + 1);
    memcpy(r, draft, sizeof(*r));
    atomic_init(&r->refs, 1);
    settings = (struct od_image_setting *)pack(&k, draft->settings,
                                               (size_t)draft->count * sizeof(*draft->settings));
    for (int i = 0; i < r->count; i++) {
        settings[i].name = pack_str(&k, settings[i].name);
        settings[i].value = pack_str(&k, settings[i].value);
    }
    r->settings = settings;
    r->name = pack_str(&k, draft->name);
    return r;
}

static uint64_t resource_hash(const void *value, uint64_t seed)
{
    const struct od_image_resource *r = value;

    return od_resource_hash((struct od_resource_key){ r->type, r->name }, seed);
}

static bool resource_same(const void *value, const void *key)
{
    const struct od_image_resource *r = value, *wanted = key;

    return r->type == wanted->type && od_str_eq(r->name, wanted->name);
}

static const void *resource_key(const void *value)
{
    return value;
}

static void resource_ref(void *value)
{
    take(&((struct od_image_resource *)value)->refs);
}

static void resource_unref(void *value)
{
    struct od_image_resource *r = value;

    if (drop(&r->refs))
        od_free(r);
}

static const struct od_pmap_kind resource_kind = { resource_hash, resource_same, resource_key,
                                                   resource_ref, resource_unref };

/* --- features --------------------------------------------------------------------------------- */

struct od_finalized_feature *od_feature_new(struct od_str name, int16_t level)
{
    struct od_finalized_feature *f = od_alloc(sizeof(*f) + name.len);
    struct packer k = { (char *)(f + 1) };

    atomic_init(&f->refs, 1);
    f->feature = (struct od_image_feature){ pack_str(&k, name), level, level };
    return f;
}

static uint64_t feature_hash(const void *value, uint64_t seed)
{
    return od_str_hash(((const struct od_finalized_feature *)value)->feature.name, seed);
}

static bool feature_same(const void *value, const void *key)
{
    return od_str_eq(((const struct od_finalized_feature *)value)->feature.name,
                     *(const struct od_str *)key);
}

static const void *feature_key(const void *value)
{
    return &((const struct od_finalized_feature *)value)->feature.name;
}

static void feature_ref(void *value)
{
    take(&((struct od_finalized_feature *)value)->refs);
}

static void feature_unref(void *value)
{
    struct od_finalized_feature *f = value;

    if (drop(&f->refs))
        od_free(f);
}

static const struct od_pmap_kind feature_kind = { feature_hash, feature_same, feature_key,
                                                  feature_ref, feature_unref };

/* --- the image -------------------------------------------------------------------------------- */

struct od_image *od_image_new(const struct od_image_ops *ops, uint64_t seed)
{
    struct od_image *image = OD_NEW(struct od_image);

    atomic_init(&image->refs, 1);
    image->ops = ops;
    image->offset = -1;
    od_pmap_init(&image->topics_by_name, &by_name, seed);
    od_pmap_init(&image->topics_by_id, &by_id, seed);
    od_pmap_init(&image->resources, &resource_kind, seed);
    od_pmap_init(&image->brokers, &broker_kind, seed);
    od_pmap_init(&image->features, &feature_kind, seed);
    if (ops)
        image->plain_config = ops->resolve(ops->ctx, NULL, NULL, NULL);
    if (ops && ops->resolve_live)
        image->live = ops->resolve_live(ops->ctx, NULL, NULL);
    return image;
}

struct od_image *od_image_copy(const struct od_image *base)
{
    struct od_image *image = od_alloc(sizeof(*image));

    memcpy(image, base, sizeof(*image));
    atomic_init(&image->refs, 1);
    image->topics_by_name = od_pmap_copy(&base->topics_by_name);
    image->topics_by_id = od_pmap_copy(&base->topics_by_id);
    image->resources = od_pmap_copy(&base->resources);
    image->brokers = od_pmap_copy(&base->brokers);
    image->features = od_pmap_copy(&base->features);
    if (image->plain_config)
        image->plain_config = image->ops->ref(image->plain_config);
    if (image->live)
        image->live = image->ops->ref_live(image->live);
    return image;
}

struct od_image *od_image_ref(struct od_image *image)
{
    take(&image->refs);
    return image;
}

void od_image_unref(struct od_image *image)
{
    if (!image || !drop(&image->refs))
        return;
    od_pmap_deinit(&image->topics_by_name);
    od_pmap_deinit(&image->topics_by_id);
    od_pmap_deinit(&image->resources);
    od_pmap_deinit(&image->brokers);
    od_pmap_deinit(&image->features);
    if (image->plain_config)
        image->ops->unref(image->plain_config);
    if (image->live)
        image->ops->unref_live(image->live);
    od_free(image);
}

const struct od_image_topic *od_image_topic_find(const struct od_image *image, struct od_str name)
{
    const struct od_pmap *m = &image->topics_by_name;

    if (!name.data || name.len > OD_TOPIC_NAME_MAX)
        return NULL;
    return od_pmap_find(m, od_topic_name_hash(name, m->seed), &name);
}

const struct od_image_topic *od_image_topic_colliding(const struct od_image *image,
                                                      struct od_str name)
{
    const struct od_pmap *m = &image->topics_by_name;

    if (name.len > OD_TOPIC_NAME_MAX)
        return NULL;
    return od_pmap_find_other(m, od_topic_name_hash(name, m->seed), &name);
}

const struct od_image_topic *od_image_topic_by_id(const struct od_image *image, struct od_uuid id)
{
    const struct od_pmap *m = &image->topics_by_id;

    return od_pmap_find(m, od_uuid_hash(id, m->seed), &id);
}

const struct od_image_partition *od_image_partition_find(const struct od_image_topic *topic,
                                                         int32_t index)
{
    return index < 0 ? NULL : od_pmap_find(&topic->partitions, (uint64_t)index, &index);
}

const struct od_image_broker *od_image_broker_find(const struct od_image *image, int32_t id)
{
    return od_pmap_find(&image->brokers, (uint32_t)id, &id);
}

const struct od_image_resource *
od_image_resource_find(const struct od_image *image, enum od_resource_type type, struct od_str name)
{
    const struct od_pmap *m = &image->resources;
    struct od_image_resource wanted = { .type = type, .name = name };

    return od_pmap_find(m, od_resource_hash((struct od_resource_key){ type, name }, m->seed),
                        &wanted);
}

struct od_str od_image_setting_find(const struct od_image_resource *resource, struct od_str name)
{
    for (int i = 0; resource && i < resource->count; i++)
        if (od_str_eq(resource->settings[i].name, name))
            return resource->settings[i].value;
    return OD_STR_NULL;
}

int16_t od_image_feature_level(const struct od_image *image, struct od_str name)
{
    const struct od_pmap *m = &image->features;
    const struct od_finalized_feature *f = od_pmap_find(m, od_str_hash(name, m->seed), &name);

    return f ? f->feature.max : 0;
}

const struct od_image_topic *od_image_topic_next(const struct od_image *image,
                                                 struct od_pmap_walk *walk)
{
    return od_pmap_next(&image->topics_by_name, walk);
}

const struct od_image_broker *od_image_broker_next(const struct od_image *image,
                                                   struct od_pmap_walk *walk)
{
    return od_pmap_next(&image->brokers, walk);
}

const struct od_image_feature *od_image_feature_next(const struct od_image *image,
                                                     struct od_pmap_walk *walk)
{
    const struct od_finalized_feature *f = od_pmap_next(&image->features, walk);

    return f ? &f->feature : NULL;
}

const struct od_image_resource *od_image_resource_next(const struct od_image *image,
                                                       struct od_pmap_walk *walk)
{
    return od_pmap_next(&image->resources, walk);
}
