/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OffsetFetch (api 9): what groups have committed.  Older versions ask for one group and are told
 * in its own fields; the newest names topics by id.
 */
#include "broker/group_ask.h"
#include "broker/handlers.h"

#include "broker/node.h"
#include "broker/shard.h"

enum { VERSION_GROUPS = 8, VERSION_TOPIC_ID = 10, VERSION_GROUP_ERROR = 2 };

/* --- topics by id ------------------------------------------------------------------------------
 */

static void name_topics(struct od_call *call, struct od_offset_fetch_req_group *group)
{
    struct od_image *image = od_image_acquire(&call->shard->node->image);

    for (int32_t i = 0; i < group->topics.n; i++) {
        const struct od_image_topic *topic =
            od_image_topic_by_id(image, group->topics.v[i].topic_id);

        group->topics.v[i].name =
            topic ? od_str_of(od_arena_printf(&call->arena, "%.*s", OD_STR_ARGS(topic->name)))
                  : OD_STR("");
    }
    od_image_unref(image);
}

static void say_unknown(struct od_offset_fetch_rsp_group_topic *topic)
{
    for (int32_t i = 0; i < topic->partitions.n; i++)
        topic->partitions.v[i].error_code = od_err_to_wire(OD_UNKNOWN_TOPIC_ID);
}

/* Ids of all topics; those that are gone are left out where everything was asked for. */
static void identify_topics(const struct od_image *image, bool all,
                            struct od_offset_fetch_rsp_group *group)
{
    int32_t n = 0;

    for (int32_t i = 0; i < group->topics.n; i++) {
        struct od_offset_fetch_rsp_group_topic *topic = &group->topics.v[i];
        const struct od_image_topic *known = od_image_topic_find(image, topic->name);

        if (!known && all)
            continue;
        if (!known)
            say_unknown(topic);
        else if (all)
            topic->topic_id = known->id;
        group->topics.v[n++] = *topic;
    }
    group->topics.n = n;
}

static void after_groups(struct od_group_round *round)
{
    const struct od_offset_fetch_req *req = round->call->request;
    struct od_offset_fetch_rsp *rsp = round->call->response;
    struct od_image *image;

    if (round->call->header.api_version < VERSION_TOPIC_ID)
        return;
    image = od_image_acquire(&round->call->shard->node->image);
    for (int32_t i = 0; i < rsp->groups.n; i++)
        identify_topics(image, req->groups.v[i].topics.n < 0, &rsp->groups.v[i]);
    od_image_unref(image);
}

static struct od_str prepare_group(struct od_group_round *round, int32_t i,
                                   struct od_group_call *call)
{
    struct od_offset_fetch_req *req = round->call->request;
    struct od_offset_fetch_rsp *rsp = round->call->response;

    if (round->call->header.api_version >= VERSION_TOPIC_ID)
        name_topics(round->call, &req->groups.v[i]);
    rsp->groups.v[i].group_id = req->groups.v[i].group_id;
    call->fetch.req = &req->groups.v[i];
    call->fetch.rsp = &rsp->groups.v[i];
    call->fetch.require_stable = req->require_stable;
    return req->groups.v[i].group_id;
}

/* --- one group, versions 0 to 7 ----------------------------------------------------------------
 */

struct single {
    struct od_offset_fetch_req_group req;
    struct od_offset_fetch_rsp_group rsp;
};

static struct single *widen(struct od_call *call, const struct od_offset_fetch_req *req)
{
    struct single *s = od_arena_alloc(&call->arena, sizeof(*s));

    od_offset_fetch_req_group_defaults(&s->req);
    od_offset_fetch_rsp_group_defaults(&s->rsp);
    s->req.group_id = req->group_id;
    if (req->topics.n < 0) {
        s->req.topics.n = -1;
        return s;
    }
    OD_ARENA_LIST(&call->arena, s->req.topics, req->topics.n);
    for (int32_t i = 0; i < req->topics.n; i++) {
        od_offset_fetch_req_group_topic_defaults(&s->req.topics.v[i]);
        s->req.topics.v[i].name = req->topics.v[i].name;
        s->req.topics.v[i].partition_indexes.n = req->topics.v[i].partition_indexes.n;
        s->req.topics.v[i].partition_indexes.v = req->topics.v[i].partition_indexes.v;
    }
    return s;
}

