/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finding records by timestamp.  A time index entry (t, o) says: no record at or below offset o is
 * later than t.  So a search for the first record at or after T may begin at the last entry with
 * t < T.  From there heads are walked to the first batch whose greatest timestamp reaches T, and
 * its records one by one.
 */
#include "base/be.h"
#include "base/crc32c.h"
#include "base/mem.h"
#include "os/file.h"
#include "storage/plog_internal.h"
#include "storage/recover.h"

enum { INDEX_ENTRY_BYTES = 8, TIME_ENTRY_BYTES = 12, EXPANDED_BYTES_MAX = 256 << 20 };

/* --- locate ---------------------------------------------------------------------------------- */

/* The first segment to look at, from offset on; n_segments: none. */
static int pick(const struct od_plog *p, int64_t timestamp, int64_t offset)
{
    int64_t best = INT64_MIN;
    int i = od_plog_find_segment(p, offset), found = p->n_segments;

    for (i = i < 0 ? 0 : i; i < p->n_segments; i++) {
        const struct od_segment *s = p->segments[i];
        int64_t newest = atomic_load_explicit(&s->max_timestamp, memory_order_relaxed);

        if (s->end_offset <= offset || !s->size)
            continue;
        if (!atomic_load_explicit(&s->times_known, memory_order_acquire))
            return i;
        if (timestamp != OD_PLOG_TIME_MAX && newest >= timestamp)
            return i;
        if (timestamp == OD_PLOG_TIME_MAX && newest > best) {
            best = newest;
            found = i;
        }
    }
    return found;
}

/* What the entries in memory say: no record below *offset is as late as timestamp. */
static void skip_early(const struct od_segment *s, int64_t timestamp, int64_t *offset, int64_t *pos)
{
    const struct od_index *ix = s->index;
    const struct od_index_entry *e;
    uint32_t low = 0, high = ix ? ix->n_times : 0;

    while (low < high) {
        uint32_t mid = low + (high - low) / 2;

        if (od_time_entry_timestamp(&ix->times[mid]) < timestamp)
            low = mid + 1;
        else
            high = mid;
    }
    if (!low)
        return;
    e = od_index_by_offset(ix, ix->times[low - 1].last);
    if (!e)
        return;
    *offset = s->base_offset + e->first;
    *pos = e->pos;
}

/* Keeps to the stretch without damage that holds the place's start. */
static void avoid_damage(const struct od_segment *s, struct od_plog_place *out)
{
    for (uint32_t i = 0; i < s->n_damages; i++) {
        const struct od_damage *d = &s->damages[i];

        if (out->want.offset >= d->first_offset) {
            if (out->from_pos < d->end_pos) {
                out->from_pos = d->end_pos;
                out->from_offset = d->next_offset;
            }
            continue;
        }
        out->stop_pos = d->pos;
        out->next_offset = d->next_offset;
        return;
    }
}

enum od_err od_plog_locate_time(struct od_plog *p, int64_t timestamp, int64_t from_offset,
                                int64_t limit_offset, struct od_plog_place *out)
{
    int64_t offset = from_offset > p->start_offset ? from_offset : p->start_offset;
    int i = pick(p, timestamp, offset);
    struct od_segment *s;

    *out = (struct od_plog_place){ .next_offset = -1 };
    if (i >= p->n_segments)
        return OD_NONE;
    s = p->segments[i];
    out->want.offset = offset;
    out->want.limit_offset = limit_offset;
    out->from_offset = s->base_offset;
    out->stop_pos = s->size;
    out->timestamp = timestamp;
    out->gaps_allowed = od_plog_has_gaps(p);
    if (i + 1 < p->n_segments)
        out->next_offset = p->segments[i + 1]->base_offset;
    if (timestamp == OD_PLOG_TIME_MAX)
        out->max_timestamp = atomic_load_explicit(&s->max_timestamp, memory_order_relaxed);
    skip_early(s, timestamp == OD_PLOG_TIME_MAX ? out->max_timestamp : timestamp,
               &out->from_offset, &out->from_pos);
    avoid_damage(s, out);
    out->segment = od_segment_ref(s);
    return OD_NONE;
}

/* --- scan ------------------------------------------------------------------------------------ */

static enum od_err read_index(const struct od_segment *s, const char *suffix, size_t len,
                              uint8_t **out)
{
    char path[OD_PATH_MAX];
    struct od_file *f;
    size_t got;
    enum od_err err;

    od_segment_path(s, suffix, path, sizeof(path));
    err = od_file_open(path, OD_FILE_READ | OD_FILE_QUIET, &f);
    if (err)
        return err;
    *out = od_alloc_try(len);
    err = *out ? od_file_read(f, *out, len, 0, &got) : OD_E_NO_MEMORY;
    od_file_close(f);
    if (!err && got < len)
        err = OD_E_CORRUPT;
    return err;
}

/* The last offset that the file names with an earlier time; -1: none, or the file is not ours. */
static int64_t early_on_disk(const struct od_segment *s, int64_t timestamp)
{
    uint32_t n = atomic_load(&s->disk_times), low = 0, high = n;
    uint8_t *data = NULL;
    int64_t found = -1;

    if (!n || read_index(s, "timeindex", (size_t)n * TIME_ENTRY_BYTES, &data) ||
        od_crc32c(data, (size_t)n * TIME_ENTRY_BYTES) != atomic_load(&s->time_crc)) {
        od_free(data);
        return -1;
    }
    while (low < high) {
        uint32_t mid = low + (high - low) / 2;

        if ((int64_t)od_be64_load(data + (size_t)mid * TIME_ENTRY_BYTES) < timestamp)
            low = mid + 1;
        else
            high = mid;
    }
    if (low)
        found = s->base_offset + od_be32_load(data + (size_t)(low - 1) * TIME_ENTRY_BYTES + 8);
    od_free(data);
    return found;
}

