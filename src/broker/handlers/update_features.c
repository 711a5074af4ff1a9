/* SPDX-License-Identifier: Apache-2.0 */
/* UpdateFeatures (api 57): all or nothing; a command for the controller. */
#include "broker/handlers.h"

#include "broker/node.h"
#include "broker/shard.h"
#include "meta/controller.h"

enum { VERSION_WITHOUT_RESULTS = 2 };

struct update {
    struct od_controller_call call;
    struct od_call *from;
};

static void updated(struct od_controller_call *cc)
{
    struct od_call *call = OD_CONTAINER(cc, struct update, call)->from;
    const struct od_update_features_req *req = call->request;
    struct od_update_features_rsp *rsp = call->response;

    if (cc->reply.err) {
        rsp->error_code = od_err_to_wire(cc->reply.err);
        rsp->error_message = od_str_of(od_arena_printf(
            &call->arena,
            "The update failed for all features since the following feature had an error: %s",
            cc->reply.message ? cc->reply.message : od_err_text(cc->reply.err)));
    } else if (call->header.api_version < VERSION_WITHOUT_RESULTS) {
        OD_ARENA_LIST(&call->arena, rsp->results, req->feature_updates.n);
        for (int32_t i = 0; i < req->feature_updates.n; i++)
            rsp->results.v[i].feature = req->feature_updates.v[i].feature;
    }
    od_call_finish(call);
}

enum od_done od_handle_update_features(struct od_call *call,
                                       const struct od_update_features_req *req,
                                       struct od_update_features_rsp *rsp)
{
    struct update *u = od_arena_alloc(&call->arena, sizeof(*u));
    int32_t n = req->feature_updates.n;
    struct od_feature_update *updates = od_arena_alloc(&call->arena, sizeof(*updates) * (size_t)n);

    (void)rsp;
    for (int32_t i = 0; i < n; i++) {
        const struct od_update_features_req_update *in = &req->feature_updates.v[i];

        updates[i].name = in->feature;
        updates[i].level = in->max_version_level;
        updates[i].upgrade = in->upgrade_type;
        if (call->header.api_version == 0)
            updates[i].upgrade = in->allow_downgrade ? OD_UPGRADE_SAFE_DOWNGRADE : OD_UPGRADE;
    }
    u->from = call;
    u->call.arena = &call->arena;
    u->call.done = updated;
    u->call.timeout_ms = req->timeout_ms;
    u->call.command.kind = OD_COMMAND_UPDATE_FEATURES;
    u->call.command.update_features = (struct od_update_features){
        .update_count = n, .updates = updates, .validate_only = req->validate_only
    };
    od_controller_submit(call->shard->node->controller, &u->call);
    return OD_PENDING;
}
