/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ListOffsets (api 2): the ends of a partition's log are answered at once, a search by time goes to
 * a helper, one partition after the other.  Version 0 asks another question: see old_offsets.h.
 */
#include "broker/handlers.h"

#include "broker/node.h"
#include "broker/old_offsets.h"
#include "broker/partition.h"
#include "broker/shard.h"
#include "broker/time_search.h"

enum {
    LATEST = -1,
    EARLIEST = -2,
    MAX_TIMESTAMP = -3,           /* from version 7 */
    EARLIEST_LOCAL = -4,          /* from version 8 */
    LATEST_TIERED = -5,           /* from version 9 */
    EARLIEST_PENDING_UPLOAD = -6, /* from version 11 */
    CONSUMER = -1,
    DEBUGGER = -2, /* reads like a replica: up to the log's end */
};

struct search {
    struct od_call *call;
    int32_t topic, partition; /* at hand */
    int32_t *indexes;         /* of the topic at hand, sorted */
    int32_t index_count;
    struct od_time_search time;
    struct od_old_offsets old; /* version 0 */
};

static void go_on(struct search *s);

/* Before version 4 an answer cannot name the epoch. */
static void set_epoch(const struct search *s, struct od_list_offsets_rsp_partition *out,
                      int32_t epoch)
{
    if (s->call->header.api_version >= 4)
        out->leader_epoch = epoch;
}

static const struct od_list_offsets_req_partition *asked(const struct search *s)
{
    const struct od_list_offsets_req *req = s->call->request;

    return &req->topics.v[s->topic].partitions.v[s->partition];
}

static struct od_list_offsets_rsp_partition *answer_of(const struct search *s)
{
    struct od_list_offsets_rsp *rsp = s->call->response;

    return &rsp->topics.v[s->topic].partitions.v[s->partition];
}

static void found(struct od_time_search *t)
{
    struct search *s = OD_CONTAINER(t, struct search, time);
    struct od_list_offsets_rsp_partition *out = answer_of(s);

    if (t->err) {
        out->error_code = od_err_to_wire(t->err);
    } else if (t->found.offset >= 0) {
        out->offset = t->found.offset;
        out->timestamp = t->found.timestamp;
        set_epoch(s, out, t->found.leader_epoch);
    }
    s->partition++;
    go_on(s);
}

/* The version from which a special timestamp is known; the others are real ones. */
static int special_since(int64_t timestamp)
{
    switch (timestamp) {
    case MAX_TIMESTAMP:
        return 7;
    case EARLIEST_LOCAL:
        return 8;
    case LATEST_TIERED:
        return 9;
    case EARLIEST_PENDING_UPLOAD:
        return 11;
    default:
        return timestamp < EARLIEST_PENDING_UPLOAD ? INT16_MAX : 0;
    }
}

/* With the partition entered: what needs no search.  False: search below limit_offset. */
static bool answer_now(struct search *s, struct od_partition *p,
                       struct od_list_offsets_rsp_partition *out)
{
    const struct od_list_offsets_req *req = s->call->request;
    int64_t timestamp = asked(s)->timestamp;
    enum od_err err = p->plog ? od_replica_check_fetch(&p->replica, asked(s)->current_leader_epoch)
                              : p->absent_err;

    if (err) {
        out->error_code = od_err_to_wire(err);
        return true;
    }
    s->time.limit_offset = req->replica_id != CONSUMER ? od_plog_end_offset(p->plog)
                           : req->isolation_level == 1 ? od_partition_stable_end(p)
                                                       : od_replica_high_watermark(&p->replica);
    if (timestamp == EARLIEST || timestamp == EARLIEST_LOCAL) { /* no tier: everything is local */
        out->offset = od_plog_start_offset(p->plog);
        set_epoch(s, out, od_plog_epoch_at(p->plog, out->offset));
        return true;
    }
    if (timestamp == LATEST_TIERED || timestamp == EARLIEST_PENDING_UPLOAD) /* nothing, ever */
        return true;
    if (req->replica_id == CONSUMER && !od_replica_reads_ready(&p->replica)) {
        out->error_code =
            s->call->header.api_version >= 5 ? OD_OFFSET_NOT_AVAILABLE : OD_LEADER_NOT_AVAILABLE;
        return true;
    }
    if (timestamp == LATEST) {
        out->offset = s->time.limit_offset;
        set_epoch(s, out, p->replica.leader_epoch);
        return true;
    }
    return false;
}

static int by_value(const void *a, const void *b)
{
    int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;

    return (x > y) - (x < y);
}

/* A sorted copy of a topic's partition indexes. */
static int32_t *sorted(struct od_call *call, const struct od_list_offsets_req_topic *t)
{
    int32_t *v = od_arena_alloc(&call->arena, sizeof(*v) * (size_t)t->partitions.n);

    for (int32_t i = 0; i < t->partitions.n; i++)
        v[i] = t->partitions.v[i].partition_index;
    qsort(v, (size_t)t->partitions.n, sizeof(*v), by_value);
    return v;
}

