/* SPDX-License-Identifier: Apache-2.0 */
/* Producer snapshot files. */
#include "storage/snapshot.h"

#include "base/arena.h"
#include "base/assert.h"
#include "base/be.h"
#include "base/crc32c.h"
#include "base/log.h"
#include "base/mem.h"
#include "os/file.h"
#include "storage/smallfile.h"
#include "wire/writer.h"

enum {
    VERSION = 1,
    CRC_POS = 2,
    ENTRIES_POS = 6, /* the checksum counts from here */
    BASE_DIGITS = 20,
    SNAPSHOTS_MAX = 1 << 20,
};

static void name_of(int64_t offset, char out[OD_SNAPSHOT_NAME_BYTES])
{
    snprintf(out, OD_SNAPSHOT_NAME_BYTES, "%020lld.snapshot", (long long)offset);
}

uint8_t *od_snapshot_print(const struct od_producers *t, size_t *len)
{
    size_t n = t ? od_producers_snapshot_entries(t) : 0;
    struct od_producer_snapshot_producer *entries = od_alloc((n + 1) * sizeof(*entries));
    struct od_producer_snapshot snapshot = { 0 };
    struct od_size size = { 0 };
    struct od_writer w;
    uint8_t *data;
    enum od_err err;

    if (t)
        od_producers_save(t, entries, &snapshot);
    err = od_producer_snapshot_size(&snapshot, VERSION, &size);
    OD_ASSERT(!err);
    *len = CRC_POS + size.wire;
    data = od_alloc(*len);
    od_be16_store(data, VERSION);
    w = od_writer_of(data + CRC_POS, size.wire);
    err = od_producer_snapshot_encode(&w, VERSION, &snapshot);
    OD_ASSERT(!err && w.p == w.end);
    od_be32_store(data + CRC_POS, od_crc32c(data + ENTRIES_POS, *len - ENTRIES_POS));
    od_free(entries);
    return data;
}

static enum od_err parse(const uint8_t *data, size_t len, int64_t offset, struct od_producers *t)
{
    struct od_producer_snapshot snapshot;
    struct od_arena arena = { 0 };
    struct od_reader r;
    enum od_err err;

    if (len < ENTRIES_POS || od_be16_load(data) != VERSION ||
        od_be32_load(data + CRC_POS) != od_crc32c(data + ENTRIES_POS, len - ENTRIES_POS))
        return OD_E_CORRUPT;
    r = od_reader_of(data + CRC_POS, len - CRC_POS);
    err = od_producer_snapshot_decode(&r, VERSION, &arena, &snapshot);
    if (!err && od_reader_left(&r) == 0)
        err = od_producers_load(t, offset, &snapshot);
    else
        err = OD_E_CORRUPT;
    od_arena_reset(&arena);
    return err;
}

enum od_err od_snapshot_read(const char *dir, int64_t offset, struct od_producers *t)
{
    char name[OD_SNAPSHOT_NAME_BYTES];
    struct od_text text = { 0 };
    enum od_err err;

    name_of(offset, name);
    err = od_smallfile_read(dir, name, &text);
    if (!err)
        err = parse((const uint8_t *)od_text_get(&text), text.len, offset, t);
    od_text_reset(&text);
    if (err == OD_E_CORRUPT)
        od_log(OD_LOG_WARN, "storage", "%s/%s is damaged and is not used", dir, name);
    return err;
}

enum od_err od_snapshot_write(const char *dir, int64_t offset, const void *data, size_t len)
{
    char name[OD_SNAPSHOT_NAME_BYTES];

    name_of(offset, name);
    return od_smallfile_replace(dir, name, (struct od_str){ data, len });
}

enum od_err od_snapshot_remove(const char *dir, int64_t offset)
{
    char path[OD_PATH_MAX];
    enum od_err err;

    snprintf(path, sizeof(path), "%s/%020lld.snapshot", dir, (long long)offset);
    err = od_path_remove(path);
    return err == OD_E_NOT_FOUND ? OD_NONE : err;
}

static enum od_err each_file(void *arg, const char *name, bool is_dir)
{
    struct od_snapshot_list *l = arg;
    int64_t offset;

    if (is_dir || strlen(name) != OD_SNAPSHOT_NAME_BYTES - 1 ||
        strcmp(name + BASE_DIGITS, ".snapshot") != 0 ||
        !od_str_to_i64((struct od_str){ name, BASE_DIGITS }, 0, INT64_MAX, &offset))
        return OD_NONE;
    if (l->n == SNAPSHOTS_MAX)
        return OD_E_LIMIT;
    if (l->n == l->capacity) {
        l->capacity = l->capacity ? l->capacity * 2 : 8;
        l->v = od_realloc(l->v, l->capacity * sizeof(*l->v));
    }
    l->v[l->n++] = offset;
    return OD_NONE;
}

static int by_value(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

enum od_err od_snapshot_list(const char *dir, struct od_snapshot_list *out)
{
    enum od_err err;

    *out = (struct od_snapshot_list){ 0 };
    err = od_dir_list(dir, each_file, out);
    if (out->n)
        qsort(out->v, out->n, sizeof(*out->v), by_value);
    return err;
}
