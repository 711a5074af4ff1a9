/* SPDX-License-Identifier: Apache-2.0 */
/* Prebuilt record batches: exact size, right checksum, records that add up. */
#include "load/batch.h"

#include "base/be.h"
#include "base/crc32c.h"
#include "base/mem.h"
#include "test.h"
#include "wire/reader.h"

enum { CRC_COVERS_FROM = OD_BATCH_CRC_AT + 4, NOW_MS = 1700000000 };

/* Walks the records; checks that they are numbered and fill the batch. */
static void check_walk(const uint8_t *batch, uint32_t bytes, uint32_t count)
{
    struct od_reader r = od_reader_of(batch + OD_BATCH_HEADER_BYTES, bytes - OD_BATCH_HEADER_BYTES);

    for (uint32_t i = 0; i < count; i++) {
        int32_t len = od_read_varint(&r);
        const uint8_t *begin = r.p;

        CHECK_EQ(od_read_i8(&r), 0);
        CHECK_EQ(od_read_varlong(&r), 0);
        CHECK_EQ(od_read_varint(&r), i);
        CHECK_EQ(od_read_varint(&r), -1);
        od_read_raw(&r, (size_t)od_read_varint(&r));
        CHECK_EQ(od_read_varint(&r), 0);
        CHECK_EQ(r.p - begin, len);
    }
    CHECK_OK(r.err);
    CHECK_EQ(od_reader_left(&r), 0);
}

static void check_batch(uint32_t bytes, uint32_t value_bytes, uint32_t records)
{
    uint8_t *batch = od_alloc(bytes);
    uint32_t count = od_batch_build(batch, bytes, value_bytes, NOW_MS);

    CHECK_EQ(count, records);
    CHECK_EQ(od_be32_load(batch + 8), bytes - 12);
    CHECK_EQ(batch[16], 2);
    CHECK_EQ(od_be32_load(batch + OD_BATCH_CRC_AT),
             od_crc32c(batch + CRC_COVERS_FROM, bytes - CRC_COVERS_FROM));
    CHECK_EQ(od_be32_load(batch + 23), count - 1);
    CHECK_EQ(od_be64_load(batch + 27), NOW_MS);
    CHECK_EQ(od_be32_load(batch + 57), count);
    check_walk(batch, bytes, count);
    od_free(batch);
}

TEST(the_sizes_that_are_measured_are_met_exactly)
{
    check_batch(170, 100, 1);
    check_batch(1100, 1024, 1);
    check_batch(16384, 1024, 15);
    check_batch(1 << 20, 1024, 1014);
}

TEST(the_smallest_batch_holds_one_byte)
{
    check_batch(OD_BATCH_BYTES_MIN, 1, 1);
}

TEST(a_size_that_no_record_can_have_gives_no_batch)
{
    uint8_t batch[OD_BATCH_HEADER_BYTES + 66];

    /* A record of 64 bytes has a length of one byte, the next larger one of two. */
    CHECK_EQ(od_batch_build(batch, OD_BATCH_HEADER_BYTES + 64, 1000, NOW_MS), 1);
    CHECK_EQ(od_batch_build(batch, OD_BATCH_HEADER_BYTES + 65, 1000, NOW_MS), 0);
    CHECK_EQ(od_batch_build(batch, OD_BATCH_HEADER_BYTES + 66, 1000, NOW_MS), 1);
}
