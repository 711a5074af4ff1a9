/* SPDX-License-Identifier: Apache-2.0 */
/* Snapshot files: found by name, written in pieces, read in pieces. */
#include "meta/metasnapshot.h"

#include "base/log.h"
#include "base/mem.h"
#include "core/cluster/image_records.h"
#include "meta/metabatch.h"
#include "os/file.h"

#include <stdio.h>
#include <stdlib.h>

enum { END_DIGITS = 20, EPOCH_DIGITS = 10, PIECE_RECORDS = 1000, WINDOW_BYTES = 1 << 20 };

static const char suffix[] = ".checkpoint", part[] = ".checkpoint.part";

static void path_of(const char *dir, struct od_metasnapshot_id id, const char *end, char *out)
{
    snprintf(out, OD_PATH_MAX, "%s/%0*lld-%0*d%s", dir, END_DIGITS, (long long)id.end_offset,
             EPOCH_DIGITS, id.epoch, end);
}

/* --- finding ---------------------------------------------------------------------------------- */

struct finding {
    const char *dir;
    struct od_metasnapshot_list *list;
};

static bool parse_name(const char *name, struct od_metasnapshot_id *out)
{
    int64_t end, epoch;

    if (strlen(name) != END_DIGITS + 1 + EPOCH_DIGITS + sizeof(suffix) - 1 ||
        name[END_DIGITS] != '-' || strcmp(name + END_DIGITS + 1 + EPOCH_DIGITS, suffix) != 0 ||
        !od_str_to_i64((struct od_str){ name, END_DIGITS }, 0, INT64_MAX, &end) ||
        !od_str_to_i64((struct od_str){ name + END_DIGITS + 1, EPOCH_DIGITS }, 0, INT32_MAX,
                       &epoch))
        return false;
    *out = (struct od_metasnapshot_id){ end, (int32_t)epoch };
    return true;
}

static enum od_err take_name(void *arg, const char *name, bool is_dir)
{
    struct finding *f = arg;
    size_t len = strlen(name);
    struct od_metasnapshot_id id;
    char path[OD_PATH_MAX];

    if (is_dir)
        return OD_NONE;
    if (len > sizeof(part) - 1 && strcmp(name + len - (sizeof(part) - 1), part) == 0) {
        snprintf(path, sizeof(path), "%s/%s", f->dir, name);
        return od_path_remove(path);
    }
    if (!parse_name(name, &id))
        return OD_NONE;
    f->list->v = od_realloc(f->list->v, (size_t)(f->list->n + 1) * sizeof(id));
    f->list->v[f->list->n++] = id;
    return OD_NONE;
}

static int newest_first(const void *a, const void *b)
{
    const struct od_metasnapshot_id *x = a, *y = b;

    if (x->end_offset != y->end_offset)
        return x->end_offset < y->end_offset ? 1 : -1;
    return (x->epoch < y->epoch) - (x->epoch > y->epoch);
}

enum od_err od_metasnapshots_find(const char *dir, struct od_metasnapshot_list *out)
{
    struct finding f = { dir, out };
    enum od_err err;

    *out = (struct od_metasnapshot_list){ 0 };
    err = od_dir_list(dir, take_name, &f);
    if (out->n)
        qsort(out->v, (size_t)out->n, sizeof(*out->v), newest_first);
    return err;
}

void od_metasnapshots_deinit(struct od_metasnapshot_list *l)
{
    od_free(l->v);
    *l = (struct od_metasnapshot_list){ 0 };
}

enum od_err od_metasnapshot_remove(const char *dir, struct od_metasnapshot_id id)
{
    char path[OD_PATH_MAX];

    path_of(dir, id, suffix, path);
    return od_path_remove(path);
}

/* --- writing ---------------------------------------------------------------------------------- */

struct writing {
    struct od_file *file;
    int64_t pos;    /* in the file */
    int64_t offset; /* of the next record */
    int32_t epoch;
    int64_t timestamp;
};

/* Writes the batch and frees it. */
static enum od_err put(struct writing *w, enum od_err err, struct od_metabatch *b)
{
    struct od_span span = { b->data, b->len };
    size_t done;

    if (!err)
        err = od_file_write(w->file, &span, 1, w->pos, &done);
    w->pos += (int64_t)b->len;
    w->offset += b->count;
    od_metabatch_deinit(b);
    return err;
}

static enum od_err put_image(struct writing *w, const struct od_image *image)
{
    struct od_image_records walk = od_image_records_begin(image);
    struct od_record_list records;
    struct od_arena arena = { 0 };
    enum od_err err = OD_NONE;

    while (!err && od_image_records_next(&walk, PIECE_RECORDS, &arena, &records)) {
        struct od_metabatch b = { 0 };

        err = od_metabatch_build(&b, &records, w->offset, w->epoch, w->timestamp);
        err = put(w, err, &b);
        od_arena_reset(&arena);
    }
    od_arena_reset(&arena);
    return err;
}

