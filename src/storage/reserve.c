/* SPDX-License-Identifier: Apache-2.0 */
/* The reserve file: preallocated beyond its end, cut to give the room back. */
#include "storage/reserve.h"

#include "base/log.h"
#include "base/mutant.h"
#include "os/file.h"

#include <stdio.h>

static const char file_name[] = "odradek.reserve";

enum { PART = 16, BYTES_MIN = 4096 };

bool od_reserve_held(const struct od_reserve *r)
{
    return atomic_load_explicit(&r->held, memory_order_acquire);
}

enum od_err od_reserve_open(struct od_reserve *r, const char *dir, int64_t bytes)
{
    char path[OD_PATH_MAX];
    int64_t left, total;
    enum od_err err;

    od_lock_init(&r->lock, OD_LOCK_LEAF);
    r->dir = dir;
    atomic_store(&r->held, true);
    if (bytes == 0)
        return OD_NONE;
    snprintf(path, sizeof(path), "%s/%s", dir, file_name);
    err = od_file_open(path, OD_FILE_WRITE | OD_FILE_CREATE, &r->file);
    if (err == OD_E_NO_SPACE)
        return OD_NONE; /* not even a name: what comes will tell */
    if (err)
        return err;
    err = od_dir_space(dir, &left, &total);
    if (err)
        return err;
    /* Of the whole disk, not of what is free: a full one is no reason for a smaller reserve, and an
     * earlier life may hold all of it already. */
    r->bytes = total / PART < bytes ? total / PART : bytes;
    if (r->bytes < BYTES_MIN)
        r->bytes = BYTES_MIN;
    err = od_file_preallocate(r->file, r->bytes);
    if (err == OD_E_NO_SPACE) {
        od_log(OD_LOG_WARN, "storage", "%s is full: nothing is taken from producers until %lld "
                                       "bytes are free",
               dir, (long long)r->bytes * 2);
        atomic_store(&r->held, false);
        err = OD_NONE;
    }
    return err;
}

void od_reserve_close(struct od_reserve *r)
{
    od_file_close(r->file);
    r->file = NULL;
}

bool od_reserve_spend(struct od_reserve *r)
{
    bool first;

    if (!r->file || OD_MUTANT(meta_reserve_kept))
        return false;
    od_lock_take(&r->lock);
    first = atomic_exchange(&r->held, false);
    r->spends++;
    od_lock_drop(&r->lock);
    if (first)
        od_log(OD_LOG_WARN, "storage",
               "%s is full: its reserve of %lld bytes is given up; nothing is taken from producers "
               "until twice that is free",
               r->dir, (long long)r->bytes);
    /* Also when another thread was first: its truncation may not be done yet. */
    return od_file_truncate(r->file, 0) == OD_NONE;
}

void od_reserve_make(struct od_reserve *r)
{
    int64_t left, total;
    uint64_t spends;
    bool held;

    if (od_reserve_held(r) || od_dir_space(r->dir, &left, &total) || left < 2 * r->bytes)
        return;
    od_lock_take(&r->lock);
    spends = r->spends;
    od_lock_drop(&r->lock);
    if (od_file_preallocate(r->file, r->bytes))
        return;
    od_lock_take(&r->lock);
    held = r->spends == spends; /* else it may be cut already */
    atomic_store(&r->held, held);
    od_lock_drop(&r->lock);
    if (held)
        od_log(OD_LOG_INFO, "storage", "%s has room again", r->dir);
}
