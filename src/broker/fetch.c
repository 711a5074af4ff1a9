/* SPDX-License-Identifier: Apache-2.0 */
/* The fetch driver.  Nothing here scans the partitions of a session: only those that are ready. */
#include "broker/fetch.h"

#include "base/assert.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/mutant.h"
#include "broker/node.h"
#include "broker/partition.h"
#include "broker/shard.h"

enum {
    TRIES_MAX = 16, /* times a partition is located anew: files that went away, gaps in offsets */
};

static void serve(struct od_fetch_call *f);
static void on_wake(struct od_watcher *w);

/* --- finding a cursor's partition ------------------------------------------------------------ */

/* A reference to the partition the cursor names now, or NULL with the code to answer. */
static struct od_partition *find_partition(struct od_node *node, const struct od_fetch_session *s,
                                           const struct od_fetch_cursor *c, enum od_err *err)
{
    struct od_partition *p;
    struct od_image *image;
    const struct od_image_topic *topic;

    if (s->by_id) {
        p = od_partitions_find(&node->partitions, c->topic->id, c->key.partition);
        if (p)
            return p;
    }
    image = od_image_acquire(&node->image);
    topic = s->by_id ? od_image_topic_by_id(image, c->topic->id)
                     : od_image_topic_find(image, c->topic->name);
    if (!topic)
        *err = s->by_id ? OD_UNKNOWN_TOPIC_ID : OD_UNKNOWN_TOPIC_OR_PARTITION;
    else
        *err = c->key.partition >= 0 && c->key.partition < topic->partition_count
                   ? OD_NOT_LEADER_OR_FOLLOWER
                   : OD_UNKNOWN_TOPIC_OR_PARTITION;
    p = topic ? od_partitions_find(&node->partitions, topic->id, c->key.partition) : NULL;
    od_image_unref(image);
    return p;
}

void od_fetch_drop_watch(struct od_fetch_cursor *cursor)
{
    od_watcher_free(cursor->watch);
    cursor->watch = NULL;
}

/* Keeps the cursor subscribed to the partition it names; NULL with the code to answer. */
static struct od_partition *subscribe(struct od_fetch_call *f, struct od_fetch_cursor *c,
                                      enum od_err *err)
{
    struct od_shard *shard = f->call->shard;
    struct od_watcher *w = c->watch;
    struct od_partition *p;

    /* By id, a partition that is open is the one meant; a name may have moved to another topic. */
    p = find_partition(shard->node, f->session, c, err);
    if (w && w->partition != p)
        od_fetch_drop_watch(c);
    if (!p)
        return NULL;
    if (!c->watch) {
        w = OD_NEW(struct od_watcher);
        w->home = shard;
        w->wake = on_wake;
        w->owner = c;
        w->context = f->session;
        od_watcher_add(w, p);
        c->watch = w;
    }
    od_partition_unref(p); /* the watcher holds one */
    return p;
}

/* --- what is there --------------------------------------------------------------------------- */

/* Checks the request against the partition and locates its records; the partition is entered. */
static enum od_err locate(const struct od_fetch_call *f, struct od_partition *p,
                          const struct od_fetch_cursor *c, const struct od_plog_want *want,
                          struct od_plog_place *place)
{
    enum od_err err;

    if (!p->plog)
        return f->session->by_id && p->absent_err == OD_UNKNOWN_TOPIC_OR_PARTITION
                   ? OD_UNKNOWN_TOPIC_ID
                   : p->absent_err;
    err = od_replica_check_fetch(&p->replica, c->want.current_leader_epoch);
    if (!err && f->follower) /* of another node, which is not in the assignment */
        err = OD_NOT_LEADER_OR_FOLLOWER;
    return err ? err : od_plog_locate(p->plog, want, place);
}

/*
 * KIP-320: a client whose last epoch ended earlier in our log than it believes has to go back; one
 * whose epoch we cannot place is OFFSET_OUT_OF_RANGE.
 */
static bool diverges(struct od_partition *p, const struct od_fetch_cursor *c,
                     struct od_fetch_rsp_epoch_end_offset *out, enum od_err *err)
{
    int32_t epoch;
    int64_t end;

    if (c->want.last_fetched_epoch < 0)
        return false;
    od_plog_epoch_end(p->plog, c->want.last_fetched_epoch, &epoch, &end);
    if (epoch < 0) {
        *err = OD_OFFSET_OUT_OF_RANGE;
        return false;
    }
    if (epoch == c->want.last_fetched_epoch && end >= c->want.fetch_offset)
        return false;
    out->epoch = epoch;
    out->end_offset = end;
    return true;
}

