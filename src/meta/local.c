/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The local metadata log.  Its format is KRaft's with one voter: each term begins with a control
 * batch that names the leader; each commit is one batch of framed metadata records with the term as
 * leader epoch; quorum-state names the term before anything is written in it.
 */
#include "meta/local_internal.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/mutant.h"
#include "meta/metabatch.h"
#include "os/clock.h"
#include "os/file.h"
#include "storage/smallfile.h"
#include "storage/storage.h"

enum { READ_BYTES = 1 << 20, RETRY_MS = 1, PREALLOCATE_BYTES = 1 << 20 };

static const struct od_str topic = { "__cluster_metadata", 18 };
static const char dir_name[] = "__cluster_metadata-0";
static const struct od_uuid topic_id = { { [15] = 1 } }; /* as Kafka has it */

/* --- loading ---------------------------------------------------------------------------------- */

struct loading {
    struct od_edit *edit;
    struct od_meta_position position; /* of the last record applied; offset -1: none */
};

static enum od_err fail_load(const struct od_batch_header *h, enum od_err err, const char *why)
{
    od_log(OD_LOG_ERROR, "meta", "metadata log, batch at offset %lld: %s",
           (long long)h->base_offset, why);
    return err;
}

/* Applies the batches in data; all are whole. */
static enum od_err apply_batches(struct loading *l, const uint8_t *data, size_t len)
{
    struct od_batch_header h;
    struct od_text why = { 0 };
    enum od_err err = OD_NONE;

    for (size_t pos = 0; !err && pos < len; pos += od_batch_bytes(&h)) {
        err = od_batch_parse(data + pos, len - pos, &h);
        if (!err && od_batch_bytes(&h) > len - pos)
            err = OD_E_TRUNCATED;
        if (err)
            return err; /* storage gave us whole batches: logged there or a broken disk */
        if (od_batch_last_offset(&h) <= l->position.offset)
            continue; /* the snapshot has it */
        err = h.base_offset > l->position.offset ? od_batch_check(data + pos, &h) : OD_E_CORRUPT;
        if (!err)
            err = od_metabatch_apply(data + pos, &h, l->edit, &why);
        if (err)
            err = fail_load(&h, err, why.len ? why.data : od_err_text(err));
        l->position = (struct od_meta_position){ od_batch_last_offset(&h), h.leader_epoch };
    }
    od_text_reset(&why);
    return err;
}

static enum od_err read_range(struct loading *l, const struct od_plog_range *range)
{
    uint8_t *data = od_alloc_try((size_t)range->len);
    size_t got;
    enum od_err err;

    if (!data)
        return OD_E_NO_MEMORY;
    err = od_file_read(range->file, data, (size_t)range->len, range->pos, &got);
    if (!err)
        err = apply_batches(l, data, got);
    od_free(data);
    return err;
}

/* The next piece of the log; *offset moves behind it. */
static enum od_err read_piece(struct od_local *s, struct loading *l, int64_t *offset)
{
    struct od_plog_want want = { .offset = *offset,
                                 .limit_offset = od_plog_end_offset(s->log),
                                 .max_bytes = READ_BYTES,
                                 .min_one = true };
    struct od_plog_place place = { 0 };
    struct od_plog_range range = { 0 };
    enum od_err err = od_plog_locate(s->log, &want, &place);

    if (!err)
        err = od_plog_scan(&place, true, &range);
    if (!err && range.len > 0)
        err = read_range(l, &range);
    s->snapshots.fresh_bytes += range.len;
    if (!err && range.next_offset <= *offset)
        err = OD_E_CORRUPT;
    *offset = range.next_offset;
    od_plog_range_release(&range);
    od_plog_place_release(&place);
    return err;
}

static enum od_err finish_load(struct od_local *s, struct loading *l, struct od_image **image)
{
    struct od_image_delta delta;
    struct od_metadata_record abort_record;
    struct od_text why = { 0 };
    enum od_err err = OD_NONE;

    s->abort_pending = od_edit_in_transaction(l->edit);
    if (s->abort_pending) {
        od_metadata_record_init(&abort_record, OD_RECORD_ABORT_TRANSACTION, OD_METADATA_VERSION);
        err = od_edit_apply(l->edit, &abort_record, &why);
    }
    od_text_reset(&why);
    if (err)
        return err;
    *image = od_edit_finish(l->edit, l->position.offset, l->position.term, &delta);
    l->edit = NULL;
    od_image_delta_deinit(&delta);
    return OD_NONE;
}

static enum od_err load(struct od_meta_store *store, struct od_image **image,
                        struct od_meta_position *position)
{
    struct od_local *s = OD_CONTAINER(store, struct od_local, store);
    struct od_image *empty = od_image_new(s->o.image_ops, s->o.seed);
    struct loading l = { .position = { -1, 0 } };
    enum od_err err = od_local_load_snapshot(s, empty, &l.edit, &l.position);
    int64_t offset = l.position.offset + 1;

