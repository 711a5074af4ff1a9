/* SPDX-License-Identifier: Apache-2.0 */
/* Metadata's lists and auto-creation; what CreateTopics takes, defaults and refuses. */
#include "ask.h"

#include <unistd.h>

static struct od_metadata_rsp ask_metadata(struct raw *c, int16_t version, int32_t n,
                                           struct od_metadata_req_topic *topics, bool create)
{
    struct od_metadata_req req;
    struct od_metadata_rsp rsp;

    od_metadata_req_defaults(&req);
    req.topics.n = n;
    req.topics.v = topics;
    if (version >= 4)
        req.allow_auto_topic_creation = create;
    CHECK_EQ(raw_call(c, OD_metadata_KEY, version, &req, &rsp), RAW_ANSWER);
    return rsp;
}

static bool lists(const struct od_metadata_rsp *rsp, const struct topic *t)
{
    for (int32_t i = 0; i < rsp->topics.n; i++)
        if (od_str_is(rsp->topics.v[i].name, t->name))
            return rsp->topics.v[i].error_code == OD_NONE;
    return false;
}

TEST(all_topics_are_an_empty_list_in_version_0_and_null_afterwards)
{
    struct raw *c = raw_open();
    struct topic t = ask_create(c, "one-of-all", 1, NULL);
    struct od_metadata_rsp rsp = ask_metadata(c, 0, 0, NULL, false);

    CHECK(lists(&rsp, &t));
    for (int16_t version = 1; version <= 13; version++) {
        rsp = ask_metadata(c, version, 0, NULL, false);
        CHECK_EQ(rsp.topics.n, 0);
        rsp = ask_metadata(c, version, -1, NULL, false);
        CHECK(lists(&rsp, &t));
    }
    raw_close(c);
}

TEST(bytes_after_a_message_are_ignored)
{
    /* All topics, as librdkafka 2.12 asks: a count of four bytes where one is read. */
    static const uint8_t librdkafka[] = { 0, 0, 0, 0, 1, 0, 0 };
    struct raw *c = raw_open();
    struct topic t = ask_create(c, "before-the-rest", 1, NULL);
    struct od_metadata_rsp rsp;

    CHECK(raw_send_body(c, OD_metadata_KEY, 13, librdkafka, sizeof(librdkafka)));
    CHECK_EQ(raw_receive(c, OD_metadata_KEY, 13, &rsp, RAW_PATIENCE_MS), RAW_ANSWER);
    CHECK(lists(&rsp, &t));
    rsp = ask_metadata(c, 13, -1, NULL, false);
    CHECK(lists(&rsp, &t));
    raw_close(c);
}

TEST(authorised_operations_are_listed_only_when_asked_for)
{
    struct raw *c = raw_open();
    struct topic t = ask_create(c, "operations", 1, NULL);
    struct od_metadata_req_topic topic = { .name = od_str_of(t.name) };
    struct od_metadata_req req;
    struct od_metadata_rsp rsp;

    od_metadata_req_defaults(&req);
    req.topics.n = 1;
    req.topics.v = &topic;
    CHECK_EQ(raw_call(c, OD_metadata_KEY, 10, &req, &rsp), RAW_ANSWER);
    CHECK_EQ(rsp.cluster_authorized_operations, INT32_MIN);
    CHECK_EQ(rsp.topics.v[0].topic_authorized_operations, INT32_MIN);
    req.include_cluster_authorized_operations = true;
    req.include_topic_authorized_operations = true;
    CHECK_EQ(raw_call(c, OD_metadata_KEY, 10, &req, &rsp), RAW_ANSWER);
    CHECK_EQ(rsp.cluster_authorized_operations, 0x1fa0);          /* bits 5, 7-12 */
    CHECK_EQ(rsp.topics.v[0].topic_authorized_operations, 0xdf8); /* bits 3-8, 10, 11 */
    raw_close(c);
}

