/* SPDX-License-Identifier: Apache-2.0 */
/* The transaction index of a segment. */
#include "storage/aborted.h"

#include "base/be.h"
#include "base/crc32c.h"
#include "base/log.h"
#include "base/mem.h"
#include "os/file.h"

struct od_aborted *od_aborted_new(void)
{
    return OD_NEW(struct od_aborted);
}

void od_aborted_free(struct od_aborted *a)
{
    if (a)
        od_free(a->v);
    od_free(a);
}

void od_aborted_add(struct od_aborted *a, const struct od_aborted_txn *txn)
{
    if (a->n == a->capacity) {
        a->capacity = a->capacity ? a->capacity * 2 : 4;
        a->v = od_realloc(a->v, a->capacity * sizeof(*a->v));
    }
    a->v[a->n++] = *txn;
}

void od_aborted_cut(struct od_aborted *a, int64_t offset)
{
    while (a->n && a->v[a->n - 1].last_offset >= offset)
        a->n--;
    if (a->on_disk > a->n)
        a->on_disk = a->n;
}

uint8_t *od_aborted_print(const struct od_aborted *a, uint32_t first, uint32_t n)
{
    uint8_t *data = od_alloc((size_t)n * OD_ABORTED_BYTES);

    for (uint32_t i = 0; i < n; i++) {
        const struct od_aborted_txn *t = &a->v[first + i];
        uint8_t *at = data + (size_t)i * OD_ABORTED_BYTES;

        od_be16_store(at, 0);
        od_be64_store(at + 2, (uint64_t)t->producer_id);
        od_be64_store(at + 10, (uint64_t)t->first_offset);
        od_be64_store(at + 18, (uint64_t)t->last_offset);
        od_be64_store(at + 26, (uint64_t)t->last_stable_offset);
    }
    return data;
}

uint32_t od_aborted_crc(const struct od_aborted *a)
{
    uint8_t *data = od_aborted_print(a, 0, a->n);
    uint32_t crc = od_crc32c(data, (size_t)a->n * OD_ABORTED_BYTES);

    od_free(data);
    return crc;
}

static enum od_err parse(const uint8_t *data, size_t len, int64_t base, int64_t end,
                         struct od_aborted *out)
{
    for (size_t pos = 0; pos + OD_ABORTED_BYTES <= len; pos += OD_ABORTED_BYTES) {
        const uint8_t *at = data + pos;
        struct od_aborted_txn t = { .producer_id = (int64_t)od_be64_load(at + 2),
                                    .first_offset = (int64_t)od_be64_load(at + 10),
                                    .last_offset = (int64_t)od_be64_load(at + 18),
                                    .last_stable_offset = (int64_t)od_be64_load(at + 26) };

        if (t.last_offset >= end) /* of a tail that is gone */
            break;
        if (od_be16_load(at) != 0 || t.producer_id < 0 || t.first_offset < 0 ||
            t.first_offset >= t.last_offset || t.last_offset < base ||
            (out->n && out->v[out->n - 1].last_offset >= t.last_offset))
            return OD_E_CORRUPT;
        od_aborted_add(out, &t);
    }
    out->on_disk = out->n;
    return OD_NONE;
}

static enum od_err read_all(const char *path, uint8_t **data, size_t *len)
{
    struct od_file *f;
    int64_t size;
    enum od_err err = od_file_open(path, OD_FILE_READ | OD_FILE_QUIET, &f);

    *data = NULL;
    *len = 0;
    if (err)
        return err == OD_E_NOT_FOUND ? OD_NONE : err;
    err = od_file_size(f, &size);
    if (!err && size > INT32_MAX) /* a segment has no room for so many markers */
        err = OD_E_CORRUPT;
    if (!err && size) {
        *data = od_alloc_try((size_t)size);
        err = *data ? od_file_read(f, *data, (size_t)size, 0, len) : OD_E_NO_MEMORY;
    }
    od_file_close(f);
    return err;
}

enum od_err od_aborted_read(const char *path, int64_t base, int64_t end, struct od_aborted **out)
{
    struct od_aborted *a = od_aborted_new();
    uint8_t *data;
    size_t len;
    enum od_err err = read_all(path, &data, &len);

    if (!err)
        err = parse(data, len, base, end, a);
    od_free(data);
    if (err == OD_E_CORRUPT)
        od_log(OD_LOG_WARN, "storage", "%s is damaged and will be made anew from the log", path);
    *out = NULL;
    if (err || !a->n)
        od_aborted_free(a);
    else
        *out = a;
    return err;
}

enum od_err od_aborted_write(const char *path, int64_t pos, const void *data, size_t len)
{
    struct od_span span = { data, len };
    struct od_file *f;
    size_t put;
    enum od_err err = od_file_open(path, OD_FILE_WRITE | OD_FILE_CREATE, &f);

    if (err)
        return err;
    err = od_file_truncate(f, pos);
    if (!err && len)
        err = od_file_write(f, &span, 1, pos, &put);
    if (!err)
        err = od_file_sync(f);
    od_file_close(f);
    return err;
}
