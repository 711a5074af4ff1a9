/* SPDX-License-Identifier: Apache-2.0 */
/* A partition from its first batch to its last. */
#include "base/mem.h"
#include "cli/disk_check_internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

bool od_disk_broken(struct od_disk_check *c, const char *file, int64_t pos, const char *format, ...)
{
    struct od_disk_report *r = c->report;
    va_list args;

    if (r->broken)
        return false;
    r->broken = true;
    r->pos = pos;
    snprintf(r->file, sizeof(r->file), "%s/%s", c->name, file);
    va_start(args, format);
    vsnprintf(r->what, sizeof(r->what), format, args);
    va_end(args);
    return false;
}

void od_disk_note(struct od_disk_check *c, const char *format, ...)
{
    char text[OD_DISK_WHAT_BYTES];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    od_text_add(&c->report->notes, "%s%s", c->report->notes.len ? "; " : "", text);
}

/* --- batches --------------------------------------------------------------------------------- */

struct walk {
    const struct od_disk_batch *batch;
    int64_t max_timestamp;
    int64_t last_offset;
    bool in_order;
};

static void each_record(void *arg, const struct od_record *r)
{
    struct walk *w = arg;

    w->in_order &= r->offset > w->last_offset && r->offset <= od_batch_last_offset(&w->batch->h);
    w->last_offset = r->offset;
    if (r->timestamp > w->max_timestamp)
        w->max_timestamp = r->timestamp;
}

static bool check_records(struct od_disk_check *c, const struct od_disk_batch *b)
{
    struct walk w = { .batch = b, .max_timestamp = -1, .last_offset = b->h.base_offset - 1,
                      .in_order = true };
    enum od_err err = od_disk_records(b, each_record, &w);
    const char *file = c->segment->name;

    if (err)
        return od_disk_broken(c, file, b->pos, "the records of offset %lld are not what their "
                              "batch says: %s", (long long)b->h.base_offset, od_err_text(err));
    if (!w.in_order)
        return od_disk_broken(c, file, b->pos, "the records of offset %lld are not in order",
                              (long long)b->h.base_offset);
    if (w.max_timestamp > b->h.max_timestamp)
        return od_disk_broken(c, file, b->pos, "a record is of %lld, later than its batch's %lld",
                              (long long)w.max_timestamp, (long long)b->h.max_timestamp);
    return true;
}

static bool gap_allowed(const struct od_disk_check *c, int64_t to)
{
    return c->gaps_allowed || to <= c->log_start || c->expected < c->compacted;
}

static bool check_offsets(struct od_disk_check *c, const struct od_disk_batch *b)
{
    int64_t base = b->h.base_offset, last = od_batch_last_offset(&b->h);
    const char *file = c->segment->name;

    if (base < c->segment->base)
        return od_disk_broken(c, file, b->pos, "offset %lld is below the segment's base",
                              (long long)base);
    if (base < c->expected)
        return od_disk_broken(c, file, b->pos, "offset %lld where %lld was due", (long long)base,
                              (long long)c->expected);
    if (base > c->expected && !gap_allowed(c, base))
        return od_disk_broken(c, file, b->pos, "offsets %lld to %lld are missing",
                              (long long)c->expected, (long long)base - 1);
    if (base > c->expected && c->gaps_allowed && !c->gaps_seen)
        od_disk_note(c, "%s: offsets %lld to %lld are missing, as after compaction", file,
                     (long long)c->expected, (long long)base - 1);
    c->gaps_seen |= base > c->expected;
    if (c->next_base >= 0 && last >= c->next_base)
        return od_disk_broken(c, file, b->pos, "offset %lld belongs to the next segment",
                              (long long)last);
    if (last - c->segment->base > INT32_MAX)
        return od_disk_broken(c, file, b->pos, "offset %lld is too far from the segment's base",
                              (long long)last);
    return true;
}

/* The file of epochs may lag after a crash; below its first start nothing is known. */
static bool check_epoch(struct od_disk_check *c, const struct od_disk_batch *b)
{
    int32_t epoch = od_disk_epoch_at(&c->epochs, b->h.base_offset);

    if (!c->has_epochs || b->h.leader_epoch < 0 || b->h.base_offset < c->log_start)
        return true;
    if (epoch == b->h.leader_epoch || (!c->root->clean && b->h.leader_epoch > epoch))
        return true;
    return od_disk_broken(c, c->segment->name, b->pos,
                          "offset %lld is of leader epoch %d, leader-epoch-checkpoint says %d",
                          (long long)b->h.base_offset, b->h.leader_epoch, epoch);
}

