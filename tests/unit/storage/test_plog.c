/* SPDX-License-Identifier: Apache-2.0 */
/* od_plog: what is appended is read back, across rolls, restarts and every way of asking. */
#include "fixture.h"

enum { BATCHES = 60 };

static char path[256];
static int number;

static const char *fresh(void)
{
    snprintf(path, sizeof(path), "%s/d%d", test_dir(), number++);
    return path;
}

static struct od_plog_config small(void)
{
    struct od_plog_config c = OD_PLOG_CONFIG_DEFAULT;

    c.segment_bytes = 4000;
    c.index_interval_bytes = 300;
    return c;
}

/* Appends BATCHES batches of 1 to 5 offsets, flushing now and then; returns the end. */
static int64_t fill(struct od_plog *p)
{
    for (int i = 0; i < BATCHES; i++) {
        CHECK_OK(append_one(p, 1 + i % 5, i / 20, 1000 + (i * 37) % 100, 50 + (size_t)i * 3));
        if (i % 7 == 0)
            CHECK_OK(flush_now(p));
    }
    return od_plog_end_offset(p);
}

/* Every offset, with several limits and sizes, gives whole right batches that hold it. */
static void check_all(struct od_plog *p, int64_t end)
{
    static const int32_t sizes[] = { 1, 200, 1000, 1 << 20 };
    static uint8_t got[1 << 20], want[1 << 12];

    for (int64_t offset = od_plog_start_offset(p); offset < end; offset++) {
        for (size_t i = 0; i < OD_COUNT(sizes); i++) {
            struct od_batch_head h;
            size_t len, at = 0;
            int64_t next = -1;

            CHECK_OK(read_at(p, offset, end, sizes[i], true, got, sizeof(got), &len));
            CHECK(len > 0);
            while (at < len) {
                CHECK(od_batch_head_read(got + at, &h));
                if (at)
                    CHECK_EQ(h.base_offset, next);
                else
                    CHECK(h.base_offset <= offset && h.last_offset >= offset);
                batch_make(want, h.base_offset, (int32_t)(h.last_offset - h.base_offset + 1),
                           h.leader_epoch, h.max_timestamp, (size_t)h.len - OD_BATCH_HEAD_BYTES);
                CHECK_MEM(got + at, want, (size_t)h.len);
                next = h.last_offset + 1;
                at += (size_t)h.len;
            }
            CHECK(len <= (size_t)sizes[i] || h.base_offset <= offset);
        }
    }
}

TEST(every_offset_reads_back_across_rolls)
{
    struct od_plog_config c = small();
    struct od_storage *s;
    struct od_plog *p;
    int64_t end;

    CHECK_OK(store_open(fresh(), &s));
    CHECK_OK(log_open(s, &c, &p));
    end = fill(p);
    CHECK_EQ(end, 180);
    CHECK(p->n_segments > 2);
    check_all(p, end);
    od_plog_close(p);
    CHECK_OK(od_storage_close(s, 7));
}

TEST(a_clean_stop_is_read_back_without_recovery)
{
    struct od_plog_config c = small();
    struct od_storage *s;
    struct od_plog *p;
    int64_t end;

    CHECK_OK(store_open(fresh(), &s));
    CHECK(!od_storage_was_clean(s));
    CHECK_OK(log_open(s, &c, &p));
    end = fill(p);
    od_plog_set_high_watermark(p, end - 1);
    CHECK_OK(od_storage_close(s, 7));

    CHECK_OK(store_open(path, &s));
    CHECK(od_storage_was_clean(s));
    CHECK_EQ(od_storage_last_broker_epoch(s), 7);
    CHECK(s->trusted);
    CHECK_OK(log_open(s, &c, &p));
    CHECK_EQ(od_plog_end_offset(p), end);
    CHECK_EQ(od_plog_durable_end(p), end);
    CHECK_EQ(od_plog_high_watermark(p), end - 1);
    CHECK_EQ(od_plog_epoch_latest(p), 2);
    check_all(p, end);
    CHECK_EQ(fill(p), 2 * end);
    check_all(p, 2 * end);
    CHECK_OK(od_storage_close(s, 8));
}

