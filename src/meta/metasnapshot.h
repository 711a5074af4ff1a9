/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Snapshots of the metadata log, in KRaft's format: one file per snapshot beside the log,
 * "<end offset, 20 digits>-<epoch, 10 digits>.checkpoint", holding batches as the log does: a
 * control batch with SnapshotHeader, the image's records, a control batch with SnapshotFooter.  Its
 * offsets count from 0.  A file without the footer is not whole and is not believed.
 * All blocking.
 */
#pragma once

#include "core/cluster/edit.h"
#include "meta/store.h"

struct od_metasnapshot_id {
    int64_t end_offset; /* it holds what lies below */
    int32_t epoch;      /* of the last record in it */
};

enum { OD_METASNAPSHOTS_KEPT = 2 }; /* the newest, and one to fall back on */

struct od_metasnapshot_list {
    struct od_metasnapshot_id *v; /* owned; newest first */
    int n;
};

/* Those that stand in dir, whole or not; what a write left unfinished is removed. */
OD_MUST_USE enum od_err od_metasnapshots_find(const char *dir, struct od_metasnapshot_list *out);
void od_metasnapshots_deinit(struct od_metasnapshot_list *l);
/* Written under another name, synced, renamed; after an error nothing has that name.
 * timestamp_ms: wall clock of the last record. */
OD_MUST_USE enum od_err od_metasnapshot_write(const char *dir, const struct od_image *image,
                                              int64_t timestamp_ms);
/* Applies the records to the edit, which begins with an empty image.  OD_E_CORRUPT: the file is
 * damaged or not whole, the edit is then of no use; logged. */
OD_MUST_USE enum od_err od_metasnapshot_read(const char *dir, struct od_metasnapshot_id id,
                                             struct od_edit *edit);
OD_MUST_USE enum od_err od_metasnapshot_remove(const char *dir, struct od_metasnapshot_id id);