/* A partition named twice cannot be answered twice (KIP-79). */
static bool named_twice(const struct search *s, int32_t index)
{
    const int32_t *v = s->indexes;
    const int32_t *at = bsearch(&index, v, (size_t)s->index_count, sizeof(*v), by_value);

    return (at > v && at[-1] == index) || (at + 1 < v + s->index_count && at[1] == index);
}

/* --- version 0 ------------------------------------------------------------------------------- */

static void found_old(struct od_old_offsets *o)
{
    struct search *s = OD_CONTAINER(o, struct search, old);
    struct od_list_offsets_rsp_partition *out = answer_of(s);

    out->error_code = od_err_to_wire(o->err);
    out->old_style_offsets.v = o->offsets;
    out->old_style_offsets.n = o->count;
    s->partition++;
    go_on(s);
}

/* True: answered; false: found_old goes on.  A partition named twice is answered twice. */
static bool handle_old(struct search *s)
{
    const struct od_list_offsets_req *req = s->call->request;
    struct od_list_offsets_rsp_partition *out = answer_of(s);
    struct od_partition *p;
    enum od_err err;

    od_list_offsets_rsp_partition_defaults(out);
    out->partition_index = asked(s)->partition_index;
    if (special_since(asked(s)->timestamp) > 0) {
        out->error_code = OD_UNSUPPORTED_VERSION;
        return true;
    }
    p = od_call_partition(s->call, req->topics.v[s->topic].name, asked(s)->partition_index, &err);
    if (!p || asked(s)->max_num_offsets < 0) {
        out->error_code = od_err_to_wire(p ? OD_INVALID_REQUEST : err);
        od_partition_unref(p);
        return true;
    }
    s->old.topic_id = p->topic_id;
    s->old.partition = p->index;
    od_partition_unref(p);
    s->old.timestamp = asked(s)->timestamp;
    s->old.offsets_max = asked(s)->max_num_offsets;
    s->old.consumer = req->replica_id == CONSUMER;
    od_old_offsets_start(&s->old, s->call->shard, &s->call->arena, found_old);
    return false;
}

/* True: answered; false: searched by time, and found goes on. */
static bool handle_one(struct search *s)
{
    const struct od_list_offsets_req *req = s->call->request;
    struct od_list_offsets_rsp_partition *out = answer_of(s);
    struct od_partition *p;
    struct od_effects fx;
    enum od_err err;
    bool done;

    od_list_offsets_rsp_partition_defaults(out);
    out->partition_index = asked(s)->partition_index;
    if (s->call->header.api_version < special_since(asked(s)->timestamp)) {
        out->error_code = OD_UNSUPPORTED_VERSION;
        return true;
    }
    if (named_twice(s, asked(s)->partition_index)) {
        out->error_code = OD_INVALID_REQUEST;
        return true;
    }
    p = od_call_partition(s->call, req->topics.v[s->topic].name, asked(s)->partition_index, &err);
    if (!p) {
        out->error_code = od_err_to_wire(err);
        return true;
    }
    s->time.topic_id = p->topic_id;
    s->time.partition = p->index;
    od_partition_enter(p, &fx);
    done = answer_now(s, p, out);
    od_partition_leave(p, &fx, s->call->shard);
    od_partition_unref(p);
    if (!done) {
        s->time.timestamp =
            asked(s)->timestamp == MAX_TIMESTAMP ? OD_PLOG_TIME_MAX : asked(s)->timestamp;
        od_time_search_start(&s->time, s->call->shard, found);
    }
    return done;
}

static void go_on(struct search *s)
{
    const struct od_list_offsets_req *req = s->call->request;

    for (; s->topic < req->topics.n; s->topic++, s->partition = 0) {
        s->index_count = req->topics.v[s->topic].partitions.n;
        if (s->partition == 0)
            s->indexes = sorted(s->call, &req->topics.v[s->topic]);
        for (; s->partition < s->index_count; s->partition++)
            if (!(s->call->header.api_version == 0 ? handle_old(s) : handle_one(s)))
                return;
    }
    od_call_finish(s->call);
}

enum od_done od_handle_list_offsets(struct od_call *call, const struct od_list_offsets_req *req,
                                    struct od_list_offsets_rsp *rsp)
{
    struct search *s = od_arena_alloc(&call->arena, sizeof(*s));

    OD_ARENA_LIST(&call->arena, rsp->topics, req->topics.n);
    for (int32_t i = 0; i < req->topics.n; i++) {
        rsp->topics.v[i].name = req->topics.v[i].name;
        OD_ARENA_LIST(&call->arena, rsp->topics.v[i].partitions, req->topics.v[i].partitions.n);
    }
    s->call = call;
    go_on(s);
    return OD_PENDING;
}
