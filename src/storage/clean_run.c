/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The blocking half of a clean, a slice at a time.
 *
 *      LEARN -> OVER
 *      KEYS -> COPY -> SEAL -> COMMITTED (swap) -> PLACE -> COPY of the next group ... -> OVER
 *
 * Groups are cleaned in ascending order, each durable before the next: when a tombstone goes, what
 * it hid has gone from the disk before.
 */
#include "base/assert.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/mutant.h"
#include "os/clock.h"
#include "os/file.h"
#include "storage/aborted.h"
#include "storage/plog_clean_internal.h"

/* --- reading ---------------------------------------------------------------------------------- */

static int64_t half_buffer(const struct od_plog_clean *c)
{
    enum { LEAST = 64 << 10 };

    return c->options.io_bytes / 2 < LEAST ? LEAST : c->options.io_bytes / 2;
}

static void leave_segment(struct od_plog_clean *c)
{
    if (c->in_file)
        od_segment_unpin(c->segments[c->at]);
    c->in_file = NULL;
}

/* The first segment with bytes, from one on; end: none before it. */
static int next_filled(const struct od_plog_clean *c, int from, int end)
{
    while (from < end && c->views[from].size == 0)
        from++;
    return from;
}

static void go_to(struct od_plog_clean *c, int segment)
{
    leave_segment(c);
    c->at = segment;
    c->pos = c->in_pos = 0;
    c->in.len = 0;
    c->expected = c->segments[segment]->base_offset;
}

/* At least len bytes from c->pos on into the buffer. */
static enum od_err fill(struct od_plog_clean *c, size_t len)
{
    int64_t left = c->views[c->at].size - c->pos;
    size_t want = (size_t)(left < half_buffer(c) ? left : half_buffer(c));
    enum od_err err;

    if (c->pos >= c->in_pos && c->pos + (int64_t)len <= c->in_pos + (int64_t)c->in.len)
        return OD_NONE;
    if (want < len)
        want = len;
    c->in.len = 0;
    c->in_pos = c->pos;
    err = od_clean_reserve(&c->in, want);
    if (!err)
        err = od_file_read(c->in_file, c->in.data, want, c->pos, &c->in.len);
    c->moved += (int64_t)c->in.len;
    return !err && c->in.len < len ? OD_CORRUPT_MESSAGE : err;
}

/* The whole, checked batch at c->pos of the segment at hand. */
static enum od_err read_batch(struct od_plog_clean *c, const uint8_t **data,
                              struct od_batch_header *h)
{
    const struct od_clean_segment *v = &c->views[c->at];
    enum od_err err = OD_NONE;

    if (!c->in_file)
        err = od_segment_pin(c->segments[c->at], 0, &c->in_file);
    if (!err && v->size - c->pos < OD_BATCH_HEADER_BYTES)
        err = OD_CORRUPT_MESSAGE;
    if (!err)
        err = fill(c, OD_BATCH_HEADER_BYTES);
    if (!err && od_batch_parse(c->in.data + (c->pos - c->in_pos), OD_BATCH_HEADER_BYTES, h))
        err = OD_CORRUPT_MESSAGE;
    if (!err && ((int64_t)od_batch_bytes(h) > v->size - c->pos || h->base_offset < c->expected ||
                 od_batch_last_offset(h) >= v->end_offset))
        err = OD_CORRUPT_MESSAGE;
    if (!err)
        err = fill(c, od_batch_bytes(h));
    if (err)
        return err;
    *data = c->in.data + (c->pos - c->in_pos);
    return od_batch_check(*data, h);
}

/* Past the batch; at the end of a segment to the next, unless that is `end`. */
static void advance(struct od_plog_clean *c, const struct od_batch_header *h, int end)
{
    c->pos += (int64_t)od_batch_bytes(h);
    c->expected = od_batch_last_offset(h) + 1;
    if (c->pos < c->views[c->at].size)
        return;
    leave_segment(c);
    c->at = next_filled(c, c->at + 1, end);
    if (c->at < end)
        go_to(c, c->at);
}

