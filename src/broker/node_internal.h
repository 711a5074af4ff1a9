/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the node share: its way up and down, and opening partitions. */
#pragma once

#include "broker/cleaner.h"
#include "broker/housekeeping.h"
#include "broker/node.h"
#include "meta/life.h"
#include "net/listener.h"

struct od_drain {
    struct od_shard *shard;
    struct od_post order;  /* to the shard */
    struct od_post report; /* back to reactor 0 */
};

/* Used on reactor 0, except stop_asked. */
struct od_node_life {
    struct od_node *node;
    struct od_broker_life broker;
    struct od_register_broker registration;
    struct od_uuid directory;
    struct od_post begin;
    struct od_post stop;
    _Atomic bool stop_asked;
    bool registered;
    int draining; /* shards that still have connections */
    struct od_drain drains[OD_NODE_SHARDS_MAX];
    struct od_timer wait;
    struct od_housekeeping housekeeping;
    struct od_cleaner cleaner;
};

/* od_controller_options.open: carries a delta out on the local partitions. */
void od_node_open(void *ctx, const struct od_image *image, const struct od_image_delta *delta);
/* Opens every local partition of the image that was loaded, then calls opened. */
void od_node_open_loaded(struct od_node *n, void (*opened)(struct od_node *n));
/* On reactor 0.  Tries again to open what there was no room for. */
void od_node_open_again(struct od_node *n);
bool od_node_opening(const struct od_node *n); /* an open is out with a helper */
void od_node_close_listeners(struct od_node *n);
/* After the threads have ended. */
void od_node_close_partitions(struct od_node *n);
