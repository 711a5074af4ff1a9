/* SPDX-License-Identifier: Apache-2.0 */
/* Append, roll, epochs: what happens under the partition's lock. */
#include "base/assert.h"
#include "base/log.h"
#include "base/map.h"
#include "base/mem.h"
#include "os/file.h"
#include "storage/plog_internal.h"

enum { INDEX_ENTRY_BYTES = 8, TIME_ENTRY_BYTES = 12 };

/* --- small things ---------------------------------------------------------------------------- */

int64_t od_plog_start_offset(const struct od_plog *p)
{
    return p->start_offset;
}

int64_t od_plog_end_offset(const struct od_plog *p)
{
    return p->end_offset;
}

int64_t od_plog_durable_end(const struct od_plog *p)
{
    return p->durable.offset;
}

int64_t od_plog_size_bytes(const struct od_plog *p)
{
    return p->size;
}

bool od_plog_damaged(const struct od_plog *p)
{
    for (int i = 0; i < p->n_segments; i++)
        if (p->segments[i]->n_damages)
            return true;
    return false;
}

bool od_plog_dirty(const struct od_plog *p)
{
    return p->durable.offset < p->end_offset || p->dir_dirty || p->epochs_dirty;
}

int64_t od_plog_high_watermark(const struct od_plog *p)
{
    return atomic_load_explicit(&p->entry->high_watermark, memory_order_relaxed);
}

void od_plog_set_high_watermark(struct od_plog *p, int64_t offset)
{
    atomic_store_explicit(&p->entry->high_watermark, offset, memory_order_relaxed);
    od_plog_settle_producers(p, offset);
}

void od_plog_configure(struct od_plog *p, const struct od_plog_config *config)
{
    p->config = *config;
}

void od_plog_put_state(struct od_plog *p)
{
    od_manifest_put(&p->storage->manifest, p->entry, p->start_offset,
                    p->holding ? &p->held : &p->durable);
}

void od_plog_mark_clean(struct od_plog *p)
{
    const struct od_segment *s = od_plog_active(p);

    p->dirty_bytes = 0;
    p->clean_base = s ? s->base_offset : p->end_offset;
    p->clean_pos = s ? s->size : 0;
}

void od_plog_set_start_offset(struct od_plog *p, int64_t offset)
{
    if (offset <= p->start_offset || offset > p->end_offset)
        return;
    p->start_offset = offset;
    od_plog_settle_producers(p, offset);
    od_manifest_epoch_cut(&p->storage->manifest, p->entry, offset, INT64_MAX);
    p->epochs_changed = true;
    od_plog_put_state(p);
}

void od_plog_push_segment(struct od_plog *p, struct od_segment *s)
{
    if (p->n_segments == p->segments_capacity) {
        p->segments_capacity = p->segments_capacity ? p->segments_capacity * 2 : 1;
        p->segments = od_realloc(p->segments,
                                 (size_t)p->segments_capacity * sizeof(struct od_segment *));
    }
    p->segments[p->n_segments++] = s;
}

int od_plog_find_segment(const struct od_plog *p, int64_t offset)
{
    int low = 0, high = p->n_segments; /* bases below low are at or below offset */

    while (low < high) {
        int mid = low + (high - low) / 2;

        if (p->segments[mid]->base_offset <= offset)
            low = mid + 1;
        else
            high = mid;
    }
    return low - 1;
}

/* --- epochs ---------------------------------------------------------------------------------- */

void od_plog_epoch_start(struct od_plog *p, int32_t epoch, int64_t offset)
{
    if (!od_manifest_epoch_add(&p->storage->manifest, p->entry, epoch, offset))
        return;
    p->epochs_dirty = true;
    p->epochs_changed = true;
}

int32_t od_plog_epoch_latest(const struct od_plog *p)
{
    return od_epochs_latest(&p->entry->epochs);
}

int32_t od_plog_epoch_at(const struct od_plog *p, int64_t offset)
{
    return od_epochs_at(&p->entry->epochs, offset);
}

void od_plog_epoch_end(const struct od_plog *p, int32_t epoch, int32_t *found, int64_t *end)
{
    od_epochs_end(&p->entry->epochs, epoch, p->end_offset, found, end);
}

/* --- append ---------------------------------------------------------------------------------- */

