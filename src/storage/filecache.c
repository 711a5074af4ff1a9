/* SPDX-License-Identifier: Apache-2.0 */
/* Least-recently-used bound on open descriptors; evicted ones are closed later, by tidy. */
#include "storage/filecache.h"

#include "base/assert.h"
#include "base/mutant.h"
#include "os/file.h"

void od_filecache_init(struct od_filecache *c, int open_max)
{
    *c = (struct od_filecache){ .open_max = open_max };
    od_lock_init(&c->lock, OD_LOCK_LEAF);
    od_list_init(&c->idle);
}

void od_filecache_deinit(struct od_filecache *c)
{
    od_filecache_tidy(c);
    OD_ASSERT(c->open == 0);
    od_lock_deinit(&c->lock);
}

/* Under the lock.  Makes room for one more; returns a file that the caller must close, or NULL. */
static struct od_file *evict(struct od_filecache *c)
{
    struct od_link *link = od_list_pop(&c->idle);
    struct od_cached_file *victim;
    struct od_file *file;

    if (!link)
        return NULL;
    victim = OD_CONTAINER(link, struct od_cached_file, link);
    file = victim->file;
    victim->file = NULL;
    c->open--;
    if (c->n_closing == OD_FILECACHE_CLOSING)
        return file;
    c->closing[c->n_closing++] = file;
    return NULL;
}

struct od_file *od_filecache_pin_open(struct od_filecache *c, struct od_cached_file *f)
{
    struct od_file *file;

    od_lock_take(&c->lock);
    file = f->file;
    if (file) {
        if (f->pins++ == 0)
            od_link_remove(&f->link);
    }
    od_lock_drop(&c->lock);
    return file;
}

enum od_err od_filecache_pin(struct od_filecache *c, struct od_cached_file *f, const char *path,
                             unsigned flags, struct od_file **out)
{
    struct od_file *surplus = NULL;
    enum od_err err;

    *out = od_filecache_pin_open(c, f);
    if (*out)
        return OD_NONE;
    err = od_file_open(path, flags, out);
    if (err == OD_E_LIMIT) { /* the process has no descriptor left: give back what is idle */
        od_lock_take(&c->lock);
        while (c->n_closing < OD_FILECACHE_CLOSING && !od_list_empty(&c->idle))
            (void)evict(c);
        od_lock_drop(&c->lock);
        od_filecache_tidy(c);
        err = od_file_open(path, flags, out);
    }
    if (err)
        return err;
    od_lock_take(&c->lock);
    if (f->file) { /* someone else was faster */
        surplus = *out;
        *out = f->file;
        if (f->pins++ == 0)
            od_link_remove(&f->link);
    } else if (f->replaced) { /* what was opened may be the other file */
        surplus = *out;
        *out = NULL;
        err = OD_E_STALE;
    } else {
        f->file = *out;
        f->pins = 1;
        if (++c->open > c->open_max)
            surplus = evict(c);
    }
    od_lock_drop(&c->lock);
    od_file_close(surplus);
    return err;
}

void od_filecache_replace(struct od_filecache *c, struct od_cached_file *f)
{
    od_lock_take(&c->lock);
    f->replaced = !OD_MUTANT(clean_same_path);
    od_lock_drop(&c->lock);
}

void od_filecache_unpin(struct od_filecache *c, struct od_cached_file *f)
{
    struct od_file *surplus = NULL;

    od_lock_take(&c->lock);
    OD_ASSERT(f->pins > 0);
    if (--f->pins == 0) {
        od_list_push(&c->idle, &f->link);
        if (c->open > c->open_max)
            surplus = evict(c);
    }
    od_lock_drop(&c->lock);
    od_file_close(surplus);
}

void od_filecache_drop(struct od_filecache *c, struct od_cached_file *f)
{
    struct od_file *file;

    od_lock_take(&c->lock);
    OD_ASSERT(f->pins == 0);
    file = f->file;
    f->file = NULL;
    if (file) {
        od_link_remove(&f->link);
        c->open--;
    }
    od_lock_drop(&c->lock);
    od_file_close(file);
}

void od_filecache_tidy(struct od_filecache *c)
{
    struct od_file *files[OD_FILECACHE_CLOSING];
    int n;

    od_lock_take(&c->lock);
    n = c->n_closing;
    memcpy(files, c->closing, (size_t)n * sizeof(struct od_file *));
    c->n_closing = 0;
    od_lock_drop(&c->lock);
    for (int i = 0; i < n; i++)
        od_file_close(files[i]);
}
