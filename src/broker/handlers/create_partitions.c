/* SPDX-License-Identifier: Apache-2.0 */
/* CreatePartitions (api 37): translated into a command for the controller. */
#include "broker/handlers.h"

#include "broker/node.h"
#include "broker/shard.h"
#include "meta/controller.h"

/* In the call's arena; the request's strings outlive it. */
struct growth {
    struct od_controller_call call;
    struct od_call *from;
};

static void fill_failed(struct od_call *call, const struct od_command_reply *reply)
{
    const struct od_create_partitions_req *req = call->request;
    struct od_create_partitions_rsp *rsp = call->response;

    OD_ARENA_LIST(&call->arena, rsp->results, req->topics.n);
    for (int32_t i = 0; i < req->topics.n; i++) {
        rsp->results.v[i].name = req->topics.v[i].name;
        rsp->results.v[i].error_code = od_err_to_wire(reply->err);
        rsp->results.v[i].error_message = od_str_of(reply->message);
    }
}

static void grown(struct od_controller_call *cc)
{
    struct od_call *call = OD_CONTAINER(cc, struct growth, call)->from;
    struct od_create_partitions_rsp *rsp = call->response;

    if (cc->reply.err) {
        fill_failed(call, &cc->reply);
        od_call_finish(call);
        return;
    }
    OD_ARENA_LIST(&call->arena, rsp->results, cc->reply.item_count);
    for (int i = 0; i < cc->reply.item_count; i++) {
        rsp->results.v[i].name = cc->reply.items[i].topic_name;
        rsp->results.v[i].error_code = od_err_to_wire(cc->reply.items[i].err);
        rsp->results.v[i].error_message = od_str_of(cc->reply.items[i].message);
    }
    od_call_finish(call);
}

static void copy_topic(struct od_call *call, const struct od_create_partitions_req_topic *in,
                       struct od_grown_topic *out)
{
    struct od_new_assignment *to;
    int32_t n = in->assignments.n;

    *out = (struct od_grown_topic){ .name = in->name, .count = in->count, .assignment_count = n };
    if (n < 0)
        return;
    to = od_arena_alloc(&call->arena, sizeof(*to) * (size_t)n);
    for (int32_t i = 0; i < n; i++) {
        to[i].replica_count = in->assignments.v[i].broker_ids.n;
        to[i].replicas = in->assignments.v[i].broker_ids.v;
    }
    out->assignments = to;
}

enum od_done od_handle_create_partitions(struct od_call *call,
                                         const struct od_create_partitions_req *req,
                                         struct od_create_partitions_rsp *rsp)
{
    struct growth *g = od_arena_alloc(&call->arena, sizeof(*g));
    struct od_grown_topic *topics =
        od_arena_alloc(&call->arena, sizeof(*topics) * (size_t)req->topics.n);

    (void)rsp;
    for (int32_t i = 0; i < req->topics.n; i++)
        copy_topic(call, &req->topics.v[i], &topics[i]);
    g->from = call;
    g->call.arena = &call->arena;
    g->call.done = grown;
    g->call.timeout_ms = req->timeout_ms;
    g->call.command.kind = OD_COMMAND_CREATE_PARTITIONS;
    g->call.command.create_partitions = (struct od_create_partitions){
        .topic_count = req->topics.n, .topics = topics, .validate_only = req->validate_only
    };
    od_controller_submit(call->shard->node->controller, &g->call);
    return OD_PENDING;
}
