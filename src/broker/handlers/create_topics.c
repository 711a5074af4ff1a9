/* SPDX-License-Identifier: Apache-2.0 */
/* CreateTopics (api 19): translated into a command for the controller. */
#include "broker/handlers.h"

#include "broker/node.h"
#include "broker/resources.h"
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

/* The settings of the topic as they are, or would be. */
static void fill_settings(struct od_call *call, const struct od_image *image,
                          const struct od_create_topics_req_topic *in,
                          struct od_create_topics_rsp_topic *out)
{
    struct od_layers layers = od_resource_layers(call, image);
    struct od_setting *own = od_arena_alloc(&call->arena, sizeof(*own) * (size_t)in->configs.n);
    struct od_topic_config *t;
    struct od_description about;

    for (int32_t i = 0; i < in->configs.n; i++)
        own[i] = (struct od_setting){ in->configs.v[i].name, in->configs.v[i].value };
    layers.own = own;
    layers.own_count = in->configs.n;
    t = od_topic_config_resolve_over(layers.defaults, own, in->configs.n);
    OD_ARENA_LIST(&call->arena, out->configs, OD_TOPIC_KEYS_MAX);
    out->configs.n = 0;
    for (int i = 0; i < OD_KEYS; i++) {
        const struct od_key_row *row = od_key_row((enum od_key)i);
        struct od_create_topics_rsp_config *to = &out->configs.v[out->configs.n];

        if (row->topic_index < 0 ||
            !od_describe_topic_key(&layers, t, row, &call->arena, &about))
            continue;
        out->configs.n++;
        to->name = od_str_of(about.name);
        to->value = about.value;
        to->read_only = about.read_only;
        to->config_source = (int8_t)about.source;
        to->is_sensitive = about.sensitive;
    }
    od_topic_config_unref(t);
}

static void created(struct od_controller_call *cc)
{
    struct creation *c = OD_CONTAINER(cc, struct creation, call);
    struct od_call *call = c->from;
    const struct od_create_topics_req *req = call->request;
    struct od_create_topics_rsp *rsp = call->response;
    struct od_image *image = od_image_acquire(&call->shard->node->image);

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
            if (call->header.api_version >= 5)
                fill_settings(call, image, &req->topics.v[i], out);
        }
    }
    od_image_unref(image);
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
