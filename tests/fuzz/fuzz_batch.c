/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Record batches: what the validator accepts, the record stream must read, to the same count, with
 * consecutive offsets and the same greatest timestamp, and the validator must accept again without
 * a change.  The budget is given back whatever happens.
 * Input: mode, batch.  Mode bit 0: give the batch a right length and checksum first; bit 1:
 * compacted; bits 2-4: compress the records with this codec first.
 */
#include "base/assert.h"
#include "wire/validate.h"

#include <string.h>

enum { BATCH_BYTES_MAX = 1 << 16, EXPANDED_BYTES_MAX = 1 << 20, BUDGET_BYTES = 8 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t prepare(uint8_t mode, uint8_t *batch, size_t len)
{
    static uint8_t packed[2 * BATCH_BYTES_MAX];
    enum od_compress codec = (enum od_compress)(mode >> 2 & 7);
    struct od_batch_header h;
    size_t packed_len;

    if (!(mode & 1) || len < OD_BATCH_HEADER_BYTES)
        return len;
    batch[16] = OD_BATCH_MAGIC;
    /* Whether the header can be is decided by the parser; its length is put right. */
    if (od_batch_parse(batch, len, &h) == OD_E_TRUNCATED)
        return len;
    if (h.last_offset_delta < 0 || h.base_offset < 0)
        return len;
    h.length = (int32_t)(len - OD_BATCH_PREFIX_BYTES);
    od_batch_seal(batch, &h);
    if (codec == OD_COMPRESS_NONE || codec > OD_COMPRESS_ZSTD ||
        od_batch_repack(codec, 0, (struct od_bytes) {batch, len}, packed, sizeof(packed),
                        &packed_len) ||
        packed_len > 2 * BATCH_BYTES_MAX)
        return len;
    memcpy(batch, packed, packed_len);
    return packed_len;
}

static void read_records(const uint8_t *batch, const struct od_batch_header *h,
                         const struct od_expand_limits *limits, bool accepted)
{
    struct od_record_stream s;
    struct od_record r;
    struct od_record_header header;
    enum od_err err = od_record_stream_open(&s, batch, h, limits);
    int64_t max_timestamp = INT64_MIN;
    int32_t n = 0;

    while (!err) {
        err = od_record_stream_next(&s, &r);
        if (err)
            break;
        OD_ASSERT(r.index == n);
        OD_ASSERT(!accepted || r.offset == h->base_offset + n);
        if (r.timestamp > max_timestamp)
            max_timestamp = r.timestamp;
        for (int32_t i = 0; i < r.header_count; i++)
            OD_ASSERT(od_record_header_next(&r.headers, &header));
        OD_ASSERT(r.headers.len == 0);
        n++;
    }
    od_record_stream_close(&s);
    if (accepted) {
        OD_ASSERT(err == OD_E_NOT_FOUND && n == h->count);
        OD_ASSERT(max_timestamp == h->max_timestamp);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t batch[2 * BATCH_BYTES_MAX];
    struct od_budget budget;
    struct od_validate_rules rules = {
        .timestamp_before_max_ms = INT64_MAX,
        .timestamp_after_max_ms = INT64_MAX,
        .limits = {&budget, EXPANDED_BYTES_MAX},
    };
    struct od_validate_result first, second;
    struct od_batch_header h;
    enum od_err err;
    size_t len;

    if (size < 1 || size > BATCH_BYTES_MAX)
        return 0;
    od_budget_init(&budget, BUDGET_BYTES);
    memcpy(batch, data + 1, size - 1);
    len = prepare(data[0], batch, size - 1);
    rules.compacted = data[0] & 2;
    err = od_validate_batch(batch, len, &rules, &first);
    OD_ASSERT(budget.used_bytes == 0);
    if (!err) {
        OD_ASSERT(!od_validate_batch(batch, len, &rules, &second));
        OD_ASSERT(second.header.crc == first.header.crc);
        OD_ASSERT(second.header.max_timestamp == first.header.max_timestamp);
    }
    if (!od_batch_parse(batch, len, &h) && od_batch_bytes(&h) <= len)
        read_records(batch, &h, &rules.limits, !err);
    OD_ASSERT(budget.used_bytes == 0);
    return 0;
}
