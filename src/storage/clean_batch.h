/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One batch through a clean: bytes in, bytes out, no I/O.
 *
 * A batch that keeps all its records goes through as it is.  Otherwise it is written anew with
 * the same codec: base offset, last offset, leader epoch, producer and sequence stay; records
 * keep their offsets, so that there are gaps; the CRC is new.  A batch in which a tombstone or a
 * marker begins to wait for its end gets the delete horizon in place of its base timestamp.
 */
#pragma once

#include "storage/clean_keep.h"

enum { OD_CLEAN_EXPANDED_MAX = 256 << 20 }; /* a batch that expands to more cannot be cleaned */

/* Bytes that grow; zero is empty. */
struct od_clean_buffer {
    uint8_t *data;
    size_t len, capacity;
};

/* Room for len more bytes. */
OD_MUST_USE enum od_err od_clean_reserve(struct od_clean_buffer *b, size_t len);
void od_clean_buffer_free(struct od_clean_buffer *b);

struct od_clean_tally {
    int64_t records_read, records_kept;
    int64_t horizon_min; /* the earliest in what was written that is not past; INT64_MAX: none */
};

/*
 * Appends to out what is left of the whole, checked batch at data: nothing, or one batch.  scratch
 * is reused from call to call.  CORRUPT_MESSAGE, OD_E_LIMIT, OD_E_NO_MEMORY.
 */
OD_MUST_USE enum od_err od_clean_batch(const struct od_clean_round *round, const uint8_t *data,
                                       const struct od_batch_header *h,
                                       const struct od_clean_verdict *v,
                                       struct od_clean_buffer *scratch, struct od_clean_buffer *out,
                                       struct od_clean_tally *tally);

/* The kind of marker in a control batch; OD_CLEAN_NO_MARKER: it is empty, or not a control one. */
OD_MUST_USE enum od_err od_clean_batch_marker(const uint8_t *data, const struct od_batch_header *h,
                                              enum od_clean_marker *out);
/*
 * Notes the keys of the batch's records from first_offset on.  *latest is the offset up to which
 * the map is complete; *full: it could take no more.
 */
OD_MUST_USE enum od_err od_clean_batch_keys(struct od_clean_map *map, const uint8_t *data,
                                            const struct od_batch_header *h, int64_t first_offset,
                                            int64_t *latest, bool *full);
