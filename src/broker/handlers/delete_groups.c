/* SPDX-License-Identifier: Apache-2.0 */
/* DeleteGroups (api 42): groups without members go, with what they committed. */
#include "broker/group_ask.h"
#include "broker/handlers.h"

static struct od_str prepare(struct od_group_round *round, int32_t i, struct od_group_call *call)
{
    const struct od_delete_groups_req *req = round->call->request;
    struct od_delete_groups_rsp *rsp = round->call->response;

    rsp->results.v[i].group_id = req->groups_names.v[i];
    call->remove.group_id = req->groups_names.v[i];
    call->remove.rsp = &rsp->results.v[i];
    return req->groups_names.v[i];
}

enum od_done od_handle_delete_groups(struct od_call *call, const struct od_delete_groups_req *req,
                                     struct od_delete_groups_rsp *rsp)
{
    struct od_group_round *round = od_arena_alloc(&call->arena, sizeof(*round));

    OD_ARENA_LIST(&call->arena, rsp->results, req->groups_names.n);
    for (int32_t i = 0; i < req->groups_names.n; i++)
        od_delete_groups_rsp_result_defaults(&rsp->results.v[i]);
    *round = (struct od_group_round){
        .call = call, .kind = OD_GROUP_DELETE, .count = req->groups_names.n, .prepare = prepare
    };
    od_group_round_start(round);
    return OD_PENDING;
}
