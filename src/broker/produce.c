/* SPDX-License-Identifier: Apache-2.0 */
/* The produce driver: checking, appending, waiting. */
#include "broker/produce.h"

#include "broker/node.h"
#include "broker/shard.h"
#include "wire/recompress.h"

enum {
    INLINE_COMPRESSED_BYTES = 64 << 10, /* larger compressed batches are checked by a helper */
    INLINE_EXPANDED_BYTES = 256 << 10,  /* and those that expand to more */
    INLINE_PLAIN_BYTES = 4 << 20,       /* larger plain ones: a walk takes a nanosecond per byte */
    VERSION_ZSTD = 7,
};

/* --- appending ------------------------------------------------------------------------------- */

static void finish(struct od_produce *p)
{
    if (p->timeout.fire)
        od_timer_cancel(p->call->shard->reactor, &p->timeout);
    p->answer(p);
}

static void append_done(struct od_append *a)
{
    struct od_produce_item *it = OD_CONTAINER(a, struct od_produce_item, append);
    struct od_produce *p = it->produce;

    if (a->timed_out)
        a->err = OD_REQUEST_TIMED_OUT;
    it->finished = true;
    if (--p->outstanding == 0)
        finish(p);
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
        finish(p);
}

static void append_all(struct od_produce *p)
{
    struct od_shard *shard = p->call->shard;

    od_dirty_admit(shard, p->call);
    p->outstanding = 1;
    for (int32_t i = 0; i < p->item_count; i++) {
        if (p->items[i].append.err) {
            p->items[i].finished = true;
            continue;
        }
        p->outstanding++;
        od_partition_append(&p->items[i].append);
    }
    if (p->acks == -1 && p->outstanding > 1) {
        p->timeout.fire = give_up;
        od_timer_set(shard->reactor, &p->timeout,
                     od_reactor_now_ms(shard->reactor) + (p->timeout_ms > 0 ? p->timeout_ms : 0));
    }
    if (--p->outstanding == 0)
        finish(p);
}

/* --- checking -------------------------------------------------------------------------------- */

static bool is_recompressed(const struct od_produce_item *it, const struct od_batch_header *h)
{
    return it->has_codec && od_batch_compression(h) != it->codec;
}

/* On a helper. */
static enum od_err recompress(struct od_produce *p, struct od_produce_item *it)
{
    struct od_recompress how = { .codec = it->codec,
                                 .level = it->level,
                                 .records_bytes = p->checked.records_bytes,
                                 .budget = it->rules.limits.budget };
    enum od_err err = od_batch_recompress(it->append.data, &p->checked.header, &how, &it->stored,
                                          &it->append.len);

    if (err)
        return err;
    it->append.data = it->stored->data;
    if (it->append.len <= (size_t)it->bytes_max)
        return OD_NONE;
    p->checked.text = "the batch as it is to be stored is larger than max.message.bytes";
    return OD_MESSAGE_TOO_LARGE;
}

static void run_check(struct od_job *job)
{
    struct od_produce *p = OD_CONTAINER(job, struct od_produce, job);
    struct od_produce_item *it = &p->items[p->next];

    p->check_err = od_validate_batch(it->append.data, it->append.len, &it->rules, &p->checked);
    if (!p->check_err && is_recompressed(it, &p->checked.header))
        p->check_err = recompress(p, it);
}

static void keep_faults(struct od_produce *p, struct od_produce_item *it)
{
    int32_t n = p->checked.fault_count < OD_VALIDATE_FAULTS_MAX ? p->checked.fault_count
                                                                : OD_VALIDATE_FAULTS_MAX;

    it->fault_count = n;
    it->faults = od_arena_alloc(&p->call->arena, (size_t)n * sizeof(*it->faults));
    memcpy(it->faults, p->checked.faults, (size_t)n * sizeof(*it->faults));
}

/* The checker's answer for the item at hand. */
static void checked(struct od_produce *p, struct od_produce_item *it)
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
    } else if (!a->err) {
        a->idempotent = od_producer_batch_read(a->data, a->len, &a->producer);
    }
}

/* What may take long is a helper's: many bytes to walk, or to expand, or another compression. */
static bool is_long(const struct od_produce_item *it)
{
    struct od_batch_header h;

    if (od_batch_parse(it->append.data, it->append.len, &h))
        return false; /* refused at once */
    if (is_recompressed(it, &h))
        return true;
    if (od_batch_compression(&h) == OD_COMPRESS_NONE)
        return it->append.len > INLINE_PLAIN_BYTES;
    return !it->rules.header_only && it->append.len > INLINE_COMPRESSED_BYTES;
}

/* Checks without leaving the reactor; false: the batch expands to more than fits a turn. */
static bool check_here(struct od_produce *p, struct od_produce_item *it)
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
static bool prepare(struct od_produce *p, struct od_produce_item *it)
{
    struct od_call *call = p->call;
    struct od_conn *conn;

    if (it->append.err || check_here(p, it))
        return true;
    p->job = (struct od_job){ .class = OD_JOB_CPU, .run = run_check, .done = check_done };
    if (od_helpers_submit(call->shard->node->helpers, &p->job)) {
        run_check(&p->job); /* every helper is busy: this reactor pays for it */
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

void od_produce_start(struct od_produce *p)
{
    for (int32_t i = 0; i < p->item_count; i++) {
        p->items[i].produce = p;
        p->items[i].append.home = p->call->shard;
        p->items[i].append.done = append_done;
        p->items[i].append.acks = p->acks;
    }
    prepare_rest(p);
}
