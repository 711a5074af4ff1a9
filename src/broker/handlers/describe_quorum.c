/* SPDX-License-Identifier: Apache-2.0 */
/* DescribeQuorum (api 55): the metadata log has one voter, which is this node. */
#include "broker/handlers.h"

#include "broker/node.h"
#include "broker/shard.h"
#include "os/clock.h"

static bool asks_for_metadata(const struct od_describe_quorum_req *req)
{
    return req->topics.n == 1 && od_str_is(req->topics.v[0].topic_name, "__cluster_metadata") &&
           req->topics.v[0].partitions.n == 1 &&
           req->topics.v[0].partitions.v[0].partition_index == 0;
}

/* The leader is its only voter: what is committed is what is there. */
static void describe(struct od_call *call, struct od_describe_quorum_rsp_partition *out)
{
    struct od_node *node = call->shard->node;
    struct od_image *image = od_image_acquire(&node->image);
    struct od_describe_quorum_replica *voter;

    out->leader_id = node->id;
    out->leader_epoch = image->epoch;
    out->high_watermark = image->offset + 1;
    od_image_unref(image);
    OD_ARENA_LIST(&call->arena, out->current_voters, 1);
    voter = &out->current_voters.v[0];
    voter->replica_id = node->id;
    voter->log_end_offset = out->high_watermark;
    voter->last_fetch_timestamp = voter->last_caught_up_timestamp = od_clock_wall_ms();
    if (call->header.api_version >= 2)
        voter->replica_directory_id = od_storage_directory_id(node->storage);
}

static void refuse(const struct od_call *call, struct od_describe_quorum_rsp_partition *out)
{
    out->error_code = OD_UNKNOWN_TOPIC_OR_PARTITION;
    if (call->header.api_version >= 2)
        out->error_message = od_str_of(od_err_text(OD_UNKNOWN_TOPIC_OR_PARTITION));
}

enum od_done od_handle_describe_quorum(struct od_call *call,
                                       const struct od_describe_quorum_req *req,
                                       struct od_describe_quorum_rsp *rsp)
{
    bool known = asks_for_metadata(req);

    OD_ARENA_LIST(&call->arena, rsp->topics, req->topics.n);
    for (int32_t i = 0; i < req->topics.n; i++) {
        const struct od_describe_quorum_req_topic *in = &req->topics.v[i];
        struct od_describe_quorum_rsp_topic *out = &rsp->topics.v[i];

        out->topic_name = in->topic_name;
        OD_ARENA_LIST(&call->arena, out->partitions, in->partitions.n);
        for (int32_t j = 0; j < in->partitions.n; j++) {
            out->partitions.v[j].partition_index = in->partitions.v[j].partition_index;
            if (known)
                describe(call, &out->partitions.v[j]);
            else
                refuse(call, &out->partitions.v[j]);
        }
    }
    if (known && call->header.api_version >= 2) {
        OD_ARENA_LIST(&call->arena, rsp->nodes, 1);
        rsp->nodes.v[0].node_id = call->shard->node->id; /* it has no listener of its own */
    }
    return OD_DONE;
}
