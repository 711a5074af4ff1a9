/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The log of one partition: segments, offset and time indexes, leader epochs, recovery.
 *
 * Threads.  "Locked": the caller holds the partition's lock; such a function enters the kernel only
 * to append (pwritev) and to open or create a segment's file, or after a failure.  "Blocking": for
 * helpers and starting threads, without the lock; it works on values made by a locked call, which
 * hold references to files, never to the log.  od_plog_scan is for both sides: with !may_block a
 * reactor calls it.
 *
 * Memory: one segment, manifest entry included, as measured: about 560 bytes
 * after a clean start, 900 once something was appended, 1,080 in the life that made the log.  Index
 * entries not yet written to a file take 12 + 12 bytes per index.interval.bytes of log.
 */
#pragma once

#include "base/err.h"
#include "base/str.h"
#include "base/uuid.h"
#include "core/producer/producer.h"

#include <stdbool.h>

struct od_file;
struct od_manifest_entry;
struct od_plog;
struct od_plog_dir;
struct od_segment;
struct od_segment_side;
struct od_storage;

struct od_plog_config {
    int32_t segment_bytes;        /* segment.bytes, >= 1 */
    int32_t segment_index_bytes;  /* segment.index.bytes */
    int32_t index_interval_bytes; /* index.interval.bytes */
    int64_t segment_ms;           /* segment.ms, by record timestamps */
    int64_t segment_jitter_ms;    /* segment.jitter.ms: up to so much earlier */
    bool gaps_allowed;            /* offsets may be missing: compacted, or copied from such a log */
    bool vital;                   /* may use the directory's reserve when the disk is full */
    int64_t preallocate_bytes;    /* keeps so much room in front of the end; 0: none */
};

/* Kafka's defaults. */
#define OD_PLOG_CONFIG_DEFAULT                                                                     \
    ((struct od_plog_config){ 1 << 30, 10 << 20, 4096, (int64_t)7 * 86400 * 1000, 0, false,       \
                              false, 0 })

/* --- life ------------------------------------------------------------------------------------ */

/*
 * Blocking.  Opens, recovering after an unclean stop, or creates when create is set.  The id is on
 * disk when this returns.  OD_E_NOT_FOUND: absent and !create; INCONSISTENT_TOPIC_ID: the
 * directory belongs to another topic of that name.  A log is opened once at a time (OD_E_BUSY).
 */
OD_MUST_USE enum od_err od_plog_open(struct od_storage *s, struct od_str topic, int32_t partition,
                                     struct od_uuid topic_id, const struct od_plog_config *config,
                                     bool create, struct od_plog **out);
/* Locked, last use.  Unflushed bytes stay unflushed, but od_storage_close flushes them still. */
void od_plog_close(struct od_plog *p);
void od_plog_configure(struct od_plog *p, const struct od_plog_config *config); /* locked */

/* --- append: locked -------------------------------------------------------------------------- */

enum { OD_PLOG_GATHER_BATCHES = 256, OD_PLOG_GATHER_BYTES = 1 << 20 };

struct od_plog_batch {
    const void *data; /* whole batch, base offset and leader epoch already patched */
    size_t len;
    int64_t base_offset; /* the log's end for the first; each follows the one before */
    int64_t last_offset;
    int64_t max_timestamp;
    int32_t leader_epoch;
};

/*
 * Appends n >= 1 batches: up to OD_PLOG_GATHER_BATCHES, and OD_PLOG_GATHER_BYTES unless n is 1.
 * *done counts the batches that are in the log, also after an error: OD_E_FENCED, OD_E_IO,
 * OD_E_NO_SPACE or OD_E_LIMIT (not fenced: may work again), OD_E_BUSY (being cut),
 * INVALID_RECORD (base offsets do not follow; nothing was appended).
 */
OD_MUST_USE enum od_err od_plog_append(struct od_plog *p, const struct od_plog_batch *batches,
                                       int n, int *done);

/* --- where things are: locked ---------------------------------------------------------------- */

int64_t od_plog_start_offset(const struct od_plog *p);
int64_t od_plog_end_offset(const struct od_plog *p);
int64_t od_plog_durable_end(const struct od_plog *p); /* covered by a finished sync */
int64_t od_plog_size_bytes(const struct od_plog *p);
bool od_plog_damaged(const struct od_plog *p); /* some batch answers CORRUPT_MESSAGE */
bool od_plog_dirty(const struct od_plog *p);   /* has bytes or entries that a flush would sync */

