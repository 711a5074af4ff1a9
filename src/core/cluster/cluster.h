/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The controller as a pure machine: a command and the image go in, a reply and the records that
 * carry it out come out.  od_cluster_step only reads; the records take effect when od_edit_apply is
 * given them, and the reply may be told when they are durable.  No records: nothing to wait for.
 *
 * Invariants
 * 1. A leader's epoch and a partition's epoch never fall; each change of a partition raises its
 *    partition epoch, each new grant of leadership its leader epoch.
 * 2. The in-sync set is a non-empty subset of the replicas and, while there is a leader, holds it.
 * 3. A command from an old registration of a broker changes nothing.
 * 4. A topic id is never used twice; a name belongs to at most one topic.
 */
#pragma once

#include "base/arena.h"
#include "base/text.h"
#include "core/cluster/image.h"
#include "core/cluster/record.h"

enum {
    OD_TOPIC_NAME_MAX = 249,
    OD_CREATE_PARTITIONS_MAX = 10000, /* one command creates at most so many, as in Kafka */
    OD_ALTER_RESOURCES_MAX = 1000,    /* whose settings one command changes */
    OD_SETTING_BYTES_MAX = 32767,     /* of a value, as in Kafka */
    OD_TOPIC_PARTITIONS_MAX = 1000000,
    OD_PRODUCER_IDS_BLOCK = 1000,     /* ids in a block, as in Kafka */
    OD_ELECTIONS_MAX = 10000,         /* one command elects at most so many leaders */
};

enum od_command_kind {
    OD_COMMAND_REGISTER_BROKER,
    OD_COMMAND_HEARTBEAT,
    OD_COMMAND_CREATE_TOPICS,
    OD_COMMAND_DELETE_TOPICS,
    OD_COMMAND_ALTER_CONFIGS,
    OD_COMMAND_ALTER_PARTITIONS,
    OD_COMMAND_CREATE_PARTITIONS,
    OD_COMMAND_ELECT_LEADERS,
    OD_COMMAND_REASSIGN,
    OD_COMMAND_UPDATE_FEATURES,
    OD_COMMAND_ALLOCATE_PRODUCER_IDS,
};

/* Answers: the broker epoch in reply.broker_epoch.  The broker starts fenced. */
struct od_register_broker {
    int32_t id;
    struct od_uuid incarnation;
    struct od_str rack; /* null: none */
    int endpoint_count;
    const struct od_image_endpoint *endpoints;
    int feature_count;
    const struct od_image_feature *features;
    int directory_count;
    const struct od_uuid *directories;
    /*
     * The epoch of the registration that ended with a clean stop, from the clean-shutdown file; -1:
     * not stopped cleanly, and every partition the broker leads gets a new leader epoch.
     */
    int64_t previous_epoch;
};

struct od_heartbeat {
    int32_t id;
    int64_t broker_epoch;
    int64_t applied_offset; /* how far the broker has followed the metadata log */
    bool want_fence;        /* false: unfence it once it has caught up with its registration */
    bool want_shut_down;
};

struct od_new_assignment {
    int32_t partition;
    int32_t replica_count;
    const int32_t *replicas;
};

struct od_new_topic {
    struct od_str name;
    int32_t partitions;         /* -1: the default, or as the assignments say */
    int16_t replication_factor; /* -1 likewise */
    int assignment_count;
    const struct od_new_assignment *assignments;
    int setting_count;
    const struct od_image_setting *settings; /* a null value is refused */
    /* Internal topics: fewer live brokers than asked reduce the factor instead of failing. */
    bool fit_replication;
};

struct od_create_topics {
    int topic_count;
    const struct od_new_topic *topics;
    bool validate_only;
    int32_t default_partitions;         /* num.partitions */
    int16_t default_replication_factor; /* default.replication.factor */
};

/* One reply per topic that is named; one that is named twice is not deleted. */
struct od_delete_topics {
    int topic_count;
    const struct od_topic_ref {
        struct od_str name; /* null: by id */
        struct od_uuid id;
    } *topics;
    bool enabled; /* delete.topic.enable */
};

enum od_alter_op { OD_ALTER_SET, OD_ALTER_DELETE, OD_ALTER_APPEND, OD_ALTER_SUBTRACT };

struct od_alter_configs {
    int resource_count;
    const struct od_alter_resource {
        enum od_resource_type type;
        struct od_str name;
        bool replace; /* AlterConfigs of old: what is not named is deleted */
        int op_count;
        const struct od_alter_setting {
            struct od_str name;
            struct od_str value; /* null with DELETE */
            enum od_alter_op op;
        } *ops;
    } *resources;
    bool validate_only;
};

struct od_alter_partitions {
    int32_t broker_id;
    int64_t broker_epoch;
    int partition_count;
    const struct od_alter_partition {
        struct od_uuid topic_id;
        int32_t partition;
        int32_t leader_epoch;
        int32_t partition_epoch;
        bool recovering;
        int isr_count;
        const struct od_isr_member {
            int32_t id;
            int64_t broker_epoch; /* -1: not checked */
        } *isr;
    } *partitions;
};

