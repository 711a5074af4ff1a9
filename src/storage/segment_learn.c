/* SPDX-License-Identifier: Apache-2.0 */
/* Rebuilding what is not known of a sealed segment: its greatest timestamp and its indexes. */
#include "base/log.h"
#include "storage/recover.h"

enum { INDEX_INTERVAL_BYTES = 4096 };

static bool ignore_epoch(void *arg, int32_t epoch, int64_t start_offset)
{
    (void)arg, (void)epoch, (void)start_offset;
    return false;
}

static enum od_err walk(struct od_segment *s, struct od_file *file, struct od_segment *view)
{
    struct od_recovery r = { .segment = view,
                             .file = file,
                             .file_size = s->size,
                             .verify_from = s->size,
                             .durable_end = s->end_offset,
                             .next_base = s->end_offset,
                             .index_interval_bytes = INDEX_INTERVAL_BYTES,
                             .gaps_allowed = true,
                             .epoch = ignore_epoch };

    return od_recover(&r);
}

enum od_err od_segment_learn(struct od_segment *s)
{
    struct od_segment *view;
    struct od_file *file;
    enum od_err err;

    if (atomic_load_explicit(&s->times_known, memory_order_acquire))
        return OD_NONE;
    err = od_segment_pin(s, 0, &file);
    if (err)
        return err;
    view = od_segment_new(s->cache, s->dir, s->base_offset);
    err = walk(s, file, view);
    od_segment_unpin(s);
    if (!err) {
        od_segment_seal(view);
        if (od_segment_write_index(view))
            od_log(OD_LOG_WARN, "storage", "%s/%020lld: no new index", s->dir->path,
                   (long long)s->base_offset);
        atomic_store(&s->first_timestamp, view->first_timestamp);
        atomic_store(&s->max_timestamp, view->max_timestamp);
        atomic_store(&s->max_timestamp_offset, view->max_timestamp_offset);
        atomic_store(&s->disk_entries, view->disk_entries);
        atomic_store(&s->disk_times, view->disk_times);
        atomic_store(&s->time_crc, view->time_crc);
        atomic_store_explicit(&s->times_known, true, memory_order_release);
    }
    od_segment_unref(view);
    return err;
}
