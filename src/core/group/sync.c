/* SPDX-License-Identifier: Apache-2.0 */
/* SyncGroup and Heartbeat: the leader hands out assignments, members stay alive. */
#include "core/group/group_internal.h"
#include "wire/api/heartbeat.h"
#include "wire/api/sync_group.h"

void od_group_answer_sync(struct od_group_call *call, enum od_err err, struct od_bytes assignment,
                          struct od_group_out *out)
{
    struct od_sync_group_rsp *rsp = call->sync.rsp;

    rsp->error_code = od_err_to_wire(err);
    rsp->assignment = assignment.data ? od_group_lend_bytes(call, assignment)
                                      : (struct od_bytes){ (const uint8_t *)"", 0 };
    od_group_answered(out, call);
}

static void answer_assignment(struct od_group_call *call, const struct od_group_member *m,
                              struct od_group_out *out)
{
    call->sync.rsp->protocol_type = od_group_lend(call, m->group->protocol_type);
    call->sync.rsp->protocol_name = od_group_lend(call, m->group->protocol);
    od_group_answer_sync(call, OD_NONE, m->assignment, out);
}

static bool differs(struct od_str said, struct od_str ours)
{
    return said.data && !od_str_eq(said, ours);
}

static enum od_err check_sync(const struct od_group *g, const struct od_sync_group_req *req)
{
    enum od_err err;

    if (!g)
        return OD_UNKNOWN_MEMBER_ID;
    err = od_group_check_member(g, req->member_id, req->group_instance_id);
    if (err)
        return err;
    if (req->generation_id != g->generation)
        return OD_ILLEGAL_GENERATION;
    if (differs(req->protocol_type, g->protocol_type) || differs(req->protocol_name, g->protocol))
        return OD_INCONSISTENT_GROUP_PROTOCOL;
    switch (g->state) {
    case OD_GROUP_EMPTY:
        return OD_UNKNOWN_MEMBER_ID;
    case OD_GROUP_PREPARING:
        return OD_REBALANCE_IN_PROGRESS;
    case OD_GROUP_COMPLETING:
    case OD_GROUP_STABLE:
        return OD_NONE;
    }
    return OD_NONE;
}

static void note_sync(struct od_group_member *m)
{
    struct od_group *g = m->group;

    if (!m->sync_missing)
        return;
    m->sync_missing = false;
    if (--g->sync_missing_count == 0)
        od_deadline_clear(&g->shard->deadlines, &g->phase);
}

/* The leader has spoken: the generation is recorded, and whoever waits gets its part. */
static void assign(struct od_group *g, const struct od_group_event *ev,
                   const struct od_sync_group_req *req, struct od_group_out *out)
{
    OD_LIST_EACH(&g->members_in_order, link)
        od_group_set_assignment(OD_CONTAINER(link, struct od_group_member, link),
                                (struct od_bytes){ (const uint8_t *)"", 0 });
    for (int32_t i = 0; i < req->assignments.n; i++) {
        struct od_group_member *m = od_group_member(g, req->assignments.v[i].member_id);

        if (m)
            od_group_set_assignment(m, req->assignments.v[i].assignment);
    }
    od_group_to_state(g, OD_GROUP_STABLE, ev->wall_ms);
    od_group_record_generation(out, g);
    OD_LIST_EACH(&g->members_in_order, link) {
        struct od_group_member *m = OD_CONTAINER(link, struct od_group_member, link);
        struct od_group_call *sync = m->sync;

        if (!sync)
            continue;
        m->sync = NULL;
        od_group_alive(m, ev->now_ms);
        answer_assignment(sync, m, out);
    }
}

void od_group_sync(struct od_group_shard *s, const struct od_group_event *ev,
                   struct od_group_call *call, struct od_group_out *out)
{
    const struct od_sync_group_req *req = call->sync.req;
    struct od_group *g = od_group_find(s, req->group_id);
    enum od_err err = req->group_id.len ? check_sync(g, req) : OD_INVALID_GROUP_ID;
    struct od_group_member *m;

    if (err) {
        od_group_answer_sync(call, err, (struct od_bytes){ 0 }, out);
        return;
    }
    m = od_group_member(g, req->member_id);
    note_sync(m);
    if (g->state == OD_GROUP_STABLE) {
        od_group_alive(m, ev->now_ms);
        answer_assignment(call, m, out);
        return;
    }
    if (m->sync)
        od_group_answer_sync(m->sync, OD_REBALANCE_IN_PROGRESS, (struct od_bytes){ 0 }, out);
    m->sync = call;
    if (m == g->leader)
        assign(g, ev, req, out);
}

static enum od_err beat(struct od_group *g, const struct od_heartbeat_req *req, int64_t now_ms)
{
    enum od_err err;

    if (!g)
        return OD_UNKNOWN_MEMBER_ID;
    err = od_group_check_member(g, req->member_id, req->group_instance_id);
    if (err)
        return err;
    if (req->generation_id != g->generation)
        return OD_ILLEGAL_GENERATION;
    switch (g->state) {
    case OD_GROUP_EMPTY:
        return OD_UNKNOWN_MEMBER_ID;
    case OD_GROUP_PREPARING:
        od_group_alive(od_group_member(g, req->member_id), now_ms);
        return OD_REBALANCE_IN_PROGRESS;
    case OD_GROUP_COMPLETING: /* consumers begin to beat as soon as they have joined */
    case OD_GROUP_STABLE:
        od_group_alive(od_group_member(g, req->member_id), now_ms);
        return OD_NONE;
    }
    return OD_NONE;
}

void od_group_heartbeat(struct od_group_shard *s, const struct od_group_event *ev,
                        struct od_group_call *call, struct od_group_out *out)
{
    const struct od_heartbeat_req *req = call->heartbeat.req;
    enum od_err err = req->group_id.len ? beat(od_group_find(s, req->group_id), req, ev->now_ms)
                                        : OD_INVALID_GROUP_ID;

    call->heartbeat.rsp->error_code = od_err_to_wire(err);
    od_group_answered(out, call);
}
