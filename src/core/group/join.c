/* SPDX-License-Identifier: Apache-2.0 */
/* JoinGroup: who may join, and what its joining means for the generation (KIP-62, 345, 394, 814).
 */
#include "core/group/modern_internal.h"
#include "wire/api/join_group.h"

#include <stdio.h>

/* --- answers  -- */

static struct od_str absent(int16_t version)
{
    return version >= 7 ? OD_STR_NULL : OD_STR("");
}

void od_group_answer_join(struct od_group_call *call, enum od_err err, struct od_str member_id,
                          struct od_group_out *out)
{
    struct od_join_group_rsp *rsp = call->join.rsp;

    rsp->error_code = od_err_to_wire(err);
    rsp->generation_id = -1;
    rsp->protocol_type = call->version >= 7 ? OD_STR_NULL : OD_STR("");
    rsp->protocol_name = absent(call->version);
    rsp->member_id = member_id.data ? od_group_lend(call, member_id) : OD_STR("");
    od_group_answered(out, call);
}

static void list_members(struct od_group_call *call, const struct od_group *g)
{
    struct od_join_group_rsp *rsp = call->join.rsp;
    int32_t at = 0;

    OD_ARENA_LIST(call->arena, rsp->members, od_group_size(g));
    OD_LIST_EACH(&g->members_in_order, link) {
        const struct od_group_member *m = OD_CONTAINER(link, struct od_group_member, link);
        struct od_join_group_rsp_member *to = &rsp->members.v[at++];

        to->member_id = od_group_lend(call, m->id);
        to->group_instance_id = od_group_lend(call, m->instance_id);
        to->metadata = od_group_lend_bytes(call, od_group_metadata_for(m, g->protocol));
    }
}

void od_group_answer_generation(struct od_group_call *call, const struct od_group_member *m,
                                bool with_members, struct od_group_out *out)
{
    const struct od_group *g = m->group;
    struct od_join_group_rsp *rsp = call->join.rsp;

    rsp->error_code = OD_NONE;
    rsp->generation_id = g->generation;
    rsp->protocol_type = od_group_lend(call, g->protocol_type);
    rsp->protocol_name =
        g->protocol.data ? od_group_lend(call, g->protocol) : absent(call->version);
    rsp->leader = g->leader ? od_group_lend(call, g->leader->id) : OD_STR("");
    rsp->member_id = od_group_lend(call, m->id);
    if (with_members)
        list_members(call, g);
    od_group_answered(out, call);
}

/* --- what is asked  -- */

static void refuse(struct od_group_call *call, enum od_err err, struct od_group_out *out)
{
    od_group_answer_join(call, err, call->join.req->member_id, out);
}

static bool fits_protocols(const struct od_group *g, const struct od_join_group_req *req)
{
    if (g->state == OD_GROUP_EMPTY)
        return req->protocol_type.len && req->protocols.n > 0;
    if (!od_str_eq(req->protocol_type, g->protocol_type))
        return false;
    for (int32_t i = 0; i < req->protocols.n; i++) {
        bool all = true;

        OD_LIST_EACH(&g->members_in_order, link) {
            const struct od_group_member *m = OD_CONTAINER(link, struct od_group_member, link);

            all = all && od_group_metadata_for(m, req->protocols.v[i].name).data;
        }
        if (all)
            return true;
    }
    return false;
}

static bool has_room(const struct od_group *g, struct od_str member_id, int32_t size_max)
{
    const struct od_group_member *m = od_group_member(g, member_id);

    switch (g->state) {
    case OD_GROUP_EMPTY:
        return true;
    case OD_GROUP_PREPARING:
        /* Members that may not come back do not count. */
        return (m && m->join) || g->joining_count < size_max;
    case OD_GROUP_COMPLETING:
    case OD_GROUP_STABLE:
        return m || od_group_size(g) < size_max;
    }
    return false;
}

static bool same_protocols(const struct od_group_member *m, const struct od_join_group_req *req)
{
    if (m->protocol_count != req->protocols.n)
        return false;
    for (int i = 0; i < m->protocol_count; i++) {
        const struct od_join_group_req_protocol *p = &req->protocols.v[i];
        struct od_str ours = { (const char *)m->protocols[i].metadata.data,
                               m->protocols[i].metadata.len };
        struct od_str theirs = { (const char *)p->metadata.data, p->metadata.len };

        if (!od_str_eq(m->protocols[i].name, p->name) || !od_str_eq(ours, theirs))
            return false;
    }
    return true;
}

