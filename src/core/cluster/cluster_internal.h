/* SPDX-License-Identifier: Apache-2.0 */
/* One step of the machine, shared by the files that decide the kinds of commands. */
#pragma once

#include "core/cluster/cluster.h"

struct od_step {
    const struct od_cluster_rules *rules;
    const struct od_image *image;
    const struct od_cluster_event *event;
    struct od_arena *arena;
    struct od_command_reply *reply;
    struct od_record_list *records;
    uint64_t draws; /* of the event's randomness */
};

/* A new record at the end of the list, with the type's defaults. */
struct od_metadata_record *od_step_add(struct od_step *s, enum od_record_type type);
uint64_t od_step_random(struct od_step *s);
/* Refuses an item, or the whole command: err and a message for people. */
void od_step_refuse(struct od_step *s, struct od_item_reply *item, enum od_err err,
                    const char *format, ...) OD_PRINTF(4, 5);
void od_step_refuse_all(struct od_step *s, enum od_err err, const char *format, ...)
    OD_PRINTF(3, 4);
struct od_item_reply *od_step_items(struct od_step *s, int count); /* zeroed: err NONE */

bool od_broker_is_live(const struct od_image_broker *b); /* accepts NULL */

/* The live brokers, where replicas may be placed. */
struct od_placement {
    const struct od_image_broker **v;
    int n;
};

struct od_placement od_step_placement(struct od_step *s);
/* Always false. */
bool od_step_refuse_assignment(struct od_step *s, struct od_item_reply *out, const char *what,
                               int32_t partition);
/* Replicas exist and are told once; at least one is live. */
bool od_step_check_replicas(struct od_step *s, const struct od_new_assignment *a,
                            struct od_item_reply *out);
/* A new partition: every live replica is in sync, the first of them leads. */
void od_step_add_partition(struct od_step *s, struct od_uuid topic_id, int32_t index,
                           const int32_t *replicas, int32_t replica_count);
/* Places partitions first to end - 1, each with so many replicas; there are as many brokers. */
void od_step_place(struct od_step *s, const struct od_placement *live, struct od_uuid topic_id,
                   int32_t first, int32_t end, int16_t factor);

void od_step_register_broker(struct od_step *s, const struct od_register_broker *c);
void od_step_heartbeat(struct od_step *s, const struct od_heartbeat *c);
void od_step_create_topics(struct od_step *s, const struct od_create_topics *c);
void od_step_delete_topics(struct od_step *s, const struct od_delete_topics *c);
void od_step_alter_configs(struct od_step *s, const struct od_alter_configs *c);
void od_step_alter_partitions(struct od_step *s, const struct od_alter_partitions *c);
void od_step_create_partitions(struct od_step *s, const struct od_create_partitions *c);
void od_step_elect_leaders(struct od_step *s, const struct od_elect_leaders *c);
void od_step_reassign(struct od_step *s, const struct od_reassign *c);
void od_step_update_features(struct od_step *s, const struct od_update_features *c);
void od_step_allocate_producer_ids(struct od_step *s, const struct od_allocate_producer_ids *c);
