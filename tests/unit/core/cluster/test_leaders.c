/* SPDX-License-Identifier: Apache-2.0 */
/* Elections and reassignments on request: what is so already, what cannot be, what is done. */
#include "fixture.h"

static struct od_command electing(enum od_election election, const struct od_partition_name *names,
                                  int n)
{
    return (struct od_command){ .kind = OD_COMMAND_ELECT_LEADERS,
                                .elect_leaders = { election, names == NULL, n, names } };
}

static const struct od_image_partition *partition(struct fixture *f, const char *topic)
{
    return od_image_partition_find(od_image_topic_find(f->image, od_str_of(topic)), 0);
}

/* One partition with the replicas 1 and 2, led by 2. */
static void led_by_the_second(struct fixture *f)
{
    static const int32_t replicas[] = { 1, 2 };
    struct od_new_assignment a = { 0, 2, replicas };
    struct od_new_topic topic = { .name = OD_STR("t"),
                                  .partitions = -1,
                                  .replication_factor = -1,
                                  .assignment_count = 1,
                                  .assignments = &a };
    struct od_metadata_record r;

    CHECK_OK(fixture_run(f, fixture_create(&topic, 1))->items[0].err);
    od_metadata_record_init(&r, OD_RECORD_PARTITION_CHANGE, OD_METADATA_VERSION);
    r.partition_change.topic_id = od_image_topic_find(f->image, OD_STR("t"))->id;
    r.partition_change.partition_id = 0;
    r.partition_change.leader = 2;
    f->records = (struct od_record_list){ &r, 1, 1 };
    fixture_apply(f);
    CHECK_EQ(partition(f, "t")->leader, 2);
}

TEST(a_leader_that_is_the_wanted_one_needs_no_election)
{
    struct fixture f = fixture_live(1);
    struct od_partition_name names[] = { { OD_STR("t"), 0 }, { OD_STR("t"), 1 },
                                         { OD_STR("u"), 0 } };

    fixture_topic(&f, "t", 1, 1);
    fixture_run(&f, electing(OD_ELECTION_PREFERRED, names, 3));
    CHECK_EQ(f.reply.items[0].err, OD_ELECTION_NOT_NEEDED);
    CHECK_EQ(f.reply.items[1].err, OD_UNKNOWN_TOPIC_OR_PARTITION);
    CHECK_STR(f.reply.items[1].message, "No such partition as t-1");
    CHECK_EQ(f.reply.items[2].err, OD_UNKNOWN_TOPIC_OR_PARTITION);
    CHECK_STR(f.reply.items[2].message, "No such topic as u");
    CHECK_EQ(fixture_run(&f, electing(OD_ELECTION_UNCLEAN, names, 1))->items[0].err,
             OD_ELECTION_NOT_NEEDED);
    CHECK_EQ(f.records.n, 0);
    fixture_free(&f);
}

TEST(the_preferred_replica_leads_again_with_a_new_epoch)
{
    struct od_partition_name names[2] = { { OD_STR("t"), 0 }, { OD_STR("t"), 0 } };
    struct fixture f = fixture_live(2);
    int32_t epoch;

    led_by_the_second(&f);
    epoch = partition(&f, "t")->leader_epoch;
    fixture_run(&f, electing(OD_ELECTION_PREFERRED, names, 2));
    CHECK_OK(f.reply.items[0].err);
    CHECK_EQ(f.reply.items[1].err, OD_ELECTION_NOT_NEEDED); /* named twice */
    CHECK_EQ(partition(&f, "t")->leader, 1);
    CHECK_EQ(partition(&f, "t")->leader_epoch, epoch + 1);
    CHECK_EQ(partition(&f, "t")->isr_count, 2);
    fixture_free(&f);
}

TEST(a_preferred_replica_that_is_fenced_is_not_available)
{
    struct od_partition_name name = { OD_STR("t"), 0 };
    struct fixture f = fixture_live(2);

    led_by_the_second(&f);
    fixture_beat(&f, 1, od_image_broker_find(f.image, 1)->epoch, true);
    fixture_run(&f, electing(OD_ELECTION_PREFERRED, &name, 1));
    CHECK_EQ(f.reply.items[0].err, OD_PREFERRED_LEADER_NOT_AVAILABLE);
    CHECK_EQ(f.records.n, 0);
    fixture_free(&f);
}

