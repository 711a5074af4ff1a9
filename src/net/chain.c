/* SPDX-License-Identifier: Apache-2.0 */
/* Parts of an answer. */
#include "net/chain.h"

#include "base/assert.h"
#include "base/mem.h"

#include <string.h>

enum { FIRST_CAPACITY = 4 };

static struct od_part *add(struct od_chain *c, enum od_part_kind kind, size_t len)
{
    struct od_part *part;

    if (c->count == c->capacity) {
        c->capacity = c->capacity ? c->capacity * 2 : FIRST_CAPACITY;
        c->parts = od_realloc(c->parts, (size_t)c->capacity * sizeof(*c->parts));
    }
    part = &c->parts[c->count++];
    part->kind = kind;
    part->len = len;
    c->len += len;
    return part;
}

void od_chain_add_bytes(struct od_chain *c, void *data, size_t len)
{
    if (len == 0) {
        od_free(data);
        return;
    }
    add(c, OD_PART_BYTES, len)->bytes = data;
    c->owned_bytes += len;
}

void od_chain_add_copy(struct od_chain *c, const void *data, size_t len)
{
    if (len > 0)
        od_chain_add_bytes(c, memcpy(od_alloc(len), data, len), len);
}

void od_chain_add_slice(struct od_chain *c, struct od_slice slice)
{
    OD_ASSERT(slice.buf);
    if (slice.len == 0) {
        od_slice_unref(&slice);
        return;
    }
    if (!slice.buf->budget)
        c->owned_bytes += slice.len;
    add(c, OD_PART_SLICE, slice.len)->slice = slice;
}

void od_chain_add_file(struct od_chain *c, struct od_file *file, int64_t pos, size_t len,
                       void (*release)(void *pin), void *pin)
{
    struct od_part *part;

    if (len == 0) {
        if (release)
            release(pin);
        return;
    }
    part = add(c, OD_PART_FILE, len);
    part->range.file = file;
    part->range.pos = pos;
    part->range.release = release;
    part->range.pin = pin;
}

static void release(struct od_part *part)
{
    switch (part->kind) {
    case OD_PART_BYTES:
        od_free(part->bytes);
        return;
    case OD_PART_SLICE:
        od_slice_unref(&part->slice);
        return;
    case OD_PART_FILE:
        if (part->range.release)
            part->range.release(part->range.pin);
        return;
    }
}

void od_chain_reset(struct od_chain *c)
{
    for (int i = 0; i < c->count; i++)
        release(&c->parts[i]);
    od_free(c->parts);
    *c = (struct od_chain){ 0 };
}
