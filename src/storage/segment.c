/* SPDX-License-Identifier: Apache-2.0 */
/* Lifetime and index keeping of one segment. */
#include "storage/segment.h"

#include "base/assert.h"
#include "base/be.h"
#include "base/crc32c.h"
#include "base/mem.h"
#include "os/file.h"

enum {
    INDEX_ENTRY_BYTES = 8,
    TIME_ENTRY_BYTES = 12,
    INDEX_CAPACITY_FIRST = 8,
    DAMAGES_MAX = 1024, /* beyond it they are merged with the last */
};

/* --- directory ------------------------------------------------------------------------------- */

struct od_plog_dir *od_plog_dir_new(const char *root, const char *name)
{
    size_t len = strlen(root) + 1 + strlen(name) + 1;
    struct od_plog_dir *d = od_zalloc(sizeof(*d) + len);

    atomic_init(&d->refs, 1);
    snprintf(d->path, len, "%s/%s", root, name);
    return d;
}

struct od_plog_dir *od_plog_dir_ref(struct od_plog_dir *d)
{
    atomic_fetch_add_explicit(&d->refs, 1, memory_order_relaxed);
    return d;
}

void od_plog_dir_unref(struct od_plog_dir *d)
{
    if (d && atomic_fetch_sub_explicit(&d->refs, 1, memory_order_acq_rel) == 1)
        od_free(d);
}

/* --- life ------------------------------------------------------------------------------------ */

struct od_segment *od_segment_new(struct od_filecache *cache, struct od_plog_dir *dir,
                                  int64_t base_offset)
{
    struct od_segment *s = OD_NEW(struct od_segment);

    atomic_init(&s->refs, 1);
    atomic_init(&s->max_timestamp, -1);
    atomic_init(&s->max_timestamp_offset, base_offset);
    atomic_init(&s->times_known, true);
    s->cache = cache;
    s->dir = od_plog_dir_ref(dir);
    s->base_offset = s->end_offset = base_offset;
    s->first_timestamp = s->indexed_timestamp = -1;
    return s;
}

struct od_segment *od_segment_ref(struct od_segment *s)
{
    atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
    return s;
}

void od_segment_drop_index(struct od_segment *s)
{
    if (!s->index)
        return;
    od_free(s->index->entries);
    od_free(s->index->times);
    od_free(s->index);
    s->index = NULL;
}

void od_segment_unref(struct od_segment *s)
{
    if (!s || atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) != 1)
        return;
    od_filecache_drop(s->cache, &s->file);
    od_segment_drop_index(s);
    od_free(s->damages);
    od_free(s->snapshot);
    od_aborted_free(s->aborted);
    od_plog_dir_unref(s->dir);
    od_free(s);
}

void od_segment_stage_path(const struct od_segment *s, const char *suffix,
                           enum od_segment_stage stage, char *out, size_t len)
{
    static const char *const ends[] = { [OD_SEGMENT_PLACED] = "", [OD_SEGMENT_SWAP] = ".swap",
                                        [OD_SEGMENT_CLEANED] = ".cleaned" };

    snprintf(out, len, "%s/%020lld.%s%s", s->dir->path, (long long)s->base_offset, suffix,
             ends[stage]);
}

void od_segment_path(const struct od_segment *s, const char *suffix, char *out, size_t len)
{
    od_segment_stage_path(s, suffix, atomic_load_explicit(&s->stage, memory_order_acquire), out,
                          len);
}

enum od_err od_segment_pin(struct od_segment *s, unsigned flags, struct od_file **out)
{
    enum od_segment_stage stage = atomic_load_explicit(&s->stage, memory_order_acquire);
    char path[OD_PATH_MAX];
    enum od_err err;

    *out = od_filecache_pin_open(s->cache, &s->file);
    if (*out)
        return OD_NONE;
    if (atomic_load_explicit(&s->dir->gone, memory_order_acquire))
        return OD_E_STALE;
    flags |= OD_FILE_WRITE | OD_FILE_QUIET;
    od_segment_stage_path(s, "log", stage, path, sizeof(path));
    err = od_filecache_pin(s->cache, &s->file, path, flags, out);
    if (err == OD_E_NOT_FOUND && stage == OD_SEGMENT_SWAP) { /* it came to its place just now */
        od_segment_stage_path(s, "log", OD_SEGMENT_PLACED, path, sizeof(path));
        err = od_filecache_pin(s->cache, &s->file, path, flags, out);
    }
    return err == OD_E_NOT_FOUND ? OD_E_STALE : err;
}

void od_segment_unpin(struct od_segment *s)
{
    od_filecache_unpin(s->cache, &s->file);
}

/* --- index in memory ------------------------------------------------------------------------- */

static struct od_index *index_of(struct od_segment *s)
{
    if (!s->index)
        s->index = OD_NEW(struct od_index);
    return s->index;
}

