/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a log directory must remember about its partitions, in one append-only file, so that start,
 * recovery points and leader epochs stay cheap with 100,000 of them.
 *
 * File "odradek.manifest", integers big-endian:
 *
 *      "odmanif2"
 *      frame*:   0x6f646672 | u32 payload length | u32 CRC-32C of the payload | payload
 *      payload:  record*
 *      record:   1 SESSION   u8 length, boot id: a life of ours begins
 *                2 ENTRY     name, topic id 16, log start, high watermark, recovery offset, its
 *                            segment and position i64 each, u32 count of epochs {i32, i64}
 *                3 GONE      name: deleted
 *                4 SEGMENTS  name, i64 end, i64 offset of the producer snapshot or -1: nobody,
 *                            u32 count {segment}: only in front of CLEAN
 *                6 CLEANED   name, i64 first offset that was never cleaned: right behind its ENTRY
 *                5 CLEAN     u32 CRC-32C of the marker and of the recovery point checkpoint,
 *                            u32 number of entries
 *      name:     u16 length, "topic-N"
 *      segment:  base, size, end, greatest timestamp, its offset, first timestamp i64 each,
 *                u32 offset index entries, u32 time index entries, u32 CRC of the time index file,
 *                u8 1 when the timestamps and that CRC are known,
 *                u32 aborted transactions, u32 CRC of the transaction index,
 *                u32 count of damages {first offset, next offset, position, end position i64}
 *
 * Invariants
 *  1. A later record of a name replaces the earlier ones as a whole.
 *  2. A recovery point is written after the sync that it states, in the same file as the epochs
 *     below it: a lost tail of the manifest costs scanning, never correctness.
 *  3. A torn tail is cut.  A bad frame with a good one after it makes the whole file untrusted.
 *  4. SEGMENTS are believed only if CLEAN is the last record and its CRC fits.
 *  5. The file is rewritten to one ENTRY each when it passes twice that size; by rename.
 *
 * One frame carries many partitions: a commit costs one write and one sync, whatever their number.
 */
#pragma once

#include "base/err.h"
#include "base/list.h"
#include "base/map.h"
#include "base/uuid.h"
#include "os/lock.h"
#include "storage/epochs.h"

struct od_file;
struct od_plog;
struct od_manifest_frame;
struct od_reserve;

enum { OD_PARTITION_NAME_MAX = 249 + 1 + 10, OD_BOOT_ID_MAX = 64 };

/* Bytes that cannot be read: offsets [first, next) lay in [pos, end_pos). */
struct od_damage {
    int64_t first_offset;
    int64_t next_offset;
    int64_t pos;
    int64_t end_pos;
};

/* A segment as a clean stop left it. */
struct od_segment_note {
    int64_t base_offset;
    int64_t size;
    int64_t end_offset;
    int64_t max_timestamp;
    int64_t max_timestamp_offset;
    int64_t first_timestamp;
    uint32_t index_entries;
    uint32_t time_entries;
    uint32_t time_crc;
    bool times_known;
    uint32_t aborted;     /* entries of the transaction index */
    uint32_t aborted_crc;
    uint32_t n_damages;
    struct od_damage *damages;
};

struct od_clean_log {
    int64_t end_offset;
    int64_t snapshot_offset; /* -1: nobody with a producer id has written */
    uint32_t n;
    struct od_segment_note *segments;
};

void od_clean_log_free(struct od_clean_log *l); /* accepts NULL */

/* The end of the durable prefix, and where in which segment's file it lies. */
struct od_recovery_point {
    int64_t offset;
    int64_t base;
    int64_t pos;
};

/* One partition.  Lives until od_manifest_remove; its fields are guarded as they say. */
struct od_manifest_entry {
    struct od_link link;  /* in all; manifest lock */
    struct od_link dirty; /* manifest lock */
    struct od_uuid topic_id;
    int32_t partition;
    uint16_t topic_len;
    uint16_t name_len;
    bool present;              /* its directory exists; start only */
    bool listed;               /* known only from the directory listing; start only */
    int64_t log_start;         /* written under the manifest lock */
    struct od_recovery_point recovery;
    struct od_epochs epochs;   /* written under the partition's and the manifest lock */
    int64_t cleaned; /* by compaction, up to this offset; -1: never; manifest lock */
    _Atomic int64_t high_watermark;
    struct od_clean_log *clean; /* until the log is opened; then NULL */
    struct od_plog *plog;       /* the open log, or NULL; manifest lock */
    char name[];                /* "topic-N" */
};