/* One reply per name; one that is named twice is left as it was. */
struct od_create_partitions {
    int topic_count;
    const struct od_grown_topic {
        struct od_str name;
        int32_t count;        /* the new total */
        int assignment_count; /* -1: the controller chooses */
        const struct od_new_assignment *assignments; /* of the new partitions, in their order */
    } *topics;
    bool validate_only;
};

enum od_election { OD_ELECTION_PREFERRED, OD_ELECTION_UNCLEAN };

struct od_partition_name {
    struct od_str topic;
    int32_t partition;
};

struct od_elect_leaders {
    enum od_election election;
    bool all; /* every partition that needs it; replies for those only */
    int partition_count;
    const struct od_partition_name *partitions;
};

/* A single node moves nothing: only what is so already is accepted. */
struct od_reassign {
    bool factor_may_change;
    int partition_count;
    const struct od_reassignment {
        struct od_partition_name name;
        int32_t replica_count; /* -1: cancel */
        const int32_t *replicas;
    } *partitions;
};

enum od_upgrade { OD_UPGRADE = 1, OD_UPGRADE_SAFE_DOWNGRADE = 2, OD_UPGRADE_UNSAFE_DOWNGRADE = 3 };

/* All or nothing: the first refusal is the whole command's. */
struct od_update_features {
    int update_count;
    const struct od_feature_update {
        struct od_str name;
        int16_t level;
        int upgrade; /* enum od_upgrade, or what the client sent */
    } *updates;
    bool validate_only;
};

/* Answers: reply.producer_id and the OD_PRODUCER_IDS_BLOCK - 1 after it, never given out again. */
struct od_allocate_producer_ids {
    int32_t broker_id;
    int64_t broker_epoch;
};

struct od_command {
    enum od_command_kind kind;
    union {
        struct od_register_broker register_broker;
        struct od_heartbeat heartbeat;
        struct od_create_topics create_topics;
        struct od_delete_topics delete_topics;
        struct od_alter_configs alter_configs;
        struct od_alter_partitions alter_partitions;
        struct od_create_partitions create_partitions;
        struct od_elect_leaders elect_leaders;
        struct od_reassign reassign;
        struct od_update_features update_features;
        struct od_allocate_producer_ids allocate_producer_ids;
    };
};

/* One per item of the command, in its order, where the command says nothing else. */
struct od_item_reply {
    enum od_err err;
    const char *message; /* cause and knob, in the arena; NULL: none */
    struct od_uuid topic_id;
    struct od_str topic_name;      /* borrowed from the command, or in the arena */
    int32_t partition;             /* ELECT_LEADERS, REASSIGN: its index */
    int32_t partitions;            /* created topic, or what validate_only would create */
    int16_t replication_factor;
    /* ALTER_PARTITIONS: the state after it. */
    int32_t leader;
    int32_t leader_epoch;
    int32_t partition_epoch;
    bool recovering;
    int isr_count;
    const int32_t *isr;
};

struct od_command_reply {
    enum od_err err;      /* of the whole command; the items are then unset */
    const char *message;
    int64_t broker_epoch; /* REGISTER_BROKER */
    int64_t producer_id;  /* ALLOCATE_PRODUCER_IDS */
    bool fenced;          /* HEARTBEAT */
    bool caught_up;
    bool should_shut_down;
    int item_count;
    struct od_item_reply *items;
};

/* What comes with a command from outside of the machine. */
struct od_cluster_event {
    int64_t next_offset; /* where the first record will lie in the log */
    uint64_t random[2];  /* unpredictable; never the same twice */
};

/* What the machine asks of the driver's settings; constant. */
struct od_cluster_rules {
    void *ctx;
    /* May this be set on such a resource?  *why on refusal; *ignored: accept, store nothing. */
    enum od_err (*check_setting)(void *ctx, enum od_resource_type type, struct od_str name,
                                 struct od_str value, bool *ignored, struct od_text *why);
    /* APPEND and SUBTRACT only on these; *current is the value in force where none is stored. */
    bool (*is_list)(void *ctx, enum od_resource_type type, struct od_str name,
                    struct od_str *current);
    /* May the resource have all of these together?  NULL: always. */
    enum od_err (*check_resource)(void *ctx, enum od_resource_type type, struct od_str name,
                                  const struct od_image_setting *settings, int n,
                                  struct od_text *why);
};

/* Zero-initialise; the records live in the arena. */
struct od_record_list {
    struct od_metadata_record *v;
    int n;
    int capacity;
};

/* Everything in *reply and *records is in the arena or borrowed from the command. */
void od_cluster_step(const struct od_cluster_rules *rules, const struct od_image *image,
                     const struct od_command *command, const struct od_cluster_event *event,
                     struct od_arena *arena, struct od_command_reply *reply,
                     struct od_record_list *records);
/* The features that this program can run, sorted by name; a minimum of 0 means it may be off. */
enum { OD_FEATURES_KNOWN = 2 };
extern const struct od_image_feature od_features_known[OD_FEATURES_KNOWN];
/* The levels of one of them; false: it does not know the feature. */
bool od_feature_levels(struct od_str name, struct od_image_feature *out);
bool od_topic_name_is_legal(struct od_str name);
/* The records that begin a new metadata log: what level it needs. */
void od_cluster_bootstrap(struct od_arena *arena, struct od_record_list *records);
