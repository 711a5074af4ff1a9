/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The four compressions of record batches.  Decompression is a stream of windows, so that a small
 * input cannot make us hold a large output; only raw snappy, which cannot be streamed, is expanded
 * whole.  All memory is charged to the budget before it is taken.  One thread at a time.
 */
#pragma once

#include "base/budget.h"
#include "base/err.h"
#include "base/str.h"

enum od_compress { /* the codes in a batch's attributes */
                   OD_COMPRESS_NONE,
                   OD_COMPRESS_GZIP,
                   OD_COMPRESS_SNAPPY,
                   OD_COMPRESS_LZ4,
                   OD_COMPRESS_ZSTD,
};

enum { OD_EXPAND_WINDOW_BYTES = 64 << 10 };

struct od_expand_limits {
    struct od_budget *budget; /* may be NULL; outlives the stream */
    int64_t total_bytes;      /* of output; more is OD_E_LIMIT */
};

struct od_expand;

/*
 * Begins to expand len borrowed bytes, which stay until the close.  *out is NULL on failure:
 * OD_E_CORRUPT, OD_E_NO_MEMORY, OD_E_LIMIT, OD_UNSUPPORTED_COMPRESSION_TYPE.
 */
OD_MUST_USE enum od_err od_expand_open(enum od_compress codec, const uint8_t *data, size_t len,
                                       const struct od_expand_limits *limits,
                                       struct od_expand **out);
/*
 * The next window, at most OD_EXPAND_WINDOW_BYTES (raw snappy and none: all in one), borrowed until
 * the next call; of length 0 at the end of the stream.  OD_E_CORRUPT, OD_E_NO_MEMORY, OD_E_LIMIT.
 */
OD_MUST_USE enum od_err od_expand_next(struct od_expand *e, struct od_bytes *window);
void od_expand_close(struct od_expand *e); /* accepts NULL */

/* Room that od_compress surely finds enough. */
size_t od_compress_bound(enum od_compress codec, size_t len);
/* Level 0 is the codec's default.  OD_E_FULL: capacity too small; OD_E_NO_MEMORY. */
OD_MUST_USE enum od_err od_compress(enum od_compress codec, int level, struct od_bytes in,
                                    uint8_t *out, size_t capacity, size_t *out_len);
