/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The groups of one partition of __consumer_offsets: their members, generations and committed
 * offsets.
 *
 * A call or the time goes in; records and answered calls come out.  The driver appends the records
 * as one batch, in order, and holds every answer of a step until what was recorded up to that step
 * is below the partition's high watermark.  If the append fails, or leadership is lost, the driver
 * drops the shard and loads it again: nothing here is ever undone.
 *
 *      classic group:
 *        EMPTY --join--> PREPARING --all joined, or time--> COMPLETING --sync of the leader-->
 * STABLE ^                 |  ^                               |                                |
 *          +-- all gone -----+  +-- join, leave, expiry --------+--------------------------------+
 *
 * What is replicated: committed offsets (written by replay and by commits through the same
 * function), and of a classic group its last finished generation.  Members that join are soft until
 * their generation is recorded, as in Kafka: a restart makes them join again.
 *
 * Owned by one thread.  Times: *_ms monotonic unless named wall.  A parked call belongs to the
 * shard until it comes back in the answered list; its memory is the caller's all the time.
 *
 * Cost: a group about 600 bytes, a member about 300 and its subscription and assignment, an offset
 * about 80 and its metadata.  A step is linear in what it answers; heartbeats are O(log members).
 */
#pragma once

#include "base/arena.h"
#include "base/list.h"
#include "base/str.h"
#include "base/uuid.h"

#include "base/err.h"

#include <stdbool.h>

struct od_consumer_group_describe_rsp_group;
struct od_consumer_group_heartbeat_req;
struct od_consumer_group_heartbeat_rsp;
struct od_delete_groups_rsp_result;
struct od_describe_groups_rsp_group;
struct od_group_shard;
struct od_heartbeat_req;
struct od_heartbeat_rsp;
struct od_join_group_req;
struct od_join_group_rsp;
struct od_leave_group_req;
struct od_leave_group_rsp;
struct od_list_groups_req;
struct od_list_groups_rsp_group;
struct od_offset_commit_req;
struct od_offset_commit_rsp;
struct od_offset_delete_req;
struct od_offset_delete_rsp;
struct od_offset_fetch_req_group;
struct od_offset_fetch_rsp_group;
struct od_sync_group_req;
struct od_sync_group_rsp;
struct od_txn_offset_commit_req;
struct od_txn_offset_commit_rsp;

/* Settings in force at the moment of a step. */
struct od_group_rules {
    int32_t session_timeout_ms_min;         /* group.min.session.timeout.ms */
    int32_t session_timeout_ms_max;         /* group.max.session.timeout.ms */
    int32_t initial_rebalance_delay_ms;     /* group.initial.rebalance.delay.ms */
    int32_t size_max;                       /* group.max.size */
    int32_t metadata_bytes_max;             /* offset.metadata.max.bytes */
    int64_t offsets_retention_ms;           /* offsets.retention.minutes */
    int32_t consumer_session_timeout_ms;    /* group.consumer.session.timeout.ms */
    int32_t consumer_heartbeat_interval_ms; /* group.consumer.heartbeat.interval.ms */
    int32_t consumer_size_max;              /* group.consumer.max.size */
    struct od_str consumer_assignor;        /* the first of group.consumer.assignors */
};

/* What a consumer group asks about topics; borrowed for the step. */
struct od_group_topics {
    void *ctx;
    int64_t version; /* another one when a topic may have come, gone or grown */
    bool (*find)(void *ctx, struct od_str name, struct od_uuid *id, int32_t *partitions);
    struct od_str (*name_of)(void *ctx, struct od_uuid id); /* null: unknown */
    void (*each)(void *ctx, void (*tell)(void *arg, struct od_str name), void *arg);
};

struct od_group_event {
    const struct od_group_rules *rules; /* borrowed for the step */
    const struct od_group_topics *topics;
    int64_t now_ms;
    int64_t wall_ms;
    uint64_t random[2]; /* unpredictable; never the same twice */
};

/* The commentary tells which partitions of a request count: the caller has filled in the answer's
 * topics and partitions in the request's order; those with an error already are left alone. */
enum od_group_call_kind {
    OD_GROUP_JOIN,
    OD_GROUP_SYNC,
    OD_GROUP_HEARTBEAT,
    OD_GROUP_LEAVE,
    OD_GROUP_COMMIT,     /* the answer is laid out by the caller, see above */
    OD_GROUP_TXN_COMMIT, /* likewise; the record batch carries the producer */
    OD_GROUP_FETCH,
    OD_GROUP_DELETE_OFFSETS, /* likewise laid out */
    OD_GROUP_DESCRIBE,
    OD_GROUP_DELETE,
    OD_GROUP_CONSUMER_HEARTBEAT,
    OD_GROUP_CONSUMER_DESCRIBE,
};

