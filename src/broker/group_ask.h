/* SPDX-License-Identifier: Apache-2.0 */
/* What the handlers of group APIs share: making an ask, ending a call with its answer. */
#pragma once

#include "broker/call.h"
#include "broker/coordinator.h"

/* Of GROUP: READ, DELETE, DESCRIBE, DESCRIBE_CONFIGS, ALTER_CONFIGS. */
enum { OD_GROUP_OPERATIONS = 1 << 3 | 1 << 6 | 1 << 8 | 1 << 10 | 1 << 11 };

/* In the call's arena; done ends the call.  The caller fills in request and answer. */
struct od_group_ask *od_group_ask_new(struct od_call *call, enum od_group_call_kind kind);

/*
 * Several groups in one call, asked for one after the other: an arena has one user at a time.  In
 * the call's arena; the caller sets call, kind, count, prepare, and after where it needs it.
 */
struct od_group_round {
    struct od_call *call;
    enum od_group_call_kind kind;
    int32_t count;
    /* Fills in request and answer of the i-th; the group it goes to. */
    struct od_str (*prepare)(struct od_group_round *round, int32_t i, struct od_group_call *call);
    void (*after)(struct od_group_round *round); /* before the call ends; may be NULL */
    int32_t next;
    bool sending, answered; /* an answer may come before the sending returns */
    struct od_group_ask ask;
};

/* On the call's shard; the call may be gone when it returns. */
void od_group_round_start(struct od_group_round *round);