/* Takes what the request says about the member, and parks the request. */
static void take_request(struct od_group_member *m, struct od_group_call *call,
                         struct od_group_out *out)
{
    const struct od_join_group_req *req = call->join.req;
    struct od_group_call *earlier = m->join;
    struct od_group_protocol *protocols =
        od_arena_alloc(call->arena, sizeof(*protocols) * (size_t)(req->protocols.n + 1));

    for (int32_t i = 0; i < req->protocols.n; i++) {
        protocols[i].name = req->protocols.v[i].name;
        protocols[i].metadata = req->protocols.v[i].metadata;
    }
    od_group_set_protocols(m, req->protocols.n, protocols);
    m->session_timeout_ms = req->session_timeout_ms;
    m->rebalance_timeout_ms =
        call->version >= 1 ? req->rebalance_timeout_ms : req->session_timeout_ms;
    od_group_give_back(&m->client_id);
    od_group_give_back(&m->client_host);
    m->client_id = od_group_keep(call->client_id.data ? call->client_id : OD_STR(""));
    m->client_host = od_group_keep(call->client_host);
    m->join = call;
    if (!earlier)
        m->group->joining_count++;
    else /* Kafka forgets the earlier of two; here each call is answered. */
        od_group_answer_join(earlier, OD_REBALANCE_IN_PROGRESS, m->id, out);
}

static struct od_str make_member_id(const struct od_group_event *ev, struct od_group_call *call)
{
    struct od_str instance = call->join.req->group_instance_id;
    struct od_str front = instance.data ? instance : call->client_id;
    uint64_t a = ev->random[0], b = ev->random[1];
    const char *text = od_arena_printf(
        call->arena, "%.*s-%08x-%04x-4%03x-%04x-%012llx", OD_STR_ARGS(front), (unsigned)(a >> 32),
        (unsigned)(a >> 16 & 0xffff), (unsigned)(a & 0xfff), (unsigned)(b >> 48 & 0x3fff) | 0x8000,
        (unsigned long long)(b & 0xffffffffffff));

    return od_str_of(text);
}

/* --- new members  -- */

static void set_protocol_type(struct od_group *g, struct od_str type)
{
    struct od_str copy = od_group_keep(type);

    od_group_give_back(&g->protocol_type);
    g->protocol_type = copy;
}

static void add_member(struct od_group *g, const struct od_group_event *ev,
                       struct od_group_call *call, struct od_str id, struct od_group_out *out)
{
    const struct od_join_group_req *req = call->join.req;
    struct od_group_member *m;

    if (!g->members.count)
        set_protocol_type(g, req->protocol_type);
    m = od_group_add(g, id, req->group_instance_id);
    m->fresh = true;
    take_request(m, call, out);
    if (g->state == OD_GROUP_PREPARING && g->initial)
        g->joined_meanwhile = true;
    od_deadline_set(&g->shard->deadlines, &m->session, ev->now_ms + OD_GROUP_NEW_MEMBER_MS);
    od_group_changed(g, ev, out);
}

/*
 * The same static member, started again under a new id.  While the group is stable and the protocol
 * stays, its assignment stays too, without a rebalance.
 */
static void replace_static(struct od_group_member *m, const struct od_group_event *ev,
                           struct od_group_call *call, struct od_str id, struct od_group_out *out)
{
    struct od_group *g = m->group;
    struct od_group_call *join = m->join, *sync = m->sync;
    struct od_str old_leader = g->leader ? od_group_lend(call, g->leader->id) : OD_STR("");
    bool skips = call->version >= 9; /* KIP-814 */

    m->join = m->sync = NULL;
    g->joining_count -= join != NULL;
    if (join)
        od_group_answer_join(join, OD_FENCED_INSTANCE_ID, m->id, out);
    if (sync)
        od_group_answer_sync(sync, OD_FENCED_INSTANCE_ID, (struct od_bytes){ 0 }, out);
    od_map_remove(&g->members, m->id.data, m->id.len);
    od_group_give_back(&m->id);
    m->id = od_group_keep(id);
    od_map_put(&g->members, m->id.data, m->id.len, m);
    take_request(m, call, out);
    od_group_alive(m, ev->now_ms);
    if (g->state != OD_GROUP_STABLE || !od_str_eq(od_group_choose(g), g->protocol)) {
        od_group_changed(g, ev, out);
        return;
    }
    m->join = NULL;
    g->joining_count--;
    od_group_record_generation(out, g);
    od_group_answer_generation(call, m, skips && m == g->leader, out);
    call->join.rsp->skip_assignment = skips && m == g->leader;
    if (!skips)
        call->join.rsp->leader = old_leader; /* so that it does not assign */
}

