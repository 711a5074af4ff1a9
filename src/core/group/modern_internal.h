/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Consumer groups with server-side assignment (KIP-848): state, and its only writers.
 *
 * Everything here is replicated: a step puts records, and each is applied as it is put; replay
 * applies the same records.  Deadlines alone are soft, and begin anew after a restart.
 *
 * Of a member: epoch and the partitions it owns (assigned, and revoking until it has given them
 * back), and its target.  A partition is given to a member only when nobody owns it.
 */
#pragma once

#include "core/group/assignment.h"
#include "core/group/group_internal.h"

struct od_consumer_group_current_member_assignment_value;
struct od_consumer_group_member_metadata_value;
struct od_consumer_group_metadata_value;
struct od_consumer_group_regular_expression_value;
struct od_consumer_group_target_assignment_member_value;
struct od_consumer_group_target_assignment_metadata_value;

/* In the record of what a member owns, as Kafka numbers them. */
enum od_modern_state {
    OD_MODERN_STABLE = 0,
    OD_MODERN_UNREVOKED = 1,  /* has to give partitions back first */
    OD_MODERN_UNRELEASED = 2, /* waits for partitions that others still own */
};

enum { OD_MODERN_LEFT = -1, OD_MODERN_AWAY = -2 };

struct od_modern_member {
    struct od_link link; /* of od_modern.in_order */
    struct od_group *group;
    struct od_str id;
    bool described;            /* false: known from other records only, while loading */
    struct od_str instance_id; /* null: dynamic; of the following, null: none */
    struct od_str rack_id;
    struct od_str client_id;
    struct od_str client_host;
    struct od_str regex;
    struct od_str assignor;
    int32_t rebalance_timeout_ms;
    int32_t topic_count;
    struct od_str *topics; /* ascending; owned */
    int32_t epoch;
    int32_t previous_epoch;
    int8_t state;
    struct od_assignment assigned;
    struct od_assignment revoking;
    struct od_assignment target;
    struct od_deadline session;
    struct od_deadline rebalance;
};

/* Who owns the partitions of a topic. */
struct od_modern_owners {
    struct od_uuid id;
    int32_t count;
    struct od_modern_member **v;
};

/* What a regular expression stood for when it was last looked at. */
struct od_modern_regex {
    struct od_str text;
    int32_t topic_count;
    struct od_str *topics; /* ascending; owned */
    int64_t version;       /* of the topics; -1: from a record, to be looked at */
};

struct od_modern {
    int32_t epoch;
    int32_t assignment_epoch;
    int64_t metadata_hash;
    int64_t seen_version; /* of the topics that metadata_hash tells of; -1: none */
    struct od_map members;
    struct od_map statics;
    struct od_list in_order;
    struct od_map owners;
    struct od_map regexes;
};

/* --- modern_state.c  -- */

struct od_modern_member *od_modern_member(const struct od_group *g, struct od_str id);
struct od_modern_member *od_modern_static(const struct od_group *g, struct od_str instance_id);
struct od_modern_member *od_modern_owner(const struct od_group *g, struct od_uuid topic,
                                             int32_t partition); /* NULL: nobody */
struct od_modern_regex *od_modern_regex(const struct od_group *g, struct od_str text);
bool od_modern_reads(const struct od_group *g, const struct od_modern_member *m,
                       struct od_str topic);
bool od_modern_group_reads(const struct od_group *g, struct od_str topic);
void od_modern_free(struct od_group *g); /* accepts a group without one */
const char *od_modern_state_name(const struct od_group *g);
bool od_modern_is_empty(const struct od_group *g);

/* The writers: what one record says; NULL: its tombstone. */
void od_modern_apply_group(struct od_group *g, const struct od_consumer_group_metadata_value *v);
void od_modern_apply_member(struct od_group *g, struct od_str id,
                              const struct od_consumer_group_member_metadata_value *v);
void od_modern_apply_target_epoch(
    struct od_group *g, const struct od_consumer_group_target_assignment_metadata_value *v);
void od_modern_apply_target(struct od_group *g, struct od_str id,
                              const struct od_consumer_group_target_assignment_member_value *v,
                              struct od_arena *arena);
void od_modern_apply_current(struct od_group *g, struct od_str id,
                               const struct od_consumer_group_current_member_assignment_value *v,
                               struct od_arena *arena);
void od_modern_apply_regex(struct od_group *g, struct od_str text,
                             const struct od_consumer_group_regular_expression_value *v);

/* --- modern_record.c: puts a record and applies it  -- */

void od_modern_put_group(struct od_group_out *out, struct od_group *g, int32_t epoch,
                           int64_t metadata_hash);
void od_modern_put_member(struct od_group_out *out, struct od_group *g, struct od_str id,
                            const struct od_consumer_group_member_metadata_value *v);
void od_modern_put_target_epoch(struct od_group_out *out, struct od_group *g, int32_t epoch,
                                  int64_t wall_ms);
void od_modern_put_target(struct od_group_out *out, struct od_group *g, struct od_str id,
                            const struct od_assignment *target);
struct od_modern_current {
    int32_t epoch;
    int32_t previous_epoch;
    enum od_modern_state state;
    struct od_assignment assigned;
    struct od_assignment revoking;
};
void od_modern_put_current(struct od_group_out *out, struct od_group *g, struct od_str id,
                             const struct od_modern_current *c);
void od_modern_put_regex(struct od_group_out *out, struct od_group *g, struct od_str text,
                           int32_t count, struct od_str *topics, int64_t version, int64_t wall_ms);
void od_modern_drop_regex(struct od_group_out *out, struct od_group *g, struct od_str text);
void od_modern_drop_member(struct od_group_out *out, struct od_group *g, struct od_str id);
/* Tombstones of the group itself; it has no members. */
void od_modern_drop_group(struct od_group_out *out, struct od_group *g);
/* One of our record types: carried out, or skipped if it is none of them. */
enum od_err od_modern_replay(struct od_group_shard *s, int16_t type, struct od_reader *key,
                               struct od_bytes value, int16_t version, struct od_arena *arena);

/* --- modern.c, modern_target.c  -- */

void od_modern_heartbeat(struct od_group_shard *s, const struct od_group_event *ev,
                           struct od_group_call *call, struct od_group_out *out);
void od_modern_describe(struct od_group_shard *s, const struct od_group_event *ev,
                          struct od_group_call *call, struct od_group_out *out);
void od_modern_loaded(struct od_group *g, const struct od_group_event *ev);
/* The member goes; the others' next heartbeats see a new epoch. */
void od_modern_fence(struct od_modern_member *m, struct od_group_out *out);
/* Looks at the topics if they, or a subscription, changed; begins a new epoch if that matters. */
void od_modern_look_at_topics(struct od_group *g, const struct od_group_event *ev, bool changed,
                                struct od_group_out *out);
/* Brings the target up to the group's epoch. */
void od_modern_retarget(struct od_group *g, const struct od_group_event *ev,
                          struct od_group_out *out);
/* The assignor that most members name, or else the broker's first. */
struct od_str od_modern_assignor(const struct od_group *g, struct od_str otherwise);
/* What a committing or asking member's epoch deserves. */
enum od_err od_modern_check_epoch(const struct od_group *g, struct od_str member_id,
                                    int32_t epoch);