/* The high watermark outlives restarts through the manifest; memory only. */
int64_t od_plog_high_watermark(const struct od_plog *p); /* as last set; 0 for a new log */
void od_plog_set_high_watermark(struct od_plog *p, int64_t offset);
/* DeleteRecords: moves the log start up to offset <= end; whole segments below go at retain. */
void od_plog_set_start_offset(struct od_plog *p, int64_t offset);

/*
 * A leader epoch begins at offset, the log's end.  On disk before a flush covers the first batch
 * in it.  Epochs that appear only in batches are noted by append.  Older epochs are ignored.
 */
void od_plog_epoch_start(struct od_plog *p, int32_t epoch, int64_t offset);
int32_t od_plog_epoch_latest(const struct od_plog *p);             /* -1: none */
int32_t od_plog_epoch_at(const struct od_plog *p, int64_t offset); /* -1: unknown */
/* As OffsetForLeaderEpoch answers; both -1 when the epoch is above all, or nothing is known. */
void od_plog_epoch_end(const struct od_plog *p, int32_t epoch, int32_t *found, int64_t *end);

/* --- producers and transactions: locked ------------------------------------------------------- */

/* Who has written; NULL: nobody with a producer id.  Borrowed until the lock is dropped. */
const struct od_producers *od_plog_producers(const struct od_plog *p);
/* Where the first transaction begins that is open, or whose marker is not below the high watermark;
 * at least the log's start.  INT64_MAX: there is none. */
int64_t od_plog_first_unstable(const struct od_plog *p);
/*
 * The aborted transactions with records in [from, to), ascending by their markers.  Fills up to
 * capacity and returns how many there are.
 */
size_t od_plog_aborted(const struct od_plog *p, int64_t from, int64_t to,
                       struct od_aborted_txn *out, size_t capacity);
/* Forgets producers that wrote nothing for so long (producer.id.expiration.ms). */
void od_plog_expire_producers(struct od_plog *p, int64_t now_ms, int64_t expiration_ms);

/* --- reading --------------------------------------------------------------------------------- */

struct od_plog_want {
    int64_t offset;
    int64_t limit_offset; /* nothing from here on: high watermark, last stable offset, end */
    int32_t max_bytes;
    bool min_one; /* the first batch, even if it alone passes max_bytes */
};

/* Where to look; holds a reference to a segment.  Fields are storage's own. */
struct od_plog_place {
    struct od_segment *segment; /* NULL: nothing to read */
    struct od_plog_want want;
    int64_t from_pos;    /* a batch starts here, and none before it holds want.offset */
    int64_t from_offset; /* that batch's base offset; -1: unknown */
    int64_t end_pos;     /* whole batches up to here, all below limit_offset when end_exact */
    int64_t end_offset;  /* the offset after the last batch before end_pos; -1: unknown */
    int64_t stop_pos;    /* no readable batch from here on */
    int64_t stop_offset; /* the lowest offset that could stand there */
    int64_t next_offset; /* where the next segment starts; -1: none */
    int64_t timestamp;     /* these two for od_plog_scan_time */
    int64_t max_timestamp;
    int64_t fresh_pos;   /* from here on this process wrote the bytes */
    bool end_exact;
    bool recent; /* in the tail just written: resident without asking */
    bool gaps_allowed;
};

/* Whole batches in one file, ready for od_socket_send_file or od_file_read. */
struct od_plog_range {
    struct od_file *file; /* pinned open until od_plog_range_release; NULL: empty */
    int64_t pos;
    int64_t len;
    int64_t first_offset; /* base offset of the first batch, <= the offset wanted */
    int64_t next_offset;  /* after the last batch; empty: where to locate again, or -1 */
    struct od_segment *segment; /* storage's own */
};

/*
 * Locked, no kernel call.  OFFSET_OUT_OF_RANGE: below the start or above the end.  CORRUPT_MESSAGE:
 * the batch there is known to be damaged.  offset >= limit_offset gives an empty place.
 */
OD_MUST_USE enum od_err od_plog_locate(struct od_plog *p, const struct od_plog_want *want,
                                       struct od_plog_place *out);
