/* SPDX-License-Identifier: Apache-2.0 */
/* Making the immutable objects of an image; for the edit that builds it. */
#pragma once

#include "core/cluster/image.h"

/*
 * Each copies a draft, with all it points to, into one allocation with one reference.  The draft's
 * refs are ignored; a topic's partitions and config are taken over.
 */
struct od_image_partition *od_image_partition_new(const struct od_image_partition *draft);
struct od_image_topic *od_topic_new(const struct od_image_topic *draft);
struct od_image_broker *od_broker_new(const struct od_image_broker *draft);
struct od_image_resource *od_resource_new(const struct od_image_resource *draft);

struct od_finalized_feature {
    _Atomic uint32_t refs;
    struct od_image_feature feature;
};
struct od_finalized_feature *od_feature_new(struct od_str name, int16_t level);

extern const struct od_pmap_kind od_partition_kind;

/* What maps are keyed by. */
struct od_resource_key {
    enum od_resource_type type;
    struct od_str name;
};

uint64_t od_topic_name_hash(struct od_str name, uint64_t seed);
uint64_t od_uuid_hash(struct od_uuid id, uint64_t seed);
uint64_t od_resource_hash(struct od_resource_key key, uint64_t seed);
uint64_t od_str_hash(struct od_str s, uint64_t seed);

/* A private image that shares everything with base. */
struct od_image *od_image_copy(const struct od_image *base);

void od_topic_unref(void *topic);
void od_topic_ref(void *topic);
