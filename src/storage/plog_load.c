/* SPDX-License-Identifier: Apache-2.0 */
/* Opening and closing: from the notes of a clean stop, or from the directory by recovery. */
#include "base/log.h"
#include "base/mem.h"
#include "base/mutant.h"
#include "os/file.h"
#include "storage/clean_swap.h"
#include "storage/plog_internal.h"
#include "storage/recover.h"
#include "storage/smallfile.h"

enum { BASE_DIGITS = 20, INDEX_ENTRY_BYTES = 8, SEGMENTS_MAX = 1 << 20 };

/* --- after a clean stop ---------------------------------------------------------------------- */

static void load_note(struct od_plog *p, struct od_segment_note *note)
{
    struct od_segment *s = od_segment_new(&p->storage->cache, p->dir, note->base_offset);

    s->size = s->fresh_pos = note->size;
    s->end_offset = note->end_offset;
    s->first_timestamp = note->first_timestamp;
    s->indexed_timestamp = note->time_entries ? note->max_timestamp : -1;
    atomic_store(&s->max_timestamp, note->max_timestamp);
    atomic_store(&s->max_timestamp_offset, note->max_timestamp_offset);
    atomic_store(&s->disk_entries, note->index_entries);
    atomic_store(&s->disk_times, note->time_entries);
    atomic_store(&s->time_crc, note->time_crc);
    atomic_store(&s->times_known, note->times_known);
    s->n_damages = note->n_damages;
    s->damages = note->damages; /* taken over */
    note->damages = NULL;
    note->n_damages = 0;
    s->sealed = true;
    p->size += s->size;
    od_plog_push_segment(p, s);
}

static void load_notes(struct od_plog *p)
{
    struct od_clean_log *l = p->entry->clean;

    for (uint32_t i = 0; i < l->n; i++)
        load_note(p, &l->segments[i]);
    p->end_offset = l->end_offset;
    p->durable = p->entry->recovery;
}

/* --- from the directory ---------------------------------------------------------------------- */

/* The bases of the files with one suffix. */
struct bases {
    int64_t *v;
    size_t n, capacity;
};

struct listing {
    struct od_plog *plog;
    struct bases logs;
    struct bases swaps;       /* of .log.swap: a clean that was committed and not put in place */
    struct bases index_swaps; /* of .index.swap and the like */
};

static bool ends_with(const char *name, const char *suffix)
{
    size_t len = strlen(name), suffix_len = strlen(suffix);

    return len >= suffix_len && strcmp(name + len - suffix_len, suffix) == 0;
}

static enum od_err remove_in(const struct od_plog *p, const char *name)
{
    char path[OD_PATH_MAX];

    snprintf(path, sizeof(path), "%s/%s", p->dir->path, name);
    return od_path_remove(path);
}

static enum od_err add_base(struct bases *b, int64_t base)
{
    if (b->n == SEGMENTS_MAX)
        return OD_E_LIMIT;
    if (b->n == b->capacity) {
        b->capacity = b->capacity ? b->capacity * 2 : 16;
        b->v = od_realloc(b->v, b->capacity * sizeof(*b->v));
    }
    b->v[b->n++] = base;
    return OD_NONE;
}

static enum od_err each_file(void *arg, const char *name, bool is_dir)
{
    struct listing *l = arg;
    int64_t base;

    if (is_dir)
        return OD_NONE;
    if (ends_with(name, ".deleted") || ends_with(name, ".cleaned") || ends_with(name, ".tmp"))
        return remove_in(l->plog, name); /* steps of an earlier life that do not count */
    if (strlen(name) <= BASE_DIGITS ||
        !od_str_to_i64((struct od_str){ name, BASE_DIGITS }, 0, INT64_MAX, &base))
        return OD_NONE;
    if (strcmp(name + BASE_DIGITS, ".log") == 0)
        return add_base(&l->logs, base);
    if (ends_with(name, ".snapshot") || ends_with(name, ".txnindex") || ends_with(name, ".swap"))
        l->plog->stateless = false;
    if (strcmp(name + BASE_DIGITS, ".log.swap") == 0)
        return add_base(&l->swaps, base);
    return ends_with(name, ".swap") ? add_base(&l->index_swaps, base) : OD_NONE;
}

