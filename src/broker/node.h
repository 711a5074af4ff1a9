/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A node: one broker with its controller, storage and threads, in one process.  The simulator runs
 * several nodes in one process; nothing of a node is global.
 */
#pragma once

#include "base/assert.h"
#include "base/budget.h"
#include "broker/dirty.h"
#include "broker/partitions.h"
#include "broker/shard.h"
#include "config/config.h"
#include "meta/controller.h"
#include "meta/image.h"
#include "meta/rules.h"
#include "meta/store.h"
#include "os/helpers.h"
#include "os/socket.h"
#include "storage/storage.h"

struct od_admission;
struct od_listener;
struct od_node_life;
struct od_opening;

enum { OD_NODE_SHARDS_MAX = 64, OD_NODE_LISTENERS_MAX = 16 };

struct od_node_options {
    const struct od_config *config; /* outlives the node */
    /* On reactor 0, once clients are served; bound has one address per listener. */
    void (*ready)(void *ctx, struct od_node *node, const struct od_address *bound, int count);
    /* On reactor 0, the last that is heard of it; not called when the start failed early. */
    void (*ended)(void *ctx);
    void *ctx;
};

enum od_node_state { OD_NODE_STARTING, OD_NODE_SERVING, OD_NODE_DRAINING };

struct od_node {
    struct od_config config; /* a view of the options': owns nothing */
    struct od_node_options options;
    int32_t id;
    const char *cluster_id; /* borrowed from storage */
    int64_t broker_epoch;   /* set before the first partition opens; reactor 0 */
    struct od_budget budget;
    struct od_storage *storage;
    struct od_helpers *helpers;
    struct od_meta_rules rules;
    struct od_image_holder image;
    struct od_meta_store *store;
    struct od_controller *controller;
    struct od_partitions partitions;
    struct od_dirty dirty;
    struct od_admission *admission;
    struct od_listener *listeners[OD_NODE_LISTENERS_MAX];
    int listener_count;
    struct od_shard shards[OD_NODE_SHARDS_MAX];
    int shard_count;
    enum od_node_state state;   /* reactor 0 */
    enum od_err result;         /* of the run; reactor 0 */
    _Atomic int jobs_out;       /* of partitions: flushes, removals, open coordinators */
    uint64_t incarnations;      /* partitions opened so far; reactor 0 */
    struct od_opening *opening; /* reactor 0; NULL: none is out */
    int unopened; /* reactor 0; partitions that had no room, to be tried again */
    struct od_image *next_image; /* reactor 0; owned; of a change that waits for such a try */
    const struct od_image_delta *next_delta;
    struct od_node_life *life;
};

/*
 * Runs a node on the calling thread and on further ones until od_node_stop, or until the start
 * fails.  OD_NONE after a clean stop.
 */
OD_MUST_USE enum od_err od_node_run(const struct od_node_options *options);
/* Any thread, between ready and the end of the run: drains, then stops.  Once is enough. */
void od_node_stop(struct od_node *node);
