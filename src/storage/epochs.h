/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which leader epoch begins at which offset, ascending in both: Kafka's leader epoch cache.
 * Not thread-safe.  One entry takes 16 bytes.
 */
#pragma once

#include "base/compiler.h"

#include <stdbool.h>

struct od_epoch {
    int32_t epoch;
    int64_t start_offset;
};

struct od_epochs {
    struct od_epoch *v;
    int32_t n;
    int32_t capacity;
};

void od_epochs_deinit(struct od_epochs *e);
/* False when nothing changed: the epoch is not above the latest.  Later starts are dropped. */
bool od_epochs_add(struct od_epochs *e, int32_t epoch, int64_t start_offset);
void od_epochs_cut_end(struct od_epochs *e, int64_t end_offset); /* forgets starts >= end_offset */
/* Forgets epochs that end at or below start_offset; the first one left starts there. */
void od_epochs_cut_start(struct od_epochs *e, int64_t start_offset);
int32_t od_epochs_latest(const struct od_epochs *e);               /* -1: none */
int32_t od_epochs_at(const struct od_epochs *e, int64_t offset);   /* -1: unknown */
/* As OffsetForLeaderEpoch answers; both -1 when nothing fits. */
void od_epochs_end(const struct od_epochs *e, int32_t epoch, int64_t log_end, int32_t *found,
                   int64_t *end);