struct od_manifest {
    struct od_lock lock; /* LEAF */
    char *dir;
    struct od_reserve *reserve;
    struct od_file *file; /* NULL until a session begins */
    struct od_map map;    /* by name */
    struct od_list all;
    struct od_list dirty;
    struct od_list gone; /* removed entries whose GONE is not written yet */
    struct od_list waiting; /* commits that wait for the one in progress */
    uint64_t started, finished;
    bool busy;
    enum od_err err; /* the first failure, for ever; never for want of room */
    enum od_err round_err; /* of the last round */
    struct od_manifest_frame *frame; /* of the round; what it holds between two had no room */
    int64_t size, live_size;
    char boot_id[OD_BOOT_ID_MAX + 1];
    bool boot_changed; /* not written yet */
};

/* What the file told. */
struct od_manifest_found {
    bool trusted; /* entries were loaded */
    bool clean;   /* CLEAN is the last record */
    uint32_t clean_crc;
    char boot_id[OD_BOOT_ID_MAX + 1]; /* of the last session; empty: none */
};

/* reserve: what is given up when there is no room for it; outlives the manifest. */
void od_manifest_init(struct od_manifest *m, const char *dir, struct od_reserve *reserve,
                      uint64_t seed);
void od_manifest_deinit(struct od_manifest *m); /* frees the entries; logs are closed */
/* Blocking, before a session.  A missing or untrusted file is no error: nothing is loaded. */
OD_MUST_USE enum od_err od_manifest_load(struct od_manifest *m, struct od_manifest_found *out);
void od_manifest_forget(struct od_manifest *m); /* drops every entry; before a session */
/* Blocking.  Starts the life in which entries may change; fresh: rewrite the file first. */
OD_MUST_USE enum od_err od_manifest_begin(struct od_manifest *m, const char *boot_id, bool fresh);
/* Blocking, any thread.  What was put before the call is on disk; calls at once share a write.
 * OD_E_NO_SPACE: not yet, and the next commit tries again; other failures are for ever. */
OD_MUST_USE enum od_err od_manifest_commit(struct od_manifest *m);
/* The next commit ends with a session of this boot. */
void od_manifest_set_boot(struct od_manifest *m, const char *boot_id);
/* Blocking, alone.  Ends the session: every entry with its clean log, then CLEAN. */
OD_MUST_USE enum od_err od_manifest_end(struct od_manifest *m, uint32_t clean_crc);

/* A removed entry is on disk still: a directory of its name would be taken for the old one's. */
bool od_manifest_has_gone(struct od_manifest *m);

struct od_manifest_entry *od_manifest_find(struct od_manifest *m, struct od_str name);
/* The entry of that name, made when missing; NULL: the name is not a partition's. */
struct od_manifest_entry *od_manifest_add(struct od_manifest *m, struct od_str name);
void od_manifest_remove(struct od_manifest *m, struct od_manifest_entry *e); /* takes it over */

/* Memory only, under the partition's lock. */
void od_manifest_put(struct od_manifest *m, struct od_manifest_entry *e, int64_t log_start,
                     const struct od_recovery_point *recovery);
void od_manifest_put_cleaned(struct od_manifest *m, struct od_manifest_entry *e, int64_t offset);
bool od_manifest_epoch_add(struct od_manifest *m, struct od_manifest_entry *e, int32_t epoch,
                           int64_t start_offset);
void od_manifest_epoch_cut(struct od_manifest *m, struct od_manifest_entry *e, int64_t start_offset,
                           int64_t end_offset);

/* "topic-N" in its parts; false: it is not that. */
OD_MUST_USE bool od_partition_name_parse(struct od_str name, struct od_str *topic,
                                         int32_t *partition);
