/* SPDX-License-Identifier: Apache-2.0 */
/* Directories and names on a simulated disk. */
#include "base/mem.h"
#include "os/file.h"
#include "os/sim/disk.h"

static enum od_err rename_path(struct od_disk *d, const char *from, const char *to)
{
    const char *from_name, *to_name;
    struct od_inode *from_dir = od_disk_parent(d, from, &from_name);
    struct od_inode *to_dir = od_disk_parent(d, to, &to_name);
    struct od_inode *replaced;

    if (!from_dir || !to_dir || !od_disk_lookup(from_dir, from_name))
        return OD_E_NOT_FOUND;
    replaced = od_disk_lookup(to_dir, to_name);
    if (replaced == od_disk_lookup(from_dir, from_name))
        return OD_NONE;
    if (replaced && replaced->is_dir && replaced->names.count > 0)
        return OD_E_EXISTS;
    od_disk_rename(d, from_dir, from_name, to_dir, to_name);
    return OD_NONE;
}

enum od_err od_path_rename(const char *from, const char *to)
{
    enum od_err err = od_disk_begin(OD_SIM_DISK_RENAME, to);

    od_disk_take_us(10);
    if (err == OD_NONE)
        err = rename_path(od_sim_here()->disk, from, to);
    return od_disk_end(err, "rename to", to);
}

static enum od_err remove_path(struct od_disk *d, const char *path)
{
    const char *name;
    struct od_inode *dir = od_disk_parent(d, path, &name);
    struct od_inode *inode = dir ? od_disk_lookup(dir, name) : NULL;

    if (!inode)
        return OD_E_NOT_FOUND;
    if (inode->is_dir && inode->names.count > 0)
        return OD_E_EXISTS;
    od_disk_name(d, dir, name, NULL);
    return OD_NONE;
}

enum od_err od_path_remove(const char *path)
{
    enum od_err err = od_disk_begin(OD_SIM_DISK_REMOVE, path);

    od_disk_take_us(10);
    if (err == OD_NONE)
        err = remove_path(od_sim_here()->disk, path);
    return od_disk_end(err, "remove", path);
}

static enum od_err make_path(struct od_disk *d, char *path)
{
    for (char *end = path;; end++) {
        char kept = *end;
        const char *name;
        struct od_inode *dir, *found;

        if ((kept != '/' && kept != '\0') || end == path)
            continue;
        *end = '\0';
        found = od_disk_find(d, path);
        if (found && !found->is_dir)
            return OD_E_EXISTS;
        if (!found) {
            dir = od_disk_parent(d, path, &name);
            od_disk_name(d, dir, name, od_disk_inode_new(d, true));
        }
        *end = kept;
        if (kept == '\0')
            return OD_NONE;
    }
}

enum od_err od_path_modified_ms(const char *path, int64_t *ms)
{
    enum od_err err = od_disk_begin(OD_SIM_DISK_OPEN, path);
    const struct od_inode *inode = od_disk_find(od_sim_here()->disk, path);

    if (err == OD_NONE && !inode)
        err = OD_E_NOT_FOUND;
    if (err == OD_NONE)
        *ms = inode->modified_ms;
    if (err == OD_E_NOT_FOUND) {
        (void)od_disk_end(OD_NONE, "stat", path);
        return err;
    }
    return od_disk_end(err, "stat", path);
}

enum od_err od_dir_make(const char *path)
{
    enum od_err err = od_disk_begin(OD_SIM_DISK_OPEN, path);

    od_disk_take_us(20);
    if (err == OD_NONE) {
        char *copy = od_strdup(path);
        size_t len = strlen(copy);

        while (len > 1 && copy[len - 1] == '/')
            copy[--len] = '\0';
        err = make_path(od_sim_here()->disk, copy);
        od_free(copy);
    }
    return od_disk_end(err, "mkdir", path);
}

enum od_err od_dir_sync(const char *path)
{
    enum od_err err = od_disk_begin(OD_SIM_DISK_DIR_SYNC, path);
    struct od_disk *d = od_sim_here()->disk;
    struct od_inode *dir;

    od_disk_wait_us(50 + (int64_t)od_rng_below(&od_world.disk, 1000));
    dir = od_disk_find(d, path);
    if (err == OD_NONE && (!dir || !dir->is_dir))
        err = OD_E_NOT_FOUND;
    if (err == OD_NONE)
        od_disk_sync_names(d, dir);
    return od_disk_end(err, "sync directory", path);
}

enum od_err od_dir_list(const char *path,
                        enum od_err (*each)(void *arg, const char *name, bool is_dir), void *arg)
{
    enum od_err err = od_disk_begin(OD_SIM_DISK_OPEN, path);
    struct od_inode *dir = od_disk_find(od_sim_here()->disk, path);
    struct od_entry *copy;
    int count;

    if (err == OD_NONE && (!dir || !dir->is_dir))
        err = OD_E_NOT_FOUND;
    if (err != OD_NONE)
        return od_disk_end(err, "list", path);
    count = dir->names.count; /* a copy: each may change the directory */
    copy = od_alloc((size_t)count * sizeof(*copy));
    for (int i = 0; i < count; i++) {
        int j = (int)od_rng_below(&od_world.disk, (uint64_t)i + 1);

        copy[i] = copy[j]; /* shuffled: the order is unspecified */
        copy[j] = (struct od_entry){ od_strdup(dir->names.v[i].name), dir->names.v[i].inode };
    }
    for (int i = 0; i < count; i++) {
        if (err == OD_NONE)
            err = each(arg, copy[i].name, copy[i].inode->is_dir);
        od_free(copy[i].name);
    }
    od_free(copy);
    (void)od_disk_end(OD_NONE, "list", path);
    return err;
}

void od_path_absolute(const char *path, char *out)
{
    snprintf(out, OD_PATH_MAX, "%s", path);
}

enum od_err od_dir_space(const char *path, int64_t *free_bytes, int64_t *total_bytes)
{
    const struct od_disk *d = od_sim_here()->disk;

    (void)path;
    *total_bytes = d->capacity;
    *free_bytes = d->capacity > d->used ? d->capacity - d->used : 0;
    return OD_NONE;
}
