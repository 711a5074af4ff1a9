/* SPDX-License-Identifier: Apache-2.0 */
/* DescribeGroups (api 15): state, members and assignments of classic groups. */
#include "broker/group_ask.h"
#include "broker/handlers.h"

static struct od_str prepare(struct od_group_round *round, int32_t i, struct od_group_call *call)
{
    const struct od_describe_groups_req *req = round->call->request;
    struct od_describe_groups_rsp *rsp = round->call->response;

    rsp->groups.v[i].group_id = req->groups.v[i];
    call->describe.group_id = req->groups.v[i];
    call->describe.rsp = &rsp->groups.v[i];
    return req->groups.v[i];
}

static void after(struct od_group_round *round)
{
    const struct od_describe_groups_req *req = round->call->request;
    struct od_describe_groups_rsp *rsp = round->call->response;

    for (int32_t i = 0; i < rsp->groups.n; i++)
        rsp->groups.v[i].authorized_operations =
            req->include_authorized_operations && !rsp->groups.v[i].error_code ? OD_GROUP_OPERATIONS
                                                                               : INT32_MIN;
}

enum od_done od_handle_describe_groups(struct od_call *call,
                                       const struct od_describe_groups_req *req,
                                       struct od_describe_groups_rsp *rsp)
{
    struct od_group_round *round = od_arena_alloc(&call->arena, sizeof(*round));

    OD_ARENA_LIST(&call->arena, rsp->groups, req->groups.n);
    for (int32_t i = 0; i < req->groups.n; i++)
        od_describe_groups_rsp_group_defaults(&rsp->groups.v[i]);
    *round = (struct od_group_round){ .call = call,
                                      .kind = OD_GROUP_DESCRIBE,
                                      .count = req->groups.n,
                                      .prepare = prepare,
                                      .after = after };
    od_group_round_start(round);
    return OD_PENDING;
}
