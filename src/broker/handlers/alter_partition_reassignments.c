/* SPDX-License-Identifier: Apache-2.0 */
/* AlterPartitionReassignments (api 45): a single node accepts what changes nothing. */
#include "broker/handlers.h"

#include "broker/node.h"
#include "broker/shard.h"
#include "meta/controller.h"

struct move {
    struct od_controller_call call;
    struct od_call *from;
};

static void fill(struct od_call *call, const struct od_command_reply *reply)
{
    const struct od_alter_partition_reassignments_req *req = call->request;
    struct od_alter_partition_reassignments_rsp *rsp = call->response;
    const struct od_item_reply *item = reply->items;

    OD_ARENA_LIST(&call->arena, rsp->responses, req->topics.n);
    for (int32_t i = 0; i < req->topics.n; i++) {
        const struct od_alter_partition_reassignments_req_topic *in = &req->topics.v[i];
        struct od_alter_partition_reassignments_rsp_topic *out = &rsp->responses.v[i];

        out->name = in->name;
        OD_ARENA_LIST(&call->arena, out->partitions, in->partitions.n);
        for (int32_t j = 0; j < in->partitions.n; j++, item++) {
            out->partitions.v[j].partition_index = in->partitions.v[j].partition_index;
            out->partitions.v[j].error_code = od_err_to_wire(item->err);
            out->partitions.v[j].error_message = od_str_of(item->message);
        }
    }
}

static void moved(struct od_controller_call *cc)
{
    struct move *m = OD_CONTAINER(cc, struct move, call);
    struct od_alter_partition_reassignments_rsp *rsp = m->from->response;

    if (cc->reply.err) {
        rsp->error_code = od_err_to_wire(cc->reply.err);
        rsp->error_message = od_str_of(cc->reply.message);
    } else {
        fill(m->from, &cc->reply);
    }
    od_call_finish(m->from);
}

static void name_partitions(struct od_call *call,
                            const struct od_alter_partition_reassignments_req *req,
                            struct od_reassign *c)
{
    struct od_reassignment *to;

    for (int32_t i = 0; i < req->topics.n; i++)
        c->partition_count += req->topics.v[i].partitions.n;
    to = od_arena_alloc(&call->arena, sizeof(*to) * (size_t)c->partition_count);
    c->partitions = to;
    for (int32_t i = 0; i < req->topics.n; i++)
        for (int32_t j = 0; j < req->topics.v[i].partitions.n; j++, to++) {
            const struct od_alter_partition_reassignments_req_partition *in =
                &req->topics.v[i].partitions.v[j];

            to->name = (struct od_partition_name){ req->topics.v[i].name, in->partition_index };
            to->replica_count = in->replicas.n;
            to->replicas = in->replicas.v;
        }
}

enum od_done
od_handle_alter_partition_reassignments(struct od_call *call,
                                        const struct od_alter_partition_reassignments_req *req,
                                        struct od_alter_partition_reassignments_rsp *rsp)
{
    struct move *m = od_arena_alloc(&call->arena, sizeof(*m));

    rsp->allow_replication_factor_change = req->allow_replication_factor_change;
    m->from = call;
    m->call.arena = &call->arena;
    m->call.done = moved;
    m->call.timeout_ms = req->timeout_ms;
    m->call.command.kind = OD_COMMAND_REASSIGN;
    m->call.command.reassign.factor_may_change = req->allow_replication_factor_change;
    name_partitions(call, req, &m->call.command.reassign);
    od_controller_submit(call->shard->node->controller, &m->call);
    return OD_PENDING;
}
