/* SPDX-License-Identifier: Apache-2.0 */
/* OffsetForLeaderEpoch (api 23): where does a leader epoch end in our log? */
#include "broker/handlers.h"

#include "broker/node.h"
#include "broker/partition.h"
#include "broker/shard.h"

static enum od_err look(struct od_partition *p,
                        const struct od_offset_for_leader_epoch_req_partition *in,
                        struct od_offset_for_leader_epoch_rsp_partition *out)
{
    enum od_err err;

    if (!p->plog)
        return p->absent_err;
    err = od_replica_check_fetch(&p->replica, in->current_leader_epoch);
    if (!err && in->leader_epoch >= 0)
        od_plog_epoch_end(p->plog, in->leader_epoch, &out->leader_epoch, &out->end_offset);
    return err;
}

static enum od_err fill(struct od_call *call, struct od_str topic,
                        const struct od_offset_for_leader_epoch_req_partition *in,
                        struct od_offset_for_leader_epoch_rsp_partition *out)
{
    enum od_err err;
    struct od_partition *p = od_call_partition(call, topic, in->partition, &err);
    struct od_effects fx;

    od_offset_for_leader_epoch_rsp_partition_defaults(out);
    out->partition = in->partition;
    if (!p)
        return err;
    od_partition_enter(p, &fx);
    err = look(p, in, out);
    od_partition_leave(p, &fx, call->shard);
    od_partition_unref(p);
    if (call->header.api_version == 0) /* has no field for it */
        out->leader_epoch = -1;
    return err;
}

enum od_done od_handle_offset_for_leader_epoch(struct od_call *call,
                                               const struct od_offset_for_leader_epoch_req *req,
                                               struct od_offset_for_leader_epoch_rsp *rsp)
{
    OD_ARENA_LIST(&call->arena, rsp->topics, req->topics.n);
    for (int32_t i = 0; i < req->topics.n; i++) {
        const struct od_offset_for_leader_epoch_req_topic *in = &req->topics.v[i];
        struct od_offset_for_leader_epoch_rsp_topic *out = &rsp->topics.v[i];

        out->topic = in->topic;
        OD_ARENA_LIST(&call->arena, out->partitions, in->partitions.n);
        for (int32_t j = 0; j < in->partitions.n; j++)
            out->partitions.v[j].error_code = od_err_to_wire(
                fill(call, in->topic, &in->partitions.v[j], &out->partitions.v[j]));
    }
    return OD_DONE;
}
