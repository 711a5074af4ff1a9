/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Proves what a partition's files must be:
 *
 *  1. Segments hold whole batches, each with its CRC, of ascending offsets, from the segment's base
 *     on and below the next one's; the records are what their batch says of them.
 *  2. Offsets are missing only where compaction was, or below the log's start.
 *  3. An offset index entry names a batch's position and last offset; a time index entry names the
 *     greatest timestamp up to its offset; both rise.
 *  4. A transaction index entry names an abort marker and the transaction's first offset, and every
 *     aborted transaction has one.
 *  5. A snapshot's CRC fits, and nobody in it wrote at or above its offset.
 *  6. leader-epoch-checkpoint gives every batch its epoch; partition.metadata names an id.
 *  7. The manifest and the checkpoints say the same.
 *  8. There are no other files.
 *
 * Where a crash, not a clean stop, was last, that which recovery would make good is a note, not
 * broken: a torn tail above the recovery point, indexes and exports that lag behind.
 */
#pragma once

#include "cli/disk_root.h"

enum { OD_DISK_WHAT_BYTES = 400 };

struct od_disk_report {
    bool broken;
    char file[OD_DISK_PATH_MAX]; /* the first broken: where and what */
    int64_t pos;            /* -1: the file as a whole */
    char what[OD_DISK_WHAT_BYTES];
    struct od_text notes;
    int64_t segments, batches, records, bytes, index_bytes;
    int64_t start_offset; /* of the first batch, or the log's start above it; -1: empty */
    int64_t end_offset;   /* after the last batch */
    int64_t min_timestamp, max_timestamp; /* of batches; -1: none */
    int32_t leader_epoch;                 /* the last one; -1: none */
    int64_t producers;                    /* who have a producer id */
    int64_t codecs[OD_COMPRESS_ZSTD + 1]; /* batches */
};

/* OD_NONE also when something is broken; an error: it could not be read. */
OD_MUST_USE enum od_err od_disk_check_partition(const struct od_disk_root *root, const char *name,
                                                struct od_disk_report *out);
/* The log directory's own files. */
void od_disk_check_root(const struct od_disk_root *root, struct od_disk_report *out);
void od_disk_report_free(struct od_disk_report *r);
