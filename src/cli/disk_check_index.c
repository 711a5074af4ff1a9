/* SPDX-License-Identifier: Apache-2.0 */
/* The three indexes of a segment, entry by entry beside its batches. */
#include "base/be.h"
#include "base/mem.h"
#include "cli/disk_check_internal.h"

#include <stdio.h>

struct txn {
    int64_t producer_id;
    int64_t first_offset; /* of the open transaction's data; -1: none seen */
    bool certain;         /* its beginning is in the log for sure */
};

enum marker { ABORT, COMMIT };

static const char *name_of(const struct od_disk_check *c, enum od_disk_kind kind)
{
    const struct od_disk_entry *e = od_disk_list_find(&c->list, kind, c->segment->base);

    return e ? e->name : c->segment->name;
}

/* --- offset index ---------------------------------------------------------------------------- */

static int64_t index_pos(const struct od_disk_check *c)
{
    return (int32_t)od_be32_load(c->index.data + c->index_at * OD_DISK_INDEX_BYTES + 4);
}

static int64_t index_offset(const struct od_disk_check *c)
{
    return c->segment->base +
           (int32_t)od_be32_load(c->index.data + c->index_at * OD_DISK_INDEX_BYTES);
}

static bool index_broken(struct od_disk_check *c, const char *format, int64_t a, int64_t b)
{
    char text[OD_DISK_WHAT_BYTES];

    snprintf(text, sizeof(text), format, (long long)a, (long long)b);
    return od_disk_broken(c, name_of(c, OD_DISK_INDEX),
                          (int64_t)c->index_at * OD_DISK_INDEX_BYTES, "%s", text);
}

static bool check_index(struct od_disk_check *c, const struct od_disk_batch *b)
{
    int64_t last = od_batch_last_offset(&b->h);

    if (c->index_at >= c->index.len / OD_DISK_INDEX_BYTES || index_pos(c) > b->pos)
        return true;
    if (index_pos(c) < b->pos)
        return index_broken(c, "names position %lld, where no batch begins", index_pos(c), 0);
    if (index_offset(c) != last)
        return index_broken(c, "names offset %lld for the batch that ends with %lld",
                            index_offset(c), last);
    c->index_at++;
    return true;
}

/* --- time index ------------------------------------------------------------------------------ */

static int64_t time_offset(const struct od_disk_check *c)
{
    return c->segment->base +
           (int32_t)od_be32_load(c->times.data + c->times_at * OD_DISK_TIME_BYTES + 8);
}

static bool time_broken(struct od_disk_check *c, const char *format, int64_t a, int64_t b)
{
    char text[OD_DISK_WHAT_BYTES];

    snprintf(text, sizeof(text), format, (long long)a, (long long)b);
    return od_disk_broken(c, name_of(c, OD_DISK_TIMEINDEX),
                          (int64_t)c->times_at * OD_DISK_TIME_BYTES, "%s", text);
}

/* The entries whose offset the batches so far have reached. */
static bool check_times(struct od_disk_check *c, int64_t next_offset)
{
    while (c->times_at < c->times.len / OD_DISK_TIME_BYTES && time_offset(c) < next_offset) {
        const uint8_t *p = c->times.data + c->times_at * OD_DISK_TIME_BYTES;
        int64_t timestamp = (int64_t)od_be64_load(p);

        if (time_offset(c) < c->segment->base)
            return time_broken(c, "names offset %lld, below the segment's base", time_offset(c),
                               0);
        if (c->times_at && timestamp <= (int64_t)od_be64_load(p - OD_DISK_TIME_BYTES))
            return time_broken(c, "time %lld is not later than the entry before it", timestamp, 0);
        if (timestamp != c->max_timestamp)
            return time_broken(c, "says %lld, where the greatest timestamp is %lld", timestamp,
                               c->max_timestamp);
        c->times_at++;
    }
    return true;
}

/* --- both ------------------------------------------------------------------------------------ */

bool od_disk_check_indexes(struct od_disk_check *c, const struct od_disk_batch *b)
{
    return check_index(c, b) && check_times(c, b->h.base_offset);
}

/* Zeros behind the entries are Kafka's room for more, in a file that it did not close. */
static bool only_zeros(const struct od_disk_file *f, size_t from)
{
    while (from < f->len && !f->data[from])
        from++;
    return from == f->len;
}

/* What is left of the file: nothing after a clean stop. */
static bool check_rest(struct od_disk_check *c, enum od_disk_kind kind,
                       const struct od_disk_file *f, size_t from)
{
    const char *name = name_of(c, kind);

    if (from >= f->len)
        return true;
    if (c->root->known && !c->root->clean) {
        if (!only_zeros(f, from))
            od_disk_note(c, "%s goes on beyond the log", name);
        return true;
    }
    return od_disk_broken(c, name, (int64_t)from, "%s",
                          f->len - from < OD_DISK_INDEX_BYTES ? "ends within an entry"
                                                              : "goes on beyond the log");
}