static bool index_full(const struct od_plog *p, const struct od_segment *s)
{
    uint32_t entries = s->disk_entries + (s->index ? s->index->n : 0);
    uint32_t times = s->disk_times + (s->index ? s->index->n_times : 0);

    /* The last place of the time index is kept for the entry at sealing. */
    return entries >= (uint32_t)(p->config.segment_index_bytes / INDEX_ENTRY_BYTES) ||
           times + 1 >= (uint32_t)(p->config.segment_index_bytes / TIME_ENTRY_BYTES);
}

/* The age at which s is full: segment.ms less a share of the jitter that is the segment's own, so
 * that partitions that began together do not roll together. */
static int64_t age_max(const struct od_plog *p, const struct od_segment *s)
{
    int64_t most = p->config.segment_jitter_ms;
    uint64_t own;

    if (most > p->config.segment_ms)
        most = p->config.segment_ms;
    if (most <= 0)
        return p->config.segment_ms;
    own = od_siphash(p->storage->manifest.map.seed, p->entry->name, p->entry->name_len);
    own ^= (uint64_t)s->base_offset * 0x9e3779b97f4a7c15u;
    return p->config.segment_ms - (int64_t)(own % (uint64_t)most);
}

/* Whether b, which would lie at pos of s, must begin a new segment. */
static bool must_roll(const struct od_plog *p, const struct od_segment *s, int64_t pos,
                      const struct od_plog_batch *b)
{
    if (b->last_offset - s->base_offset >= INT32_MAX)
        return true;
    if (pos == 0)
        return false;
    return pos + (int64_t)b->len > p->config.segment_bytes ||
           (s->first_timestamp >= 0 &&
            b->max_timestamp - s->first_timestamp > age_max(p, s)) ||
           index_full(p, s);
}

/* Whether a write that failed with err is worth another try, with the directory's reserve. */
static bool makes_room(struct od_plog *p, enum od_err err)
{
    return err == OD_E_NO_SPACE && p->config.vital && od_reserve_spend(&p->storage->reserve);
}

/* Starts a new active segment at base. */
static enum od_err roll(struct od_plog *p, int64_t base)
{
    struct od_segment *last = od_plog_active(p);
    struct od_segment *s = od_segment_new(&p->storage->cache, p->dir, base);
    struct od_file *file;
    enum od_err err = od_segment_pin(s, OD_FILE_CREATE | OD_FILE_TRUNCATE, &file);

    if (makes_room(p, err))
        err = od_segment_pin(s, OD_FILE_CREATE | OD_FILE_TRUNCATE, &file);
    if (err) {
        od_segment_unref(s);
        return err;
    }
    od_segment_unpin(s);
    if (last)
        od_segment_seal(last);
    od_plog_note_roll(p, s);
    od_plog_push_segment(p, s);
    if (p->tail)
        p->tail->n = p->tail->next = 0;
    p->dir_dirty = true;
    p->allocated_pos = 0;
    return OD_NONE;
}

enum od_err od_plog_roll(struct od_plog *p)
{
    return roll(p, p->end_offset);
}

static void mark_tail(struct od_plog *p, const struct od_segment *s)
{
    struct od_tail *t = p->tail;

    if (!t)
        t = p->tail = OD_NEW(struct od_tail);
    t->marks[t->next].offset = (uint32_t)(s->end_offset - s->base_offset);
    t->marks[t->next].pos = (uint32_t)s->size;
    t->next = (t->next + 1) % OD_TAIL_MARKS;
    t->n += t->n < OD_TAIL_MARKS;
}

static void note(struct od_plog *p, struct od_segment *s, const struct od_plog_batch *b)
{
    struct od_batch_head head = { .base_offset = b->base_offset,
                                  .last_offset = b->last_offset,
                                  .max_timestamp = b->max_timestamp,
                                  .len = (int64_t)b->len,
                                  .leader_epoch = b->leader_epoch };

    if (b->leader_epoch > od_plog_epoch_latest(p))
        od_plog_epoch_start(p, b->leader_epoch, b->base_offset);
    od_segment_note(s, &head, s->size, p->config.index_interval_bytes);
    od_plog_note_producer(p, s, b);
    p->end_offset = b->last_offset + 1;
    p->size += (int64_t)b->len;
    p->dirty_bytes += (int64_t)b->len;
    atomic_fetch_add_explicit(&p->storage->dirty_bytes, (int64_t)b->len, memory_order_relaxed);
}

