/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Produce (api 0): checks each batch in place and appends it; the answer goes out when the acks
 * rule holds for all.  A call whose batches are out with a helper pauses its connection, so that
 * one connection's batches keep their order.
 */
#include "broker/handlers.h"

#include "broker/node.h"
#include "broker/partition.h"
#include "broker/shard.h"
#include "os/clock.h"
#include "wire/validate.h"

enum {
    INLINE_COMPRESSED_BYTES = 64 << 10, /* larger compressed batches are checked by a helper */
    INLINE_EXPANDED_BYTES = 256 << 10,  /* and those that expand to more */
    VERSION_MIN = 3,                    /* below: batches of formats 0 and 1 */
    VERSION_ZSTD = 7,
};

struct item {
    struct od_append append;
    struct od_produce *produce;
    struct od_validate_rules rules;
    const char *message; /* why; NULL: the code says it */
    int32_t fault_count; /* records that were found wrong */
    struct od_validate_fault *faults;
    bool finished;
};

struct od_produce {
    struct od_call *call;
    struct item *items;
    int32_t item_count;
    int32_t next;                      /* to be prepared */
    int32_t outstanding;               /* appended and not finished */
    struct od_job job;                 /* checks items[next] */
    struct od_validate_result checked; /* of items[next] */
    enum od_err check_err;
    struct od_timer timeout;
    bool paused;
};

/* --- the answer ------------------------------------------------------------------------------ */

static void fill_faults(struct od_call *call, const struct item *it,
                        struct od_produce_rsp_partition *out)
{
    OD_ARENA_LIST(&call->arena, out->record_errors, it->fault_count);
    for (int32_t i = 0; i < it->fault_count; i++) {
        out->record_errors.v[i].batch_index = it->faults[i].index;
        out->record_errors.v[i].batch_index_error_message = od_str_of(it->faults[i].text);
    }
}

static void fill_partition(struct od_call *call, const struct item *it, int32_t index,
                           struct od_produce_rsp_partition *out)
{
    const struct od_append *a = &it->append;
    bool appended = a->err == OD_NONE;

    od_produce_rsp_partition_defaults(out);
    out->index = index;
    out->error_code = od_err_to_wire(a->err);
    out->error_message = od_str_of(it->message);
    out->base_offset = appended ? a->base_offset : -1;
    out->log_start_offset = appended ? a->log_start : -1;
    if (appended && it->rules.log_append_time)
        out->log_append_time_ms = it->rules.now_ms;
    fill_faults(call, it, out);
}

static void answer(struct od_produce *p)
{
    struct od_call *call = p->call;
    const struct od_produce_req *req = call->request;
    struct od_produce_rsp *rsp = call->response;
    struct item *it = p->items;

    if (p->timeout.fire)
        od_timer_cancel(call->shard->reactor, &p->timeout);
    call->unanswered = req->acks == 0;
    OD_ARENA_LIST(&call->arena, rsp->responses, req->topic_data.n);
    for (int32_t i = 0; i < req->topic_data.n; i++) {
        const struct od_produce_req_topic *in = &req->topic_data.v[i];
        struct od_produce_rsp_topic *out = &rsp->responses.v[i];

        out->name = in->name;
        out->topic_id = in->topic_id;
        OD_ARENA_LIST(&call->arena, out->partition_responses, in->partition_data.n);
        for (int32_t j = 0; j < in->partition_data.n; j++, it++) {
            fill_partition(call, it, in->partition_data.v[j].index, &out->partition_responses.v[j]);
            od_partition_unref(it->append.partition);
            call->close |= req->acks == 0 && it->append.err; /* so that the client looks again */
        }
    }
    od_call_finish(call);
}

/* --- appending ------------------------------------------------------------------------------- */

static void append_done(struct od_append *a)
{
    struct item *it = OD_CONTAINER(a, struct item, append);
    struct od_produce *p = it->produce;

    if (a->timed_out)
        a->err = OD_REQUEST_TIMED_OUT;
    it->finished = true;
    if (--p->outstanding == 0)
        answer(p);
}

/* In the log, and not acknowledged in time: the client may find it there. */
static void give_up(struct od_timer *t)
{
    struct od_produce *p = OD_CONTAINER(t, struct od_produce, timeout);

    p->outstanding++; /* keeps p until the loop is over */
    for (int32_t i = 0; i < p->item_count; i++) {
        struct od_append *a = &p->items[i].append;

        if (!p->items[i].finished && od_partition_give_up(a)) {
            a->timed_out = true;
            append_done(a);
        }
    }
    if (--p->outstanding == 0)
        answer(p);
}