TEST(a_topic_is_found_by_its_id_from_version_12_on)
{
    struct raw *c = raw_open();
    struct topic t = ask_create(c, "by-id", 1, NULL);
    struct od_metadata_req_topic topics[2] = { { .topic_id = t.id },
                                               { .topic_id = { { 1, 2, 3 } } } };
    struct od_metadata_rsp rsp = ask_metadata(c, 12, 2, topics, true);

    CHECK_EQ(rsp.topics.n, 2);
    for (int32_t i = 0; i < 2; i++) {
        const struct od_metadata_rsp_topic *got = &rsp.topics.v[i];

        if (od_uuid_eq(got->topic_id, t.id)) {
            CHECK_EQ(got->error_code, OD_NONE);
            CHECK(od_str_is(got->name, t.name));
        } else {
            CHECK_EQ(got->error_code, OD_UNKNOWN_TOPIC_ID);
        }
    }
    raw_close(c);
}

/* The topic as soon as it has leaders; auto-creation answers before that. */
static struct od_metadata_rsp_topic await_topic(struct raw *c, const char *name)
{
    int64_t start_ms = now_ms();
    struct od_metadata_rsp_topic topic;

    while (!ask_topic(c, name, &topic)) {
        took_at_most(start_ms, RAW_PATIENCE_MS);
        usleep(2000);
    }
    return topic;
}

TEST(p17_asking_for_a_topic_creates_it_where_the_client_allows_it)
{
    struct raw *c = raw_open();
    struct od_metadata_req_topic asked = { .name = OD_STR("nobody-made-me") };
    struct od_metadata_rsp_topic topic;
    struct od_metadata_rsp rsp = ask_metadata(c, 13, 1, &asked, false);

    CHECK_EQ(rsp.topics.v[0].error_code, OD_UNKNOWN_TOPIC_OR_PARTITION);
    usleep(20000);
    CHECK(!ask_topic(c, "nobody-made-me", &topic));
    rsp = ask_metadata(c, 13, 1, &asked, true);
    CHECK_EQ(rsp.topics.v[0].error_code, OD_UNKNOWN_TOPIC_OR_PARTITION);
    topic = await_topic(c, "nobody-made-me");
    CHECK_EQ(topic.partitions.n, 1);
    CHECK(!od_uuid_is_zero(topic.topic_id));
    raw_close(c);
}

TEST(versions_before_4_always_create)
{
    struct raw *c = raw_open();
    struct od_metadata_req_topic asked = { .name = OD_STR("made-by-old-client") };
    struct od_metadata_rsp rsp = ask_metadata(c, 1, 1, &asked, true);

    CHECK_EQ(rsp.topics.v[0].error_code, OD_UNKNOWN_TOPIC_OR_PARTITION);
    await_topic(c, "made-by-old-client");
    raw_close(c);
}

TEST(p17_names_that_are_no_topic_names_are_refused_and_create_nothing)
{
    static char long_name[251];
    struct raw *c = raw_open();
    struct od_metadata_req_topic asked[5] = { { .name = OD_STR("") },
                                              { .name = OD_STR(".") },
                                              { .name = OD_STR("..") },
                                              { .name = OD_STR("no/slash") },
                                              { .name = { long_name, 250 } } };
    struct od_metadata_rsp rsp;

    memset(long_name, 'x', 250);
    rsp = ask_metadata(c, 13, 5, asked, true);
    CHECK_EQ(rsp.topics.n, 5);
    for (int32_t i = 0; i < 5; i++)
        CHECK_EQ(rsp.topics.v[i].error_code, OD_INVALID_TOPIC_EXCEPTION);
    raw_close(c);
}

/* --- CreateTopics -------------------------------------------------------------------------- */

