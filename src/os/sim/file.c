/* SPDX-License-Identifier: Apache-2.0 */
/* Files on a simulated disk: delays, injected errors, short writes, and scheduling points. */
#include "os/file.h"

#include "base/assert.h"
#include "base/mem.h"
#include "os/sim/disk.h"

struct od_file {
    struct od_inode *inode;
    struct od_disk *disk;
    bool writable;
    char path[];
};

static struct od_file *new_handle(struct od_disk *d, struct od_inode *inode, const char *path,
                                  bool writable)
{
    struct od_file *f = od_alloc(sizeof(*f) + strlen(path) + 1);

    f->inode = inode;
    f->disk = d;
    f->writable = writable;
    memcpy(f->path, path, strlen(path) + 1);
    d->open_files++;
    return f;
}

static enum od_err open_file(const char *path, unsigned flags, struct od_file **out)
{
    struct od_disk *d = od_sim_here()->disk;
    const char *name;
    struct od_inode *dir = od_disk_parent(d, path, &name);
    struct od_inode *inode = dir ? od_disk_lookup(dir, name) : NULL;

    if (inode && inode->is_dir)
        return OD_E_IO;
    if (inode && (flags & OD_FILE_EXCLUSIVE))
        return OD_E_EXISTS;
    if (!inode) {
        if (!dir || !(flags & OD_FILE_CREATE))
            return OD_E_NOT_FOUND;
        inode = od_disk_inode_new(d, false);
        od_disk_name(d, dir, name, inode);
    }
    if ((flags & OD_FILE_TRUNCATE) && inode->live.len > 0)
        od_inode_truncate(d, inode, 0);
    *out = new_handle(d, inode, path, flags & OD_FILE_WRITE);
    return OD_NONE;
}

enum od_err od_file_open(const char *path, unsigned flags, struct od_file **out)
{
    enum od_err err = od_disk_begin(OD_SIM_DISK_OPEN, path);

    od_disk_take_us(10);
    if (err == OD_NONE)
        err = open_file(path, flags, out);
    if (err == OD_E_NOT_FOUND && (flags & OD_FILE_QUIET)) {
        (void)od_disk_end(OD_NONE, "open", path);
        return err;
    }
    return od_disk_end(err, "open", path);
}

void od_file_close(struct od_file *f)
{
    if (!f)
        return;
    od_sim_step(OD_CALL_CLOSE, f->inode->id, 0);
    if (f->inode->locked_by == f)
        f->inode->locked_by = NULL;
    f->disk->open_files--;
    od_free(f);
}

enum od_err od_file_read(struct od_file *f, void *buf, size_t len, int64_t pos, size_t *got)
{
    enum od_err err = od_disk_begin(OD_SIM_DISK_READ, f->path);
    int64_t left;

    *got = 0;
    if (od_rng_chance(&od_world.disk, f->disk->faults.cold_ppm))
        od_disk_wait_us(100 + (int64_t)od_rng_below(&od_world.disk, 10000));
    else
        od_disk_take_us(2);
    if (err == OD_NONE) {
        left = f->inode->live.len - pos;
        *got = left <= 0 ? 0 : (size_t)left < len ? (size_t)left : len;
        if (*got > 0)
            memcpy(buf, f->inode->live.data + pos, *got);
        od_sim_trace(OD_CALL_FILE, (uint64_t)pos, od_sim_hash(buf, *got));
    }
    return od_disk_end(err, "read", f->path);
}

static uint8_t *gather(const struct od_span *spans, int n, size_t *len)
{
    uint8_t *all;
    size_t at = 0;

    *len = 0;
    for (int i = 0; i < n; i++)
        *len += spans[i].len;
    all = od_alloc(*len);
    for (int i = 0; i < n; i++) {
        if (spans[i].len > 0)
            memcpy(all + at, spans[i].data, spans[i].len);
        at += spans[i].len;
    }
    return all;
}

/* How much of a failed write reaches the file. */
static size_t part_of(size_t len)
{
    return len > 0 ? (size_t)od_rng_below(&od_world.disk, len) : 0;
}

