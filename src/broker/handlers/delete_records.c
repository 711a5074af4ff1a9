/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DeleteRecords (api 21): moves log starts up.  They are on the disk before the answer; segments
 * below them go with the next round of retention.
 */
#include "broker/handlers.h"

#include "base/mutant.h"
#include "broker/auto_create.h"
#include "broker/node.h"
#include "broker/partition.h"
#include "broker/shard.h"

enum { HIGH_WATERMARK = -1, NO_LOW_WATERMARK = -1 };

struct deletion {
    struct od_job job;
    struct od_call *call;
    enum od_err err;
};

/* The partition, or NULL with what to answer. */
static struct od_partition *find(struct od_node *node, struct od_str name, int32_t index,
                                 enum od_err *err)
{
    struct od_image *image = od_image_acquire(&node->image);
    const struct od_image_topic *t = od_image_topic_find(image, name);
    struct od_partition *p = NULL;

    *err = OD_UNKNOWN_TOPIC_OR_PARTITION;
    if (t && index >= 0 && index < t->partition_count) {
        *err = OD_NOT_LEADER_OR_FOLLOWER;
        p = od_partitions_find(&node->partitions, t->id, index);
    }
    od_image_unref(image);
    return p;
}

/* True: the log start has moved, and has to reach the disk. */
static bool delete_below(struct od_call *call, struct od_str topic,
                         const struct od_delete_records_req_partition *in,
                         struct od_delete_records_rsp_partition *out)
{
    enum od_err err;
    struct od_partition *p = find(call->shard->node, topic, in->partition_index, &err);
    bool moved = false;

    out->partition_index = in->partition_index;
    out->low_watermark = NO_LOW_WATERMARK;
    if (p && od_topic_is_internal(topic))
        err = OD_INVALID_TOPIC_EXCEPTION;
    else if (p)
        err = od_partition_delete_records(
            p, call->shard, in->offset == HIGH_WATERMARK ? OD_PARTITION_ALL : in->offset,
            &out->low_watermark, &moved);
    out->error_code = od_err_to_wire(err);
    od_partition_unref(p);
    return moved;
}

static void run_checkpoint(struct od_job *job)
{
    struct deletion *d = OD_CONTAINER(job, struct deletion, job);

    d->err = od_storage_checkpoint(d->call->shard->node->storage);
}

static void checkpoint_done(struct od_job *job)
{
    struct deletion *d = OD_CONTAINER(job, struct deletion, job);
    struct od_delete_records_rsp *rsp = d->call->response;

    for (int32_t i = 0; d->err && i < rsp->topics.n; i++)
        for (int32_t j = 0; j < rsp->topics.v[i].partitions.n; j++) {
            struct od_delete_records_rsp_partition *out = &rsp->topics.v[i].partitions.v[j];

            if (out->error_code)
                continue;
            out->error_code = od_err_to_wire(OD_KAFKA_STORAGE_ERROR);
            out->low_watermark = NO_LOW_WATERMARK;
        }
    od_call_finish(d->call);
}

static enum od_done make_durable(struct od_call *call)
{
    struct deletion *d = od_arena_alloc(&call->arena, sizeof(*d));

    d->call = call;
    d->job = (struct od_job){ .class = OD_JOB_FLUSH, .run = run_checkpoint,
                              .done = checkpoint_done };
    if (od_helpers_submit(call->shard->node->helpers, &d->job)) {
        run_checkpoint(&d->job); /* the disk is far behind: this client's reactor waits for it */
        checkpoint_done(&d->job);
    }
    return OD_PENDING;
}

enum od_done od_handle_delete_records(struct od_call *call, const struct od_delete_records_req *req,
                                      struct od_delete_records_rsp *rsp)
{
    bool moved = false;

    OD_ARENA_LIST(&call->arena, rsp->topics, req->topics.n);
    for (int32_t i = 0; i < req->topics.n; i++) {
        const struct od_delete_records_req_topic *in = &req->topics.v[i];
        struct od_delete_records_rsp_topic *out = &rsp->topics.v[i];

        out->name = in->name;
        OD_ARENA_LIST(&call->arena, out->partitions, in->partitions.n);
        for (int32_t j = 0; j < in->partitions.n; j++)
            moved |= delete_below(call, in->name, &in->partitions.v[j], &out->partitions.v[j]);
    }
    return moved && !OD_MUTANT(broker_start_in_memory) ? make_durable(call) : OD_DONE;
}