/* Where transactions stand, told batch by batch. */
static enum od_err pass_txn(struct od_plog_clean *c, const uint8_t *data,
                            const struct od_batch_header *h, bool *can_go)
{
    enum od_clean_marker marker;
    enum od_err err = od_clean_batch_marker(data, h, &marker);

    if (err)
        return err;
    *can_go = od_clean_txns_pass(&c->txns, h, marker);
    return c->txns.unlisted ? OD_E_CORRUPT : OD_NONE;
}

static void begin_txns(struct od_plog_clean *c)
{
    od_clean_txns_deinit(&c->txns);
    od_clean_txns_init(&c->txns, c->aborted, c->n_aborted, od_random_u64());
}

/* --- learn ------------------------------------------------------------------------------------ */

static enum od_err learn(struct od_plog_clean *c)
{
    enum od_err err = OD_NONE;

    for (; c->at < c->n && !err && !c->moved; c->at++) {
        if (atomic_load(&c->segments[c->at]->times_known))
            continue;
        err = od_segment_learn(c->segments[c->at]);
        c->moved += c->views[c->at].size;
    }
    if (c->at == c->n)
        c->phase = OD_CLEAN_OVER;
    return err;
}

/* --- keys ------------------------------------------------------------------------------------- */

static void open_group(struct od_plog_clean *c, int first)
{
    first = next_filled(c, first, c->n);
    if (first == c->n) {
        c->phase = OD_CLEAN_OVER;
        return;
    }
    c->first = first;
    c->count = od_clean_group(c->views + first, c->n - first, c->config.segment_bytes,
                              c->config.segment_index_bytes);
    go_to(c, first);
    od_segment_unref(c->made);
    c->made = NULL;
    c->has_txnindex = false;
    for (int i = 0; i < c->count; i++)
        c->has_txnindex |= c->segments[first + i]->aborted != NULL;
    c->phase = OD_CLEAN_COPY;
}

/* The map is complete up to the latest offset: only what begins at or below is rewritten. */
static void end_keys(struct od_plog_clean *c)
{
    int n = c->n;

    leave_segment(c);
    c->cleaned_offset = c->full ? c->round.latest_offset + 1 : c->limit_offset;
    while (n > 1 && c->segments[n - 1]->base_offset >= c->cleaned_offset)
        od_segment_unref(c->segments[--n]);
    c->n = n;
    begin_txns(c);
    open_group(c, 0);
}

static enum od_err read_keys(struct od_plog_clean *c)
{
    const uint8_t *data;
    struct od_batch_header h;
    bool can_go;
    enum od_err err;

    if (c->full || c->at >= c->n) {
        end_keys(c);
        return OD_NONE;
    }
    err = read_batch(c, &data, &h);
    if (!err)
        err = pass_txn(c, data, &h, &can_go);
    if (err)
        return err;
    if (h.attributes & OD_BATCH_CONTROL || can_go || od_batch_last_offset(&h) < c->first_dirty) {
        if (od_batch_last_offset(&h) > c->round.latest_offset)
            c->round.latest_offset = od_batch_last_offset(&h);
    } else {
        err = od_clean_batch_keys(c->map, data, &h, c->first_dirty, &c->round.latest_offset,
                                  &c->full);
    }
    if (!err && !c->full)
        advance(c, &h, c->n);
    return err;
}

static int by_first_offset(const void *a, const void *b)
{
    int64_t x = ((const struct od_aborted_txn *)a)->first_offset;
    int64_t y = ((const struct od_aborted_txn *)b)->first_offset;

    return (x > y) - (x < y);
}

static int by_producer(const void *a, const void *b)
{
    int64_t x = ((const struct od_clean_producer *)a)->producer_id;
    int64_t y = ((const struct od_clean_producer *)b)->producer_id;

    return (x > y) - (x < y);
}

static void begin_keys(struct od_plog_clean *c)
{
    int first = 0;

    if (c->n_producers)
        qsort(c->producers, c->n_producers, sizeof(*c->producers), by_producer);
    if (c->n_aborted)
        qsort(c->aborted, c->n_aborted, sizeof(*c->aborted), by_first_offset);
    c->round.producers = c->producers;
    c->round.n_producers = c->n_producers;

    while (first + 1 < c->n && c->segments[first]->end_offset <= c->first_dirty)
        first++;
    begin_txns(c);
    first = next_filled(c, first, c->n);
    if (first < c->n)
        go_to(c, first);
    else
        c->at = c->n;
}

