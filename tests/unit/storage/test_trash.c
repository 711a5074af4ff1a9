/* SPDX-License-Identifier: Apache-2.0 */
/* Truncation, retention and deletion leave what they should, across restarts too. */
#include "fixture.h"

static char path[256];
static int number;

static struct od_plog *open_fresh(struct od_storage **s)
{
    struct od_plog_config c = OD_PLOG_CONFIG_DEFAULT;
    struct od_plog *p;

    c.segment_bytes = 1000;
    c.index_interval_bytes = 100;
    snprintf(path, sizeof(path), "%s/x%d", test_dir(), number++);
    CHECK_OK(store_open(path, s));
    CHECK_OK(log_open(*s, &c, &p));
    return p;
}

/* Batches of three offsets, epoch offset / 30, time 1000 + offset. */
static void fill(struct od_plog *p, int batches)
{
    for (int i = 0; i < batches; i++) {
        int64_t end = od_plog_end_offset(p);

        CHECK_OK(append_one(p, 3, (int32_t)(end / 30), 1000 + end, 39));
    }
}

static void check_range(struct od_plog *p, int64_t start, int64_t end)
{
    uint8_t out[4096];
    struct od_batch_head h;
    size_t len;

    CHECK_EQ(od_plog_start_offset(p), start);
    CHECK_EQ(od_plog_end_offset(p), end);
    for (int64_t offset = start; offset < end; offset++) {
        CHECK_OK(read_at(p, offset, end, 50, true, out, sizeof(out), &len));
        CHECK_EQ(len, 100);
        CHECK(od_batch_head_read(out, &h));
        CHECK_EQ(h.base_offset, offset / 3 * 3);
    }
    CHECK_EQ(read_at(p, start - 1, end, 50, true, out, sizeof(out), &len),
             OD_OFFSET_OUT_OF_RANGE);
}

static void cut(struct od_plog *p, int64_t offset)
{
    struct od_plog_cut cut;
    int64_t end = od_plog_end_offset(p);

    CHECK_OK(od_plog_cut_begin(p, offset, &cut));
    CHECK_EQ(append_one(p, 3, 0, 0, 39), OD_E_BUSY);
    od_plog_cut_run(&cut);
    CHECK_OK(od_plog_cut_end(p, &cut));
    CHECK_EQ(od_plog_end_offset(p), offset < end ? offset / 3 * 3 : end);
}

static struct od_plog *reopen(struct od_storage **s, bool clean)
{
    struct od_plog_config c = OD_PLOG_CONFIG_DEFAULT;
    struct od_plog *p;

    c.segment_bytes = 1000;
    c.index_interval_bytes = 100;
    if (clean)
        CHECK_OK(od_storage_close(*s, 1));
    else
        od_storage_abandon(*s);
    CHECK_OK(store_open(path, s));
    CHECK_OK(log_open(*s, &c, &p));
    return p;
}

TEST(a_cut_removes_whole_batches_and_appends_go_on)
{
    for (int64_t offset = 0; offset <= 151; offset += 7) {
        struct od_storage *s;
        struct od_plog *p = open_fresh(&s);
        int32_t epoch;
        int64_t end;

        fill(p, 50);
        CHECK_OK(flush_now(p));
        cut(p, offset);
        check_range(p, 0, offset < 150 ? offset / 3 * 3 : 150);
        od_plog_epoch_end(p, 0, &epoch, &end);
        CHECK_EQ(end, offset < 3 ? -1 : offset < 33 ? offset / 3 * 3 : 30);
        fill(p, 10);
        end = od_plog_end_offset(p);
        check_range(p, 0, end);
        p = reopen(&s, offset % 2);
        check_range(p, 0, end);
        CHECK(!od_plog_damaged(p));
        od_storage_abandon(s);
    }
}