static void append_all(struct od_produce *p)
{
    struct od_shard *shard = p->call->shard;
    const struct od_produce_req *req = p->call->request;

    p->outstanding = 1;
    for (int32_t i = 0; i < p->item_count; i++) {
        if (p->items[i].append.err) {
            p->items[i].finished = true;
            continue;
        }
        p->outstanding++;
        od_partition_append(&p->items[i].append);
    }
    if (req->acks == -1 && p->outstanding > 1) {
        p->timeout.fire = give_up;
        od_timer_set(shard->reactor, &p->timeout,
                     od_reactor_now_ms(shard->reactor) +
                         (req->timeout_ms > 0 ? req->timeout_ms : 0));
    }
    if (--p->outstanding == 0)
        answer(p);
}

/* --- checking -------------------------------------------------------------------------------- */

static void run_check(struct od_job *job)
{
    struct od_produce *p = OD_CONTAINER(job, struct od_produce, job);
    struct item *it = &p->items[p->next];

    p->check_err = od_validate_batch(it->append.data, it->append.len, &it->rules, &p->checked);
}

static void keep_faults(struct od_produce *p, struct item *it)
{
    int32_t n = p->checked.fault_count < OD_VALIDATE_FAULTS_MAX ? p->checked.fault_count
                                                                : OD_VALIDATE_FAULTS_MAX;

    it->fault_count = n;
    it->faults = od_arena_alloc(&p->call->arena, (size_t)n * sizeof(*it->faults));
    memcpy(it->faults, p->checked.faults, (size_t)n * sizeof(*it->faults));
}

/* The checker's answer for the item at hand. */
static void checked(struct od_produce *p, struct item *it)
{
    struct od_append *a = &it->append;
    bool zstd = !p->check_err && od_batch_compression(&p->checked.header) == OD_COMPRESS_ZSTD;

    a->err = p->check_err;
    it->message = p->checked.text;
    a->record_count = p->checked.header.count;
    a->max_timestamp = p->checked.header.max_timestamp;
    if (p->check_err)
        keep_faults(p, it);
    if (zstd && p->call->header.api_version < VERSION_ZSTD) {
        a->err = OD_UNSUPPORTED_COMPRESSION_TYPE;
        it->message = "zstd needs Produce version 7 or above";
    } else if (!a->err && p->checked.header.producer_id >= 0) {
        a->err = OD_INVALID_PRODUCER_ID_MAPPING;
        it->message = "this broker has given out no producer ids";
    }
}

/* What may be long is checked by a helper. */
static bool is_long(const struct item *it)
{
    struct od_batch_header h;

    return !it->rules.header_only && it->append.len > INLINE_COMPRESSED_BYTES &&
           !od_batch_parse(it->append.data, it->append.len, &h) &&
           od_batch_compression(&h) != OD_COMPRESS_NONE;
}

/* Checks without leaving the reactor; false: the batch expands to more than fits a turn. */
static bool check_here(struct od_produce *p, struct item *it)
{
    struct od_expand_limits full = it->rules.limits;

    if (is_long(it))
        return false;
    if (it->rules.limits.total_bytes > INLINE_EXPANDED_BYTES)
        it->rules.limits.total_bytes = INLINE_EXPANDED_BYTES;
    p->check_err = od_validate_batch(it->append.data, it->append.len, &it->rules, &p->checked);
    it->rules.limits = full;
    if (p->check_err && p->checked.too_large && full.total_bytes > INLINE_EXPANDED_BYTES)
        return false;
    checked(p, it);
    return true;
}

static void prepare_rest(struct od_produce *p);

static void check_done(struct od_job *job)
{
    struct od_produce *p = OD_CONTAINER(job, struct od_produce, job);

    checked(p, &p->items[p->next++]);
    prepare_rest(p);
}

/* False: a helper has it, and check_done goes on. */
static bool prepare(struct od_produce *p, struct item *it)
{
    struct od_call *call = p->call;
    struct od_conn *conn;

    if (it->append.err || check_here(p, it))
        return true;
    p->job = (struct od_job){ .class = OD_JOB_CPU, .run = run_check, .done = check_done };
    if (od_helpers_submit(call->shard->node->helpers, &p->job)) {
        run_check(&p->job); /* every helper is busy: this client pays for it */
        checked(p, it);
        return true;
    }
    conn = od_reply_conn(call->reply);
    if (conn && !p->paused) {
        p->paused = true;
        od_conn_pause(conn);
    }
    return false;
}

static void prepare_rest(struct od_produce *p)
{
    struct od_conn *conn;

    for (; p->next < p->item_count; p->next++)
        if (!prepare(p, &p->items[p->next]))
            return;
    conn = od_reply_conn(p->call->reply);
    if (p->paused && conn)
        od_conn_resume(conn);
    append_all(p);
}

