/* SPDX-License-Identifier: Apache-2.0 */
/* Files, through the page cache. */
#include "os/file.h"

#include "base/assert.h"
#include "base/log.h"
#include "base/mem.h"
#include "os/linux/linux_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { PAGE_BYTES = 4096, CACHESTAT = 451 };

_Static_assert(OD_FILE_SPANS_MAX <= IOV_MAX, "one pwritev takes all spans");

static enum od_err fail(const struct od_file *f, const char *call, int64_t pos, int e)
{
    od_log(OD_LOG_ERROR, "os", "%s of %s at %lld: %s", call, f->path, (long long)pos,
           od_errno_name(e));
    return od_errno_to_err(e);
}

enum od_err od_file_open(const char *path, unsigned flags, struct od_file **out)
{
    size_t path_len = strlen(path);
    int how = O_CLOEXEC | (flags & OD_FILE_WRITE ? O_RDWR : O_RDONLY);
    struct od_file *f;
    int fd;

    how |= flags & OD_FILE_CREATE ? O_CREAT : 0;
    how |= flags & OD_FILE_EXCLUSIVE ? O_EXCL : 0;
    how |= flags & OD_FILE_TRUNCATE ? O_TRUNC : 0;
    do {
        fd = open(path, how, 0644);
    } while (fd < 0 && errno == EINTR);
    if (fd < 0) {
        int e = errno;

        if (e != ENOENT || !(flags & OD_FILE_QUIET))
            od_log(OD_LOG_ERROR, "os", "open of %s: %s", path, od_errno_name(e));
        return od_errno_to_err(e);
    }
    f = od_alloc(sizeof(*f) + path_len + 1);
    f->fd = fd;
    memcpy(f->path, path, path_len + 1);
    *out = f;
    return OD_NONE;
}

void od_file_close(struct od_file *f)
{
    if (!f)
        return;
    /* Linux releases the descriptor whatever close answers; data errors are fsync's to tell. */
    close(f->fd);
    od_free(f);
}

enum od_err od_file_read(struct od_file *f, void *buf, size_t len, int64_t pos, size_t *got)
{
    *got = 0;
    while (*got < len) {
        ssize_t n = pread(f->fd, (char *)buf + *got, len - *got, pos + (int64_t)*got);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return fail(f, "read", pos + (int64_t)*got, errno);
        if (n == 0)
            break;
        *got += (size_t)n;
    }
    return OD_NONE;
}

static enum od_err write_rest(struct od_file *f, const struct od_span *span, size_t done,
                              int64_t pos, size_t *put)
{
    while (done < span->len) {
        ssize_t n =
            pwrite(f->fd, (const char *)span->data + done, span->len - done, pos + (int64_t)*put);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return fail(f, "write", pos + (int64_t)*put, n < 0 ? errno : EIO);
        done += (size_t)n;
        *put += (size_t)n;
    }
    return OD_NONE;
}

enum od_err od_file_write(struct od_file *f, const struct od_span *spans, int n, int64_t pos,
                          size_t *put)
{
    enum od_err err = OD_NONE;
    int i = 0;

    OD_ASSERT(n <= OD_FILE_SPANS_MAX);
    *put = 0;
    while (i < n && !err) {
        ssize_t done = pwritev(f->fd, od_spans_iov(spans + i), n - i, pos + (int64_t)*put);

        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return fail(f, "write", pos + (int64_t)*put, errno);
        *put += (size_t)done;
        while (i < n && (size_t)done >= spans[i].len)
            done -= (ssize_t)spans[i++].len;
        /* A short write ends inside a span, seldom: finish that one, gather again after it. */
        if (i < n)
            err = write_rest(f, &spans[i++], (size_t)done, pos, put);
    }
    return err;
}

enum od_err od_file_sync(struct od_file *f)
{
    return fdatasync(f->fd) == 0 ? OD_NONE : fail(f, "fdatasync", 0, errno);
}

enum od_err od_file_truncate(struct od_file *f, int64_t len)
{
    int rc;

    do {
        rc = ftruncate(f->fd, len);
    } while (rc < 0 && errno == EINTR);
    return rc == 0 ? OD_NONE : fail(f, "truncate", len, errno);
}

enum od_err od_file_size(struct od_file *f, int64_t *len)
{
    struct stat st;

    if (fstat(f->fd, &st) < 0)
        return fail(f, "stat", 0, errno);
    *len = st.st_size;
    return OD_NONE;
}

enum od_err od_file_preallocate(struct od_file *f, int64_t len)
{
    int rc;

    do {
        rc = fallocate(f->fd, FALLOC_FL_KEEP_SIZE, 0, len);
    } while (rc < 0 && errno == EINTR);
    return rc == 0 || errno == EOPNOTSUPP ? OD_NONE : fail(f, "preallocation", len, errno);
}

bool od_file_resident(struct od_file *f, int64_t pos, int64_t len)
{
    /* cachestat(2), Linux 6.5; older C libraries have neither wrapper nor types. */
    struct {
        uint64_t off, len;
    } range = { (uint64_t)pos, (uint64_t)len };
    struct {
        uint64_t cached, dirty, writeback, evicted, recently_evicted;
    } stat = { 0 };

    if (len <= 0)
        return true;
    if (syscall(CACHESTAT, f->fd, &range, &stat, 0) < 0)
        return false;
    return (int64_t)stat.cached == (pos + len - 1) / PAGE_BYTES - pos / PAGE_BYTES + 1;
}

enum od_err od_file_write_back(struct od_file *f, int64_t pos, int64_t len)
{
    unsigned flags =
        SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER;

    if (sync_file_range(f->fd, pos, len, flags) == 0)
        return OD_NONE;
    /* Some sandboxes have no such call: then the kernel writes back when it likes. */
    return errno == ENOSYS || errno == EINTR ? OD_NONE : fail(f, "sync_file_range", pos, errno);
}
