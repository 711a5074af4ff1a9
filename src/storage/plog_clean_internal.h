/* SPDX-License-Identifier: Apache-2.0 */
/* A clean in progress, shared by its locked and its blocking half. */
#pragma once

#include "storage/clean_batch.h"
#include "storage/clean_swap.h"
#include "storage/plog_clean.h"
#include "storage/plog_internal.h"

enum od_clean_phase {
    OD_CLEAN_LEARN, /* reads the times of segments that a crash left unknown; then done */
    OD_CLEAN_KEYS,  /* reads what is dirty into the map */
    OD_CLEAN_COPY,  /* writes the group at hand */
    OD_CLEAN_SEAL,  /* makes it durable and commits it */
    OD_CLEAN_COMMITTED, /* waits for the swap in memory */
    OD_CLEAN_PLACE, /* removes the old files and renames the new ones */
    OD_CLEAN_OVER,
};

/* Owned by whoever calls run; the log knows of it through od_plog.clean, under the lock. */
struct od_plog_clean {
    struct od_storage *storage;
    struct od_plog_dir *dir;
    struct od_manifest_entry *entry;
    struct od_plog_clean_options options;
    struct od_plog_config config;
    _Atomic bool stopping;
    enum od_clean_phase phase;
    enum od_err err;

    /* What is cleaned: all sealed segments up to a limit, those of the group at hand among them. */
    struct od_segment **segments; /* references */
    struct od_clean_segment *views;
    int n;
    int64_t first_dirty, limit_offset;
    int64_t cleaned_offset; /* the outcome so far */
    bool full;

    struct od_clean_map *map;
    struct od_clean_round round;
    struct od_clean_producer *producers; /* owned; sorted by the first run */
    size_t n_producers;
    struct od_aborted_txn *aborted; /* owned; sorted by the first run */
    size_t n_aborted;
    struct od_clean_txns txns;

    /* Reading. */
    struct od_clean_buffer in;
    struct od_file *in_file; /* pinned, of the segment at hand; NULL: none */
    int at;                  /* the segment at hand */
    int64_t pos;             /* of the next batch in it */
    int64_t in_pos;          /* of in.data */
    int64_t expected;        /* no batch begins below */

    /* The group at hand. */
    int first, count;
    struct od_segment *made;
    struct od_file *made_file; /* pinned while it is written; NULL: not */
    struct od_clean_buffer out, scratch;
    int64_t out_pos;           /* of out.data in the file */
    bool has_txnindex; /* it gets one, if only an empty one in the place of another */

    struct od_clean_result result;
    struct od_clean_tally tally;
    int64_t moved; /* bytes read and written by the run at hand */
};

/* Blocking or not: gives everything back but what run must still take away. */
void od_plog_clean_free(struct od_plog_clean *c);
