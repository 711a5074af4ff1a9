/* SPDX-License-Identifier: Apache-2.0 */
/* The table: what appended batches and markers leave behind. */
#include "core/producer/producer.h"

#include "base/assert.h"
#include "base/mem.h"
#include "base/mutant.h"

int32_t od_sequence_after(int32_t sequence, int32_t n)
{
    return (int32_t)(((int64_t)sequence + n) & INT32_MAX);
}

/* --- life ------------------------------------------------------------------------------------ */

void od_producers_init(struct od_producers *t, uint64_t seed)
{
    *t = (struct od_producers){ 0 };
    od_map_init(&t->map, seed);
    od_list_init(&t->order);
    od_list_init(&t->open);
}

void od_producers_clear(struct od_producers *t)
{
    uint64_t seed[2] = { t->map.seed[0], t->map.seed[1] };

    od_producers_deinit(t);
    od_producers_init(t, 0);
    memcpy(t->map.seed, seed, sizeof(seed));
}

void od_producers_deinit(struct od_producers *t)
{
    OD_LIST_EACH (&t->order, link)
        od_free(OD_CONTAINER(link, struct od_producer, order));
    od_map_deinit(&t->map);
    od_free(t->ended);
}

const struct od_producer *od_producers_find(const struct od_producers *t, int64_t id)
{
    return od_map_get(&t->map, &id, sizeof(id));
}

size_t od_producers_count(const struct od_producers *t)
{
    return t->map.count;
}

static void forget(struct od_producers *t, struct od_producer *p)
{
    od_map_remove(&t->map, &p->id, sizeof(p->id));
    od_link_remove(&p->order);
    od_link_remove(&p->open);
    od_free(p);
}

/* Room for one more: the idle producer that wrote longest ago goes. */
static void make_room(struct od_producers *t)
{
    OD_LIST_EACH (&t->order, link) {
        struct od_producer *p = OD_CONTAINER(link, struct od_producer, order);

        if (t->map.count < OD_PRODUCERS_MAX)
            return;
        if (p->txn_first_offset < 0)
            forget(t, p);
    }
}

/* The producer, made when missing, moved to those who wrote last. */
static struct od_producer *touch(struct od_producers *t, int64_t id)
{
    struct od_producer *p = od_map_get(&t->map, &id, sizeof(id));

    if (!p) {
        make_room(t);
        p = OD_NEW(struct od_producer);
        p->id = id;
        p->epoch = -1;
        p->coordinator_epoch = -1;
        p->txn_first_offset = p->last_timestamp = -1;
        od_map_put(&t->map, &p->id, sizeof(p->id), p);
    }
    od_link_remove(&p->order);
    od_list_push(&t->order, &p->order);
    return p;
}

/* --- transactions ---------------------------------------------------------------------------- */

static void begin_txn(struct od_producers *t, struct od_producer *p, int64_t first_offset)
{
    p->txn_first_offset = first_offset;
    od_list_push(&t->open, &p->open); /* offsets ascend */
}

static void add_ended(struct od_producers *t, int64_t first_offset, int64_t last_offset)
{
    /* Whoever began later and ended earlier says nothing that this one does not. */
    while (t->ended_count > t->ended_first &&
           t->ended[t->ended_count - 1].first_offset >= first_offset)
        t->ended_count--;
    if (t->ended_count == t->ended_capacity && t->ended_first > 0) {
        t->ended_count -= t->ended_first;
        memmove(t->ended, t->ended + t->ended_first, t->ended_count * sizeof(*t->ended));
        t->ended_first = 0;
    }
    if (t->ended_count == t->ended_capacity) {
        t->ended_capacity = t->ended_capacity ? t->ended_capacity * 2 : 8;
        t->ended = od_realloc(t->ended, t->ended_capacity * sizeof(*t->ended));
    }
    t->ended[t->ended_count++] = (struct od_txn_span){ first_offset, last_offset };
}

/* Where the first open transaction begins; none: end. */
static int64_t first_open(const struct od_producers *t, int64_t end)
{
    struct od_link *first = od_list_first(&t->open);

    return first ? OD_CONTAINER(first, struct od_producer, open)->txn_first_offset : end;
}

/* True: a transaction with data was aborted. */
static bool apply_marker(struct od_producers *t, struct od_producer *p,
                         const struct od_producer_batch *b, struct od_aborted_txn *aborted)
{
    int64_t first = p->txn_first_offset;

    if (p->epoch != b->epoch)
        p->done_count = 0;
    p->epoch = b->epoch;
    p->coordinator_epoch = b->coordinator_epoch;
    p->last_timestamp = b->timestamp;
    if (first < 0)
        return false;
    p->txn_first_offset = -1;
    od_link_remove(&p->open);
    add_ended(t, first, b->last_offset);
    *aborted = (struct od_aborted_txn){ p->id, first, b->last_offset,
                                        first_open(t, b->last_offset + 1) };
    return !b->commit;
}

/* --- batches --------------------------------------------------------------------------------- */

static void push_done(struct od_producer *p, const struct od_producer_done *d)
{
    if (p->done_count == OD_PRODUCER_WINDOW)
        memmove(p->done, p->done + 1, (size_t)--p->done_count * sizeof(*p->done));
    p->done[p->done_count++] = *d;
}

bool od_producers_apply(struct od_producers *t, const struct od_producer_batch *b,
                        struct od_aborted_txn *aborted)
{
    struct od_producer *p;

