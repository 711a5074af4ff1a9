/* SPDX-License-Identifier: Apache-2.0 */
/* Batches of the metadata log: framed records, and the control batch that begins a term. */
#pragma once

#include "core/cluster/cluster.h"
#include "core/cluster/edit.h"
#include "wire/batch.h"

enum {
    OD_METABATCH_BYTES_MAX = 64 << 20, /* an epoch for each of a million partitions */
    OD_CONTROL_LEADER_CHANGE = 2,      /* control record types of KRaft */
    OD_CONTROL_SNAPSHOT_HEADER = 3,
    OD_CONTROL_SNAPSHOT_FOOTER = 4,
    OD_CONTROL_KRAFT_VERSION = 5,
    OD_CONTROL_VOTERS = 6,
};

struct od_metabatch {
    uint8_t *data; /* owned */
    size_t len;
    int64_t base_offset;
    int64_t timestamp;
    int32_t count;
};

/* timestamp: wall-clock ms.  OD_E_LIMIT: more than OD_METABATCH_BYTES_MAX. */
OD_MUST_USE enum od_err od_metabatch_build(struct od_metabatch *b,
                                           const struct od_record_list *records,
                                           int64_t base_offset, int32_t term, int64_t timestamp);
OD_MUST_USE enum od_err od_metabatch_leader_change(struct od_metabatch *b, int32_t leader,
                                                   int64_t base_offset, int32_t term,
                                                   int64_t timestamp);
/* The first and the last batch of a snapshot. */
OD_MUST_USE enum od_err od_metabatch_snapshot_header(struct od_metabatch *b, int64_t base_offset,
                                                     int32_t epoch, int64_t timestamp);
OD_MUST_USE enum od_err od_metabatch_snapshot_footer(struct od_metabatch *b, int64_t base_offset,
                                                     int32_t epoch, int64_t timestamp);
void od_metabatch_deinit(struct od_metabatch *b);
/* Of the first record of a checked control batch. */
OD_MUST_USE enum od_err od_metabatch_control_type(const uint8_t *data,
                                                  const struct od_batch_header *h, int *type);

/* Applies the records of one whole, checked batch; control batches change no image. */
OD_MUST_USE enum od_err od_metabatch_apply(const uint8_t *data, const struct od_batch_header *h,
                                           struct od_edit *edit, struct od_text *why);
