/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compaction of one log: of each key only the last record stays.
 *
 *      begin (locked), run (blocking) again and again, swap (locked), run ..., end (locked)
 *
 * A clean reads what is dirty into a bounded map of keys, then rewrites the log from its start,
 * some segments into one at a time.  run does a slice of that and returns, so that its caller can
 * keep to a rate, stop, and leave helpers to others.  Offsets never change; a rewritten batch keeps
 * its base offset, last offset, producer and timestamps.  The active segment is left alone.
 *
 * Appends, flushes and reads go on meanwhile.  A reader that has a replaced file open finishes on
 * it; one that only holds a place gets OD_E_STALE.  Retention waits for the end; a cut makes the
 * clean stop and answers OD_E_BUSY until it has; deletion waits for the slice at hand.
 */
#pragma once

#include "base/err.h"
#include "storage/clean_plan.h"

struct od_plog;
struct od_plog_clean;

/* The settings of a clean; times by the wall clock. */
struct od_plog_clean_options {
    struct od_clean_rules rules;
    int64_t limit_offset; /* min(high watermark, last stable offset): nothing from here on */
    int64_t delete_retention_ms;
    int64_t map_bytes_max; /* of the offset map; what does not fit is left to the next clean */
    double map_load_max;   /* 0 to 1 */
    int64_t io_bytes;      /* read buffer and write buffer together; grow to the largest batch */
};

enum od_clean_step {
    OD_CLEAN_MORE, /* call run again */
    OD_CLEAN_SWAP, /* call swap, then run again */
    OD_CLEAN_DONE, /* call end */
};

/* Locked, no kernel call.  What there is to clean, as of now. */
void od_plog_clean_look(const struct od_plog *p, const struct od_plog_clean_options *o,
                        struct od_clean_outlook *out);
/*
 * Locked.  OD_E_NOT_FOUND: nothing to clean.  OD_E_BUSY: a cut or another clean is out.
 * OD_E_NO_MEMORY: no room for the map.  OD_E_FENCED.
 */
OD_MUST_USE enum od_err od_plog_clean_begin(struct od_plog *p,
                                            const struct od_plog_clean_options *o,
                                            struct od_plog_clean **out);
/* Blocking.  Reads and writes about bytes_max; *bytes says how many. */
enum od_clean_step od_plog_clean_run(struct od_plog_clean *c, int64_t bytes_max, int64_t *bytes);
void od_plog_clean_swap(struct od_plog *p, struct od_plog_clean *c); /* locked */
/* Any thread: the next runs take back what is not in place yet, and are done soon. */
void od_plog_clean_stop(struct od_plog_clean *c);

struct od_clean_result {
    int64_t cleaned_offset; /* records below are the last of their keys, or were too young */
    int64_t bytes_before, bytes_after; /* of the segments that were rewritten */
    int64_t records_read, records_kept;
    bool full; /* the map was: more is left than what is too young */
};

/*
 * Locked; frees the clean.  OD_E_STALE: stopped.  OD_E_NO_SPACE, OD_E_NO_MEMORY: may work again.
 * OD_E_FENCED: the directory is.  All else: this log cannot be cleaned.
 */
OD_MUST_USE enum od_err od_plog_clean_end(struct od_plog *p, struct od_plog_clean *c,
                                          struct od_clean_result *out);
/* In place of swap or end when the log was deleted meanwhile: it is closed or freed.  Blocking. */
void od_plog_clean_drop(struct od_plog_clean *c);
