/* SPDX-License-Identifier: Apache-2.0 */
/* Fetch (api 1): opens or continues a session, names its partitions, hands over to the driver. */
#include "broker/fetch.h"
#include "broker/handlers.h"

#include "broker/node.h"
#include "broker/shard.h"
#include "os/clock.h"

static enum od_err name_partitions(const struct od_fetch_req *req, struct od_fetch_session *s)
{
    for (int32_t i = 0; i < req->topics.n; i++) {
        const struct od_fetch_req_topic *t = &req->topics.v[i];

        for (int32_t j = 0; j < t->partitions.n; j++) {
            const struct od_fetch_req_partition *p = &t->partitions.v[j];
            struct od_fetch_key key = { t->topic_id, t->topic, p->partition };
            struct od_fetch_params want = {
                .fetch_offset = p->fetch_offset,
                .log_start = p->log_start_offset,
                .max_bytes = p->partition_max_bytes,
                .current_leader_epoch = p->current_leader_epoch < 0 ? -1 : p->current_leader_epoch,
                .last_fetched_epoch = p->last_fetched_epoch,
            };
            enum od_err err = od_fetch_want(s, &key, &want);

            if (err)
                return err;
        }
    }
    return OD_NONE;
}

static void forget_partitions(const struct od_fetch_req *req, struct od_fetch_session *s)
{
    for (int32_t i = 0; i < req->forgotten_topics_data.n; i++) {
        const struct od_fetch_req_forgotten_topic *t = &req->forgotten_topics_data.v[i];

        for (int32_t j = 0; j < t->partitions.n; j++)
            od_fetch_forget(s, &(struct od_fetch_key){ t->topic_id, t->topic, t->partitions.v[j] });
    }
}

enum od_done od_handle_fetch(struct od_call *call, const struct od_fetch_req *req,
                             struct od_fetch_rsp *rsp)
{
    struct od_shard *shard = call->shard;
    struct od_fetch_call *f = od_arena_alloc(&call->arena, sizeof(*f));
    int32_t replica =
        call->header.api_version >= 15 ? req->replica_state.replica_id : req->replica_id;
    struct od_fetch_start start = {
        .session_id = req->session_id,
        .epoch = call->header.api_version >= 7 ? req->session_epoch : -1,
        .by_id = call->header.api_version >= 13,
        .follower = replica >= 0,
        .now_ms = od_reactor_now_ms(shard->reactor),
    };
    int32_t max_bytes = shard->node->config.fetch_max_bytes;
    enum od_err err;

    err = od_fetch_begin(&shard->fetches, &start, &f->session);
    if (err) {
        rsp->error_code = od_err_to_wire(err);
        return OD_DONE;
    }
    forget_partitions(req, f->session);
    err = name_partitions(req, f->session);
    if (err) {
        od_fetch_close(f->session);
        od_fetch_end(f->session);
        rsp->error_code = od_err_to_wire(err);
        return OD_DONE;
    }
    rsp->session_id =
        od_fetch_admit(f->session, start.now_ms, start.epoch == 0 ? (uint32_t)od_random_u64() : 0);
    f->call = call;
    f->min_bytes = req->min_bytes;
    f->bytes_left = req->max_bytes < max_bytes ? req->max_bytes : max_bytes;
    f->read_committed = req->isolation_level == 1;
    f->follower = start.follower;
    f->zstd_allowed = call->header.api_version >= 10;
    od_fetch_start(f, req->max_wait_ms);
    return OD_PENDING;
}
