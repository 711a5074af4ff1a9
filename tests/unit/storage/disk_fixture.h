/* SPDX-License-Identifier: Apache-2.0 */
/* A log directory with real records, transactions and every kind of file, made by the engine. */
#pragma once

#include "producers.h"

enum { DISK_BATCHES = 24, DISK_PER_BATCH = 3, DISK_SEGMENT_BYTES = 1300 };

static inline struct od_plog_config disk_config(void)
{
    struct od_plog_config c = OD_PLOG_CONFIG_DEFAULT;

    c.segment_bytes = DISK_SEGMENT_BYTES;
    c.index_interval_bytes = 300;
    return c;
}

/* Timestamps that rise with dents. */
static inline int64_t disk_time(int64_t offset)
{
    return 100000 + offset * 10 - (offset % 5) * 23;
}

/* Three records of a producer, -1: none, in one batch of that codec. */
static inline void disk_append(struct od_plog *p, enum od_compress codec, int32_t epoch,
                               int64_t producer, int32_t sequence, bool transactional)
{
    struct od_batch_header h = od_batch_plain(od_plog_end_offset(p), epoch);
    uint8_t plain[1024], packed[2048];
    struct od_batch_builder b;
    struct od_plog_batch batch;
    size_t len;
    int done;

    h.producer_id = producer;
    h.producer_epoch = producer < 0 ? -1 : 0;
    h.base_sequence = producer < 0 ? -1 : sequence;
    h.attributes = transactional ? OD_BATCH_TRANSACTIONAL : 0;
    od_batch_begin(&b, plain, sizeof(plain), &h);
    for (int64_t i = 0; i < DISK_PER_BATCH; i++) {
        char value[64];
        int n = snprintf(value, sizeof(value), "value of offset %lld, and some more",
                         (long long)(h.base_offset + i));

        od_batch_add(&b, disk_time(h.base_offset + i), (struct od_bytes){ 0 },
                     (struct od_bytes){ (const uint8_t *)value, (size_t)n }, NULL, 0);
    }
    CHECK_OK(od_batch_end(&b, &len));
    if (codec) {
        CHECK_OK(od_batch_repack(codec, 0, (struct od_bytes){ plain, len }, packed,
                                 sizeof(packed), &len));
        batch = batch_of(packed, len);
    } else {
        batch = batch_of(plain, len);
    }
    CHECK_OK(od_plog_append(p, &batch, 1, &done));
}

/* A transaction's end, of leader epoch 1 from the middle of the log on. */
static inline void disk_mark(struct od_plog *p, int32_t epoch, int64_t producer, bool commit)
{
    uint8_t key[] = { 0, 0, 0, commit }, value[] = { 0, 0, 0, 0, 0, 5 }, data[512];
    struct od_batch_header h = od_batch_plain(od_plog_end_offset(p), epoch);
    struct od_batch_builder b;
    size_t len;

    h.attributes = OD_BATCH_TRANSACTIONAL | OD_BATCH_CONTROL;
    h.producer_id = producer;
    h.producer_epoch = 0;
    od_batch_begin(&b, data, sizeof(data), &h);
    od_batch_add(&b, disk_time(h.base_offset), (struct od_bytes){ key, sizeof(key) },
                 (struct od_bytes){ value, sizeof(value) }, NULL, 0);
    CHECK_OK(od_batch_end(&b, &len));
    CHECK_OK(append_bytes(p, data, len));
}

/* Several segments: plain batches, two producers, a committed and two aborted transactions. */
static inline void disk_fill(struct od_plog *p, enum od_compress codec)
{
    int32_t sequence = 0, other = 0;

    for (int i = 0; i < DISK_BATCHES; i++) {
        if (i % 4 == 0)
            disk_append(p, codec, i / 12, -1, 0, false);
        else if (i % 4 == 1)
            disk_append(p, codec, i / 12, 7, sequence, true), sequence += DISK_PER_BATCH;
        else if (i % 4 == 2)
            disk_append(p, codec, i / 12, 8, other, false), other += DISK_PER_BATCH;
        else
            disk_mark(p, i / 12, 7, i % 8 == 3);
        od_plog_set_high_watermark(p, od_plog_end_offset(p));
        if (i % 6 == 5)
            CHECK_OK(flush_now(p));
    }
}

static inline void disk_make(const char *path, enum od_compress codec, bool clean)
{
    struct od_plog_config c = disk_config();
    struct od_storage *s;
    struct od_plog *p;

    CHECK_OK(store_open(path, &s));
    CHECK_OK(log_open(s, &c, &p));
    disk_fill(p, codec);
    if (clean) {
        CHECK_OK(od_storage_close(s, 5));
        return;
    }
    CHECK_OK(flush_now(p));
    CHECK_OK(od_storage_checkpoint(s));
    disk_append(p, codec, 1, -1, 0, false); /* above the recovery point */
    disk_append(p, codec, 1, -1, 0, false);
    od_storage_abandon(s);
}
