/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading in two steps.  locate, under the lock, picks a segment and the nearest boundaries that
 * memory knows on both sides; scan, without it, closes what is left by reading batch heads.
 *
 * A boundary is (offset, position): batches before the position hold lower offsets, those from it
 * on this one or higher.  When both boundaries are exact, scan makes no kernel call but an open.
 */
#include "base/assert.h"
#include "base/be.h"
#include "base/mem.h"
#include "os/file.h"
#include "storage/plog_internal.h"
#include "storage/recover.h"

enum {
    RECENT_BYTES = 8 << 20, /* of the tail: taken as resident without asking */
    PEEK_BYTES = 4096,      /* one read of batch heads */
    WALK_MAX = 64,          /* reads of heads by a reactor before it goes to a helper */
    INDEX_ENTRY_BYTES = 8,
};

/* --- locate ---------------------------------------------------------------------------------- */

struct boundary {
    int64_t offset;
    int64_t pos;
};

/* The better of two lower bounds for offset. */
static struct boundary closer(struct boundary a, int64_t offset, int64_t pos, int64_t target)
{
    if (offset <= target && offset > a.offset)
        return (struct boundary){ offset, pos };
    return a;
}

/* The last boundary known at or below offset, and at or below pos. */
static struct boundary floor_of(const struct od_plog *p, const struct od_segment *s,
                                int64_t offset, int64_t pos)
{
    struct boundary best = { s->base_offset, 0 };
    const struct od_index_entry *e = od_index_by_offset(s->index, offset - s->base_offset);
    const struct od_index_entry *by_pos = od_index_by_pos(s->index, pos);

    if (!by_pos || (e && by_pos->pos < e->pos))
        e = by_pos;
    if (e)
        best = closer(best, s->base_offset + e->first, e->pos, offset);
    for (uint32_t i = 0; s == od_plog_active(p) && p->tail && i < p->tail->n; i++)
        if (p->tail->marks[i].pos <= pos)
            best = closer(best, s->base_offset + p->tail->marks[i].offset, p->tail->marks[i].pos,
                          offset);
    if (p->durable.base == s->base_offset && p->durable.pos <= pos)
        best = closer(best, p->durable.offset, p->durable.pos, offset);
    if (s->size <= pos && !atomic_load_explicit(&s->end_unsure, memory_order_relaxed))
        best = closer(best, s->end_offset, s->size, offset);
    return best;
}

/* Narrows the place to the undamaged stretch that holds the offset; false: it is damaged. */
static bool avoid_damage(const struct od_segment *s, struct od_plog_place *out,
                         struct boundary *from)
{
    for (uint32_t i = 0; i < s->n_damages; i++) {
        const struct od_damage *d = &s->damages[i];

        if (out->want.offset < d->first_offset) {
            out->stop_pos = d->pos;
            out->stop_offset = d->first_offset;
            return true;
        }
        if (out->want.offset < d->next_offset)
            return false;
        *from = closer(*from, d->next_offset, d->end_pos, out->want.offset);
    }
    return true;
}

static void fill_place(const struct od_plog *p, struct od_segment *s, int64_t limit,
                       struct od_plog_place *out, struct boundary from)
{
    int64_t offset = out->want.offset, hinted;
    struct boundary end;

    if (from.offset != offset && (hinted = od_segment_hinted(s, offset)) > from.pos)
        from = (struct boundary){ offset, hinted };
    if (limit > s->end_offset)
        limit = s->end_offset;
    end = floor_of(p, s, limit, from.pos + out->want.max_bytes);
    if (end.pos > out->stop_pos)
        end = (struct boundary){ -1, from.pos };
    if (end.pos < from.pos)
        end = from;
    out->from_pos = from.pos;
    out->from_offset = from.offset;
    out->end_pos = end.pos;
    out->end_offset = end.offset;
    /* Nothing more can be wanted, or what is left is less than an index interval of a full
     * answer. */
    out->end_exact = end.offset == limit ||
                     (end.pos > from.pos && s->size - from.pos > out->want.max_bytes &&
                      from.offset == offset && s->index);
    out->fresh_pos = s->fresh_pos;
    out->gaps_allowed = od_plog_has_gaps(p);
    out->recent = s == od_plog_active(p) && from.pos >= s->fresh_pos &&
                  from.pos >= s->size - RECENT_BYTES;
}

