/* SPDX-License-Identifier: Apache-2.0 */
/* ListPartitionReassignments (api 46): the moves the image knows of; a helper looks for them. */
#include "broker/handlers.h"

#include "broker/node.h"
#include "broker/offload.h"
#include "broker/shard.h"

static void copy_ids(struct od_call *call, int32_t n, const int32_t *ids, void *list)
{
    struct {
        int32_t n;
        int32_t *v;
    } *to = list;

    OD_ARENA_LIST(&call->arena, *to, n);
    if (n)
        memcpy(to->v, ids, (size_t)n * sizeof(*ids));
}

/* Adds the partition if replicas of it are on the move. */
static void add(struct od_call *call, const struct od_image_topic *topic, int32_t index,
                struct od_list_partition_reassignments_rsp_topic *out)
{
    const struct od_image_partition *p = od_image_partition_find(topic, index);
    struct od_list_partition_reassignments_rsp_partition *part;

    if (!p || p->adding_count + p->removing_count == 0)
        return;
    od_call_grow(call, &out->partitions.v, out->partitions.n, sizeof(*part));
    part = &out->partitions.v[out->partitions.n++];
    part->partition_index = index;
    copy_ids(call, p->replica_count, p->replicas, &part->replicas);
    copy_ids(call, p->adding_count, p->adding, &part->adding_replicas);
    copy_ids(call, p->removing_count, p->removing, &part->removing_replicas);
}

static void end_topic(struct od_call *call, const struct od_image_topic *topic,
                      const struct od_list_partition_reassignments_rsp_topic *found)
{
    struct od_list_partition_reassignments_rsp *rsp = call->response;

    if (found->partitions.n == 0)
        return;
    od_call_grow(call, &rsp->topics.v, rsp->topics.n, sizeof(*found));
    rsp->topics.v[rsp->topics.n] = *found;
    rsp->topics.v[rsp->topics.n++].name =
        od_str_of(od_arena_printf(&call->arena, "%.*s", OD_STR_ARGS(topic->name)));
}

static void list_all(struct od_call *call, const struct od_image *image)
{
    const struct od_image_topic *topic;
    struct od_pmap_walk walk = { 0 };

    while ((topic = od_image_topic_next(image, &walk))) {
        struct od_list_partition_reassignments_rsp_topic found = { 0 };

        for (int32_t i = 0; i < topic->partition_count; i++)
            add(call, topic, i, &found);
        end_topic(call, topic, &found);
    }
}

static void list_asked(struct od_call *call, const struct od_image *image)
{
    const struct od_list_partition_reassignments_req *req = call->request;

    for (int32_t i = 0; i < req->topics.n; i++) {
        const struct od_list_partition_reassignments_req_topic *in = &req->topics.v[i];
        const struct od_image_topic *topic = od_image_topic_find(image, in->name);
        struct od_list_partition_reassignments_rsp_topic found = { 0 };

        if (!topic)
            continue;
        for (int32_t j = 0; j < in->partition_indexes.n; j++)
            add(call, topic, in->partition_indexes.v[j], &found);
        end_topic(call, topic, &found);
    }
}

static bool make(struct od_call *call)
{
    const struct od_list_partition_reassignments_req *req = call->request;
    struct od_image *image = od_image_acquire(&call->shard->node->image);

    if (req->topics.n < 0)
        list_all(call, image);
    else
        list_asked(call, image);
    od_image_unref(image);
    return true;
}

enum od_done
od_handle_list_partition_reassignments(struct od_call *call,
                                       const struct od_list_partition_reassignments_req *req,
                                       struct od_list_partition_reassignments_rsp *rsp)
{
    (void)req, (void)rsp;
    return od_call_offload(call, make);
}
