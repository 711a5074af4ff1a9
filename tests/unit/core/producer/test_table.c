/* SPDX-License-Identifier: Apache-2.0 */
/* Transactions, expiry, bounds and snapshots of the table. */
#include "machine.h"

#include <string.h>

TEST(the_first_open_transaction_bounds_what_is_stable)
{
    struct machine *m = machine_new();

    CHECK_EQ(od_producers_first_unstable(&m->table), INT64_MAX);
    wrote(m, 6, 0, 0, 5);
    CHECK_EQ(od_producers_first_unstable(&m->table), INT64_MAX);
    wrote_in_txn(m, 7, 0, 0, 5);
    wrote_in_txn(m, 8, 0, 0, 5);
    wrote_in_txn(m, 7, 0, 5, 5);
    CHECK_EQ(od_producers_first_unstable(&m->table), 5);
    machine_free(m);
}

TEST(a_finished_transaction_is_unstable_until_its_marker_is_settled)
{
    struct machine *m = machine_new();

    wrote_in_txn(m, 7, 0, 0, 5);
    CHECK(!ended(m, 7, 0, true)); /* at 5 */
    CHECK_EQ(od_producers_first_unstable(&m->table), 0);
    od_producers_settle(&m->table, 5);
    CHECK_EQ(od_producers_first_unstable(&m->table), 0);
    od_producers_settle(&m->table, 6);
    CHECK_EQ(od_producers_first_unstable(&m->table), INT64_MAX);
    machine_free(m);
}

TEST(the_lowest_of_many_finished_transactions_counts)
{
    struct machine *m = machine_new();

    for (int i = 0; i < 20; i++)
        wrote_in_txn(m, i, 0, 0, 1); /* begin at 0..19 */
    for (int i = 1; i < 20; i++)
        ended(m, i, 0, true); /* at 20..38 */
    ended(m, 0, 0, false);    /* at 39 */
    CHECK_EQ(od_producers_first_unstable(&m->table), 0);
    od_producers_settle(&m->table, 39);
    CHECK_EQ(od_producers_first_unstable(&m->table), 0);
    wrote_in_txn(m, 50, 0, 0, 1); /* at 40 */
    ended(m, 50, 0, true);
    od_producers_settle(&m->table, 40);
    CHECK_EQ(od_producers_first_unstable(&m->table), 40);
    od_producers_settle(&m->table, 42);
    CHECK_EQ(od_producers_first_unstable(&m->table), INT64_MAX);
    machine_free(m);
}

TEST(an_abort_says_what_goes_into_the_transaction_index)
{
    struct machine *m = machine_new();

    wrote_in_txn(m, 7, 0, 0, 5); /* 0 */
    wrote_in_txn(m, 8, 0, 0, 5); /* 5 */
    CHECK(ended(m, 7, 0, false)); /* 10 */
    CHECK_EQ(m->aborted.producer_id, 7);
    CHECK_EQ(m->aborted.first_offset, 0);
    CHECK_EQ(m->aborted.last_offset, 10);
    CHECK_EQ(m->aborted.last_stable_offset, 5);
    CHECK(ended(m, 8, 0, false)); /* 11 */
    CHECK_EQ(m->aborted.last_stable_offset, 12);
    machine_free(m);
}

TEST(an_abort_without_data_needs_no_entry)
{
    struct machine *m = machine_new();

    CHECK(!ended(m, 7, 0, false));
    CHECK_EQ(od_producers_first_unstable(&m->table), INT64_MAX);
    CHECK_EQ(od_producers_find(&m->table, 7)->coordinator_epoch, 3);
    machine_free(m);
}

TEST(a_marker_of_a_new_epoch_makes_the_sequence_begin_anew)
{
    struct machine *m = machine_new();

    wrote_in_txn(m, 7, 0, 0, 5);
    ended(m, 7, 1, true);
    CHECK_EQ(check(m, 7, 0, 5, 1).err, OD_INVALID_PRODUCER_EPOCH);
    CHECK_EQ(check(m, 7, 1, 5, 1).err, OD_OUT_OF_ORDER_SEQUENCE_NUMBER);
    CHECK_EQ(check(m, 7, 1, 0, 1).err, OD_NONE);
    machine_free(m);
}

TEST(a_marker_of_the_same_epoch_keeps_the_window)
{
    struct machine *m = machine_new();

    wrote_in_txn(m, 7, 0, 0, 5);
    ended(m, 7, 0, true);
    CHECK(check(m, 7, 0, 0, 5).duplicate);
    CHECK_EQ(check(m, 7, 0, 5, 1).err, OD_NONE);
    machine_free(m);
}

TEST(a_producer_expires_at_the_age_and_not_before)
{
    struct machine *m = machine_new();

    wrote(m, 7, 0, 0, 1); /* at 1000 */
    od_producers_expire(&m->table, 1099, 100);
    CHECK(od_producers_find(&m->table, 7) != NULL);
    od_producers_expire(&m->table, 1100, 100);
    CHECK(od_producers_find(&m->table, 7) == NULL);
    CHECK_EQ(check(m, 7, 0, 99, 1).err, OD_NONE);
    machine_free(m);
}

