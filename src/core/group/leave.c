/* SPDX-License-Identifier: Apache-2.0 */
/* LeaveGroup: members go by themselves, or are sent away by an administrator (KIP-345, KIP-800). */
#include "core/group/group_internal.h"
#include "wire/api/leave_group.h"

/* *left: members are fewer, or those who join wait for one less. */
static enum od_err leave_one(struct od_group *g, struct od_str id, struct od_str instance_id,
                             bool *left, struct od_group_out *out)
{
    struct od_pending_member *pending = od_group_pending(g, id);
    struct od_group_member *m;
    enum od_err err;

    if (pending) {
        od_group_remove_pending(pending);
        *left = *left || g->state == OD_GROUP_PREPARING || od_group_holds_nothing(g);
        return OD_NONE;
    }
    if (!id.len) { /* an administrator knows the instance only */
        m = od_group_static(g, instance_id);
        if (!m)
            return OD_UNKNOWN_MEMBER_ID;
    } else {
        err = od_group_check_member(g, id, instance_id);
        if (err)
            return err;
        m = od_group_member(g, id);
    }
    od_group_remove(g, m, OD_UNKNOWN_MEMBER_ID, out);
    *left = true;
    return OD_NONE;
}

static enum od_err leave_any(struct od_group *g, struct od_str id, struct od_str instance_id,
                             bool *left, struct od_group_out *out)
{
    return g ? leave_one(g, id, instance_id, left, out) : OD_UNKNOWN_MEMBER_ID;
}

void od_group_leave(struct od_group_shard *s, const struct od_group_event *ev,
                    struct od_group_call *call, struct od_group_out *out)
{
    const struct od_leave_group_req *req = call->leave.req;
    struct od_leave_group_rsp *rsp = call->leave.rsp;
    struct od_group *g = od_group_find(s, req->group_id);
    bool left = false;

    if (!req->group_id.len) {
        rsp->error_code = od_err_to_wire(OD_INVALID_GROUP_ID);
    } else if (call->version < 3) {
        rsp->error_code = od_err_to_wire(leave_any(g, req->member_id, OD_STR_NULL, &left, out));
    } else {
        OD_ARENA_LIST(call->arena, rsp->members, req->members.n);
        for (int32_t i = 0; i < req->members.n; i++) {
            const struct od_leave_group_req_member *in = &req->members.v[i];
            struct od_leave_group_rsp_member *to = &rsp->members.v[i];

            od_leave_group_rsp_member_defaults(to);
            to->member_id = od_group_lend(call, in->member_id);
            to->group_instance_id = od_group_lend(call, in->group_instance_id);
            to->error_code =
                od_err_to_wire(leave_any(g, in->member_id, in->group_instance_id, &left, out));
        }
    }
    od_group_answered(out, call);
    if (!left)
        return;
    if (g->state != OD_GROUP_EMPTY)
        od_group_changed(g, ev, out);
    if (od_group_holds_nothing(g) && !g->generation)
        od_group_free(g);
}
