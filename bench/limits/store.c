/* SPDX-License-Identifier: Apache-2.0 */
/* Files of the limit programs. */
#include "limits/store.h"

#include "base/mem.h"
#include "fail.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

enum { SEGMENT_BYTES = 256 << 20, FILL_BYTES = 256 << 10 };

int od_store_file_new(const char *dir)
{
    int fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

    if (fd < 0)
        od_fail("temporary file in %s", dir);
    return fd;
}

static void check_written(ssize_t written, size_t len)
{
    if (written == (ssize_t)len)
        return;
    if (written >= 0)
        errno = ENOSPC;
    od_fail("write of %zu bytes", len);
}

/* Takes the pages into memory before anything is measured. */
static void fill(int fd, uint64_t bytes)
{
    uint8_t *zeros = od_zalloc(FILL_BYTES);

    for (uint64_t pos = 0; pos < bytes; pos += FILL_BYTES) {
        size_t len = bytes - pos < FILL_BYTES ? (size_t)(bytes - pos) : FILL_BYTES;

        check_written(pwrite(fd, zeros, len, (off_t)pos), len);
    }
    od_free(zeros);
}

void od_store_open(struct od_store *store, const struct od_limit_settings *settings)
{
    store->dir = settings->dir;
    store->file_count = settings->files;
    store->file_bytes = settings->volume / settings->files;
    store->files = od_zalloc(settings->files * sizeof(*store->files));
    for (uint32_t i = 0; i < settings->files; i++) {
        store->files[i].fd = od_store_file_new(settings->dir);
        fill(store->files[i].fd, store->file_bytes);
    }
}

void od_store_open_segments(struct od_store *store, const char *dir)
{
    int freed = od_store_file_new(dir);

    *store = (struct od_store) {.dir = dir, .file_count = 2};
    store->files = od_zalloc(2 * sizeof(*store->files));
    for (uint32_t i = 0; i < 2; i++)
        store->files[i].fd = od_store_file_new(dir);
    fill(freed, SEGMENT_BYTES);
    fill(store->files[1].fd, SEGMENT_BYTES);
    close(freed);
}

/* The position for the next len bytes, and moves past them. */
static off_t advance(const struct od_store *store, struct od_store_file *file, size_t len)
{
    uint64_t pos = file->pos;

    if (store->file_bytes && pos + len > store->file_bytes)
        pos = 0;
    file->pos = pos + len;
    return (off_t)pos;
}

void od_store_write(struct od_store *store, uint32_t file, const void *bytes, size_t len)
{
    struct od_store_file *f = &store->files[file];

    check_written(pwrite(f->fd, bytes, len, advance(store, f, len)), len);
}

void od_store_gather(struct od_store *store, uint32_t file, const struct iovec *parts, int count)
{
    struct od_store_file *f = &store->files[file];
    size_t len = 0;

    for (int i = 0; i < count; i++)
        len += parts[i].iov_len;
    check_written(pwritev(f->fd, parts, count, advance(store, f, len)), len);
}

void od_store_write_segment(struct od_store *store, const void *bytes, size_t len)
{
    struct od_store_file *f = &store->files[0];

    if (f->pos + len > SEGMENT_BYTES) {
        /* File 1 is the segment before; closing an unlinked file frees its pages. */
        close(store->files[1].fd);
        store->files[1].fd = f->fd;
        f->fd = od_store_file_new(store->dir);
        f->pos = 0;
    }
    check_written(pwrite(f->fd, bytes, len, (off_t)f->pos), len);
    f->pos += len;
}