/* One topic by version 7; a null setting name: none. */
static struct od_create_topics_rsp_topic create(struct raw *c, const char *name, int32_t partitions,
                                                int16_t factor, const char *setting,
                                                const char *value, bool validate_only)
{
    struct od_create_topics_req_config config = { od_str_of(setting), od_str_of(value) };
    struct od_create_topics_req_topic topic;
    struct od_create_topics_req req;
    struct od_create_topics_rsp rsp;

    od_create_topics_req_defaults(&req);
    od_create_topics_req_topic_defaults(&topic);
    topic.name = od_str_of(name);
    topic.num_partitions = partitions;
    topic.replication_factor = factor;
    topic.configs.n = setting ? 1 : 0;
    topic.configs.v = &config;
    req.topics.n = 1;
    req.topics.v = &topic;
    req.validate_only = validate_only;
    CHECK_EQ(raw_call(c, OD_create_topics_KEY, 7, &req, &rsp), RAW_ANSWER);
    CHECK_EQ(rsp.topics.n, 1);
    return rsp.topics.v[0];
}

TEST(p23_minus_one_takes_the_default_numbers)
{
    struct raw *c = raw_open();
    struct od_create_topics_rsp_topic out = create(c, "defaults", -1, -1, NULL, NULL, false);

    CHECK_EQ(out.error_code, OD_NONE);
    CHECK_EQ(out.num_partitions, 1);
    CHECK_EQ(out.replication_factor, 1);
    raw_close(c);
}

TEST(what_cannot_be_created_is_refused_with_its_code_and_a_reason)
{
    static const struct {
        const char *name;
        int32_t partitions;
        int16_t factor;
        const char *setting, *value;
        enum od_err err;
    } wrong[] = {
        { "zero", 0, 1, NULL, NULL, OD_INVALID_PARTITIONS },
        { "negative", -2, 1, NULL, NULL, OD_INVALID_PARTITIONS },
        { "no-replica", 1, 0, NULL, NULL, OD_INVALID_REPLICATION_FACTOR },
        { "two-replicas", 1, 2, NULL, NULL, OD_INVALID_REPLICATION_FACTOR },
        { "not/valid", 1, 1, NULL, NULL, OD_INVALID_TOPIC_EXCEPTION },
        { "", 1, 1, NULL, NULL, OD_INVALID_TOPIC_EXCEPTION },
        { "unknown-key", 1, 1, "no.such.setting", "1", OD_INVALID_CONFIG },
        { "bad-value", 1, 1, "retention.ms", "soon", OD_INVALID_CONFIG },
        { "bad-policy", 1, 1, "cleanup.policy", "shred", OD_INVALID_CONFIG },
    };
    struct raw *c = raw_open();
    struct od_metadata_rsp_topic unused;

    for (size_t i = 0; i < OD_COUNT(wrong); i++) {
        struct od_create_topics_rsp_topic out =
            create(c, wrong[i].name, wrong[i].partitions, wrong[i].factor, wrong[i].setting,
                   wrong[i].value, false);

        CHECK_EQ(out.error_code, wrong[i].err);
        CHECK(out.error_message.len > 0);
        if (wrong[i].name[0] && wrong[i].err != OD_INVALID_TOPIC_EXCEPTION)
            CHECK(!ask_topic(c, wrong[i].name, &unused));
    }
    raw_close(c);
}

TEST(a_topic_that_exists_is_not_created_again)
{
    struct raw *c = raw_open();
    struct topic t = ask_create(c, "once", 1, NULL);
    struct od_metadata_rsp_topic known;

    CHECK_EQ(create(c, t.name, 3, 1, NULL, NULL, false).error_code, OD_TOPIC_ALREADY_EXISTS);
    CHECK(ask_topic(c, t.name, &known));
    CHECK_EQ(known.partitions.n, 1);
    CHECK(od_uuid_eq(known.topic_id, t.id));
    raw_close(c);
}

TEST(validate_only_answers_and_creates_nothing)
{
    struct raw *c = raw_open();
    struct od_create_topics_rsp_topic out = create(c, "only-valid", 4, 1, NULL, NULL, true);
    struct od_metadata_rsp_topic unused;

    CHECK_EQ(out.error_code, OD_NONE);
    CHECK_EQ(out.num_partitions, 4);
    CHECK(!ask_topic(c, "only-valid", &unused));
    CHECK_EQ(create(c, "only-valid", 0, 1, NULL, NULL, true).error_code, OD_INVALID_PARTITIONS);
    raw_close(c);
}

