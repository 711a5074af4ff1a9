/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files and directories.  Calls block; which thread may make which call is DESIGN's ruling
 * (ARCHITECTURE.md, Threads).  Failures are logged here, once, with path and errno; the caller
 * gets OD_E_IO, OD_E_NO_SPACE, OD_E_NOT_FOUND, OD_E_EXISTS, OD_E_LIMIT (descriptors) or OD_E_BUSY.
 * A file may be read by several threads at once; writes are ordered by the owner's lock.
 */
#pragma once

#include "base/err.h"
#include "base/str.h"

struct od_file;

enum {
    OD_FILE_READ = 1,
    OD_FILE_WRITE = 2,  /* implies READ */
    OD_FILE_CREATE = 4, /* when missing; the directory still needs od_dir_sync */
    OD_FILE_EXCLUSIVE = 8, /* with CREATE: OD_E_EXISTS when present */
    OD_FILE_TRUNCATE = 16,
    OD_FILE_QUIET = 32, /* a missing file is expected: do not log OD_E_NOT_FOUND */
};

enum { OD_FILE_SPANS_MAX = 1024, OD_PATH_MAX = 4096 };

OD_MUST_USE enum od_err od_file_open(const char *path, unsigned flags, struct od_file **out);
void od_file_close(struct od_file *f); /* accepts NULL */
/* Reads until len bytes or the end of the file; *got says how many. */
OD_MUST_USE enum od_err od_file_read(struct od_file *f, void *buf, size_t len, int64_t pos,
                                     size_t *got);
/* Writes all spans at pos; on failure *put bytes, fewer than asked, may have been written. */
OD_MUST_USE enum od_err od_file_write(struct od_file *f, const struct od_span *spans, int n,
                                      int64_t pos, size_t *put);
OD_MUST_USE enum od_err od_file_sync(struct od_file *f); /* fdatasync; never retry after failure */
OD_MUST_USE enum od_err od_file_truncate(struct od_file *f, int64_t len);
OD_MUST_USE enum od_err od_file_size(struct od_file *f, int64_t *len);
OD_MUST_USE enum od_err od_file_preallocate(struct od_file *f, int64_t len); /* keeps the size;
    does nothing where the file system cannot */
bool od_file_resident(struct od_file *f, int64_t pos, int64_t len); /* all in the page cache? */
/* Brings dirty pages to the device and waits for it; promises nothing across a power cut.  An error
 * is a failed sync: this descriptor's next one may not tell it again. */
OD_MUST_USE enum od_err od_file_write_back(struct od_file *f, int64_t pos, int64_t len);

/* Into OD_PATH_MAX bytes; where the system cannot tell, the path as it is. */
void od_path_absolute(const char *path, char *out);
OD_MUST_USE enum od_err od_path_rename(const char *from, const char *to);
OD_MUST_USE enum od_err od_path_remove(const char *path); /* a file or an empty directory;
    OD_E_NOT_FOUND is not logged, OD_E_EXISTS: the directory is not empty */
/* When the file's content, or the directory's list of names, last changed: ms since 1970. */
OD_MUST_USE enum od_err od_path_modified_ms(const char *path, int64_t *ms);
OD_MUST_USE enum od_err od_dir_make(const char *path);    /* with parents; fine when present */
OD_MUST_USE enum od_err od_dir_sync(const char *path);
/* Calls each once per entry, "." and ".." left out, in unspecified order; stops on an error. */
OD_MUST_USE enum od_err od_dir_list(const char *path,
                                    enum od_err (*each)(void *arg, const char *name, bool is_dir),
                                    void *arg);
/* Takes the directory's .lock file for this process until the file is closed; else OD_E_BUSY. */
OD_MUST_USE enum od_err od_dir_lock(const char *path, struct od_file **out);
OD_MUST_USE enum od_err od_dir_space(const char *path, int64_t *free_bytes, int64_t *total_bytes);