/*
 * Without the lock.  !may_block: OD_E_AGAIN when bytes are not resident, or were found on the disk
 * by this process and not checked yet: hand the place to a READ job that calls this with may_block;
 * that reads the bytes and checks their CRCs.
 * CORRUPT_MESSAGE: the first batch is bad.  OD_E_STALE: the file was deleted meanwhile: locate
 * again.  An empty range with next_offset >= 0: the offset lies in a gap, locate again there.
 * A common read at the tail makes no kernel call.
 */
OD_MUST_USE enum od_err od_plog_scan(struct od_plog_place *place, bool may_block,
                                     struct od_plog_range *out);
void od_plog_place_release(struct od_plog_place *place); /* any thread; leaves it empty */
void od_plog_range_release(struct od_plog_range *range); /* any thread; leaves it empty */

/* --- by time --------------------------------------------------------------------------------- */

enum { OD_PLOG_TIME_MAX = -3 }; /* in place of a timestamp: the record with the greatest one */

struct od_plog_found {
    int64_t offset; /* -1: no such record below the limit */
    int64_t timestamp;
    int32_t leader_epoch;
    int64_t next_offset; /* >= 0: not in this segment, locate_time again from here */
};

/*
 * Locked: the first segment from from_offset (at first the log start) that may hold a record with
 * at least the timestamp, below limit_offset.  An empty place: there is none.
 */
OD_MUST_USE enum od_err od_plog_locate_time(struct od_plog *p, int64_t timestamp,
                                            int64_t from_offset, int64_t limit_offset,
                                            struct od_plog_place *out);
/* Blocking, always on a helper.  Finds the exact record, inside a compressed batch too. */
OD_MUST_USE enum od_err od_plog_scan_time(struct od_plog_place *place, struct od_plog_found *out);

/* --- by file: what ListOffsets 0 tells ------------------------------------------------------- */

/* The segments as they stood, in ascending order; a log without one counts as one empty one. */
struct od_plog_listing {
    struct od_plog_dir *dir;
    int64_t start_offset;
    int64_t end_offset;
    bool has_bytes; /* in the last segment */
    int n;
    struct od_plog_listed {
        int64_t base_offset;
        int64_t modified_ms; /* of its file; set by run; -1: it is gone */
    } *segments;
};

void od_plog_list(const struct od_plog *p, struct od_plog_listing *out);  /* locked */
OD_MUST_USE enum od_err od_plog_listing_run(struct od_plog_listing *l); /* blocking */
void od_plog_listing_release(struct od_plog_listing *l);                  /* any thread */

/* --- flush ----------------------------------------------------------------------------------- */

enum { OD_PLOG_FLUSH_SEGMENTS = 8 }; /* more wait for the next flush */

/* Storage's own fields; lives in the caller's job. */
struct od_plog_flush {
    struct od_storage *storage;
    struct od_plog_dir *dir;
    struct od_segment *segments[OD_PLOG_FLUSH_SEGMENTS];
    int n;
    struct od_segment_side *sides; /* n of them, or NULL */
    uint32_t sealed;    /* bit i: segments[i] was sealed at begin */
    bool sync_dir;      /* the partition directory has new entries */
    bool commit_epochs; /* the manifest must reach the disk first */
    int64_t end_offset; /* what will be durable */
    int64_t end_base;   /* the segment and position of that */
    int64_t end_pos;
    int64_t bytes;
    enum od_err err; /* set by run */
};

/* Locked.  False: nothing to flush.  At most one flush of a log is out at a time. */
OD_MUST_USE bool od_plog_flush_begin(struct od_plog *p, struct od_plog_flush *out);
/* Blocking.  err OD_E_NO_SPACE in it: nothing was done; end it, or run it again later. */
void od_plog_flush_run(struct od_plog_flush *flush);
/* Locked.  The durable end moves, or the error of run is returned and the directory is fenced,
 * except for want of room. */
OD_MUST_USE enum od_err od_plog_flush_end(struct od_plog *p, struct od_plog_flush *flush);
/* In place of end, from any thread, when the log has gone meanwhile. */
void od_plog_flush_drop(struct od_plog_flush *flush);

/* --- early write-back ------------------------------------------------------------------------ */

/*
 * Dirty bytes go to the device before anyone needs them there, so that the kernel does not stall an
 * append when it has too many.  It moves no durable end.  Fields are storage's own; lives in the
 * caller's job.
 */
