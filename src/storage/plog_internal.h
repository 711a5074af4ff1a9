/* SPDX-License-Identifier: Apache-2.0 */
/* The partition log's inside, shared by the files that implement it. */
#pragma once

#include "storage/plog.h"
#include "storage/segment.h"
#include "storage/snapshot.h"
#include "storage/storage_internal.h"

enum { OD_TAIL_MARKS = 32 };

/* The ends of the last gathers, boundaries of the active segment: a read there needs no search. */
struct od_tail {
    uint32_t n;    /* used */
    uint32_t next; /* slot of the next mark */
    struct {
        uint32_t offset; /* relative to the segment */
        uint32_t pos;
    } marks[OD_TAIL_MARKS];
};

/*
 * Invariants
 *  1. segments ascend; only the last is not sealed; each but the last has bytes.
 *  2. start_offset <= durable_end <= end_offset; the last segment's end is end_offset, or a new
 *     one must begin (roll).
 *  3. A flush and a cut are never out at the same time.
 */
struct od_plog_clean;

struct od_plog {
    struct od_storage *storage;
    struct od_manifest_entry *entry;
    struct od_plog_dir *dir;
    struct od_segment **segments;
    int n_segments;
    int segments_capacity;
    struct od_plog_config config;
    int64_t start_offset;
    int64_t end_offset;
    int64_t size;
    struct od_recovery_point durable;
    int64_t dirty_bytes;    /* appended, and not taken by a flush or write-back yet */
    int64_t clean_base;     /* the segment and position where they begin */
    int64_t clean_pos;
    int64_t allocated_pos; /* of the active segment: preallocated up to here */
    struct od_tail *tail;   /* NULL until the first append */
    bool closed;            /* by od_plog_close; kept for the clean stop */
    bool broken;            /* no appends: damage in the active segment, or a cut that failed */
    bool flush_out;
    bool write_back_out;
    bool cutting;
    struct od_plog_clean *clean; /* the one that is out, or NULL */
    int64_t cut_offset;  /* reads stop here while cutting */
    struct od_producers *producers; /* NULL: nobody with a producer id has written */
    uint64_t n_aborted;             /* transactions in the segments' lists */
    int64_t snapshot_offset;        /* of the last clean stop's snapshot; -1: none */
    bool stateless; /* loading: no batch of a producer, no snapshot, no transaction index */
    bool holding; /* the recovery point stays at held: a transaction index is not written yet */
    struct od_recovery_point held;
    bool dir_dirty;      /* entries that no directory sync covers */
    bool epochs_dirty;   /* not in a manifest commit yet */
    bool epochs_changed; /* leader-epoch-checkpoint is older */
};

static inline struct od_segment *od_plog_active(const struct od_plog *p) /* NULL: none yet */
{
    return p->n_segments ? p->segments[p->n_segments - 1] : NULL;
}

/* Whether offsets may be missing between the batches of one segment. */
static inline bool od_plog_has_gaps(const struct od_plog *p)
{
    return p->config.gaps_allowed || p->entry->cleaned >= 0;
}

void od_plog_push_segment(struct od_plog *p, struct od_segment *s); /* takes the reference */
/* Index of the segment that holds offset: the last with a base at or below; -1: none. */
int od_plog_find_segment(const struct od_plog *p, int64_t offset);
void od_plog_put_state(struct od_plog *p); /* tells the manifest */
void od_plog_mark_clean(struct od_plog *p); /* nothing in it is dirty, or a flush takes it all */
void od_plog_free(struct od_plog *p);
OD_MUST_USE enum od_err od_plog_roll(struct od_plog *p); /* locked: a new, empty active segment */

/* Locked.  A batch was written to s; s begins a new segment. */
void od_plog_note_producer(struct od_plog *p, struct od_segment *s, const struct od_plog_batch *b);
void od_plog_note_roll(struct od_plog *p, struct od_segment *s);
void od_plog_settle_producers(struct od_plog *p, int64_t offset); /* as od_producers_settle */
void od_plog_count_aborted(struct od_plog *p); /* after segments came or went */
void od_plog_free_producers(struct od_plog *p);
/*
 * Blocking.  Reads the newest whole snapshot of the list at or below limit into t, which is empty;
 * damaged ones are removed.  *offset stays when there is none.
 */
OD_MUST_USE enum od_err od_plog_newest_snapshot(const char *dir,
                                                const struct od_snapshot_list *list, int64_t limit,
                                                struct od_producers *t, int64_t *offset);
/* Blocking, alone with the log, whose segments are loaded.  clean: the notes it was loaded from, or
 * NULL; recovered_from: the recovery point's offset then. */
OD_MUST_USE enum od_err od_plog_load_producers(struct od_plog *p, const struct od_clean_log *clean,
                                               int64_t recovered_from);
/* Locked.  The recovery point stays below durable markers whose index entries are not on the disk:
 * recovery makes those anew that lie above it.  Then od_plog_put_state. */
void od_plog_hold_recovery(struct od_plog *p);
OD_MUST_USE enum od_err od_plog_save_producers(struct od_plog *p, int64_t *snapshot_offset);

/* Blocking, alone with the log: what a clean stop does for one log. */
OD_MUST_USE enum od_err od_plog_settle(struct od_plog *p);
/* Loads the segments, from the clean notes or by recovery. */
OD_MUST_USE enum od_err od_plog_load(struct od_plog *p);