static int by_value(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

static void sort(struct bases *b)
{
    if (b->n)
        qsort(b->v, b->n, sizeof(*b->v), by_value);
}

static bool has_base(const struct bases *b, int64_t base)
{
    return b->n && bsearch(&base, b->v, b->n, sizeof(*b->v), by_value);
}

/* Ends the swaps that a crash interrupted, and takes back those that were not committed. */
static enum od_err finish_swaps(struct od_plog *p, struct listing *l)
{
    enum od_err err = OD_NONE;

    for (size_t i = 0; i < l->index_swaps.n; i++) {
        struct od_segment *s;

        if (has_base(&l->swaps, l->index_swaps.v[i]))
            continue;
        s = od_segment_new(&p->storage->cache, p->dir, l->index_swaps.v[i]);
        od_swap_abandon(s);
        od_segment_unref(s);
    }
    for (size_t i = 0; i < l->swaps.n && !err && !OD_MUTANT(clean_swap_forgotten); i++)
        err = od_swap_finish(p, l->swaps.v[i], l->logs.v, &l->logs.n);
    return err;
}

/* The number of whole entries in the offset index file; its contents are checked at each use. */
static uint32_t index_file_entries(const struct od_segment *s)
{
    char path[OD_PATH_MAX];
    struct od_file *f;
    int64_t len = 0;

    od_segment_path(s, "index", path, sizeof(path));
    if (od_file_open(path, OD_FILE_READ | OD_FILE_QUIET, &f))
        return 0;
    if (od_file_size(f, &len) || len > INT32_MAX)
        len = 0;
    od_file_close(f);
    return (uint32_t)(len / INDEX_ENTRY_BYTES);
}

static bool note_epoch(void *arg, int32_t epoch, int64_t start_offset)
{
    struct od_plog *p = arg;
    bool added = od_manifest_epoch_add(&p->storage->manifest, p->entry, epoch, start_offset);

    p->epochs_changed |= added;
    return added;
}

/* A segment below the recovery point: not read. */
static void take_whole(struct od_segment *s, int64_t file_size, int64_t next_base, bool gaps)
{
    s->size = s->fresh_pos = file_size;
    s->end_offset = next_base;
    atomic_store(&s->end_unsure, true);
    if (file_size == 0 && next_base > s->base_offset && !gaps)
        od_segment_add_damage(s, &(struct od_damage){ s->base_offset, next_base, 0, 0 });
    atomic_store(&s->times_known, file_size == 0);
    atomic_store(&s->disk_entries, index_file_entries(s));
}

/*
 * Makes the pages dirty again.  After a sync that failed in an earlier life of this process they
 * are clean in the page cache, the disk does not have them, and the next sync would not write them.
 */
static enum od_err write_again(struct od_file *file, int64_t from, int64_t to)
{
    enum { STEP_BYTES = 256 * 1024 };
    uint8_t *data = from < to ? od_alloc(STEP_BYTES) : NULL;
    enum od_err err = OD_NONE;

    while (from < to && !err) {
        size_t len = to - from < STEP_BYTES ? (size_t)(to - from) : STEP_BYTES, got, put;

        err = od_file_read(file, data, len, from, &got);
        if (!err)
            err = od_file_write(file, &(struct od_span){ data, got }, 1, from, &put);
        from += (int64_t)len;
    }
    od_free(data);
    return err;
}

static enum od_err recover(struct od_plog *p, struct od_segment *s, struct od_file *file,
                           struct od_recovery *r)
{
    const struct od_recovery_point *point = &p->entry->recovery;
    bool trusted = p->storage->trusted;
    bool by_kafka = p->storage->was_clean && !trusted;
    enum od_err err;

    r->segment = s;
    r->file = file;
    r->verify_from = trusted && point->base == s->base_offset ? point->pos : 0;
    if (by_kafka)
        r->verify_from = r->file_size; /* and everything was synced */
    r->durable_end = point->offset;
    r->index_interval_bytes = p->config.index_interval_bytes;
    r->gaps_allowed = od_plog_has_gaps(p);
    r->power_cut = p->storage->power_cut && trusted;
    r->epoch = note_epoch;
    r->epoch_arg = p;
    err = od_recover(r);
    if (!err && r->cut && s->size < r->file_size)
        err = od_file_truncate(file, s->size);
    if (!err && !by_kafka) /* what was read may be in the page cache only */
        err = write_again(file, r->verify_from, s->size);
    if (!err && !by_kafka && !OD_MUTANT(storage_recovery_no_sync))
        err = od_file_sync(file);
    s->fresh_pos = s->size;
    return err;
}

/* Loads the segment at base; *stop: nothing after it counts. */
static enum od_err load_segment(struct od_plog *p, int64_t base, int64_t next_base, bool *stop)
{
    struct od_segment *s = od_segment_new(&p->storage->cache, p->dir, base);
    struct od_recovery r = { .next_base = next_base };
    struct od_file *file;
    enum od_err err = od_segment_pin(s, 0, &file);

    if (err) {
        od_segment_unref(s);
        return err;
    }
    err = od_file_size(file, &r.file_size);
    if (!err && r.file_size > INT32_MAX) {
        od_log(OD_LOG_ERROR, "storage", "%s/%020lld.log: %lld bytes, more than a segment can have",
               p->dir->path, (long long)base, (long long)r.file_size);
        err = OD_E_CORRUPT;
    }
    if (!err && next_base >= 0 && next_base <= p->entry->recovery.offset)
        take_whole(s, r.file_size, next_base, od_plog_has_gaps(p));
    else if (!err)
        err = recover(p, s, file, &r);
    od_segment_unpin(s);
    *stop = r.cut;
    if (r.producers || (!r.segment && r.file_size > 0)) /* not read: nobody knows */
        p->stateless = false;
    if (err) {
        od_segment_unref(s);
        return err;
    }
    p->size += s->size;
    p->end_offset = s->end_offset;
    od_plog_push_segment(p, s);
    return OD_NONE;
}

static enum od_err remove_segment_files(struct od_plog *p, int64_t base)
{
    struct od_segment *s = od_segment_new(&p->storage->cache, p->dir, base);
    enum od_err err;

    od_log(OD_LOG_WARN, "storage", "%s/%020lld.log: removed, it follows a torn tail",
           p->dir->path, (long long)base);
    err = od_segment_remove_files(s);
    od_segment_unref(s);
    return err;
}

static enum od_err load_directory(struct od_plog *p)
{
    struct listing l = { .plog = p };
    struct bases *logs = &l.logs;
    enum od_err err;
    bool stop = false;

    p->stateless = true;
    err = od_dir_list(p->dir->path, each_file, &l);
    if (!err && l.swaps.n) /* each may stand for a log that is gone */
        logs->v = od_realloc(logs->v, (logs->n + l.swaps.n) * sizeof(*logs->v));
    sort(logs);
    sort(&l.swaps);
    if (!err)
        err = finish_swaps(p, &l);
    for (size_t i = 0; i < logs->n && !err; i++) {
        if (stop)
            err = remove_segment_files(p, logs->v[i]);
        else
            err = load_segment(p, logs->v[i], i + 1 < logs->n ? logs->v[i + 1] : -1, &stop);
    }
    /* Segments that the last life began may have no name on the disk yet. */
    if (!err && (stop || (logs->n && (logs->v[logs->n - 1] != p->entry->recovery.base ||
                                      p->entry->recovery.pos == 0))))
        err = od_dir_sync(p->dir->path);
    od_free(l.logs.v);
    od_free(l.swaps.v);
    od_free(l.index_swaps.v);
    for (int i = 0; i + 1 < p->n_segments; i++)
        od_segment_seal(p->segments[i]);
    if (od_plog_active(p)) {
        const struct od_segment *last = od_plog_active(p);

        p->durable = (struct od_recovery_point){ p->end_offset, last->base_offset, last->size };
    }
    return err;
}

/* Brings start, end and epochs together after either way of loading. */
static void settle_bounds(struct od_plog *p)
{
    const struct od_segment *active = od_plog_active(p);
    int64_t start = p->entry->log_start;

    if (p->n_segments && p->segments[0]->base_offset > start)
        start = p->segments[0]->base_offset;
    if (start > p->end_offset) { /* deleted up to there: offsets are never used twice */
        p->end_offset = start;
        p->durable.offset = start;
    }
    if (p->entry->cleaned > p->end_offset)
        od_manifest_put_cleaned(&p->storage->manifest, p->entry, p->end_offset);
    p->start_offset = start;
    p->broken = active && active->n_damages != 0;
    if (p->broken)
        od_log(OD_LOG_ERROR, "storage", "%s takes no appends: its active segment is damaged",
               p->dir->path);
    if (od_plog_high_watermark(p) > p->end_offset)
        od_plog_set_high_watermark(p, p->end_offset);
    od_manifest_epoch_cut(&p->storage->manifest, p->entry, start, p->end_offset);
    od_plog_put_state(p);
}

enum od_err od_plog_load(struct od_plog *p)
{
    struct od_recovery_point loaded = p->entry->recovery;
    enum od_err err = OD_NONE;

    if (p->entry->clean)
        load_notes(p);
    else
        err = load_directory(p);
    if (!err) {
        struct od_segment *active = od_plog_active(p);

        if (active)
            active->sealed = false;
        p->holding = true; /* until the state is known */
        p->held = loaded;
        settle_bounds(p);
        od_plog_mark_clean(p);
        err = od_plog_load_producers(p, p->entry->clean, loaded.offset);
    }
    if (!err) {
        od_plog_hold_recovery(p);
        od_plog_put_state(p);
    }
    od_clean_log_free(p->entry->clean);
    p->entry->clean = NULL;
    return err;
}

/* --- life ------------------------------------------------------------------------------------ */

void od_plog_free(struct od_plog *p)
{
    for (int i = 0; i < p->n_segments; i++)
        od_segment_unref(p->segments[i]);
    od_plog_free_producers(p);
    atomic_fetch_sub_explicit(&p->storage->dirty_bytes, p->dirty_bytes,
                              memory_order_relaxed);
    od_free(p->segments);
    od_free(p->tail);
    od_plog_dir_unref(p->dir);
    od_free(p);
}

void od_plog_close(struct od_plog *p)
{
    p->closed = true;
}

static enum od_err refuse_entry(void *arg, const char *name, bool is_dir)
{
    (void)arg, (void)name, (void)is_dir;
    return OD_E_EXISTS;
}

/* An empty directory of that name; nothing when one with contents stands there. */
static enum od_err make_empty(struct od_storage *s, const char *path)
{
    enum od_err err = od_manifest_has_gone(&s->manifest) ? od_manifest_commit(&s->manifest)
                                                         : OD_NONE;

    if (!err)
        err = od_dir_make(path);
    return err ? err : od_dir_list(path, refuse_entry, NULL); /* a deleted one, not yet renamed */
}

/* Makes the directory, if it is not there, and its partition.metadata. */
static enum od_err create(struct od_storage *s, struct od_manifest_entry *e,
                          const struct od_plog_dir *dir, struct od_uuid topic_id)
{
    struct od_text text = { 0 };
    enum od_err err = e->present ? OD_NONE : make_empty(s, dir->path);

    if (err)
        return err;
    od_partition_metadata_print(topic_id, &text);
    err = od_storage_replace(s, dir->path, "partition.metadata",
                             (struct od_str){ od_text_get(&text), text.len });
    od_text_reset(&text);
    if (!err && !e->present)
        err = od_dir_sync(s->path);
    if (err) {
        if (!e->present)
            (void)!od_storage_remove_dir(dir->path); /* so that it can be tried again */
        return err;
    }
    e->topic_id = topic_id;
    e->present = true;
    return OD_NONE;
}

/* The open log of the entry, claimed for the caller; OD_NONE and NULL: none is open. */
static enum od_err claim(struct od_storage *s, struct od_manifest_entry *e, struct od_plog **out)
{
    enum od_err err = OD_NONE;

    od_lock_take(&s->manifest.lock);
    *out = e->plog;
    if (e->plog && !e->plog->closed)
        err = OD_E_BUSY;
    else if (e->plog)
        e->plog->closed = false;
    od_lock_drop(&s->manifest.lock);
    return err;
}

static enum od_err open_new(struct od_storage *s, struct od_manifest_entry *e,
                            struct od_uuid topic_id, const struct od_plog_config *config,
                            struct od_plog **out)
{
    struct od_plog *p = OD_NEW(struct od_plog);
    enum od_err err = OD_NONE;

    p->storage = s;
    p->snapshot_offset = -1;
    p->entry = e;
    p->config = *config;
    p->dir = od_plog_dir_new(s->path, e->name);
    if (!e->present || od_uuid_is_zero(e->topic_id))
        err = create(s, e, p->dir, topic_id);
    if (!err)
        err = od_plog_load(p);
    if (err) {
        od_plog_free(p);
        return err;
    }
    od_lock_take(&s->manifest.lock);
    e->plog = p;
    od_lock_drop(&s->manifest.lock);
    *out = p;
    return OD_NONE;
}

enum od_err od_plog_open(struct od_storage *s, struct od_str topic, int32_t partition,
                         struct od_uuid topic_id, const struct od_plog_config *config,
                         bool create_missing, struct od_plog **out)
{
    char name[OD_PARTITION_NAME_MAX + 1];
    int len = snprintf(name, sizeof(name), "%.*s-%d", OD_STR_ARGS(topic), partition);
    struct od_str key = { name, (size_t)len };
    struct od_manifest_entry *e;
    enum od_err err;

    *out = NULL;
    if (partition < 0 || len >= (int)sizeof(name))
        return OD_E_LIMIT;
    e = od_manifest_find(&s->manifest, key);
    if ((!e || !e->present) && !create_missing)
        return OD_E_NOT_FOUND;
    if ((!e || !e->present) && od_storage_fenced(s))
        return OD_E_FENCED;
    if (!e)
        e = od_manifest_add(&s->manifest, key);
    if (!e)
        return OD_E_LIMIT;
    if (e->present && !od_uuid_is_zero(e->topic_id) && !od_uuid_eq(e->topic_id, topic_id))
        return OD_INCONSISTENT_TOPIC_ID;
    err = claim(s, e, out);
    if (err || *out) {
        if (*out && !err)
            od_plog_configure(*out, config);
        return err;
    }
    return open_new(s, e, topic_id, config, out);
}
