/* SPDX-License-Identifier: Apache-2.0 */
/* The small files beside the segments, and what the log directory says of a partition. */
#include "base/crc32c.h"
#include "base/mem.h"
#include "cli/disk_check_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char epochs_name[] = "leader-epoch-checkpoint";
static const char metadata_name[] = "partition.metadata";
static const char manifest_name[] = "odradek.manifest";

/* --- epochs, id ------------------------------------------------------------------------------ */

static struct od_str text_of(const struct od_disk_file *f)
{
    return (struct od_str){ (const char *)f->data, f->len };
}

static bool check_epochs(struct od_disk_check *c)
{
    struct od_disk_file file;
    int line = 0;
    enum od_err err = od_disk_file_read(c->dir, epochs_name, &file);

    if (!err) {
        c->has_epochs = true;
        err = od_disk_epochs_parse(text_of(&file), &c->epochs, &line);
    }
    od_disk_file_free(&file);
    if (err == OD_E_CORRUPT)
        return od_disk_broken(c, epochs_name, -1, "line %d cannot be", line);
    if (err && err != OD_E_NOT_FOUND)
        return od_disk_broken(c, epochs_name, -1, "cannot be read: %s", od_err_text(err));
    return true;
}

static bool check_metadata(struct od_disk_check *c)
{
    struct od_disk_file file;
    enum od_err err = od_disk_file_read(c->dir, metadata_name, &file);

    if (!err && od_disk_metadata_parse(text_of(&file), &c->topic_id))
        err = OD_E_CORRUPT;
    od_disk_file_free(&file);
    if (err == OD_E_CORRUPT)
        return od_disk_broken(c, metadata_name, -1, "is not two lines, version 0 and an id");
    if (err && err != OD_E_NOT_FOUND)
        return od_disk_broken(c, metadata_name, -1, "cannot be read: %s", od_err_text(err));
    if (err)
        od_disk_note(c, "%s is missing", metadata_name);
    return true;
}

bool od_disk_check_small_files(struct od_disk_check *c)
{
    return check_epochs(c) && check_metadata(c);
}

/* --- snapshots ------------------------------------------------------------------------------- */

static int64_t log_end(const struct od_disk_check *c)
{
    return c->expected > c->log_start ? c->expected : c->log_start;
}

static bool check_producers(struct od_disk_check *c, const struct od_disk_entry *e,
                            const struct od_disk_file *f, int n)
{
    for (int i = 0; i < n; i++) {
        struct od_disk_producer p = od_disk_snapshot_at(f, i);
        int64_t pos = OD_DISK_SNAPSHOT_HEAD + (int64_t)i * OD_DISK_SNAPSHOT_BYTES;

        if (p.id < 0 || p.epoch < 0 || p.delta < 0)
            return od_disk_broken(c, e->name, pos, "an entry that cannot be");
        if (p.last_offset >= e->base || p.txn_first_offset >= e->base)
            return od_disk_broken(c, e->name, pos,
                                  "producer %lld wrote at %lld, not below the snapshot's offset",
                                  (long long)p.id, (long long)p.last_offset);
    }
    return true;
}

static bool check_snapshot(struct od_disk_check *c, const struct od_disk_entry *e)
{
    struct od_disk_file file;
    enum od_err err = od_disk_file_read(c->dir, e->name, &file);
    const char *why = NULL;
    bool good = true;
    int n;

    if (err == OD_E_NOT_FOUND)
        return true;
    n = err ? -1 : od_disk_snapshot_count(&file, &why);
    if (n < 0)
        good = od_disk_broken(c, e->name, -1, "%s", err ? od_err_text(err) : why);
    else
        good = check_producers(c, e, &file, n);
    od_disk_file_free(&file);
    if (!good || e->base <= log_end(c))
        return good;
    if (c->root->clean)
        return od_disk_broken(c, e->name, -1, "is above the log's end %lld",
                              (long long)log_end(c));
    od_disk_note(c, "%s is above the log's end", e->name);
    return true;
}

bool od_disk_check_snapshots(struct od_disk_check *c)
{
    for (size_t i = 0; i < c->list.n; i++)
        if (c->list.v[i].kind == OD_DISK_SNAPSHOT && !check_snapshot(c, &c->list.v[i]))
            return false;
    if (c->notes && c->notes->snapshot >= 0 &&
        !od_disk_list_find(&c->list, OD_DISK_SNAPSHOT, c->notes->snapshot))
        return od_disk_broken(c, "", -1, "the snapshot at %lld that the manifest names is missing",
                              (long long)c->notes->snapshot);
    return true;
}