/* --- copy ------------------------------------------------------------------------------------- */

static enum od_err begin_made(struct od_plog_clean *c)
{
    c->made = od_segment_new(&c->storage->cache, c->dir, c->segments[c->first]->base_offset);
    atomic_store(&c->made->stage, OD_SEGMENT_CLEANED);
    c->out.len = 0;
    c->out_pos = 0;
    return od_segment_pin(c->made, OD_FILE_CREATE | OD_FILE_TRUNCATE, &c->made_file);
}

static enum od_err write_out(struct od_plog_clean *c)
{
    struct od_span span = { c->out.data, c->out.len };
    size_t put;
    enum od_err err;

    if (!c->out.len)
        return OD_NONE;
    err = od_file_write(c->made_file, &span, 1, c->out_pos, &put);
    if (!err) /* so that the sync at the end is a short one */
        err = od_file_write_back(c->made_file, c->out_pos, (int64_t)c->out.len);
    if (err)
        return err;
    c->out_pos += (int64_t)c->out.len;
    c->moved += (int64_t)c->out.len;
    c->out.len = 0;
    return OD_NONE;
}

/* The batch that begins at start of the write buffer, if any, belongs to the new segment. */
static enum od_err note_made(struct od_plog_clean *c, size_t start)
{
    struct od_batch_head head;

    if (c->out.len == start)
        return OD_NONE;
    if (!od_batch_head_read(c->out.data + start, &head) || c->made->size + head.len > INT32_MAX)
        return OD_E_LIMIT;
    od_segment_note(c->made, &head, c->made->size, c->config.index_interval_bytes);
    return OD_NONE;
}

static enum od_err copy_batch(struct od_plog_clean *c)
{
    const struct od_clean_segment *v = &c->views[c->at];
    int end = c->first + c->count;
    struct od_clean_verdict verdict;
    struct od_batch_header h;
    const uint8_t *data;
    size_t start = c->out.len;
    bool can_go;
    enum od_err err = c->made ? OD_NONE : begin_made(c);

    if (!err)
        err = read_batch(c, &data, &h);
    if (!err)
        err = pass_txn(c, data, &h, &can_go);
    if (err)
        return err;
    if (c->txns.stays && !c->made->aborted)
        c->made->aborted = od_aborted_new();
    if (c->txns.stays)
        od_aborted_add(c->made->aborted, c->txns.stays);
    verdict = od_clean_judge(&c->round, &h, can_go,
                             c->pos + (int64_t)od_batch_bytes(&h) == v->size &&
                                 next_filled(c, c->at + 1, end) == end);
    err = od_clean_batch(&c->round, data, &h, &verdict, &c->scratch, &c->out, &c->tally);
    if (!err)
        err = note_made(c, start);
    if (!err && (int64_t)c->out.len >= half_buffer(c))
        err = write_out(c);
    if (err)
        return err;
    advance(c, &h, end);
    if (c->at == end)
        c->phase = OD_CLEAN_SEAL;
    return OD_NONE;
}

/* --- seal, commit, place ---------------------------------------------------------------------- */

static enum od_err write_txnindex(struct od_plog_clean *c)
{
    struct od_aborted *a = c->made->aborted;
    uint8_t *data = a ? od_aborted_print(a, 0, a->n) : NULL;
    char path[OD_PATH_MAX];
    enum od_err err;

    od_segment_path(c->made, "txnindex", path, sizeof(path));
    err = od_aborted_write(path, 0, data, a ? (size_t)a->n * OD_ABORTED_BYTES : 0);
    if (!err && a)
        a->on_disk = a->n;
    od_free(data);
    return err;
}

static enum od_err seal(struct od_plog_clean *c)
{
    enum od_err err = write_out(c);

    if (!err && !OD_MUTANT(clean_no_sync))
        err = od_file_sync(c->made_file);
    if (err)
        return err;
    od_segment_unpin(c->made);
    c->made_file = NULL;
    od_segment_seal(c->made);
    err = od_segment_write_index(c->made);
    if (!err && c->has_txnindex)
        err = write_txnindex(c);
    if (err)
        return err;
    od_segment_drop_index(c->made);
    return OD_NONE;
}