TEST(an_unclean_stop_is_recovered)
{
    struct od_plog_config c = small();
    struct od_storage *s;
    struct od_plog *p;
    int64_t end;

    CHECK_OK(store_open(fresh(), &s));
    CHECK_OK(log_open(s, &c, &p));
    end = fill(p);
    od_storage_abandon(s);

    for (int life = 0; life < 3; life++) {
        CHECK_OK(store_open(path, &s));
        CHECK(!od_storage_was_clean(s));
        CHECK(s->trusted);
        CHECK_OK(log_open(s, &c, &p));
        CHECK_EQ(od_plog_end_offset(p), end);
        CHECK_EQ(od_plog_durable_end(p), end);
        CHECK_EQ(od_plog_epoch_at(p, end - 1), 2);
        check_all(p, end);
        end = fill(p);
        od_storage_abandon(s);
    }
}

TEST(bounds_are_kept)
{
    struct od_plog_config c = small();
    uint8_t out[4096];
    struct od_storage *s;
    struct od_plog *p;
    size_t len;

    CHECK_OK(store_open(fresh(), &s));
    CHECK_OK(log_open(s, &c, &p));
    CHECK_OK(read_at(p, 0, 0, 100, true, out, sizeof(out), &len));
    CHECK_EQ(len, 0);
    CHECK_EQ(read_at(p, 1, 10, 100, true, out, sizeof(out), &len), OD_OFFSET_OUT_OF_RANGE);
    CHECK_OK(append_one(p, 10, 0, 5, 100));
    CHECK_EQ(read_at(p, -1, 10, 100, true, out, sizeof(out), &len), OD_OFFSET_OUT_OF_RANGE);
    CHECK_EQ(read_at(p, 11, 10, 100, true, out, sizeof(out), &len), OD_OFFSET_OUT_OF_RANGE);
    CHECK_OK(read_at(p, 10, 10, 100, true, out, sizeof(out), &len));
    CHECK_EQ(len, 0);
    CHECK_OK(read_at(p, 7, 10, 160, false, out, sizeof(out), &len));
    CHECK_EQ(len, 0); /* the batch has 161 bytes */
    CHECK_OK(read_at(p, 7, 10, 161, false, out, sizeof(out), &len));
    CHECK_EQ(len, 161);
    CHECK_OK(read_at(p, 7, 9, 1000, true, out, sizeof(out), &len));
    CHECK_EQ(len, 0); /* the batch passes the limit */
    od_storage_abandon(s);
}

TEST(a_log_belongs_to_one_topic_id_and_one_opener)
{
    struct od_plog_config c = small();
    struct od_uuid other = { { 9 } };
    struct od_storage *s;
    struct od_plog *p, *q;

    CHECK_OK(store_open(fresh(), &s));
    CHECK_EQ(od_plog_open(s, OD_STR("events"), 0, topic_id(), &c, false, &p), OD_E_NOT_FOUND);
    CHECK_OK(log_open(s, &c, &p));
    CHECK_EQ(log_open(s, &c, &q), OD_E_BUSY);
    CHECK_EQ(od_plog_open(s, OD_STR("events"), 0, other, &c, true, &q), OD_INCONSISTENT_TOPIC_ID);
    od_plog_close(p);
    CHECK_OK(log_open(s, &c, &q));
    CHECK_OK(od_storage_close(s, 1));
    CHECK_OK(store_open(path, &s));
    CHECK_EQ(od_plog_open(s, OD_STR("events"), 0, other, &c, true, &q), OD_INCONSISTENT_TOPIC_ID);
    od_storage_abandon(s);
}

TEST(offsets_must_follow)
{
    struct od_plog_config c = small();
    uint8_t data[2][200];
    struct od_plog_batch b[2];
    struct od_storage *s;
    struct od_plog *p;
    int done;

    CHECK_OK(store_open(fresh(), &s));
    CHECK_OK(log_open(s, &c, &p));
    b[0] = batch_of(data[0], batch_make(data[0], 1, 1, 0, 5, 100));
    CHECK_EQ(od_plog_append(p, b, 1, &done), OD_INVALID_RECORD);
    b[0] = batch_of(data[0], batch_make(data[0], 0, 2, 0, 5, 100));
    b[1] = batch_of(data[1], batch_make(data[1], 3, 2, 0, 5, 100));
    CHECK_EQ(od_plog_append(p, b, 2, &done), OD_INVALID_RECORD);
    CHECK_EQ(done, 0);
    CHECK_EQ(od_plog_end_offset(p), 0);
    c.gaps_allowed = true;
    od_plog_configure(p, &c);
    CHECK_OK(od_plog_append(p, b, 2, &done));
    CHECK_EQ(done, 2);
    CHECK_EQ(od_plog_end_offset(p), 5);
    od_storage_abandon(s);
}
