/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The local metadata store: __cluster_metadata-0 in the format of KRaft with one voter.  A commit
 * is one batch, answered when a helper has flushed it.
 */
#pragma once

#include "meta/store.h"
#include "os/helpers.h"

struct od_storage;

struct od_local_options {
    struct od_storage *storage;  /* the directory that gets the metadata log; outlives the store */
    struct od_helpers *helpers; /* outlives the store */
    int32_t node_id;            /* the one voter */
    const struct od_image_ops *image_ops; /* for the image that load makes */
    uint64_t seed;                        /* of its maps */
};

/* Opens or creates the log.  Blocks.  Failures of the log are logged where they arise. */
OD_MUST_USE enum od_err od_local_open(const struct od_local_options *options,
                                      struct od_meta_store **out);
