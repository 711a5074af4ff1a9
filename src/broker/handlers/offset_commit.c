/* SPDX-License-Identifier: Apache-2.0 */
/* OffsetCommit (api 8): positions of a group, for topics that exist. */
#include "broker/group_ask.h"
#include "broker/handlers.h"

#include "broker/node.h"
#include "broker/shard.h"

enum { VERSION_TOPIC_ID = 10 };

/* Lays out the answer; names the topics that were given by id. */
static void lay_out(struct od_call *call, struct od_offset_commit_req *req,
                    struct od_offset_commit_rsp *rsp)
{
    struct od_image *image = od_image_acquire(&call->shard->node->image);
    bool by_id = call->header.api_version >= VERSION_TOPIC_ID;

    OD_ARENA_LIST(&call->arena, rsp->topics, req->topics.n);
    for (int32_t i = 0; i < req->topics.n; i++) {
        struct od_offset_commit_req_topic *in = &req->topics.v[i];
        struct od_offset_commit_rsp_topic *out = &rsp->topics.v[i];
        const struct od_image_topic *topic = by_id ? od_image_topic_by_id(image, in->topic_id)
                                                   : od_image_topic_find(image, in->name);
        enum od_err absent = by_id ? OD_UNKNOWN_TOPIC_ID : OD_UNKNOWN_TOPIC_OR_PARTITION;

        if (topic) {
            in->name = od_str_of(od_arena_printf(&call->arena, "%.*s", OD_STR_ARGS(topic->name)));
            in->topic_id = topic->id;
        }
        out->topic_id = in->topic_id;
        /* The frame may be gone when the answer is made. */
        out->name = od_str_of(od_arena_printf(&call->arena, "%.*s", OD_STR_ARGS(in->name)));
        OD_ARENA_LIST(&call->arena, out->partitions, in->partitions.n);
        for (int32_t j = 0; j < in->partitions.n; j++) {
            int32_t index = in->partitions.v[j].partition_index;
            bool known = topic && index >= 0 && index < topic->partition_count;

            out->partitions.v[j].partition_index = index;
            out->partitions.v[j].error_code = od_err_to_wire(known   ? OD_NONE
                                                             : topic ? OD_UNKNOWN_TOPIC_OR_PARTITION
                                                                     : absent);
        }
    }
    od_image_unref(image);
}

enum od_done od_handle_offset_commit(struct od_call *call, const struct od_offset_commit_req *req,
                                     struct od_offset_commit_rsp *rsp)
{
    struct od_group_ask *ask = od_group_ask_new(call, OD_GROUP_COMMIT);

    lay_out(call, call->request, rsp);
    ask->call.commit.req = req;
    ask->call.commit.rsp = rsp;
    od_group_ask_send(ask, req->group_id);
    return OD_PENDING;
}
