/* SPDX-License-Identifier: Apache-2.0 */
/* Changing in-sync sets: fenced by every epoch, and never to what cannot be. */
#include "fixture.h"

/* Three live brokers, topic "t" with one partition on all of them. */
struct setting {
    struct fixture f;
    struct od_isr_member isr[4];
    struct od_alter_partition in;
    struct od_command command;
};

static const struct od_image_partition *partition(struct setting *s)
{
    return od_image_partition_find(od_image_topic_find(s->f.image, OD_STR("t")), 0);
}

static int64_t epoch_of(struct setting *s, int32_t id)
{
    return od_image_broker_find(s->f.image, id)->epoch;
}

/* The leader asks for itself and the next `followers` of the replicas. */
static void ask(struct setting *s, int followers)
{
    const struct od_image_partition *p = partition(s);

    s->in = (struct od_alter_partition){ .topic_id = od_image_topic_find(s->f.image,
                                                                         OD_STR("t"))->id,
                                         .leader_epoch = p->leader_epoch,
                                         .partition_epoch = p->partition_epoch,
                                         .isr_count = followers + 1,
                                         .isr = s->isr };
    for (int i = 0; i <= followers; i++)
        s->isr[i] = (struct od_isr_member){ p->replicas[i], epoch_of(s, p->replicas[i]) };
    s->command = (struct od_command){ .kind = OD_COMMAND_ALTER_PARTITIONS,
                                      .alter_partitions = { p->leader, epoch_of(s, p->leader), 1,
                                                            &s->in } };
}

static void begin(struct setting *s)
{
    *s = (struct setting){ .f = fixture_live(3) };
    fixture_topic(&s->f, "t", 1, 3);
    ask(s, 2);
}

static void check_refused(struct setting *s, enum od_err err)
{
    CHECK_EQ(fixture_run(&s->f, s->command)->items[0].err, err);
    CHECK_EQ(s->f.records.n, 0);
    fixture_free(&s->f);
}

TEST(the_in_sync_set_shrinks_and_grows_under_rising_partition_epochs)
{
    struct setting s;

    begin(&s);
    ask(&s, 0);
    CHECK_OK(fixture_run(&s.f, s.command)->items[0].err);
    CHECK_EQ(s.f.reply.items[0].partition_epoch, 1);
    CHECK_EQ(s.f.reply.items[0].isr_count, 1);
    CHECK_EQ(partition(&s)->isr_count, 1);
    CHECK_EQ(partition(&s)->partition_epoch, 1);
    CHECK_EQ(partition(&s)->leader_epoch, 0);
    ask(&s, 2);
    CHECK_OK(fixture_run(&s.f, s.command)->items[0].err);
    CHECK_EQ(partition(&s)->isr_count, 3);
    CHECK_EQ(partition(&s)->partition_epoch, 2);
    fixture_free(&s.f);
}

TEST(the_same_set_in_another_order_changes_nothing)
{
    struct setting s;
    struct od_isr_member first;

    begin(&s);
    first = s.isr[0];
    s.isr[0] = s.isr[2];
    s.isr[2] = first;
    CHECK_OK(fixture_run(&s.f, s.command)->items[0].err);
    CHECK_EQ(s.f.records.n, 0);
    CHECK_EQ(s.f.reply.items[0].partition_epoch, 0);
    fixture_free(&s.f);
}

TEST(an_old_or_a_future_epoch_is_refused)
{
    struct setting s;

    begin(&s);
    s.command.alter_partitions.broker_epoch--;
    CHECK_EQ(fixture_run(&s.f, s.command)->err, OD_STALE_BROKER_EPOCH);
    fixture_free(&s.f);
    begin(&s);
    s.in.leader_epoch--;
    check_refused(&s, OD_FENCED_LEADER_EPOCH);
    begin(&s);
    s.in.leader_epoch++;
    check_refused(&s, OD_NOT_CONTROLLER);
    begin(&s);
    s.in.partition_epoch--;
    check_refused(&s, OD_INVALID_UPDATE_VERSION);
    begin(&s);
    s.in.partition_epoch++;
    check_refused(&s, OD_NOT_CONTROLLER);
}

TEST(a_set_that_cannot_be_is_refused)
{
    struct setting s;

    begin(&s);
    s.isr[1].id = 9;
    check_refused(&s, OD_INVALID_REQUEST);
    begin(&s);
    s.isr[1] = s.isr[2];
    check_refused(&s, OD_INVALID_REQUEST);
    begin(&s);
    s.in.isr_count = 0;
    check_refused(&s, OD_INVALID_REQUEST);
    begin(&s);
    s.in.isr = &s.isr[1]; /* without the leader */
    s.in.isr_count = 2;
    check_refused(&s, OD_INVALID_REQUEST);
    begin(&s);
    s.command.alter_partitions.broker_id = s.isr[1].id; /* not the leader */
    s.command.alter_partitions.broker_epoch = s.isr[1].broker_epoch;
    check_refused(&s, OD_INVALID_REQUEST);
    begin(&s);
    s.in.partition = 1;
    check_refused(&s, OD_UNKNOWN_TOPIC_OR_PARTITION);
    begin(&s);
    s.in.topic_id = fixture_uuid(44);
    check_refused(&s, OD_UNKNOWN_TOPIC_ID);
}

TEST(who_joins_must_be_live_under_its_present_registration)
{
    struct setting s;
    int32_t follower;

    begin(&s);
    ask(&s, 0);
    fixture_run(&s.f, s.command);
    ask(&s, 1);
    s.isr[1].broker_epoch--;
    check_refused(&s, OD_INELIGIBLE_REPLICA);

    begin(&s);
    ask(&s, 0);
    fixture_run(&s.f, s.command);
    ask(&s, 1);
    s.isr[1].broker_epoch = -1; /* a broker that knows no epochs */
    CHECK_OK(fixture_run(&s.f, s.command)->items[0].err);
    fixture_free(&s.f);

    begin(&s);
    ask(&s, 0);
    fixture_run(&s.f, s.command);
    follower = partition(&s)->replicas[1];
    fixture_register(&s.f, follower, -1); /* fenced until it has caught up */
    ask(&s, 1);
    check_refused(&s, OD_INELIGIBLE_REPLICA);
}

TEST(a_partition_twice_in_one_command_changes_once)
{
    struct setting s;
    struct od_alter_partition both[2];

    begin(&s);
    ask(&s, 0);
    both[0] = both[1] = s.in;
    s.command.alter_partitions.partitions = both;
    s.command.alter_partitions.partition_count = 2;
    fixture_run(&s.f, s.command);
    CHECK_OK(s.f.reply.items[0].err);
    CHECK_EQ(s.f.reply.items[1].err, OD_INVALID_REQUEST);
    CHECK_EQ(partition(&s)->partition_epoch, 1);
    fixture_free(&s.f);
}