/* The partition of led_by_the_second without a leader, and 1 alone in sync. */
static void without_leader(struct fixture *f)
{
    static int32_t isr[] = { 1 };
    struct od_metadata_record r;

    led_by_the_second(f);
    od_metadata_record_init(&r, OD_RECORD_PARTITION_CHANGE, OD_METADATA_VERSION);
    r.partition_change.topic_id = od_image_topic_find(f->image, OD_STR("t"))->id;
    r.partition_change.partition_id = 0;
    r.partition_change.leader = OD_NO_LEADER;
    r.partition_change.isr.n = 1;
    r.partition_change.isr.v = isr;
    f->records = (struct od_record_list){ &r, 1, 1 };
    fixture_apply(f);
}

TEST(an_unclean_election_prefers_who_is_in_sync)
{
    struct od_partition_name name = { OD_STR("t"), 0 };
    struct fixture f = fixture_live(2);

    without_leader(&f);
    CHECK_OK(fixture_run(&f, electing(OD_ELECTION_UNCLEAN, &name, 1))->items[0].err);
    CHECK_EQ(partition(&f, "t")->leader, 1);
    CHECK(!partition(&f, "t")->recovering);
    fixture_free(&f);
}

TEST(an_unclean_election_takes_another_replica_where_nobody_in_sync_lives)
{
    struct od_partition_name name = { OD_STR("t"), 0 };
    struct fixture f = fixture_live(2);

    without_leader(&f);
    fixture_beat(&f, 1, od_image_broker_find(f.image, 1)->epoch, true);
    CHECK_EQ(fixture_run(&f, electing(OD_ELECTION_PREFERRED, &name, 1))->items[0].err,
             OD_PREFERRED_LEADER_NOT_AVAILABLE);
    CHECK_OK(fixture_run(&f, electing(OD_ELECTION_UNCLEAN, &name, 1))->items[0].err);
    CHECK_EQ(partition(&f, "t")->leader, 2);
    CHECK(partition(&f, "t")->recovering);
    CHECK_EQ(partition(&f, "t")->isr_count, 1);
    CHECK_EQ(partition(&f, "t")->isr[0], 2);
    fixture_free(&f);
}

TEST(asked_for_all_only_what_needs_an_election_is_told)
{
    struct fixture f = fixture_live(2);

    fixture_topic(&f, "quiet", 3, 1);
    led_by_the_second(&f);
    fixture_run(&f, electing(OD_ELECTION_PREFERRED, NULL, 0));
    CHECK_EQ(f.reply.item_count, 1);
    CHECK_OK(f.reply.items[0].err);
    CHECK(od_str_is(f.reply.items[0].topic_name, "t"));
    CHECK_EQ(fixture_run(&f, electing(OD_ELECTION_PREFERRED, NULL, 0))->item_count, 0);
    fixture_free(&f);
}

/* --- reassignments ---------------------------------------------------------------------------- */

static enum od_err reassign(struct fixture *f, int32_t n, const int32_t *replicas,
                            bool factor_may_change)
{
    struct od_reassignment one = { { OD_STR("t"), 0 }, n, replicas };

    fixture_run(f, (struct od_command){ .kind = OD_COMMAND_REASSIGN,
                                        .reassign = { factor_may_change, 1, &one } });
    CHECK_OK(f->reply.err);
    CHECK_EQ(f->records.n, 0);
    return f->reply.items[0].err;
}

TEST(a_reassignment_to_where_the_replicas_are_is_done_already)
{
    static const int32_t same[] = { 1 }, unknown[] = { 5 }, twice[] = { 1, 1 }, wider[] = { 1, 2 };
    struct fixture f = fixture_live(2);
    static const int32_t first[] = { 1 };
    struct od_new_assignment a = { 0, 1, first };
    struct od_new_topic topic = { .name = OD_STR("t"),
                                  .partitions = -1,
                                  .replication_factor = -1,
                                  .assignment_count = 1,
                                  .assignments = &a };

    CHECK_EQ(reassign(&f, 1, same, true), OD_UNKNOWN_TOPIC_OR_PARTITION);
    CHECK_OK(fixture_run(&f, fixture_create(&topic, 1))->items[0].err);
    CHECK_OK(reassign(&f, 1, same, true));
    CHECK_EQ(reassign(&f, -1, NULL, true), OD_NO_REASSIGNMENT_IN_PROGRESS);
    CHECK_EQ(reassign(&f, 0, NULL, true), OD_INVALID_REPLICA_ASSIGNMENT);
    CHECK_EQ(reassign(&f, 1, unknown, true), OD_INVALID_REPLICA_ASSIGNMENT);
    CHECK_EQ(reassign(&f, 2, twice, true), OD_INVALID_REPLICA_ASSIGNMENT);
    CHECK_EQ(reassign(&f, 2, wider, false), OD_INVALID_REPLICATION_FACTOR);
    CHECK_EQ(reassign(&f, 2, wider, true), OD_INVALID_REPLICA_ASSIGNMENT);
    fixture_free(&f);
}
