/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of this folder share: a group, its members and its committed offsets. */
#pragma once

#include "base/map.h"
#include "core/common/deadlines.h"
#include "core/group/shard.h"
#include "wire/codec.h"

enum {
    /* A member that joins has no id to heartbeat with: it is given up after this, as in Kafka. */
    OD_GROUP_NEW_MEMBER_MS = 5 * 60 * 1000,
    OD_GROUP_UUID_TEXT = 36,
};

struct od_group_shard {
    uint64_t seed;
    uint64_t writes; /* offset records applied so far; orders them */
    struct od_map groups;
    struct od_deadlines deadlines;
    struct od_list pending; /* od_pending_offset.of_shard, in the order of the log */
};

enum od_group_state {
    OD_GROUP_EMPTY,
    OD_GROUP_PREPARING,
    OD_GROUP_COMPLETING,
    OD_GROUP_STABLE,
};

enum od_group_deadline {
    OD_GROUP_DUE_SESSION, /* of a member */
    OD_GROUP_DUE_PENDING, /* of a member id that was given out and not used yet */
    OD_GROUP_DUE_PHASE,   /* of a group: joining, or syncing, has taken its time */
    OD_GROUP_DUE_CONSUMER_SESSION,
    OD_GROUP_DUE_CONSUMER_REBALANCE, /* what a member must give back it still has */
};

struct od_group_protocol {
    struct od_str name;
    struct od_bytes metadata;
};

struct od_group_member {
    struct od_link link; /* of od_group.members_in_order */
    struct od_group *group;
    struct od_str id;
    struct od_str instance_id; /* null: dynamic */
    struct od_str client_id;
    struct od_str client_host;
    int32_t rebalance_timeout_ms;
    int32_t session_timeout_ms;
    int protocol_count;
    struct od_group_protocol *protocols; /* in the member's order of preference */
    struct od_bytes assignment;
    bool fresh;                 /* its first generation is not there yet: it cannot heartbeat */
    bool sync_missing;          /* of the generation that is being completed */
    struct od_group_call *join; /* parked */
    struct od_group_call *sync; /* parked */
    struct od_deadline session;
};

/* An id that was handed out with MEMBER_ID_REQUIRED. */
struct od_pending_member {
    struct od_group *group;
    struct od_str id;
    struct od_deadline expiry;
};

struct od_committed {
    int32_t partition;
    int32_t leader_epoch;
    int64_t offset;
    int64_t commit_wall_ms;
    int64_t expire_wall_ms; /* -1: by retention */
    uint64_t write;
    struct od_str metadata; /* owned */
    struct od_uuid topic_id;
};

struct od_group_topic {
    struct od_str name;
    int32_t count;
    int32_t capacity;
    struct od_committed *offsets; /* by partition */
};

/* Committed in a transaction that is still open. */
struct od_pending_offset {
    struct od_link of_shard;
    struct od_link of_group;
    int64_t producer_id;
    struct od_str group_id;
    struct od_str topic;
    struct od_committed value;
};

struct od_modern;

struct od_group {
    struct od_str id;
    struct od_group_shard *shard;
    struct od_map topics;   /* od_group_topic by name */
    struct od_list pending; /* od_pending_offset.of_group */

    enum od_group_state state;
    bool initial;          /* PREPARING its first generation: waits for more members */
    bool joined_meanwhile; /* since that wait began */
    int32_t wait_ms;       /* of the running wait, and what may be added to it */
    int32_t wait_left_ms;
    int32_t generation;
    int64_t state_wall_ms;       /* since when it is in this state; -1: unknown */
    struct od_str protocol_type; /* null: used for offsets only so far */
    struct od_str protocol;      /* null: none chosen */
    struct od_group_member *leader;
    struct od_map members;
    struct od_map statics; /* the members that have an instance id, by it */
    struct od_list members_in_order;
    struct od_map pending_members;
    int32_t joining_count; /* members with a parked join */
    int32_t sync_missing_count;
    struct od_deadline phase;
    struct od_modern *modern; /* NULL: a classic group, and all of the above counts */
};

/* Owned copies; od_group_give_back frees what data points to and leaves null. */
struct od_str od_group_keep(struct od_str s);
struct od_bytes od_group_keep_bytes(struct od_bytes b);
void od_group_give_back(struct od_str *s);
void od_group_give_back_bytes(struct od_bytes *b);
/* Copies that live in the call's arena. */
struct od_str od_group_lend(struct od_group_call *call, struct od_str s);
struct od_bytes od_group_lend_bytes(struct od_group_call *call, struct od_bytes b);
void od_group_answered(struct od_group_out *out, struct od_group_call *call);
/* All values of a map as they are now, so that the map may change meanwhile. */
struct od_any_list od_group_values(const struct od_map *m, struct od_arena *arena);

/* --- group.c  -- */

struct od_group *od_group_find(const struct od_group_shard *s, struct od_str id);
struct od_group *od_group_make(struct od_group_shard *s, struct od_str id);
/* Back to an empty classic group that has had no generation. */
void od_group_forget_generation(struct od_group *g);
void od_group_free(struct od_group *g); /* nobody is parked in it */
/* Frees a group that holds nothing; replicated is what a tombstone is needed for. */
bool od_group_holds_nothing(const struct od_group *g);

struct od_group_member *od_group_member(const struct od_group *g, struct od_str id);
struct od_group_member *od_group_static(const struct od_group *g, struct od_str instance_id);
struct od_group_member *od_group_add(struct od_group *g, struct od_str id,
                                     struct od_str instance_id);
/* Answers what the member has parked with the error and frees it. */
void od_group_remove(struct od_group *g, struct od_group_member *m, enum od_err err,
                     struct od_group_out *out);
