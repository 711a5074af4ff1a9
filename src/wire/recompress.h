/* SPDX-License-Identifier: Apache-2.0 */
/* One checked batch stored under another compression than it was sent with. */
#pragma once

#include "base/buf.h"
#include "wire/batch.h"

struct od_recompress {
    enum od_compress codec;
    int level;             /* as od_compress takes it */
    int64_t records_bytes; /* of the batch's records when not compressed, as validation found */
    struct od_budget *budget; /* may be NULL; charged for both copies, and for the one returned */
};

/*
 * Blocking: as long as the codecs take.  data: one whole batch that od_validate_batch accepted, of
 * which h is the header; its codec differs.  *out is a new batch of *len bytes with the same
 * offsets, timestamps and producer.  OD_E_NO_MEMORY.
 */
OD_MUST_USE enum od_err od_batch_recompress(const uint8_t *data, const struct od_batch_header *h,
                                            const struct od_recompress *r, struct od_buf **out,
                                            size_t *len);
