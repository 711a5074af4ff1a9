/* SPDX-License-Identifier: Apache-2.0 */
/* What a leader says to a producer's batch. */
#include "machine.h"

TEST(an_unknown_producer_begins_with_any_sequence)
{
    struct machine *m = machine_new();

    CHECK_EQ(check(m, 7, 0, 0, 1).err, OD_NONE);
    CHECK_EQ(check(m, 7, 0, 4711, 1).err, OD_NONE);
    CHECK_EQ(check(m, 7, 0, INT32_MAX, 1).err, OD_NONE);
    machine_free(m);
}

TEST(the_next_sequence_follows_the_last_one)
{
    struct machine *m = machine_new();

    wrote(m, 7, 0, 0, 10);
    CHECK_EQ(check(m, 7, 0, 10, 3).err, OD_NONE);
    CHECK_EQ(check(m, 7, 0, 9, 3).err, OD_OUT_OF_ORDER_SEQUENCE_NUMBER);
    CHECK_EQ(check(m, 7, 0, 11, 3).err, OD_OUT_OF_ORDER_SEQUENCE_NUMBER);
    CHECK_EQ(check(m, 8, 0, 11, 3).err, OD_NONE);
    machine_free(m);
}

TEST(the_sequence_wraps_to_zero)
{
    struct machine *m = machine_new();

    CHECK_EQ(od_sequence_after(INT32_MAX, 1), 0);
    CHECK_EQ(od_sequence_after(INT32_MAX - 2, 5), 2);
    CHECK_EQ(od_sequence_after(-1, 1), 0);
    wrote(m, 7, 0, INT32_MAX - 1, 2);
    CHECK_EQ(check(m, 7, 0, 1, 1).err, OD_OUT_OF_ORDER_SEQUENCE_NUMBER);
    CHECK_EQ(check(m, 7, 0, 0, 1).err, OD_NONE);
    wrote(m, 7, 0, 0, 1);
    CHECK(check(m, 7, 0, INT32_MAX - 1, 2).duplicate);
    machine_free(m);
}

TEST(a_batch_that_wraps_is_known_again)
{
    struct machine *m = machine_new();

    wrote(m, 7, 0, INT32_MAX - 1, 4); /* MAX-1, MAX, 0, 1 */
    CHECK(check(m, 7, 0, INT32_MAX - 1, 4).duplicate);
    CHECK(!check(m, 7, 0, 2, 4).duplicate);
    CHECK_EQ(check(m, 7, 0, 2, 4).err, OD_NONE);
    machine_free(m);
}

TEST(the_last_five_batches_are_known_with_their_offsets)
{
    struct machine *m = machine_new();

    for (int i = 0; i < 6; i++)
        wrote(m, 7, 0, i * 10, 10);
    for (int i = 1; i < 6; i++) {
        struct od_producer_verdict v = check(m, 7, 0, i * 10, 10);

        CHECK(v.duplicate);
        CHECK_EQ(v.err, OD_NONE);
        CHECK_EQ(v.base_offset, i * 10);
        CHECK_EQ(v.place, -1);
        CHECK_EQ(v.timestamp, 1000);
    }
    CHECK(!check(m, 7, 0, 0, 10).duplicate);
    CHECK_EQ(check(m, 7, 0, 0, 10).err, OD_OUT_OF_ORDER_SEQUENCE_NUMBER);
    machine_free(m);
}

TEST(half_of_a_known_batch_is_no_duplicate)
{
    struct machine *m = machine_new();

    wrote(m, 7, 0, 0, 10);
    CHECK_EQ(check(m, 7, 0, 0, 9).err, OD_OUT_OF_ORDER_SEQUENCE_NUMBER);
    CHECK_EQ(check(m, 7, 0, 1, 9).err, OD_OUT_OF_ORDER_SEQUENCE_NUMBER);
    CHECK_EQ(check(m, 7, 0, 0, 11).err, OD_OUT_OF_ORDER_SEQUENCE_NUMBER);
    machine_free(m);
}