    while (!err && offset < od_plog_end_offset(s->log))
        err = read_piece(s, &l, &offset);
    if (!err)
        err = finish_load(s, &l, image);
    *position = l.position;
    od_edit_free(l.edit);
    od_image_unref(empty);
    return err;
}

/* --- writing ---------------------------------------------------------------------------------- */

static enum od_err append(struct od_local *s, const struct od_metabatch *b)
{
    struct od_plog_batch batch = {
        .data = b->data,
        .len = b->len,
        .base_offset = b->base_offset,
        .last_offset = b->base_offset + b->count - 1,
        .max_timestamp = b->timestamp,
        .leader_epoch = s->term,
    };
    int done = 0;

    return od_plog_append(s->log, &batch, 1, &done);
}

/* Blocking, at start. */
static enum od_err flush_now(struct od_local *s)
{
    struct od_plog_flush flush;
    enum od_err err = OD_NONE;

    while (!err && od_plog_flush_begin(s->log, &flush)) {
        od_plog_flush_run(&flush);
        err = od_plog_flush_end(s->log, &flush);
    }
    return err;
}

static enum od_err write_quorum_state(const struct od_local *s)
{
    struct od_text text = { 0 };
    enum od_err err;

    od_text_add(&text,
                "{\"clusterId\":\"\",\"leaderId\":%d,\"leaderEpoch\":%d,\"votedId\":-1,"
                "\"appliedOffset\":0,\"currentVoters\":[{\"voterId\":%d}],\"data_version\":0}",
                s->o.node_id, s->term, s->o.node_id);
    err = od_storage_replace(s->o.storage, s->dir, "quorum-state",
                             (struct od_str){ text.data, text.len });
    od_text_reset(&text);
    return err;
}

/* The number behind "key": in one of Kafka's small JSON files; -1: none. */
static int64_t json_number(struct od_str text, const char *key)
{
    const char *p = text.len ? memmem(text.data, text.len, key, strlen(key)) : NULL;
    const char *end = text.data + text.len;
    struct od_str digits;
    int64_t number;

    if (!p)
        return -1;
    for (p += strlen(key); p < end && (*p == ' ' || *p == ':'); p++)
        ;
    for (digits.data = p; p < end && *p >= '0' && *p <= '9'; p++)
        ;
    digits.len = (size_t)(p - digits.data);
    return od_str_to_i64(digits, 0, INT32_MAX, &number) ? number : -1;
}

/* The newest term that anyone has begun here. */
static enum od_err latest_term(const struct od_local *s, int32_t *term)
{
    struct od_text text = { 0 };
    enum od_err err = od_smallfile_read(s->dir, "quorum-state", &text);
    int64_t epoch = json_number((struct od_str){ text.data, text.len }, "\"leaderEpoch\"");

    od_text_reset(&text);
    *term = od_plog_epoch_latest(s->log);
    if (epoch > *term)
        *term = (int32_t)epoch;
    if (*term < 0)
        *term = 0;
    return err == OD_E_NOT_FOUND ? OD_NONE : err;
}

static enum od_err append_records(struct od_local *s, const struct od_record_list *records)
{
    struct od_metabatch b = { 0 };
    enum od_err err = od_metabatch_build(&b, records, od_plog_end_offset(s->log), s->term,
                                         od_clock_wall_ms());

    if (!err)
        err = append(s, &b);
    od_metabatch_deinit(&b);
    return err;
}

static enum od_err append_leader_change(struct od_local *s)
{
    struct od_metabatch b = { 0 };
    enum od_err err = od_metabatch_leader_change(&b, s->o.node_id, od_plog_end_offset(s->log),
                                                 s->term, od_clock_wall_ms());

    if (!err)
        err = append(s, &b);
    od_metabatch_deinit(&b);
    return err;
}

static enum od_err lead(struct od_meta_store *store, int32_t *term, int64_t *next_offset)
{
    struct od_local *s = OD_CONTAINER(store, struct od_local, store);
    struct od_metadata_record abort_record;
    struct od_record_list records = { &abort_record, 1, 1 };
    enum od_err err = latest_term(s, &s->term);

    if (err)
        return err;
    s->term++;
    err = write_quorum_state(s);
    if (err)
        return err;
    od_plog_epoch_start(s->log, s->term, od_plog_end_offset(s->log));
    err = append_leader_change(s);
    if (!err && s->abort_pending) {
        od_metadata_record_init(&abort_record, OD_RECORD_ABORT_TRANSACTION, OD_METADATA_VERSION);
        err = append_records(s, &records);
    }
    if (!err)
        err = flush_now(s);
    if (err)
        return err;
    od_plog_set_high_watermark(s->log, od_plog_end_offset(s->log));
    *term = s->term;
    *next_offset = od_plog_end_offset(s->log);
    return OD_NONE;
}