/* --- translating ----------------------------------------------------------------------------- */

static void set_rules(struct item *it, struct od_node *node, const struct od_topic_config *c)
{
    it->rules = (struct od_validate_rules){
        .compacted = c->cleanup_policy & OD_CLEANUP_COMPACT,
        .header_only = c->odradek_validate_records == OD_VALIDATE_HEADER,
        .log_append_time = c->message_timestamp_type == OD_TIMESTAMP_LOG_APPEND_TIME,
        .now_ms = od_clock_wall_ms(),
        .timestamp_before_max_ms = c->message_timestamp_before_max_ms,
        .timestamp_after_max_ms = c->message_timestamp_after_max_ms,
        .limits = { .total_bytes = c->odradek_max_uncompressed_bytes, .budget = &node->budget },
    };
}

static void refuse(struct item *it, enum od_err err, const char *why)
{
    it->append.err = err;
    it->message = why;
}

/* Finds the partition and its settings; whatever is wrong goes into the item. */
static void resolve(struct od_call *call, const struct od_image *image,
                    const struct od_produce_req_topic *topic,
                    const struct od_produce_req_partition *in, struct item *it)
{
    struct od_node *node = call->shard->node;
    bool by_id = call->header.api_version >= 13;
    const struct od_image_topic *t = by_id ? od_image_topic_by_id(image, topic->topic_id)
                                           : od_image_topic_find(image, topic->name);

    it->append.data = (uint8_t *)in->records.data; /* the frame is ours to patch */
    it->append.len = in->records.len > 0 ? (size_t)in->records.len : 0;
    it->append.base_offset = -1;
    if (!t || in->index < 0 || in->index >= t->partition_count) {
        refuse(it, !t && by_id ? OD_UNKNOWN_TOPIC_ID : OD_UNKNOWN_TOPIC_OR_PARTITION, NULL);
        return;
    }
    it->append.partition = od_partitions_find(&node->partitions, t->id, in->index);
    if (!it->append.partition) {
        refuse(it, OD_NOT_LEADER_OR_FOLLOWER, NULL);
    } else if (it->append.len == 0) {
        refuse(it, OD_INVALID_RECORD, "a partition without a record batch");
    } else if (it->append.len > (size_t)t->config->max_message_bytes) {
        refuse(it, OD_MESSAGE_TOO_LARGE, "the batch is larger than max.message.bytes");
    } else {
        set_rules(it, node, t->config);
    }
}

static int32_t count_items(const struct od_produce_req *req)
{
    int32_t n = 0;

    for (int32_t i = 0; i < req->topic_data.n; i++)
        n += req->topic_data.v[i].partition_data.n;
    return n;
}

static void resolve_all(struct od_produce *p, enum od_err err, const char *why)
{
    const struct od_produce_req *req = p->call->request;
    struct od_image *image = od_image_acquire(&p->call->shard->node->image);
    struct item *it = p->items;

    for (int32_t i = 0; i < req->topic_data.n; i++) {
        const struct od_produce_req_topic *topic = &req->topic_data.v[i];

        for (int32_t j = 0; j < topic->partition_data.n; j++, it++) {
            it->produce = p;
            it->append.home = p->call->shard;
            it->append.done = append_done;
            it->append.acks = req->acks;
            if (err)
                refuse(it, err, why);
            else
                resolve(p->call, image, topic, &topic->partition_data.v[j], it);
        }
    }
    od_image_unref(image);
}

enum od_done od_handle_produce(struct od_call *call, const struct od_produce_req *req,
                               struct od_produce_rsp *rsp)
{
    struct od_produce *p;

    (void)rsp;
    if (call->header.api_version < VERSION_MIN) {
        od_call_refuse(call, "Produce below version 3 is not supported");
        return OD_DONE;
    }
    p = od_arena_alloc(&call->arena, sizeof(*p));
    p->call = call;
    p->item_count = count_items(req);
    p->items = od_arena_try(&call->arena, sizeof(*p->items) * (size_t)p->item_count);
    if (!p->items) {
        od_call_refuse(call, "more partitions than the memory budget allows");
        return OD_DONE;
    }
    if (req->acks < -1 || req->acks > 1)
        resolve_all(p, OD_INVALID_REQUIRED_ACKS, NULL);
    else if (req->transactional_id.data)
        resolve_all(p, OD_INVALID_PRODUCER_ID_MAPPING, "transactions are not served");
    else
        resolve_all(p, OD_NONE, NULL);
    prepare_rest(p);
    return OD_PENDING;
}