static void count(struct od_disk_check *c, const struct od_disk_batch *b)
{
    struct od_disk_report *r = c->report;
    int64_t last = od_batch_last_offset(&b->h);

    r->batches++;
    r->records += b->h.count;
    r->codecs[od_batch_compression(&b->h)]++;
    if (r->start_offset < 0)
        r->start_offset = b->h.base_offset > c->log_start ? b->h.base_offset : c->log_start;
    r->end_offset = c->expected = last + 1;
    r->leader_epoch = b->h.leader_epoch;
    if (r->min_timestamp < 0 || b->h.base_timestamp < r->min_timestamp)
        r->min_timestamp = b->h.base_timestamp;
    if (b->h.max_timestamp > r->max_timestamp)
        r->max_timestamp = b->h.max_timestamp;
    if (b->pos == 0)
        c->first_timestamp = b->h.max_timestamp;
    if (b->h.max_timestamp > c->max_timestamp) {
        c->max_timestamp = b->h.max_timestamp;
        c->max_timestamp_offset = last;
    }
    c->last_offset = last;
    c->whole_bytes = b->pos + (int64_t)b->len;
}

static bool check_batch(struct od_disk_check *c, const struct od_disk_batch *b)
{
    if (!b->crc_fits)
        return od_disk_broken(c, c->segment->name, b->pos, "the CRC of offset %lld is wrong",
                              (long long)b->h.base_offset);
    if (od_batch_compression(&b->h) > OD_COMPRESS_ZSTD)
        return od_disk_broken(c, c->segment->name, b->pos, "compression %d is unknown",
                              (int)od_batch_compression(&b->h));
    if (!check_offsets(c, b) || !check_records(c, b) || !check_epoch(c, b) ||
        !od_disk_check_indexes(c, b) || !od_disk_check_aborted(c, b))
        return false;
    count(c, b);
    return true;
}

/* After a crash the last segment may end with what nobody was promised. */
static bool is_torn_tail(const struct od_disk_check *c)
{
    return (!c->root->clean || c->root->live) && c->next_base < 0 && c->expected >= c->recovery;
}

static bool walk_batches(struct od_disk_check *c, struct od_disk_batches *b)
{
    struct od_disk_batch batch;
    const char *why;
    enum od_err err;

    while ((err = od_disk_batches_next(b, &batch, &why)) == OD_NONE) {
        if (!batch.crc_fits && is_torn_tail(c)) {
            why = "a batch with a wrong CRC";
            break;
        }
        if (!check_batch(c, &batch))
            return false;
    }
    if (err == OD_E_NOT_FOUND)
        return true;
    if (!is_torn_tail(c))
        return od_disk_broken(c, c->segment->name, batch.pos, "%s", why);
    od_disk_note(c, "%s: a torn tail at %lld (%s)", c->segment->name, (long long)batch.pos, why);
    return true;
}

bool od_disk_check_segment(struct od_disk_check *c)
{
    struct od_disk_batches batches;
    enum od_err err = od_disk_batches_open(c->dir, c->segment->name, &batches);
    bool good;

    if (err == OD_E_NOT_FOUND && c->root->live)
        return true;
    if (err)
        return od_disk_broken(c, c->segment->name, -1, "cannot be read: %s", od_err_text(err));
    c->report->segments++;
    c->report->bytes += batches.size;
    good = walk_batches(c, &batches) && od_disk_check_indexes_end(c);
    od_disk_batches_close(&batches);
    return good;
}

/* --- segments -------------------------------------------------------------------------------- */

static enum od_err read_index(struct od_disk_check *c, enum od_disk_kind kind,
                              struct od_disk_file *out)
{
    const struct od_disk_entry *e = od_disk_list_find(&c->list, kind, c->segment->base);
    enum od_err err;

    *out = (struct od_disk_file){ 0 };
    if (!e)
        return OD_NONE;
    c->report->index_bytes += e->bytes;
    err = od_disk_file_read(c->dir, e->name, out);
    return err == OD_E_NOT_FOUND ? OD_NONE : err;
}

