/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a path given to the log tools is: a log directory with its partitions, manifest and
 * checkpoints, or one partition's directory, whose parent is then the log directory if it looks
 * like one.  Its lock is held from open to close, if there is one.
 */
#pragma once

#include "cli/disk_manifest.h"

enum od_disk_checkpoint {
    OD_DISK_RECOVERY,
    OD_DISK_WATERMARK,
    OD_DISK_START,
    OD_DISK_COMPACTED,
    OD_DISK_CHECKPOINTS,
};

struct od_disk_table { /* an offset checkpoint */
    bool found;
    enum od_err err;
    int bad_line;
    struct od_disk_offsets rows;
};

struct od_disk_root {
    char path[OD_PATH_MAX]; /* of the log directory */
    bool known;             /* it is one: its files can be asked about the partitions */
    bool single;            /* the path named one partition */
    bool live;              /* in use by a broker: what is read may change meanwhile */
    bool clean;             /* stopped cleanly, by us or Kafka */
    bool trusted;           /* the manifest tells of the files as they are */
    bool has_manifest;
    enum od_err manifest_err;
    const char *manifest_why;
    struct od_disk_manifest manifest;
    struct od_disk_table tables[OD_DISK_CHECKPOINTS];
    struct od_disk_list list;   /* of the log directory; when known */
    char **partitions;          /* owned names; those to look at, sorted */
    size_t n;
    struct od_file *lock;
};

/* OD_E_BUSY: locked by another process, and !live; OD_E_NOT_FOUND: no such thing.  Close in any
 * case. */
OD_MUST_USE enum od_err od_disk_root_open(const char *path, bool live, struct od_disk_root *out);
void od_disk_root_close(struct od_disk_root *r);
const char *od_disk_checkpoint_name(enum od_disk_checkpoint which);
/* The partition's offset in that checkpoint; absent if there is none. */
int64_t od_disk_root_offset(const struct od_disk_root *r, enum od_disk_checkpoint which,
                            const char *name, int64_t absent);
