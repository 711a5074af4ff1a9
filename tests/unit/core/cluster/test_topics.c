/* SPDX-License-Identifier: Apache-2.0 */
/* Creating and deleting topics: Kafka's codes, messages that name cause and knob, placement. */
#include "base/text.h"
#include "fixture.h"

#include <string.h>

static void check_refused(struct fixture *f, struct od_new_topic topic, enum od_err err,
                          const char *message)
{
    struct od_command_reply *r = fixture_run(f, fixture_create(&topic, 1));

    CHECK_OK(r->err);
    CHECK_EQ(r->items[0].err, err);
    CHECK_STR(r->items[0].message, message);
    CHECK_EQ(f->records.n, 0);
}

static struct od_new_topic named(struct od_str name)
{
    return (struct od_new_topic){ .name = name, .partitions = 1, .replication_factor = 1 };
}

TEST(a_topic_is_created_with_its_partitions_led_and_in_sync)
{
    struct fixture f = fixture_live(1);
    struct od_new_topic topic = { .name = OD_STR("t"), .partitions = -1, .replication_factor = -1 };
    struct od_command_reply *r = fixture_run(&f, fixture_create(&topic, 1));
    const struct od_image_topic *t = od_image_topic_find(f.image, OD_STR("t"));
    const struct od_image_partition *p = od_image_partition_find(t, 1);

    CHECK_OK(r->items[0].err);
    CHECK_EQ(r->items[0].partitions, 2);
    CHECK_EQ(r->items[0].replication_factor, 1);
    CHECK(od_uuid_eq(r->items[0].topic_id, t->id));
    CHECK_EQ(t->partition_count, 2);
    CHECK_EQ(p->leader, 1);
    CHECK_EQ(p->leader_epoch, 0);
    CHECK_EQ(p->partition_epoch, 0);
    CHECK_EQ(p->replica_count, 1);
    CHECK_EQ(p->isr_count, 1);
    CHECK(od_uuid_eq(p->directories[0], fixture_uuid(101)));
    CHECK_EQ(f.delta.topics[0].partition_count, 2);
    fixture_free(&f);
}

TEST(a_name_must_be_legal)
{
    static const char rule[] = "A topic name has 1 to 249 of the characters a-z, A-Z, 0-9, '.', "
                               "'_' and '-', and is neither \".\" nor \"..\".";
    struct fixture f = fixture_live(1);
    char longest[OD_TOPIC_NAME_MAX + 1];

    memset(longest, 'x', sizeof(longest));
    check_refused(&f, named(OD_STR("")), OD_INVALID_TOPIC_EXCEPTION, rule);
    check_refused(&f, named(OD_STR(".")), OD_INVALID_TOPIC_EXCEPTION, rule);
    check_refused(&f, named(OD_STR("..")), OD_INVALID_TOPIC_EXCEPTION, rule);
    check_refused(&f, named(OD_STR("a b")), OD_INVALID_TOPIC_EXCEPTION, rule);
    check_refused(&f, named(OD_STR("a/b")), OD_INVALID_TOPIC_EXCEPTION, rule);
    check_refused(&f, named(OD_STR("\xc3\xa9")), OD_INVALID_TOPIC_EXCEPTION, rule);
    check_refused(&f, named((struct od_str){ longest, OD_TOPIC_NAME_MAX + 1 }),
                  OD_INVALID_TOPIC_EXCEPTION, rule);
    check_refused(&f, named(OD_STR("__cluster_metadata")), OD_INVALID_REQUEST,
                  "Topic __cluster_metadata holds the cluster's metadata.");
    longest[OD_TOPIC_NAME_MAX] = '\0';
    fixture_topic(&f, longest, 1, 1);
    fixture_topic(&f, "...", 1, 1);
    fixture_free(&f);
}

TEST(a_name_that_exists_or_collides_is_refused)
{
    struct fixture f = fixture_live(1);

    fixture_topic(&f, "a.b", 1, 1);
    check_refused(&f, named(OD_STR("a.b")), OD_TOPIC_ALREADY_EXISTS,
                  "Topic 'a.b' already exists.");
    check_refused(&f, named(OD_STR("a_b")), OD_INVALID_TOPIC_EXCEPTION,
                  "Topic 'a_b' collides with existing topic: a.b; names must differ in more than "
                  "'.' and '_'.");
    fixture_topic(&f, "a-b", 1, 1);
    fixture_free(&f);
}

