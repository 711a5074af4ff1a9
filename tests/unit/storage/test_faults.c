/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One scenario of a log's life, with the n-th call that changes a file failing, for every n: once,
 * for ever (which is a crash between any two steps), or for want of room after half a write.  What
 * a finished flush covered is there in the next life, and nothing wrong is.
 */
#include "failing.h"

static char path[256];
static int number;

/* --- the scenario ----------------------------------------------------------------------------- */

struct outcome {
    int64_t acked; /* a finished flush covered the offsets below, or a finished cut left them */
    int64_t start; /* the highest that a retention may have moved the log start to */
    bool stopped;  /* cleanly */
};

static struct od_plog_config config(void)
{
    struct od_plog_config c = OD_PLOG_CONFIG_DEFAULT;

    c.segment_bytes = 700;
    c.index_interval_bytes = 100;
    return c;
}

static void append_and_flush(struct od_plog *p, int batches, int32_t epoch, struct outcome *o)
{
    for (int i = 0; i < batches; i++) {
        int64_t end = od_plog_end_offset(p);
        enum od_err err = append_one(p, 3, epoch, 1000 + end, 39);

        CHECK_EQ(od_plog_end_offset(p), err ? end : end + 3);
        if (i % 3 != 2)
            continue;
        err = flush_now(p);
        if (!err && !od_plog_dirty(p))
            o->acked = od_plog_end_offset(p);
    }
}

static void cut_to(struct od_plog *p, int64_t offset, struct outcome *o)
{
    struct od_plog_cut cut;

    if (od_plog_cut_begin(p, offset, &cut))
        return;
    o->acked = o->acked < offset / 3 * 3 ? o->acked : offset / 3 * 3;
    od_plog_cut_run(&cut);
    (void)!od_plog_cut_end(p, &cut);
}

static void retain_from(struct od_plog *p, int64_t limit, struct outcome *o)
{
    struct od_plog_retention r = { 0, -1, 1500, limit };
    struct od_plog_trash trash;

    if (!od_plog_retain(p, &r, &trash))
        return;
    o->start = od_plog_start_offset(p);
    (void)!od_plog_trash_run(&trash);
}

static struct outcome live(void)
{
    struct od_plog_config c = config();
    struct outcome o = { 0 };
    struct od_storage *s;
    struct od_plog *p;

    if (store_open(path, &s))
        return o;
    fault.open = true;
    if (log_open(s, &c, &p)) {
        od_storage_abandon(s);
        return o;
    }
    append_and_flush(p, 17, 0, &o);
    (void)!od_storage_checkpoint(s);
    cut_to(p, 31, &o);
    od_plog_epoch_start(p, 2, od_plog_end_offset(p));
    append_and_flush(p, 20, 2, &o);
    retain_from(p, o.acked, &o);
    (void)!od_storage_checkpoint(s);
    append_and_flush(p, 4, 3, &o);
    o.stopped = od_storage_close(s, 5) == OD_NONE;
    return o;
}

/* The next life, in which nothing fails: everything acked is there, and nothing is wrong. */
static void check_after(const struct outcome *o)
{
    struct od_plog_config c = config();
    uint8_t out[1024], want[1024];
    struct od_storage *s;
    struct od_plog *p;
    struct od_batch_head h;
    int64_t end;
    size_t len;

    CHECK_OK(store_open(path, &s));
    CHECK(od_storage_was_clean(s) || !o->stopped);
    CHECK_OK(log_open(s, &c, &p));
    CHECK(!od_plog_damaged(p));
    CHECK(od_plog_end_offset(p) >= o->acked);
    CHECK(od_plog_start_offset(p) <= o->start);
    end = od_plog_end_offset(p);
    for (int64_t offset = od_plog_start_offset(p); offset < end; offset++) {
        CHECK_OK(read_at(p, offset, end, 1, true, out, sizeof(out), &len));
        CHECK_EQ(len, 100);
        CHECK(od_batch_head_read(out, &h));
        CHECK_EQ(h.base_offset, offset / 3 * 3);
        CHECK_EQ(h.max_timestamp, 1000 + h.base_offset);
        CHECK_EQ(h.leader_epoch, od_plog_epoch_at(p, offset));
        batch_make(want, h.base_offset, 3, h.leader_epoch, h.max_timestamp, 39);
        CHECK_MEM(out, want, len);
    }
    CHECK_OK(append_one(p, 3, 9, 1000 + end, 39));
    CHECK_OK(flush_now(p));
    CHECK_OK(od_storage_close(s, 6));
}

static int run_all(enum kind kind)
{
    int n = 1;

    for (;; n++) {
        struct outcome o;

        snprintf(path, sizeof(path), "%s/f%d", test_dir(), number++);
        memset(&fault, 0, sizeof(fault));
        fault.kind = kind;
        fault.fail_at = n;
        o = live();
        if (fault.sync_failed && kind == ONCE)
            CHECK_EQ(fault.syncs_after, 0);
        if (!fault.failed)
            break;
        memset(&fault, 0, sizeof(fault));
        check_after(&o);
    }
    return n;
}

TEST(the_scenario_itself_works)
{
    struct outcome o;

    snprintf(path, sizeof(path), "%s/f%d", test_dir(), number++);
    o = live();
    CHECK(o.stopped);
    CHECK_EQ(o.acked, 30 + 60 + 9);
    CHECK(o.start > 0);
    check_after(&o);
}

TEST(one_failing_call_loses_nothing)
{
    CHECK(run_all(ONCE) > 100);
}

TEST(a_crash_between_any_two_steps_loses_nothing)
{
    CHECK(run_all(FOR_EVER) > 100);
}

TEST(a_full_disk_loses_nothing)
{
    CHECK(run_all(FULL_ONCE) > 100);
    CHECK(run_all(FULL_FOR_EVER) > 100);
}
