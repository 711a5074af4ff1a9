/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads a segment's file after an unclean stop: finds its end, damage, index and epochs.  Blocking.
 *
 * A batch is good if its head is plausible, its offsets follow, it lies whole within the file and
 * its CRC fits; below verify_from, where bytes were synced, the CRC is not computed.  At the first
 * batch that is not good:
 *
 *      a good batch follows            damage: the bytes between cannot be read
 *      none follows, below durable end damage up to the durable end
 *      none follows, above it          torn tail: cut
 *
 * After a power cut the bytes above the durable end may have reached the disk in any order, and
 * nobody was promised any of them: there the first bad batch cuts, whatever follows.
 */
#pragma once

#include "storage/segment.h"

struct od_file;

struct od_recovery {
    /* in */
    struct od_segment *segment; /* new; gets size, end, times, index, damages */
    struct od_file *file;
    int64_t file_size;
    int64_t verify_from; /* a position; 0: check every CRC */
    int64_t durable_end; /* an offset; 0: unknown */
    int64_t next_base;   /* of the following segment; -1: this is the last */
    int32_t index_interval_bytes;
    bool gaps_allowed;
    bool power_cut;
    bool (*epoch)(void *arg, int32_t epoch, int64_t start_offset); /* first batch of an epoch */
    void *epoch_arg;
    /* out */
    bool producers; /* some batch is of a producer with an id */
    bool cut; /* the file is longer than what counts, or later segments do not count */
};

OD_MUST_USE enum od_err od_recover(struct od_recovery *r);

/* --- reading in windows ---------------------------------------------------------------------- */

enum { OD_WINDOW_BYTES = 64 << 10 };

struct od_window {
    struct od_file *file;
    int64_t file_size;
    int64_t pos;
    size_t len;
    uint8_t *data; /* OD_WINDOW_BYTES */
};

/* At least len <= OD_WINDOW_BYTES bytes at pos; NULL: the file ends before, or err was set. */
const uint8_t *od_window_get(struct od_window *w, int64_t pos, size_t len, enum od_err *err);
/* Whether the whole batch at pos has the CRC that its head states. */
bool od_window_crc_fits(struct od_window *w, int64_t pos, const struct od_batch_head *head,
                        enum od_err *err);
