/* SPDX-License-Identifier: Apache-2.0 */
/* Listing a directory, reading whole files, walking batches. */
#include "cli/disk_log.h"

#include "base/be.h"
#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DIGITS = 20, EXPANDED_BYTES_MAX = 1 << 30, MARKER_KEY_BYTES = 4 };

/* --- a directory ----------------------------------------------------------------------------- */

static bool ends_with(const char *name, const char *suffix)
{
    size_t len = strlen(name), suffix_len = strlen(suffix);

    return len >= suffix_len && !strcmp(name + len - suffix_len, suffix);
}

static enum od_disk_kind kind_of(const char *name, int64_t *base)
{
    static const char *const suffixes[] = { [OD_DISK_LOG] = ".log",
                                            [OD_DISK_INDEX] = ".index",
                                            [OD_DISK_TIMEINDEX] = ".timeindex",
                                            [OD_DISK_TXNINDEX] = ".txnindex",
                                            [OD_DISK_SNAPSHOT] = ".snapshot" };
    static const char *const left[] = { ".cleaned", ".swap", ".deleted", ".tmp" };

    *base = -1;
    for (size_t i = 0; i < OD_COUNT(left); i++)
        if (ends_with(name, left[i]))
            return OD_DISK_LEFTOVER;
    if (!strcmp(name, "leader-epoch-checkpoint"))
        return OD_DISK_EPOCHS;
    if (!strcmp(name, "partition.metadata"))
        return OD_DISK_METADATA;
    if (!strcmp(name, "quorum-state"))
        return OD_DISK_CHECKPOINT;
    if (strlen(name) <= DIGITS ||
        !od_str_to_i64((struct od_str){ name, DIGITS }, 0, INT64_MAX, base)) {
        *base = -1;
        return OD_DISK_OTHER;
    }
    for (size_t i = 0; i < OD_COUNT(suffixes); i++)
        if (!strcmp(name + DIGITS, suffixes[i]))
            return (enum od_disk_kind)i;
    return ends_with(name, ".checkpoint") ? OD_DISK_CHECKPOINT : OD_DISK_OTHER;
}

static enum od_err add_entry(void *arg, const char *name, bool is_dir)
{
    struct od_disk_list *l = arg;
    struct od_disk_entry *e;

    if (l->n == l->capacity) {
        l->capacity = l->capacity ? l->capacity * 2 : 16;
        l->v = od_realloc(l->v, l->capacity * sizeof(*l->v));
    }
    e = &l->v[l->n++];
    *e = (struct od_disk_entry){ .base = -1, .kind = OD_DISK_DIRECTORY };
    snprintf(e->name, sizeof(e->name), "%s", name);
    if (!is_dir)
        e->kind = kind_of(name, &e->base);
    return OD_NONE;
}

static int by_kind(const void *a, const void *b)
{
    const struct od_disk_entry *x = a, *y = b;

    if (x->kind != y->kind)
        return x->kind < y->kind ? -1 : 1;
    if (x->base != y->base)
        return x->base < y->base ? -1 : 1;
    return strcmp(x->name, y->name);
}

static enum od_err measure(const char *dir, struct od_disk_entry *e)
{
    char path[OD_DISK_PATH_MAX + OD_DISK_NAME_BYTES];
    struct od_file *f;
    enum od_err err;

    snprintf(path, sizeof(path), "%s/%s", dir, e->name);
    err = od_file_open(path, OD_FILE_READ | OD_FILE_QUIET, &f);
    if (!err) {
        err = od_file_size(f, &e->bytes);
        od_file_close(f);
    }
    return err == OD_E_NOT_FOUND ? OD_NONE : err; /* of a running broker: gone meanwhile */
}

enum od_err od_disk_list_read(const char *path, struct od_disk_list *out)
{
    enum od_err err;

    *out = (struct od_disk_list){ .path = od_strdup(path) };
    err = od_dir_list(path, add_entry, out);
    for (size_t i = 0; i < out->n && !err; i++)
        if (out->v[i].kind < OD_DISK_OTHER)
            err = measure(path, &out->v[i]);
    if (out->n)
        qsort(out->v, out->n, sizeof(*out->v), by_kind);
    return err;
}

void od_disk_list_free(struct od_disk_list *l)
{
    od_free(l->path);
    od_free(l->v);
    *l = (struct od_disk_list){ 0 };
}

const struct od_disk_entry *od_disk_list_find(const struct od_disk_list *l, enum od_disk_kind kind,
                                              int64_t base)
{
    for (size_t i = 0; i < l->n; i++)
        if (l->v[i].kind == kind && l->v[i].base == base)
            return &l->v[i];
    return NULL;
}

const struct od_disk_entry *od_disk_list_named(const struct od_disk_list *l, const char *name)
{
    for (size_t i = 0; i < l->n; i++)
        if (!strcmp(l->v[i].name, name))
            return &l->v[i];
    return NULL;
}

size_t od_disk_topic_len(const char *name)
{
    const char *dash = strrchr(name, '-');
    int64_t number;

    if (!dash || dash == name || (dash[1] == '0' && dash[2]) ||
        !od_str_to_i64(od_str_of(dash + 1), 0, INT32_MAX, &number))
        return 0;
    return (size_t)(dash - name);
}

