/* SPDX-License-Identifier: Apache-2.0 */
/* Group commit: begin and end under the partition's lock, run on a helper. */
#include "base/assert.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/mutant.h"
#include "os/file.h"
#include "storage/plog_internal.h"
#include "storage/smallfile.h"

static void take_segment(struct od_plog_flush *f, struct od_segment *s)
{
    if (s->sealed)
        f->sealed |= 1u << f->n;
    f->segments[f->n++] = od_segment_ref(s);
}

/*
 * Takes the segments from the durable end on, and before them, as far as there is place, those that
 * no file holds the index or side of yet.  In this order: when the disk is full the latter may be
 * many, and must not keep the durable end from moving.  The last one taken, or NULL.
 */
static struct od_segment *take_segments(const struct od_plog *p, struct od_plog_flush *f)
{
    int first = od_plog_find_segment(p, p->durable.offset), old, places;

    first = first < 0 ? 0 : first;
    places = OD_PLOG_FLUSH_SEGMENTS - (p->n_segments - first);
    for (old = first; old > 0; old--)
        if (!p->segments[old - 1]->index && !od_segment_has_side(p->segments[old - 1]))
            break;
    for (; old < first && f->n < places; old++)
        take_segment(f, p->segments[old]);
    for (int i = first; i < p->n_segments && f->n < OD_PLOG_FLUSH_SEGMENTS; i++)
        take_segment(f, p->segments[i]);
    return p->n_segments ? f->segments[f->n - 1] : NULL;
}

/* Takes what the segments want written beside their logs. */
static void take_sides(struct od_plog_flush *f)
{
    bool any = false;

    for (int i = 0; i < f->n; i++)
        any |= od_segment_has_side(f->segments[i]);
    if (!any)
        return;
    f->sides = od_zalloc((size_t)f->n * sizeof(*f->sides));
    for (int i = 0; i < f->n; i++)
        od_segment_take_side(f->segments[i], &f->sides[i]);
}

bool od_plog_flush_begin(struct od_plog *p, struct od_plog_flush *out)
{
    struct od_segment *last;

    if (p->flush_out || p->cutting || !od_plog_dirty(p) || od_storage_fenced(p->storage))
        return false;
    *out = (struct od_plog_flush){ .storage = p->storage,
                                   .dir = od_plog_dir_ref(p->dir),
                                   .sync_dir = p->dir_dirty,
                                   .commit_epochs = p->epochs_dirty,
                                   .end_offset = p->durable.offset,
                                   .end_base = p->durable.base,
                                   .end_pos = p->durable.pos,
                                   .bytes = p->dirty_bytes };
    last = take_segments(p, out);
    take_sides(out);
    if (last) {
        out->end_offset = last->end_offset;
        out->end_base = last->base_offset;
        out->end_pos = last->size;
    }
    p->flush_out = true;
    p->dir_dirty = p->epochs_dirty = false;
    od_plog_mark_clean(p);
    return true;
}

static enum od_err sync_segment(struct od_segment *s, bool sealed)
{
    struct od_file *file;
    enum od_err err = od_segment_pin(s, 0, &file);

    if (err)
        return err;
    err = sealed && s->preallocated ? od_file_truncate(file, s->size) : OD_NONE; /* the room */
    if (!err && !OD_MUTANT(storage_no_sync))
        err = od_file_sync(file);
    if (err && OD_MUTANT(storage_sync_retried))
        err = od_file_sync(file);
    od_segment_unpin(s);
    return err;
}

/* For want of room they stay in memory, and the recovery point where it is. */
static void write_sides(struct od_plog_flush *f)
{
    for (int i = 0; i < f->n && f->sides && !od_storage_fenced(f->storage); i++) {
        enum od_err err = od_segment_write_side(f->segments[i], &f->sides[i]);

        if (err == OD_E_NO_SPACE || err == OD_E_LIMIT)
            od_log(OD_LOG_WARN, "storage", "%s: producer state stays in memory for now",
                   f->dir->path);
        else if (err && !atomic_load_explicit(&f->dir->gone, memory_order_acquire))
            od_storage_fence(f->storage, "producer state could not be written");
    }
}

/* The log needs no index file: for want of room the entries stay in memory. */
static void write_indexes(struct od_plog_flush *f)
{
    for (int i = 0; i < f->n && !od_storage_fenced(f->storage); i++) {
        enum od_err err = OD_NONE;

        if (f->sealed >> i & 1 && f->segments[i]->index)
            err = od_segment_write_index(f->segments[i]);
        if (err == OD_E_NO_SPACE || err == OD_E_LIMIT)
            od_log(OD_LOG_WARN, "storage", "%s: an index stays in memory for now", f->dir->path);
        else if (err && !atomic_load_explicit(&f->dir->gone, memory_order_acquire))
            od_storage_fence(f->storage, "an index could not be written");
    }
}

void od_plog_flush_run(struct od_plog_flush *f)
{
    enum od_err err = od_storage_fenced(f->storage) ? OD_E_FENCED : OD_NONE;

    if (!err && f->commit_epochs)
        err = od_manifest_commit(&f->storage->manifest);
    if (err == OD_E_NO_SPACE) { /* nothing was synced yet */
        f->err = err;
        return;
    }
    for (int i = 0; i < f->n && !err; i++)
        err = sync_segment(f->segments[i], f->sealed >> i & 1);
    if (!err && f->sync_dir && !OD_MUTANT(storage_no_dir_sync))
        err = od_dir_sync(f->dir->path);
    f->err = err == OD_E_NO_SPACE ? OD_E_IO : err; /* told by a sync: bytes are lost */
    if (!err && od_reserve_held(&f->storage->reserve)) { /* else the last room is for others */
        write_sides(f);
        write_indexes(f);
    }
    if (err && !atomic_load_explicit(&f->dir->gone, memory_order_acquire))
        od_storage_fence(f->storage, "a sync failed");
    od_filecache_tidy(&f->storage->cache);
}