TEST(reads_that_found_their_place_before_a_cut_stay_safe)
{
    struct od_storage *s;
    struct od_plog *p = open_fresh(&s);
    struct od_plog_want want = { 100, 150, 1000, true };
    struct od_plog_place place;
    struct od_plog_range range;
    uint8_t data[2000];
    size_t got;

    fill(p, 50);
    CHECK_OK(od_plog_locate(p, &want, &place));
    CHECK_OK(od_plog_scan(&place, true, &range));
    od_plog_place_release(&place);
    CHECK_OK(od_plog_locate(p, &want, &place));
    CHECK_OK(flush_now(p));
    cut(p, 20);
    CHECK_OK(od_file_read(range.file, data, (size_t)range.len, range.pos, &got));
    od_plog_range_release(&range);
    CHECK(od_plog_scan(&place, true, &range) != OD_NONE || !range.file || range.first_offset == 99);
    od_plog_range_release(&range);
    od_plog_place_release(&place);
    od_storage_abandon(s);
}

TEST(a_flush_and_a_cut_exclude_each_other)
{
    struct od_storage *s;
    struct od_plog *p = open_fresh(&s);
    struct od_plog_flush f;
    struct od_plog_cut c;

    fill(p, 5);
    CHECK(od_plog_flush_begin(p, &f));
    CHECK(!od_plog_flush_begin(p, &f));
    CHECK_EQ(od_plog_cut_begin(p, 3, &c), OD_E_BUSY);
    od_plog_flush_run(&f);
    CHECK_OK(od_plog_flush_end(p, &f));
    CHECK_EQ(od_plog_durable_end(p), 15);
    CHECK_EQ(od_storage_dirty_bytes(s), 0);
    CHECK_OK(od_plog_cut_begin(p, 3, &c));
    CHECK(!od_plog_flush_begin(p, &f));
    od_plog_cut_run(&c);
    CHECK_OK(od_plog_cut_end(p, &c));
    CHECK_EQ(od_plog_durable_end(p), 3);
    od_storage_abandon(s);
}

static bool retain(struct od_plog *p, int64_t now, int64_t ms, int64_t bytes, int64_t limit)
{
    struct od_plog_retention r = { now, ms, bytes, limit };
    struct od_plog_trash trash;

    if (!od_plog_retain(p, &r, &trash))
        return false;
    CHECK_OK(od_plog_trash_run(&trash));
    return true;
}

TEST(retention_by_size_keeps_at_least_that_much)
{
    struct od_storage *s;
    struct od_plog *p = open_fresh(&s);

    fill(p, 55); /* 5 segments of 1000 bytes and one of 500 */
    CHECK_OK(flush_now(p));
    CHECK(!retain(p, 0, -1, -1, 165));
    CHECK(!retain(p, 0, -1, 4501, 165));
    CHECK(retain(p, 0, -1, 4500, 165));
    CHECK_EQ(od_plog_size_bytes(p), 4500);
    check_range(p, 30, 165);
    CHECK(!retain(p, 0, -1, 0, 59)); /* above the high watermark */
    CHECK(retain(p, 0, -1, 0, 60));
    check_range(p, 60, 165);
    CHECK(retain(p, 0, -1, 0, 165));
    check_range(p, 150, 165); /* the active segment stays */
    p = reopen(&s, true);
    check_range(p, 150, 165);
    p = reopen(&s, false);
    check_range(p, 150, 165);
    od_storage_abandon(s);
}

TEST(retention_by_time_goes_by_the_newest_record)
{
    struct od_storage *s;
    struct od_plog *p = open_fresh(&s);

    fill(p, 55);
    CHECK_OK(flush_now(p));
    /* The first segment's newest record has time 1027. */
    CHECK(!retain(p, 1027 + 500, 500, -1, 165));
    CHECK(retain(p, 1028 + 500, 500, -1, 165));
    check_range(p, 30, 165);
    CHECK(retain(p, 9999, 500, -1, 165));
    check_range(p, 165, 165); /* all of it: an empty segment takes the active one's place */
    fill(p, 5);
    check_range(p, 165, 180);
    p = reopen(&s, false);
    check_range(p, 165, 180);
    od_storage_abandon(s);
}

TEST(times_lost_in_a_crash_are_learned_before_retention_uses_them)
{
    struct od_storage *s;
    struct od_plog *p = open_fresh(&s);

    fill(p, 55);
    CHECK_OK(flush_now(p));
    CHECK_OK(od_storage_checkpoint(s));
    p = reopen(&s, false);
    CHECK(!p->segments[0]->times_known);
    CHECK(!retain(p, 1200, 500, -1, 165) || od_plog_start_offset(p) == 0);
    for (int rounds = 0; rounds < 10 && od_plog_start_offset(p) < 165; rounds++)
        CHECK(retain(p, 9999, 500, -1, 165));
    check_range(p, 165, 165);
    od_storage_abandon(s);
}

