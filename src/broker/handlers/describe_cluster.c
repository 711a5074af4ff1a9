/* SPDX-License-Identifier: Apache-2.0 */
/* DescribeCluster (api 60): the cluster's id, its brokers, and who to send administration to. */
#include "broker/handlers.h"

#include "broker/clients.h"
#include "broker/node.h"
#include "broker/operations.h"
#include "broker/shard.h"

enum { ENDPOINT_BROKERS = 1, ENDPOINT_CONTROLLERS = 2 };

static struct od_str copy(struct od_call *call, struct od_str s)
{
    return s.data ? od_str_of(od_arena_printf(&call->arena, "%.*s", OD_STR_ARGS(s))) : OD_STR_NULL;
}

/* This broker as the client reached it; another one, which does not run, as it registered. */
static void fill_broker(struct od_call *call, const struct od_image_broker *b,
                        struct od_describe_cluster_rsp_broker *out)
{
    out->broker_id = b->id;
    out->rack = copy(call, b->rack);
    out->is_fenced = b->fenced;
    if (b->id == call->shard->node->id) {
        od_call_endpoint(call, &out->host, &out->port);
        out->rack = od_str_of(call->shard->node->config.broker_rack);
    } else if (b->endpoint_count) {
        out->host = copy(call, b->endpoints[0].host);
        out->port = b->endpoints[0].port;
    } else {
        out->host = OD_STR("");
        out->port = -1;
    }
}

static void list_brokers(struct od_call *call, bool with_fenced,
                         struct od_describe_cluster_rsp *rsp)
{
    struct od_image *image = od_image_acquire(&call->shard->node->image);
    const struct od_image_broker *b;
    struct od_pmap_walk walk = { 0 };

    OD_ARENA_LIST(&call->arena, rsp->brokers, (int32_t)image->brokers.count);
    rsp->brokers.n = 0;
    while ((b = od_image_broker_next(image, &walk)))
        if (!b->fenced || with_fenced)
            fill_broker(call, b, &rsp->brokers.v[rsp->brokers.n++]);
    od_image_unref(image);
}

enum od_done od_handle_describe_cluster(struct od_call *call,
                                        const struct od_describe_cluster_req *req,
                                        struct od_describe_cluster_rsp *rsp)
{
    struct od_node *node = call->shard->node;

    rsp->cluster_id = od_str_of(node->cluster_id);
    if (req->endpoint_type != ENDPOINT_BROKERS) {
        rsp->error_code = req->endpoint_type == ENDPOINT_CONTROLLERS ? OD_MISMATCHED_ENDPOINT_TYPE
                                                                     : OD_UNSUPPORTED_ENDPOINT_TYPE;
        rsp->error_message = od_str_of(
            req->endpoint_type == ENDPOINT_CONTROLLERS
                ? "The request was sent to an endpoint of type BROKER, but we wanted an endpoint "
                  "of type CONTROLLER"
                : od_arena_printf(&call->arena, "Unsupported endpoint type %d",
                                  req->endpoint_type));
        rsp->cluster_id = OD_STR("");
        return OD_DONE;
    }
    rsp->controller_id = node->id;
    if (req->include_cluster_authorized_operations)
        rsp->cluster_authorized_operations = OD_OPERATIONS_CLUSTER;
    list_brokers(call, req->include_fenced_brokers, rsp);
    if (!req->include_clients)
        return OD_DONE;
    od_clients_list(call);
    return OD_PENDING;
}
