/* SPDX-License-Identifier: Apache-2.0 */
/* ListGroups (api 16): the call travels from shard to shard and collects what each coordinates. */
#include "broker/coordinator.h"
#include "broker/handlers.h"
#include "broker/node.h"
#include "broker/shard.h"

struct tour {
    struct od_call *call;
    struct od_post post;
    int at;             /* the shard to visit */
    int32_t partitions; /* of the offsets topic */
};

static void add(struct od_call *call, struct od_list_groups_rsp *rsp,
                const struct od_list_groups_rsp_group *v, int32_t n)
{
    struct od_list_groups_rsp_group *all =
        od_arena_alloc(&call->arena, sizeof(*all) * (size_t)(rsp->groups.n + n + 1));

    if (rsp->groups.n > 0)
        memcpy(all, rsp->groups.v, sizeof(*all) * (size_t)rsp->groups.n);
    if (n > 0)
        memcpy(all + rsp->groups.n, v, sizeof(*all) * (size_t)n);
    rsp->groups.v = all;
    rsp->groups.n += n;
}

static void collect(struct tour *t, struct od_shard *shard)
{
    struct od_call *call = t->call;
    struct od_list_groups_rsp *rsp = call->response;

    for (int32_t p = t->at; p < t->partitions; p += shard->node->shard_count) {
        struct od_list_groups_rsp_group *list;
        enum od_err err;
        struct od_group_shard *groups = od_coordinator_groups(shard, p, &err);

        if (groups)
            add(call, rsp, list, od_group_shard_list(groups, call->request, &call->arena, &list));
        else if (err != OD_NOT_COORDINATOR) /* others coordinate that one */
            rsp->error_code = od_err_to_wire(err);
    }
}

static void arrive(struct od_post *post)
{
    struct tour *t = OD_CONTAINER(post, struct tour, post);
    struct od_node *node = t->call->shard->node;

    if (t->at < node->shard_count) {
        collect(t, &node->shards[t->at]);
        t->at++;
        od_reactor_post(t->at < node->shard_count ? node->shards[t->at].reactor
                                                  : t->call->shard->reactor,
                        post);
        return;
    }
    od_call_finish(t->call);
}

enum od_done od_handle_list_groups(struct od_call *call, const struct od_list_groups_req *req,
                                   struct od_list_groups_rsp *rsp)
{
    struct od_node *node = call->shard->node;
    struct od_image *image = od_image_acquire(&node->image);
    const struct od_image_topic *topic = od_image_topic_find(image, OD_STR("__consumer_offsets"));
    struct tour *t;

    (void)req;
    rsp->groups.n = 0;
    if (!topic) {
        od_image_unref(image);
        return OD_DONE;
    }
    t = od_arena_alloc(&call->arena, sizeof(*t));
    t->call = call;
    t->partitions = topic->partition_count;
    t->post.run = arrive;
    od_image_unref(image);
    od_reactor_post(node->shards[0].reactor, &t->post);
    return OD_PENDING;
}
