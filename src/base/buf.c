/* SPDX-License-Identifier: Apache-2.0 */
/* Reference counting of payload buffers. */
#include "base/buf.h"

#include "base/assert.h"
#include "base/mem.h"

struct od_buf *od_buf_new(size_t size, struct od_budget *budget)
{
    struct od_buf *b;

    if (budget && !od_budget_take(budget, size))
        return NULL;
    b = od_alloc_try(sizeof(*b) + size);
    if (!b) {
        if (budget)
            od_budget_give(budget, size);
        return NULL;
    }
    atomic_init(&b->refs, 1);
    b->budget = budget;
    b->size = size;
    return b;
}

struct od_buf *od_buf_ref(struct od_buf *b)
{
    atomic_fetch_add_explicit(&b->refs, 1, memory_order_relaxed);
    return b;
}

void od_buf_unref(struct od_buf *b)
{
    if (!b || atomic_fetch_sub_explicit(&b->refs, 1, memory_order_acq_rel) != 1)
        return;
    if (b->budget)
        od_budget_give(b->budget, b->size);
    od_free(b);
}

struct od_slice od_slice_ref(struct od_buf *b, const uint8_t *data, size_t len)
{
    OD_ASSERT(data >= b->data && len <= b->size - (size_t)(data - b->data));
    return (struct od_slice){ od_buf_ref(b), data, len };
}

void od_slice_unref(struct od_slice *s)
{
    od_buf_unref(s->buf);
    *s = (struct od_slice){ 0 };
}