static bool head_at(struct od_window *w, int64_t pos, struct od_batch_head *out, enum od_err *err)
{
    const uint8_t *data = od_window_get(w, pos, OD_BATCH_HEAD_BYTES, err);

    return data && od_batch_head_read(data, out) && out->len <= w->file_size - pos;
}

/* The position of the last batch that the offset index names at or below offset, checked; or 0. */
static int64_t pos_on_disk(const struct od_segment *s, struct od_window *w, int64_t offset)
{
    uint32_t n = atomic_load(&s->disk_entries), low = 0, high = n;
    struct od_batch_head head;
    uint8_t *data = NULL;
    enum od_err err = OD_NONE;
    int64_t pos = 0;

    if (!n || read_index(s, "index", (size_t)n * INDEX_ENTRY_BYTES, &data)) {
        od_free(data);
        return 0;
    }
    while (low < high) {
        uint32_t mid = low + (high - low) / 2;

        if (s->base_offset + od_be32_load(data + (size_t)mid * INDEX_ENTRY_BYTES) <= offset)
            low = mid + 1;
        else
            high = mid;
    }
    if (low) {
        const uint8_t *e = data + (size_t)(low - 1) * INDEX_ENTRY_BYTES;

        pos = od_be32_load(e + 4);
        if (!head_at(w, pos, &head, &err) ||
            head.last_offset != s->base_offset + od_be32_load(e))
            pos = 0;
    }
    od_free(data);
    return pos;
}

/* The first record of the batch that is late enough and not below the wanted offset. */
static enum od_err search_batch(const struct od_plog_place *place, struct od_file *file,
                                int64_t pos, size_t len, int64_t timestamp,
                                struct od_plog_found *out)
{
    struct od_expand_limits limits = { .total_bytes = EXPANDED_BYTES_MAX };
    uint8_t *data = od_alloc_try(len);
    struct od_record_stream stream;
    struct od_batch_header header;
    struct od_record record;
    size_t got;
    enum od_err err = data ? od_file_read(file, data, len, pos, &got) : OD_E_NO_MEMORY;

    if (!err && (got < len || od_batch_parse(data, len, &header) ||
                 od_batch_check(data, &header)))
        err = OD_CORRUPT_MESSAGE;
    if (err) {
        od_free(data);
        return err;
    }
    err = od_record_stream_open(&stream, data, &header, &limits);
    while (!err && out->offset < 0) {
        err = od_record_stream_next(&stream, &record);
        if (!err && record.timestamp >= timestamp && record.offset >= place->want.offset)
            *out = (struct od_plog_found){ record.offset, record.timestamp, header.leader_epoch,
                                           -1 };
    }
    od_record_stream_close(&stream);
    od_free(data);
    return err == OD_E_NOT_FOUND ? OD_NONE : err;
}

/* Whether a batch of these offsets can lie here; a gap may end at the log's start.  Heads are read
 * without their CRC, which leaves the base offset out anyway. */
static bool may_follow(const struct od_plog_place *place, const struct od_batch_head *head,
                       int64_t expected)
{
    if (place->next_offset >= 0 && head->last_offset >= place->next_offset)
        return false;
    return expected < 0 || head->base_offset == expected ||
           (head->base_offset > expected &&
            (place->gaps_allowed || head->base_offset <= place->want.offset));
}

static enum od_err search(struct od_plog_place *place, struct od_file *file, struct od_window *w,
                          struct od_plog_found *out)
{
    bool greatest = place->timestamp == OD_PLOG_TIME_MAX;
    int64_t timestamp = greatest ? place->max_timestamp : place->timestamp;
    int64_t pos = place->from_pos, expected = place->from_offset, early;
    struct od_batch_head head;
    enum od_err err = OD_NONE;

    if (pos == 0 && (early = early_on_disk(place->segment, timestamp)) >= 0)
        pos = pos_on_disk(place->segment, w, early);
    if (pos != place->from_pos)
        expected = -1;
    while (pos < place->stop_pos && out->offset < 0 && !err) {
        if (!head_at(w, pos, &head, &err))
            return err ? err : OD_CORRUPT_MESSAGE;
        if (!may_follow(place, &head, expected))
            return OD_CORRUPT_MESSAGE;
        if (head.base_offset >= place->want.limit_offset)
            return OD_NONE;
        if (head.max_timestamp >= timestamp && head.last_offset >= place->want.offset)
            err = search_batch(place, file, pos, (size_t)head.len, timestamp, out);
        pos += head.len;
        expected = head.last_offset + 1;
    }
    if (!err && out->offset < 0)
        out->next_offset = place->next_offset;
    if (!err && out->offset >= place->want.limit_offset)
        *out = (struct od_plog_found){ -1, -1, -1, -1 };
    return err;
}

enum od_err od_plog_scan_time(struct od_plog_place *place, struct od_plog_found *out)
{
    struct od_segment *s = place->segment;
    struct od_window w = { .file_size = place->stop_pos };
    enum od_err err;

    *out = (struct od_plog_found){ -1, -1, -1, -1 };
    if (!s)
        return OD_NONE;
    if (!atomic_load_explicit(&s->times_known, memory_order_acquire)) {
        err = od_segment_learn(s);
        out->next_offset = place->want.offset; /* the choice of the segment may change */
        return err;
    }
    err = od_segment_pin(s, 0, &w.file);
    if (err)
        return err;
    w.data = od_alloc(OD_WINDOW_BYTES);
    err = search(place, w.file, &w, out);
    od_free(w.data);
    od_segment_unpin(s);
    return err;
}
