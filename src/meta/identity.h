/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who this node is, as meta.properties in each data directory says: node, cluster and directory
 * ids.  A new directory is given them at the first start; Kafka's versions 0 and 1 are read,
 * version 1 is written.
 */
#pragma once

#include "base/err.h"
#include "base/text.h"
#include "base/uuid.h"

enum { OD_IDENTITY_DIRS_MAX = 64 };

struct od_identity {
    int32_t node_id;
    struct od_uuid incarnation; /* of this process */
    char cluster_id[256];
    int directory_count;
    struct od_uuid directory_ids[OD_IDENTITY_DIRS_MAX]; /* in the order of the directories */
};

/*
 * Reads meta.properties of each directory, which exists and is locked by the caller, and writes it
 * where it is missing.  node_id -1 and cluster_id NULL: not configured.  OD_E_CONFIG: the
 * directories contradict each other or the configuration; *why says how.  Blocks.
 */
OD_MUST_USE enum od_err od_identity_load(const char *const *dirs, int n, int32_t node_id,
                                         const char *cluster_id, struct od_identity *out,
                                         struct od_text *why);