/* Before the first rename a failure takes nothing away; after it nobody knows what the disk has. */
static enum od_err seal_and_commit(struct od_plog_clean *c)
{
    enum od_err err = seal(c);

    if (!err)
        err = od_manifest_commit(&c->storage->manifest); /* the recovery point, and that gaps are */
    if (err)
        return err;
    err = od_swap_commit(c->made, c->has_txnindex);
    if (err) {
        od_storage_fence(c->storage, "a cleaned segment could not be put in place");
        return OD_E_FENCED;
    }
    c->phase = OD_CLEAN_COMMITTED;
    return OD_NONE;
}

static enum od_err place(struct od_plog_clean *c)
{
    enum od_err err = od_swap_place(c->made, c->segments + c->first, c->count, c->has_txnindex);

    if (err) {
        od_storage_fence(c->storage, "a cleaned segment could not be put in place");
        c->phase = OD_CLEAN_OVER;
        return OD_E_FENCED;
    }
    open_group(c, c->first + c->count);
    od_filecache_tidy(&c->storage->cache);
    return OD_NONE;
}

/* --- the slice -------------------------------------------------------------------------------- */

static enum od_err step(struct od_plog_clean *c)
{
    switch (c->phase) {
    case OD_CLEAN_LEARN:
        return learn(c);
    case OD_CLEAN_KEYS:
        return read_keys(c);
    case OD_CLEAN_COPY:
        return copy_batch(c);
    case OD_CLEAN_SEAL:
        return seal_and_commit(c);
    case OD_CLEAN_PLACE:
        return place(c);
    case OD_CLEAN_COMMITTED:
    case OD_CLEAN_OVER:
        break;
    }
    return OD_NONE;
}

/* A failure of the disk that is neither the reader's bad bytes nor want of room fences. */
static void give_up(struct od_plog_clean *c, enum od_err err)
{
    bool gone = atomic_load_explicit(&c->dir->gone, memory_order_acquire);
    bool writing = c->phase == OD_CLEAN_COPY || c->phase == OD_CLEAN_SEAL;

    if (c->made && !gone && c->phase != OD_CLEAN_OVER && err != OD_E_FENCED) {
        if (c->made_file)
            od_segment_unpin(c->made);
        c->made_file = NULL;
        od_swap_abandon(c->made);
    }
    leave_segment(c);
    if (err == OD_E_IO && writing && !gone) {
        od_storage_fence(c->storage, "a clean failed");
        err = OD_E_FENCED;
    }
    c->err = gone ? OD_E_STALE : err;
    c->phase = OD_CLEAN_OVER;
}

static bool must_stop(const struct od_plog_clean *c)
{
    return atomic_load_explicit(&c->stopping, memory_order_relaxed) &&
           c->phase != OD_CLEAN_COMMITTED && c->phase != OD_CLEAN_PLACE &&
           c->phase != OD_CLEAN_OVER;
}

static void run(struct od_plog_clean *c, int64_t bytes_max)
{
    enum od_err err = OD_NONE;

    if (c->phase == OD_CLEAN_KEYS && c->at == 0 && c->pos == 0 && !c->in_file)
        begin_keys(c);
    while (!err && c->moved < bytes_max && c->phase != OD_CLEAN_COMMITTED &&
           c->phase != OD_CLEAN_OVER) {
        if (od_storage_fenced(c->storage))
            err = OD_E_FENCED;
        else if (must_stop(c) || atomic_load_explicit(&c->dir->gone, memory_order_relaxed))
            err = OD_E_STALE;
        else
            err = step(c);
    }
    if (err)
        give_up(c, err);
}

enum od_clean_step od_plog_clean_run(struct od_plog_clean *c, int64_t bytes_max, int64_t *bytes)
{
    c->moved = 0;
    /* A deletion renames the directory only when nobody is in it. */
    atomic_fetch_add(&c->dir->users, 1);
    if (atomic_load(&c->dir->gone))
        give_up(c, OD_E_STALE);
    else
        run(c, bytes_max);
    atomic_fetch_sub(&c->dir->users, 1);
    *bytes = c->moved;
    if (c->phase == OD_CLEAN_COMMITTED)
        return OD_CLEAN_SWAP;
    return c->phase == OD_CLEAN_OVER ? OD_CLEAN_DONE : OD_CLEAN_MORE;
}
