/* SPDX-License-Identifier: Apache-2.0 */
/* Blocks of producer ids never overlap, whatever happens to the broker. */
#include "fixture.h"

static struct od_command_reply *allocate(struct fixture *f, int32_t broker, int64_t epoch)
{
    return fixture_run(f, (struct od_command){ .kind = OD_COMMAND_ALLOCATE_PRODUCER_IDS,
                                               .allocate_producer_ids = { broker, epoch } });
}

TEST(blocks_follow_each_other)
{
    struct fixture f = fixture_empty();
    int64_t epoch = fixture_register(&f, 1, -1);

    CHECK_OK(allocate(&f, 1, epoch)->err);
    CHECK_EQ(f.reply.producer_id, 0);
    CHECK_EQ(f.records.n, 1);
    CHECK_EQ(f.records.v[0].type, OD_RECORD_PRODUCER_IDS);
    CHECK_EQ(f.records.v[0].producer_ids.next_producer_id, 1000);
    CHECK_EQ(f.records.v[0].producer_ids.broker_id, 1);
    CHECK_EQ(f.records.v[0].producer_ids.broker_epoch, epoch);
    CHECK_EQ(allocate(&f, 1, epoch)->producer_id, 1000);
    CHECK_EQ(f.image->next_producer_id, 2000);
    fixture_free(&f);
}

TEST(a_broker_that_registered_anew_gets_new_blocks_and_the_old_one_none)
{
    struct fixture f = fixture_empty();
    int64_t old = fixture_register(&f, 1, -1), epoch;

    CHECK_EQ(allocate(&f, 1, old)->producer_id, 0);
    epoch = fixture_register(&f, 1, -1);
    CHECK_EQ(allocate(&f, 1, old)->err, OD_STALE_BROKER_EPOCH);
    CHECK_EQ(f.records.n, 0);
    CHECK_EQ(allocate(&f, 1, epoch)->producer_id, 1000);
    fixture_free(&f);
}

TEST(an_unknown_broker_gets_none)
{
    struct fixture f = fixture_empty();

    CHECK_EQ(allocate(&f, 1, 0)->err, OD_STALE_BROKER_EPOCH);
    CHECK_EQ(f.image->next_producer_id, 0);
    fixture_free(&f);
}
