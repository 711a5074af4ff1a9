/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Early write-back: begin and end under the partition's lock, run on a helper.  What it has taken
 * is no longer counted as dirty by the log, and by the directory no more when it is done.
 */
#include "base/assert.h"
#include "os/file.h"
#include "storage/plog_internal.h"

int64_t od_plog_dirty_bytes(const struct od_plog *p)
{
    return p->dirty_bytes;
}

/* Takes the segments from the first with dirty bytes; true: all of them. */
static bool take_parts(struct od_plog *p, struct od_plog_write_back *w)
{
    int i = od_plog_find_segment(p, p->clean_base);

    for (i = i < 0 ? 0 : i; i < p->n_segments && w->n < OD_PLOG_FLUSH_SEGMENTS; i++) {
        struct od_segment *s = p->segments[i];
        int64_t from = s->base_offset == p->clean_base ? p->clean_pos : 0;

        p->clean_base = s->base_offset;
        p->clean_pos = s->size;
        if (s->size <= from)
            continue;
        w->parts[w->n].segment = od_segment_ref(s);
        w->parts[w->n].from_pos = from;
        w->parts[w->n++].to_pos = s->size;
        w->bytes += s->size - from;
    }
    return i == p->n_segments;
}

bool od_plog_write_back_begin(struct od_plog *p, int64_t min_bytes, struct od_plog_write_back *out)
{
    OD_ASSERT(min_bytes >= 1);
    if (p->dirty_bytes < min_bytes || p->write_back_out || p->cutting ||
        od_storage_fenced(p->storage))
        return false;
    *out = (struct od_plog_write_back){ .storage = p->storage, .dir = od_plog_dir_ref(p->dir) };
    /* Dirty bytes of segments that were deleted meanwhile go with the last. */
    if (take_parts(p, out) || out->bytes > p->dirty_bytes)
        out->bytes = p->dirty_bytes;
    p->dirty_bytes -= out->bytes;
    p->write_back_out = true;
    return true;
}

void od_plog_write_back_run(struct od_plog_write_back *w)
{
    enum od_err err = OD_NONE;

    for (int i = 0; i < w->n && !err && !od_storage_fenced(w->storage); i++) {
        int64_t from = w->parts[i].from_pos;
        struct od_file *file;

        if (od_segment_pin(w->parts[i].segment, 0, &file))
            continue; /* deleted, or no descriptor is left: then the kernel has to do it */
        err = od_file_write_back(file, from, w->parts[i].to_pos - from);
        od_segment_unpin(w->parts[i].segment);
    }
    if (err)
        od_storage_fence(w->storage, "a write-back failed");
    od_filecache_tidy(&w->storage->cache);
}

void od_plog_write_back_end(struct od_plog *p, struct od_plog_write_back *w)
{
    OD_ASSERT(p->write_back_out);
    p->write_back_out = false;
    od_plog_write_back_drop(w);
}

void od_plog_write_back_drop(struct od_plog_write_back *w)
{
    for (int i = 0; i < w->n; i++)
        od_segment_unref(w->parts[i].segment);
    w->n = 0;
    od_plog_dir_unref(w->dir);
    w->dir = NULL;
    atomic_fetch_sub_explicit(&w->storage->dirty_bytes, w->bytes, memory_order_relaxed);
    w->bytes = 0;
}
