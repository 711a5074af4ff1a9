/* SPDX-License-Identifier: Apache-2.0 */
/* ConsumerGroupDescribe: epochs, members, what they own and what they shall own. */
#include "core/group/modern_internal.h"
#include "wire/api/consumer_group_describe.h"

#include <string.h>

enum { MEMBER_OF_CONSUMER_PROTOCOL = 1, VERSION_MEMBER_TYPE = 1 };

static void list_partitions(struct od_group_call *call, const struct od_group_topics *topics,
                            const struct od_assignment *from,
                            struct od_consumer_group_describe_assignment *to)
{
    OD_ARENA_LIST(call->arena, to->topic_partitions, from->n);
    to->topic_partitions.n = 0;
    for (int32_t i = 0; i < from->n; i++) {
        struct od_consumer_group_describe_topic *t =
            &to->topic_partitions.v[to->topic_partitions.n];
        struct od_str name = topics->name_of(topics->ctx, from->v[i].id);

        if (!name.data) /* deleted: the members have not heard of it yet */
            continue;
        t->topic_id = from->v[i].id;
        t->topic_name = od_group_lend(call, name);
        OD_ARENA_LIST(call->arena, t->partitions, from->v[i].n);
        memcpy(t->partitions.v, from->v[i].v, sizeof(int32_t) * (size_t)from->v[i].n);
        to->topic_partitions.n++;
    }
}

static void describe_member(struct od_group_call *call, const struct od_group_topics *topics,
                            const struct od_modern_member *m,
                            struct od_consumer_group_describe_rsp_member *to)
{
    od_consumer_group_describe_rsp_member_defaults(to);
    to->member_id = od_group_lend(call, m->id);
    to->instance_id = od_group_lend(call, m->instance_id);
    to->rack_id = od_group_lend(call, m->rack_id);
    to->member_epoch = m->epoch;
    to->client_id = m->client_id.data ? od_group_lend(call, m->client_id) : OD_STR("");
    to->client_host = m->client_host.data ? od_group_lend(call, m->client_host) : OD_STR("");
    to->subscribed_topic_regex = m->regex.data ? od_group_lend(call, m->regex) : OD_STR("");
    OD_ARENA_LIST(call->arena, to->subscribed_topic_names, m->topic_count);
    for (int32_t i = 0; i < m->topic_count; i++)
        to->subscribed_topic_names.v[i] = od_group_lend(call, m->topics[i]);
    list_partitions(call, topics, &m->assigned, &to->assignment);
    list_partitions(call, topics, &m->target, &to->target_assignment);
    if (call->version >= VERSION_MEMBER_TYPE)
        to->member_type = MEMBER_OF_CONSUMER_PROTOCOL;
}

void od_modern_describe(struct od_group_shard *s, const struct od_group_event *ev,
                          struct od_group_call *call, struct od_group_out *out)
{
    const struct od_group *g = od_group_find(s, call->consumer_describe.group_id);
    struct od_consumer_group_describe_rsp_group *rsp = call->consumer_describe.rsp;
    int32_t at = 0;

    rsp->group_id = od_group_lend(call, call->consumer_describe.group_id);
    od_group_answered(out, call);
    if (!g || !g->modern) {
        rsp->error_code = od_err_to_wire(OD_GROUP_ID_NOT_FOUND);
        rsp->error_message = od_str_of(od_arena_printf(
            call->arena, g ? "Group %.*s is not a consumer group." : "Group %.*s not found.",
            OD_STR_ARGS(call->consumer_describe.group_id)));
        return;
    }
    rsp->group_state = od_str_of(od_modern_state_name(g));
    rsp->group_epoch = g->modern->epoch;
    rsp->assignment_epoch = g->modern->assignment_epoch;
    rsp->assignor_name = od_group_lend(call, od_modern_assignor(g, ev->rules->consumer_assignor));
    OD_ARENA_LIST(call->arena, rsp->members, (int32_t)g->modern->members.count);
    OD_LIST_EACH(&g->modern->in_order, link)
        describe_member(call, ev->topics, OD_CONTAINER(link, struct od_modern_member, link),
                        &rsp->members.v[at++]);
}
