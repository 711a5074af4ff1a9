/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The image: cluster metadata at one position of the metadata log.  Persistent: an edit makes a new
 * image that shares everything unchanged with the old one, which stays valid until its last
 * reference goes.  A published image and all it reaches is immutable; any thread may read it and
 * hold and drop references.  Pointers reached through an image are borrows of that image.
 *
 * Cost with 100,000 partitions: a lookup visits 4 or 5 nodes of 32 ways; a change of one partition
 * copies as many nodes per map, 2 KiB in all, whatever the number of partitions.  Memory: about 160
 * bytes per partition of one replica, 200 more per topic.  Replay: about 2 us per record.
 */
#pragma once

#include "base/err.h"
#include "base/uuid.h"
#include "core/cluster/pmap.h"

struct od_image_ops;
struct od_topic_config; /* the driver's: resolved settings of a topic, opaque here */
struct od_live_config;  /* likewise: settings of our broker that change while it runs */

enum { OD_NO_LEADER = -1 };

struct od_image_partition {
    _Atomic uint32_t refs;
    int32_t index;
    int32_t leader; /* OD_NO_LEADER */
    int32_t leader_epoch;
    int32_t partition_epoch;
    bool recovering;       /* from an unclean election */
    bool has_elr;          /* the two ELR lists are known, though they may be empty */
    int32_t replica_count; /* also the number of directories */
    int32_t isr_count;
    int32_t removing_count;
    int32_t adding_count;
    int32_t elr_count;
    int32_t last_elr_count;
    const int32_t *replicas; /* preferred leader first */
    const int32_t *isr;
    const int32_t *removing;
    const int32_t *adding;
    const int32_t *elr;
    const int32_t *last_elr;
    const struct od_uuid *directories; /* by replica */
};

struct od_image_topic {
    _Atomic uint32_t refs;
    int32_t partition_count; /* indexes are 0 to count - 1 */
    struct od_uuid id;
    struct od_str name;
    struct od_topic_config *config; /* owns a reference; NULL without ops */
    const struct od_image_ops *ops; /* of the image */
    struct od_pmap partitions;
};

struct od_image_endpoint {
    struct od_str name; /* of the listener */
    struct od_str host;
    uint16_t port;
    int16_t security_protocol; /* 0 PLAINTEXT */
};

struct od_image_feature {
    struct od_str name;
    int16_t min, max; /* of a broker: what it supports; of the cluster: both the finalized level */
};

struct od_image_broker {
    _Atomic uint32_t refs;
    int32_t id;
    int64_t epoch; /* offset of the registration record */
    struct od_uuid incarnation;
    struct od_str rack; /* null: none */
    bool fenced;
    bool in_controlled_shutdown;
    int endpoint_count;
    int feature_count;
    int directory_count;
    const struct od_image_endpoint *endpoints;
    const struct od_image_feature *features;
    const struct od_uuid *directories;
};

enum od_resource_type { /* of a ConfigRecord */
    OD_RESOURCE_TOPIC = 2,
    OD_RESOURCE_BROKER = 4, /* name "" is the default of all brokers */
    OD_RESOURCE_CLIENT_METRICS = 16,
    OD_RESOURCE_GROUP = 32,
};

struct od_image_setting {
    struct od_str name;
    struct od_str value;
};

/* The settings stored for one resource, sorted by name. */
struct od_image_resource {
    _Atomic uint32_t refs;
    enum od_resource_type type;
    struct od_str name;
    int count;
    const struct od_image_setting *settings;
};

/* How the driver resolves topic settings; constant, outlives every image. */
struct od_image_ops {
    void *ctx;
    struct od_str node; /* our broker id in figures: what its settings are stored under */
    /* own, broker, brokers: what is stored for the topic, our broker, all brokers; or NULL. */
    struct od_topic_config *(*resolve)(void *ctx, const struct od_image_resource *own,
                                       const struct od_image_resource *broker,
                                       const struct od_image_resource *brokers);
    struct od_topic_config *(*ref)(struct od_topic_config *t);
    void (*unref)(struct od_topic_config *t);
    /* The three below may be NULL together: the image then has no live settings. */
    struct od_live_config *(*resolve_live)(void *ctx, const struct od_image_resource *broker,
                                           const struct od_image_resource *brokers);
    struct od_live_config *(*ref_live)(struct od_live_config *c);
    void (*unref_live)(struct od_live_config *c);
    /* May this setting of a broker change what topics get?  NULL: any may. */
    bool (*is_topic_default)(void *ctx, struct od_str name);
};

struct od_image {
    _Atomic uint32_t refs;
    const struct od_image_ops *ops; /* may be NULL: topics then have no resolved settings */
    int64_t offset;                 /* of the last record in it; -1: empty */
    int32_t epoch;                  /* leader epoch of that record's batch */
    int16_t metadata_version;       /* finalized level; 0 before the first record */
    int64_t next_producer_id;
    int64_t partition_count; /* of all topics */
    struct od_pmap topics_by_name;
    struct od_pmap topics_by_id;
    struct od_pmap resources;
    struct od_pmap brokers;
    struct od_pmap features;
    struct od_topic_config *plain_config; /* of topics without settings of their own */
    struct od_live_config *live;          /* of our broker; NULL without ops */
};

struct od_image *od_image_new(const struct od_image_ops *ops, uint64_t seed); /* empty */
struct od_image *od_image_ref(struct od_image *image);
void od_image_unref(struct od_image *image); /* accepts NULL */

/* All return NULL where there is none. */
const struct od_image_topic *od_image_topic_find(const struct od_image *image, struct od_str name);
const struct od_image_topic *od_image_topic_by_id(const struct od_image *image, struct od_uuid id);
/* Another topic whose name differs in '.' and '_' only. */
const struct od_image_topic *od_image_topic_colliding(const struct od_image *image,
                                                      struct od_str name);
const struct od_image_partition *od_image_partition_find(const struct od_image_topic *topic,
                                                         int32_t index);
const struct od_image_broker *od_image_broker_find(const struct od_image *image, int32_t id);
const struct od_image_resource *od_image_resource_find(const struct od_image *image,
                                                       enum od_resource_type type,
                                                       struct od_str name);
/* The stored value, null where there is none. */
struct od_str od_image_setting_find(const struct od_image_resource *resource, struct od_str name);
int16_t od_image_feature_level(const struct od_image *image, struct od_str name); /* 0: none */

/* Iteration in no order that means anything: zero-initialise *walk; NULL at the end. */
const struct od_image_topic *od_image_topic_next(const struct od_image *image,
                                                 struct od_pmap_walk *walk);
const struct od_image_broker *od_image_broker_next(const struct od_image *image,
                                                   struct od_pmap_walk *walk);
const struct od_image_feature *od_image_feature_next(const struct od_image *image,
                                                     struct od_pmap_walk *walk);
const struct od_image_resource *od_image_resource_next(const struct od_image *image,
                                                       struct od_pmap_walk *walk);