void od_group_set_protocols(struct od_group_member *m, int count,
                            const struct od_group_protocol *protocols);
void od_group_set_assignment(struct od_group_member *m, struct od_bytes assignment);
struct od_bytes od_group_metadata_for(const struct od_group_member *m, struct od_str protocol);
int32_t od_group_size(const struct od_group *g);

struct od_pending_member *od_group_pending(const struct od_group *g, struct od_str id);
void od_group_add_pending(struct od_group *g, struct od_str id, int64_t due_ms);
void od_group_remove_pending(struct od_pending_member *p);

/* The error that a member's id and instance id deserve. */
enum od_err od_group_check_member(const struct od_group *g, struct od_str id,
                                  struct od_str instance_id);
/* A consumer group whose members' subscriptions name the topic. */
bool od_group_is_consumer(const struct od_group *g);
bool od_group_subscribes(const struct od_group *g, struct od_str topic);
bool od_group_is_empty(const struct od_group *g); /* of members */
const char *od_group_state_name(const struct od_group *g);

/* --- phase.c: the life of a generation ---------------------------------------------------------
 */

bool od_group_all_joined(const struct od_group *g);
/* The protocol most members prefer among those that all have; null: there is none. */
struct od_str od_group_choose(const struct od_group *g);
void od_group_rebalance(struct od_group *g, const struct od_group_event *ev,
                        struct od_group_out *out);
/* After a member went or joined: prepares a rebalance, or completes the one that is on. */
void od_group_changed(struct od_group *g, const struct od_group_event *ev,
                      struct od_group_out *out);
void od_group_phase_due(struct od_group *g, const struct od_group_event *ev,
                        struct od_group_out *out);
void od_group_session_due(struct od_group_member *m, const struct od_group_event *ev,
                          struct od_group_out *out);
void od_group_alive(struct od_group_member *m, int64_t now_ms); /* its session begins anew */
void od_group_to_state(struct od_group *g, enum od_group_state state, int64_t wall_ms);

/* --- answers ------------------------------------------------------------------------------------
 */

void od_group_answer_join(struct od_group_call *call, enum od_err err, struct od_str member_id,
                          struct od_group_out *out);
/* The generation as it stands; the leader learns its members when with_members. */
void od_group_answer_generation(struct od_group_call *call, const struct od_group_member *m,
                                bool with_members, struct od_group_out *out);
void od_group_answer_sync(struct od_group_call *call, enum od_err err, struct od_bytes assignment,
                          struct od_group_out *out);

/* --- one function per call ----------------------------------------------------------------------
 */

void od_group_join(struct od_group_shard *s, const struct od_group_event *ev,
                   struct od_group_call *call, struct od_group_out *out);
void od_group_sync(struct od_group_shard *s, const struct od_group_event *ev,
                   struct od_group_call *call, struct od_group_out *out);
void od_group_heartbeat(struct od_group_shard *s, const struct od_group_event *ev,
                        struct od_group_call *call, struct od_group_out *out);
void od_group_leave(struct od_group_shard *s, const struct od_group_event *ev,
                    struct od_group_call *call, struct od_group_out *out);
void od_group_commit(struct od_group_shard *s, const struct od_group_event *ev,
                     struct od_group_call *call, struct od_group_out *out);
void od_group_txn_commit(struct od_group_shard *s, const struct od_group_event *ev,
                         struct od_group_call *call, struct od_group_out *out);
void od_group_fetch(struct od_group_shard *s, struct od_group_call *call, struct od_group_out *out);
void od_group_delete_offsets(struct od_group_shard *s, struct od_group_call *call,
                             struct od_group_out *out);
void od_group_describe(struct od_group_shard *s, struct od_group_call *call,
                       struct od_group_out *out);
void od_group_delete(struct od_group_shard *s, struct od_group_call *call,
                     struct od_group_out *out);
/* Tombstones of the group, which has no members and no offsets, and frees it. */
void od_group_bury(struct od_group *g, struct od_group_out *out);

/* --- offsets.c ----------------------------------------------------------------------------------
 */

struct od_committed *od_offsets_find(const struct od_group *g, struct od_str topic,
                                     int32_t partition);
/* The only writer of committed offsets; metadata is copied. */
void od_offsets_set(struct od_group *g, struct od_str topic, const struct od_committed *value);
/* As a tombstone does: pending ones of the partition go as well. */
void od_offsets_remove(struct od_group *g, struct od_str topic, int32_t partition);
void od_offsets_add_pending(struct od_group_shard *s, int64_t producer_id, struct od_str group_id,
                            struct od_str topic, const struct od_committed *value);
bool od_offsets_is_pending(const struct od_group *g, struct od_str topic, int32_t partition);
void od_offsets_free(struct od_group *g);
/* Tombstones for those that have expired; true: none is left. */
bool od_offsets_expire(struct od_group *g, const struct od_group_event *ev,
                       struct od_group_out *out);
void od_offsets_delete_all(struct od_group *g, struct od_group_out *out);

/* --- record.c -----------------------------------------------------------------------------------
 */

void od_group_record_offset(struct od_group_out *out, struct od_str group, struct od_str topic,
                            const struct od_committed *value);
void od_group_record_no_offset(struct od_group_out *out, struct od_str group, struct od_str topic,
                               int32_t partition);
void od_group_record_generation(struct od_group_out *out, const struct od_group *g);
void od_group_record_no_group(struct od_group_out *out, struct od_str group);
/* A message behind its record type or version, in the arena. */
struct od_bytes od_group_record_encode(struct od_arena *arena, const struct od_codec *codec,
                                       int16_t prefix, int16_t version, const void *message);
void od_group_record_add(struct od_group_out *out, struct od_bytes key, struct od_bytes value);
