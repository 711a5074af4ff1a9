/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A log directory's "odradek.manifest" as the tools read it: its records one after the other.  The
 * format is told in ARCHITECTURE and storage/manifest.h; this reader is written apart from the
 * engine's and corrects nothing.
 */
#pragma once

#include "cli/disk_log.h"

enum od_disk_record_kind { /* the byte in front of each record */
    OD_DISK_SESSION = 1,
    OD_DISK_PARTITION = 2,
    OD_DISK_GONE = 3,
    OD_DISK_SEGMENTS = 4,
    OD_DISK_CLEAN = 5,
    OD_DISK_CLEANED = 6,
};

struct od_disk_damage {
    int64_t first_offset, next_offset, pos, end_pos;
};

struct od_disk_segment {
    int64_t base, bytes, end, max_timestamp, max_timestamp_offset, first_timestamp;
    uint32_t index_entries, time_entries, time_crc, aborted, aborted_crc, damages;
    struct od_disk_damage damage; /* the first */
    bool times_known;
};

struct od_disk_record {
    enum od_disk_record_kind kind;
    int64_t pos;                   /* of the frame that holds it */
    char name[OD_DISK_NAME_BYTES]; /* SESSION: the boot; CLEAN: empty */
    struct od_uuid topic_id;
    int64_t log_start, high_watermark, recovery, recovery_base, recovery_pos; /* PARTITION */
    struct od_disk_epochs epochs;                                             /* PARTITION */
    int64_t end, snapshot;                                                    /* SEGMENTS */
    struct od_disk_segment *segments;                                         /* SEGMENTS */
    uint32_t n; /* segments; CLEAN: entries */
    uint32_t crc;    /* CLEAN */
    int64_t cleaned; /* CLEANED */
};

struct od_disk_manifest {
    struct od_disk_record *v;
    size_t n, capacity;
    int64_t end_pos; /* what lies above is no whole frame */
};

/* OD_E_CORRUPT: *why, at out->end_pos; the records before it are there.  Free in any case. */
OD_MUST_USE enum od_err od_disk_manifest_parse(const struct od_disk_file *f,
                                               struct od_disk_manifest *out, const char **why);
void od_disk_manifest_free(struct od_disk_manifest *m);
/* The last record of that kind and name that no later GONE takes away; NULL: none. */
const struct od_disk_record *od_disk_manifest_find(const struct od_disk_manifest *m,
                                                   enum od_disk_record_kind kind,
                                                   const char *name);
