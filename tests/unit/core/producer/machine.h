/* SPDX-License-Identifier: Apache-2.0 */
/* Batches in few words, a table with one gather's stage, and the way through both. */
#pragma once

#include "base/mem.h"
#include "core/producer/producer.h"
#include "test.h"

struct machine {
    struct od_producers table;
    struct od_producer_stage stage;
    struct od_aborted_txn aborted; /* the last one */
    int64_t end;
};

static inline struct machine *machine_new(void)
{
    struct machine *m = OD_NEW(struct machine);

    od_producers_init(&m->table, 1);
    od_producer_stage_begin(&m->stage, &m->table);
    return m;
}

static inline void machine_free(struct machine *m)
{
    od_producers_deinit(&m->table);
    od_free(m);
}

/* count records from a client, the first with that sequence. */
static inline struct od_producer_batch batch(const struct machine *m, int64_t id, int16_t epoch,
                                             int32_t sequence, int32_t count)
{
    return (struct od_producer_batch){ .producer_id = id,
                                       .epoch = epoch,
                                       .first_sequence = sequence,
                                       .last_sequence = od_sequence_after(sequence, count - 1),
                                       .base_offset = m->end,
                                       .last_offset = m->end + count - 1,
                                       .timestamp = 1000 };
}

static inline struct od_producer_verdict check(struct machine *m, int64_t id, int16_t epoch,
                                               int32_t sequence, int32_t count)
{
    struct od_producer_batch b = batch(m, id, epoch, sequence, count);
    struct od_producer_verdict v;

    od_producer_check(&m->stage, &b, &v);
    return v;
}

static inline bool put(struct machine *m, const struct od_producer_batch *b)
{
    bool aborted = od_producers_apply(&m->table, b, &m->aborted);

    m->end = b->last_offset + 1;
    return aborted;
}

/* In the log at once. */
static inline void wrote(struct machine *m, int64_t id, int16_t epoch, int32_t sequence,
                         int32_t count)
{
    struct od_producer_batch b = batch(m, id, epoch, sequence, count);

    put(m, &b);
}

static inline void wrote_in_txn(struct machine *m, int64_t id, int16_t epoch, int32_t sequence,
                                int32_t count)
{
    struct od_producer_batch b = batch(m, id, epoch, sequence, count);

    b.transactional = true;
    put(m, &b);
}

/* A marker; true: it aborted something. */
static inline bool ended(struct machine *m, int64_t id, int16_t epoch, bool commit)
{
    struct od_producer_batch b = batch(m, id, epoch, 0, 1);

    b.first_sequence = b.last_sequence = -1;
    b.transactional = b.marker = true;
    b.commit = commit;
    b.coordinator_epoch = 3;
    b.timestamp = 2000;
    return put(m, &b);
}
