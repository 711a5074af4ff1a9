/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Producer ids for a shard's clients, out of blocks that the controller gave to this broker.  Each
 * shard has a block of its own; a block is in the metadata log before an id of it is given out, and
 * what is left of one at the stop is never used.  Owned by the shard.
 */
#pragma once

#include "base/arena.h"
#include "base/list.h"
#include "meta/controller.h"

struct od_shard;

/* A call that waits for an id: at most one per connection. */
struct od_producer_id_wait {
    struct od_link link;
    /* On the shard, once; OD_NONE and an id, or why there is none. */
    void (*done)(struct od_producer_id_wait *w, enum od_err err, int64_t producer_id);
};

struct od_producer_ids {
    struct od_shard *shard;
    int64_t next, end; /* ids left: [next, end) */
    bool asking;
    struct od_list waiting; /* od_producer_id_wait.link */
    struct od_arena arena;  /* of the command */
    struct od_controller_call call;
};

void od_producer_ids_init(struct od_producer_ids *ids, struct od_shard *shard);
/* Calls done, perhaps at once. */
void od_producer_ids_take(struct od_producer_ids *ids, struct od_producer_id_wait *w);