static int64_t visible_end(const struct od_fetch_call *f, const struct od_partition *p)
{
    return f->read_committed ? od_partition_stable_end(p)
                             : od_replica_high_watermark(&p->replica);
}

/* Says what can be read at the cursor now. */
static void mark(struct od_fetch_call *f, struct od_fetch_cursor *c)
{
    struct od_plog_want want = { .offset = c->want.fetch_offset,
                                 .max_bytes = c->want.max_bytes,
                                 .min_one = true };
    struct od_plog_place place = { 0 };
    enum od_err err = OD_NONE;
    struct od_partition *p = subscribe(f, c, &err);
    struct od_fetch_rsp_epoch_end_offset end;
    int64_t available = 0;
    bool urgent = false;
    struct od_effects fx;

    if (p) {
        od_partition_enter(p, &fx);
        want.limit_offset = visible_end(f, p);
        err = locate(f, p, c, &want, &place);
        urgent = !err && diverges(p, c, &end, &err);
        od_partition_leave(p, &fx, f->call->shard);
        if (place.segment)
            available = place.end_pos > place.from_pos ? place.end_pos - place.from_pos : 1;
        od_plog_place_release(&place);
        if (available > c->want.max_bytes && c->want.max_bytes > 0)
            available = c->want.max_bytes;
    }
    od_fetch_mark(f->session, c, available, urgent || err != OD_NONE);
}

static void stop_waiting(struct od_fetch_call *f)
{
    od_timer_cancel(f->call->shard->reactor, &f->timeout);
    od_link_remove(&f->link);
    f->session->parked = NULL;
    od_fetch_round(f->session);
    serve(f);
}

/* A partition moved: of a session that waits, or of one between two requests. */
static void on_wake(struct od_watcher *w)
{
    struct od_fetch_cursor *c = w->owner;
    struct od_fetch_session *s = w->context;
    struct od_fetch_call *f = s->parked;

    if (!f) {
        od_fetch_mark(s, c, 1, false); /* looked at when the next request comes */
        return;
    }
    mark(f, c);
    if (od_fetch_due(s, f->min_bytes))
        stop_waiting(f);
}

static void on_timeout(struct od_timer *t)
{
    stop_waiting(OD_CONTAINER(t, struct od_fetch_call, timeout));
}

void od_fetch_start(struct od_fetch_call *f, int32_t max_wait_ms)
{
    struct od_shard *shard = f->call->shard;

    OD_FETCH_EACH_READY(f->session, link)
        mark(f, OD_FETCH_CURSOR(link));
    if (max_wait_ms <= 0 || f->bytes_left <= 0 || shard->draining ||
        od_fetch_due(f->session, f->min_bytes)) {
        od_fetch_round(f->session);
        serve(f);
        return;
    }
    f->timeout.fire = on_timeout;
    od_timer_set(shard->reactor, &f->timeout, od_reactor_now_ms(shard->reactor) + max_wait_ms);
    od_list_push(&shard->parked, &f->link);
    f->session->parked = f;
    /* All that is needed was copied; other requests may lie in the same buffer. */
    od_slice_unref(&f->call->frame);
    f->call->header.client_id = OD_STR_NULL;
    f->call->request = NULL;
}

void od_fetch_release_parked(struct od_shard *shard)
{
    struct od_link *n;

    while ((n = od_list_first(&shard->parked)))
        stop_waiting(OD_CONTAINER(n, struct od_fetch_call, link));
}

/* --- serving --------------------------------------------------------------------------------- */

static struct od_fetch_rsp_topic *topic_of(struct od_fetch_call *f,
                                           const struct od_fetch_topic *topic)
{
    struct od_fetch_rsp *rsp = f->call->response;
    struct od_fetch_rsp_topic *last;

    if (rsp->responses.n > 0) {
        last = &rsp->responses.v[rsp->responses.n - 1];
        if (f->session->by_id ? od_uuid_eq(last->topic_id, topic->id)
                              : od_str_eq(last->topic, topic->name))
            return last;
    }
    od_call_grow(f->call, &rsp->responses.v, rsp->responses.n, sizeof(*rsp->responses.v));
    last = &rsp->responses.v[rsp->responses.n++];
    last->topic_id = topic->id;
    if (!f->session->by_id)
        last->topic = od_str_of(od_arena_printf(&f->call->arena, "%.*s", OD_STR_ARGS(topic->name)));
    return last;
}