    OD_ASSERT(b->producer_id >= 0);
    p = touch(t, b->producer_id);
    t->end_offset = b->last_offset + 1;
    if (b->marker)
        return apply_marker(t, p, b, aborted);
    if (p->epoch != b->epoch)
        p->done_count = 0;
    p->epoch = b->epoch;
    p->last_timestamp = b->timestamp;
    push_done(p, &(struct od_producer_done){ b->last_offset, b->timestamp, b->last_sequence,
                                             (int32_t)(b->last_offset - b->base_offset) });
    if (b->transactional && p->txn_first_offset < 0)
        begin_txn(t, p, b->base_offset);
    return false;
}

void od_producers_advance(struct od_producers *t, int64_t end_offset)
{
    if (end_offset > t->end_offset)
        t->end_offset = end_offset;
}

void od_producers_settle(struct od_producers *t, int64_t offset)
{
    while (t->ended_first < t->ended_count && t->ended[t->ended_first].last_offset < offset)
        t->ended_first++;
    if (t->ended_first == t->ended_count)
        t->ended_first = t->ended_count = 0;
}

void od_producers_expire(struct od_producers *t, int64_t now_ms, int64_t expiration_ms)
{
    OD_LIST_EACH (&t->order, link) {
        struct od_producer *p = OD_CONTAINER(link, struct od_producer, order);

        if (p->txn_first_offset < 0 && now_ms - p->last_timestamp >= expiration_ms)
            forget(t, p);
    }
}

int64_t od_producers_first_unstable(const struct od_producers *t)
{
    int64_t first = first_open(t, INT64_MAX);

    if (t->ended_first < t->ended_count && t->ended[t->ended_first].first_offset < first)
        first = t->ended[t->ended_first].first_offset;
    return first;
}

/* --- snapshots ------------------------------------------------------------------------------- */

size_t od_producers_snapshot_entries(const struct od_producers *t)
{
    size_t n = 0;

    OD_LIST_EACH (&t->order, link) {
        uint8_t count = OD_CONTAINER(link, struct od_producer, order)->done_count;

        n += count ? count : 1;
    }
    return n;
}

/* The entry that says all of p but its i-th batch. */
static struct od_producer_snapshot_producer entry_of(const struct od_producer *p)
{
    return (struct od_producer_snapshot_producer){ .producer_id = p->id,
                                                   .epoch = p->epoch,
                                                   .last_sequence = -1,
                                                   .last_offset = -1,
                                                   .timestamp = p->last_timestamp,
                                                   .coordinator_epoch = p->coordinator_epoch,
                                                   .current_txn_first_offset =
                                                       p->txn_first_offset };
}

void od_producers_save(const struct od_producers *t, struct od_producer_snapshot_producer *entries,
                       struct od_producer_snapshot *out)
{
    int32_t n = 0;

    OD_LIST_EACH (&t->order, link) {
        const struct od_producer *p = OD_CONTAINER(link, struct od_producer, order);

        if (p->done_count == 0)
            entries[n++] = entry_of(p);
        for (int i = 0; i < p->done_count; i++) {
            const struct od_producer_done *d = &p->done[i];
            struct od_producer_snapshot_producer *e = &entries[n++];

            *e = entry_of(p);
            e->last_sequence = d->last_sequence;
            e->last_offset = d->last_offset;
            e->offset_delta = d->delta;
            /* Where the latest entry counts as expired, the earlier ones must. */
            if (i + 1 < p->done_count && d->timestamp < e->timestamp)
                e->timestamp = d->timestamp;
        }
    }
    *out = (struct od_producer_snapshot){ .producer_entries = { .v = entries, .n = n } };
}

static bool plausible(const struct od_producer_snapshot_producer *e, int64_t offset)
{
    return e->producer_id >= 0 && e->last_offset < offset && e->offset_delta >= 0 &&
           e->offset_delta <= (e->last_offset < 0 ? 0 : e->last_offset) &&
           e->current_txn_first_offset < offset;
}

/* Puts the transactions of a snapshot in order: it lists producers in any. */
static int by_first_offset(const void *a, const void *b)
{
    int64_t x = (*(struct od_producer *const *)a)->txn_first_offset;
    int64_t y = (*(struct od_producer *const *)b)->txn_first_offset;

    return (x > y) - (x < y);
}

static void link_open(struct od_producers *t)
{
    struct od_producer **v = od_alloc((t->map.count + 1) * sizeof(struct od_producer *));
    size_t n = 0;

    OD_LIST_EACH (&t->order, link) {
        struct od_producer *p = OD_CONTAINER(link, struct od_producer, order);

        if (p->txn_first_offset >= 0)
            v[n++] = p;
    }
    if (n)
        qsort(v, n, sizeof(struct od_producer *), by_first_offset);
    for (size_t i = 0; i < n; i++)
        od_list_push(&t->open, &v[i]->open);
    od_free(v);
}

enum od_err od_producers_load(struct od_producers *t, int64_t offset,
                              const struct od_producer_snapshot *in)
{
    for (int32_t i = 0; i < in->producer_entries.n; i++) {
        const struct od_producer_snapshot_producer *e = &in->producer_entries.v[i];
        struct od_producer *p;

        if (!plausible(e, offset))
            return OD_E_CORRUPT;
        p = touch(t, e->producer_id);
        if (p->epoch != e->epoch)
            p->done_count = 0;
        p->epoch = e->epoch;
        p->coordinator_epoch = e->coordinator_epoch;
        p->txn_first_offset = e->current_txn_first_offset < 0 ? -1 : e->current_txn_first_offset;
        p->last_timestamp = e->timestamp;
        if (OD_MUTANT(producer_window_lost))
            p->done_count = 0;
        if (e->last_offset >= 0)
            push_done(p, &(struct od_producer_done){ e->last_offset, e->timestamp,
                                                     e->last_sequence, e->offset_delta });
    }
    t->end_offset = offset;
    link_open(t);
    return OD_NONE;
}
