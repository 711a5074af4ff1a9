/* SPDX-License-Identifier: Apache-2.0 */
/* Adding partitions to topics: numbers, assignments, limits, what is refused and why. */
#include "fixture.h"

static struct od_command growing(const struct od_grown_topic *topics, int n)
{
    return (struct od_command){ .kind = OD_COMMAND_CREATE_PARTITIONS,
                                .create_partitions = { n, topics, false } };
}

static void check_refused(struct fixture *f, struct od_grown_topic topic, enum od_err err,
                          const char *message)
{
    struct od_command_reply *r = fixture_run(f, growing(&topic, 1));

    CHECK_OK(r->err);
    CHECK_EQ(r->item_count, 1);
    CHECK_EQ(r->items[0].err, err);
    CHECK_STR(r->items[0].message, message);
    CHECK_EQ(f->records.n, 0);
}

TEST(a_topic_grows_to_the_total_and_keeps_what_it_had)
{
    struct fixture f = fixture_live(1);
    struct od_uuid id = fixture_topic(&f, "t", 2, 1)->id;
    struct od_grown_topic topic = { OD_STR("t"), 5, -1, NULL };
    const struct od_image_topic *t;

    CHECK_OK(fixture_run(&f, growing(&topic, 1))->items[0].err);
    t = od_image_topic_find(f.image, OD_STR("t"));
    CHECK(od_uuid_eq(t->id, id));
    CHECK_EQ(t->partition_count, 5);
    CHECK_EQ(f.image->partition_count, 5);
    CHECK_EQ(f.records.n, 3);
    CHECK_EQ(f.delta.topics[0].partition_count, 3);
    CHECK_EQ(f.delta.topics[0].partitions[0], 2);
    CHECK_EQ(od_image_partition_find(t, 4)->leader, 1);
    CHECK(od_uuid_eq(od_image_partition_find(t, 4)->directories[0], fixture_uuid(101)));
    fixture_free(&f);
}

TEST(what_is_no_growth_is_refused_with_the_number_there_is)
{
    struct fixture f = fixture_live(1);

    fixture_topic(&f, "t", 2, 1);
    check_refused(&f, (struct od_grown_topic){ OD_STR("t"), 2, -1, NULL }, OD_INVALID_PARTITIONS,
                  "Topic already has 2 partition(s).");
    check_refused(&f, (struct od_grown_topic){ OD_STR("t"), 1, -1, NULL }, OD_INVALID_PARTITIONS,
                  "The topic t currently has 2 partition(s); 1 would not be an increase.");
    check_refused(&f, (struct od_grown_topic){ OD_STR("t"), INT32_MIN, -1, NULL },
                  OD_INVALID_PARTITIONS,
                  "The topic t currently has 2 partition(s); -2147483648 would not be an "
                  "increase.");
    check_refused(&f, (struct od_grown_topic){ OD_STR("u"), 3, -1, NULL },
                  OD_UNKNOWN_TOPIC_OR_PARTITION, "There is no topic 'u'.");
    fixture_free(&f);
}

TEST(a_request_that_would_create_too_many_is_refused_from_there_on)
{
    struct fixture f = fixture_live(1);
    struct od_grown_topic topics[3] = { { OD_STR("a"), 1 + OD_CREATE_PARTITIONS_MAX - 1, -1, NULL },
                                        { OD_STR("b"), 3, -1, NULL },
                                        { OD_STR("c"), 2, -1, NULL } };

    fixture_topic(&f, "a", 1, 1);
    fixture_topic(&f, "b", 1, 1);
    fixture_topic(&f, "c", 1, 1);
    fixture_run(&f, growing(topics, 3));
    CHECK_OK(f.reply.items[0].err);
    CHECK_EQ(f.reply.items[1].err, OD_POLICY_VIOLATION); /* one too many */
    CHECK_OK(f.reply.items[2].err);                      /* the last that fits */
    CHECK_EQ(f.records.n, OD_CREATE_PARTITIONS_MAX);
    topics[0].count = INT32_MAX;
    check_refused(&f, topics[0], OD_INVALID_PARTITIONS, "A topic has at most 1000000 partitions.");
    fixture_free(&f);
}

