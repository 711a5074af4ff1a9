/* SPDX-License-Identifier: Apache-2.0 */
/* Speed of checking produced batches, in ns per record and GB/s of uncompressed records. */
#include "wire/validate.h"
#include "base/mem.h"
#include "fail.h"
#include "wire/rows.h"

#include <stdio.h>

enum { VALUE_BYTES = 100, KEY_BYTES = 8 };

struct row {
    const char *what;
    enum od_compress codec;
    int32_t records;
};

struct run {
    uint8_t *batch;
    size_t len;
};

static void validate(void *context)
{
    struct run *run = context;
    struct od_validate_rules rules = {
        .timestamp_before_max_ms = INT64_MAX,
        .timestamp_after_max_ms = INT64_MAX,
        .limits = {NULL, INT64_MAX},
    };
    struct od_validate_result result;

    if (od_validate_batch(run->batch, run->len, &rules, &result))
        od_fail("a batch is refused: %s", result.text);
}

static size_t build(uint8_t *out, size_t capacity, int32_t records)
{
    struct od_batch_header h = od_batch_plain(0, -1);
    struct od_batch_builder b;
    uint8_t value[VALUE_BYTES];
    size_t len;
    uint32_t x = 1;

    od_batch_begin(&b, out, capacity, &h);
    for (int32_t i = 0; i < records; i++) {
        for (size_t k = 0; k < sizeof(value); k++) {
            x = x * 1664525 + 1013904223;
            value[k] = (uint8_t)('a' + (x >> 29));
        }
        od_batch_add(&b, 1700000000000 + i, (struct od_bytes) {value, KEY_BYTES},
                     (struct od_bytes) {value, sizeof(value)}, NULL, 0);
    }
    if (od_batch_end(&b, &len))
        od_fail("a batch cannot be built");
    return len;
}

void bench_validate(void)
{
    static const struct row rows[] = {
        {"batch of 1 record", OD_COMPRESS_NONE, 1},
        {"batch of 16 KiB", OD_COMPRESS_NONE, 140},
        {"batch of 1 MiB", OD_COMPRESS_NONE, 9000},
        {"batch of 16 KiB, lz4", OD_COMPRESS_LZ4, 140},
        {"batch of 1 MiB, gzip", OD_COMPRESS_GZIP, 9000},
        {"batch of 1 MiB, snappy", OD_COMPRESS_SNAPPY, 9000},
        {"batch of 1 MiB, lz4", OD_COMPRESS_LZ4, 9000},
        {"batch of 1 MiB, zstd", OD_COMPRESS_ZSTD, 9000},
    };

    printf("\n%-34s %8s %7s | validate ns, ns/record, GB/s\n", "batch", "bytes", "records");
    for (size_t i = 0; i < OD_COUNT(rows); i++) {
        size_t capacity = 200 + 130 * (size_t)rows[i].records, plain_len;
        uint8_t *plain = od_alloc(capacity);
        struct run run = {od_alloc(2 * capacity), 0};
        double ns;

        plain_len = build(plain, capacity, rows[i].records);
        if (od_batch_repack(rows[i].codec, 0, (struct od_bytes) {plain, plain_len}, run.batch,
                            2 * capacity, &run.len))
            od_fail("a batch cannot be compressed");
        ns = bench_best_ns(validate, &run);
        printf("%-34s %8zu %7d %9.0f %7.2f %7.2f\n", rows[i].what, run.len, rows[i].records, ns,
               ns / rows[i].records, (double)plain_len / ns);
        od_free(plain);
        od_free(run.batch);
    }
}
