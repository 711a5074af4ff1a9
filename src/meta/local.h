/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The local metadata store: __cluster_metadata-0 in the format of KRaft with one voter.  A commit
 * is one batch, answered when a helper has flushed it.  Snapshots of what is published are written
 * beside the log, by a helper, and the log begins at the older of the two that are kept.
 */
#pragma once

#include "meta/image.h"
#include "meta/store.h"
#include "os/helpers.h"

struct od_storage;

struct od_local_options {
    struct od_storage *storage;  /* the directory that gets the metadata log; outlives the store */
    struct od_helpers *helpers; /* outlives the store */
    int32_t node_id;            /* the one voter */
    const struct od_image_ops *image_ops; /* for the image that load makes */
    uint64_t seed;                        /* of its maps */
    struct od_image_holder *holder; /* of what is published; NULL: no snapshots are written */
    int64_t snapshot_bytes;         /* of records between two of them; >= 1 */
    int64_t snapshot_interval_ms;   /* the most between a commit and a snapshot; 0: any */
    int32_t segment_bytes;          /* of the log; 0: the default */
};

/* Opens or creates the log.  Blocks.  Failures of the log are logged where they arise. */
OD_MUST_USE enum od_err od_local_open(const struct od_local_options *options,
                                      struct od_meta_store **out);
