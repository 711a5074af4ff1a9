/* SPDX-License-Identifier: Apache-2.0 */
/* One CPU job per call. */
#include "broker/offload.h"

#include "broker/node.h"
#include "broker/shard.h"

struct offload {
    struct od_job job;
    struct od_call *call;
    bool (*make)(struct od_call *call);
    bool made;
};

static void run(struct od_job *job)
{
    struct offload *o = OD_CONTAINER(job, struct offload, job);

    o->made = o->make(o->call);
}

static void done(struct od_job *job)
{
    struct offload *o = OD_CONTAINER(job, struct offload, job);

    if (!o->made)
        od_call_refuse(o->call,
                       "the answer passes the memory budget (queued.max.request.bytes)");
    od_call_finish(o->call);
}

enum od_done od_call_offload(struct od_call *call, bool (*make)(struct od_call *call))
{
    struct offload *o = od_arena_alloc(&call->arena, sizeof(*o));

    o->call = call;
    o->make = make;
    o->job = (struct od_job){ .class = OD_JOB_CPU, .run = run, .done = done };
    if (od_helpers_submit(call->shard->node->helpers, &o->job)) {
        run(&o->job); /* every helper is busy: this reactor's clients wait */
        done(&o->job);
    }
    return OD_PENDING;
}
