/* SPDX-License-Identifier: Apache-2.0 */
/* DescribeGroups, ListGroups and DeleteGroups. */
#include "core/group/modern_internal.h"
#include "wire/api/delete_groups.h"
#include "wire/api/describe_groups.h"
#include "wire/api/list_groups.h"

#include <strings.h>

static void describe_member(struct od_group_call *call, const struct od_group_member *m,
                            struct od_describe_groups_rsp_member *to)
{
    const struct od_group *g = m->group;
    struct od_bytes empty = { (const uint8_t *)"", 0 };

    od_describe_groups_rsp_member_defaults(to);
    to->member_id = od_group_lend(call, m->id);
    to->group_instance_id = od_group_lend(call, m->instance_id);
    to->client_id = od_group_lend(call, m->client_id);
    to->client_host = od_group_lend(call, m->client_host);
    to->member_metadata = to->member_assignment = empty;
    if (g->state != OD_GROUP_STABLE)
        return;
    to->member_metadata = od_group_lend_bytes(call, od_group_metadata_for(m, g->protocol));
    if (m->assignment.data)
        to->member_assignment = od_group_lend_bytes(call, m->assignment);
}

void od_group_describe(struct od_group_shard *s, struct od_group_call *call,
                       struct od_group_out *out)
{
    const struct od_group *g = od_group_find(s, call->describe.group_id);
    struct od_describe_groups_rsp_group *rsp = call->describe.rsp;
    int32_t at = 0;

    rsp->group_id = od_group_lend(call, call->describe.group_id);
    od_group_answered(out, call);
    if (!g || g->modern) {
        rsp->group_state = OD_STR("Dead");
        if (call->version < 6)
            return;
        rsp->error_code = od_err_to_wire(OD_GROUP_ID_NOT_FOUND);
        rsp->error_message = od_str_of(od_arena_printf(
            call->arena, g ? "Group %.*s is not a classic group." : "Group %.*s not found.",
            OD_STR_ARGS(call->describe.group_id)));
        return;
    }
    rsp->group_state = od_str_of(od_group_state_name(g));
    rsp->protocol_type = g->protocol_type.data ? od_group_lend(call, g->protocol_type) : OD_STR("");
    rsp->protocol_data = g->state == OD_GROUP_STABLE && g->protocol.data
                             ? od_group_lend(call, g->protocol)
                             : OD_STR("");
    OD_ARENA_LIST(call->arena, rsp->members, od_group_size(g));
    OD_LIST_EACH(&g->members_in_order, link)
        describe_member(call, OD_CONTAINER(link, struct od_group_member, link),
                        &rsp->members.v[at++]);
}

void od_group_bury(struct od_group *g, struct od_group_out *out)
{
    if (g->modern)
        od_modern_drop_group(out, g);
    else
        od_group_record_no_group(out, g->id);
    od_group_free(g);
}

void od_group_delete(struct od_group_shard *s, struct od_group_call *call, struct od_group_out *out)
{
    struct od_group *g = od_group_find(s, call->remove.group_id);
    struct od_delete_groups_rsp_result *rsp = call->remove.rsp;

    rsp->group_id = od_group_lend(call, call->remove.group_id);
    od_group_answered(out, call);
    if (!g) {
        rsp->error_code = od_err_to_wire(OD_GROUP_ID_NOT_FOUND);
        return;
    }
    if (!od_group_is_empty(g)) {
        rsp->error_code = od_err_to_wire(OD_NON_EMPTY_GROUP);
        return;
    }
    od_offsets_delete_all(g, out);
    od_group_bury(g, out);
}

static bool passes(const struct od_str *v, int32_t n, const char *word)
{
    struct od_str s = od_str_of(word);

    if (n <= 0)
        return true;
    for (int32_t i = 0; i < n; i++)
        if (v[i].len == s.len && strncasecmp(v[i].data, s.data, s.len) == 0)
            return true;
    return false;
}

int32_t od_group_shard_list(const struct od_group_shard *s, const struct od_list_groups_req *filter,
                            struct od_arena *arena, struct od_list_groups_rsp_group **list)
{
    struct od_list_groups_rsp_group *v = od_arena_alloc(arena, sizeof(*v) * (s->groups.count + 1));
    struct od_group_call lender = { .arena = arena };
    const struct od_group *g;
    size_t cursor = 0;
    int32_t n = 0;

    while ((g = od_map_next(&s->groups, &cursor))) {
        if (!passes(filter->states_filter.v, filter->states_filter.n, od_group_state_name(g)) ||
            !passes(filter->types_filter.v, filter->types_filter.n,
                    g->modern ? "consumer" : "classic"))
            continue;
        od_list_groups_rsp_group_defaults(&v[n]);
        v[n].group_id = od_group_lend(&lender, g->id);
        v[n].protocol_type = OD_STR("");
        if (g->modern)
            v[n].protocol_type = OD_STR("consumer");
        else if (g->protocol_type.data)
            v[n].protocol_type = od_group_lend(&lender, g->protocol_type);
        v[n].group_state = od_str_of(od_group_state_name(g));
        v[n].group_type = g->modern ? OD_STR("consumer") : OD_STR("classic");
        n++;
    }
    *list = v;
    return n;
}
