/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Process memory.  Small allocations never fail: they abort.  Sizes that come from outside are
 * checked against a limit first and use the _try form, which returns NULL when memory is short.
 */
#pragma once

#include "base/compiler.h"

void *od_alloc(size_t len);          /* uninitialised */
void *od_zalloc(size_t len);         /* zeroed */
void *od_alloc_try(size_t len);      /* uninitialised; NULL on failure */
void *od_realloc(void *p, size_t len);
void od_free(void *p);               /* accepts NULL */
char *od_strdup(const char *text);   /* owned by the caller */

/*
 * Once, at the start of the process: freed memory up to 64 MiB per thread's heap stays ours.  A
 * megabyte that is given back and taken anew for each request costs more in page faults than in
 * copying.
 */
void od_mem_keep_freed(void);

/* A zeroed object of one type. */
#define OD_NEW(type) ((type *)od_zalloc(sizeof(type)))
