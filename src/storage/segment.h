/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One segment of a partition's log: "%020lld.log", its indexes in memory and on disk.
 *
 * Reference-counted: readers and flushes hold it after the log has let it go.  Fields are grouped
 * by what guards them.  A segment's file never passes INT32_MAX bytes, nor its offsets INT32_MAX
 * above its base, so that a boundary packs into 64 bits.
 *
 * Index files, as Kafka's: .index of {relative last offset of a batch, its position} i32 each, one
 * per index.interval.bytes; .timeindex of {greatest timestamp so far i64, relative last offset of
 * its batch i32}.  In memory an entry also knows its batch's base offset, so that it is an exact
 * boundary.  Offset index files are never trusted: what they name is compared with the batch found
 * there.  A time index file is used only if its CRC is the one known to this process.
 */
#pragma once

#include "base/err.h"
#include "storage/aborted.h"
#include "storage/batch_head.h"
#include "storage/filecache.h"
#include "storage/manifest.h"

#include <stdatomic.h>

struct od_plog_batch;

enum { OD_SEGMENT_HINTS = 4 };

/* A partition's directory; its path never changes, files in it are lost when it is gone. */
struct od_plog_dir {
    _Atomic uint32_t refs;
    _Atomic uint32_t users; /* work that takes names in it for its own: no rename meanwhile */
    _Atomic bool gone;
    char path[];
};

struct od_plog_dir *od_plog_dir_new(const char *root, const char *name);
struct od_plog_dir *od_plog_dir_ref(struct od_plog_dir *d);
void od_plog_dir_unref(struct od_plog_dir *d); /* accepts NULL */

/* Offsets are relative to the segment's base. */
struct od_index_entry {
    uint32_t first;
    uint32_t last;
    uint32_t pos;
};

struct od_time_entry {
    uint32_t timestamp_high;
    uint32_t timestamp_low;
    uint32_t last;
};

/* Entries that no file holds yet, after those on disk. */
struct od_index {
    struct od_index_entry *entries;
    struct od_time_entry *times;
    uint32_t n, capacity;
    uint32_t n_times, times_capacity;
    bool written; /* the files hold it all: it may go at the next locked moment */
};

/* The names that the files of a cleaned segment bear on their way to those of other segments. */
enum od_segment_stage { OD_SEGMENT_PLACED, OD_SEGMENT_SWAP, OD_SEGMENT_CLEANED };

struct od_segment {
    /* any thread */
    _Atomic int stage; /* enum od_segment_stage */
    _Atomic uint32_t refs;
    _Atomic uint32_t disk_entries; /* of .index */
    _Atomic uint32_t disk_times;   /* of .timeindex, when times_known */
    _Atomic uint32_t time_crc;
    _Atomic bool times_known; /* the four fields around this one are true */
    _Atomic int64_t max_timestamp; /* -1: none */
    _Atomic int64_t max_timestamp_offset;
    _Atomic uint64_t hints[OD_SEGMENT_HINTS]; /* offset << 32 | pos, boundaries seen by readers */
    _Atomic bool end_unsure;  /* not read since a crash: the file may end before end_offset */
    _Atomic uint64_t checked; /* from << 32 | to: positions whose CRCs fitted in this life */
    struct od_filecache *cache;
    struct od_cached_file file;
    struct od_plog_dir *dir;
    int64_t base_offset;
    /* the partition's lock */
    int64_t size;
    int64_t end_offset;
    _Atomic int64_t first_timestamp; /* greatest of the first batch; -1: unknown */
    int64_t indexed_timestamp; /* of the last time index entry; -1: none */
    int64_t fresh_pos;       /* what lies above was appended by this process */
    struct od_index *index;  /* NULL: empty; does not change once sealed */
    struct od_damage *damages;
    struct od_aborted *aborted; /* whose markers lie here; NULL: none */
    uint8_t *snapshot;          /* producers before the base, to be written; NULL: written, none */
    size_t snapshot_len;
    uint32_t n_damages;
    uint32_t bytes_since_index;
    bool sealed;
    bool preallocated; /* the file has room behind its end; does not change once sealed */
};

