/* SPDX-License-Identifier: Apache-2.0 */
/* IncrementalAlterConfigs (api 44): settings are set, deleted, appended to, subtracted from. */
#include "broker/handlers.h"

#include "broker/resources.h"

static void tell(struct od_call *call, int index, enum od_err err, struct od_str message)
{
    struct od_incremental_alter_configs_rsp *rsp = call->response;

    rsp->responses.v[index].error_code = od_err_to_wire(err);
    rsp->responses.v[index].error_message = message;
}

static const struct od_alter_setting *copy_ops(
    struct od_call *call, const struct od_incremental_alter_configs_req_resource *in)
{
    struct od_alter_setting *to = od_arena_alloc(&call->arena, sizeof(*to) * (size_t)in->configs.n);

    for (int32_t i = 0; i < in->configs.n; i++)
        to[i] = (struct od_alter_setting){ in->configs.v[i].name, in->configs.v[i].value,
                                           (enum od_alter_op)in->configs.v[i].config_operation };
    return to;
}

enum od_done od_handle_incremental_alter_configs(
    struct od_call *call, const struct od_incremental_alter_configs_req *req,
    struct od_incremental_alter_configs_rsp *rsp)
{
    struct od_alter_resource *to =
        od_arena_alloc(&call->arena, sizeof(*to) * (size_t)req->resources.n);

    OD_ARENA_LIST(&call->arena, rsp->responses, req->resources.n);
    for (int32_t i = 0; i < req->resources.n; i++) {
        const struct od_incremental_alter_configs_req_resource *in = &req->resources.v[i];

        rsp->responses.v[i].resource_type = in->resource_type;
        rsp->responses.v[i].resource_name = in->resource_name;
        to[i] = (struct od_alter_resource){ .type = (enum od_resource_type)in->resource_type,
                                            .name = in->resource_name,
                                            .op_count = in->configs.n,
                                            .ops = copy_ops(call, in) };
    }
    od_resources_alter(call, to, req->resources.n, req->validate_only, tell);
    return OD_PENDING;
}
