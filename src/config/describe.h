/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What DescribeConfigs and people are told of a setting: the value in force, where it comes from,
 * and what else would have counted.  Nothing here is constant but the tables: one thread per call.
 */
#pragma once

#include "base/arena.h"
#include "config/live_config.h"
#include "config/resource_key.h"

/* Kafka's numbers. */
enum od_config_source {
    OD_SOURCE_UNKNOWN,
    OD_SOURCE_TOPIC,
    OD_SOURCE_DYNAMIC_BROKER,
    OD_SOURCE_DYNAMIC_DEFAULT_BROKER,
    OD_SOURCE_STATIC_BROKER,
    OD_SOURCE_DEFAULT,
    OD_SOURCE_DYNAMIC_BROKER_LOGGER,
    OD_SOURCE_CLIENT_METRICS,
    OD_SOURCE_GROUP,
};

/* Where values come from; borrowed. */
struct od_layers {
    const struct od_config *config;
    const struct od_live_config *live;     /* in force */
    const struct od_topic_config *defaults; /* in force for a topic without settings of its own */
    const struct od_setting *broker;        /* set at run time for our broker */
    int broker_count;
    const struct od_setting *brokers; /* set at run time for all brokers */
    int brokers_count;
    const struct od_setting *own; /* of the topic, group or subscription */
    int own_count;
};

struct od_synonym {
    const char *name;
    struct od_str value; /* null where it is sensitive */
    enum od_config_source source;
};

enum { OD_SYNONYMS_MAX = 16 }; /* four layers of at most three names, and the resource's own */

struct od_description {
    const char *name;
    struct od_str value; /* null: not set, or sensitive; else in the arena or borrowed */
    enum od_config_source source;
    bool read_only;
    bool sensitive;
    int8_t type; /* Kafka's number */
    const char *doc;
    const char *no_effect; /* why nothing reads it yet; NULL: it is honoured */
    int synonym_count;
    struct od_synonym synonyms[OD_SYNONYMS_MAX]; /* the first that counts comes first */
};

/* False: this key is shown only where it is set, and it is not. */
bool od_describe_broker_key(const struct od_layers *l, const struct od_key_row *row,
                            struct od_arena *arena, struct od_description *out);
/* Of the default of all brokers: only what is set there. */
bool od_describe_brokers_key(const struct od_layers *l, const struct od_key_row *row,
                             struct od_arena *arena, struct od_description *out);
/* t: the topic's settings in force. */
bool od_describe_topic_key(const struct od_layers *l, const struct od_topic_config *t,
                           const struct od_key_row *row, struct od_arena *arena,
                           struct od_description *out);
bool od_describe_group_key(const struct od_layers *l, const struct od_resource_key *key,
                           struct od_arena *arena, struct od_description *out);
bool od_describe_metrics_key(const struct od_layers *l, const struct od_resource_key *key,
                             struct od_arena *arena, struct od_description *out);

const char *od_config_source_name(enum od_config_source source); /* "STATIC_BROKER_CONFIG", ... */
