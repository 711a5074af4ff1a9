/* SPDX-License-Identifier: Apache-2.0 */
/* Early write-back: what counts as dirty, and until when. */
#include "fixture.h"

enum { BATCH_BYTES = 100, SEGMENT_BATCHES = 10 };

static char path[256];
static int number;

static struct od_plog *open_fresh(struct od_storage **s)
{
    struct od_plog_config c = OD_PLOG_CONFIG_DEFAULT;
    struct od_plog *p;

    c.segment_bytes = SEGMENT_BATCHES * BATCH_BYTES;
    snprintf(path, sizeof(path), "%s/w%d", test_dir(), number++);
    CHECK_OK(store_open(path, s));
    CHECK_OK(log_open(*s, &c, &p));
    return p;
}

static void fill(struct od_plog *p, int batches)
{
    for (int i = 0; i < batches; i++)
        CHECK_OK(append_one(p, 1, 0, 1000, BATCH_BYTES - OD_BATCH_HEAD_BYTES));
}

TEST(what_is_on_its_way_is_dirty_for_the_directory_until_it_is_there)
{
    struct od_storage *s;
    struct od_plog *p = open_fresh(&s);
    struct od_plog_write_back w;

    fill(p, 3);
    CHECK_EQ(od_plog_dirty_bytes(p), 300);
    CHECK(!od_plog_write_back_begin(p, 301, &w));
    CHECK(od_plog_write_back_begin(p, 300, &w));
    CHECK_EQ(od_plog_dirty_bytes(p), 0);
    CHECK_EQ(od_storage_dirty_bytes(s), 300);
    fill(p, 1);
    CHECK(!od_plog_write_back_begin(p, 1, &w)); /* one at a time */
    od_plog_write_back_run(&w);
    CHECK_EQ(od_storage_dirty_bytes(s), 400);
    od_plog_write_back_end(p, &w);
    CHECK_EQ(od_storage_dirty_bytes(s), 100);
    CHECK_EQ(od_plog_durable_end(p), 0); /* a promise is made by a flush only */
    CHECK(od_plog_dirty(p));
    CHECK(od_plog_write_back_begin(p, 1, &w));
    CHECK_EQ(w.n, 1);
    CHECK_EQ(w.parts[0].from_pos, 300);
    CHECK_EQ(w.parts[0].to_pos, 400);
    od_plog_write_back_run(&w);
    od_plog_write_back_end(p, &w);
    CHECK_EQ(od_storage_dirty_bytes(s), 0);
    od_storage_abandon(s);
}

TEST(it_goes_through_many_segments_in_steps)
{
    struct od_storage *s;
    struct od_plog *p = open_fresh(&s);
    struct od_plog_write_back w;

    fill(p, SEGMENT_BATCHES * (OD_PLOG_FLUSH_SEGMENTS + 1) + 5);
    CHECK(od_plog_write_back_begin(p, 1, &w));
    CHECK_EQ(w.n, OD_PLOG_FLUSH_SEGMENTS);
    CHECK_EQ(od_plog_dirty_bytes(p), (SEGMENT_BATCHES + 5) * BATCH_BYTES);
    od_plog_write_back_run(&w);
    od_plog_write_back_end(p, &w);
    CHECK(od_plog_write_back_begin(p, 1, &w));
    CHECK_EQ(w.n, 2);
    CHECK_EQ(w.bytes, (SEGMENT_BATCHES + 5) * BATCH_BYTES);
    od_plog_write_back_drop(&w);
    CHECK_EQ(od_storage_dirty_bytes(s), 0);
    od_storage_abandon(s);
}

TEST(a_flush_takes_over_what_no_write_back_has)
{
    struct od_storage *s;
    struct od_plog *p = open_fresh(&s);
    struct od_plog_write_back w;
    struct od_plog_flush f;

    fill(p, 2);
    CHECK(od_plog_write_back_begin(p, 1, &w));
    fill(p, 1);
    CHECK(od_plog_flush_begin(p, &f));
    CHECK_EQ(od_plog_dirty_bytes(p), 0);
    fill(p, 1);
    od_plog_flush_run(&f);
    CHECK_OK(od_plog_flush_end(p, &f));
    CHECK_EQ(od_storage_dirty_bytes(s), 300);
    od_plog_write_back_run(&w);
    od_plog_write_back_end(p, &w);
    CHECK_EQ(od_storage_dirty_bytes(s), 100);
    CHECK_EQ(od_plog_dirty_bytes(p), 100);
    CHECK(od_plog_write_back_begin(p, 1, &w));
    CHECK_EQ(w.parts[0].from_pos, 300);
    od_plog_write_back_drop(&w);
    od_storage_abandon(s);
}

TEST(a_segment_deleted_meanwhile_fences_nothing)
{
    struct od_storage *s;
    struct od_plog *p = open_fresh(&s);
    struct od_plog_retention r = { 1 << 30, 1, -1, SEGMENT_BATCHES };
    struct od_plog_write_back w;
    struct od_plog_trash trash;

    fill(p, SEGMENT_BATCHES + 1);
    CHECK(od_plog_write_back_begin(p, 1, &w));
    CHECK_EQ(w.n, 2);
    CHECK_OK(flush_now(p));
    CHECK(od_plog_retain(p, &r, &trash));
    CHECK_EQ(od_plog_start_offset(p), SEGMENT_BATCHES);
    CHECK_OK(od_plog_trash_run(&trash));
    od_plog_write_back_run(&w);
    od_plog_write_back_end(p, &w);
    CHECK(!od_storage_fenced(s));
    CHECK_EQ(od_storage_dirty_bytes(s), 0);
    od_storage_abandon(s);
}

TEST(a_log_opened_again_is_clean)
{
    struct od_storage *s;
    struct od_plog *p = open_fresh(&s);
    struct od_plog_write_back w;

    fill(p, 5);
    od_storage_abandon(s);
    CHECK_OK(store_open(path, &s));
    CHECK_OK(log_open(s, &OD_PLOG_CONFIG_DEFAULT, &p));
    CHECK_EQ(od_storage_dirty_bytes(s), 0);
    fill(p, 1);
    CHECK(od_plog_write_back_begin(p, 1, &w));
    CHECK_EQ(w.bytes, 100);
    od_plog_write_back_run(&w);
    od_plog_write_back_end(p, &w);
    od_storage_abandon(s);
}
