/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which batches of a fetched range belong to aborted transactions: for readers of committed data.
 * Fed with the answer's list and then with every batch in order.  Pure; owns its memory.
 */
#pragma once

#include "wire/api/fetch.h"
#include "wire/batch.h"

struct od_aborted {
    const struct od_fetch_rsp_aborted_transaction *listed; /* borrowed, by first offset */
    int32_t listed_count;
    int32_t next; /* of listed: not begun yet */
    int64_t *open; /* producer ids in an aborted transaction */
    int32_t open_count;
};

/* A new answer, whose list is borrowed until the next one; NULL: none.  Earlier ones are closed. */
void od_aborted_begin(struct od_aborted *a, const struct od_fetch_rsp_partition *answer);
void od_aborted_deinit(struct od_aborted *a);
/* Are the records of this batch to be left out?  Control batches always are, and close their
 * producer's transaction. */
bool od_aborted_hides(struct od_aborted *a, const struct od_batch_header *h);
