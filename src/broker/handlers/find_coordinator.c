/* SPDX-License-Identifier: Apache-2.0 */
/* FindCoordinator (api 10): no coordinator is served yet; every key is told so. */
#include "broker/handlers.h"

static const char *const reason = "this broker serves no coordinator of this kind";

enum od_done od_handle_find_coordinator(struct od_call *call,
                                        const struct od_find_coordinator_req *req,
                                        struct od_find_coordinator_rsp *rsp)
{
    rsp->error_code = OD_INVALID_REQUEST;
    rsp->error_message = od_str_of(reason);
    rsp->node_id = -1;
    rsp->host = OD_STR("");
    rsp->port = -1;
    OD_ARENA_LIST(&call->arena, rsp->coordinators, req->coordinator_keys.n);
    for (int32_t i = 0; i < req->coordinator_keys.n; i++) {
        struct od_find_coordinator_rsp_coordinator *out = &rsp->coordinators.v[i];

        out->key = req->coordinator_keys.v[i];
        out->node_id = -1;
        out->host = OD_STR("");
        out->port = -1;
        out->error_code = OD_INVALID_REQUEST;
        out->error_message = od_str_of(reason);
    }
    if (call->header.api_version >= 4) {
        rsp->error_code = OD_NONE; /* these fields are not in version 4 */
        rsp->error_message = OD_STR_NULL;
        rsp->node_id = rsp->port = 0;
    }
    return OD_DONE;
}
