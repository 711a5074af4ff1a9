/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Producers, transactions, rolls, a cut and a stop, with the n-th call that changes a file failing,
 * for every n.  In the next life the state is what the log says: above all, no aborted transaction
 * is forgotten because its index entry could not be written.
 */
#include "failing.h"
#include "producers.h"

static char path[256];
static int number;

static struct od_plog_config config(void)
{
    struct od_plog_config c = OD_PLOG_CONFIG_DEFAULT;

    c.segment_bytes = 900;
    return c;
}

/* Five transactions, every other one aborted, beside an idempotent producer. */
static void write_some(struct od_plog *p, int16_t epoch)
{
    for (int16_t i = 0; i < 5; i++) {
        (void)produce(p, 7, (int16_t)(epoch * 5 + i), 0, 2, true);
        (void)produce(p, 8, epoch, i, 1, false);
        if (flush_now(p) == OD_NONE)
            od_plog_set_high_watermark(p, od_plog_durable_end(p));
        (void)mark(p, 7, (int16_t)(epoch * 5 + i), i % 2);
        (void)produce(p, 9, epoch, i, 1, i == 4);
        if (flush_now(p) == OD_NONE)
            od_plog_set_high_watermark(p, od_plog_durable_end(p));
    }
}

static void cut_some(struct od_plog *p)
{
    struct od_plog_cut cut;

    if (od_plog_cut_begin(p, od_plog_end_offset(p) - 9, &cut))
        return;
    od_plog_cut_run(&cut);
    (void)!od_plog_cut_end(p, &cut);
}

static void live(void)
{
    struct od_plog_config c = config();
    struct od_storage *s;
    struct od_plog *p;

    if (store_open(path, &s))
        return;
    fault.open = true;
    if (log_open(s, &c, &p)) {
        od_storage_abandon(s);
        return;
    }
    write_some(p, 0);
    (void)!od_storage_checkpoint(s);
    cut_some(p);
    write_some(p, 1);
    (void)!od_storage_checkpoint(s);
    write_some(p, 2);
    (void)od_storage_close(s, 5);
}

static void check_after(void)
{
    struct od_plog_config c = config();
    struct od_storage *s;
    struct od_plog *p;

    CHECK_OK(store_open(path, &s));
    CHECK_OK(log_open(s, &c, &p));
    check_against_log(p);
    od_plog_close(p);
    CHECK_OK(od_storage_close(s, 6));
    CHECK_OK(store_open(path, &s));
    CHECK_OK(log_open(s, &c, &p));
    check_against_log(p);
    od_storage_abandon(s);
}

static int run_all(enum kind kind)
{
    int n = 1;

    for (;; n++) {
        snprintf(path, sizeof(path), "%s/f%d", test_dir(), number++);
        memset(&fault, 0, sizeof(fault));
        fault.kind = kind;
        fault.fail_at = n;
        live();
        if (fault.sync_failed && kind == ONCE)
            CHECK_EQ(fault.syncs_after, 0);
        if (!fault.failed)
            break;
        memset(&fault, 0, sizeof(fault));
        check_after();
    }
    return n;
}

TEST(the_state_is_what_the_log_says_after_one_failing_call)
{
    CHECK(run_all(ONCE) > 100);
}

TEST(the_state_is_what_the_log_says_after_a_crash_between_any_two_steps)
{
    CHECK(run_all(FOR_EVER) > 100);
}

TEST(the_state_is_what_the_log_says_after_a_full_disk)
{
    CHECK(run_all(FULL_ONCE) > 100);
    CHECK(run_all(FULL_FOR_EVER) > 100);
}

/* Markers are durable, their index entries are not: recovery has to begin below them. */
static void live_without_room_for(const char *name)
{
    struct od_plog_config c = config();
    struct od_storage *s;
    struct od_plog *p;

    snprintf(path, sizeof(path), "%s/f%d", test_dir(), number++);
    memset(&fault, 0, sizeof(fault));
    CHECK_OK(store_open(path, &s));
    CHECK_OK(log_open(s, &c, &p));
    fault.no_room_for = name;
    write_some(p, 0);
    write_some(p, 1);
    CHECK(p->n_segments > 3);
    CHECK_EQ(od_plog_durable_end(p), od_plog_end_offset(p));
    CHECK_OK(od_storage_checkpoint(s));
    fault.no_room_for = NULL;
    od_storage_abandon(s);
    check_after();
}

TEST(the_recovery_point_waits_for_the_transaction_index)
{
    live_without_room_for(".txnindex");
}

TEST(recovery_begins_at_an_older_snapshot_when_there_was_no_room_for_newer_ones)
{
    live_without_room_for(".snapshot");
}

TEST(many_segments_without_room_for_their_indexes_do_not_hold_up_the_stop)
{
    struct od_plog_config c = config();
    struct od_storage *s;
    struct od_plog *p;

    snprintf(path, sizeof(path), "%s/f%d", test_dir(), number++);
    memset(&fault, 0, sizeof(fault));
    c.segment_bytes = 100;
    CHECK_OK(store_open(path, &s));
    CHECK_OK(log_open(s, &c, &p));
    fault.no_room_for = ".snapshot";
    for (int i = 0; i < 3 * OD_PLOG_FLUSH_SEGMENTS; i++)
        CHECK_OK(produce(p, 7, 0, i, 1, false));
    for (int i = 0; i < 3 * OD_PLOG_FLUSH_SEGMENTS && od_plog_dirty(p); i++)
        CHECK_OK(flush_now(p));
    CHECK(!od_plog_dirty(p));
    fault.no_room_for = NULL;
    CHECK_OK(od_storage_close(s, 5));
    check_after();
}
