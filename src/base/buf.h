/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Payload memory: reference-counted, written by its one owner before it is published, immutable
 * afterwards.  Any thread may hold and drop references.
 */
#pragma once

#include "base/budget.h"

struct od_buf {
    _Atomic uint32_t refs;
    struct od_budget *budget; /* charged for size bytes; may be NULL; outlives the buffer */
    size_t size;
    uint8_t data[];
};

/* A piece of a buffer; owns one reference. */
struct od_slice {
    struct od_buf *buf; /* NULL: the bytes are borrowed */
    const uint8_t *data;
    size_t len;
};

/* NULL when the budget or memory refuses. */
struct od_buf *od_buf_new(size_t size, struct od_budget *budget);
struct od_buf *od_buf_ref(struct od_buf *b);
void od_buf_unref(struct od_buf *b); /* accepts NULL */
struct od_slice od_slice_ref(struct od_buf *b, const uint8_t *data, size_t len);
void od_slice_unref(struct od_slice *s); /* leaves it empty */