enum od_err od_file_write(struct od_file *f, const struct od_span *spans, int n, int64_t pos,
                          size_t *put)
{
    enum od_err err = od_disk_begin(OD_SIM_DISK_WRITE, f->path);
    size_t len, first;
    uint8_t *all = gather(spans, n, &len);
    int64_t grows = pos + (int64_t)len - f->inode->room;

    OD_ASSERT(f->writable && n <= OD_FILE_SPANS_MAX);
    od_sim_trace(OD_CALL_FILE, (uint64_t)pos, od_sim_hash(all, len));
    od_disk_take_us(5 + (int64_t)(len / 1000));
    if (err == OD_NONE && grows > 0 && f->disk->used + grows > f->disk->capacity)
        err = OD_E_NO_SPACE;
    *put = err == OD_NONE ? len : part_of(len);
    /* Sometimes in two pieces, so that others run, or the node dies, between them. */
    first = od_rng_chance(&od_world.disk, 100000) ? part_of(*put) : 0;
    if (first > 0) {
        od_inode_write(f->disk, f->inode, all, first, pos);
        od_sim_step(OD_CALL_FILE, OD_SIM_DISK_WRITE, first);
    }
    if (*put > first)
        od_inode_write(f->disk, f->inode, all + first, *put - first, pos + (int64_t)first);
    od_free(all);
    return od_disk_end(err, "write", f->path);
}

/* What a sync takes, now and then a stall of the device. */
static int64_t sync_us(const struct od_disk *d)
{
    int64_t us = 50 + (int64_t)od_rng_below(&od_world.disk, 3000);

    if (d->faults.stall_ms_max > 0 && od_rng_chance(&od_world.disk, d->faults.stall_ppm)) {
        us += (int64_t)od_rng_below(&od_world.disk, (uint64_t)d->faults.stall_ms_max * 1000);
        od_world.stats.disk_faults++;
    }
    return us;
}

enum od_err od_file_sync(struct od_file *f)
{
    enum od_err err = od_disk_begin(OD_SIM_DISK_SYNC, f->path);
    uint64_t seq = f->inode->op_seq;

    od_disk_wait_us(sync_us(f->disk));
    if (err == OD_NONE)
        od_inode_sync(f->inode, seq);
    else
        od_inode_fail_sync(f->inode, seq);
    od_world.stats.syncs++;
    return od_disk_end(err, "sync", f->path);
}

enum od_err od_file_truncate(struct od_file *f, int64_t len)
{
    enum od_err err = od_disk_begin(OD_SIM_DISK_TRUNCATE, f->path);

    OD_ASSERT(f->writable);
    od_disk_take_us(10);
    if (err == OD_NONE)
        od_inode_truncate(f->disk, f->inode, len);
    od_sim_trace(OD_CALL_FILE, OD_SIM_DISK_TRUNCATE, (uint64_t)len);
    return od_disk_end(err, "truncate", f->path);
}

enum od_err od_file_size(struct od_file *f, int64_t *len)
{
    *len = f->inode->live.len;
    return OD_NONE;
}

enum od_err od_file_preallocate(struct od_file *f, int64_t len)
{
    enum od_err err = od_disk_begin(OD_SIM_DISK_WRITE, f->path);

    if (err == OD_NONE && !od_inode_reserve(f->disk, f->inode, len))
        err = OD_E_NO_SPACE;
    return od_disk_end(err, "preallocate", f->path);
}

bool od_file_resident(struct od_file *f, int64_t pos, int64_t len)
{
    bool cold = od_rng_chance(&od_world.disk, f->disk->faults.cold_ppm);

    od_sim_step(OD_CALL_FILE, (uint64_t)pos, (uint64_t)len);
    return !cold;
}

/* Stalls and fails like a sync, but only some of the operations become durable. */
enum od_err od_file_write_back(struct od_file *f, int64_t pos, int64_t len)
{
    enum od_err err = od_disk_begin(OD_SIM_DISK_SYNC, f->path);
    uint64_t seq = f->inode->op_seq;

    od_sim_trace(OD_CALL_FILE, (uint64_t)pos, (uint64_t)len);
    od_disk_wait_us(sync_us(f->disk));
    if (err)
        od_inode_fail_sync(f->inode, seq);
    else if (seq > 0)
        od_inode_sync(f->inode, od_rng_below(&od_world.disk, seq));
    return od_disk_end(err, "write back", f->path);
}

enum od_err od_dir_lock(const char *path, struct od_file **out)
{
    char *lock_path = od_alloc(strlen(path) + sizeof("/.lock"));
    enum od_err err;

    snprintf(lock_path, strlen(path) + sizeof("/.lock"), "%s/.lock", path);
    err = od_file_open(lock_path, OD_FILE_WRITE | OD_FILE_CREATE, out);
    od_free(lock_path);
    if (err != OD_NONE)
        return err;
    if ((*out)->inode->locked_by) {
        od_file_close(*out);
        *out = NULL;
        return OD_E_BUSY;
    }
    (*out)->inode->locked_by = *out;
    return OD_NONE;
}
