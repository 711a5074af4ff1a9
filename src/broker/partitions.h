/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The partitions this broker holds, by topic id and index.  Any thread.  One LEAF lock over a hash
 * map: a lookup costs a hash and a free lock; about 150 bytes per partition beside the partition.
 */
#pragma once

#include "base/map.h"
#include "base/uuid.h"
#include "os/lock.h"

struct od_partition;

struct od_partitions {
    struct od_lock lock; /* LEAF */
    struct od_map map;   /* owns a reference to each */
};

void od_partitions_init(struct od_partitions *ps, uint64_t seed);
void od_partitions_deinit(struct od_partitions *ps); /* empty by then */
/* A reference for the caller, or NULL. */
struct od_partition *od_partitions_find(struct od_partitions *ps, struct od_uuid topic_id,
                                        int32_t index);
void od_partitions_add(struct od_partitions *ps, struct od_partition *p); /* takes a reference */
/* The table's reference, for the caller, or NULL. */
struct od_partition *od_partitions_remove(struct od_partitions *ps, struct od_uuid topic_id,
                                          int32_t index);
/* All of them, each with a reference, in an array that the caller frees. */
struct od_partition **od_partitions_all(struct od_partitions *ps, size_t *count);