/* --- the manifest ---------------------------------------------------------------------------- */

static bool disagrees(struct od_disk_check *c, const struct od_disk_record *r, const char *what,
                      int64_t says, int64_t is)
{
    if (!c->report->broken) {
        (void)od_disk_broken(c, "", r->pos, "%s: %s is %lld, the files say %lld", c->name, what,
                             (long long)says, (long long)is);
        snprintf(c->report->file, sizeof(c->report->file), "%s", manifest_name);
    }
    return false;
}

/* A segment as the clean stop noted it. */
bool od_disk_check_notes(struct od_disk_check *c, uint32_t i)
{
    const struct od_disk_record *r = c->notes;
    const struct od_disk_segment *s = r && i < r->n ? &r->segments[i] : NULL;

    if (!r || c->root->live)
        return true;
    if (!s || s->base != c->segment->base)
        return disagrees(c, r, "a segment's base", s ? s->base : -1, c->segment->base);
    if (s->damages)
        return od_disk_broken(c, c->segment->name, s->damage.pos,
                              "known damage: offsets %lld to %lld cannot be read",
                              (long long)s->damage.first_offset,
                              (long long)s->damage.next_offset - 1);
    if (s->bytes != c->whole_bytes)
        return disagrees(c, r, "a segment's size", s->bytes, c->whole_bytes);
    if (s->end < c->last_offset + 1 || (c->next_base < 0 && s->end > log_end(c)))
        return disagrees(c, r, "a segment's end", s->end, c->last_offset + 1);
    if ((size_t)s->index_entries * OD_DISK_INDEX_BYTES != c->index.len)
        return disagrees(c, r, "the number of index entries", s->index_entries,
                         (int64_t)(c->index.len / OD_DISK_INDEX_BYTES));
    if (s->aborted && ((size_t)s->aborted * OD_DISK_ABORTED_BYTES != c->aborted.len ||
                       s->aborted_crc != od_crc32c(c->aborted.data, c->aborted.len)))
        return disagrees(c, r, "the number of aborted transactions", s->aborted,
                         (int64_t)(c->aborted.len / OD_DISK_ABORTED_BYTES));
    if (!s->times_known)
        return true;
    if ((size_t)s->time_entries * OD_DISK_TIME_BYTES != c->times.len)
        return disagrees(c, r, "the number of time index entries", s->time_entries,
                         (int64_t)(c->times.len / OD_DISK_TIME_BYTES));
    if (s->time_crc != od_crc32c(c->times.data, c->times.len))
        return disagrees(c, r, "the CRC of the time index", s->time_crc,
                         od_crc32c(c->times.data, c->times.len));
    if (s->max_timestamp != c->max_timestamp)
        return disagrees(c, r, "a segment's greatest timestamp", s->max_timestamp,
                         c->max_timestamp);
    return true;
}

static bool check_entry_epochs(struct od_disk_check *c)
{
    const struct od_disk_record *r = c->entry;

    if (!c->has_epochs || !c->root->clean)
        return true;
    if (r->epochs.n != c->epochs.n)
        return disagrees(c, r, "the number of leader epochs", (int64_t)r->epochs.n,
                         (int64_t)c->epochs.n);
    for (size_t i = 0; i < r->epochs.n; i++)
        if (r->epochs.v[i].epoch != c->epochs.v[i].epoch ||
            r->epochs.v[i].start != c->epochs.v[i].start)
            return disagrees(c, r, "the start of a leader epoch", r->epochs.v[i].start,
                             c->epochs.v[i].start);
    return true;
}

static bool check_entry(struct od_disk_check *c)
{
    const struct od_disk_record *r = c->entry;
    const struct od_disk_entry *log = od_disk_list_find(&c->list, OD_DISK_LOG, r->recovery_base);
    int64_t end = log_end(c);

    if (!od_uuid_is_zero(c->topic_id) && !od_uuid_eq(c->topic_id, r->topic_id)) {
        (void)disagrees(c, r, "the topic's id", 0, 0);
        snprintf(c->report->what, sizeof(c->report->what), "%s: another topic id than %s", c->name,
                 metadata_name);
        return false;
    }
    if (r->recovery > end)
        return disagrees(c, r, "the recovery point", r->recovery, end);
    if (log && r->recovery_pos > log->bytes)
        return disagrees(c, r, "the recovery point's position", r->recovery_pos, log->bytes);
    if (c->root->clean && r->recovery != end)
        return disagrees(c, r, "the recovery point", r->recovery, end);
    if (c->root->clean && r->high_watermark > end)
        return disagrees(c, r, "the high watermark", r->high_watermark, end);
    if (c->notes && c->notes->end != end)
        return disagrees(c, c->notes, "the log's end", c->notes->end, end);
    return check_entry_epochs(c);
}