TEST(counts_are_bounded)
{
    struct fixture f = fixture_live(1);
    struct od_new_topic t = named(OD_STR("t"));

    t.partitions = 0;
    check_refused(&f, t, OD_INVALID_PARTITIONS,
                  "A topic has at least 1 partition; -1 asks for num.partitions.");
    t.partitions = -2;
    check_refused(&f, t, OD_INVALID_PARTITIONS,
                  "A topic has at least 1 partition; -1 asks for num.partitions.");
    t.partitions = OD_CREATE_PARTITIONS_MAX + 1;
    check_refused(&f, t, OD_POLICY_VIOLATION, "One request creates at most 10000 partitions.");
    t.partitions = INT32_MAX;
    check_refused(&f, t, OD_POLICY_VIOLATION, "One request creates at most 10000 partitions.");
    t.partitions = 1;
    t.replication_factor = 0;
    check_refused(&f, t, OD_INVALID_REPLICATION_FACTOR,
                  "A partition has at least 1 replica; -1 asks for default.replication.factor.");
    t.replication_factor = 2;
    check_refused(&f, t, OD_INVALID_REPLICATION_FACTOR,
                  "A replication factor of 2 needs as many live brokers, and there is 1.");
    fixture_topic(&f, "most", OD_CREATE_PARTITIONS_MAX, 1);
    CHECK_EQ(f.image->partition_count, OD_CREATE_PARTITIONS_MAX);
    fixture_free(&f);
}

TEST(the_limit_of_partitions_is_for_the_whole_request)
{
    struct fixture f = fixture_live(1);
    struct od_new_topic topics[] = { named(OD_STR("a")), named(OD_STR("b")), named(OD_STR("c")) };

    topics[0].partitions = OD_CREATE_PARTITIONS_MAX - 1;
    topics[1].partitions = 2;
    fixture_run(&f, fixture_create(topics, 3));
    CHECK_OK(f.reply.items[0].err);
    CHECK_EQ(f.reply.items[1].err, OD_POLICY_VIOLATION);
    CHECK_OK(f.reply.items[2].err);
    CHECK_EQ(f.image->partition_count, OD_CREATE_PARTITIONS_MAX);
    fixture_free(&f);
}

TEST(internal_topics_make_do_with_the_brokers_there_are)
{
    struct fixture f = fixture_live(2);
    struct od_new_topic t = named(OD_STR("__consumer_offsets"));

    t.replication_factor = 3;
    t.fit_replication = true;
    CHECK_OK(fixture_run(&f, fixture_create(&t, 1))->items[0].err);
    CHECK_EQ(f.reply.items[0].replication_factor, 2);
    fixture_free(&f);
}

TEST(no_live_broker_takes_no_topic)
{
    struct fixture f = fixture_empty();

    fixture_register(&f, 1, -1); /* fenced */
    check_refused(&f, named(OD_STR("t")), OD_INVALID_REPLICATION_FACTOR,
                  "A replication factor of 1 needs as many live brokers, and there are 0.");
    fixture_free(&f);
}

TEST(one_bad_topic_does_not_spoil_the_others)
{
    struct fixture f = fixture_live(1);
    struct od_new_topic topics[] = { named(OD_STR("a")), named(OD_STR("?")), named(OD_STR("b")) };

    fixture_run(&f, fixture_create(topics, 3));
    CHECK_OK(f.reply.items[0].err);
    CHECK_EQ(f.reply.items[1].err, OD_INVALID_TOPIC_EXCEPTION);
    CHECK_OK(f.reply.items[2].err);
    CHECK(!od_uuid_eq(f.reply.items[0].topic_id, f.reply.items[2].topic_id));
    CHECK_EQ(f.image->topics_by_id.count, 2);
    fixture_free(&f);
}

TEST(a_name_twice_in_one_request_creates_none)
{
    struct fixture f = fixture_live(1);
    struct od_new_topic topics[] = { named(OD_STR("a")), named(OD_STR("b")), named(OD_STR("a")),
                                     named(OD_STR("a")) };

    fixture_run(&f, fixture_create(topics, 4));
    CHECK_EQ(f.reply.items[0].err, OD_INVALID_REQUEST);
    CHECK_OK(f.reply.items[1].err);
    CHECK_EQ(f.reply.items[2].err, OD_INVALID_REQUEST);
    CHECK_EQ(f.reply.items[3].err, OD_INVALID_REQUEST);
    CHECK_EQ(f.image->topics_by_id.count, 1);
    fixture_free(&f);
}

