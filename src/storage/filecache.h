/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Open descriptors of a log directory's files: opened when first used, closed again when too many
 * are open and nobody uses them, least recently used first.  Any thread; the lock is a LEAF and is
 * never held over a kernel call.  The bound may be passed while more files than that are in use.
 */
#pragma once

#include "base/err.h"
#include "base/list.h"
#include "os/lock.h"

#include <stdbool.h>

struct od_file;

enum { OD_FILECACHE_CLOSING = 64 };

struct od_filecache {
    struct od_lock lock;
    struct od_list idle; /* open and unused, oldest first */
    int open;
    int open_max;
    struct od_file *closing[OD_FILECACHE_CLOSING]; /* evicted, to be closed by tidy */
    int n_closing;
};

struct od_cached_file {
    struct od_link link;  /* in idle */
    struct od_file *file; /* NULL: closed */
    int pins;
    bool replaced; /* the path may name another file by now: never opened again */
};

void od_filecache_init(struct od_filecache *c, int open_max);
void od_filecache_deinit(struct od_filecache *c); /* every file was dropped */

/* The open file, until unpin.  Opens it with flags (see os/file.h) when it is closed, unless it was
 * replaced: OD_E_STALE. */
OD_MUST_USE enum od_err od_filecache_pin(struct od_filecache *c, struct od_cached_file *f,
                                         const char *path, unsigned flags, struct od_file **out);
/* The open file or NULL; never enters the kernel. */
struct od_file *od_filecache_pin_open(struct od_filecache *c, struct od_cached_file *f);
void od_filecache_unpin(struct od_filecache *c, struct od_cached_file *f);
/* Before another file takes the path: who has it open may go on with it. */
void od_filecache_replace(struct od_filecache *c, struct od_cached_file *f);
/* Closes f's descriptor, which nobody has pinned. */
void od_filecache_drop(struct od_filecache *c, struct od_cached_file *f);
/* Closes what was evicted; for threads that hold no lock. */
void od_filecache_tidy(struct od_filecache *c);