enum od_err od_plog_locate(struct od_plog *p, const struct od_plog_want *want,
                           struct od_plog_place *out)
{
    int64_t end = p->cutting && p->cut_offset < p->end_offset ? p->cut_offset : p->end_offset;
    int64_t limit = want->limit_offset < end ? want->limit_offset : end;
    struct od_segment *s;
    struct boundary from;
    int i;

    *out = (struct od_plog_place){ .want = *want, .next_offset = -1 };
    if (want->offset < p->start_offset || want->offset > p->end_offset)
        return OD_OFFSET_OUT_OF_RANGE;
    i = od_plog_find_segment(p, want->offset);
    if (want->offset >= limit || i < 0)
        return OD_NONE;
    s = p->segments[i];
    out->want.limit_offset = limit;
    out->stop_pos = s->size;
    out->stop_offset = s->end_offset;
    out->next_offset = i + 1 < p->n_segments ? p->segments[i + 1]->base_offset : -1;
    from = floor_of(p, s, want->offset, INT64_MAX);
    if (!avoid_damage(s, out, &from))
        return OD_CORRUPT_MESSAGE;
    if (s->size == 0 || want->offset >= s->end_offset) { /* a gap up to the next segment */
        out->segment = od_segment_ref(s);
        out->stop_pos = out->end_pos = out->from_pos = 0;
        return OD_NONE;
    }
    fill_place(p, s, limit, out, from);
    out->segment = od_segment_ref(s);
    return OD_NONE;
}

void od_plog_place_release(struct od_plog_place *place)
{
    od_segment_unref(place->segment);
    place->segment = NULL;
}

void od_plog_range_release(struct od_plog_range *range)
{
    if (range->file)
        od_segment_unpin(range->segment);
    od_segment_unref(range->segment);
    range->segment = NULL;
    range->file = NULL;
}

/* --- scan ------------------------------------------------------------------------------------ */

/* Heads read in small pieces. */
struct walk {
    const struct od_plog_place *place;
    struct od_file *file;
    bool may_block;
    bool doubtful; /* a head did not follow: check CRCs, whoever wrote the bytes */
    int reads;
    int64_t pos; /* of data */
    size_t len;
    uint8_t data[PEEK_BYTES];
};

static enum od_err peek(struct walk *w, int64_t pos, struct od_batch_head *out)
{
    const struct od_plog_place *place = w->place;
    enum od_err err;

    if (pos < w->pos || pos + OD_BATCH_HEAD_BYTES > w->pos + (int64_t)w->len) {
        if (!w->may_block && w->reads >= WALK_MAX)
            return OD_E_AGAIN;
        if (!w->may_block && !place->recent && !od_file_resident(w->file, pos, PEEK_BYTES))
            return OD_E_AGAIN;
        err = od_file_read(w->file, w->data, PEEK_BYTES, pos, &w->len);
        w->pos = pos;
        w->reads++;
        if (err)
            return err;
    }
    if (w->len - (size_t)(pos - w->pos) < OD_BATCH_HEAD_BYTES ||
        !od_batch_head_read(w->data + (pos - w->pos), out) || pos + out->len > place->stop_pos)
        return OD_CORRUPT_MESSAGE;
    return OD_NONE;
}

/* One entry of the index file; false: not there, or not to be had without blocking. */
static bool disk_entry(struct walk *w, struct od_file *index, uint32_t i, uint32_t *last,
                       uint32_t *pos)
{
    uint8_t data[INDEX_ENTRY_BYTES];
    size_t got;

    if (!w->may_block && !od_file_resident(index, (int64_t)i * INDEX_ENTRY_BYTES, sizeof(data)))
        return false;
    if (od_file_read(index, data, sizeof(data), (int64_t)i * INDEX_ENTRY_BYTES, &got) ||
        got < sizeof(data))
        return false;
    *last = od_be32_load(data);
    *pos = od_be32_load(data + 4);
    return true;
}

/*
 * The position of the last batch that the index file names with a last offset below the target and
 * a position at or below pos; -1: none.  What the file says is believed only where the batch at
 * that position agrees.
 */
