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

static void fill_unknown(struct od_metadata_rsp_topic *out, enum od_err err,
                         const struct od_metadata_req_topic *asked)
{
    out->error_code = od_err_to_wire(err);
    out->name = asked->name;
    out->topic_id = asked->topic_id;
    out->topic_authorized_operations = OD_OPERATIONS_NOT_ASKED;
    out->partitions.n = 0;
}

static void fill_asked(struct od_call *call, const struct od_image *image,
                       const struct od_metadata_req_topic *asked, struct od_auto_create **missing,
                       struct od_metadata_rsp_topic *out)
{
    const struct od_metadata_req *req = call->request;
    struct od_node *node = call->shard->node;
    const struct od_image_topic *topic;

    if (!asked->name.data && !od_uuid_is_zero(asked->topic_id)) {
        topic = od_image_topic_by_id(image, asked->topic_id);
        if (topic)
            fill_topic(call, topic, out);
        else
            fill_unknown(out, OD_UNKNOWN_TOPIC_ID, asked);
        return;
    }
    topic = od_image_topic_find(image, asked->name);
    if (topic) {
        fill_topic(call, topic, out);
        return;
    }
    fill_unknown(out,
                 od_topic_name_valid(asked->name) ? OD_UNKNOWN_TOPIC_OR_PARTITION
                                                  : OD_INVALID_TOPIC_EXCEPTION,
                 asked);
    if (out->error_code == OD_UNKNOWN_TOPIC_OR_PARTITION && req->allow_auto_topic_creation &&
        node->config.auto_create_topics_enable)
        od_auto_create_add(missing, node, asked->name);
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

/* What no error field of the version can say; the answer is then only the error. */
static enum od_err check(const struct od_call *call, const struct od_metadata_req *req)
{
    for (int32_t i = 0; i < req->topics.n; i++) {
        const struct od_metadata_req_topic *t = &req->topics.v[i];

        if (!t->name.data && (call->header.api_version < 12 || od_uuid_is_zero(t->topic_id)))
            return OD_INVALID_REQUEST;
    }
    return OD_NONE;
}

enum od_done od_handle_metadata(struct od_call *call, const struct od_metadata_req *req,
                                struct od_metadata_rsp *rsp)
{
    struct od_node *node = call->shard->node;
    struct od_auto_create *missing = NULL;
    struct od_image *image;

    if (check(call, req)) {
        od_call_refuse(call, "a topic without a name");
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
    if (req->topics.n < 0 || (req->topics.n == 0 && call->header.api_version == 0)) {
        list_all_topics(call, image, rsp);
    } else if (make_room(call, rsp, req->topics.n)) {
        for (int32_t i = 0; i < req->topics.n; i++)
            fill_asked(call, image, &req->topics.v[i], &missing, &rsp->topics.v[i]);
        od_auto_create_submit(missing);
    }
    od_image_unref(image);
    return OD_DONE;
}
