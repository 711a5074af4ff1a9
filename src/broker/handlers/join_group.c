/* SPDX-License-Identifier: Apache-2.0 */
/* JoinGroup (api 11): a member joins a classic group, and waits for its generation. */
#include "broker/group_ask.h"
#include "broker/handlers.h"

enum od_done od_handle_join_group(struct od_call *call, const struct od_join_group_req *req,
                                  struct od_join_group_rsp *rsp)
{
    struct od_group_ask *ask = od_group_ask_new(call, OD_GROUP_JOIN);

    ask->call.join.req = req;
    ask->call.join.rsp = rsp;
    od_group_ask_send(ask, req->group_id);
    return OD_PENDING;
}