TEST(assignments_and_numbers_do_not_go_together)
{
    struct raw *c = raw_open();
    struct od_metadata_rsp brokers = ask_metadata(c, 13, 0, NULL, false);
    int32_t self = brokers.brokers.v[0].node_id, stranger = self + 1000;
    struct od_create_topics_req_assignment assignments[2] = {
        { .partition_index = 0, .broker_ids = { .n = 1, .v = &self } },
        { .partition_index = 1, .broker_ids = { .n = 1, .v = &self } },
    };
    struct od_create_topics_req_topic topic;
    struct od_create_topics_req req;
    struct od_create_topics_rsp rsp;

    od_create_topics_req_defaults(&req);
    od_create_topics_req_topic_defaults(&topic);
    topic.name = OD_STR("assigned");
    topic.num_partitions = -1;
    topic.replication_factor = -1;
    topic.assignments.n = 2;
    topic.assignments.v = assignments;
    req.topics.n = 1;
    req.topics.v = &topic;
    CHECK_EQ(raw_call(c, OD_create_topics_KEY, 7, &req, &rsp), RAW_ANSWER);
    CHECK_EQ(rsp.topics.v[0].error_code, OD_NONE);
    CHECK_EQ(rsp.topics.v[0].num_partitions, 2);
    topic.name = OD_STR("assigned-and-counted");
    topic.num_partitions = 2;
    CHECK_EQ(raw_call(c, OD_create_topics_KEY, 7, &req, &rsp), RAW_ANSWER);
    CHECK_EQ(rsp.topics.v[0].error_code, OD_INVALID_REQUEST);
    topic.name = OD_STR("assigned-to-a-stranger");
    topic.num_partitions = -1;
    assignments[1].broker_ids.v = &stranger;
    CHECK_EQ(raw_call(c, OD_create_topics_KEY, 7, &req, &rsp), RAW_ANSWER);
    CHECK_EQ(rsp.topics.v[0].error_code, OD_INVALID_REPLICA_ASSIGNMENT);
    topic.name = OD_STR("assigned-with-a-gap");
    assignments[1].broker_ids.v = &self;
    assignments[1].partition_index = 2;
    CHECK_EQ(raw_call(c, OD_create_topics_KEY, 7, &req, &rsp), RAW_ANSWER);
    CHECK_EQ(rsp.topics.v[0].error_code, OD_INVALID_REPLICA_ASSIGNMENT);
    raw_close(c);
}

TEST(one_name_twice_in_a_request_is_refused_and_the_others_are_created)
{
    struct raw *c = raw_open();
    struct od_create_topics_req_topic topics[3];
    static const char *const names[3] = { "twin", "single", "twin" };
    struct od_create_topics_req req;
    struct od_create_topics_rsp rsp;
    struct od_metadata_rsp_topic known;

    od_create_topics_req_defaults(&req);
    for (int i = 0; i < 3; i++) {
        od_create_topics_req_topic_defaults(&topics[i]);
        topics[i].name = od_str_of(names[i]);
        topics[i].num_partitions = 1;
        topics[i].replication_factor = 1;
    }
    req.topics.n = 3;
    req.topics.v = topics;
    CHECK_EQ(raw_call(c, OD_create_topics_KEY, 7, &req, &rsp), RAW_ANSWER);
    for (int32_t i = 0; i < rsp.topics.n; i++)
        CHECK_EQ(rsp.topics.v[i].error_code,
                 od_str_is(rsp.topics.v[i].name, "twin") ? OD_INVALID_REQUEST : OD_NONE);
    CHECK(ask_topic(c, "single", &known));
    CHECK(!ask_topic(c, "twin", &known));
    raw_close(c);
}
