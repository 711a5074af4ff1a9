/* SPDX-License-Identifier: Apache-2.0 */
/* What running and loading a coordinator share. */
#pragma once

#include "broker/coordinator.h"
#include "broker/node.h"
#include "broker/shard.h"

enum od_coordinator_state {
    OD_COORDINATOR_LOADING,
    OD_COORDINATOR_READY,
    OD_COORDINATOR_FAILED,
    OD_COORDINATOR_CLOSED,
};

struct od_coordinator {
    struct od_shard *home;
    struct od_partition *partition; /* owns a reference */
    int32_t leader_epoch;           /* under which it loaded */
    enum od_coordinator_state state;
    struct od_group_shard *groups; /* while a load is out: the job's */
    struct od_group_rules rules;
    struct od_group_topics topics;

    /* What this turn has done so far. */
    bool in_turn;
    struct od_image *image; /* of the turn; owns a reference */
    struct od_post turn_end;
    struct od_arena arena;
    struct od_group_out out;

    struct od_list in_flight; /* group_append.link, oldest first */
    struct od_timer deadline;
    struct od_timer expiry;

    /* Loading: one piece after the other, read and replayed by a helper. */
    bool load_out;
    struct od_job load;
    struct od_plog_place place;
    struct od_timer retry;
    int64_t load_offset;
    int64_t load_end;
    enum od_err load_err;
};

/* Begins to load; od_coordinator_loaded or a retry follows. */
void od_coordinator_load(struct od_coordinator *c);
void od_coordinator_loaded(struct od_coordinator *c);
/* Frees a closed coordinator of which nothing is out; true: it is gone. */
bool od_coordinator_free_if_idle(struct od_coordinator *c);