static int64_t disk_floor(struct walk *w, struct od_file *index, int64_t target, int64_t pos)
{
    const struct od_segment *s = w->place->segment;
    uint32_t low = 0, high = atomic_load_explicit(&s->disk_entries, memory_order_relaxed);
    uint32_t last, at, best_last = 0, best_pos = 0;
    struct od_batch_head head;
    bool found = false;

    while (low < high) {
        uint32_t mid = low + (high - low) / 2;

        if (!disk_entry(w, index, mid, &last, &at))
            return -1;
        if (s->base_offset + last < target && at <= pos) {
            best_last = last;
            best_pos = at;
            found = true;
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    if (!found || peek(w, best_pos, &head) || head.last_offset != s->base_offset + best_last)
        return -1;
    return best_pos;
}

/* Moves *from forward, and *end if it helps, with what the index file knows. */
static void ask_disk_index(struct walk *w, int64_t *from, int64_t *end)
{
    const struct od_plog_place *place = w->place;
    struct od_segment *s = place->segment;
    char path[OD_PATH_MAX];
    struct od_file *index;
    int64_t found;

    if (atomic_load_explicit(&s->disk_entries, memory_order_relaxed) == 0)
        return;
    od_segment_path(s, "index", path, sizeof(path));
    if (od_file_open(path, OD_FILE_READ | OD_FILE_QUIET, &index))
        return;
    if (place->from_offset != place->want.offset) {
        found = disk_floor(w, index, place->want.offset, place->stop_pos);
        if (found > *from)
            *from = found;
    }
    found = disk_floor(w, index, place->want.limit_offset, *from + place->want.max_bytes);
    if (found > *end)
        *end = found;
    od_file_close(index);
}

/* Whether a batch may stand where offsets from expected on (-1: unknown) do. */
static bool in_place(const struct od_plog_place *place, const struct od_batch_head *head,
                     int64_t expected)
{
    if (expected < 0)
        return head->base_offset >= place->segment->base_offset;
    return head->base_offset == expected || (place->gaps_allowed && head->base_offset > expected);
}

/* Finds the first batch that ends at or above the wanted offset. */
static enum od_err find_first(struct walk *w, int64_t *pos, struct od_batch_head *head)
{
    const struct od_plog_place *place = w->place;
    int64_t expected = *pos == place->from_pos ? place->from_offset : -1;

    for (;;) {
        enum od_err err;

        if (*pos >= place->stop_pos) /* a gap, or the end of a file that was cut short */
            return place->gaps_allowed || place->want.offset >= place->stop_offset
                       ? OD_E_NOT_FOUND
                       : OD_CORRUPT_MESSAGE;
        err = peek(w, *pos, head);
        if (err)
            return err;
        if (!in_place(place, head, expected))
            return OD_CORRUPT_MESSAGE;
        expected = head->last_offset + 1;
        if (head->last_offset >= place->want.offset)
            return OD_NONE;
        *pos += head->len;
    }
}

/* Walks on from *end while batches fit; *next is the offset after the last, or stays -1. */
static enum od_err find_end(struct walk *w, int64_t from, int64_t *end, int64_t *next)
{
    const struct od_plog_want *want = &w->place->want;
    struct od_batch_head head;

    while (*end < w->place->stop_pos) {
        enum od_err err = peek(w, *end, &head);
        bool first = *end == from;

        if (!err && !in_place(w->place, &head, *next))
            err = OD_CORRUPT_MESSAGE;
        if (err == OD_CORRUPT_MESSAGE && !first) {
            w->doubtful = true;
            return OD_NONE;
        }
        if (err)
            return err;
        if (head.last_offset >= want->limit_offset)
            break;
        if (*end + head.len - from > want->max_bytes && !(first && want->min_one))
            break;
        *end += head.len;
        *next = head.last_offset + 1;
    }
    return OD_NONE;
}

/* Reads the whole range and checks each CRC; cuts the range before the first bad batch. */
static enum od_err verify(struct walk *w, struct od_plog_range *out)
{
    struct od_window window = { .file = w->file, .file_size = out->pos + out->len };
    int64_t pos = out->pos, end = out->pos + out->len, expected = out->first_offset;
    struct od_batch_head head;
    enum od_err err = OD_NONE;
    uint8_t *data;

    window.data = data = od_alloc(OD_WINDOW_BYTES);
    while (pos < end && !err) {
        const uint8_t *p = od_window_get(&window, pos, OD_BATCH_HEAD_BYTES, &err);

        if (!p || !od_batch_head_read(p, &head) || head.len > end - pos ||
            !in_place(w->place, &head, expected) ||
            !od_window_crc_fits(&window, pos, &head, &err))
            break;
        expected = head.last_offset + 1;
        pos += head.len;
    }
    od_free(data);
    if (err)
        return err;
    out->len = pos - out->pos;
    out->next_offset = expected;
    return out->len ? OD_NONE : OD_CORRUPT_MESSAGE;
}

/* The range is right and in memory when this returns OD_NONE. */
static enum od_err make_sure(struct walk *w, struct od_plog_range *out)
{
    const struct od_plog_place *place = w->place;
    int64_t end = out->pos + out->len;
    bool sure = !w->doubtful &&
                (out->pos >= place->fresh_pos ||
                 od_segment_checked(place->segment, out->pos,
                                    end < place->fresh_pos ? end : place->fresh_pos));
    enum od_err err;

    if (sure && (place->recent || (!w->may_block && od_file_resident(w->file, out->pos, out->len))))
        return OD_NONE;
    if (!w->may_block)
        return OD_E_AGAIN;
    err = verify(w, out);
    if (!err)
        od_segment_set_checked(place->segment, out->pos, out->pos + out->len);
    return err;
}

static enum od_err scan(struct walk *w, struct od_plog_range *out)
{
    const struct od_plog_place *place = w->place;
    int64_t from = place->from_pos, end = place->end_pos, next = place->end_offset;
    bool exact = place->from_offset == place->want.offset;
    struct od_batch_head head;
    enum od_err err = OD_NONE;

    out->first_offset = place->want.offset;
    if (!exact || !place->end_exact || end == from) {
        if (!place->recent)
            ask_disk_index(w, &from, &end);
        err = find_first(w, &from, &head);
        if (err == OD_E_NOT_FOUND) {
            out->next_offset = place->next_offset;
            return OD_NONE;
        }
        if (err)
            return err;
        out->first_offset = head.base_offset;
        if (end <= from || end > from + place->want.max_bytes)
            end = from;
        if (end != place->end_pos)
            next = -1;
        if (end != place->end_pos || !place->end_exact || end == from)
            err = find_end(w, from, &end, &next);
        if (err)
            return err;
    }
    if (end == place->stop_pos && (next == place->stop_offset || place->gaps_allowed))
        atomic_store_explicit(&place->segment->end_unsure, false, memory_order_relaxed);
    if (next < 0 && end == place->stop_pos)
        next = place->stop_offset;
    else if (next < 0 && !(err = peek(w, end, &head)))
        next = head.base_offset;
    if (err && err != OD_CORRUPT_MESSAGE)
        return err;
    w->doubtful |= err != OD_NONE; /* verify will tell where the range ends */
    out->pos = from;
    out->len = end - from;
    out->next_offset = out->len ? next : -1;
    return out->len ? make_sure(w, out) : OD_NONE;
}

enum od_err od_plog_scan(struct od_plog_place *place, bool may_block, struct od_plog_range *out)
{
    struct od_segment *s = place->segment;
    struct walk w;
    enum od_err err;

    *out = (struct od_plog_range){ .next_offset = -1 };
    if (!s)
        return OD_NONE;
    if (!place->stop_pos) { /* a gap */
        out->next_offset = place->next_offset;
        return OD_NONE;
    }
    w.place = place;
    w.may_block = may_block;
    w.doubtful = false;
    w.reads = 0;
    w.pos = 0;
    w.len = 0;
    err = od_segment_pin(s, 0, &w.file);
    if (err)
        return err;
    err = scan(&w, out);
    if (err)
        *out = (struct od_plog_range){ .next_offset = -1 }; /* empty, not half filled */
    if (err || !out->len) {
        od_segment_unpin(s);
        return err;
    }
    out->file = w.file;
    out->segment = od_segment_ref(s);
    if (out->next_offset >= 0)
        od_segment_hint(s, out->next_offset, out->pos + out->len);
    return OD_NONE;
}