TEST(names_of_one_request_that_collide_create_the_first)
{
    struct fixture f = fixture_live(1);
    struct od_new_topic topics[] = { named(OD_STR("a.b")), named(OD_STR("a_b")) };

    fixture_run(&f, fixture_create(topics, 2));
    CHECK_OK(f.reply.items[0].err);
    CHECK_EQ(f.reply.items[1].err, OD_INVALID_TOPIC_EXCEPTION);
    fixture_free(&f);
}

TEST(validate_only_answers_alike_and_creates_nothing)
{
    struct fixture f = fixture_live(1);
    struct od_new_topic topics[] = { named(OD_STR("a")), named(OD_STR("?")) };
    struct od_command c = fixture_create(topics, 2);

    c.create_topics.validate_only = true;
    fixture_run(&f, c);
    CHECK_OK(f.reply.items[0].err);
    CHECK_EQ(f.reply.items[0].partitions, 1);
    CHECK_EQ(f.reply.items[1].err, OD_INVALID_TOPIC_EXCEPTION);
    CHECK_EQ(f.records.n, 0);
    fixture_free(&f);
}

TEST(settings_are_checked_and_stored_and_dropped_keys_are_not)
{
    struct fixture f = fixture_live(1);
    struct od_image_setting settings[] = { { OD_STR("good"), OD_STR("1") },
                                           { OD_STR("old"), OD_STR("2") } };
    struct od_new_topic t = named(OD_STR("t"));
    const struct od_image_resource *r;

    t.settings = settings;
    t.setting_count = 2;
    settings[0].value = OD_STR("bad");
    check_refused(&f, t, OD_INVALID_CONFIG, "good may not be bad");
    settings[0].value = OD_STR("1");
    CHECK_OK(fixture_run(&f, fixture_create(&t, 1))->items[0].err);
    r = od_image_resource_find(f.image, OD_RESOURCE_TOPIC, OD_STR("t"));
    CHECK_EQ(r->count, 1);
    CHECK(od_str_is(od_image_setting_find(r, OD_STR("good")), "1"));
    fixture_free(&f);
}

TEST(replicas_are_spread_and_followers_shifted)
{
    struct fixture f = fixture_live(3);
    const struct od_image_topic *t = fixture_topic(&f, "t", 18, 3);
    int leads[4] = { 0 }, seconds[4][4] = { { 0 } };

    for (int32_t i = 0; i < 18; i++) {
        const struct od_image_partition *p = od_image_partition_find(t, i);

        CHECK_EQ(p->replica_count, 3);
        CHECK(p->replicas[0] != p->replicas[1] && p->replicas[1] != p->replicas[2] &&
              p->replicas[0] != p->replicas[2]);
        leads[p->leader]++;
        seconds[p->replicas[0]][p->replicas[1]]++;
    }
    for (int leader = 1; leader <= 3; leader++) {
        CHECK_EQ(leads[leader], 6);
        for (int second = 1; second <= 3; second++)
            CHECK_EQ(seconds[leader][second], leader == second ? 0 : 3);
    }
    fixture_free(&f);
}

/* --- manual assignments ---------------------------------------------------------------------- */

static const int32_t first[] = { 1, 2 }, second[] = { 2, 1 }, twice[] = { 1, 1 },
                     unknown[] = { 1, 9 };

static struct od_new_topic assigned(const struct od_new_assignment *a, int n)
{
    return (struct od_new_topic){ .name = OD_STR("t"),
                                  .partitions = -1,
                                  .replication_factor = -1,
                                  .assignments = a,
                                  .assignment_count = n };
}

TEST(a_manual_assignment_is_taken_as_it_is)
{
    struct fixture f = fixture_live(2);
    struct od_new_assignment a[] = { { 1, 2, second }, { 0, 2, first } };
    struct od_new_topic topic = assigned(a, 2);
    const struct od_image_topic *t;

    a[0].partition = 0;
    a[1].partition = 1;
    CHECK_OK(fixture_run(&f, fixture_create(&topic, 1))->items[0].err);
    t = od_image_topic_find(f.image, OD_STR("t"));
    CHECK_EQ(od_image_partition_find(t, 0)->leader, 2);
    CHECK_EQ(od_image_partition_find(t, 1)->leader, 1);
    CHECK_EQ(f.reply.items[0].partitions, 2);
    CHECK_EQ(f.reply.items[0].replication_factor, 2);
    fixture_free(&f);
}

