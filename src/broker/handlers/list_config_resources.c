/* SPDX-License-Identifier: Apache-2.0 */
/* ListConfigResources (api 74): what has settings; version 0 knows client metrics only. */
#include "broker/handlers.h"

#include "broker/node.h"
#include "broker/resources.h"
#include "broker/shard.h"

static void add(struct od_call *call, struct od_str name, int type)
{
    struct od_list_config_resources_rsp *rsp = call->response;
    struct od_list_config_resources_rsp_resource *to;

    od_call_grow(call, &rsp->config_resources.v, rsp->config_resources.n,
                 sizeof(*rsp->config_resources.v));
    to = &rsp->config_resources.v[rsp->config_resources.n++];
    to->resource_name = od_str_of(od_arena_printf(&call->arena, "%.*s", OD_STR_ARGS(name)));
    to->resource_type = (int8_t)type;
}

static bool is_supported(int16_t version, int type)
{
    if (type == OD_RESOURCE_CLIENT_METRICS)
        return true;
    return version >= 1 && (type == OD_RESOURCE_TOPIC || type == OD_RESOURCE_BROKER ||
                            type == OD_RESOURCE_BROKER_LOGGER || type == OD_RESOURCE_GROUP);
}

static bool wants(const struct od_call *call, const struct od_list_config_resources_req *req,
                  int type)
{
    if (!is_supported(call->header.api_version, type))
        return false;
    for (int32_t i = 0; i < req->resource_types.n; i++)
        if (req->resource_types.v[i] == type)
            return true;
    return req->resource_types.n == 0;
}

static void list_stored(struct od_call *call, const struct od_list_config_resources_req *req,
                        const struct od_image *image)
{
    const struct od_image_resource *r;
    struct od_pmap_walk walk = { 0 };

    while ((r = od_image_resource_next(image, &walk)))
        if ((r->type == OD_RESOURCE_GROUP || r->type == OD_RESOURCE_CLIENT_METRICS) &&
            wants(call, req, (int)r->type))
            add(call, r->name, (int)r->type);
}

static void list_brokers(struct od_call *call, const struct od_list_config_resources_req *req,
                         const struct od_image *image)
{
    const struct od_image_broker *b;
    struct od_pmap_walk walk = { 0 };
    char id[12];

    while ((b = od_image_broker_next(image, &walk))) {
        snprintf(id, sizeof(id), "%d", b->id);
        if (wants(call, req, OD_RESOURCE_BROKER_LOGGER))
            add(call, od_str_of(id), OD_RESOURCE_BROKER_LOGGER);
        if (wants(call, req, OD_RESOURCE_BROKER))
            add(call, od_str_of(id), OD_RESOURCE_BROKER);
    }
}

static void list_topics(struct od_call *call, const struct od_list_config_resources_req *req,
                        const struct od_image *image)
{
    const struct od_image_topic *topic;
    struct od_pmap_walk walk = { 0 };

    if (!wants(call, req, OD_RESOURCE_TOPIC))
        return;
    while ((topic = od_image_topic_next(image, &walk)))
        add(call, topic->name, OD_RESOURCE_TOPIC);
}

enum od_done od_handle_list_config_resources(struct od_call *call,
                                             const struct od_list_config_resources_req *req,
                                             struct od_list_config_resources_rsp *rsp)
{
    struct od_image *image;

    for (int32_t i = 0; i < req->resource_types.n; i++)
        if (!is_supported(call->header.api_version, req->resource_types.v[i])) {
            rsp->error_code = OD_UNSUPPORTED_VERSION;
            return OD_DONE;
        }
    image = od_image_acquire(&call->shard->node->image);
    list_stored(call, req, image);
    list_brokers(call, req, image);
    list_topics(call, req, image);
    od_image_unref(image);
    return OD_DONE;
}
