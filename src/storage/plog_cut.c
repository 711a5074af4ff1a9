/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Truncation.  Order on the disk: the recovery point goes down first, then later segments go from
 * the last backwards, then the file is cut.  A crash between any two steps leaves a whole log that
 * is longer than asked for, which the replica cuts again.
 */
#include "base/assert.h"
#include "base/log.h"
#include "base/mem.h"
#include "os/file.h"
#include "storage/plog_clean.h"
#include "storage/plog_internal.h"
#include "storage/recover.h"

enum od_err od_plog_cut_begin(struct od_plog *p, int64_t offset, struct od_plog_cut *out)
{
    int i;

    *out = (struct od_plog_cut){ .storage = p->storage, .entry = p->entry, .offset = offset };
    if (p->clean)
        od_plog_clean_stop(p->clean);
    if (p->flush_out || p->cutting || p->clean)
        return OD_E_BUSY;
    if (p->broken || od_storage_fenced(p->storage))
        return OD_E_FENCED;
    if (offset < p->start_offset)
        return OD_OFFSET_OUT_OF_RANGE;
    i = od_plog_find_segment(p, offset);
    p->cutting = true;
    p->cut_offset = offset;
    if (offset >= p->end_offset || i < 0)
        return OD_NONE;
    out->dir = od_plog_dir_ref(p->dir);
    out->segment = od_segment_ref(p->segments[i]);
    out->end_pos = p->segments[i]->size;
    out->log_start = p->start_offset;
    out->config = p->config;
    out->n_later = p->n_segments - i - 1;
    out->later = od_alloc((size_t)out->n_later * sizeof(struct od_segment *));
    for (int k = 0; k < out->n_later; k++)
        out->later[k] = od_segment_ref(p->segments[i + 1 + k]);
    out->n_earlier = i;
    out->earlier = od_alloc((size_t)i * sizeof(struct od_segment *));
    for (int k = 0; k < i; k++)
        out->earlier[k] = od_segment_ref(p->segments[k]);
    out->high_watermark = od_plog_high_watermark(p);
    return OD_NONE;
}

/* The position of the batch that holds offset, or the end. */
static enum od_err find_cut(const struct od_plog_cut *cut, struct od_file *file, int64_t *pos,
                            int64_t *end_offset)
{
    struct od_window w = { .file = file, .file_size = cut->end_pos };
    enum od_err err = OD_NONE;
    struct od_batch_head head;

    *pos = 0;
    *end_offset = cut->segment->base_offset;
    w.data = od_alloc(OD_WINDOW_BYTES);
    while (!err && *pos < cut->end_pos) {
        const uint8_t *data = od_window_get(&w, *pos, OD_BATCH_HEAD_BYTES, &err);

        if (!err && (!data || !od_batch_head_read(data, &head)))
            err = OD_CORRUPT_MESSAGE;
        if (err || head.last_offset >= cut->offset)
            break;
        *pos += head.len;
        *end_offset = head.last_offset + 1;
    }
    od_free(w.data);
    return err;
}

static bool ignore_epoch(void *arg, int32_t epoch, int64_t start_offset)
{
    (void)arg, (void)epoch, (void)start_offset;
    return false;
}

/* A new view of the segment's file, which ends at pos. */
static enum od_err rebuild(struct od_plog_cut *cut, struct od_file *file, int64_t pos)
{
    struct od_recovery r = { .segment = cut->rebuilt,
                             .file = file,
                             .file_size = pos,
                             .verify_from = pos,
                             .next_base = -1,
                             .index_interval_bytes = cut->config.index_interval_bytes,
                             .gaps_allowed = true,
                             .epoch = ignore_epoch };
    enum od_err err = od_recover(&r);

    return err || !r.cut ? err : OD_CORRUPT_MESSAGE;
}

/* Index and snapshots of what goes: before the logs, so that nothing is left for their names. */
static enum od_err cut_sides(struct od_plog_cut *cut, int64_t end_offset)
{
    const struct od_aborted *a = cut->segment->aborted;
    struct od_snapshot_list list = { 0 };
    enum od_err err = OD_NONE;

    for (int i = cut->n_later - 1; i >= 0 && !err; i--)
        err = od_segment_remove_file(cut->later[i], "txnindex");
    if (!err)
        err = od_snapshot_list(cut->dir->path, &list);
    for (size_t i = list.n; i > 0 && !err && list.v[i - 1] > end_offset; i--)
        err = od_snapshot_remove(cut->dir->path, list.v[i - 1]);
    od_free(list.v);
    if (!a || err)
        return err;
    cut->rebuilt->aborted = od_aborted_new();
    for (uint32_t i = 0; i < a->n; i++)
        od_aborted_add(cut->rebuilt->aborted, &a->v[i]);
    cut->rebuilt->aborted->on_disk = a->on_disk;
    od_aborted_cut(cut->rebuilt->aborted, end_offset);
    if (a->on_disk) {
        char path[OD_PATH_MAX];

        od_segment_path(cut->segment, "txnindex", path, sizeof(path));
        err = od_aborted_write(
            path, (int64_t)cut->rebuilt->aborted->on_disk * OD_ABORTED_BYTES, NULL, 0);
    }
    return err;
}