TEST(a_topic_that_is_named_twice_grows_in_neither_way)
{
    struct fixture f = fixture_live(1);
    struct od_grown_topic topics[3] = { { OD_STR("t"), 3, -1, NULL },
                                        { OD_STR("u"), 2, -1, NULL },
                                        { OD_STR("t"), 4, -1, NULL } };

    fixture_topic(&f, "t", 1, 1);
    fixture_topic(&f, "u", 1, 1);
    fixture_run(&f, growing(topics, 3));
    CHECK_EQ(f.reply.item_count, 2);
    CHECK_EQ(f.reply.items[0].err, OD_INVALID_REQUEST);
    CHECK_STR(f.reply.items[0].message, "Duplicate topic name.");
    CHECK_OK(f.reply.items[1].err);
    CHECK(od_str_is(f.reply.items[1].topic_name, "u"));
    CHECK_EQ(f.records.n, 1);
    fixture_free(&f);
}

TEST(validation_alone_changes_nothing)
{
    struct fixture f = fixture_live(1);
    struct od_grown_topic topic = { OD_STR("t"), 3, -1, NULL };
    struct od_command c = growing(&topic, 1);

    fixture_topic(&f, "t", 1, 1);
    c.create_partitions.validate_only = true;
    CHECK_OK(fixture_run(&f, c)->items[0].err);
    CHECK_EQ(f.records.n, 0);
    topic.count = 1;
    CHECK_EQ(fixture_run(&f, c)->items[0].err, OD_INVALID_PARTITIONS);
    fixture_free(&f);
}

TEST(manual_assignments_are_one_for_each_new_partition_and_as_wide_as_the_old_ones)
{
    static const int32_t one[] = { 1 }, two[] = { 2 }, both[] = { 1, 2 }, unknown[] = { 7 };
    struct od_new_assignment a[3] = { { 0, 1, two }, { 0, 1, one }, { 0, 1, one } };
    struct od_grown_topic topic = { OD_STR("t"), 3, 2, a };
    struct fixture f = fixture_live(2);
    const struct od_image_topic *t;

    fixture_topic(&f, "t", 1, 1);
    topic.assignment_count = 1;
    check_refused(&f, topic, OD_INVALID_REPLICA_ASSIGNMENT,
                  "Attempted to add 2 additional partition(s), but 1 assignment(s) were "
                  "specified.");
    topic.assignment_count = 3;
    CHECK_EQ(fixture_run(&f, growing(&topic, 1))->items[0].err, OD_INVALID_REPLICA_ASSIGNMENT);
    topic.assignment_count = 2;
    a[1] = (struct od_new_assignment){ 0, 2, both };
    check_refused(&f, topic, OD_INVALID_REPLICA_ASSIGNMENT,
                  "The manual assignment of partition 2 has another number of replicas than the "
                  "topic.");
    a[1] = (struct od_new_assignment){ 0, 1, unknown };
    check_refused(&f, topic, OD_INVALID_REPLICA_ASSIGNMENT,
                  "The manual assignment of partition 2 names a broker that is not registered.");
    a[1] = (struct od_new_assignment){ 0, 1, one };
    CHECK_OK(fixture_run(&f, growing(&topic, 1))->items[0].err);
    t = od_image_topic_find(f.image, OD_STR("t"));
    CHECK_EQ(od_image_partition_find(t, 1)->leader, 2);
    CHECK_EQ(od_image_partition_find(t, 2)->leader, 1);
    fixture_free(&f);
}

TEST(new_partitions_need_as_many_live_brokers_as_the_old_ones_have_replicas)
{
    struct fixture f = fixture_live(2);
    struct od_grown_topic topic = { OD_STR("t"), 2, -1, NULL };
    const struct od_image_broker *b = od_image_broker_find(f.image, 2);

    fixture_topic(&f, "t", 1, 2);
    fixture_beat(&f, 2, b->epoch, true);
    check_refused(&f, topic, OD_INVALID_REPLICATION_FACTOR,
                  "Partitions of 2 replicas need as many live brokers, and there is 1.");
    fixture_free(&f);
}
