/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a client knows of the cluster: brokers, controller, topics and who leads their partitions,
 * taken from Metadata answers.  Pure; owns its memory; one thread.
 */
#pragma once

#include "base/err.h"
#include "base/map.h"
#include "base/uuid.h"
#include "wire/api/metadata.h"

struct od_view_broker {
    int32_t id;
    uint16_t port;
    char *host;
    char *rack; /* NULL: none */
};

struct od_view_partition {
    int32_t leader; /* -1: none */
    int32_t leader_epoch; /* -1: not told */
};

struct od_view_topic {
    char *name;
    struct od_uuid id; /* zero: not told */
    struct od_view_partition *partitions; /* by index */
    int32_t partition_count;
};

struct od_view {
    struct od_view_broker *brokers;
    int broker_count;
    int32_t controller_id; /* -1: not told */
    char *cluster_id;      /* NULL: not told */
    struct od_map topics; /* struct od_view_topic by name */
};

void od_view_init(struct od_view *v, uint64_t seed); /* of the map: random, or fixed in a test */
void od_view_deinit(struct od_view *v);
/*
 * Brokers, controller and cluster become those of the answer; topics in it replace what was known
 * of them, and those with an error are forgotten.  A partition that the answer leaves out has no
 * leader.  OD_E_CORRUPT: a port or a partition's index that cannot be; the view is unchanged.
 */
OD_MUST_USE enum od_err od_view_learn(struct od_view *v, const struct od_metadata_rsp *rsp);
/* Each NULL: unknown. */
const struct od_view_broker *od_view_broker(const struct od_view *v, int32_t id);
const struct od_view_topic *od_view_topic(const struct od_view *v, struct od_str name);
const struct od_view_topic *od_view_topic_by_id(const struct od_view *v, struct od_uuid id);
/*
 * Who leads this partition.  OD_UNKNOWN_TOPIC_OR_PARTITION: learn the topic first, or there is no
 * such partition; OD_LEADER_NOT_AVAILABLE: nobody, or a broker that the view does not know.
 */
OD_MUST_USE enum od_err od_view_leader(const struct od_view *v, struct od_str topic,
                                       int32_t partition, int32_t *node);
