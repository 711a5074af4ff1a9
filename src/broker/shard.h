/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A shard: one reactor and all that it owns: connections, fetch sessions, calls.  Everything here
 * is touched by the shard's own thread only.
 */
#pragma once

#include "base/list.h"
#include "broker/coordinator.h"
#include "broker/producer_ids.h"
#include "core/fetch/session.h"
#include "os/helpers.h"
#include "os/reactor.h"

struct od_call;
struct od_net;
struct od_node;
struct od_partition;
struct od_thread;

struct od_shard {
    struct od_node *node;
    int index;
    struct od_reactor *reactor;
    struct od_thread *thread; /* NULL: runs on the thread that started the node */
    struct od_net *net;
    struct od_fetch_cache fetches;
    struct od_coordinators coordinators;
    struct od_list parked; /* fetches in long poll: od_fetch_call.link */

    /* Partitions whose append list this shard made non-empty in this turn; each a reference. */
    struct od_partition **touched;
    size_t touched_count;
    size_t touched_capacity;
    struct od_post drain;
    struct od_timer dirty; /* set while producers are stopped for dirty bytes */

    struct od_producer_ids producer_ids;

    struct od_call *spare_calls; /* at most OD_CALLS_KEPT_MAX, linked by next */
    int spare_count;
    _Atomic int calls_alive; /* written by the shard, read by reactor 0 at the stop */
    bool draining;           /* the node stops: nothing waits any more */
};

void od_shard_init(struct od_shard *s, struct od_node *node, int index);
/* Remembers to drain the partition at the end of this turn; takes over the reference. */
void od_shard_touch(struct od_shard *s, struct od_partition *p);
/* The shard whose thread is running. */
struct od_shard *od_shard_current(struct od_node *node);
