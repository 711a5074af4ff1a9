/* SPDX-License-Identifier: Apache-2.0 */
/* Metadata (api 3): the brokers, and what is known of the topics asked for. */
#include "broker/handlers.h"

#include "broker/auto_create.h"
#include "broker/node.h"
#include "broker/operations.h"
#include "broker/shard.h"

static void list_replicas(struct od_arena *arena, const struct od_image_partition *p,
                          struct od_metadata_rsp_partition *out)
{
    OD_ARENA_LIST(arena, out->replica_nodes, p->replica_count);
    for (int32_t i = 0; i < p->replica_count; i++)
        out->replica_nodes.v[i] = p->replicas[i];
    OD_ARENA_LIST(arena, out->isr_nodes, p->isr_count);
    for (int32_t i = 0; i < p->isr_count; i++)
        out->isr_nodes.v[i] = p->isr[i];
}

static void fill_topic(struct od_call *call, const struct od_image_topic *topic,
                       struct od_metadata_rsp_topic *out)
{
    const struct od_metadata_req *req = call->request;

    out->error_code = OD_NONE;
    out->name = od_str_of(od_arena_printf(&call->arena, "%.*s", OD_STR_ARGS(topic->name)));
    out->topic_id = topic->id;
    out->is_internal = od_topic_is_internal(topic->name);
    out->topic_authorized_operations =
        req->include_topic_authorized_operations ? OD_OPERATIONS_TOPIC : OD_OPERATIONS_NOT_ASKED;
    OD_ARENA_LIST(&call->arena, out->partitions, topic->partition_count);
    for (int32_t i = 0; i < topic->partition_count; i++) {
        const struct od_image_partition *p = od_image_partition_find(topic, i);
        struct od_metadata_rsp_partition *part = &out->partitions.v[i];

        part->partition_index = i;
        part->error_code = p->leader == OD_NO_LEADER ? OD_LEADER_NOT_AVAILABLE : OD_NONE;
        part->leader_id = p->leader;
        part->leader_epoch = p->leader_epoch;
        list_replicas(&call->arena, p, part);
    }
}

static void fill_unknown(struct od_metadata_rsp_topic *out, enum od_err err, struct od_str name,
                         struct od_uuid id)
{
    out->error_code = od_err_to_wire(err);
    out->name = name;
    out->topic_id = id;
    out->topic_authorized_operations = OD_OPERATIONS_NOT_ASKED;
    out->partitions.n = 0;
}

static void fill_by_id(struct od_call *call, const struct od_image *image, struct od_uuid id,
                       struct od_metadata_rsp_topic *out)
{
    const struct od_image_topic *topic = od_image_topic_by_id(image, id);

    if (topic)
        fill_topic(call, topic, out);
    else
        fill_unknown(out, OD_UNKNOWN_TOPIC_ID, OD_STR_NULL, id);
}

static void fill_by_name(struct od_call *call, const struct od_image *image, struct od_str name,
                         struct od_auto_create **missing, struct od_metadata_rsp_topic *out)
{
    const struct od_metadata_req *req = call->request;
    const struct od_image_topic *topic = od_image_topic_find(image, name);
    enum od_err err = OD_UNKNOWN_TOPIC_OR_PARTITION;

    if (topic) {
        fill_topic(call, topic, out);
        return;
    }
    if (!od_topic_name_valid(name))
        err = OD_INVALID_TOPIC_EXCEPTION;
    fill_unknown(out, err, name, OD_UUID_ZERO);
    if (req->include_topic_authorized_operations)
        out->topic_authorized_operations = OD_OPERATIONS_TOPIC;
    if (err == OD_UNKNOWN_TOPIC_OR_PARTITION && req->allow_auto_topic_creation &&
        call->shard->node->config.auto_create_topics_enable)
        od_auto_create_add(missing, call->shard->node, name);
}

/* Room for n topics; an answer may be many times its request, so the budget is asked. */
static bool make_room(struct od_call *call, struct od_metadata_rsp *rsp, int32_t n)
{
    rsp->topics.n = n;
    rsp->topics.v = od_arena_try(&call->arena, sizeof(*rsp->topics.v) * (size_t)n);
    if (!rsp->topics.v)
        od_call_refuse(call, "the answer passes the memory budget (queued.max.request.bytes)");
    return rsp->topics.v;
}