/* The write ended early: removes what is not a whole batch, and decides what may go on. */
static void cut_back(struct od_plog *p, struct od_file *file, int64_t size, enum od_err why)
{
    enum od_err err = od_file_truncate(file, size);

    p->allocated_pos = 0;
    if (err) {
        p->broken = true;
        od_storage_fence(p->storage, "an append could not be cut back");
    } else if (why != OD_E_NO_SPACE) {
        od_storage_fence(p->storage, "an append failed");
    }
}

/* Room for what comes next; what cannot be had is asked for again by the next append. */
static void preallocate(struct od_plog *p, struct od_segment *s, struct od_file *file,
                        int64_t end_pos)
{
    int64_t to = end_pos + p->config.preallocate_bytes;

    if (p->config.preallocate_bytes == 0 || end_pos <= p->allocated_pos)
        return;
    if (od_file_preallocate(file, to))
        return;
    p->allocated_pos = to;
    s->preallocated = true;
}

/* Writes n batches to the end of s in one call. */
static enum od_err write_group(struct od_plog *p, struct od_segment *s,
                               const struct od_plog_batch *batches, int n, int *done)
{
    struct od_span spans[OD_PLOG_GATHER_BATCHES];
    struct od_file *file;
    size_t put = 0, left = 0;
    enum od_err err = od_segment_pin(s, 0, &file);
    int whole = 0;

    if (err)
        return err;
    for (int i = 0; i < n; i++) {
        spans[i] = (struct od_span){ batches[i].data, batches[i].len };
        left += batches[i].len;
    }
    preallocate(p, s, file, s->size + (int64_t)left);
    err = od_file_write(file, spans, n, s->size, &put);
    if (makes_room(p, err))
        err = od_file_write(file, spans, n, s->size, &put);
    for (left = put; whole < n && left >= batches[whole].len; whole++) {
        left -= batches[whole].len;
        note(p, s, &batches[whole]);
    }
    if (err)
        cut_back(p, file, s->size, err);
    od_segment_unpin(s);
    if (whole)
        mark_tail(p, s);
    *done += whole;
    return err;
}

/* Whether the batches' offsets follow the log's end and each other. */
static bool in_order(const struct od_plog *p, const struct od_plog_batch *batches, int n)
{
    int64_t expected = p->end_offset;

    for (int i = 0; i < n; i++) {
        const struct od_plog_batch *b = &batches[i];

        if (b->base_offset < expected || b->last_offset < b->base_offset ||
            b->last_offset - b->base_offset >= INT32_MAX || b->len > INT32_MAX ||
            (b->base_offset > expected && !od_plog_has_gaps(p)))
            return false;
        expected = b->last_offset + 1;
    }
    return true;
}

/* How many of the n batches go to s before one must begin a new segment. */
static int group_len(const struct od_plog *p, const struct od_segment *s,
                     const struct od_plog_batch *batches, int n)
{
    int64_t pos = s->size;
    int i = 0;

    while (i < n && !must_roll(p, s, pos, &batches[i])) {
        pos += (int64_t)batches[i].len;
        i++;
    }
    return i;
}

/* The base of a new segment for b: the log's end, unless that is too far below b. */
static int64_t new_base(const struct od_plog *p, const struct od_plog_batch *b)
{
    return b->last_offset - p->end_offset < INT32_MAX ? p->end_offset : b->base_offset;
}

enum od_err od_plog_append(struct od_plog *p, const struct od_plog_batch *batches, int n,
                           int *done)
{
    OD_ASSERT(n >= 1 && n <= OD_PLOG_GATHER_BATCHES);
    *done = 0;
    if (p->broken || od_storage_fenced(p->storage))
        return OD_E_FENCED;
    if (p->cutting)
        return OD_E_BUSY;
    if (!p->config.vital && !od_storage_has_room(p->storage))
        return OD_E_NO_SPACE;
    if (!in_order(p, batches, n))
        return OD_INVALID_RECORD;
    while (*done < n) {
        const struct od_plog_batch *next = &batches[*done];
        struct od_segment *s = od_plog_active(p);
        int len = 0;
        enum od_err err = OD_NONE;

        if (s && !s->sealed && s->end_offset == p->end_offset)
            len = group_len(p, s, next, n - *done);
        if (len)
            err = write_group(p, s, next, len, done);
        else
            err = roll(p, new_base(p, next));
        if (err == OD_E_IO)
            od_storage_fence(p->storage, "an append failed");
        if (err)
            return err;
    }
    return OD_NONE;
}
