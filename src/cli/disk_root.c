/* SPDX-License-Identifier: Apache-2.0 */
/* Opening a path: lock, manifest, checkpoints, names of partitions. */
#include "cli/disk_root.h"

#include "base/crc32c.h"
#include "base/mem.h"

#include <stdio.h>
#include <string.h>

static const char manifest_name[] = "odradek.manifest";
static const char marker_name[] = ".kafka_cleanshutdown";

const char *od_disk_checkpoint_name(enum od_disk_checkpoint which)
{
    static const char *const names[] = { [OD_DISK_RECOVERY] = "recovery-point-offset-checkpoint",
                                         [OD_DISK_WATERMARK] = "replication-offset-checkpoint",
                                         [OD_DISK_START] = "log-start-offset-checkpoint",
                                         [OD_DISK_COMPACTED] = "cleaner-offset-checkpoint" };

    return names[which];
}

int64_t od_disk_root_offset(const struct od_disk_root *r, enum od_disk_checkpoint which,
                            const char *name, int64_t absent)
{
    const struct od_disk_offsets *rows = &r->tables[which].rows;

    for (size_t i = 0; i < rows->n; i++)
        if (!strcmp(rows->v[i].name, name))
            return rows->v[i].offset;
    return absent;
}

static void add_partition(struct od_disk_root *r, const char *name)
{
    r->partitions = od_realloc(r->partitions, (r->n + 1) * sizeof(*r->partitions));
    r->partitions[r->n++] = od_strdup(name);
}

/* Does it hold a segment, or what else only a partition's directory has? */
static bool is_partition(const struct od_disk_list *l)
{
    return l->n && (l->v[0].kind <= OD_DISK_TXNINDEX ||
                    od_disk_list_named(l, "partition.metadata") ||
                    od_disk_list_named(l, "leader-epoch-checkpoint"));
}

static bool is_log_directory(const struct od_disk_list *l)
{
    return od_disk_list_named(l, "meta.properties") || od_disk_list_named(l, manifest_name) ||
           od_disk_list_named(l, od_disk_checkpoint_name(OD_DISK_RECOVERY));
}

static void set_parent(const char *path, struct od_disk_root *r)
{
    char full[OD_PATH_MAX];
    struct od_str last;

    od_path_absolute(path, full);
    last = od_disk_base_name(full);
    snprintf(r->path, sizeof(r->path), "%.*s", (int)(last.data - full), full);
}

static enum od_err take_lock(struct od_disk_root *r, bool live)
{
    enum od_err err;

    /* No file, no lock: what only reads makes none. */
    r->live = live;
    if (live || !od_disk_list_named(&r->list, ".lock"))
        return OD_NONE;
    err = od_dir_lock(r->path, &r->lock);
    return err;
}

static enum od_err read_table(struct od_disk_root *r, enum od_disk_checkpoint which)
{
    struct od_disk_table *t = &r->tables[which];
    struct od_disk_file file;
    enum od_err err = od_disk_file_read(r->path, od_disk_checkpoint_name(which), &file);

    t->found = !err;
    if (!err)
        t->err = od_disk_offsets_parse((struct od_str){ (const char *)file.data, file.len },
                                       &t->rows, &t->bad_line);
    od_disk_file_free(&file);
    return err == OD_E_NOT_FOUND ? OD_NONE : err;
}

/* The CRC with which a manifest's CLEAN names marker and recovery points. */
static enum od_err stop_crc(struct od_disk_root *r, uint32_t *crc)
{
    const char *const names[] = { marker_name, od_disk_checkpoint_name(OD_DISK_RECOVERY) };
    enum od_err err = OD_NONE;

    *crc = 0;
    for (size_t i = 0; i < OD_COUNT(names) && !err; i++) {
        struct od_disk_file file;

        err = od_disk_file_read(r->path, names[i], &file);
        *crc = od_crc32c_more(*crc, file.data, file.len);
        od_disk_file_free(&file);
        if (err == OD_E_NOT_FOUND)
            err = OD_NONE;
    }
    return err;
}

/* Kafka's start leaves a recovery point checkpoint, or another marker than ours. */
static enum od_err read_manifest(struct od_disk_root *r)
{
    const struct od_disk_record *last;
    struct od_disk_file file;
    uint32_t crc;
    enum od_err err = od_disk_file_read(r->path, manifest_name, &file);

    r->has_manifest = !err;
    if (!err)
        r->manifest_err = od_disk_manifest_parse(&file, &r->manifest, &r->manifest_why);
    od_disk_file_free(&file);
    if (err)
        return err == OD_E_NOT_FOUND ? OD_NONE : err;
    err = stop_crc(r, &crc);
    last = r->manifest.n ? &r->manifest.v[r->manifest.n - 1] : NULL;
    if (r->clean)
        r->trusted = last && last->kind == OD_DISK_CLEAN && last->crc == crc;
    else
        r->trusted = last && !r->tables[OD_DISK_RECOVERY].found;
    return err;
}

static enum od_err read_directory(struct od_disk_root *r, bool live)
{
    enum od_err err = od_disk_list_read(r->path, &r->list);

    r->known = !err && is_log_directory(&r->list);
    if (err || !r->known)
        return err;
    err = take_lock(r, live);
    r->clean = od_disk_list_named(&r->list, marker_name) != NULL;
    for (int i = 0; i < OD_DISK_CHECKPOINTS && !err; i++)
        err = read_table(r, (enum od_disk_checkpoint)i);
    return err ? err : read_manifest(r);
}

enum od_err od_disk_root_open(const char *path, bool live, struct od_disk_root *out)
{
    struct od_str name = od_disk_base_name(path);
    struct od_disk_list list;
    enum od_err err;

    *out = (struct od_disk_root){ 0 };
    err = od_disk_list_read(path, &list);
    out->single = !err && is_partition(&list);
    od_disk_list_free(&list);
    if (err)
        return err;
    if (out->single)
        set_parent(path, out);
    else
        snprintf(out->path, sizeof(out->path), "%s", path);
    err = read_directory(out, live);
    if (err)
        return err;
    if (out->single) {
        char full[OD_PATH_MAX];
        char *own;

        od_path_absolute(path, full);
        name = od_disk_base_name(full);
        own = od_str_dup(name);
        add_partition(out, own);
        od_free(own);
        return OD_NONE;
    }
    for (size_t i = 0; i < out->list.n; i++)
        if (out->list.v[i].kind == OD_DISK_DIRECTORY && od_disk_topic_len(out->list.v[i].name))
            add_partition(out, out->list.v[i].name);
    return out->n || out->known ? OD_NONE : OD_E_NOT_FOUND;
}

void od_disk_root_close(struct od_disk_root *r)
{
    for (size_t i = 0; i < r->n; i++)
        od_free(r->partitions[i]);
    od_free(r->partitions);
    for (int i = 0; i < OD_DISK_CHECKPOINTS; i++)
        od_free(r->tables[i].rows.v);
    od_disk_manifest_free(&r->manifest);
    od_disk_list_free(&r->list);
    od_file_close(r->lock);
    *r = (struct od_disk_root){ 0 };
}
