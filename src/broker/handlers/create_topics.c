/* SPDX-License-Identifier: Apache-2.0 */
/* CreateTopics (api 19): translated into a command for the controller. */
#include "broker/handlers.h"

#include "broker/node.h"
#include "broker/shard.h"
#include "meta/controller.h"

/* In the call's arena; the request's strings outlive it. */
struct creation {
    struct od_controller_call call;
    struct od_call *from;
};

static void copy_assignments(struct od_call *call, const struct od_create_topics_req_topic *in,
                             struct od_new_topic *out)
{
    struct od_new_assignment *to =
        od_arena_alloc(&call->arena, sizeof(*to) * (size_t)in->assignments.n);

    for (int32_t i = 0; i < in->assignments.n; i++) {
        to[i].partition = in->assignments.v[i].partition_index;
        to[i].replica_count = in->assignments.v[i].broker_ids.n;
        to[i].replicas = in->assignments.v[i].broker_ids.v;
    }
    out->assignment_count = in->assignments.n;
    out->assignments = to;
}

static void copy_settings(struct od_call *call, const struct od_create_topics_req_topic *in,
                          struct od_new_topic *out)
{
    struct od_image_setting *to = od_arena_alloc(&call->arena, sizeof(*to) * (size_t)in->configs.n);

    for (int32_t i = 0; i < in->configs.n; i++) {
        to[i].name = in->configs.v[i].name;
        to[i].value = in->configs.v[i].value;
    }
    out->setting_count = in->configs.n;
    out->settings = to;
}

static void created(struct od_controller_call *cc)
{
    struct creation *c = OD_CONTAINER(cc, struct creation, call);
    struct od_call *call = c->from;
    const struct od_create_topics_req *req = call->request;
    struct od_create_topics_rsp *rsp = call->response;

    OD_ARENA_LIST(&call->arena, rsp->topics, req->topics.n);
    for (int32_t i = 0; i < req->topics.n; i++) {
        struct od_create_topics_rsp_topic *out = &rsp->topics.v[i];
        const struct od_item_reply *item = cc->reply.err ? NULL : &cc->reply.items[i];

        out->name = req->topics.v[i].name;
        out->error_code = od_err_to_wire(item ? item->err : cc->reply.err);
        out->error_message = od_str_of(item ? item->message : cc->reply.message);
        out->num_partitions = -1;
        out->replication_factor = -1;
        out->configs.n = 0;
        if (item && !item->err) {
            out->topic_id = item->topic_id;
            out->num_partitions = item->partitions;
            out->replication_factor = item->replication_factor;
        }
    }
    od_call_finish(call);
}

enum od_done od_handle_create_topics(struct od_call *call, const struct od_create_topics_req *req,
                                     struct od_create_topics_rsp *rsp)
{
    struct od_node *node = call->shard->node;
    struct creation *c = od_arena_alloc(&call->arena, sizeof(*c));
    struct od_new_topic *topics =
        od_arena_alloc(&call->arena, sizeof(*topics) * (size_t)req->topics.n);

    (void)rsp;
    for (int32_t i = 0; i < req->topics.n; i++) {
        topics[i].name = req->topics.v[i].name;
        topics[i].partitions = req->topics.v[i].num_partitions;
        topics[i].replication_factor = req->topics.v[i].replication_factor;
        copy_assignments(call, &req->topics.v[i], &topics[i]);
        copy_settings(call, &req->topics.v[i], &topics[i]);
    }
    c->from = call;
    c->call.arena = &call->arena;
    c->call.done = created;
    c->call.timeout_ms = req->timeout_ms;
    c->call.command.kind = OD_COMMAND_CREATE_TOPICS;
    c->call.command.create_topics = (struct od_create_topics){
        .topic_count = req->topics.n,
        .topics = topics,
        .validate_only = req->validate_only,
        .default_partitions = node->config.num_partitions,
        .default_replication_factor = (int16_t)node->config.default_replication_factor,
    };
    od_controller_submit(node->controller, &c->call);
    return OD_PENDING;
}