static void add_time(struct od_segment *s)
{
    struct od_index *ix = index_of(s);
    int64_t timestamp = atomic_load_explicit(&s->max_timestamp, memory_order_relaxed);
    int64_t offset = atomic_load_explicit(&s->max_timestamp_offset, memory_order_relaxed);

    if (ix->n_times == ix->times_capacity) {
        ix->times_capacity = ix->times_capacity ? ix->times_capacity * 2 : INDEX_CAPACITY_FIRST;
        ix->times = od_realloc(ix->times, ix->times_capacity * sizeof(*ix->times));
    }
    ix->times[ix->n_times++] =
        (struct od_time_entry){ (uint32_t)((uint64_t)timestamp >> 32), (uint32_t)timestamp,
                                (uint32_t)(offset - s->base_offset) };
}

/* The time index never repeats a timestamp; -1 stands below the first. */
static void add_time_if_later(struct od_segment *s)
{
    int64_t timestamp = atomic_load_explicit(&s->max_timestamp, memory_order_relaxed);

    if (timestamp <= s->indexed_timestamp)
        return;
    add_time(s);
    s->indexed_timestamp = timestamp;
}

int64_t od_time_entry_timestamp(const struct od_time_entry *e)
{
    return (int64_t)((uint64_t)e->timestamp_high << 32 | e->timestamp_low);
}

static void add_entry(struct od_segment *s, const struct od_batch_head *batch, int64_t pos)
{
    struct od_index *ix = index_of(s);

    if (ix->n == ix->capacity) {
        ix->capacity = ix->capacity ? ix->capacity * 2 : INDEX_CAPACITY_FIRST;
        ix->entries = od_realloc(ix->entries, ix->capacity * sizeof(*ix->entries));
    }
    ix->entries[ix->n++] = (struct od_index_entry){ (uint32_t)(batch->base_offset - s->base_offset),
                                                    (uint32_t)(batch->last_offset - s->base_offset),
                                                    (uint32_t)pos };
}

void od_segment_note(struct od_segment *s, const struct od_batch_head *batch, int64_t pos,
                     int32_t index_interval_bytes)
{
    if (pos == 0)
        s->first_timestamp = batch->max_timestamp;
    if (batch->max_timestamp > atomic_load_explicit(&s->max_timestamp, memory_order_relaxed)) {
        atomic_store_explicit(&s->max_timestamp, batch->max_timestamp, memory_order_relaxed);
        atomic_store_explicit(&s->max_timestamp_offset, batch->last_offset, memory_order_relaxed);
    }
    if (s->bytes_since_index > (uint32_t)index_interval_bytes) {
        add_entry(s, batch, pos);
        add_time_if_later(s);
        s->bytes_since_index = 0;
    }
    s->bytes_since_index += (uint32_t)batch->len;
    s->size = pos + batch->len;
    s->end_offset = batch->last_offset + 1;
}

void od_segment_seal(struct od_segment *s)
{
    if (!s->sealed && s->size && s->times_known)
        add_time_if_later(s);
    s->sealed = true;
}

const struct od_index_entry *od_index_by_offset(const struct od_index *ix, int64_t first)
{
    uint32_t low = 0, high = ix ? ix->n : 0; /* entries below low are at or below first */

    while (low < high) {
        uint32_t mid = low + (high - low) / 2;

        if (ix->entries[mid].first <= first)
            low = mid + 1;
        else
            high = mid;
    }
    return low ? &ix->entries[low - 1] : NULL;
}

const struct od_index_entry *od_index_by_pos(const struct od_index *ix, int64_t pos)
{
    uint32_t low = 0, high = ix ? ix->n : 0;

    while (low < high) {
        uint32_t mid = low + (high - low) / 2;

        if (ix->entries[mid].pos <= pos)
            low = mid + 1;
        else
            high = mid;
    }
    return low ? &ix->entries[low - 1] : NULL;
}

/* --- index on disk --------------------------------------------------------------------------- */

/* Cuts the file to what it should hold, appends data and syncs. */
static enum od_err append_file(const struct od_segment *s, const char *suffix, int64_t pos,
                               const void *data, size_t len)
{
    char path[OD_PATH_MAX];
    struct od_span span = { data, len };
    struct od_file *f;
    size_t put;
    enum od_err err;

    od_segment_path(s, suffix, path, sizeof(path));
    err = od_file_open(path, OD_FILE_WRITE | OD_FILE_CREATE, &f);
    if (err)
        return err;
    err = od_file_truncate(f, pos);
    if (!err && len)
        err = od_file_write(f, &span, 1, pos, &put);
    if (!err)
        err = od_file_sync(f);
    od_file_close(f);
    return err;
}

static enum od_err write_entries(struct od_segment *s)
{
    const struct od_index *ix = s->index;
    uint32_t n = ix ? ix->n : 0;
    size_t len = (size_t)n * INDEX_ENTRY_BYTES;
    uint8_t *data = od_alloc(len);
    enum od_err err;