/* The producers as they stood at the new end. */
static enum od_err rebuild_producers(struct od_plog_cut *cut, int64_t end_pos, int64_t end_offset)
{
    int64_t limit = cut->high_watermark < end_offset ? cut->high_watermark : end_offset;
    int64_t from = cut->n_earlier ? cut->earlier[0]->base_offset : cut->segment->base_offset;
    struct od_snapshot_list list;
    enum od_err err = od_snapshot_list(cut->dir->path, &list);

    cut->producers = OD_NEW(struct od_producers);
    od_producers_init(cut->producers, cut->storage->manifest.map.seed[0]);
    if (!err)
        err = od_plog_newest_snapshot(cut->dir->path, &list, limit, cut->producers, &from);
    od_free(list.v);
    for (int i = 0; i < cut->n_earlier && !err; i++)
        if (cut->earlier[i]->end_offset > from)
            err = od_segment_replay(cut->earlier[i], cut->earlier[i]->size, from, cut->producers,
                                    false);
    if (!err && end_offset > from)
        err = od_segment_replay(cut->segment, end_pos, from, cut->producers, false);
    return err;
}

static enum od_err run(struct od_plog_cut *cut, struct od_file *file)
{
    struct od_recovery_point point = { .base = cut->segment->base_offset };
    enum od_err err = find_cut(cut, file, &point.pos, &point.offset);

    if (err)
        return err;
    od_manifest_put(&cut->storage->manifest, cut->entry, cut->log_start, &point);
    err = od_manifest_commit(&cut->storage->manifest);
    cut->rebuilt = od_segment_new(cut->segment->cache, cut->dir, cut->segment->base_offset);
    if (!err)
        err = cut_sides(cut, point.offset);
    for (int i = cut->n_later - 1; i >= 0 && !err; i--)
        err = od_segment_remove_file(cut->later[i], "log");
    if (!err)
        err = od_file_truncate(file, point.pos);
    if (!err)
        err = od_file_sync(file);
    if (!err && cut->n_later)
        err = od_dir_sync(cut->dir->path);
    if (!err)
        err = rebuild(cut, file, point.pos);
    return err ? err : rebuild_producers(cut, point.pos, point.offset);
}

void od_plog_cut_run(struct od_plog_cut *cut)
{
    struct od_file *file;

    if (!cut->segment)
        return;
    cut->err = od_segment_pin(cut->segment, 0, &file);
    if (!cut->err) {
        cut->err = run(cut, file);
        od_segment_unpin(cut->segment);
    }
    if (cut->err)
        od_storage_fence(cut->storage, "a log could not be cut");
}

/* Takes the outcome over. */
static void apply(struct od_plog *p, struct od_plog_cut *cut)
{
    int first = p->n_segments - cut->n_later - 1;

    OD_ASSERT(first >= 0 && p->segments[first] == cut->segment);
    for (int i = first; i < p->n_segments; i++) {
        p->size -= p->segments[i]->size;
        od_segment_unref(p->segments[i]);
    }
    p->n_segments = first;
    od_plog_push_segment(p, od_segment_ref(cut->rebuilt));
    p->size += cut->rebuilt->size;
    p->end_offset = cut->rebuilt->end_offset;
    cut->rebuilt->fresh_pos = cut->rebuilt->size;
    p->durable = (struct od_recovery_point){ p->end_offset, cut->rebuilt->base_offset,
                                             cut->rebuilt->size };
    if (p->tail)
        p->tail->n = p->tail->next = 0;
    cut->rebuilt->snapshot = cut->segment->snapshot; /* taken over */
    cut->rebuilt->snapshot_len = cut->segment->snapshot_len;
    cut->segment->snapshot = NULL;
    od_plog_free_producers(p);
    p->producers = cut->producers;
    cut->producers = NULL;
    od_plog_count_aborted(p);
    if (od_plog_high_watermark(p) > p->end_offset)
        od_plog_set_high_watermark(p, p->end_offset);
    atomic_fetch_sub_explicit(&p->storage->dirty_bytes, p->dirty_bytes,
                              memory_order_relaxed);
    od_plog_mark_clean(p);
    od_manifest_epoch_cut(&p->storage->manifest, p->entry, p->start_offset, p->end_offset);
    if (p->entry->cleaned > p->end_offset)
        od_manifest_put_cleaned(&p->storage->manifest, p->entry, p->end_offset);
    p->epochs_changed = true;
    od_plog_hold_recovery(p);
    od_plog_settle_producers(p, od_plog_high_watermark(p));
    od_plog_put_state(p);
}

enum od_err od_plog_cut_end(struct od_plog *p, struct od_plog_cut *cut)
{
    enum od_err err = cut->err;

    OD_ASSERT(p->cutting);
    p->cutting = false;
    if (!err && cut->segment)
        apply(p, cut);
    if (err)
        p->broken = true;
    for (int i = 0; i < cut->n_later; i++)
        od_segment_unref(cut->later[i]);
    for (int i = 0; i < cut->n_earlier; i++)
        od_segment_unref(cut->earlier[i]);
    if (cut->producers)
        od_producers_deinit(cut->producers);
    od_free(cut->producers);
    od_free(cut->earlier);
    od_free(cut->later);
    od_segment_unref(cut->segment);
    od_segment_unref(cut->rebuilt);
    od_plog_dir_unref(cut->dir);
    *cut = (struct od_plog_cut){ .err = err };
    return err;
}