static int by_first_offset(const void *a, const void *b)
{
    int64_t x = ((const struct od_fetch_rsp_aborted_transaction *)a)->first_offset;
    int64_t y = ((const struct od_fetch_rsp_aborted_transaction *)b)->first_offset;

    return (x > y) - (x < y);
}

/* With the partition entered: the aborted transactions of the records found. */
static enum od_err list_aborted(struct od_fetch_call *f, struct od_partition *p)
{
    int64_t from = f->cursor->want.fetch_offset, to = f->range.next_offset;
    struct od_aborted_txn *found;
    size_t n;

    if (!p->plog)
        return p->absent_err;
    if (od_plog_start_offset(p->plog) > from) /* what is known of them may have gone with them */
        return OD_OFFSET_OUT_OF_RANGE;
    n = od_plog_aborted(p->plog, from, to, NULL, 0);
    if (n == 0)
        return OD_NONE;
    found = od_arena_try(&f->call->arena, n * sizeof(*found));
    f->out.aborted_transactions.v =
        od_arena_try(&f->call->arena, n * sizeof(*f->out.aborted_transactions.v));
    if (!found || !f->out.aborted_transactions.v)
        return OD_E_NO_MEMORY;
    (void)od_plog_aborted(p->plog, from, to, found, n);
    for (size_t i = 0; i < n; i++)
        f->out.aborted_transactions.v[i] = (struct od_fetch_rsp_aborted_transaction){
            .producer_id = found[i].producer_id, .first_offset = found[i].first_offset
        };
    f->out.aborted_transactions.n = (int32_t)n;
    qsort(f->out.aborted_transactions.v, n, sizeof(*f->out.aborted_transactions.v),
          by_first_offset);
    return OD_NONE;
}

/* Says which of the records found were aborted; without that they are not answered. */
static void add_aborted(struct od_fetch_call *f)
{
    struct od_watcher *w = f->cursor->watch;
    struct od_effects fx;
    enum od_err err;

    if (!f->read_committed || f->range.len == 0 || f->result.err || !w)
        return;
    od_partition_enter(w->partition, &fx);
    err = list_aborted(f, w->partition);
    od_partition_leave(w->partition, &fx, f->call->shard);
    if (!err)
        return;
    od_plog_range_release(&f->range);
    f->out.aborted_transactions.n = 0;
    if (err == OD_E_NO_MEMORY) /* asked again when there is memory */
        f->result.more = true;
    else
        f->result.err = err;
}

/* True if there is no such partition: then the list of aborted transactions is empty, not null. */
static bool unknown(enum od_err err)
{
    return err == OD_UNKNOWN_TOPIC_OR_PARTITION || err == OD_UNKNOWN_TOPIC_ID;
}

/* What was found for the cursor goes into the answer, if the session says so. */
static void put(struct od_fetch_call *f)
{
    struct od_fetch_rsp_topic *topic;
    struct od_plog_range *range;

    add_aborted(f);
    f->result.records_bytes = (size_t)f->range.len;
    /* A batch above the partition's limit waits until this partition comes first. */
    if (!f->result.err && !f->result.diverging && f->range.len == 0 &&
        f->cursor->want.fetch_offset < f->want.limit_offset)
        f->result.more = true;
    if (!od_fetch_put(f->session, f->cursor, &f->result)) {
        od_plog_range_release(&f->range);
        return;
    }
    f->out.partition_index = f->cursor->key.partition;
    f->out.error_code = od_err_to_wire(f->result.err);
    f->out.high_watermark = f->result.err ? -1 : f->result.high_watermark;
    f->out.last_stable_offset = f->result.err ? -1 : f->stable_end;
    f->out.log_start_offset = f->result.err ? -1 : f->result.log_start;
    if (unknown(f->result.err))
        f->out.aborted_transactions.n = 0;
    else if (!f->read_committed || f->result.err)
        f->out.aborted_transactions.n = -1;
    f->out.preferred_read_replica = -1;
    f->out.records = (struct od_records){ .data = (const uint8_t *)"" };
    if (f->range.len > 0) {
        range = od_arena_alloc(&f->call->arena, sizeof(*range));
        *range = f->range;
        f->out.records = (struct od_records){ .len = f->range.len, .external = range };
        f->call->gap_count++;
        f->bytes_left -= f->range.len;
        f->found = true;
    }
    f->range = (struct od_plog_range){ 0 };
    topic = topic_of(f, f->cursor->topic);
    od_call_grow(f->call, &topic->partitions.v, topic->partitions.n, sizeof(f->out));
    topic->partitions.v[topic->partitions.n++] = f->out;
}

