/* SPDX-License-Identifier: Apache-2.0 */
/* What a log directory shares with its partition logs. */
#pragma once

#include "storage/filecache.h"
#include "storage/manifest.h"
#include "storage/reserve.h"
#include "storage/storage.h"

#include <stdatomic.h>

struct od_storage {
    char *path;
    struct od_file *lock_file;
    struct od_reserve reserve;
    struct od_manifest manifest;
    struct od_filecache cache;
    _Atomic bool fenced;
    _Atomic int64_t dirty_bytes;
    char cluster_id[OD_CLUSTER_ID_MAX + 1];
    int32_t node_id;
    struct od_uuid directory_id;
    bool was_clean;
    bool trusted;   /* the manifest is ours and nobody else was here since */
    bool power_cut; /* bytes that were not synced may be lost or out of order */
    bool boot_pending; /* the manifest still names the boot before that; checkpoint only */
    char boot_id[OD_BOOT_ID_MAX + 1];
    int64_t last_broker_epoch;
    struct od_list leftovers; /* directories to be swept; only open and sweep touch it */
};

void od_storage_fence(struct od_storage *s, const char *why); /* any thread; logs the first time */
/* Blocking.  Removes a directory and the files in it. */
OD_MUST_USE enum od_err od_storage_remove_dir(const char *path);