bool od_disk_check_manifest(struct od_disk_check *c)
{
    const struct od_disk_root *r = c->root;
    const struct od_disk_epochs *e = &c->epochs;
    int64_t end = log_end(c);

    if (r->live)
        return true;
    if (e->n && e->v[e->n - 1].start > end && r->clean)
        return od_disk_broken(c, epochs_name, -1, "epoch %d begins at %lld, above the log's end",
                              e->v[e->n - 1].epoch, (long long)e->v[e->n - 1].start);
    if (r->clean && od_disk_root_offset(r, OD_DISK_RECOVERY, c->name, end) > end)
        return od_disk_broken(c, "", -1, "the recovery point checkpoint is above the log's end");
    return c->entry ? check_entry(c) : true;
}

/* --- the log directory ----------------------------------------------------------------------- */

static bool root_broken(struct od_disk_report *r, const char *file, int64_t pos, const char *what)
{
    if (!r->broken) {
        r->broken = true;
        r->pos = pos;
        snprintf(r->file, sizeof(r->file), "%s", file);
        snprintf(r->what, sizeof(r->what), "%s", what);
    }
    return false;
}

static int by_name(const void *key, const void *entry)
{
    return strcmp(key, ((const struct od_disk_entry *)entry)->name);
}

static bool has_directory(const struct od_disk_list *l, const char *name)
{
    size_t first = l->n;

    while (first && l->v[first - 1].kind == OD_DISK_DIRECTORY)
        first--;
    return bsearch(name, l->v + first, l->n - first, sizeof(*l->v), by_name) != NULL;
}

static bool check_table(const struct od_disk_root *root, enum od_disk_checkpoint which,
                        struct od_disk_report *out)
{
    const struct od_disk_table *t = &root->tables[which];
    char what[OD_DISK_WHAT_BYTES];

    if (t->err) {
        snprintf(what, sizeof(what), "line %d cannot be", t->bad_line);
        return root_broken(out, od_disk_checkpoint_name(which), -1, what);
    }
    for (size_t i = 0; i < t->rows.n && root->clean; i++)
        if (!has_directory(&root->list, t->rows.v[i].name)) {
            snprintf(what, sizeof(what), "names %s, which is not there", t->rows.v[i].name);
            return root_broken(out, od_disk_checkpoint_name(which), -1, what);
        }
    return true;
}

static bool check_records(const struct od_disk_root *root, struct od_disk_report *out)
{
    const struct od_disk_manifest *m = &root->manifest;
    char what[OD_DISK_WHAT_BYTES];

    for (size_t i = 0; i < m->n && root->trusted && root->clean; i++) {
        const struct od_disk_record *r = &m->v[i];

        if (r->kind != OD_DISK_SEGMENTS || has_directory(&root->list, r->name))
            continue;
        snprintf(what, sizeof(what), "names %s, which is not there", r->name);
        return root_broken(out, manifest_name, r->pos, what);
    }
    return true;
}

void od_disk_check_root(const struct od_disk_root *root, struct od_disk_report *out)
{
    *out = (struct od_disk_report){ .pos = -1 };
    for (int i = 0; i < OD_DISK_CHECKPOINTS; i++)
        if (!check_table(root, (enum od_disk_checkpoint)i, out))
            return;
    if (root->manifest_err && root->clean) {
        (void)root_broken(out, manifest_name, root->manifest.end_pos, root->manifest_why);
        return;
    }
    if (!check_records(root, out))
        return;
    if (root->manifest_err)
        od_text_add(&out->notes, "%s: a torn tail at %lld", manifest_name,
                    (long long)root->manifest.end_pos);
    else if (root->has_manifest && !root->trusted)
        od_text_add(&out->notes, "%s is of an earlier life, another program was here since",
                    manifest_name);
}
