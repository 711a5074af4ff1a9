/* SPDX-License-Identifier: Apache-2.0 */
/* LeaveGroup (api 13): members leave, or are sent away. */
#include "broker/group_ask.h"
#include "broker/handlers.h"

enum od_done od_handle_leave_group(struct od_call *call, const struct od_leave_group_req *req,
                                   struct od_leave_group_rsp *rsp)
{
    struct od_group_ask *ask = od_group_ask_new(call, OD_GROUP_LEAVE);

    ask->call.leave.req = req;
    ask->call.leave.rsp = rsp;
    od_group_ask_send(ask, req->group_id);
    return OD_PENDING;
}
