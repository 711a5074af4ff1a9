/* SPDX-License-Identifier: Apache-2.0 */
/* The drain at the end of a turn: what a turn's requests appended goes out in one write each. */
#include "broker/shard.h"

#include "base/assert.h"
#include "base/mem.h"
#include "broker/node.h"
#include "broker/partition.h"

static void drain_touched(struct od_post *post)
{
    struct od_shard *s = OD_CONTAINER(post, struct od_shard, drain);

    od_reactor_call(s->reactor, "drain");
    /* A drain may touch further partitions: they are appended and reached by this loop. */
    for (size_t i = 0; i < s->touched_count; i++) {
        od_partition_drain(s->touched[i], s);
        od_partition_unref(s->touched[i]);
    }
    s->touched_count = 0;
}

void od_shard_init(struct od_shard *s, struct od_node *node, int index)
{
    *s = (struct od_shard){ .node = node,
                            .index = index,
                            .drain.run = drain_touched,
                            .dirty.fire = od_dirty_look };
    od_list_init(&s->parked);
    od_producer_ids_init(&s->producer_ids, s);
}

void od_shard_touch(struct od_shard *s, struct od_partition *p)
{
    if (s->touched_count == s->touched_capacity) {
        s->touched_capacity = s->touched_capacity ? s->touched_capacity * 2 : 64;
        s->touched = od_realloc(s->touched, s->touched_capacity * sizeof(struct od_partition *));
    }
    s->touched[s->touched_count++] = p;
    if (s->touched_count == 1)
        od_reactor_at_turn_end(s->reactor, &s->drain);
}

struct od_shard *od_shard_current(struct od_node *node)
{
    struct od_reactor *r = od_reactor_current();

    OD_ASSERT(r && od_reactor_index(r) < node->shard_count);
    return &node->shards[od_reactor_index(r)];
}
