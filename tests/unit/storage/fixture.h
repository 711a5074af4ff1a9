/* SPDX-License-Identifier: Apache-2.0 */
/* Batches with known contents, a log to put them in, and reading back through the two steps. */
#pragma once

#include "base/be.h"
#include "base/crc32c.h"
#include "base/mem.h"
#include "os/file.h"
#include "storage/plog_internal.h"
#include "test.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Writes a batch of count records' worth of offsets and body filler bytes; returns its length. */
static inline size_t batch_make(uint8_t *out, int64_t base, int32_t count, int32_t epoch,
                                int64_t timestamp, size_t body)
{
    size_t len = OD_BATCH_HEAD_BYTES + body;

    memset(out, 0, len);
    od_be64_store(out, (uint64_t)base);
    od_be32_store(out + 8, (uint32_t)(len - OD_BATCH_PREFIX_BYTES));
    od_be32_store(out + 12, (uint32_t)epoch);
    out[16] = 2;
    od_be32_store(out + 23, (uint32_t)(count - 1));
    od_be64_store(out + 27, (uint64_t)timestamp);
    od_be64_store(out + 35, (uint64_t)timestamp);
    od_be64_store(out + 43, UINT64_MAX);
    od_be16_store(out + 51, UINT16_MAX);
    od_be32_store(out + 53, UINT32_MAX);
    od_be32_store(out + 57, (uint32_t)count);
    for (size_t i = 0; i < body; i++)
        out[OD_BATCH_HEAD_BYTES + i] = (uint8_t)((size_t)base * 31 + i * 7 + 1);
    od_be32_store(out + 17, od_crc32c(out + OD_BATCH_CRC_POS, len - OD_BATCH_CRC_POS));
    return len;
}

static inline struct od_plog_batch batch_of(const uint8_t *data, size_t len)
{
    struct od_batch_head h;
    bool ok = od_batch_head_read(data, &h);

    CHECK(ok);
    return (struct od_plog_batch){ data, len, h.base_offset, h.last_offset, h.max_timestamp,
                                   h.leader_epoch };
}

static inline struct od_uuid topic_id(void)
{
    struct od_uuid id = { { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16 } };

    return id;
}

static inline enum od_err store_open(const char *path, struct od_storage **out)
{
    struct od_storage_options o = { .path = path, .node_id = 1 };

    return od_storage_open(&o, out);
}

static inline enum od_err log_open(struct od_storage *s, const struct od_plog_config *config,
                                   struct od_plog **out)
{
    return od_plog_open(s, OD_STR("events"), 0, topic_id(), config, true, out);
}

static inline enum od_err append_one(struct od_plog *p, int32_t count, int32_t epoch,
                                     int64_t timestamp, size_t body)
{
    static uint8_t data[1 << 20];
    size_t len = batch_make(data, od_plog_end_offset(p), count, epoch, timestamp, body);
    struct od_plog_batch b = batch_of(data, len);
    int done;

    return od_plog_append(p, &b, 1, &done);
}

static inline enum od_err flush_now(struct od_plog *p)
{
    struct od_plog_flush f;

    if (!od_plog_flush_begin(p, &f))
        return OD_NONE;
    od_plog_flush_run(&f);
    return od_plog_flush_end(p, &f);
}

/* Reads at offset; the bytes go to out (at most size), their number to *len. */
static inline enum od_err read_at(struct od_plog *p, int64_t offset, int64_t limit, int32_t max,
                                  bool min_one, uint8_t *out, size_t size, size_t *len)
{
    struct od_plog_want want = { offset, limit, max, min_one };
    struct od_plog_place place;
    struct od_plog_range range = { 0 };
    enum od_err err = od_plog_locate(p, &want, &place);

    *len = 0;
    while (!err) {
        err = od_plog_scan(&place, false, &range);
        if (err == OD_E_AGAIN)
            err = od_plog_scan(&place, true, &range);
        od_plog_place_release(&place);
        if (err || range.file || range.next_offset <= want.offset)
            break;
        want.offset = range.next_offset;
        err = od_plog_locate(p, &want, &place);
    }
    if (!err && range.file) {
        CHECK(range.len > 0 && (size_t)range.len <= size);
        CHECK_OK(od_file_read(range.file, out, (size_t)range.len, range.pos, len));
        CHECK_EQ(*len, range.len);
    }
    od_plog_range_release(&range);
    return err;
}

/* Thousands of small files: in memory, where that can be had. */
__attribute__((constructor)) static inline void prefer_memory(void)
{
    if (access("/dev/shm", W_OK) == 0)
        setenv("TMPDIR", "/dev/shm", 0);
}