static void run_read(struct od_job *job)
{
    struct od_fetch_call *f = OD_CONTAINER(job, struct od_fetch_call, job);

    f->scan_err = od_plog_scan(&f->place, true, &f->range);
}

static void read_done(struct od_job *job)
{
    struct od_fetch_call *f = OD_CONTAINER(job, struct od_fetch_call, job);

    serve(f);
}

/* Looks up the cursor's records; the place is filled when there is something to scan. */
static void look(struct od_fetch_call *f, struct od_partition *p)
{
    struct od_fetch_cursor *c = f->cursor;
    struct od_effects fx;

    od_partition_enter(p, &fx);
    f->want.limit_offset = visible_end(f, p);
    f->result.high_watermark = od_replica_high_watermark(&p->replica);
    f->stable_end = od_partition_stable_end(p);
    if (OD_MUTANT(broker_fetch_beyond) && p->plog)
        f->want.limit_offset = od_plog_end_offset(p->plog);
    f->result.err = locate(f, p, c, &f->want, &f->place);
    if (p->plog) {
        f->result.log_start = od_plog_start_offset(p->plog);
        if (!f->zstd_allowed && p->config->compression_type == OD_COMPRESSION_ZSTD)
            f->result.err = OD_UNSUPPORTED_COMPRESSION_TYPE;
        if (!f->result.err && diverges(p, c, &f->out.diverging_epoch, &f->result.err))
            f->result.diverging = true;
    }
    od_partition_leave(p, &fx, f->call->shard);
    if (f->result.err || f->result.diverging || (f->bytes_left <= 0 && f->found))
        od_plog_place_release(&f->place);
}

/* Begins with the next cursor; false: the round is over or the answer is full. */
static bool begin_cursor(struct od_fetch_call *f)
{
    /* A full answer names every partition, also those for which there is no room any more. */
    if (f->bytes_left <= 0 && f->found && !f->session->full)
        return false;
    f->cursor = od_fetch_next(f->session);
    if (!f->cursor)
        return false;
    f->result = (struct od_fetch_result){ 0 };
    od_fetch_rsp_partition_defaults(&f->out);
    f->range = (struct od_plog_range){ 0 };
    f->scan_err = OD_E_STALE; /* nothing looked up yet */
    f->tries = 0;
    f->want = (struct od_plog_want){ .offset = f->cursor->want.fetch_offset,
                                     .max_bytes = f->cursor->want.max_bytes,
                                     .min_one = !f->found };
    if (f->want.max_bytes > f->bytes_left)
        f->want.max_bytes = (int32_t)(f->bytes_left > 0 ? f->bytes_left : 0);
    return true;
}

/* True: the cursor's records are found, or it is settled that there are none. */
static bool settled(struct od_fetch_call *f)
{
    bool empty_here = !f->scan_err && !f->range.file && f->range.next_offset >= 0;

    if (f->tries == 0)
        return false;
    if (f->scan_err != OD_E_STALE && !empty_here) {
        if (f->scan_err)
            f->result.err = f->scan_err;
        return true;
    }
    if (f->tries > TRIES_MAX)
        return true;
    if (empty_here)
        f->want.offset = f->range.next_offset;
    return false;
}

/* One lookup of the cursor.  False: a READ job is out, and serve goes on when it is done. */
static bool look_and_scan(struct od_fetch_call *f)
{
    struct od_partition *p = subscribe(f, f->cursor, &f->result.err);

    f->tries++;
    f->scan_err = OD_NONE;
    f->range = (struct od_plog_range){ .next_offset = -1 };
    if (!p)
        return true;
    look(f, p);
    if (!f->place.segment)
        return true;
    f->scan_err = od_plog_scan(&f->place, false, &f->range);
    if (f->scan_err != OD_E_AGAIN) {
        od_plog_place_release(&f->place);
        return true;
    }
    f->job = (struct od_job){ .class = OD_JOB_READ, .run = run_read, .done = read_done };
    if (!od_helpers_submit(f->call->shard->node->helpers, &f->job))
        return false;
    /* The queue of cold reads is full: this partition has nothing now, the next request asks. */
    f->scan_err = OD_NONE;
    f->result.more = true;
    od_plog_place_release(&f->place);
    return true;
}

/* Goes round the ready cursors until the answer is full; resumes after a cold read. */
static void serve(struct od_fetch_call *f)
{
    od_plog_place_release(&f->place);
    while (f->cursor || begin_cursor(f)) {
        if (!settled(f)) {
            if (!look_and_scan(f))
                return;
            continue;
        }
        put(f);
        f->cursor = NULL;
    }
    od_fetch_end(f->session);
    od_call_finish(f->call);
}
