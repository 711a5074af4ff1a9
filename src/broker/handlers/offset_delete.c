/* SPDX-License-Identifier: Apache-2.0 */
/* OffsetDelete (api 47): forgets positions of topics that a group does not read. */
#include "broker/group_ask.h"
#include "broker/handlers.h"

#include "broker/node.h"
#include "broker/shard.h"

static void lay_out(struct od_call *call, const struct od_offset_delete_req *req,
                    struct od_offset_delete_rsp *rsp)
{
    struct od_image *image = od_image_acquire(&call->shard->node->image);

    OD_ARENA_LIST(&call->arena, rsp->topics, req->topics.n);
    for (int32_t i = 0; i < req->topics.n; i++) {
        const struct od_offset_delete_req_topic *in = &req->topics.v[i];
        struct od_offset_delete_rsp_topic *out = &rsp->topics.v[i];
        const struct od_image_topic *topic = od_image_topic_find(image, in->name);

        out->name = od_str_of(od_arena_printf(&call->arena, "%.*s", OD_STR_ARGS(in->name)));
        OD_ARENA_LIST(&call->arena, out->partitions, in->partitions.n);
        for (int32_t j = 0; j < in->partitions.n; j++) {
            int32_t index = in->partitions.v[j].partition_index;
            bool known = topic && index >= 0 && index < topic->partition_count;

            out->partitions.v[j].partition_index = index;
            out->partitions.v[j].error_code =
                known ? OD_NONE : od_err_to_wire(OD_UNKNOWN_TOPIC_OR_PARTITION);
        }
    }
    od_image_unref(image);
}

enum od_done od_handle_offset_delete(struct od_call *call, const struct od_offset_delete_req *req,
                                     struct od_offset_delete_rsp *rsp)
{
    struct od_group_ask *ask = od_group_ask_new(call, OD_GROUP_DELETE_OFFSETS);

    lay_out(call, req, rsp);
    ask->call.delete_offsets.req = req;
    ask->call.delete_offsets.rsp = rsp;
    od_group_ask_send(ask, req->group_id);
    return OD_PENDING;
}
