/* SPDX-License-Identifier: Apache-2.0 */
/* DescribeProducers (api 61): who writes to a partition, and whose transaction holds it up. */
#include "broker/handlers.h"

#include "broker/auto_create.h"
#include "broker/node.h"
#include "broker/partition.h"
#include "broker/shard.h"

static void describe(const struct od_producer *p, struct od_describe_producers_rsp_producer *out)
{
    out->producer_id = p->id;
    out->producer_epoch = p->epoch;
    out->last_sequence = p->done_count ? p->done[p->done_count - 1].last_sequence : -1;
    out->last_timestamp = p->last_timestamp;
    out->coordinator_epoch = p->coordinator_epoch;
    out->current_txn_start_offset = p->txn_first_offset;
}

static enum od_err list(struct od_call *call, struct od_partition *p,
                        struct od_describe_producers_rsp_partition *out)
{
    const struct od_producers *t = p->plog ? od_plog_producers(p->plog) : NULL;
    enum od_err err = p->plog ? od_replica_check_fetch(&p->replica, -1) : p->absent_err;
    size_t n = t ? od_producers_count(t) : 0;

    if (err || n == 0)
        return err;
    out->active_producers.v = od_arena_try(&call->arena, n * sizeof(*out->active_producers.v));
    if (!out->active_producers.v)
        return OD_E_NO_MEMORY;
    OD_LIST_EACH(&t->order, link)
        describe(OD_CONTAINER(link, struct od_producer, order),
                 &out->active_producers.v[out->active_producers.n++]);
    return OD_NONE;
}

static enum od_err fill(struct od_call *call, struct od_str topic, int32_t index,
                        struct od_describe_producers_rsp_partition *out)
{
    enum od_err err;
    struct od_partition *p = od_call_partition(call, topic, index, &err);
    struct od_effects fx;

    out->partition_index = index;
    out->error_message = OD_STR_NULL;
    if (!p) {
        err = od_topic_name_valid(topic) ? err : OD_INVALID_TOPIC_EXCEPTION;
        out->error_message = od_str_of(od_err_text(err));
        return err;
    }
    od_partition_enter(p, &fx);
    err = list(call, p, out);
    od_partition_leave(p, &fx, call->shard);
    od_partition_unref(p);
    return err;
}

enum od_done od_handle_describe_producers(struct od_call *call,
                                          const struct od_describe_producers_req *req,
                                          struct od_describe_producers_rsp *rsp)
{
    OD_ARENA_LIST(&call->arena, rsp->topics, req->topics.n);
    for (int32_t i = 0; i < req->topics.n; i++) {
        const struct od_describe_producers_req_topic *in = &req->topics.v[i];
        struct od_describe_producers_rsp_topic *out = &rsp->topics.v[i];

        out->name = in->name;
        OD_ARENA_LIST(&call->arena, out->partitions, in->partition_indexes.n);
        for (int32_t j = 0; j < in->partition_indexes.n; j++)
            out->partitions.v[j].error_code = od_err_to_wire(
                fill(call, in->name, in->partition_indexes.v[j], &out->partitions.v[j]));
    }
    return OD_DONE;
}
