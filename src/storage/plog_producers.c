/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Producer state and transaction index of a log: kept by appends, rebuilt from the newest usable
 * snapshot and the log behind it.
 *
 * A snapshot above the high watermark is not used: it does not say which finished transactions are
 * not settled yet.
 */
#include "base/assert.h"
#include "base/be.h"
#include "base/log.h"
#include "base/mem.h"
#include "os/file.h"
#include "storage/plog_internal.h"
#include "storage/recover.h"
#include "storage/snapshot.h"

enum { PRODUCER_ID_POS = 43 };

/* --- while appending ------------------------------------------------------------------------- */

static struct od_producers *new_table(const struct od_plog *p)
{
    struct od_producers *t = OD_NEW(struct od_producers);

    od_producers_init(t, p->storage->manifest.map.seed[0]);
    return t;
}

static void free_table(struct od_producers *t)
{
    if (!t)
        return;
    od_producers_deinit(t);
    od_free(t);
}

void od_plog_free_producers(struct od_plog *p)
{
    free_table(p->producers);
    p->producers = NULL;
}

static void add_aborted(struct od_segment *s, const struct od_aborted_txn *txn)
{
    if (!s->aborted)
        s->aborted = od_aborted_new();
    od_aborted_add(s->aborted, txn);
}

void od_plog_note_producer(struct od_plog *p, struct od_segment *s, const struct od_plog_batch *b)
{
    struct od_producer_batch batch;
    struct od_aborted_txn aborted;

    if ((int64_t)od_be64_load((const uint8_t *)b->data + PRODUCER_ID_POS) >= 0 &&
        od_producer_batch_read(b->data, b->len, &batch)) {
        if (!p->producers)
            p->producers = new_table(p);
        if (od_producers_apply(p->producers, &batch, &aborted)) {
            add_aborted(s, &aborted);
            p->n_aborted++;
        }
    }
    if (p->producers)
        od_producers_advance(p->producers, b->last_offset + 1);
}

void od_plog_note_roll(struct od_plog *p, struct od_segment *s)
{
    if (p->n_segments) /* nobody wrote anything before the first */
        s->snapshot = od_snapshot_print(p->producers, &s->snapshot_len);
}

const struct od_producers *od_plog_producers(const struct od_plog *p)
{
    return p->producers;
}

int64_t od_plog_first_unstable(const struct od_plog *p)
{
    int64_t first = p->producers ? od_producers_first_unstable(p->producers) : INT64_MAX;

    return first < p->start_offset ? p->start_offset : first;
}

void od_plog_settle_producers(struct od_plog *p, int64_t offset)
{
    if (p->producers)
        od_producers_settle(p->producers, offset);
}

void od_plog_expire_producers(struct od_plog *p, int64_t now_ms, int64_t expiration_ms)
{
    if (p->producers)
        od_producers_expire(p->producers, now_ms, expiration_ms);
}

/* --- the transaction index ------------------------------------------------------------------- */