static void list_all_topics(struct od_call *call, const struct od_image *image,
                            struct od_metadata_rsp *rsp)
{
    const struct od_image_topic *topic;
    struct od_pmap_walk walk = { 0 };
    int32_t n = 0;

    while (od_image_topic_next(image, &walk))
        n++;
    if (!make_room(call, rsp, n))
        return;
    walk = (struct od_pmap_walk){ 0 };
    for (n = 0; (topic = od_image_topic_next(image, &walk)); n++)
        fill_topic(call, topic, &rsp->topics.v[n]);
}

/* Where one topic has an id, names do not count. */
static bool asks_by_id(const struct od_metadata_req *req)
{
    for (int32_t i = 0; i < req->topics.n; i++)
        if (!od_uuid_is_zero(req->topics.v[i].topic_id))
            return true;
    return false;
}

static void list_asked_topics(struct od_call *call, const struct od_image *image,
                              struct od_metadata_rsp *rsp)
{
    const struct od_metadata_req *req = call->request;
    struct od_auto_create *missing = NULL;
    bool by_id = asks_by_id(req);
    int32_t n = 0;

    if (!make_room(call, rsp, req->topics.n))
        return;
    for (int32_t i = 0; i < req->topics.n; i++) {
        const struct od_metadata_req_topic *t = &req->topics.v[i];

        if (!by_id)
            fill_by_name(call, image, t->name, &missing, &rsp->topics.v[n++]);
        else if (!od_uuid_is_zero(t->topic_id))
            fill_by_id(call, image, t->topic_id, &rsp->topics.v[n++]);
    }
    rsp->topics.n = n;
    od_auto_create_submit(missing);
}

/* True if a topic has neither a name nor an id, or an id in a version that cannot look it up. */
static bool is_invalid(const struct od_call *call, const struct od_metadata_req *req)
{
    bool by_id = asks_by_id(req), named = true;

    for (int32_t i = 0; i < req->topics.n; i++)
        named = named && req->topics.v[i].name.data;
    return call->header.api_version < 12 ? by_id || !named : !by_id && !named;
}

/* Before version 13 only topics have an error. */
static void refuse(struct od_call *call, const struct od_metadata_req *req,
                   struct od_metadata_rsp *rsp)
{
    rsp->error_code = OD_INVALID_REQUEST;
    if (!make_room(call, rsp, req->topics.n))
        return;
    for (int32_t i = 0; i < req->topics.n; i++) {
        const struct od_metadata_req_topic *t = &req->topics.v[i];

        fill_unknown(&rsp->topics.v[i], OD_INVALID_REQUEST, t->name.data ? t->name : OD_STR(""),
                     t->topic_id);
    }
}

enum od_done od_handle_metadata(struct od_call *call, const struct od_metadata_req *req,
                                struct od_metadata_rsp *rsp)
{
    struct od_node *node = call->shard->node;
    struct od_image *image;

    if (is_invalid(call, req)) {
        refuse(call, req, rsp);
        return OD_DONE;
    }
    OD_ARENA_LIST(&call->arena, rsp->brokers, 1);
    rsp->brokers.v[0].node_id = node->id;
    od_call_endpoint(call, &rsp->brokers.v[0].host, &rsp->brokers.v[0].port);
    rsp->brokers.v[0].rack = od_str_of(node->config.broker_rack);
    rsp->cluster_id = od_str_of(node->cluster_id);
    rsp->controller_id = node->id;
    if (req->include_cluster_authorized_operations)
        rsp->cluster_authorized_operations = OD_OPERATIONS_CLUSTER;
    image = od_image_acquire(&node->image);
    if (req->topics.n < 0 || (req->topics.n == 0 && call->header.api_version == 0))
        list_all_topics(call, image, rsp);
    else
        list_asked_topics(call, image, rsp);
    od_image_unref(image);
    return OD_DONE;
}
