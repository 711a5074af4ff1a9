/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The local metadata store: __cluster_metadata-0 in the format of KRaft with one voter.  A commit is
 * one batch, answered when a helper has flushed it.
 */
#pragma once

#include "meta/identity.h"
#include "meta/store.h"
#include "os/helpers.h"

struct od_local_options {
    const char *dir; /* the data directory that holds the metadata log */
    const struct od_identity *identity;
    struct od_uuid directory_id; /* of dir: the voter's */
    struct od_helpers *helpers;  /* outlives the store */
    const struct od_image_ops *image_ops; /* for the image that load makes */
};

/* Opens or creates the log.  Blocks.  Failures of the log are logged where they arise. */
OD_MUST_USE enum od_err od_local_open(const struct od_local_options *options,
                                      struct od_meta_store **out);