static void narrow_topic(struct od_call *call, const struct od_offset_fetch_rsp_group_topic *in,
                         struct od_offset_fetch_rsp_topic *out)
{
    out->name = in->name;
    OD_ARENA_LIST(&call->arena, out->partitions, in->partitions.n);
    for (int32_t i = 0; i < in->partitions.n; i++) {
        const struct od_offset_fetch_rsp_group_partition *p = &in->partitions.v[i];

        out->partitions.v[i] =
            (struct od_offset_fetch_rsp_partition){ .partition_index = p->partition_index,
                                                    .committed_offset = p->committed_offset,
                                                    .committed_leader_epoch =
                                                        p->committed_leader_epoch,
                                                    .metadata = p->metadata,
                                                    .error_code = p->error_code };
    }
}

/* Before version 2 an error of the group is told with each partition. */
static void spread_error(struct od_call *call, const struct od_offset_fetch_req *req,
                         int16_t error_code)
{
    struct od_offset_fetch_rsp *rsp = call->response;

    OD_ARENA_LIST(&call->arena, rsp->topics, req->topics.n);
    for (int32_t i = 0; i < req->topics.n; i++) {
        struct od_offset_fetch_rsp_topic *out = &rsp->topics.v[i];

        out->name = req->topics.v[i].name;
        OD_ARENA_LIST(&call->arena, out->partitions, req->topics.v[i].partition_indexes.n);
        for (int32_t j = 0; j < out->partitions.n; j++)
            out->partitions.v[j] = (struct od_offset_fetch_rsp_partition){
                .partition_index = req->topics.v[i].partition_indexes.v[j],
                .committed_offset = -1,
                .committed_leader_epoch = -1,
                .metadata = OD_STR(""),
                .error_code = error_code,
            };
    }
}

static void single_done(struct od_group_ask *ask)
{
    struct od_call *call = ask->from;
    struct od_offset_fetch_rsp *rsp = call->response;
    const struct od_offset_fetch_rsp_group *group = ask->call.fetch.rsp;

    if (group->error_code && call->header.api_version < VERSION_GROUP_ERROR) {
        spread_error(call, call->request, group->error_code);
    } else {
        rsp->error_code = group->error_code;
        OD_ARENA_LIST(&call->arena, rsp->topics, group->topics.n);
        for (int32_t i = 0; i < group->topics.n; i++)
            narrow_topic(call, &group->topics.v[i], &rsp->topics.v[i]);
    }
    od_call_finish(call);
}

enum od_done od_handle_offset_fetch(struct od_call *call, const struct od_offset_fetch_req *req,
                                    struct od_offset_fetch_rsp *rsp)
{
    if (call->header.api_version >= VERSION_GROUPS) {
        struct od_group_round *round = od_arena_alloc(&call->arena, sizeof(*round));

        OD_ARENA_LIST(&call->arena, rsp->groups, req->groups.n);
        for (int32_t i = 0; i < req->groups.n; i++)
            od_offset_fetch_rsp_group_defaults(&rsp->groups.v[i]);
        *round = (struct od_group_round){ .call = call,
                                          .kind = OD_GROUP_FETCH,
                                          .count = req->groups.n,
                                          .prepare = prepare_group,
                                          .after = after_groups };
        od_group_round_start(round);
    } else {
        struct od_group_ask *ask = od_group_ask_new(call, OD_GROUP_FETCH);
        struct single *s = widen(call, req);

        ask->call.fetch.req = &s->req;
        ask->call.fetch.rsp = &s->rsp;
        ask->call.fetch.require_stable = req->require_stable;
        ask->done = single_done;
        od_group_ask_send(ask, req->group_id);
    }
    return OD_PENDING;
}
