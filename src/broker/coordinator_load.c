/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loading a coordinator: the partition is read from its start to its end, piece by piece, and
 * replayed.  Reading and replaying are a helper's; between pieces the reactor looks up the next
 * place.  A piece that fails is logged, and the load begins anew after a while.
 */
#include "broker/coordinator_internal.h"

#include "base/log.h"
#include "base/mem.h"
#include "os/clock.h"
#include "os/file.h"
#include "wire/batch.h"
#include "wire/reader.h"

enum { PIECE_BYTES = 1 << 20, RETRY_MS = 1000, BUSY_MS = 10 };

enum { CONTROL_ABORT = 0, CONTROL_COMMIT = 1 };

/* --- on a helper -- */

static enum od_err replay_control(struct od_coordinator *c, const struct od_batch_header *h,
                                  const struct od_record *record)
{
    struct od_reader r = od_reader_of(record->key.data, record->key.len);
    int16_t version = od_read_i16(&r);
    int16_t type = od_read_i16(&r);

    (void)version; /* later ones begin the same way */
    if (!r.err && (type == CONTROL_ABORT || type == CONTROL_COMMIT))
        od_group_shard_end_txn(c->groups, h->producer_id, type == CONTROL_COMMIT);
    return r.err;
}

static enum od_err replay_batch(struct od_coordinator *c, const uint8_t *data,
                                const struct od_batch_header *h)
{
    struct od_expand_limits limits = { .total_bytes = INT32_MAX, .budget = &c->home->node->budget };
    int64_t producer = h->attributes & OD_BATCH_TRANSACTIONAL ? h->producer_id : -1;
    struct od_record_stream s;
    struct od_record record;
    enum od_err err = od_record_stream_open(&s, data, h, &limits);

    while (!err && !(err = od_record_stream_next(&s, &record))) {
        if (h->attributes & OD_BATCH_CONTROL)
            err = replay_control(c, h, &record);
        else if (record.key.data)
            err = od_group_shard_replay(c->groups, record.key, record.value, producer);
    }
    od_record_stream_close(&s);
    return err == OD_E_NOT_FOUND ? OD_NONE : err;
}

static enum od_err replay(struct od_coordinator *c, const uint8_t *data, size_t len)
{
    struct od_batch_header h;
    enum od_err err = OD_NONE;

    for (size_t pos = 0; !err && pos < len; pos += od_batch_bytes(&h)) {
        err = od_batch_parse(data + pos, len - pos, &h);
        if (!err && od_batch_bytes(&h) > len - pos)
            err = OD_E_TRUNCATED;
        if (!err)
            err = od_batch_check(data + pos, &h);
        /* A batch is given whole: its front may lie below the offset wanted. */
        if (!err && od_batch_last_offset(&h) >= c->load_offset)
            err = replay_batch(c, data + pos, &h);
    }
    return err;
}

static enum od_err read_range(struct od_coordinator *c, const struct od_plog_range *range)
{
    uint8_t *data = od_alloc_try((size_t)range->len);
    size_t got;
    enum od_err err;

    if (!data)
        return OD_E_NO_MEMORY;
    err = od_file_read(range->file, data, (size_t)range->len, range->pos, &got);
    if (!err && got != (size_t)range->len)
        err = OD_E_TRUNCATED;
    if (!err)
        err = replay(c, data, got);
    od_free(data);
    return err;
}

static void run_load(struct od_job *job)
{
    struct od_coordinator *c = OD_CONTAINER(job, struct od_coordinator, load);
    struct od_plog_range range = { .next_offset = -1 };
    enum od_err err = od_plog_scan(&c->place, true, &range);

    if (!err && range.len > 0)
        err = read_range(c, &range);
    if (!err && range.next_offset <= c->load_offset)
        err = OD_E_CORRUPT;
    if (!err)
        c->load_offset = range.next_offset;
    od_plog_range_release(&range);
    c->load_err = err == OD_E_STALE ? OD_NONE : err; /* deleted meanwhile: locate again */
}

/* --- on the shard -- */

static void load_next(struct od_coordinator *c);

static void load_done(struct od_job *job)
{
    struct od_coordinator *c = OD_CONTAINER(job, struct od_coordinator, load);

    od_plog_place_release(&c->place);
    c->load_out = false;
    if (!od_coordinator_free_if_idle(c))
        load_next(c);
}

static void wait_for(struct od_coordinator *c, int64_t ms)
{
    od_timer_set(c->home->reactor, &c->retry, od_reactor_now_ms(c->home->reactor) + ms);
}

static void begin_anew(struct od_timer *t)
{
    od_coordinator_load(OD_CONTAINER(t, struct od_coordinator, retry));
}

static void try_again(struct od_timer *t)
{
    load_next(OD_CONTAINER(t, struct od_coordinator, retry));
}

static void fail_load(struct od_coordinator *c, enum od_err err)
{
    od_log(OD_LOG_ERROR, "broker",
           "groups of %s-%d cannot be loaded, at offset %lld: %s; trying again in %d ms",
           c->partition->topic, c->partition->index, (long long)c->load_offset, od_err_text(err),
           RETRY_MS);
    c->retry.fire = begin_anew;
    wait_for(c, RETRY_MS);
}

/*
 * The next place; empty with OD_NONE: all is read.  OD_E_AGAIN: what was read last is not committed
 * yet, and must not be told before it is.
 */
static enum od_err look(struct od_coordinator *c)
{
    struct od_partition *p = c->partition;
    struct od_plog_want want = { .max_bytes = PIECE_BYTES, .min_one = true };
    struct od_effects fx;
    enum od_err err = OD_NONE;

    od_partition_enter(p, &fx);
    if (!p->plog || p->replica.leader_epoch != c->leader_epoch) {
        err = OD_NOT_LEADER_OR_FOLLOWER;
    } else {
        int64_t start = od_plog_start_offset(p->plog);

        if (c->load_end < 0)
            c->load_end = od_plog_end_offset(p->plog);
        if (c->load_offset < start)
            c->load_offset = start;
        want.offset = c->load_offset;
        want.limit_offset = c->load_end;
        if (c->load_offset < c->load_end)
            err = od_plog_locate(p->plog, &want, &c->place);
        else if (od_replica_high_watermark(&p->replica) < c->load_end)
            err = OD_E_AGAIN;
    }
    od_partition_leave(p, &fx, c->home);
    return err;
}

static void load_next(struct od_coordinator *c)
{
    enum od_err err = c->load_err ? c->load_err : look(c);

    if (err == OD_E_AGAIN) {
        c->retry.fire = try_again;
        wait_for(c, BUSY_MS);
        return;
    }
    if (err) {
        fail_load(c, err);
        return;
    }
    if (!c->place.segment) {
        od_coordinator_loaded(c);
        return;
    }
    c->load = (struct od_job){ .class = OD_JOB_READ, .run = run_load, .done = load_done };
    if (od_helpers_submit(c->home->node->helpers, &c->load)) {
        od_plog_place_release(&c->place);
        c->retry.fire = try_again;
        wait_for(c, BUSY_MS);
        return;
    }
    c->load_out = true;
}

void od_coordinator_load(struct od_coordinator *c)
{
    od_group_shard_free(c->groups);
    c->groups = od_group_shard_new(od_random_u64());
    c->state = OD_COORDINATOR_LOADING;
    c->leader_epoch = atomic_load(&c->partition->leader_epoch);
    c->load_offset = 0;
    c->load_end = -1;
    c->load_err = OD_NONE;
    load_next(c);
}