TEST(a_manual_assignment_may_name_its_partitions_in_any_order)
{
    struct fixture f = fixture_live(2);
    struct od_new_assignment a[] = { { 1, 1, second }, { 0, 1, first } };
    struct od_new_topic topic = assigned(a, 2);
    const struct od_image_topic *t;

    CHECK_OK(fixture_run(&f, fixture_create(&topic, 1))->items[0].err);
    t = od_image_topic_find(f.image, OD_STR("t"));
    CHECK_EQ(t->partition_count, 2);
    CHECK_EQ(od_image_partition_find(t, 0)->leader, 1);
    CHECK_EQ(od_image_partition_find(t, 1)->leader, 2);
    fixture_free(&f);
}

TEST(a_manual_assignment_that_cannot_be_is_refused)
{
    struct fixture f = fixture_live(2);
    struct od_new_assignment gap[] = { { 0, 2, first }, { 2, 2, first } };
    struct od_new_assignment same[] = { { 0, 2, first }, { 0, 2, first } };
    struct od_new_assignment uneven[] = { { 0, 2, first }, { 1, 1, first } };
    struct od_new_assignment empty = { 0, 0, NULL }, dup = { 0, 2, twice }, who = { 0, 2, unknown };
    struct od_new_topic counted = assigned(gap, 1);

    check_refused(&f, assigned(gap, 2), OD_INVALID_REPLICA_ASSIGNMENT,
                  "The manual assignment of partition 2 does not belong to a row of partitions "
                  "from 0 on.");
    check_refused(&f, assigned(same, 2), OD_INVALID_REPLICA_ASSIGNMENT,
                  "The manual assignment of partition 0 does not belong to a row of partitions "
                  "from 0 on.");
    check_refused(&f, assigned(uneven, 2), OD_INVALID_REPLICA_ASSIGNMENT,
                  "The manual assignment of partition 1 has another number of replicas than the "
                  "first.");
    check_refused(&f, assigned(&empty, 1), OD_INVALID_REPLICA_ASSIGNMENT,
                  "The manual assignment of partition 0 names no broker.");
    check_refused(&f, assigned(&dup, 1), OD_INVALID_REPLICA_ASSIGNMENT,
                  "The manual assignment of partition 0 names a broker twice.");
    check_refused(&f, assigned(&who, 1), OD_INVALID_REPLICA_ASSIGNMENT,
                  "The manual assignment of partition 0 names a broker that is not registered.");
    counted.partitions = 1;
    check_refused(&f, counted, OD_INVALID_REQUEST,
                  "With a manual assignment the numbers of partitions and replicas must be -1.");
    fixture_register(&f, 1, -1);
    fixture_register(&f, 2, -1);
    check_refused(&f, assigned(gap, 1), OD_INVALID_REPLICA_ASSIGNMENT,
                  "The manual assignment of partition 0 names only brokers that are fenced or "
                  "shutting down.");
    fixture_free(&f);
}

TEST(a_fenced_replica_is_assigned_but_not_in_sync)
{
    struct fixture f = fixture_live(2);
    struct od_new_assignment a = { 0, 2, first };
    struct od_new_topic topic = assigned(&a, 1);
    const struct od_image_partition *p;

    fixture_register(&f, 1, -1);
    CHECK_OK(fixture_run(&f, fixture_create(&topic, 1))->items[0].err);
    p = od_image_partition_find(od_image_topic_find(f.image, OD_STR("t")), 0);
    CHECK_EQ(p->replica_count, 2);
    CHECK_EQ(p->isr_count, 1);
    CHECK_EQ(p->leader, 2);
    fixture_free(&f);
}

/* --- deleting -------------------------------------------------------------------------------- */

