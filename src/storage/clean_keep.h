/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which batch and which record survive a clean: pure decisions, over the batches of a log in
 * ascending order from its start.
 *
 * Invariants
 *  1. A record goes only if a later one has its key, if its transaction was aborted, if it has no
 *     key, or if it is a tombstone whose delete horizon has passed.
 *  2. A transaction's marker goes only a delete retention after a clean found none of its data.
 *  3. The last batch of an active producer, and of every group of segments, stays at least as an
 *     empty one: the producer's sequence and the end of the group outlive their records.
 */
#pragma once

#include "base/map.h"
#include "core/producer/producer.h"
#include "storage/clean_map.h"
#include "wire/batch.h"

/* The last that a producer with live state has written. */
struct od_clean_producer {
    int64_t producer_id;
    int64_t last_offset; /* of its last data batch; -1: only a marker is known */
    int16_t epoch;
};

/* Transactions that were begun and not ended, at one place of a walk over the log. */
struct od_clean_txns {
    const struct od_aborted_txn *aborted; /* borrowed; by first offset */
    size_t n_aborted, next;
    struct od_map open; /* of struct txn, by producer id */
    /* What the last batch was, until the next. */
    const struct od_aborted_txn *stays; /* it aborts this one, whose data is still there; or NULL */
    bool unlisted; /* it aborts data that the list does not know: nothing can be trusted */
};

void od_clean_txns_init(struct od_clean_txns *t, const struct od_aborted_txn *aborted, size_t n,
                        uint64_t seed);
void od_clean_txns_deinit(struct od_clean_txns *t);

enum od_clean_marker {
    OD_CLEAN_NO_MARKER,
    OD_CLEAN_ABORT,
    OD_CLEAN_COMMIT,
    OD_CLEAN_OTHER_CONTROL,
};

/* What kind of control record has this key. */
enum od_clean_marker od_clean_marker_of(struct od_bytes key);
/*
 * The next batch.  marker: of a control batch that still has its record.  True: its records need
 * not stay as far as transactions go: aborted data, or a marker whose data is gone.
 */
bool od_clean_txns_pass(struct od_clean_txns *t, const struct od_batch_header *h,
                        enum od_clean_marker marker);

struct od_clean_round {
    const struct od_clean_map *map;
    int64_t latest_offset; /* records above it are not in the map, and stay */
    int64_t now_ms;
    int64_t delete_retention_ms;
    const struct od_clean_producer *producers; /* by id */
    size_t n_producers;
};

struct od_clean_verdict {
    bool drop_records;      /* all of them */
    bool keep_empty;        /* a batch without records stays as an empty one */
    bool marker_to_go;      /* a marker without data: it needs a delete horizon */
};

/* can_go: as od_clean_txns_pass said; last_in_group: nothing follows in its group of segments. */
struct od_clean_verdict od_clean_judge(const struct od_clean_round *round,
                                       const struct od_batch_header *h, bool can_go,
                                       bool last_in_group);
bool od_clean_keeps(const struct od_clean_round *round, const struct od_batch_header *h,
                    const struct od_clean_verdict *v, const struct od_record *record);

/* From when on the tombstones or the marker of the batch may go; -1: not stated. */
static inline int64_t od_clean_horizon(const struct od_batch_header *h)
{
    return h->attributes & OD_BATCH_DELETE_HORIZON ? h->base_timestamp : -1;
}
