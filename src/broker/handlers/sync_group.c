/* SPDX-License-Identifier: Apache-2.0 */
/* SyncGroup (api 14): a member waits for its assignment; the leader brings all of them. */
#include "broker/group_ask.h"
#include "broker/handlers.h"

enum { VERSION_PROTOCOL = 5 }; /* members tell what they believe in (KIP-559) */

enum od_done od_handle_sync_group(struct od_call *call, const struct od_sync_group_req *req,
                                  struct od_sync_group_rsp *rsp)
{
    struct od_group_ask *ask;

    if (call->header.api_version >= VERSION_PROTOCOL &&
        (!req->protocol_type.data || !req->protocol_name.data)) {
        rsp->error_code = OD_INCONSISTENT_GROUP_PROTOCOL;
        return OD_DONE;
    }
    ask = od_group_ask_new(call, OD_GROUP_SYNC);
    ask->call.sync.req = req;
    ask->call.sync.rsp = rsp;
    od_group_ask_send(ask, req->group_id);
    return OD_PENDING;
}
