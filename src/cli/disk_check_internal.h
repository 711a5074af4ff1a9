/* SPDX-License-Identifier: Apache-2.0 */
/* A partition while it is being checked. */
#pragma once

#include "base/map.h"
#include "cli/disk_check.h"

struct od_disk_check {
    const struct od_disk_root *root;
    const char *name;
    char dir[OD_DISK_PATH_MAX];
    struct od_disk_report *report;
    struct od_disk_list list;
    struct od_disk_epochs epochs;
    bool has_epochs;
    struct od_uuid topic_id; /* of partition.metadata; zero: there is none */
    const struct od_disk_record *entry; /* of the manifest, or NULL */
    const struct od_disk_record *notes; /* what a clean stop left there, or NULL */
    int64_t log_start;
    int64_t recovery;   /* what lies below was synced */
    int64_t compacted;  /* offsets may be missing below */
    bool gaps_allowed;  /* everywhere: nobody can tell */
    bool gaps_seen;
    bool whole;         /* the log begins with its first record ever */
    int64_t expected;   /* the next batch's base offset */
    struct od_map txns; /* producers met, struct txn */
    /* of the segment being walked */
    const struct od_disk_entry *segment;
    int64_t next_base; /* -1: the last */
    struct od_disk_file index, times, aborted;
    size_t index_at, times_at, aborted_at; /* the next entry */
    int64_t last_offset;    /* of the batches so far; base - 1: none */
    int64_t first_timestamp; /* -1: none */
    int64_t max_timestamp;
    int64_t max_timestamp_offset;
    int64_t whole_bytes; /* end of the last whole batch */
};

/* Keeps the first; returns false, so that checks read `return od_disk_broken(...)`. */
bool od_disk_broken(struct od_disk_check *c, const char *file, int64_t pos, const char *format, ...)
    OD_PRINTF(4, 5);
void od_disk_note(struct od_disk_check *c, const char *format, ...) OD_PRINTF(2, 3);

/* Each is false when something is broken. */
bool od_disk_check_segment(struct od_disk_check *c);   /* walks c->segment */
bool od_disk_check_indexes(struct od_disk_check *c, const struct od_disk_batch *b); /* before b's */
bool od_disk_check_indexes_end(struct od_disk_check *c); /* after the segment's last */
bool od_disk_check_aborted(struct od_disk_check *c, const struct od_disk_batch *b);
bool od_disk_check_small_files(struct od_disk_check *c); /* before the segments */
bool od_disk_check_snapshots(struct od_disk_check *c);
bool od_disk_check_manifest(struct od_disk_check *c);  /* after the segments */
bool od_disk_check_notes(struct od_disk_check *c, uint32_t i); /* of the i-th segment */
void od_disk_check_free_txns(struct od_disk_check *c);