static enum od_err begin_segment(struct od_disk_check *c, const struct od_disk_entry *e,
                                 int64_t next_base)
{
    enum od_err err;

    c->segment = e;
    c->next_base = next_base;
    c->index_at = c->times_at = c->aborted_at = 0;
    c->last_offset = e->base - 1;
    c->first_timestamp = c->max_timestamp = -1;
    c->max_timestamp_offset = e->base;
    c->whole_bytes = 0;
    if (c->expected < 0)
        c->expected = e->base;
    err = read_index(c, OD_DISK_INDEX, &c->index);
    if (!err)
        err = read_index(c, OD_DISK_TIMEINDEX, &c->times);
    return err ? err : read_index(c, OD_DISK_TXNINDEX, &c->aborted);
}

static void end_segment(struct od_disk_check *c)
{
    od_disk_file_free(&c->index);
    od_disk_file_free(&c->times);
    od_disk_file_free(&c->aborted);
}

static bool check_segments(struct od_disk_check *c)
{
    size_t n = 0;
    bool good = true;

    while (n < c->list.n && c->list.v[n].kind == OD_DISK_LOG)
        n++;
    c->whole = n && c->list.v[0].base == 0;
    for (size_t i = 0; i < n && good; i++) {
        const struct od_disk_entry *e = &c->list.v[i];
        enum od_err err = begin_segment(c, e, i + 1 < n ? e[1].base : -1);

        if (err)
            good = od_disk_broken(c, e->name, -1, "its indexes cannot be read: %s",
                                  od_err_text(err));
        else
            good = od_disk_check_segment(c) && od_disk_check_notes(c, (uint32_t)i);
        end_segment(c);
    }
    return good;
}

static bool check_names(struct od_disk_check *c)
{
    for (size_t i = 0; i < c->list.n; i++) {
        const struct od_disk_entry *e = &c->list.v[i];

        if (e->kind > OD_DISK_LOG && e->kind <= OD_DISK_TXNINDEX &&
            !od_disk_list_find(&c->list, OD_DISK_LOG, e->base)) {
            if (c->root->clean)
                return od_disk_broken(c, e->name, -1, "belongs to no segment");
            od_disk_note(c, "%s belongs to no segment", e->name);
        }
        if (e->kind == OD_DISK_LEFTOVER && c->root->clean && !c->root->live)
            return od_disk_broken(c, e->name, -1, "an unfinished step that a clean stop had ended");
        if (e->kind == OD_DISK_LEFTOVER || e->kind == OD_DISK_OTHER)
            od_disk_note(c, "%s is there", e->name);
    }
    return true;
}

static void set_up(struct od_disk_check *c)
{
    const struct od_disk_root *r = c->root;

    c->log_start = od_disk_root_offset(r, OD_DISK_START, c->name, 0);
    c->compacted = od_disk_root_offset(r, OD_DISK_COMPACTED, c->name, 0);
    c->recovery = od_disk_root_offset(r, OD_DISK_RECOVERY, c->name, 0);
    /* A crash between a clean and the commit of its end, a copy without its directory. */
    c->gaps_allowed = !r->known || !r->clean;
    if (r->trusted) {
        const struct od_disk_record *cleaned =
            od_disk_manifest_find(&r->manifest, OD_DISK_CLEANED, c->name);

        c->entry = od_disk_manifest_find(&r->manifest, OD_DISK_PARTITION, c->name);
        if (r->clean)
            c->notes = od_disk_manifest_find(&r->manifest, OD_DISK_SEGMENTS, c->name);
        if (cleaned)
            c->compacted = cleaned->cleaned;
    }
    if (c->entry) {
        c->log_start = c->entry->log_start;
        c->recovery = c->entry->recovery;
    }
}

enum od_err od_disk_check_partition(const struct od_disk_root *root, const char *name,
                                    struct od_disk_report *out)
{
    struct od_disk_check c = { .root = root, .name = name, .report = out, .expected = -1 };
    enum od_err err;

    *out = (struct od_disk_report){ .pos = -1, .start_offset = -1, .min_timestamp = -1,
                                    .max_timestamp = -1, .leader_epoch = -1 };
    snprintf(c.dir, sizeof(c.dir), "%s/%s", root->path, name);
    od_map_init(&c.txns, 1);
    err = od_disk_list_read(c.dir, &c.list);
    if (!err) {
        set_up(&c);
        if (check_names(&c) && od_disk_check_small_files(&c) && check_segments(&c) &&
            od_disk_check_snapshots(&c))
            (void)od_disk_check_manifest(&c);
        out->producers = (int64_t)c.txns.count;
    }
    od_disk_check_free_txns(&c);
    od_free(c.epochs.v);
    od_disk_list_free(&c.list);
    return err;
}

void od_disk_report_free(struct od_disk_report *r)
{
    od_text_reset(&r->notes);
}
