/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The group coordinator of one partition of __consumer_offsets: it drives core/group.
 *
 * Owned by the shard (partition mod shards) and touched by its thread only.  In one turn it steps
 * what arrives; at the turn's end the records form one batch; each answer, reads too, is held until
 * the high watermark passes the last record that was there when the answer was made.  When an
 * append fails, the groups are dropped and loaded again.
 *
 *      LOADING --all read--> READY --append failed--> FAILED --nothing in flight--> LOADING
 *      any state --closed--> CLOSED, and freed when nothing is out any more
 */
#pragma once

#include "broker/partition.h"
#include "core/group/shard.h"
#include "os/helpers.h"

struct od_call;
struct od_coordinator;

/* A call on its way to its coordinator and back.  Lies in the call's arena. */
struct od_group_ask {
    struct od_group_call call;
    struct od_call *from; /* touched by its own shard only, but for its arena and frame */
    int32_t partition;
    struct od_post post;
    void (*done)(struct od_group_ask *ask); /* on from's shard, exactly once */
};

/*
 * Sends the ask to the coordinator of the group; from its shard.  Errors reach the answer:
 * COORDINATOR_NOT_AVAILABLE (no offsets topic yet, or stopping), COORDINATOR_LOAD_IN_PROGRESS,
 * NOT_COORDINATOR.  May be done before this returns.
 */
void od_group_ask_send(struct od_group_ask *ask, struct od_str group_id);

/* What each shard owns. */
struct od_coordinators {
    struct od_coordinator **v; /* by partition; NULL: not ours, or not there */
    int32_t count;
    bool closing; /* the node stops */
};

/* Reactor 0: this broker leads the partition of the offsets topic, or leads it anew. */
void od_coordinators_assigned(struct od_node *node, struct od_partition *p);
/* Reactor 0: the partition is gone from this broker. */
void od_coordinators_lost(struct od_node *node, struct od_partition *p);
/* Reactor 0: a topic was deleted, and what groups committed for it is forgotten. */
void od_coordinators_topic_deleted(struct od_node *node, struct od_str topic);
/* On the shard: no more calls are taken, those that wait are answered. */
void od_coordinators_close(struct od_shard *shard);
void od_coordinators_deinit(struct od_coordinators *cs); /* all are gone */

/* On the shard: the coordinator of a partition when it is ready; else the error to tell. */
struct od_group_shard *od_coordinator_groups(struct od_shard *shard, int32_t partition,
                                             enum od_err *err);

bool od_topic_is_offsets(struct od_str name);
