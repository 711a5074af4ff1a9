/* SPDX-License-Identifier: Apache-2.0 */
/* ElectLeaders (api 43): preferred or unclean elections; a command for the controller. */
#include "broker/handlers.h"

#include "broker/node.h"
#include "broker/shard.h"
#include "meta/controller.h"

struct election {
    struct od_controller_call call;
    struct od_call *from;
};

static void add_result(struct od_call *call, const struct od_item_reply *item)
{
    struct od_elect_leaders_rsp *rsp = call->response;
    struct od_elect_leaders_rsp_result *topic =
        rsp->replica_election_results.n
            ? &rsp->replica_election_results.v[rsp->replica_election_results.n - 1]
            : NULL;
    struct od_elect_leaders_rsp_partition *out;

    if (!topic || !od_str_eq(topic->topic, item->topic_name)) {
        od_call_grow(call, &rsp->replica_election_results.v, rsp->replica_election_results.n,
                     sizeof(*topic));
        topic = &rsp->replica_election_results.v[rsp->replica_election_results.n++];
        topic->topic = item->topic_name;
    }
    od_call_grow(call, &topic->partition_result.v, topic->partition_result.n, sizeof(*out));
    out = &topic->partition_result.v[topic->partition_result.n++];
    out->partition_id = item->partition;
    out->error_code = od_err_to_wire(item->err);
    out->error_message = item->message          ? od_str_of(item->message)
                         : item->err == OD_NONE ? OD_STR_NULL
                                                : od_str_of(od_err_text(item->err));
}

static void elected(struct od_controller_call *cc)
{
    struct election *e = OD_CONTAINER(cc, struct election, call);
    const struct od_elect_leaders *c = &cc->command.elect_leaders;
    struct od_elect_leaders_rsp *rsp = e->from->response;
    struct od_item_reply failed = { .err = cc->reply.err, .message = cc->reply.message };

    if (e->from->header.api_version >= 1)
        rsp->error_code = od_err_to_wire(cc->reply.err);
    for (int i = 0; !cc->reply.err && i < cc->reply.item_count; i++)
        add_result(e->from, &cc->reply.items[i]);
    for (int i = 0; cc->reply.err && i < c->partition_count; i++) {
        failed.topic_name = c->partitions[i].topic;
        failed.partition = c->partitions[i].partition;
        add_result(e->from, &failed);
    }
    od_call_finish(e->from);
}

static void name_partitions(struct od_call *call, const struct od_elect_leaders_req *req,
                            struct od_elect_leaders *c)
{
    struct od_partition_name *names;

    c->all = req->topic_partitions.n < 0;
    for (int32_t i = 0; i < req->topic_partitions.n; i++)
        c->partition_count += req->topic_partitions.v[i].partitions.n;
    names = od_arena_alloc(&call->arena, sizeof(*names) * (size_t)c->partition_count);
    c->partitions = names;
    for (int32_t i = 0; i < req->topic_partitions.n; i++)
        for (int32_t j = 0; j < req->topic_partitions.v[i].partitions.n; j++)
            *names++ = (struct od_partition_name){ req->topic_partitions.v[i].topic,
                                                   req->topic_partitions.v[i].partitions.v[j] };
}

enum od_done od_handle_elect_leaders(struct od_call *call, const struct od_elect_leaders_req *req,
                                     struct od_elect_leaders_rsp *rsp)
{
    struct election *e = od_arena_alloc(&call->arena, sizeof(*e));

    if (req->election_type < OD_ELECTION_PREFERRED || req->election_type > OD_ELECTION_UNCLEAN) {
        rsp->error_code = OD_INVALID_REQUEST; /* only from version 1 on there is a type */
        return OD_DONE;
    }
    e->from = call;
    e->call.arena = &call->arena;
    e->call.done = elected;
    e->call.timeout_ms = req->timeout_ms;
    e->call.command.kind = OD_COMMAND_ELECT_LEADERS;
    e->call.command.elect_leaders.election = (enum od_election)req->election_type;
    name_partitions(call, req, &e->call.command.elect_leaders);
    od_controller_submit(call->shard->node->controller, &e->call);
    return OD_PENDING;
}