static enum od_err write_all(struct writing *w, const struct od_image *image)
{
    struct od_metabatch b = { 0 };
    enum od_err err = od_metabatch_snapshot_header(&b, w->offset, w->epoch, w->timestamp);

    err = put(w, err, &b);
    if (!err)
        err = put_image(w, image);
    if (!err) {
        err = od_metabatch_snapshot_footer(&b, w->offset, w->epoch, w->timestamp);
        err = put(w, err, &b);
    }
    return err ? err : od_file_sync(w->file);
}

enum od_err od_metasnapshot_write(const char *dir, const struct od_image *image,
                                  int64_t timestamp_ms)
{
    struct od_metasnapshot_id id = { image->offset + 1, image->epoch };
    struct writing w = { .epoch = image->epoch, .timestamp = timestamp_ms };
    char path[OD_PATH_MAX], draft[OD_PATH_MAX];
    enum od_err err;

    path_of(dir, id, suffix, path);
    path_of(dir, id, part, draft);
    err = od_file_open(draft, OD_FILE_WRITE | OD_FILE_CREATE | OD_FILE_TRUNCATE, &w.file);
    if (err)
        return err;
    err = write_all(&w, image);
    od_file_close(w.file);
    if (!err)
        err = od_path_rename(draft, path);
    if (err) {
        (void)!od_path_remove(draft); /* else the next start does */
        return err;
    }
    return od_dir_sync(dir);
}

/* --- reading ---------------------------------------------------------------------------------- */

struct reading {
    struct od_file *file;
    struct od_edit *edit;
    uint8_t *data; /* owned */
    size_t len, capacity;
    int64_t pos; /* of data in the file */
    int64_t batches;
    bool footer; /* the last batch ended the snapshot */
    struct od_text why;
};

/* Reads until `len` bytes are at hand; fewer: the file ends. */
static enum od_err fill(struct reading *r, size_t len)
{
    size_t want = len > WINDOW_BYTES ? len : WINDOW_BYTES, got = 0;
    enum od_err err;

    if (r->len >= len)
        return OD_NONE;
    if (want > OD_METABATCH_BYTES_MAX)
        return OD_E_CORRUPT;
    if (want > r->capacity) {
        r->data = od_realloc(r->data, want);
        r->capacity = want;
    }
    err = od_file_read(r->file, r->data + r->len, want - r->len, r->pos + (int64_t)r->len, &got);
    r->len += got;
    return err;
}

static void drop(struct reading *r, size_t len)
{
    memmove(r->data, r->data + len, r->len - len);
    r->len -= len;
    r->pos += (int64_t)len;
}

static enum od_err take_batch(struct reading *r, const struct od_batch_header *h)
{
    int type = -1;
    enum od_err err = od_batch_check(r->data, h);

    if (!err && h->attributes & OD_BATCH_CONTROL)
        err = od_metabatch_control_type(r->data, h, &type);
    if (err)
        return err;
    if (r->batches++ == 0 && type != OD_CONTROL_SNAPSHOT_HEADER)
        return OD_E_CORRUPT;
    r->footer = type == OD_CONTROL_SNAPSHOT_FOOTER;
    return od_metabatch_apply(r->data, h, r->edit, &r->why);
}

/* One batch; *more is false at the end of the file. */
static enum od_err read_batch(struct reading *r, bool *more)
{
    struct od_batch_header h;
    enum od_err err = fill(r, OD_BATCH_HEADER_BYTES);

    *more = !err && r->len > 0;
    if (!*more)
        return err;
    err = od_batch_parse(r->data, r->len, &h);
    if (!err)
        err = fill(r, od_batch_bytes(&h));
    if (!err && r->len < od_batch_bytes(&h))
        err = OD_E_TRUNCATED;
    if (!err)
        err = take_batch(r, &h);
    if (!err)
        drop(r, od_batch_bytes(&h));
    return err;
}

enum od_err od_metasnapshot_read(const char *dir, struct od_metasnapshot_id id,
                                 struct od_edit *edit)
{
    struct reading r = { .edit = edit };
    char path[OD_PATH_MAX];
    bool more = true;
    enum od_err err;

    path_of(dir, id, suffix, path);
    err = od_file_open(path, OD_FILE_READ, &r.file);
    while (!err && more)
        err = read_batch(&r, &more);
    if (!err && !r.footer)
        err = OD_E_TRUNCATED;
    if (err)
        od_log(OD_LOG_ERROR, "meta", "%s at byte %lld: %s", path, (long long)r.pos,
               r.why.len ? od_text_get(&r.why) : od_err_text(err));
    od_file_close(r.file);
    od_text_reset(&r.why);
    od_free(r.data);
    return err == OD_E_TRUNCATED || err == OD_CORRUPT_MESSAGE ? OD_E_CORRUPT : err;
}
