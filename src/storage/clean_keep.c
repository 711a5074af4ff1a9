/* SPDX-License-Identifier: Apache-2.0 */
/* The rules of compaction (KIP-534 for the horizon). */
#include "storage/clean_keep.h"

#include "base/be.h"
#include "base/mem.h"
#include "base/mutant.h"

enum { MARKER_KEY_BYTES = 4, TYPE_ABORT = 0, TYPE_COMMIT = 1 };

/* --- transactions ----------------------------------------------------------------------------- */

struct txn {
    int64_t producer_id;
    const struct od_aborted_txn *aborted; /* NULL: not, as far as is known */
    bool seen; /* data of it lies in the log */
};

void od_clean_txns_init(struct od_clean_txns *t, const struct od_aborted_txn *aborted, size_t n,
                        uint64_t seed)
{
    *t = (struct od_clean_txns){ .aborted = aborted, .n_aborted = n };
    od_map_init(&t->open, seed);
}

void od_clean_txns_deinit(struct od_clean_txns *t)
{
    size_t cursor = 0;
    struct txn *x;

    while ((x = od_map_next(&t->open, &cursor)))
        od_free(x);
    od_map_deinit(&t->open);
}

enum od_clean_marker od_clean_marker_of(struct od_bytes key)
{
    uint16_t type;

    if (!key.data || key.len < MARKER_KEY_BYTES)
        return OD_CLEAN_OTHER_CONTROL;
    type = od_be16_load(key.data + 2); /* after the version */
    return type == TYPE_ABORT    ? OD_CLEAN_ABORT
           : type == TYPE_COMMIT ? OD_CLEAN_COMMIT
                                 : OD_CLEAN_OTHER_CONTROL;
}

static struct txn *find(struct od_clean_txns *t, int64_t producer_id)
{
    return od_map_get(&t->open, &producer_id, sizeof(producer_id));
}

static struct txn *open_txn(struct od_clean_txns *t, int64_t producer_id)
{
    struct txn *x = find(t, producer_id);

    if (x)
        return x;
    x = OD_NEW(struct txn);
    x->producer_id = producer_id;
    (void)od_map_put(&t->open, &x->producer_id, sizeof(x->producer_id), x);
    return x;
}

/* The aborted transactions that begin within the batch or before it, and have not ended. */
static void begin_aborted(struct od_clean_txns *t, const struct od_batch_header *h)
{
    while (t->next < t->n_aborted && t->aborted[t->next].first_offset <= od_batch_last_offset(h)) {
        const struct od_aborted_txn *a = &t->aborted[t->next++];
        struct txn *x = a->last_offset < h->base_offset ? NULL : open_txn(t, a->producer_id);

        if (!x)
            continue;
        /* An earlier transaction that is still open here has lost its marker with all its data. */
        *x = (struct txn){ .producer_id = a->producer_id, .aborted = a };
    }
}

/* The marker ends its producer's transaction: is none of its data left? */
static bool end_txn(struct od_clean_txns *t, int64_t producer_id, bool abort)
{
    struct txn *x = od_map_remove(&t->open, &producer_id, sizeof(producer_id));
    bool seen = x && x->seen;

    if (seen && abort) {
        t->stays = x->aborted;
        t->unlisted = !x->aborted;
    }
    od_free(x);
    return !seen;
}

bool od_clean_txns_pass(struct od_clean_txns *t, const struct od_batch_header *h,
                        enum od_clean_marker marker)
{
    struct txn *x;

    t->stays = NULL;
    t->unlisted = false;
    begin_aborted(t, h);
    if (h->attributes & OD_BATCH_CONTROL) {
        switch (marker) {
        case OD_CLEAN_ABORT:
        case OD_CLEAN_COMMIT:
            return end_txn(t, h->producer_id, marker == OD_CLEAN_ABORT);
        case OD_CLEAN_NO_MARKER: /* an earlier clean took the marker */
            return true;
        case OD_CLEAN_OTHER_CONTROL:
            return false;
        }
    }
    if (!(h->attributes & OD_BATCH_TRANSACTIONAL))
        return false;
    x = open_txn(t, h->producer_id);
    x->seen = true;
    return x->aborted != NULL;
}

/* --- batches and records ---------------------------------------------------------------------- */

static const struct od_clean_producer *find_producer(const struct od_clean_round *r, int64_t id)
{
    size_t low = 0, high = r->n_producers;

    while (low < high) {
        size_t mid = low + (high - low) / 2;

        if (r->producers[mid].producer_id < id)
            low = mid + 1;
        else
            high = mid;
    }
    return low < r->n_producers && r->producers[low].producer_id == id ? &r->producers[low] : NULL;
}

static bool last_of_producer(const struct od_clean_round *r, const struct od_batch_header *h)
{
    const struct od_clean_producer *p = h->producer_id >= 0 ? find_producer(r, h->producer_id)
                                                            : NULL;

    if (!p)
        return false;
    if (p->last_offset >= 0)
        return p->last_offset == od_batch_last_offset(h);
    return h->attributes & OD_BATCH_CONTROL && p->epoch == h->producer_epoch;
}

static bool horizon_passed(const struct od_clean_round *r, const struct od_batch_header *h)
{
    int64_t horizon = od_clean_horizon(h);

    return (horizon >= 0 && horizon <= r->now_ms) || OD_MUTANT(clean_tombstone_early);
}

struct od_clean_verdict od_clean_judge(const struct od_clean_round *round,
                                       const struct od_batch_header *h, bool can_go,
                                       bool last_in_group)
{
    bool control = h->attributes & OD_BATCH_CONTROL;

    return (struct od_clean_verdict){
        .drop_records = can_go && (!control || horizon_passed(round, h)),
        .keep_empty = last_in_group || last_of_producer(round, h),
        .marker_to_go = can_go && control,
    };
}

bool od_clean_keeps(const struct od_clean_round *round, const struct od_batch_header *h,
                    const struct od_clean_verdict *v, const struct od_record *record)
{
    if (v->drop_records)
        return false;
    if (h->attributes & OD_BATCH_CONTROL || record->offset > round->latest_offset)
        return true;
    if (!record->key.data || record->offset < od_clean_map_get(round->map, record->key))
        return false;
    if (OD_MUTANT(clean_last_dropped) && record->offset % 8 == 3)
        return false;
    return record->value.data || !horizon_passed(round, h);
}
