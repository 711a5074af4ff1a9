/* SPDX-License-Identifier: Apache-2.0 */
/* ConsumerGroupDescribe (api 69): epochs, members and assignments of consumer groups. */
#include "broker/group_ask.h"
#include "broker/handlers.h"

static struct od_str prepare(struct od_group_round *round, int32_t i, struct od_group_call *call)
{
    const struct od_consumer_group_describe_req *req = round->call->request;
    struct od_consumer_group_describe_rsp *rsp = round->call->response;

    rsp->groups.v[i].group_id = req->group_ids.v[i];
    call->consumer_describe.group_id = req->group_ids.v[i];
    call->consumer_describe.rsp = &rsp->groups.v[i];
    return req->group_ids.v[i];
}

static void after(struct od_group_round *round)
{
    const struct od_consumer_group_describe_req *req = round->call->request;
    struct od_consumer_group_describe_rsp *rsp = round->call->response;

    for (int32_t i = 0; i < rsp->groups.n; i++)
        rsp->groups.v[i].authorized_operations =
            req->include_authorized_operations && !rsp->groups.v[i].error_code ? OD_GROUP_OPERATIONS
                                                                               : INT32_MIN;
}

enum od_done od_handle_consumer_group_describe(struct od_call *call,
                                               const struct od_consumer_group_describe_req *req,
                                               struct od_consumer_group_describe_rsp *rsp)
{
    struct od_group_round *round = od_arena_alloc(&call->arena, sizeof(*round));

    OD_ARENA_LIST(&call->arena, rsp->groups, req->group_ids.n);
    for (int32_t i = 0; i < req->group_ids.n; i++)
        od_consumer_group_describe_rsp_group_defaults(&rsp->groups.v[i]);
    *round = (struct od_group_round){ .call = call,
                                      .kind = OD_GROUP_CONSUMER_DESCRIBE,
                                      .count = req->group_ids.n,
                                      .prepare = prepare,
                                      .after = after };
    od_group_round_start(round);
    return OD_PENDING;
}