/* What a flush writes beside the log of a segment: taken and given back under the lock. */
struct od_segment_side {
    uint8_t *aborted; /* entries for the transaction index */
    uint32_t aborted_first;
    uint32_t aborted_count;
    uint8_t *snapshot;
    size_t snapshot_len;
    bool aborted_written;
    bool snapshot_written;
};

struct od_segment *od_segment_new(struct od_filecache *cache, struct od_plog_dir *dir,
                                  int64_t base_offset);
struct od_segment *od_segment_ref(struct od_segment *s);
void od_segment_unref(struct od_segment *s); /* accepts NULL; closes the file with the last */
void od_segment_path(const struct od_segment *s, const char *suffix, char *out, size_t len);
void od_segment_stage_path(const struct od_segment *s, const char *suffix,
                           enum od_segment_stage stage, char *out, size_t len);

/* The open file until unpin.  flags: OD_FILE_CREATE for a new one.  OD_E_STALE: deleted, or
 * replaced by a cleaned one and not open any more. */
OD_MUST_USE enum od_err od_segment_pin(struct od_segment *s, unsigned flags, struct od_file **out);
void od_segment_unpin(struct od_segment *s);

/* Takes note of a batch that lies at pos, the segment's size, and grows the segment by it. */
void od_segment_note(struct od_segment *s, const struct od_batch_head *batch, int64_t pos,
                     int32_t index_interval_bytes);
void od_segment_seal(struct od_segment *s); /* adds the last time index entry */
/* Blocking, alone with the index: appends the entries in memory to the files and syncs them. */
OD_MUST_USE enum od_err od_segment_write_index(struct od_segment *s);
void od_segment_drop_index(struct od_segment *s); /* frees the entries in memory */
/* Blocking.  Removes the file of that suffix, which may be missing. */
OD_MUST_USE enum od_err od_segment_remove_file(const struct od_segment *s, const char *suffix);
/* All of its files, the log first. */
OD_MUST_USE enum od_err od_segment_remove_files(const struct od_segment *s);
/* Blocking.  A sealed segment whose times are unknown: reads its heads, writes its index anew. */
OD_MUST_USE enum od_err od_segment_learn(struct od_segment *s);
void od_segment_add_damage(struct od_segment *s, const struct od_damage *d);

bool od_segment_has_side(const struct od_segment *s); /* locked, and the next two */
void od_segment_take_side(struct od_segment *s, struct od_segment_side *out);
/* What was not written is tried again with the next flush. */
void od_segment_end_side(struct od_segment *s, struct od_segment_side *side);
OD_MUST_USE enum od_err od_segment_write_side(const struct od_segment *s,
                                              struct od_segment_side *side); /* blocking */
void od_segment_drop_side(struct od_segment_side *side); /* in place of end */
/*
 * Blocking, alone with the segment.  Gives the batches from offset on, up to position end_pos, to
 * the table; aborted: those they abort go into the segment's list.
 */
OD_MUST_USE enum od_err od_segment_replay(struct od_segment *s, int64_t end_pos, int64_t from,
                                          struct od_producers *t, bool aborted);

/* Readers: boundaries that others have found. */
void od_segment_hint(struct od_segment *s, int64_t offset, int64_t pos);
int64_t od_segment_hinted(const struct od_segment *s, int64_t offset); /* -1: none */
/* Bytes found on the disk are checked once before they are answered. */
void od_segment_set_checked(struct od_segment *s, int64_t from, int64_t to);
bool od_segment_checked(const struct od_segment *s, int64_t from, int64_t to);

int64_t od_time_entry_timestamp(const struct od_time_entry *e);
/* The last entry in memory whose batch begins at or below; NULL: none. */
const struct od_index_entry *od_index_by_offset(const struct od_index *ix, int64_t first);
const struct od_index_entry *od_index_by_pos(const struct od_index *ix, int64_t pos);