/* The first of a segment's aborted transactions whose marker lies at or above offset. */
static uint32_t first_ending(const struct od_aborted *a, int64_t offset)
{
    uint32_t low = 0, high = a->n; /* those below low end before offset */

    while (low < high) {
        uint32_t mid = low + (high - low) / 2;

        if (a->v[mid].last_offset < offset)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

size_t od_plog_aborted(const struct od_plog *p, int64_t from, int64_t to,
                       struct od_aborted_txn *out, size_t capacity)
{
    int i = p->n_aborted ? od_plog_find_segment(p, from) : p->n_segments;
    size_t n = 0;

    for (i = i < 0 ? 0 : i; i < p->n_segments; i++) {
        const struct od_aborted *a = p->segments[i]->aborted;

        for (uint32_t k = a ? first_ending(a, from) : 0; a && k < a->n; k++) {
            if (a->v[k].first_offset < to) {
                if (n < capacity)
                    out[n] = a->v[k];
                n++;
            }
            if (a->v[k].last_stable_offset >= to) /* later ones began later */
                return n;
        }
    }
    return n;
}

void od_plog_count_aborted(struct od_plog *p)
{
    p->n_aborted = 0;
    for (int i = 0; i < p->n_segments; i++)
        if (p->segments[i]->aborted)
            p->n_aborted += p->segments[i]->aborted->n;
}

void od_plog_hold_recovery(struct od_plog *p)
{
    p->holding = false;
    for (int i = 0; i < p->n_segments && p->n_aborted && !p->holding; i++) {
        const struct od_segment *s = p->segments[i];
        const struct od_aborted *a = s->aborted;

        if (!a || a->on_disk == a->n || a->v[a->on_disk].last_offset >= p->durable.offset)
            continue;
        p->holding = true;
        p->held = (struct od_recovery_point){ s->base_offset, s->base_offset, 0 };
    }
}

/* --- replay ---------------------------------------------------------------------------------- */

/* Past the damage at pos, or pos. */
static int64_t skip_damage(const struct od_segment *s, int64_t pos)
{
    for (uint32_t i = 0; i < s->n_damages; i++)
        if (s->damages[i].pos == pos)
            pos = s->damages[i].end_pos;
    return pos;
}

/* Gives one batch to the table; with s the aborted transaction goes into its list. */
static enum od_err replay_batch(struct od_window *w, int64_t pos, const struct od_batch_head *head,
                                struct od_producers *t, struct od_segment *s)
{
    size_t len = head->len < OD_PRODUCER_HEAD_BYTES ? (size_t)head->len : OD_PRODUCER_HEAD_BYTES;
    enum od_err err = OD_NONE;
    const uint8_t *data = od_window_get(w, pos, len, &err);
    struct od_producer_batch batch;
    struct od_aborted_txn aborted;

    if (data && od_producer_batch_read(data, len, &batch) &&
        od_producers_apply(t, &batch, &aborted) && s)
        add_aborted(s, &aborted);
    od_producers_advance(t, head->last_offset + 1);
    return err;
}

static enum od_err replay_file(struct od_segment *s, struct od_file *file, int64_t end_pos,
                               int64_t from, struct od_producers *t, bool aborted)
{
    struct od_window w = { .file = file, .file_size = end_pos };
    enum od_err err = OD_NONE;
    struct od_batch_head head;
    int64_t pos = 0;

    w.data = od_alloc(OD_WINDOW_BYTES);
    while (!err && (pos = skip_damage(s, pos)) < end_pos) {
        const uint8_t *data = od_window_get(&w, pos, OD_BATCH_HEAD_BYTES, &err);

        if (err || !data || !od_batch_head_read(data, &head))
            break; /* below the recovery point: reads say CORRUPT_MESSAGE from here on */
        if (head.base_offset >= from)
            err = replay_batch(&w, pos, &head, t, aborted ? s : NULL);
        pos += head.len;
    }
    od_free(w.data);
    return err;
}

enum od_err od_segment_replay(struct od_segment *s, int64_t end_pos, int64_t from,
                              struct od_producers *t, bool aborted)
{
    struct od_file *file;
    enum od_err err = od_segment_pin(s, 0, &file);

    if (err)
        return err;
    err = replay_file(s, file, end_pos, from, t, aborted);
    od_segment_unpin(s);
    return err;
}

enum od_err od_plog_newest_snapshot(const char *dir, const struct od_snapshot_list *list,
                                    int64_t limit, struct od_producers *t, int64_t *offset)
{
    enum od_err err = OD_NONE;

    for (size_t i = list->n; i > 0 && !err; i--) {
        if (list->v[i - 1] > limit)
            continue;
        err = od_snapshot_read(dir, list->v[i - 1], t);
        if (!err) {
            *offset = list->v[i - 1];
            return OD_NONE;
        }
        if (err == OD_E_CORRUPT) {
            od_producers_clear(t);
            err = od_snapshot_remove(dir, list->v[i - 1]);
        }
    }
    return err;
}

/* --- at the start ---------------------------------------------------------------------------- */

/* The aborted transactions that the file knows; a damaged one lowers *limit, so that replay makes
 * it anew. */
static enum od_err read_aborted(struct od_segment *s, int64_t *limit)
{
    char path[OD_PATH_MAX];
    enum od_err err;

    od_segment_path(s, "txnindex", path, sizeof(path));
    err = od_aborted_read(path, s->base_offset, s->end_offset, &s->aborted);
    if (err != OD_E_CORRUPT)
        return err;
    if (*limit > s->base_offset)
        *limit = s->base_offset;
    s->aborted = od_aborted_new();
    return OD_NONE;
}

/* The file of a segment that is replayed from offset on keeps what lies below it. */
static enum od_err cut_aborted_file(struct od_segment *s, int64_t offset)
{
    char path[OD_PATH_MAX];

    if (!s->aborted)
        return OD_NONE;
    od_aborted_cut(s->aborted, offset);
    od_segment_path(s, "txnindex", path, sizeof(path));
    return od_aborted_write(path, (int64_t)s->aborted->on_disk * OD_ABORTED_BYTES, NULL, 0);
}

/* Snapshots stay for each segment, and the one that was used. */
static enum od_err remove_strays(const struct od_plog *p, const struct od_snapshot_list *list,
                                 int64_t used)
{
    enum od_err err = OD_NONE;

    for (size_t i = 0; i < list->n && !err; i++) {
        int k = od_plog_find_segment(p, list->v[i]);

        if (list->v[i] != used && (k < 0 || p->segments[k]->base_offset != list->v[i]))
            err = od_snapshot_remove(p->dir->path, list->v[i]);
    }
    return err;
}

static enum od_err replay(struct od_plog *p, int64_t from)
{
    enum od_err err = OD_NONE;

    for (int i = 0; i < p->n_segments && !err; i++) {
        struct od_segment *s = p->segments[i];

        if (s->end_offset <= from)
            continue;
        err = cut_aborted_file(s, from);
        if (!err)
            err = od_segment_replay(s, s->size, from, p->producers, true);
    }
    return err;
}

/* From the files, by replay of what no snapshot at or below limit covers. */
static enum od_err rebuild(struct od_plog *p, int64_t limit)
{
    int64_t from = p->segments[0]->base_offset;
    struct od_snapshot_list list = { 0 };
    enum od_err err = OD_NONE;

    p->producers = new_table(p);
    for (int i = 0; i < p->n_segments && !err; i++)
        err = read_aborted(p->segments[i], &limit);
    if (!err)
        err = od_snapshot_list(p->dir->path, &list);
    if (!err)
        err = od_plog_newest_snapshot(p->dir->path, &list, limit, p->producers, &from);
    if (!err)
        err = remove_strays(p, &list, from);
    od_free(list.v);
    p->snapshot_offset = from;
    return err ? err : replay(p, from);
}

/* As the clean stop left it; OD_E_CORRUPT: something is not as it was, from *limit on. */
static enum od_err take_clean(struct od_plog *p, const struct od_clean_log *l, int64_t *limit)
{
    enum od_err err = OD_NONE;

    for (int i = 0; i < p->n_segments && !err; i++) {
        struct od_segment *s = p->segments[i];

        if (!l->segments[i].aborted)
            continue;
        err = read_aborted(s, limit);
        if (!err && (!s->aborted || s->aborted->n != l->segments[i].aborted ||
                     od_aborted_crc(s->aborted) != l->segments[i].aborted_crc)) {
            *limit = s->base_offset < *limit ? s->base_offset : *limit;
            err = OD_E_CORRUPT;
        }
    }
    if (err || l->snapshot_offset < 0)
        return err;
    p->producers = new_table(p);
    err = od_snapshot_read(p->dir->path, l->snapshot_offset, p->producers);
    return err == OD_E_NOT_FOUND ? OD_E_CORRUPT : err;
}

static void forget(struct od_plog *p)
{
    od_plog_free_producers(p);
    for (int i = 0; i < p->n_segments; i++) {
        od_aborted_free(p->segments[i]->aborted);
        p->segments[i]->aborted = NULL;
    }
}

enum od_err od_plog_load_producers(struct od_plog *p, const struct od_clean_log *clean,
                                   int64_t recovered_from)
{
    int64_t limit = od_plog_high_watermark(p);
    enum od_err err = OD_E_CORRUPT;

    if (!p->n_segments)
        return OD_NONE;
    if (limit > p->end_offset)
        limit = p->end_offset;
    if (limit > recovered_from) /* above it a transaction index may be missing */
        limit = recovered_from;
    if (clean && clean->snapshot_offset <= limit)
        err = take_clean(p, clean, &limit);
    if (!err)
        p->snapshot_offset = clean->snapshot_offset;
    if (!clean && p->stateless)
        return OD_NONE;
    if (err == OD_E_CORRUPT) {
        forget(p);
        err = rebuild(p, limit);
    }
    od_plog_count_aborted(p);
    od_plog_settle_producers(p, od_plog_high_watermark(p));
    if (!err && p->producers && !od_producers_count(p->producers))
        od_plog_free_producers(p);
    return err;
}

/* --- at the clean stop ----------------------------------------------------------------------- */

enum od_err od_plog_save_producers(struct od_plog *p, int64_t *snapshot_offset)
{
    enum od_err err;
    uint8_t *data;
    size_t len;

    *snapshot_offset = -1;
    if (!p->producers && p->n_segments < 2)
        return OD_NONE;
    data = od_snapshot_print(p->producers, &len);
    err = od_snapshot_write(p->dir->path, p->end_offset, data, len);
    od_free(data);
    if (err)
        return err;
    *snapshot_offset = p->end_offset;
    if (p->snapshot_offset >= 0 && p->snapshot_offset != p->end_offset) {
        int i = od_plog_find_segment(p, p->snapshot_offset);

        if (i < 0 || p->segments[i]->base_offset != p->snapshot_offset)
            err = od_snapshot_remove(p->dir->path, p->snapshot_offset);
    }
    p->snapshot_offset = p->end_offset;
    return err;
}

/* --- beside a flush -------------------------------------------------------------------------- */

bool od_segment_has_side(const struct od_segment *s)
{
    return s->snapshot || (s->aborted && s->aborted->on_disk < s->aborted->n);
}

void od_segment_take_side(struct od_segment *s, struct od_segment_side *out)
{
    const struct od_aborted *a = s->aborted;

    *out = (struct od_segment_side){ .snapshot = s->snapshot, .snapshot_len = s->snapshot_len };
    s->snapshot = NULL;
    if (!a || a->on_disk == a->n)
        return;
    out->aborted_count = a->n - a->on_disk;
    out->aborted_first = a->on_disk;
    out->aborted = od_aborted_print(a, a->on_disk, out->aborted_count);
}

enum od_err od_segment_write_side(const struct od_segment *s, struct od_segment_side *side)
{
    char path[OD_PATH_MAX];
    enum od_err err = OD_NONE;

    if (side->aborted_count) {
        od_segment_path(s, "txnindex", path, sizeof(path));
        err = od_aborted_write(path, (int64_t)side->aborted_first * OD_ABORTED_BYTES, side->aborted,
                               (size_t)side->aborted_count * OD_ABORTED_BYTES);
        if (!err && side->aborted_first == 0)
            err = od_dir_sync(s->dir->path);
    }
    side->aborted_written = !err;
    if (!err && side->snapshot)
        err = od_snapshot_write(s->dir->path, s->base_offset, side->snapshot, side->snapshot_len);
    side->snapshot_written = !err;
    return err;
}

void od_segment_end_side(struct od_segment *s, struct od_segment_side *side)
{
    if (side->aborted_written && side->aborted_count)
        s->aborted->on_disk = side->aborted_first + side->aborted_count;
    if (!side->snapshot_written && !s->snapshot) {
        s->snapshot = side->snapshot;
        s->snapshot_len = side->snapshot_len;
        side->snapshot = NULL;
    }
    od_segment_drop_side(side);
}

void od_segment_drop_side(struct od_segment_side *side)
{
    od_free(side->snapshot);
    od_free(side->aborted);
    *side = (struct od_segment_side){ 0 };
}
