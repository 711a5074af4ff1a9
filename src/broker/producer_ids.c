/* SPDX-License-Identifier: Apache-2.0 */
/* Taking ids from the block, and asking for the next block when it is used up. */
#include "broker/producer_ids.h"

#include "base/log.h"
#include "broker/node.h"
#include "broker/shard.h"

static void serve(struct od_producer_ids *ids, enum od_err err)
{
    struct od_link *n;

    while ((err || ids->next < ids->end) && (n = od_list_pop(&ids->waiting))) {
        struct od_producer_id_wait *w = OD_CONTAINER(n, struct od_producer_id_wait, link);

        w->done(w, err, err ? -1 : ids->next++);
    }
}

static void ask(struct od_producer_ids *ids);

static void got_block(struct od_controller_call *call)
{
    struct od_producer_ids *ids = OD_CONTAINER(call, struct od_producer_ids, call);
    enum od_err err = call->reply.err;

    if (err) {
        od_log(OD_LOG_WARN, "broker", "no producer ids from the controller: %s",
               call->reply.message ? call->reply.message : od_err_text(err));
    } else {
        ids->next = call->reply.producer_id;
        ids->end = ids->next + OD_PRODUCER_IDS_BLOCK;
    }
    od_arena_reset(&ids->arena);
    ids->asking = false;
    serve(ids, err);
    if (!od_list_empty(&ids->waiting))
        ask(ids);
}

static void ask(struct od_producer_ids *ids)
{
    struct od_node *node = ids->shard->node;

    if (ids->asking)
        return;
    ids->asking = true;
    ids->call.arena = &ids->arena;
    ids->call.done = got_block;
    ids->call.command = (struct od_command){
        .kind = OD_COMMAND_ALLOCATE_PRODUCER_IDS,
        .allocate_producer_ids = { .broker_id = node->id, .broker_epoch = node->broker_epoch },
    };
    od_controller_submit(node->controller, &ids->call);
}

void od_producer_ids_init(struct od_producer_ids *ids, struct od_shard *shard)
{
    *ids = (struct od_producer_ids){ .shard = shard };
    od_list_init(&ids->waiting);
}

void od_producer_ids_take(struct od_producer_ids *ids, struct od_producer_id_wait *w)
{
    od_list_push(&ids->waiting, &w->link);
    serve(ids, OD_NONE);
    if (!od_list_empty(&ids->waiting))
        ask(ids);
}
