/* SPDX-License-Identifier: Apache-2.0 */
/* What the leader's and the follower's half of the replica machine share. */
#pragma once

#include "core/replica/replica.h"

struct od_replica_action *od_replica_act(struct od_replica_actions *out,
                                         enum od_replica_action_kind kind);

bool od_replica_isr_enough(const struct od_replica *r); /* for acks=all and the high watermark */

/* A follower's request may be served only under exactly our leader epoch. */
enum od_err od_replica_check_epoch(const struct od_replica *r, int32_t leader_epoch);

void od_leader_begin(struct od_replica *r, const struct od_replica_event *ev,
                     struct od_replica_actions *out);
void od_leader_truncated(struct od_replica *r, const struct od_replica_event *ev,
                         struct od_replica_actions *out);
void od_leader_fetched(struct od_replica *r, const struct od_replica_event *ev,
                       struct od_replica_actions *out);
void od_leader_isr_result(struct od_replica *r, const struct od_replica_event *ev,
                          struct od_replica_actions *out);
void od_leader_broker(struct od_replica *r, const struct od_replica_event *ev,
                      struct od_replica_actions *out);
void od_leader_tick(struct od_replica *r, int64_t now_ms, struct od_replica_actions *out);
int64_t od_leader_deadline_ms(const struct od_replica *r);
/* Moves the high watermark as far as the in-sync set allows. */
void od_leader_advance(struct od_replica *r, int64_t now_ms, struct od_replica_actions *out);

void od_follower_begin(struct od_replica *r, const struct od_replica_event *ev,
                       struct od_replica_actions *out);
void od_follower_appended(struct od_replica *r, struct od_replica_actions *out);
void od_follower_truncated(struct od_replica *r, struct od_replica_actions *out);
void od_follower_fetch_result(struct od_replica *r, const struct od_replica_event *ev,
                              struct od_replica_actions *out);
void od_follower_tick(struct od_replica *r, int64_t now_ms, struct od_replica_actions *out);
