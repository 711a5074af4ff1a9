/* SPDX-License-Identifier: Apache-2.0 */
/* The only caller of malloc. */
#include "base/mem.h"

#include "base/assert.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

void *od_alloc(size_t len)
{
    void *p = malloc(len ? len : 1);

    OD_ASSERT(p);
    return p;
}

void *od_zalloc(size_t len)
{
    void *p = calloc(1, len ? len : 1);

    OD_ASSERT(p);
    return p;
}

void *od_alloc_try(size_t len)
{
    return malloc(len ? len : 1);
}

void *od_realloc(void *p, size_t len)
{
    p = realloc(p, len ? len : 1);
    OD_ASSERT(p);
    return p;
}

void od_free(void *p)
{
    free(p);
}

char *od_strdup(const char *text)
{
    size_t len = strlen(text) + 1;

    return memcpy(od_alloc(len), text, len);
}

void od_mem_keep_freed(void)
{
    /* Setting one of them switches the C library's own adaptation off, so both are set. */
    mallopt(M_MMAP_THRESHOLD, 32 << 20);
    mallopt(M_TRIM_THRESHOLD, 64 << 20);
}
