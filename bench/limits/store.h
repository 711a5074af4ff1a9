/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files of the limit programs: written at a running position, warm because their volume is
 * bounded.  A failed or short write ends the program.
 */
#pragma once

#include <stdint.h>
#include <sys/uio.h>

#include "limits/settings.h"

struct od_store_file {
    int fd;
    uint64_t pos;
};

struct od_store {
    struct od_store_file *files; /* segments: the one written to and the one before */
    uint32_t file_count;
    uint64_t file_bytes; /* a file is written over from its start beyond this; 0: never */
    const char *dir;     /* borrowed for the life of the store */
};

/* Opens the files at their full size; they vanish with the process. */
void od_store_open(struct od_store *store, const struct od_limit_settings *settings);
/* The same for od_store_write_segment: a full segment before, an empty one to write. */
void od_store_open_segments(struct od_store *store, const char *dir);
void od_store_write(struct od_store *store, uint32_t file, const void *bytes, size_t len);
/* At most IOV_MAX parts, written in one call. */
void od_store_gather(struct od_store *store, uint32_t file, const struct iovec *parts, int count);
/*
 * Appends to file 0, a segment of 256 MiB: a full one is followed by a new file and the one before
 * last goes, so that its pages are soon used again.
 */
void od_store_write_segment(struct od_store *store, const void *bytes, size_t len);
/* A descriptor of a fresh unlinked file in `dir`. */
int od_store_file_new(const char *dir);
