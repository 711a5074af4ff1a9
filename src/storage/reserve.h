/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Room kept back in a log directory: a file that is preallocated and empty.  When the disk is full
 * it is given up, so that what must be written still can be: the metadata log, internal topics, the
 * manifest, small files.  From then on other appends answer OD_E_NO_SPACE at once, for they would
 * eat it, until it could be made again.
 *
 *      HELD --spend--> SPENT --make, with as much again left free--> HELD
 *
 * Where the file system cannot preallocate it holds nothing, and nothing else changes.
 * Threads: open, make, spend and close block (spend: a truncation only); held is quick; any thread.
 */
#pragma once

#include "base/err.h"
#include "os/lock.h"

#include <stdbool.h>

struct od_file;

struct od_reserve {
    struct od_lock lock; /* LEAF */
    struct od_file *file; /* NULL: there is no reserve, which counts as held */
    const char *dir;      /* the owner's */
    int64_t bytes;
    uint64_t spends; /* lock */
    _Atomic bool held;
};

/* bytes 0: none.  Less where a sixteenth of the disk is less.  For want of room: SPENT. */
OD_MUST_USE enum od_err od_reserve_open(struct od_reserve *r, const char *dir, int64_t bytes);
void od_reserve_close(struct od_reserve *r); /* the file stays; accepts a zeroed one */
bool od_reserve_held(const struct od_reserve *r);
/* A write failed with OD_E_NO_SPACE: true: try it once more. */
bool od_reserve_spend(struct od_reserve *r);
void od_reserve_make(struct od_reserve *r); /* when it was spent and there is room again */
