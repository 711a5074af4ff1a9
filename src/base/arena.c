/* SPDX-License-Identifier: Apache-2.0 */
/* Chunks of at least 4 KiB, bump allocation inside. */
#include "base/arena.h"

#include "base/assert.h"
#include "base/mem.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct od_arena_chunk {
    struct od_arena_chunk *next;
    size_t size; /* bytes charged, header included */
    size_t used; /* of data */
    bool lent;   /* by od_arena_lend */
    max_align_t data[];
};

enum { CHUNK_BYTES = 4096 };

static size_t room(const struct od_arena_chunk *c)
{
    return c ? c->size - sizeof(*c) - c->used : 0;
}

static bool add_chunk(struct od_arena *a, size_t len, bool may_fail)
{
    size_t size = sizeof(struct od_arena_chunk) + len;
    struct od_arena_chunk *c;

    if (size < CHUNK_BYTES)
        size = CHUNK_BYTES;
    if (a->budget) {
        if (!may_fail)
            od_budget_force(a->budget, size);
        else if (!od_budget_take(a->budget, size))
            return false;
    }
    c = may_fail ? od_alloc_try(size) : od_alloc(size);
    if (!c) {
        if (a->budget)
            od_budget_give(a->budget, size);
        return false;
    }
    c->size = size;
    c->used = 0;
    c->lent = false;
    c->next = a->chunks;
    a->chunks = c;
    return true;
}

static void *take(struct od_arena *a, size_t len, bool may_fail)
{
    size_t align = _Alignof(max_align_t);
    char *p;

    if (len > SIZE_MAX / 2)
        return NULL;
    len = len ? (len + align - 1) / align * align : align;
    if (room(a->chunks) < len && !add_chunk(a, len, may_fail))
        return NULL;
    p = (char *)a->chunks->data + a->chunks->used;
    a->chunks->used += len;
    return memset(p, 0, len);
}

void *od_arena_alloc(struct od_arena *a, size_t len)
{
    return take(a, len, false);
}

void *od_arena_try(struct od_arena *a, size_t len)
{
    return take(a, len, true);
}

char *od_arena_printf(struct od_arena *a, const char *format, ...)
{
    va_list args, again;
    int len;
    char *text;

    va_start(args, format);
    va_copy(again, args);
    len = vsnprintf(NULL, 0, format, args);
    text = od_arena_alloc(a, (size_t)len + 1);
    vsnprintf(text, (size_t)len + 1, format, again);
    va_end(again);
    va_end(args);
    return text;
}

void od_arena_lend(struct od_arena *a, void *memory, size_t len)
{
    struct od_arena_chunk *c = memory;

    OD_ASSERT(!a->chunks && len >= sizeof(*c));
    *c = (struct od_arena_chunk){ .size = len, .lent = true };
    a->chunks = c;
}

void od_arena_reset(struct od_arena *a)
{
    while (a->chunks) {
        struct od_arena_chunk *c = a->chunks;

        a->chunks = c->next;
        if (c->lent)
            continue;
        if (a->budget)
            od_budget_give(a->budget, c->size);
        od_free(c);
    }
}