static void release(struct od_plog_flush *f)
{
    for (int i = 0; i < f->n && f->sides; i++)
        od_segment_drop_side(&f->sides[i]);
    od_free(f->sides);
    f->sides = NULL;
    for (int i = 0; i < f->n; i++)
        od_segment_unref(f->segments[i]);
    f->n = 0;
    od_plog_dir_unref(f->dir);
    f->dir = NULL;
    atomic_fetch_sub_explicit(&f->storage->dirty_bytes, f->bytes, memory_order_relaxed);
    f->bytes = 0;
}

/* Whether all entries of s are in its files, so that those in memory can go. */
static bool index_written(const struct od_segment *s, bool sealed)
{
    return sealed && s->index && s->index->written;
}

static void end_sides(struct od_plog_flush *f)
{
    for (int i = 0; i < f->n && f->sides; i++)
        od_segment_end_side(f->segments[i], &f->sides[i]);
}

enum od_err od_plog_flush_end(struct od_plog *p, struct od_plog_flush *f)
{
    enum od_err err = f->err;

    OD_ASSERT(p->flush_out);
    p->flush_out = false;
    p->epochs_dirty |= err && f->commit_epochs;
    p->dir_dirty |= err && f->sync_dir;
    if (!err) {
        for (int i = 0; i < f->n; i++)
            if (index_written(f->segments[i], f->sealed >> i & 1))
                od_segment_drop_index(f->segments[i]);
        if (f->end_offset > p->durable.offset)
            p->durable = (struct od_recovery_point){ f->end_offset, f->end_base, f->end_pos };
        if (OD_MUTANT(storage_point_ahead))
            p->durable = (struct od_recovery_point){ p->end_offset, od_plog_active(p)->base_offset,
                                                     od_plog_active(p)->size };
        end_sides(f);
        od_plog_hold_recovery(p);
        od_plog_put_state(p);
    }
    release(f);
    return err;
}

void od_plog_flush_drop(struct od_plog_flush *f)
{
    release(f);
}

/* --- the clean stop -------------------------------------------------------------------------- */

static enum od_err flush_all(struct od_plog *p)
{
    struct od_plog_flush f;
    enum od_err err = OD_NONE;

    while (!err && od_plog_flush_begin(p, &f)) {
        od_plog_flush_run(&f);
        err = od_plog_flush_end(p, &f);
    }
    return err || !od_storage_fenced(p->storage) ? err : OD_E_FENCED;
}

static enum od_err export_epochs(struct od_plog *p)
{
    struct od_text text = { 0 };
    enum od_err err;

    od_epochs_print(&p->entry->epochs, &text);
    err = od_storage_replace(p->storage, p->dir->path, "leader-epoch-checkpoint",
                               (struct od_str){ od_text_get(&text), text.len });
    od_text_reset(&text);
    return err;
}

static void note_segment(const struct od_segment *s, struct od_segment_note *out)
{
    *out = (struct od_segment_note){ .base_offset = s->base_offset,
                                     .size = s->size,
                                     .end_offset = s->end_offset,
                                     .max_timestamp = s->max_timestamp,
                                     .max_timestamp_offset = s->max_timestamp_offset,
                                     .first_timestamp = s->first_timestamp,
                                     .index_entries = s->disk_entries,
                                     .time_entries = s->disk_times,
                                     .time_crc = s->time_crc,
                                     .times_known = s->times_known,
                                     .aborted = s->aborted ? s->aborted->n : 0,
                                     .aborted_crc = s->aborted ? od_aborted_crc(s->aborted) : 0,
                                     .n_damages = s->n_damages };
    if (!s->n_damages)
        return;
    out->damages = od_alloc(s->n_damages * sizeof(*out->damages));
    memcpy(out->damages, s->damages, s->n_damages * sizeof(*out->damages));
}

/* What no flush has written beside the segment's log. */
static enum od_err settle_side(struct od_segment *s)
{
    struct od_segment_side side;
    enum od_err err;

    if (!od_segment_has_side(s))
        return OD_NONE;
    od_segment_take_side(s, &side);
    err = od_segment_write_side(s, &side);
    od_segment_end_side(s, &side);
    return err;
}

enum od_err od_plog_settle(struct od_plog *p)
{
    struct od_clean_log *l;
    int64_t snapshot_offset = -1;
    enum od_err err = flush_all(p);

    for (int i = 0; i < p->n_segments && !err; i++) {
        struct od_segment *s = p->segments[i];

        od_segment_seal(s); /* Kafka too adds the last time index entry when it closes */
        if (s->index && !s->index->written)
            err = od_segment_write_index(s);
        if (!err)
            err = settle_side(s);
        if (!err && s->preallocated && !p->config.vital)
            err = sync_segment(s, true);
    }
    if (!err) {
        od_plog_hold_recovery(p);
        od_plog_put_state(p);
        err = od_plog_save_producers(p, &snapshot_offset);
    }
    if (!err && p->epochs_changed)
        err = export_epochs(p);
    if (err)
        return err;
    l = OD_NEW(struct od_clean_log);
    l->end_offset = p->end_offset;
    l->snapshot_offset = snapshot_offset;
    l->n = (uint32_t)p->n_segments;
    l->segments = l->n ? od_zalloc(l->n * sizeof(*l->segments)) : NULL;
    for (int i = 0; i < p->n_segments; i++)
        note_segment(p->segments[i], &l->segments[i]);
    od_clean_log_free(p->entry->clean);
    p->entry->clean = l;
    return OD_NONE;
}
