/* SPDX-License-Identifier: Apache-2.0 */
/* Heartbeat (api 12): a member is alive. */
#include "broker/group_ask.h"
#include "broker/handlers.h"

enum od_done od_handle_heartbeat(struct od_call *call, const struct od_heartbeat_req *req,
                                 struct od_heartbeat_rsp *rsp)
{
    struct od_group_ask *ask = od_group_ask_new(call, OD_GROUP_HEARTBEAT);

    ask->call.heartbeat.req = req;
    ask->call.heartbeat.rsp = rsp;
    od_group_ask_send(ask, req->group_id);
    return OD_PENDING;
}