struct od_plog_write_back {
    struct od_storage *storage;
    struct od_plog_dir *dir;
    struct {
        struct od_segment *segment;
        int64_t from_pos;
        int64_t to_pos;
    } parts[OD_PLOG_FLUSH_SEGMENTS];
    int n;
    int64_t bytes;
};

int64_t od_plog_dirty_bytes(const struct od_plog *p); /* locked; taken by no flush or write-back */
/* Locked.  False: fewer dirty bytes than min_bytes >= 1, one is out already, or fenced. */
OD_MUST_USE bool od_plog_write_back_begin(struct od_plog *p, int64_t min_bytes,
                                          struct od_plog_write_back *out);
void od_plog_write_back_run(struct od_plog_write_back *w); /* blocking; a failure fences */
/* Locked, after run.  In its place, from any thread, when the log has gone meanwhile: drop. */
void od_plog_write_back_end(struct od_plog *p, struct od_plog_write_back *w);
void od_plog_write_back_drop(struct od_plog_write_back *w);

/* --- truncate, retain, delete ---------------------------------------------------------------- */

/* Files on their way out; lives in the caller's job. */
struct od_plog_trash {
    struct od_storage *storage;
    struct od_plog_dir *dir;
    struct od_segment **segments; /* owned */
    int n;
    struct od_segment *learn; /* its timestamps are not known: read them; or NULL */
    bool whole;               /* the partition's directory itself */
    char *renamed;            /* owned; the directory's path from its renaming on */
};

/*
 * Removes everything from offset on, whole batches: the new end is the base of the batch that
 * holds offset.  From begin, which is locked, until end, appends answer OD_E_BUSY, reads stop below
 * offset and nothing is flushed.  OD_E_BUSY: a flush is out.  No delete meanwhile.
 */
struct od_plog_cut {
    struct od_storage *storage;
    struct od_plog_dir *dir;
    struct od_manifest_entry *entry;
    struct od_segment *segment;  /* the one that becomes the last; NULL: nothing to do */
    struct od_segment *rebuilt;  /* what takes its place */
    struct od_segment **later;   /* those that go */
    int n_later;
    struct od_segment **earlier; /* those that stay */
    int n_earlier;
    struct od_producers *producers; /* as they stood at the new end */
    int64_t high_watermark;
    int64_t offset;
    int64_t end_pos; /* of segment, before */
    int64_t log_start;
    struct od_plog_config config;
    enum od_err err; /* set by run */
};

OD_MUST_USE enum od_err od_plog_cut_begin(struct od_plog *p, int64_t offset,
                                          struct od_plog_cut *out);
void od_plog_cut_run(struct od_plog_cut *cut); /* blocking; on the disk when it returns */
OD_MUST_USE enum od_err od_plog_cut_end(struct od_plog *p, struct od_plog_cut *cut); /* locked */

struct od_plog_retention {
    int64_t now_ms;          /* wall clock */
    int64_t retention_ms;    /* -1: unlimited */
    int64_t retention_bytes; /* -1: unlimited */
    int64_t limit_offset;    /* the high watermark: nothing above it goes */
};

/* Locked.  Takes old segments out of the log; false: nothing to do.  Then od_plog_trash_run. */
OD_MUST_USE bool od_plog_retain(struct od_plog *p, const struct od_plog_retention *r,
                                struct od_plog_trash *out);
/*
 * Locked, last use, frees the log: its directory is to be renamed and removed.  Not while a cut is
 * out.  Until it has been renamed, opening the same name answers OD_E_EXISTS.
 */
void od_plog_delete(struct od_plog *p, struct od_plog_trash *out);
/* Blocking.  Renames n deleted directories of one storage, so that their names are free at once;
 * that the logs are gone is on the disk before.  The first failure is returned, the rest is tried.
 */
OD_MUST_USE enum od_err od_plog_trash_rename(struct od_plog_trash *trash, size_t n);
/* Blocking.  Frees what the trash holds; what cannot be removed is left to od_storage_sweep. */
OD_MUST_USE enum od_err od_plog_trash_run(struct od_plog_trash *trash);
/*
 * Blocking.  A directory of that name that belongs to another topic, as a deletion that a crash cut
 * short leaves it, is renamed to one that ends in -stray, as Kafka does; nobody removes those.  No
 * log of that name is open.
 */
OD_MUST_USE enum od_err od_plog_set_aside(struct od_storage *s, struct od_str topic,
                                          int32_t partition);
