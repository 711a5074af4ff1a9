/* SPDX-License-Identifier: Apache-2.0 */
/* ConsumerGroupHeartbeat (api 68): members of consumer groups, once group.version is finalized. */
#include "broker/group_ask.h"
#include "broker/handlers.h"
#include "broker/node.h"
#include "broker/shard.h"

static bool is_enabled(struct od_node *node)
{
    struct od_image *image = od_image_acquire(&node->image);
    bool enabled = od_image_feature_level(image, OD_STR("group.version")) > 0;

    od_image_unref(image);
    return enabled;
}

enum od_done od_handle_consumer_group_heartbeat(struct od_call *call,
                                                const struct od_consumer_group_heartbeat_req *req,
                                                struct od_consumer_group_heartbeat_rsp *rsp)
{
    struct od_group_ask *ask;

    if (!is_enabled(call->shard->node)) {
        rsp->error_code = od_err_to_wire(OD_UNSUPPORTED_VERSION);
        rsp->error_message = OD_STR("The consumer group protocol is off (group.version is 0).");
        return OD_DONE;
    }
    ask = od_group_ask_new(call, OD_GROUP_CONSUMER_HEARTBEAT);
    ask->call.consumer.req = req;
    ask->call.consumer.rsp = rsp;
    od_group_ask_send(ask, req->group_id);
    return OD_PENDING;
}
