/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One log directory: its lock, meta.properties, clean marker, manifest, descriptor cache and the
 * partition logs found in it.  Later a node has several.
 *
 * Threads: open, close, sweep and checkpoint block, for a starting thread or a helper; the other
 * functions are quick and may come from any thread.  A storage outlives its logs' places, ranges,
 * flushes and trash.
 *
 * Fencing: the first append, sync or cut that fails otherwise than for want of room fences the
 * directory.  From then on appends, flushes and new partitions answer OD_E_FENCED; reads go on.
 * A failed sync is never tried again.
 */
#pragma once

#include "base/err.h"
#include "base/str.h"
#include "base/uuid.h"

#include <stdbool.h>

struct od_storage;

struct od_storage_options {
    const char *path; /* made when missing */
    int32_t node_id;  /* OD_E_CONFIG when meta.properties names another; -1: whatever it names, or
                       * OD_STORAGE_NODE_ID on the first start */
    struct od_str cluster_id; /* null: take what is there, or make one on the first start */
    int64_t reserve_bytes;    /* kept back for when the disk is full; 0: nothing */
    int files_max;            /* descriptors that the cache keeps open; 0: OD_STORAGE_FILES */
};

enum {
    OD_STORAGE_NODE_ID = 1,
    OD_STORAGE_RESERVE_BYTES = 8 << 20, /* what a broker asks for */
    OD_STORAGE_FILES = 2048,
    OD_STORAGE_FILES_MIN = 8,
    OD_CLUSTER_ID_MAX = 64
};

/* A partition that the directory holds, whether or not it is open. */
struct od_storage_partition {
    struct od_str topic; /* borrowed until the storage closes or the partition is deleted */
    int32_t partition;
    struct od_uuid topic_id; /* zero: partition.metadata is missing or unreadable */
};

/* OD_E_BUSY: another process has it; OD_E_CONFIG: meta.properties does not fit; logged. */
OD_MUST_USE enum od_err od_storage_open(const struct od_storage_options *options,
                                        struct od_storage **out);
/*
 * The clean stop: flushes all, writes indexes, checkpoint files and the manifest's snapshot, and
 * the marker last.  All users are gone; open logs are closed.  After an error no marker stands, and
 * the next start recovers.  Frees in any case.
 */
enum od_err od_storage_close(struct od_storage *s, int64_t broker_epoch);
/* Frees without any of that, as a crash would; open logs are closed.  Accepts NULL. */
void od_storage_abandon(struct od_storage *s);

/* Writes the manifest and syncs it: recovery points, high watermarks, log starts, epochs. */
OD_MUST_USE enum od_err od_storage_checkpoint(struct od_storage *s);
/* Removes what an earlier life left half deleted. */
void od_storage_sweep(struct od_storage *s);

bool od_storage_was_clean(const struct od_storage *s); /* the last stop, by us or Kafka */
/* The broker epoch of the last clean stop; -1: none. */
int64_t od_storage_last_broker_epoch(const struct od_storage *s);
bool od_storage_fenced(const struct od_storage *s);
const char *od_storage_path(const struct od_storage *s);
int32_t od_storage_node_id(const struct od_storage *s);
const char *od_storage_cluster_id(const struct od_storage *s);
struct od_uuid od_storage_directory_id(const struct od_storage *s);
/* False: the disk is full, or was a moment ago; only what may use the reserve is appended. */
bool od_storage_has_room(const struct od_storage *s);
void od_storage_make_room(struct od_storage *s); /* blocking; looks whether there is room again */
/* Blocking.  Replaces a small file of the storage's, which a power cut leaves old or new. */
OD_MUST_USE enum od_err od_storage_replace(struct od_storage *s, const char *dir, const char *name,
                                           struct od_str text);
/* Appended, and neither flushed nor written back early yet. */
int64_t od_storage_dirty_bytes(const struct od_storage *s);

/* Iteration, in no order: start with *cursor = 0; false at the end.  While nothing is opened. */
bool od_storage_next(const struct od_storage *s, size_t *cursor, struct od_storage_partition *out);