    for (uint32_t i = 0; i < n; i++) {
        od_be32_store(data + i * INDEX_ENTRY_BYTES, ix->entries[i].last);
        od_be32_store(data + i * INDEX_ENTRY_BYTES + 4, ix->entries[i].pos);
    }
    err = append_file(s, "index", (int64_t)s->disk_entries * INDEX_ENTRY_BYTES, data, len);
    if (!err)
        s->disk_entries += n;
    od_free(data);
    return err;
}

static enum od_err write_times(struct od_segment *s)
{
    const struct od_index *ix = s->index;
    uint32_t n = ix ? ix->n_times : 0;
    size_t len = (size_t)n * TIME_ENTRY_BYTES;
    uint8_t *data = od_alloc(len);
    enum od_err err;

    for (uint32_t i = 0; i < n; i++) {
        od_be32_store(data + i * TIME_ENTRY_BYTES, ix->times[i].timestamp_high);
        od_be32_store(data + i * TIME_ENTRY_BYTES + 4, ix->times[i].timestamp_low);
        od_be32_store(data + i * TIME_ENTRY_BYTES + 8, ix->times[i].last);
    }
    err = append_file(s, "timeindex", (int64_t)s->disk_times * TIME_ENTRY_BYTES, data, len);
    if (!err) {
        s->time_crc = od_crc32c_more(s->time_crc, data, len);
        s->disk_times += n;
    }
    od_free(data);
    return err;
}

enum od_err od_segment_write_index(struct od_segment *s)
{
    uint32_t before = s->disk_entries;
    enum od_err err = write_entries(s);

    if (!err && s->times_known)
        err = write_times(s);
    if (!err && s->index)
        s->index->written = true;
    if (err)
        s->disk_entries = before; /* the entries are still in memory */
    return err;
}

/* --- small things ---------------------------------------------------------------------------- */

void od_segment_add_damage(struct od_segment *s, const struct od_damage *d)
{
    if (s->n_damages == DAMAGES_MAX) {
        s->damages[DAMAGES_MAX - 1].next_offset = d->next_offset;
        s->damages[DAMAGES_MAX - 1].end_pos = d->end_pos;
        return;
    }
    s->damages = od_realloc(s->damages, (s->n_damages + 1) * sizeof(*d));
    s->damages[s->n_damages++] = *d;
}

void od_segment_hint(struct od_segment *s, int64_t offset, int64_t pos)
{
    uint64_t packed = (uint64_t)(offset - s->base_offset) << 32 | (uint64_t)pos;

    /* Neighbours in offset land in different slots, so that a few readers do not push each other
     * out; losing a hint costs an index lookup. */
    atomic_store_explicit(&s->hints[(packed * 0x9e3779b97f4a7c15u) >> 62], packed,
                          memory_order_relaxed);
}

int64_t od_segment_hinted(const struct od_segment *s, int64_t offset)
{
    for (int i = 0; i < OD_SEGMENT_HINTS; i++) {
        uint64_t packed = atomic_load_explicit(&s->hints[i], memory_order_relaxed);

        if (packed && (int64_t)(packed >> 32) == offset - s->base_offset)
            return (int64_t)(packed & UINT32_MAX);
    }
    return -1;
}

enum od_err od_segment_remove_file(const struct od_segment *s, const char *suffix)
{
    char path[OD_PATH_MAX];
    struct od_file *f;
    enum od_err err;

    od_segment_path(s, suffix, path, sizeof(path));
    err = od_file_open(path, OD_FILE_READ | OD_FILE_QUIET, &f);
    if (err)
        return err == OD_E_NOT_FOUND ? OD_NONE : err;
    od_file_close(f);
    return od_path_remove(path);
}

enum od_err od_segment_remove_files(const struct od_segment *s)
{
    static const char *const suffixes[] = { "log", "index", "timeindex", "txnindex", "snapshot" };
    enum od_err err = OD_NONE;

    for (size_t i = 0; i < OD_COUNT(suffixes) && !err; i++)
        err = od_segment_remove_file(s, suffixes[i]);
    return err;
}

void od_segment_set_checked(struct od_segment *s, int64_t from, int64_t to)
{
    uint64_t old = atomic_load_explicit(&s->checked, memory_order_relaxed);
    int64_t old_from = (int64_t)(old >> 32), old_to = (int64_t)(old & UINT32_MAX);

    /* One interval is kept: joined if they touch, else the newer one. */
    if (from <= old_to && old_from <= to) {
        from = from < old_from ? from : old_from;
        to = to > old_to ? to : old_to;
    }
    atomic_store_explicit(&s->checked, (uint64_t)from << 32 | (uint64_t)to, memory_order_relaxed);
}

bool od_segment_checked(const struct od_segment *s, int64_t from, int64_t to)
{
    uint64_t interval = atomic_load_explicit(&s->checked, memory_order_relaxed);

    return from >= (int64_t)(interval >> 32) && to <= (int64_t)(interval & UINT32_MAX);
}