TEST(a_topic_is_deleted_by_name_and_by_id_and_has_a_new_id_when_made_again)
{
    struct fixture f = fixture_live(1);
    struct od_uuid a = fixture_topic(&f, "a", 2, 1)->id, b = fixture_topic(&f, "b", 3, 1)->id;
    struct od_topic_ref refs[] = { { OD_STR("a"), OD_UUID_ZERO },
                                   { OD_STR_NULL, b },
                                   { OD_STR("c"), OD_UUID_ZERO },
                                   { OD_STR_NULL, fixture_uuid(9) } };
    struct od_command c = { .kind = OD_COMMAND_DELETE_TOPICS, .delete_topics = { 4, refs, true } };

    fixture_run(&f, c);
    CHECK_EQ(f.reply.item_count, 4);
    CHECK_OK(f.reply.items[0].err);
    CHECK(od_uuid_eq(f.reply.items[0].topic_id, a));
    CHECK_OK(f.reply.items[1].err);
    CHECK(od_str_is(f.reply.items[1].topic_name, "b"));
    CHECK_EQ(f.reply.items[2].err, OD_UNKNOWN_TOPIC_OR_PARTITION);
    CHECK_EQ(f.reply.items[3].err, OD_UNKNOWN_TOPIC_ID);
    CHECK(!f.reply.items[3].topic_name.data);
    CHECK_EQ(f.image->topics_by_id.count, 0);
    CHECK_EQ(f.image->partition_count, 0);
    CHECK_EQ(f.delta.topic_count, 2);
    CHECK(!od_uuid_eq(fixture_topic(&f, "a", 2, 1)->id, a));
    fixture_free(&f);
}

TEST(a_topic_that_is_named_twice_is_refused_once_and_stays)
{
    struct fixture f = fixture_live(1);
    struct od_uuid a = fixture_topic(&f, "a", 1, 1)->id, b = fixture_topic(&f, "b", 1, 1)->id;
    struct od_topic_ref refs[] = { { OD_STR("a"), OD_UUID_ZERO }, { OD_STR_NULL, b },
                                   { OD_STR("a"), OD_UUID_ZERO }, { OD_STR_NULL, b },
                                   { OD_STR("a"), OD_UUID_ZERO } };
    struct od_command c = { .kind = OD_COMMAND_DELETE_TOPICS, .delete_topics = { 5, refs, true } };

    fixture_run(&f, c);
    CHECK_EQ(f.reply.item_count, 2);
    CHECK_EQ(f.reply.items[0].err, OD_INVALID_REQUEST);
    CHECK_STR(f.reply.items[0].message, "Duplicate topic name.");
    CHECK_EQ(f.reply.items[1].err, OD_INVALID_REQUEST);
    CHECK_STR(f.reply.items[1].message, "Duplicate topic id.");
    CHECK_EQ(f.records.n, 0);
    refs[1] = (struct od_topic_ref){ OD_STR_NULL, a };
    c.delete_topics.topic_count = 2;
    fixture_run(&f, c);
    CHECK_EQ(f.reply.items[0].err, OD_INVALID_REQUEST); /* once by name, once by id */
    CHECK_EQ(f.reply.items[1].err, OD_INVALID_REQUEST);
    CHECK_EQ(f.image->topics_by_id.count, 2);
    fixture_free(&f);
}

TEST(a_deletion_names_a_topic_in_one_of_two_ways)
{
    struct fixture f = fixture_live(1);
    struct od_uuid a = fixture_topic(&f, "a", 1, 1)->id;
    struct od_topic_ref refs[] = { { OD_STR("a"), a }, { OD_STR_NULL, OD_UUID_ZERO } };
    struct od_command c = { .kind = OD_COMMAND_DELETE_TOPICS, .delete_topics = { 2, refs, true } };

    fixture_run(&f, c);
    CHECK_EQ(f.reply.items[0].err, OD_INVALID_REQUEST);
    CHECK_EQ(f.reply.items[1].err, OD_INVALID_REQUEST);
    CHECK_EQ(f.records.n, 0);
    fixture_free(&f);
}

TEST(deleting_can_be_disabled)
{
    struct fixture f = fixture_live(1);
    struct od_topic_ref ref = { OD_STR("a"), OD_UUID_ZERO };
    struct od_command c = { .kind = OD_COMMAND_DELETE_TOPICS,
                            .delete_topics = { 1, &ref, false } };

    fixture_topic(&f, "a", 1, 1);
    CHECK_EQ(fixture_run(&f, c)->err, OD_TOPIC_DELETION_DISABLED);
    CHECK_EQ(f.records.n, 0);
    fixture_free(&f);
}