struct od_str od_disk_base_name(const char *path)
{
    size_t end = strlen(path), start;

    while (end > 1 && path[end - 1] == '/')
        end--;
    start = end;
    while (start && path[start - 1] != '/')
        start--;
    return (struct od_str){ path + start, end - start };
}

/* --- whole files ----------------------------------------------------------------------------- */

enum od_err od_disk_file_read(const char *dir, const char *name, struct od_disk_file *out)
{
    char path[OD_DISK_PATH_MAX + OD_DISK_NAME_BYTES];
    struct od_file *f;
    int64_t size;
    enum od_err err;

    *out = (struct od_disk_file){ 0 };
    snprintf(path, sizeof(path), "%s/%s", dir, name);
    err = od_file_open(path, OD_FILE_READ | OD_FILE_QUIET, &f);
    if (err)
        return err;
    err = od_file_size(f, &size);
    if (!err && size > OD_DISK_FILE_MAX)
        err = OD_E_LIMIT;
    if (!err) {
        out->data = od_alloc_try((size_t)size + 1);
        err = out->data ? od_file_read(f, out->data, (size_t)size, 0, &out->len) : OD_E_NO_MEMORY;
    }
    od_file_close(f);
    return err;
}

void od_disk_file_free(struct od_disk_file *f)
{
    od_free(f->data);
    *f = (struct od_disk_file){ 0 };
}

/* --- batches --------------------------------------------------------------------------------- */

enum od_err od_disk_batches_open(const char *dir, const char *name, struct od_disk_batches *out)
{
    char path[OD_DISK_PATH_MAX + OD_DISK_NAME_BYTES];
    enum od_err err;

    *out = (struct od_disk_batches){ 0 };
    snprintf(path, sizeof(path), "%s/%s", dir, name);
    err = od_file_open(path, OD_FILE_READ | OD_FILE_QUIET, &out->file);
    if (!err)
        err = od_file_size(out->file, &out->size);
    return err;
}

void od_disk_batches_close(struct od_disk_batches *b)
{
    od_file_close(b->file);
    od_free(b->data);
    *b = (struct od_disk_batches){ 0 };
}

/* len bytes at the next batch, which lie within the file. */
static enum od_err read_bytes(struct od_disk_batches *b, size_t len)
{
    size_t got;
    enum od_err err;

    if (len > b->capacity) {
        od_free(b->data);
        b->capacity = len < 4096 ? 4096 : len;
        b->data = od_alloc_try(b->capacity);
        if (!b->data) {
            b->capacity = 0;
            return OD_E_NO_MEMORY;
        }
    }
    err = od_file_read(b->file, b->data, len, b->pos, &got);
    return !err && got < len ? OD_E_TRUNCATED : err;
}

static enum od_err not_there(const char **why, const char *text, enum od_err err)
{
    *why = text;
    return err;
}

enum od_err od_disk_batches_next(struct od_disk_batches *b, struct od_disk_batch *out,
                                 const char **why)
{
    int64_t left = b->size - b->pos;
    enum od_err err;

    *why = NULL;
    *out = (struct od_disk_batch){ .pos = b->pos };
    if (!left)
        return OD_E_NOT_FOUND;
    if (left < OD_BATCH_HEADER_BYTES)
        return not_there(why, "fewer bytes than a batch's header has", OD_E_TRUNCATED);
    err = read_bytes(b, OD_BATCH_HEADER_BYTES);
    if (err)
        return not_there(why, "cannot be read", err);
    err = od_batch_parse(b->data, OD_BATCH_HEADER_BYTES, &out->h);
    if (err == OD_UNSUPPORTED_FOR_MESSAGE_FORMAT)
        return not_there(why, "a message of format 0 or 1", err);
    if (err)
        return not_there(why, "not a batch's header", err);
    out->len = od_batch_bytes(&out->h);
    if ((int64_t)out->len > left)
        return not_there(why, "a batch longer than the file", OD_E_TRUNCATED);
    err = read_bytes(b, out->len);
    if (err)
        return not_there(why, "cannot be read", err);
    out->data = b->data;
    out->crc_fits = !od_batch_check(b->data, &out->h);
    b->pos += (int64_t)out->len;
    return OD_NONE;
}

enum od_err od_disk_records(const struct od_disk_batch *b,
                            void (*each)(void *arg, const struct od_record *record), void *arg)
{
    struct od_expand_limits limits = { .total_bytes = EXPANDED_BYTES_MAX };
    struct od_record_stream stream;
    struct od_record record;
    enum od_err err = od_record_stream_open(&stream, b->data, &b->h, &limits);

    while (!err) {
        err = od_record_stream_next(&stream, &record);
        if (!err)
            each(arg, &record);
    }
    od_record_stream_close(&stream);
    return err == OD_E_NOT_FOUND ? OD_NONE : err;
}

static void marker_kind(void *arg, const struct od_record *r)
{
    if (r->key.len >= MARKER_KEY_BYTES)
        *(int *)arg = (int16_t)od_be16_load(r->key.data + 2);
}

int od_disk_marker_kind(const struct od_disk_batch *b)
{
    int kind = -1;

    return od_disk_records(b, marker_kind, &kind) ? -1 : kind;
}
