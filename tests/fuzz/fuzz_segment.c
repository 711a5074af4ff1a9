/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Recovery of a segment's file, compared with a naive reader: the whole batches in front are kept,
 * what the index and the damages say is true, and a second recovery of what is left changes
 * nothing.
 * Input: flags (1 gaps, 2 power cut, 4 a segment follows, 8 put CRCs right), durable end, file.
 */
#include "base/assert.h"
#include "base/be.h"
#include "base/crc32c.h"
#include "base/mem.h"
#include "os/file.h"
#include "storage/recover.h"

#include <unistd.h>

enum { GAPS = 1, POWER_CUT = 2, FOLLOWED = 4, FIX_CRC = 8 };
enum { FILE_BYTES_MAX = 1 << 16, NEXT_BASE = 1000 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool ignore_epoch(void *arg, int32_t epoch, int64_t start_offset)
{
    (void)arg, (void)epoch, (void)start_offset;
    return false;
}

/* Without this no mutation of a batch's inside would get past the checksum. */
static void fix_crcs(uint8_t *file, size_t len)
{
    struct od_batch_head head;

    for (size_t pos = 0; len - pos >= OD_BATCH_HEAD_BYTES; pos += (size_t)head.len) {
        if (!od_batch_head_read(file + pos, &head) || (size_t)head.len > len - pos)
            return;
        od_be32_store(file + pos + 17, od_crc32c(file + pos + OD_BATCH_CRC_POS,
                                                 (size_t)head.len - OD_BATCH_CRC_POS));
    }
}

/* Bytes and end offset of the whole batches in front that follow each other. */
static size_t naive(const uint8_t *file, size_t len, uint8_t flags, int64_t *end)
{
    struct od_batch_head head;
    size_t pos = 0;

    *end = 0;
    while (len - pos >= OD_BATCH_HEAD_BYTES) {
        if (!od_batch_head_read(file + pos, &head) || (size_t)head.len > len - pos ||
            head.last_offset >= (flags & FOLLOWED ? NEXT_BASE : INT32_MAX))
            break;
        if (flags & GAPS ? head.base_offset < *end : head.base_offset != *end)
            break;
        if (head.crc !=
            od_crc32c(file + pos + OD_BATCH_CRC_POS, (size_t)head.len - OD_BATCH_CRC_POS))
            break;
        *end = head.last_offset + 1;
        pos += (size_t)head.len;
    }
    return pos;
}

static void check(const struct od_segment *s, const uint8_t *file, size_t front, int64_t front_end)
{
    struct od_batch_head head;
    int64_t pos = 0;

    OD_ASSERT(s->size >= (int64_t)front && s->end_offset >= front_end);
    OD_ASSERT(s->n_damages || s->size == (int64_t)front);
    for (uint32_t i = 0; s->index && i < s->index->n; i++) {
        const struct od_index_entry *e = &s->index->entries[i];

        OD_ASSERT(e->pos < s->size && od_batch_head_read(file + e->pos, &head));
        OD_ASSERT(head.base_offset == e->first && head.last_offset == e->last);
        OD_ASSERT(i == 0 || (e->pos > e[-1].pos && e->first > e[-1].last));
    }
    for (uint32_t i = 0; i < s->n_damages; i++) {
        const struct od_damage *d = &s->damages[i];

        OD_ASSERT(d->pos >= pos && d->end_pos >= d->pos && d->end_pos <= s->size);
        OD_ASSERT(d->first_offset < d->next_offset && d->next_offset <= s->end_offset);
        pos = d->end_pos;
    }
}

static struct od_segment *recover(struct od_filecache *cache, struct od_plog_dir *dir,
                                  struct od_file *f, int64_t len, uint8_t flags, int64_t durable)
{
    struct od_recovery r = { .segment = od_segment_new(cache, dir, 0),
                             .file = f,
                             .file_size = len,
                             .durable_end = durable,
                             .next_base = flags & FOLLOWED ? NEXT_BASE : -1,
                             .index_interval_bytes = 100,
                             .gaps_allowed = flags & GAPS,
                             .power_cut = flags & POWER_CUT,
                             .epoch = ignore_epoch };
    enum od_err err = od_recover(&r);

    OD_ASSERT(!err);
    return r.segment;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t file[FILE_BYTES_MAX];
    const char *root = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    struct od_filecache cache;
    struct od_plog_dir *dir;
    struct od_segment *first, *second;
    struct od_span span;
    struct od_file *f;
    char path[64];
    size_t put, front;
    int64_t front_end;
    enum od_err err;

    if (size < 2 || size - 2 > sizeof(file))
        return 0;
    span = (struct od_span){ file, size - 2 };
    memcpy(file, data + 2, span.len);
    if (data[0] & FIX_CRC)
        fix_crcs(file, span.len);
    snprintf(path, sizeof(path), "%s/odradek-fuzz.%d", root, (int)getpid());
    err = od_file_open(path, OD_FILE_WRITE | OD_FILE_CREATE | OD_FILE_TRUNCATE, &f);
    OD_ASSERT(!err);
    err = span.len ? od_file_write(f, &span, 1, 0, &put) : OD_NONE;
    OD_ASSERT(!err);
    od_filecache_init(&cache, 8);
    dir = od_plog_dir_new(root, "fuzz");
    front = naive(file, span.len, data[0], &front_end);
    first = recover(&cache, dir, f, (int64_t)span.len, data[0], data[1]);
    check(first, file, front, front_end);
    second = recover(&cache, dir, f, first->size, data[0], data[1]);
    check(second, file, front, front_end);
    OD_ASSERT(first->size == second->size && first->end_offset == second->end_offset);
    OD_ASSERT(first->n_damages == second->n_damages);
    od_segment_unref(first);
    od_segment_unref(second);
    od_plog_dir_unref(dir);
    od_filecache_deinit(&cache);
    od_file_close(f);
    err = od_path_remove(path);
    OD_ASSERT(!err);
    return 0;
}