static void finish_commit(struct od_local *s, enum od_commit_outcome outcome)
{
    struct od_meta_commit *c = s->commit;

    s->commit = NULL;
    if (outcome == OD_COMMIT_COMMITTED)
        od_local_note_commit(s, s->commit_bytes);
    c->outcome = outcome;
    c->position = (struct od_meta_position){ s->commit_end - 1, s->term };
    c->done(c);
}

static void run_flush(struct od_job *job)
{
    od_plog_flush_run(&OD_CONTAINER(job, struct od_local, job)->flush);
}

static void submit_flush(struct od_local *s)
{
    if (od_helpers_submit(s->o.helpers, &s->job))
        od_timer_set(od_reactor_current(), &s->retry,
                     od_reactor_now_ms(od_reactor_current()) + RETRY_MS);
}

/* Flushes until all that was committed is durable; one flush may not take all segments. */
static void flush_more(struct od_local *s)
{
    if (od_plog_durable_end(s->log) >= s->commit_end || OD_MUTANT(meta_early_commit)) {
        od_plog_set_high_watermark(s->log, s->commit_end);
        finish_commit(s, OD_COMMIT_COMMITTED);
    } else if (od_plog_flush_begin(s->log, &s->flush)) {
        submit_flush(s);
    } else {
        finish_commit(s, OD_COMMIT_UNKNOWN); /* nothing to flush, and yet not durable: fenced */
    }
}

static void flushed(struct od_job *job)
{
    struct od_local *s = OD_CONTAINER(job, struct od_local, job);

    if (od_plog_flush_end(s->log, &s->flush))
        finish_commit(s, OD_COMMIT_UNKNOWN);
    else
        flush_more(s);
}

static void retry(struct od_timer *t)
{
    submit_flush(OD_CONTAINER(t, struct od_local, retry));
}

static void commit(struct od_meta_store *store, struct od_meta_commit *c)
{
    struct od_local *s = OD_CONTAINER(store, struct od_local, store);
    int64_t begin = od_plog_end_offset(s->log), size_bytes;
    enum od_err err;

    s->commit = c;
    if (c->term != s->term) {
        finish_commit(s, OD_COMMIT_FENCED);
        return;
    }
    size_bytes = od_plog_size_bytes(s->log);
    err = append_records(s, c->records);
    s->commit_end = od_plog_end_offset(s->log);
    s->commit_bytes = od_plog_size_bytes(s->log) - size_bytes;
    if (err) {
        od_log(OD_LOG_ERROR, "meta", "%s: cannot append %d metadata records: %s", s->dir,
               c->records->n, od_err_text(err));
        finish_commit(s, err == OD_E_NO_SPACE && s->commit_end == begin ? OD_COMMIT_NO_ROOM
                                                                        : OD_COMMIT_UNKNOWN);
        return;
    }
    flush_more(s);
}

static void close_store(struct od_meta_store *store)
{
    struct od_local *s = OD_CONTAINER(store, struct od_local, store);

    if (s->log)
        od_plog_close(s->log);
    od_free(s->dir);
    od_free(s);
}

static bool quiesce(struct od_meta_store *store)
{
    struct od_local *s = OD_CONTAINER(store, struct od_local, store);

    s->snapshots.stopped = true;
    return !s->snapshots.out;
}

static const struct od_meta_store_ops ops = { load, lead, commit, quiesce, close_store };

enum od_err od_local_open(const struct od_local_options *options, struct od_meta_store **out)
{
    struct od_plog_config config = OD_PLOG_CONFIG_DEFAULT;
    struct od_local *s = OD_NEW(struct od_local);
    struct od_text dir = { 0 };
    enum od_err err;

    s->store.ops = &ops;
    s->o = *options;
    od_text_add(&dir, "%s/%s", od_storage_path(options->storage), dir_name);
    s->dir = dir.data;
    s->job = (struct od_job){ .class = OD_JOB_FLUSH, .run = run_flush, .done = flushed };
    s->retry.fire = retry;
    od_local_init_snapshots(s);
    if (options->segment_bytes)
        config.segment_bytes = options->segment_bytes;
    config.vital = true;
    config.preallocate_bytes = PREALLOCATE_BYTES;
    err = od_plog_open(options->storage, topic, 0, topic_id, &config, true, &s->log);
    if (err) {
        close_store(&s->store);
        return err;
    }
    *out = &s->store;
    return OD_NONE;
}
