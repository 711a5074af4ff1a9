/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who has written what to one partition: producers, their last batches and open transactions.
 *
 *      a batch arrives --check--> duplicate, refused, or taken into the stage of its gather
 *      the gather is in the log --apply--> table          (apply is the only writer of the table)
 *
 * The table is a function of the log: replaying it from the start, or from a snapshot taken at an
 * earlier offset, ends in the same state.  Rules are Kafka's (ProducerStateManager of 4.x): without
 * state a producer may begin with any sequence; a new epoch begins with sequence 0; an epoch never
 * goes back; the sequence after 2147483647 is 0; the last five batches of a producer's epoch are
 * known again.
 *
 * Invariants
 *  1. open holds exactly the producers with a transaction, ascending by its first offset.
 *  2. A finished transaction is unstable until its marker lies below the high watermark.
 *  3. Nothing changes before the batch is in the log.
 *
 * Memory: 184 bytes and a map entry of 32 for each producer, of at most OD_PRODUCERS_MAX: beyond
 * that the one that wrote longest ago and has no transaction is forgotten, as if expired.
 * Not thread-safe: the partition's lock.  Offsets are Kafka's, timestamps wall-clock ms.
 */
#pragma once

#include "base/err.h"
#include "base/list.h"
#include "base/map.h"
#include "wire/records/producer_snapshot.h"

enum {
    OD_PRODUCER_WINDOW = 5,    /* batches known again: as many as a client has in flight */
    OD_PRODUCERS_MAX = 100000, /* of one partition */
    OD_PRODUCER_STAGE = 256,   /* batches of one gather */
    OD_PRODUCER_HEAD_BYTES = 256, /* of a batch: header and a marker's record */
};

/* What the table has to know of a batch that has a producer id. */
struct od_producer_batch {
    int64_t producer_id; /* >= 0 */
    int64_t base_offset;
    int64_t last_offset;
    int64_t timestamp;         /* the greatest; of a marker its record's */
    int32_t first_sequence;    /* -1: none, written by a coordinator */
    int32_t last_sequence;     /* -1 likewise */
    int32_t coordinator_epoch; /* of a marker */
    int16_t epoch;
    bool transactional;
    bool marker; /* ends a transaction */
    bool commit; /* of a marker; false: abort */
};

/*
 * What the batch at data says of its producer.  len bytes are there: the header, and of a control
 * batch also its first record, OD_PRODUCER_HEAD_BYTES at most.  False: it has no producer id, or is
 * a control batch that ends nothing.
 */
bool od_producer_batch_read(const uint8_t *data, size_t len, struct od_producer_batch *out);

/* The sequence n >= 0 steps after sequence; it wraps from 2147483647 to 0. */
int32_t od_sequence_after(int32_t sequence, int32_t n);

/* One remembered batch; its first sequence is delta steps before the last one. */
struct od_producer_done {
    int64_t last_offset;
    int64_t timestamp;
    int32_t last_sequence;
    int32_t delta; /* last minus first offset */
};

struct od_producer {
    int64_t id;
    struct od_link order; /* in od_producers.order */
    struct od_link open;  /* in od_producers.open, while there is a transaction */
    int64_t txn_first_offset; /* -1: none */
    int64_t last_timestamp;   /* of the last batch or marker; -1: none */
    int32_t coordinator_epoch; /* of the last marker; -1: none */
    int16_t epoch;
    uint8_t done_count;
    struct od_producer_done done[OD_PRODUCER_WINDOW]; /* oldest first, all of epoch */
};

/* A transaction whose marker is in the log. */
struct od_txn_span {
    int64_t first_offset;
    int64_t last_offset; /* of the marker */
};

struct od_producers {
    struct od_map map;
    struct od_list order; /* od_producer.order, who wrote longest ago first */
    struct od_list open;  /* od_producer.open */
    /* Finished, marker not known to be below the high watermark; ascending in both fields: one that
     * a later one outlasts and begins after is left out. */
    struct od_txn_span *ended;
    size_t ended_count, ended_capacity, ended_first;
    int64_t end_offset; /* every batch below is in the table */
};

/* An entry of the transaction index. */
struct od_aborted_txn {
    int64_t producer_id;
    int64_t first_offset;
    int64_t last_offset;        /* of the abort marker */
    int64_t last_stable_offset; /* no transaction that began below it was undecided then */
};

void od_producers_init(struct od_producers *t, uint64_t seed);
void od_producers_deinit(struct od_producers *t);
void od_producers_clear(struct od_producers *t); /* forgets everybody */
const struct od_producer *od_producers_find(const struct od_producers *t, int64_t id); /* or NULL */
size_t od_producers_count(const struct od_producers *t);

/* --- writing: in log order ------------------------------------------------------------------- */

/* The batch is in the log.  True: it aborted a transaction that has data; *aborted says which. */
bool od_producers_apply(struct od_producers *t, const struct od_producer_batch *b,
                        struct od_aborted_txn *aborted);
/* Everything below offset is in the table: also batches without a producer id count. */
void od_producers_advance(struct od_producers *t, int64_t end_offset);
/* Markers below offset are final: the high watermark, or the log's start, has passed them. */
void od_producers_settle(struct od_producers *t, int64_t offset);
/* Forgets producers without a transaction whose last timestamp is that old. */
void od_producers_expire(struct od_producers *t, int64_t now_ms, int64_t expiration_ms);

/* The first offset of a transaction that is open, or whose marker is not settled; INT64_MAX. */
int64_t od_producers_first_unstable(const struct od_producers *t);

/* --- snapshots ------------------------------------------------------------------------------- */

/*
 * The table as Kafka's snapshot.  A producer has an entry for each batch of its window, the latest
 * last: who reads it as Kafka does keeps that one.  The crc is the caller's.  entries: room for
 * od_producers_snapshot_entries; returned in out.
 */
size_t od_producers_snapshot_entries(const struct od_producers *t);
void od_producers_save(const struct od_producers *t, struct od_producer_snapshot_producer *entries,
                       struct od_producer_snapshot *out);
/*
 * Into an empty table: the state before offset.  OD_E_CORRUPT: entries that cannot be, such as
 * batches at or above the offset; the table is then of no use.
 */
OD_MUST_USE enum od_err od_producers_load(struct od_producers *t, int64_t offset,
                                          const struct od_producer_snapshot *in);

/* --- checking a gather ----------------------------------------------------------------------- */

/* Batches accepted for one gather, not in the log yet; those earlier in it count for the later. */
struct od_producer_stage {
    const struct od_producers *table; /* NULL: nobody has written */
    int n;
    struct {
        struct od_producer_batch batch;
        int place; /* the caller's: which batch of the gather */
    } v[OD_PRODUCER_STAGE];
};

struct od_producer_verdict {
    enum od_err err; /* OUT_OF_ORDER_SEQUENCE_NUMBER, INVALID_PRODUCER_EPOCH, INVALID_TXN_STATE */
    bool duplicate;  /* it is in the log already, or in the stage */
    int place;       /* of the original, if it is in the stage; -1: in the log */
    int64_t base_offset; /* of the original */
    int64_t timestamp;   /* its greatest */
};

void od_producer_stage_begin(struct od_producer_stage *s, const struct od_producers *table);
/* What a leader says to a client's batch; its offsets do not count. */
void od_producer_check(const struct od_producer_stage *s, const struct od_producer_batch *b,
                       struct od_producer_verdict *out);
/* The batch was accepted as the place-th of the gather; offsets are given. */
void od_producer_stage_add(struct od_producer_stage *s, const struct od_producer_batch *b,
                           int place);
