/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Record batches of the model clients, built and taken apart without the product's code: each
 * record carries a unique number and a filling that follows from it.
 */
#pragma once

#include "base/str.h"

enum { BATCH_RECORDS_MAX = 64, BATCH_FILL_MAX = 20000 };

/* An upper bound of what batch_build writes. */
size_t batch_bytes_max(int n, size_t fill);
/* n records with the numbers first, first + 1 ...; returns the length. */
size_t batch_build(uint8_t *out, uint64_t first, int n, size_t fill, int64_t timestamp_ms);

/* Makes a built batch that of a producer. */
void batch_identify(uint8_t *batch, size_t len, int64_t producer_id, int16_t epoch,
                    int32_t sequence);

/* What a broker patches in when it appends. */
void batch_place(uint8_t *batch, int64_t base_offset, int32_t leader_epoch);

/* Called per record, in order.  Returns false, with a reason, for bytes that are no sound batches;
 * a batch cut off at the end is no error. */
bool batch_walk(const uint8_t *data, size_t len,
                void (*each)(void *arg, int64_t offset, uint64_t number), void *arg,
                const char **why);