TEST(a_new_epoch_begins_with_sequence_zero)
{
    struct machine *m = machine_new();

    wrote(m, 7, 3, 0, 10);
    CHECK_EQ(check(m, 7, 4, 10, 1).err, OD_OUT_OF_ORDER_SEQUENCE_NUMBER);
    CHECK_EQ(check(m, 7, 4, 0, 1).err, OD_NONE);
    CHECK(!check(m, 7, 4, 0, 10).duplicate);
    machine_free(m);
}

TEST(an_old_epoch_is_refused)
{
    struct machine *m = machine_new();

    wrote(m, 7, 3, 0, 10);
    wrote(m, 7, 4, 0, 10);
    CHECK_EQ(check(m, 7, 3, 10, 1).err, OD_INVALID_PRODUCER_EPOCH);
    CHECK_EQ(check(m, 7, 3, 0, 10).err, OD_INVALID_PRODUCER_EPOCH);
    machine_free(m);
}

TEST(earlier_batches_of_the_gather_count)
{
    struct machine *m = machine_new();
    struct od_producer_verdict v;

    wrote(m, 7, 0, 0, 10);
    for (int i = 1; i < 4; i++) {
        struct od_producer_batch b = batch(m, 7, 0, i * 10, 10);

        b.base_offset = 100 + i;
        CHECK_EQ(check(m, 7, 0, i * 10, 10).err, OD_NONE);
        od_producer_stage_add(&m->stage, &b, i + 40);
    }
    CHECK_EQ(check(m, 7, 0, 10, 1).err, OD_OUT_OF_ORDER_SEQUENCE_NUMBER);
    CHECK_EQ(check(m, 7, 0, 40, 1).err, OD_NONE);
    v = check(m, 7, 0, 20, 10);
    CHECK(v.duplicate);
    CHECK_EQ(v.place, 42);
    CHECK_EQ(v.base_offset, 102);
    v = check(m, 7, 0, 0, 10); /* the fourth of the last five, and in the log */
    CHECK(v.duplicate);
    CHECK_EQ(v.place, -1);
    CHECK_EQ(v.base_offset, 0);
    machine_free(m);
}

TEST(the_stage_pushes_old_batches_out_of_the_window)
{
    struct machine *m = machine_new();

    wrote(m, 7, 0, 0, 1);
    for (int i = 1; i < 6; i++) {
        struct od_producer_batch b = batch(m, 7, 0, i, 1);

        CHECK(check(m, 7, 0, 0, 1).duplicate);
        od_producer_stage_add(&m->stage, &b, i);
    }
    CHECK(!check(m, 7, 0, 0, 1).duplicate);
    CHECK(check(m, 7, 0, 1, 1).duplicate);
    machine_free(m);
}

TEST(a_new_epoch_in_the_stage_fences_the_old_one)
{
    struct machine *m = machine_new();
    struct od_producer_batch b = batch(m, 7, 1, 0, 1);

    wrote(m, 7, 0, 0, 1);
    od_producer_stage_add(&m->stage, &b, 0);
    CHECK_EQ(check(m, 7, 0, 1, 1).err, OD_INVALID_PRODUCER_EPOCH);
    CHECK(!check(m, 7, 0, 0, 1).duplicate);
    CHECK_EQ(check(m, 7, 1, 1, 1).err, OD_NONE);
    machine_free(m);
}

TEST(a_transactional_batch_needs_its_transaction)
{
    struct machine *m = machine_new();
    struct od_producer_batch b = batch(m, 7, 0, 0, 1);
    struct od_producer_verdict v;

    b.transactional = true;
    od_producer_check(&m->stage, &b, &v);
    CHECK_EQ(v.err, OD_INVALID_TXN_STATE);
    wrote_in_txn(m, 7, 0, 0, 1);
    b = batch(m, 7, 0, 1, 1);
    b.transactional = true;
    od_producer_check(&m->stage, &b, &v);
    CHECK_EQ(v.err, OD_NONE);
    CHECK_EQ(check(m, 7, 0, 1, 1).err, OD_INVALID_TXN_STATE);
    machine_free(m);
}

TEST(without_a_table_nobody_is_known)
{
    struct machine *m = machine_new();

    od_producer_stage_begin(&m->stage, NULL);
    CHECK_EQ(check(m, 7, 0, 5, 1).err, OD_NONE);
    machine_free(m);
}
