/* SPDX-License-Identifier: Apache-2.0 */
/* InitProducerId (api 22): an id for an idempotent producer; no transaction coordinator yet. */
#include "broker/handlers.h"

#include "broker/shard.h"

enum { NO_PRODUCER_ID = -1, NO_PRODUCER_EPOCH = -1 };

struct wait {
    struct od_producer_id_wait id;
    struct od_call *call;
};

static void done(struct od_producer_id_wait *id, enum od_err err, int64_t producer_id)
{
    struct od_call *call = OD_CONTAINER(id, struct wait, id)->call;
    struct od_init_producer_id_rsp *rsp = call->response;

    /* Without a block the client comes again: Kafka's answer is this one too. */
    rsp->error_code = err ? OD_COORDINATOR_LOAD_IN_PROGRESS : OD_NONE;
    rsp->producer_id = producer_id;
    rsp->producer_epoch = err ? NO_PRODUCER_EPOCH : 0;
    od_call_finish(call);
}

static enum od_err check(const struct od_init_producer_id_req *req)
{
    if ((req->producer_id == NO_PRODUCER_ID) != (req->producer_epoch == NO_PRODUCER_EPOCH))
        return OD_INVALID_REQUEST;
    if (!req->transactional_id.data)
        return OD_NONE;
    return req->transactional_id.len ? OD_COORDINATOR_NOT_AVAILABLE : OD_INVALID_REQUEST;
}

enum od_done od_handle_init_producer_id(struct od_call *call,
                                        const struct od_init_producer_id_req *req,
                                        struct od_init_producer_id_rsp *rsp)
{
    enum od_err err = check(req);
    struct wait *w;

    if (err) {
        rsp->error_code = od_err_to_wire(err);
        rsp->producer_id = NO_PRODUCER_ID;
        rsp->producer_epoch = NO_PRODUCER_EPOCH;
        return OD_DONE;
    }
    w = od_arena_alloc(&call->arena, sizeof(*w));
    w->call = call;
    w->id.done = done;
    od_producer_ids_take(&call->shard->producer_ids, &w->id);
    return OD_PENDING;
}
