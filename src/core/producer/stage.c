/* SPDX-License-Identifier: Apache-2.0 */
/* Judging the batches of a gather against the table and against each other. */
#include "core/producer/producer.h"

#include "base/assert.h"
#include "base/mutant.h"

/* A producer as the next batch of the gather meets it. */
struct standing {
    int16_t epoch;         /* -1: nothing is known of it */
    int32_t last_sequence; /* -1: no batch of that epoch is known */
    bool in_txn;
};

void od_producer_stage_begin(struct od_producer_stage *s, const struct od_producers *table)
{
    s->table = table;
    s->n = 0;
}

void od_producer_stage_add(struct od_producer_stage *s, const struct od_producer_batch *b,
                           int place)
{
    OD_ASSERT(s->n < OD_PRODUCER_STAGE);
    s->v[s->n].batch = *b;
    s->v[s->n].place = place;
    s->n++;
}

static int32_t first_sequence(const struct od_producer_done *d)
{
    return (int32_t)(((int64_t)d->last_sequence - d->delta) & INT32_MAX);
}

/*
 * Looks for the same batch among the last five of the producer's epoch, latest first.  Fills the
 * standing on the way.
 */
static bool find_duplicate(const struct od_producer_stage *s, const struct od_producer *p,
                           const struct od_producer_batch *b, struct od_producer_verdict *out)
{
    int seen = 0;

    for (int i = s->n - 1; i >= 0 && seen < OD_PRODUCER_WINDOW; i--) {
        const struct od_producer_batch *o = &s->v[i].batch;

        if (o->producer_id != b->producer_id)
            continue;
        if (o->epoch != b->epoch)
            return false;
        seen++;
        if (o->first_sequence == b->first_sequence && o->last_sequence == b->last_sequence) {
            out->place = s->v[i].place;
            out->base_offset = o->base_offset;
            out->timestamp = o->timestamp;
            return true;
        }
    }
    if (!p || p->epoch != b->epoch)
        return false;
    for (int i = p->done_count - 1; i >= 0 && seen < OD_PRODUCER_WINDOW; i--, seen++) {
        const struct od_producer_done *d = &p->done[i];

        if (d->last_sequence != b->last_sequence || first_sequence(d) != b->first_sequence)
            continue;
        out->base_offset = d->last_offset - d->delta;
        out->timestamp = d->timestamp;
        return true;
    }
    return false;
}

static struct standing standing_of(const struct od_producer_stage *s, const struct od_producer *p,
                                   int64_t id)
{
    struct standing st = { .epoch = -1, .last_sequence = -1 };

    if (p) {
        st.epoch = p->epoch;
        st.in_txn = p->txn_first_offset >= 0;
        if (p->done_count)
            st.last_sequence = p->done[p->done_count - 1].last_sequence;
    }
    for (int i = s->n - 1; i >= 0; i--) {
        if (s->v[i].batch.producer_id != id)
            continue;
        st.epoch = s->v[i].batch.epoch;
        st.last_sequence = s->v[i].batch.last_sequence;
        break;
    }
    return st;
}

static enum od_err judge(const struct standing *st, const struct od_producer_batch *b)
{
    if (b->epoch < st->epoch && !OD_MUTANT(producer_epoch_unchecked))
        return OD_INVALID_PRODUCER_EPOCH;
    if (b->transactional && !(st->in_txn && b->epoch == st->epoch))
        return OD_INVALID_TXN_STATE; /* no coordinator has vouched for it */
    if (st->epoch >= 0 && b->epoch != st->epoch && b->first_sequence != 0)
        return OD_OUT_OF_ORDER_SEQUENCE_NUMBER;
    if (st->epoch >= 0 && b->epoch == st->epoch && !OD_MUTANT(producer_gap_accepted) &&
        b->first_sequence != od_sequence_after(st->last_sequence, 1))
        return OD_OUT_OF_ORDER_SEQUENCE_NUMBER;
    return st->in_txn && !b->transactional ? OD_INVALID_TXN_STATE : OD_NONE;
}

void od_producer_check(const struct od_producer_stage *s, const struct od_producer_batch *b,
                       struct od_producer_verdict *out)
{
    const struct od_producer *p = s->table ? od_producers_find(s->table, b->producer_id) : NULL;
    struct standing st;

    *out = (struct od_producer_verdict){ .place = -1, .base_offset = -1, .timestamp = -1 };
    if (find_duplicate(s, p, b, out)) {
        out->duplicate = true;
        return;
    }
    st = standing_of(s, p, b->producer_id);
    out->err = judge(&st, b);
}
