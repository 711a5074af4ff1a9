/* SPDX-License-Identifier: Apache-2.0 */
/* What readers of committed data see of a range with transactions. */
#include "client/aborted.h"
#include "test.h"

enum { TXN = OD_BATCH_TRANSACTIONAL, MARKER = OD_BATCH_TRANSACTIONAL | OD_BATCH_CONTROL };

static bool hides(struct od_aborted *a, int64_t offset, int64_t producer_id, int16_t attributes)
{
    struct od_batch_header h = { .base_offset = offset, .last_offset_delta = 1,
                                 .producer_id = producer_id, .attributes = attributes };

    return od_aborted_hides(a, &h);
}

TEST(aborted_batches_are_hidden_up_to_their_marker)
{
    struct od_fetch_rsp_aborted_transaction list[] = { { 7, 10 }, { 8, 20 }, { 7, 40 } };
    struct od_fetch_rsp_partition answer = { .aborted_transactions = { 3, list } };
    struct od_aborted a = { 0 };

    od_aborted_begin(&a, &answer);
    CHECK(!hides(&a, 0, 7, TXN));  /* an earlier transaction, committed */
    CHECK(hides(&a, 2, 7, MARKER));
    CHECK(hides(&a, 10, 7, TXN));
    CHECK(!hides(&a, 12, 9, TXN)); /* another producer */
    CHECK(!hides(&a, 14, -1, 0));
    CHECK(hides(&a, 20, 8, TXN));
    CHECK(hides(&a, 22, 7, TXN));
    CHECK(hides(&a, 24, 7, MARKER));
    CHECK(!hides(&a, 26, 7, TXN)); /* after the abort */
    CHECK(hides(&a, 28, 8, TXN));
    CHECK(hides(&a, 30, 8, MARKER));
    CHECK(!hides(&a, 32, 8, TXN));
    CHECK(hides(&a, 39, 7, TXN)); /* its last offset is the first of the third one */
    od_aborted_deinit(&a);
}

TEST(a_range_may_begin_inside_an_aborted_transaction)
{
    struct od_fetch_rsp_aborted_transaction list[] = { { 7, 10 } };
    struct od_fetch_rsp_partition answer = { .aborted_transactions = { 1, list } };
    struct od_aborted a = { 0 };

    od_aborted_begin(&a, &answer);
    CHECK(hides(&a, 100, 7, TXN));
    CHECK(!hides(&a, 102, 7, 0)); /* idempotent only */
    od_aborted_deinit(&a);
}

TEST(without_a_list_only_control_batches_are_hidden)
{
    struct od_fetch_rsp_partition answer = { .aborted_transactions = { -1, NULL } };
    struct od_aborted a = { 0 };

    od_aborted_begin(&a, &answer);
    CHECK(!hides(&a, 0, 7, TXN));
    CHECK(hides(&a, 2, 7, MARKER));
    od_aborted_deinit(&a);
}

TEST(one_producer_listed_twice_is_open_once)
{
    struct od_fetch_rsp_aborted_transaction list[] = { { 7, 10 }, { 7, 11 } };
    struct od_fetch_rsp_partition answer = { .aborted_transactions = { 2, list } };
    struct od_aborted a = { 0 };

    od_aborted_begin(&a, &answer);
    CHECK(hides(&a, 12, 7, TXN));
    CHECK(hides(&a, 14, 7, MARKER));
    CHECK(!hides(&a, 16, 7, TXN));
    od_aborted_deinit(&a);
}