TEST(a_producer_with_a_transaction_does_not_expire)
{
    struct machine *m = machine_new();

    wrote_in_txn(m, 7, 0, 0, 1);
    od_producers_expire(&m->table, INT64_MAX, 0);
    CHECK_EQ(od_producers_count(&m->table), 1);
    ended(m, 7, 0, true); /* its timestamp, 2000, counts */
    od_producers_expire(&m->table, 2099, 100);
    CHECK_EQ(od_producers_count(&m->table), 1);
    od_producers_expire(&m->table, 2100, 100);
    CHECK_EQ(od_producers_count(&m->table), 0);
    machine_free(m);
}

TEST(beyond_the_bound_the_idle_one_that_wrote_longest_ago_goes)
{
    struct machine *m = machine_new();

    wrote_in_txn(m, 0, 0, 0, 1);
    for (int i = 1; i < OD_PRODUCERS_MAX; i++)
        wrote(m, i, 0, 0, 1);
    wrote(m, 1, 0, 1, 1);
    CHECK_EQ(od_producers_count(&m->table), OD_PRODUCERS_MAX);
    wrote(m, OD_PRODUCERS_MAX, 0, 0, 1);
    CHECK_EQ(od_producers_count(&m->table), OD_PRODUCERS_MAX);
    CHECK(od_producers_find(&m->table, 0) != NULL);
    CHECK(od_producers_find(&m->table, 1) != NULL);
    CHECK(od_producers_find(&m->table, 2) == NULL);
    machine_free(m);
}

/* A table that holds what a snapshot of t at offset says. */
static enum od_err reload(const struct od_producers *t, int64_t offset, struct od_producers *out)
{
    size_t n = od_producers_snapshot_entries(t);
    struct od_producer_snapshot_producer *entries = od_alloc((n + 1) * sizeof(*entries));
    struct od_producer_snapshot s;
    enum od_err err;

    od_producers_save(t, entries, &s);
    CHECK_EQ(s.producer_entries.n, n);
    od_producers_init(out, 2);
    err = od_producers_load(out, offset, &s);
    od_free(entries);
    return err;
}

TEST(a_snapshot_keeps_windows_and_transactions)
{
    struct machine *m = machine_new();
    struct od_producers again;

    ended(m, 5, 2, true); /* known by its marker only */
    for (int i = 0; i < 7; i++)
        wrote(m, 7, 4, i * 3, 3);
    wrote_in_txn(m, 9, 0, 0, 2);
    wrote_in_txn(m, 8, 0, 0, 2);
    wrote_in_txn(m, 9, 0, 2, 2);
    CHECK_EQ(reload(&m->table, m->end, &again), OD_NONE);
    CHECK_EQ(od_producers_count(&again), 4);
    CHECK_EQ(again.end_offset, m->end);
    CHECK_EQ(od_producers_first_unstable(&again), od_producers_first_unstable(&m->table));
    for (int64_t id = 5; id < 10; id++) {
        const struct od_producer *a = od_producers_find(&m->table, id);
        const struct od_producer *b = od_producers_find(&again, id);

        CHECK_EQ(a == NULL, b == NULL);
        if (!a)
            continue;
        CHECK_EQ(a->epoch, b->epoch);
        CHECK_EQ(a->coordinator_epoch, b->coordinator_epoch);
        CHECK_EQ(a->txn_first_offset, b->txn_first_offset);
        CHECK_EQ(a->last_timestamp, b->last_timestamp);
        CHECK_EQ(a->done_count, b->done_count);
        CHECK(memcmp(a->done, b->done, a->done_count * sizeof(*a->done)) == 0);
    }
    od_producers_deinit(&again);
    machine_free(m);
}

TEST(the_last_entry_of_a_producer_says_all_that_kafka_reads)
{
    struct machine *m = machine_new();
    struct od_producer_snapshot_producer entries[3];
    struct od_producer_snapshot s;

    wrote(m, 7, 4, 0, 3);
    wrote(m, 7, 4, 3, 2);
    CHECK_EQ(od_producers_snapshot_entries(&m->table), 2);
    od_producers_save(&m->table, entries, &s);
    CHECK_EQ(entries[1].producer_id, 7);
    CHECK_EQ(entries[1].epoch, 4);
    CHECK_EQ(entries[1].last_sequence, 4);
    CHECK_EQ(entries[1].last_offset, 4);
    CHECK_EQ(entries[1].offset_delta, 1);
    CHECK_EQ(entries[1].timestamp, 1000);
    CHECK_EQ(entries[1].coordinator_epoch, -1);
    CHECK_EQ(entries[1].current_txn_first_offset, -1);
    machine_free(m);
}

TEST(a_snapshot_from_beyond_its_offset_is_refused)
{
    struct machine *m = machine_new();
    struct od_producers again;

    wrote_in_txn(m, 7, 0, 0, 5);
    CHECK_EQ(reload(&m->table, 5, &again), OD_NONE);
    od_producers_deinit(&again);
    CHECK_EQ(reload(&m->table, 4, &again), OD_E_CORRUPT);
    od_producers_deinit(&again);
    machine_free(m);
}
