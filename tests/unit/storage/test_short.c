/* SPDX-License-Identifier: Apache-2.0 */
/* A sealed segment whose file lost its end below the recovery point: told, and never a gap. */
#include "fixture.h"

#include <sys/stat.h>

static char path[256];

static struct od_plog_config config(void)
{
    struct od_plog_config c = OD_PLOG_CONFIG_DEFAULT;

    c.segment_bytes = 1000;
    c.index_interval_bytes = 150;
    return c;
}

static void flush_all(struct od_plog *p)
{
    while (od_plog_dirty(p))
        CHECK_OK(flush_now(p));
}

/* 30 batches of 100 bytes and 3 offsets; a crash; then the second segment's file is cut. */
static struct od_plog *open_cut(const char *name, int64_t len, bool gaps, struct od_storage **s)
{
    struct od_plog_config c = config();
    struct od_plog *p;
    struct od_file *f;
    char file[300];

    snprintf(path, sizeof(path), "%s/%s", test_dir(), name);
    c.gaps_allowed = gaps;
    CHECK_OK(store_open(path, s));
    CHECK_OK(log_open(*s, &c, &p));
    for (int i = 0; i < 30; i++)
        CHECK_OK(append_one(p, 3, 0, 1000, 39));
    flush_all(p);
    CHECK_OK(od_storage_checkpoint(*s));
    CHECK_EQ(p->segments[1]->base_offset, 30);
    od_segment_path(p->segments[1], "log", file, sizeof(file));
    od_storage_abandon(*s);
    CHECK_OK(od_file_open(file, OD_FILE_WRITE, &f));
    CHECK_OK(od_file_truncate(f, len));
    od_file_close(f);
    CHECK_OK(store_open(path, s));
    CHECK_OK(log_open(*s, &c, &p));
    return p;
}

static enum od_err read_err(struct od_plog *p, int64_t offset, int32_t max, int64_t *last)
{
    static uint8_t data[1 << 20];
    enum od_err err;
    size_t len;

    err = read_at(p, offset, INT64_MAX, max, true, data, sizeof(data), &len);
    *last = -1;
    for (size_t at = 0; !err && at < len;) {
        struct od_batch_head h;

        CHECK(od_batch_head_read(data + at, &h));
        CHECK(*last < 0 || h.base_offset == *last + 1);
        *last = h.last_offset;
        at += (size_t)h.len;
    }
    return err;
}

TEST(what_a_short_file_lost_answers_corrupt_and_the_rest_is_read)
{
    for (int64_t len = 0; len < 1000; len += 100) {
        struct od_storage *s;
        struct od_plog *p;
        char name[32];
        int64_t last;

        snprintf(name, sizeof(name), "short%d", (int)len);
        p = open_cut(name, len, false, &s);
        for (int64_t offset = 0; offset < 90; offset++) {
            bool lost = offset >= 30 + len / 100 * 3 && offset < 60;

            CHECK_EQ(read_err(p, offset, 1, &last), lost ? OD_CORRUPT_MESSAGE : OD_NONE);
            CHECK_EQ(last, lost ? -1 : offset / 3 * 3 + 2);
            CHECK_EQ(read_err(p, offset, 5000, &last), lost ? OD_CORRUPT_MESSAGE : OD_NONE);
        }
        CHECK_OK(append_one(p, 3, 0, 1000, 39));
        CHECK_OK(od_storage_close(s, 1));
    }
}

TEST(a_whole_file_is_sure_once_its_end_was_read)
{
    struct od_storage *s;
    struct od_plog *p = open_cut("whole", 1000, false, &s);
    int64_t last;

    CHECK(p->segments[1]->end_unsure);
    CHECK_OK(read_err(p, 30, 5000, &last));
    CHECK_EQ(last, 59);
    CHECK(!p->segments[1]->end_unsure);
    CHECK_OK(od_storage_close(s, 1));
}

TEST(a_compacted_log_may_end_early)
{
    struct od_storage *s;
    struct od_plog *p = open_cut("gaps", 500, true, &s);
    int64_t last;

    CHECK_OK(read_err(p, 30, 5000, &last));
    CHECK_EQ(last, 44);
    CHECK_OK(read_err(p, 45, 100, &last));
    CHECK_EQ(last, 62);
    CHECK_OK(od_storage_close(s, 1));
}

TEST(jitter_rolls_earlier_and_never_later)
{
    int rolled = 0;

    for (int i = 0; i < 20; i++) {
        struct od_plog_config c = OD_PLOG_CONFIG_DEFAULT;
        struct od_storage *s;
        struct od_plog *p;

        c.segment_ms = 1000;
        c.segment_jitter_ms = 500;
        snprintf(path, sizeof(path), "%s/jitter%d", test_dir(), i);
        CHECK_OK(store_open(path, &s));
        CHECK_OK(log_open(s, &c, &p));
        CHECK_OK(append_one(p, 1, 0, 0, 10));
        CHECK_OK(append_one(p, 1, 0, 500, 10));
        CHECK_EQ(p->n_segments, 1);
        CHECK_OK(append_one(p, 1, 0, 750, 10));
        rolled += p->n_segments == 2;
        CHECK_OK(append_one(p, 1, 0, 1001, 10));
        CHECK_EQ(p->n_segments, 2);
        CHECK_OK(od_storage_close(s, 1));
    }
    CHECK(rolled > 2 && rolled < 18);
}

static int64_t blocks_of(const struct od_plog *p, int segment)
{
    char file[300];
    struct stat st;

    od_segment_path(p->segments[segment], "log", file, sizeof(file));
    CHECK_EQ(stat(file, &st), 0);
    return (int64_t)st.st_blocks * 512;
}

TEST(a_preallocated_segment_gives_its_rest_back_when_it_is_sealed)
{
    struct od_plog_config c = OD_PLOG_CONFIG_DEFAULT;
    struct od_storage *s;
    struct od_plog *p;

    c.segment_bytes = 1 << 20;
    c.preallocate_bytes = c.segment_bytes;
    snprintf(path, sizeof(path), "%s/room", test_dir());
    CHECK_OK(store_open(path, &s));
    CHECK_OK(log_open(s, &c, &p));
    CHECK_OK(append_one(p, 1, 0, 0, 10));
    flush_all(p);
    CHECK(blocks_of(p, 0) >= 1 << 20);
    CHECK_OK(od_plog_roll(p));
    flush_all(p);
    CHECK(blocks_of(p, 0) < 1 << 16);
    CHECK_OK(od_storage_close(s, 1));
}