struct od_group_call {
    struct od_link link; /* of the shard's, or of the answered list */
    enum od_group_call_kind kind;
    int16_t version;         /* of the API */
    struct od_str client_id; /* null: none */
    struct od_str client_host;
    struct od_arena *arena; /* of the answer */
    /* Requests are borrowed until od_group_shard_call returns; answers have their defaults set. */
    union {
        struct {
            const struct od_join_group_req *req;
            struct od_join_group_rsp *rsp;
        } join;
        struct {
            const struct od_sync_group_req *req;
            struct od_sync_group_rsp *rsp;
        } sync;
        struct {
            const struct od_heartbeat_req *req;
            struct od_heartbeat_rsp *rsp;
        } heartbeat;
        struct {
            const struct od_leave_group_req *req;
            struct od_leave_group_rsp *rsp;
        } leave;
        struct {
            const struct od_offset_commit_req *req;
            struct od_offset_commit_rsp *rsp;
        } commit;
        struct {
            const struct od_txn_offset_commit_req *req;
            struct od_txn_offset_commit_rsp *rsp;
        } txn_commit;
        struct {
            const struct od_offset_fetch_req_group *req;
            struct od_offset_fetch_rsp_group *rsp;
            bool require_stable;
        } fetch;
        struct {
            const struct od_offset_delete_req *req;
            struct od_offset_delete_rsp *rsp;
        } delete_offsets;
        struct {
            struct od_str group_id;
            struct od_describe_groups_rsp_group *rsp;
        } describe;
        struct {
            struct od_str group_id;
            struct od_delete_groups_rsp_result *rsp;
        } remove;
        struct {
            const struct od_consumer_group_heartbeat_req *req;
            struct od_consumer_group_heartbeat_rsp *rsp;
        } consumer;
        struct {
            struct od_str group_id;
            struct od_consumer_group_describe_rsp_group *rsp;
        } consumer_describe;
    };
};

struct od_group_record {
    struct od_bytes key;
    struct od_bytes value; /* data NULL: a tombstone */
};

/* What a step asks for; zero but for arena and the list, which the caller sets up. */
struct od_group_out {
    struct od_arena *arena; /* of the records */
    struct od_group_record *records;
    int32_t record_count;
    int32_t record_capacity;
    /* The producer of a transactional commit: its records are a batch of their own. */
    int64_t producer_id; /* -1: none */
    int16_t producer_epoch;
    struct od_list answered; /* od_group_call.link */
};

/* The answer becomes the error alone; for calls that did not reach a shard, or whose records are
 * lost.  Partitions that have an error keep theirs. */
void od_group_call_fail(struct od_group_call *call, enum od_err err);

void od_group_out_init(struct od_group_out *out, struct od_arena *arena);

struct od_group_shard *od_group_shard_new(uint64_t seed);
/* No call is parked any more (od_group_shard_drop).  Accepts NULL. */
void od_group_shard_free(struct od_group_shard *s);
/* Answers every parked call with the error; the shard is only to be freed then. */
void od_group_shard_drop(struct od_group_shard *s, enum od_err err, struct od_group_out *out);

/* --- loading: each record of the partition in order, then loaded  -- */

/*
 * producer_id of the record's batch when it is transactional, else -1.  Records of unknown types
 * are skipped; OD_E_CORRUPT and the like: the record cannot be read and changed nothing.
 */
OD_MUST_USE enum od_err od_group_shard_replay(struct od_group_shard *s, struct od_bytes key,
                                              struct od_bytes value, int64_t producer_id);
/* A transaction that wrote to this partition has ended; while loading and afterwards. */
void od_group_shard_end_txn(struct od_group_shard *s, int64_t producer_id, bool commit);
/* All is read: members have their session timeout from now on; groups that are too large now begin
 * a rebalance. */
void od_group_shard_loaded(struct od_group_shard *s, const struct od_group_event *ev,
                           struct od_group_out *out);

/* --- running  -- */

void od_group_shard_call(struct od_group_shard *s, const struct od_group_event *ev,
                         struct od_group_call *call, struct od_group_out *out);
/* Carries out what is due; od_group_shard_deadline_ms tells when the next is. */
void od_group_shard_tick(struct od_group_shard *s, const struct od_group_event *ev,
                         struct od_group_out *out);
int64_t od_group_shard_deadline_ms(const struct od_group_shard *s); /* INT64_MAX: never */

/* Every offsets.retention.check.interval.ms: expired offsets and idle groups go. */
void od_group_shard_expire(struct od_group_shard *s, const struct od_group_event *ev,
                           struct od_group_out *out);
/* The topic is gone: what was committed for it goes too. */
void od_group_shard_topic_deleted(struct od_group_shard *s, struct od_str topic,
                                  struct od_group_out *out);

/*
 * The groups that pass the filters of ListGroups, into the arena: *list is the array.  States are
 * compared without regard to case.
 */
int32_t od_group_shard_list(const struct od_group_shard *s, const struct od_list_groups_req *filter,
                            struct od_arena *arena, struct od_list_groups_rsp_group **list);

/* Committed offsets, for lag: start with *cursor = 0; false at the end. */
struct od_group_lag {
    struct od_str group; /* borrowed until the next step */
    struct od_str topic;
    int32_t partition;
    int64_t offset;
};
int32_t od_group_shard_group_count(const struct od_group_shard *s);
void od_group_shard_each_offset(const struct od_group_shard *s,
                                void (*tell)(void *ctx, const struct od_group_lag *lag), void *ctx);

/* The partition of __consumer_offsets that a group belongs to, as Java's String.hashCode says. */
int32_t od_group_partition(struct od_str group_id, int32_t partitions);