TEST(a_deleted_topic_never_comes_back_under_its_name)
{
    struct od_plog_config c = OD_PLOG_CONFIG_DEFAULT;
    struct od_uuid other = { { 42 } };
    struct od_storage *s;
    struct od_plog *p = open_fresh(&s);
    struct od_plog_trash trash;

    fill(p, 55);
    CHECK_OK(flush_now(p));
    od_plog_delete(p, &trash);
    CHECK_EQ(od_plog_open(s, OD_STR("events"), 0, other, &c, true, &p), OD_E_EXISTS);
    CHECK_OK(od_plog_trash_run(&trash));
    CHECK_OK(od_plog_open(s, OD_STR("events"), 0, other, &c, true, &p));
    check_range(p, 0, 0);
    od_storage_abandon(s);
    CHECK_OK(store_open(path, &s));
    CHECK_EQ(log_open(s, &c, &p), OD_INCONSISTENT_TOPIC_ID);
    CHECK_OK(od_plog_open(s, OD_STR("events"), 0, other, &c, true, &p));
    check_range(p, 0, 0);
    od_storage_abandon(s);
}

TEST(a_renamed_directory_frees_its_name_before_its_files_go)
{
    struct od_plog_config c = OD_PLOG_CONFIG_DEFAULT;
    struct od_uuid other = { { 42 } };
    struct od_storage *s;
    struct od_plog *p = open_fresh(&s);
    struct od_plog_trash trash[2];
    int64_t size;

    fill(p, 5);
    od_plog_delete(p, &trash[0]);
    CHECK_OK(od_plog_open(s, OD_STR("others"), 3, other, &c, true, &p));
    od_plog_delete(p, &trash[1]);
    CHECK_OK(od_plog_trash_rename(trash, 2));
    CHECK_OK(od_plog_open(s, OD_STR("events"), 0, other, &c, true, &p));
    check_range(p, 0, 0);
    fill(p, 2);
    size = od_plog_size_bytes(p);
    for (int i = 0; i < 2; i++)
        CHECK_OK(od_plog_trash_run(&trash[i]));
    CHECK_EQ(od_plog_size_bytes(p), size);
    check_range(p, 0, 6); /* the new files are not the old ones */
    od_storage_abandon(s);
}

static enum od_err count_stray(void *arg, const char *name, bool is_dir)
{
    const char *dot = strrchr(name, '-');

    *(int *)arg += is_dir && dot && strcmp(dot, "-stray") == 0;
    return OD_NONE;
}

/* As a crash between the record of a deletion and its renaming leaves it. */
TEST(the_directory_of_another_topic_is_set_aside_and_kept)
{
    struct od_plog_config c = OD_PLOG_CONFIG_DEFAULT;
    struct od_uuid other = { { 42 } };
    struct od_storage *s;
    struct od_plog *p = open_fresh(&s);
    int strays = 0;

    fill(p, 5);
    CHECK_OK(flush_now(p));
    CHECK_EQ(od_plog_set_aside(s, OD_STR("events"), 0), OD_E_BUSY); /* it is open */
    od_storage_abandon(s);
    CHECK_OK(store_open(path, &s));
    CHECK_EQ(od_plog_open(s, OD_STR("events"), 0, other, &c, true, &p), OD_INCONSISTENT_TOPIC_ID);
    CHECK_OK(od_plog_set_aside(s, OD_STR("events"), 0));
    CHECK_OK(od_plog_open(s, OD_STR("events"), 0, other, &c, true, &p));
    check_range(p, 0, 0);
    CHECK_OK(od_dir_list(path, count_stray, &strays));
    CHECK_EQ(strays, 1);
    od_storage_abandon(s);
    CHECK_OK(store_open(path, &s));
    od_storage_sweep(s);
    strays = 0;
    CHECK_OK(od_dir_list(path, count_stray, &strays));
    CHECK_EQ(strays, 1); /* nobody removes it but its owner */
    od_storage_abandon(s);
}