static void join_new(struct od_group *g, const struct od_group_event *ev,
                     struct od_group_call *call, struct od_group_out *out)
{
    const struct od_join_group_req *req = call->join.req;
    struct od_str id = make_member_id(ev, call);
    struct od_group_member *known = od_group_static(g, req->group_instance_id);

    if (known) {
        replace_static(known, ev, call, id, out);
    } else if (!req->group_instance_id.data && call->version >= 4) {
        /* It comes back with this id: members that gave up waiting leave nothing behind (KIP-394).
         */
        od_group_add_pending(g, id, ev->now_ms + req->session_timeout_ms);
        od_group_answer_join(call, OD_MEMBER_ID_REQUIRED, id, out);
    } else {
        add_member(g, ev, call, id, out);
    }
}

/* --- members that come back ---------------------------------------------------------------------
 */

static void rejoin(struct od_group_member *m, const struct od_group_event *ev,
                   struct od_group_call *call, struct od_group_out *out)
{
    take_request(m, call, out);
    od_group_changed(m->group, ev, out);
}

static void join_again(struct od_group *g, const struct od_group_event *ev,
                       struct od_group_call *call, struct od_group_out *out)
{
    const struct od_join_group_req *req = call->join.req;
    struct od_pending_member *pending = od_group_pending(g, req->member_id);
    struct od_group_member *m = od_group_member(g, req->member_id);
    enum od_err err;

    if (pending && !req->group_instance_id.data) {
        od_group_remove_pending(pending);
        add_member(g, ev, call, req->member_id, out);
        return;
    }
    err = od_group_check_member(g, req->member_id, req->group_instance_id);
    if (err) {
        refuse(call, err, out);
        return;
    }
    switch (g->state) {
    case OD_GROUP_PREPARING:
        rejoin(m, ev, call, out);
        return;
    case OD_GROUP_COMPLETING:
        /* The same again: it may not have got the first answer. */
        if (same_protocols(m, req))
            od_group_answer_generation(call, m, m == g->leader, out);
        else
            rejoin(m, ev, call, out);
        return;
    case OD_GROUP_STABLE:
        /* A leader that joins wants to assign anew; a follower without news keeps what it has. */
        if (m == g->leader || !same_protocols(m, req))
            rejoin(m, ev, call, out);
        else
            od_group_answer_generation(call, m, false, out);
        return;
    case OD_GROUP_EMPTY:
        refuse(call, OD_UNKNOWN_MEMBER_ID, out);
        return;
    }
}

void od_group_join(struct od_group_shard *s, const struct od_group_event *ev,
                   struct od_group_call *call, struct od_group_out *out)
{
    const struct od_join_group_req *req = call->join.req;
    struct od_group *g;

    if (!req->group_id.len) {
        refuse(call, OD_INVALID_GROUP_ID, out);
        return;
    }
    if (req->session_timeout_ms < ev->rules->session_timeout_ms_min ||
        req->session_timeout_ms > ev->rules->session_timeout_ms_max) {
        refuse(call, OD_INVALID_SESSION_TIMEOUT, out);
        return;
    }
    g = od_group_find(s, req->group_id);
    if (!g && req->member_id.len) {
        refuse(call, OD_UNKNOWN_MEMBER_ID, out);
        return;
    }
    if (!g)
        g = od_group_make(s, req->group_id);
    if (g->modern && od_modern_is_empty(g) && !req->member_id.len)
        od_modern_drop_group(out, g); /* nobody is left of the other protocol */
    if (g->modern) {
        refuse(call, req->member_id.len ? OD_UNKNOWN_MEMBER_ID : OD_INCONSISTENT_GROUP_PROTOCOL,
               out);
    } else if (!has_room(g, req->member_id, ev->rules->size_max)) {
        struct od_group_member *m = od_group_member(g, req->member_id);

        if (m)
            od_group_remove(g, m, OD_UNKNOWN_MEMBER_ID, out);
        refuse(call, OD_GROUP_MAX_SIZE_REACHED, out);
    } else if (!fits_protocols(g, req)) {
        refuse(call, OD_INCONSISTENT_GROUP_PROTOCOL, out);
    } else if (!req->member_id.len) {
        join_new(g, ev, call, out);
    } else {
        join_again(g, ev, call, out);
    }
    if (od_group_holds_nothing(g) && !g->generation)
        od_group_free(g);
}