bool od_disk_check_indexes_end(struct od_disk_check *c)
{
    return check_times(c, c->last_offset + 1) &&
           check_rest(c, OD_DISK_INDEX, &c->index, c->index_at * OD_DISK_INDEX_BYTES) &&
           check_rest(c, OD_DISK_TIMEINDEX, &c->times, c->times_at * OD_DISK_TIME_BYTES) &&
           check_rest(c, OD_DISK_TXNINDEX, &c->aborted, c->aborted_at * OD_DISK_ABORTED_BYTES);
}

/* --- transactions ---------------------------------------------------------------------------- */

static struct txn *txn_of(struct od_disk_check *c, int64_t producer_id)
{
    struct txn *t = od_map_get(&c->txns, &producer_id, sizeof(producer_id));

    if (t)
        return t;
    t = OD_NEW(struct txn);
    *t = (struct txn){ .producer_id = producer_id, .first_offset = -1, .certain = c->whole };
    (void)od_map_put(&c->txns, &t->producer_id, sizeof(t->producer_id), t);
    return t;
}

void od_disk_check_free_txns(struct od_disk_check *c)
{
    size_t cursor = 0;

    for (void *t; (t = od_map_next(&c->txns, &cursor));)
        od_free(t);
    od_map_deinit(&c->txns);
}

static int64_t first_open(const struct od_disk_check *c, int64_t end)
{
    size_t cursor = 0;

    for (const struct txn *t; (t = od_map_next(&c->txns, &cursor));)
        if (t->first_offset >= 0 && t->first_offset < end)
            end = t->first_offset;
    return end;
}

static bool aborted_broken(struct od_disk_check *c, const char *format, int64_t a, int64_t b)
{
    char text[OD_DISK_WHAT_BYTES];

    snprintf(text, sizeof(text), format, (long long)a, (long long)b);
    return od_disk_broken(c, name_of(c, OD_DISK_TXNINDEX),
                          (int64_t)c->aborted_at * OD_DISK_ABORTED_BYTES, "%s", text);
}

/* The entry for the abort marker b, which ends *t. */
static bool check_abort(struct od_disk_check *c, const struct od_disk_batch *b, struct txn *t,
                        int64_t first)
{
    bool has = c->aborted_at < c->aborted.len / OD_DISK_ABORTED_BYTES;
    struct od_disk_aborted a = has ? od_disk_aborted_at(&c->aborted, c->aborted_at)
                                   : (struct od_disk_aborted){ 0 };
    int64_t last = od_batch_last_offset(&b->h);
    bool exact = t->certain && !c->gaps_seen;

    if (!has || a.last_offset != last) {
        if (first < 0 || !exact || !c->root->clean)
            return true;
        return aborted_broken(c, "lacks the transaction of producer %lld aborted at %lld",
                              t->producer_id, last);
    }
    if (a.version != 0)
        return aborted_broken(c, "version %lld of an entry is unknown", a.version, 0);
    if (a.producer_id != t->producer_id)
        return aborted_broken(c, "says producer %lld where the marker is of %lld", a.producer_id,
                              t->producer_id);
    if (exact ? a.first_offset != first : first >= 0 && a.first_offset > first)
        return aborted_broken(c, "says that a transaction began at %lld, it did at %lld",
                              a.first_offset, first);
    if (exact && c->whole && a.last_stable_offset != first_open(c, last + 1))
        return aborted_broken(c, "says %lld for the last stable offset, it was %lld",
                              a.last_stable_offset, first_open(c, last + 1));
    c->aborted_at++;
    return true;
}

/* Entries whose marker should have come before b; compaction may have taken one away. */
static bool pass_entries(struct od_disk_check *c, const struct od_disk_batch *b)
{
    while (c->aborted_at < c->aborted.len / OD_DISK_ABORTED_BYTES) {
        struct od_disk_aborted a = od_disk_aborted_at(&c->aborted, c->aborted_at);

        if (a.last_offset >= b->h.base_offset)
            return true;
        if (a.last_offset >= c->compacted && !c->gaps_seen)
            return aborted_broken(c, "names offset %lld, where no abort marker is", a.last_offset,
                                  0);
        c->aborted_at++;
    }
    return true;
}

bool od_disk_check_aborted(struct od_disk_check *c, const struct od_disk_batch *b)
{
    struct txn *t;
    int64_t first;
    int kind;

    if (!pass_entries(c, b))
        return false;
    if (b->h.producer_id < 0)
        return true;
    t = txn_of(c, b->h.producer_id);
    if (!(b->h.attributes & OD_BATCH_CONTROL)) {
        if (b->h.attributes & OD_BATCH_TRANSACTIONAL && t->first_offset < 0)
            t->first_offset = b->h.base_offset;
        return true;
    }
    if (!b->h.count) /* a marker that compaction has emptied */
        return true;
    kind = od_disk_marker_kind(b);
    if (kind < 0)
        return od_disk_broken(c, c->segment->name, b->pos, "control record %lld has no type",
                              (long long)b->h.base_offset);
    if (kind != ABORT && kind != COMMIT)
        return true;
    first = t->first_offset;
    t->first_offset = -1;
    if (kind == ABORT && !check_abort(c, b, t, first))
        return false;
    t->certain = true;
    return true;
}
