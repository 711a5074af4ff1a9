/* SPDX-License-Identifier: Apache-2.0 */
/* Deleting topics, making them anew, adding partitions: by every version, and under clients. */
#include "admin.h"

#include <unistd.h>

/* --- DeleteTopics -------------------------------------------------------------------------- */

TEST(every_version_of_delete_topics_deletes_one)
{
    struct raw *c = raw_open();
    struct od_metadata_rsp_topic topic;

    for (int16_t version = 1; version <= 6; version++) {
        struct topic t = ask_create(c, "short-lived", 2, NULL);
        struct od_delete_topics_rsp_response out = ask_delete(c, version, &t, false);

        CHECK_EQ(out.error_code, OD_NONE);
        CHECK(od_str_is(out.name, t.name));
        if (version == 6)
            CHECK(od_uuid_eq(out.topic_id, t.id));
        CHECK(!ask_topic(c, t.name, &topic));
        CHECK_EQ(topic.error_code, OD_UNKNOWN_TOPIC_OR_PARTITION);
    }
    raw_close(c);
}

TEST(version_0_of_delete_topics_is_served_too)
{
    struct raw *c = raw_open();
    struct topic t = ask_create(c, "short-lived", 1, NULL);
    struct od_str name = od_str_of(t.name);
    struct od_delete_topics_req req;
    struct od_delete_topics_rsp rsp;

    od_delete_topics_req_defaults(&req);
    req.topic_names.n = 1;
    req.topic_names.v = &name;
    CHECK_EQ(raw_call(c, OD_delete_topics_KEY, 0, &req, &rsp), RAW_ANSWER);
    CHECK_EQ(rsp.responses.v[0].error_code, OD_NONE);
    raw_close(c);
}

TEST(a_topic_is_deleted_by_its_id)
{
    struct raw *c = raw_open();
    struct topic t = ask_create(c, "by-id", 1, NULL);
    struct od_delete_topics_rsp_response out = ask_delete(c, 6, &t, true);

    CHECK_EQ(out.error_code, OD_NONE);
    CHECK(od_str_is(out.name, t.name));
    out = ask_delete(c, 6, &t, true);
    CHECK_EQ(out.error_code, OD_UNKNOWN_TOPIC_ID);
    CHECK(!out.name.data);
    CHECK(od_uuid_eq(out.topic_id, t.id));
    out = ask_delete(c, 6, &t, false);
    CHECK_EQ(out.error_code, OD_UNKNOWN_TOPIC_OR_PARTITION);
    CHECK(od_str_is(out.name, t.name));
    CHECK(out.error_message.len > 0);
    raw_close(c);
}

TEST(topics_named_twice_stay_and_the_others_go)
{
    struct raw *c = raw_open();
    struct topic twice = ask_create(c, "twice", 1, NULL), once = ask_create(c, "once", 1, NULL);
    struct od_str names[3] = { od_str_of(twice.name), od_str_of(once.name),
                               od_str_of(twice.name) };
    struct od_metadata_rsp_topic topic;
    struct od_delete_topics_req req;
    struct od_delete_topics_rsp rsp;

    od_delete_topics_req_defaults(&req);
    req.topic_names.n = 3;
    req.topic_names.v = names;
    req.timeout_ms = RAW_PATIENCE_MS;
    CHECK_EQ(raw_call(c, OD_delete_topics_KEY, 5, &req, &rsp), RAW_ANSWER);
    CHECK_EQ(rsp.responses.n, 2);
    CHECK_EQ(rsp.responses.v[0].error_code, OD_INVALID_REQUEST);
    CHECK_EQ(rsp.responses.v[1].error_code, OD_NONE);
    CHECK(ask_topic(c, twice.name, &topic));
    CHECK(!ask_topic(c, once.name, &topic));
    raw_close(c);
}

TEST(p7_a_topic_made_anew_has_another_id_and_is_empty)
{
    struct raw *c = raw_open();
    struct topic old = ask_create(c, "phoenix", 1, NULL), t;
    struct batch b = batch_of(7);
    struct fetch_plan plan = fetch_at(0);

    for (int i = 0; i < 20; i++) {
        CHECK_EQ(ask_produce(c, &old, 0, &b).base_offset, 0);
        CHECK_EQ(ask_delete(c, 6, &old, false).error_code, OD_NONE);
        t = ask_create_named(c, old.name, 1, NULL, NULL);
        CHECK(!od_uuid_eq(t.id, old.id));
        CHECK_EQ(ask_end(c, &t), 0);
        CHECK_EQ(ask_fetch(c, &old, &plan).error_code, OD_UNKNOWN_TOPIC_ID);
        CHECK_EQ(ask_produce(c, &old, 0, &b).error_code, OD_UNKNOWN_TOPIC_ID);
        old = t;
    }
    raw_close(c);
}

TEST(many_topics_are_deleted_and_made_anew_by_one_request_each)
{
    enum { TOPICS = 40 };
    struct raw *c = raw_open();
    struct topic t[TOPICS];
    struct od_delete_topics_req_topic refs[TOPICS];
    struct od_delete_topics_req req;
    struct od_delete_topics_rsp rsp;

    od_delete_topics_req_defaults(&req);
    for (int i = 0; i < TOPICS; i++) {
        t[i] = ask_create(c, "one-of-many", 3, NULL);
        refs[i] = (struct od_delete_topics_req_topic){ .name = OD_STR_NULL, .topic_id = t[i].id };
    }
    req.topics.n = TOPICS;
    req.topics.v = refs;
    CHECK_EQ(raw_call(c, OD_delete_topics_KEY, 6, &req, &rsp), RAW_ANSWER);
    CHECK_EQ(rsp.responses.n, TOPICS);
    for (int i = 0; i < TOPICS; i++)
        CHECK_EQ(rsp.responses.v[i].error_code, OD_NONE);
    for (int i = 0; i < TOPICS; i++)
        ask_create_named(c, t[i].name, 2, NULL, NULL);
    raw_close(c);
}

/* --- under clients ------------------------------------------------------------------------- */

TEST(a_fetch_that_waits_is_told_at_once_that_its_topic_is_gone)
{
    struct raw *waiter = raw_open(), *c = raw_open();

    for (int by_id = 0; by_id < 2; by_id++) {
        struct topic t = ask_create(c, "waited-for", 1, NULL);
        struct fetch_plan plan = fetch_at(0);
        struct od_fetch_rsp rsp;
        struct fetch_one one;
        int64_t start_ms;

        plan.version = by_id ? 17 : 12;
        plan.max_wait_ms = 20000;
        CHECK(raw_send(waiter, OD_fetch_KEY, plan.version, fetch_one(&one, &t, &plan)));
        usleep(50000);
        start_ms = now_ms();
        CHECK_EQ(ask_delete(c, 6, &t, false).error_code, OD_NONE);
        CHECK_EQ(raw_receive(waiter, OD_fetch_KEY, plan.version, &rsp, RAW_PATIENCE_MS),
                 RAW_ANSWER);
        took_at_most(start_ms, 3000);
        CHECK_EQ(fetch_only(&rsp).error_code,
                 by_id ? OD_UNKNOWN_TOPIC_ID : OD_UNKNOWN_TOPIC_OR_PARTITION);
    }
    raw_close(waiter);
    raw_close(c);
}

TEST(produces_that_meet_a_deletion_are_answered_each)
{
    enum { ROUNDS = 10, SENT = 40 };
    struct raw *producer = raw_open(), *c = raw_open();
    struct batch b = batch_of(3);

    for (int round = 0; round < ROUNDS; round++) {
        struct topic t = ask_create(c, "met", 1, NULL);
        struct od_produce_rsp rsp;
        struct produce_one one;

        produce_one(&one, &t, 0, -1, b.data, b.len);
        for (int i = 0; i < SENT; i++)
            CHECK(raw_send(producer, OD_produce_KEY, 13, &one.req));
        CHECK_EQ(ask_delete(c, 6, &t, false).error_code, OD_NONE);
        for (int i = 0; i < SENT; i++) {
            int16_t err;

            CHECK_EQ(raw_receive(producer, OD_produce_KEY, 13, &rsp, RAW_PATIENCE_MS), RAW_ANSWER);
            err = rsp.responses.v[0].partition_responses.v[0].error_code;
            CHECK(err == OD_NONE || err == OD_UNKNOWN_TOPIC_ID);
        }
    }
    raw_close(producer);
    raw_close(c);
}

/* --- CreatePartitions ---------------------------------------------------------------------- */

TEST(every_version_of_create_partitions_adds_one)
{
    struct raw *c = raw_open();
    struct topic t = ask_create(c, "growing", 1, NULL);
    struct od_metadata_rsp_topic topic;
    struct batch b = batch_of(2);

    for (int16_t version = 0; version <= 3; version++) {
        struct od_create_partitions_rsp_result out = ask_grow(c, version, &t, version + 2, false);

        CHECK_EQ(out.error_code, OD_NONE);
        CHECK(!out.error_message.data);
        CHECK(ask_topic(c, t.name, &topic));
        CHECK_EQ(topic.partitions.n, version + 2);
        CHECK(od_uuid_eq(topic.topic_id, t.id));
        CHECK_EQ(ask_produce(c, &t, version + 1, &b).base_offset, 0); /* it is there at once */
    }
    raw_close(c);
}

TEST(what_is_no_growth_is_refused_and_what_is_only_validated_is_not_done)
{
    struct raw *c = raw_open();
    struct topic t = ask_create(c, "growing", 3, NULL), unknown = { .name = "never-was" };
    struct od_create_partitions_rsp_result out = ask_grow(c, 3, &t, 3, false);
    struct od_metadata_rsp_topic topic;

    CHECK_EQ(out.error_code, OD_INVALID_PARTITIONS);
    CHECK(od_str_is(out.error_message, "Topic already has 3 partition(s)."));
    CHECK_EQ(ask_grow(c, 3, &t, 2, false).error_code, OD_INVALID_PARTITIONS);
    CHECK_EQ(ask_grow(c, 3, &t, INT32_MAX, false).error_code, OD_INVALID_PARTITIONS);
    CHECK_EQ(ask_grow(c, 3, &t, 20004, false).error_code, OD_POLICY_VIOLATION);
    CHECK_EQ(ask_grow(c, 3, &unknown, 3, false).error_code, OD_UNKNOWN_TOPIC_OR_PARTITION);
    CHECK_EQ(ask_grow(c, 3, &t, 9, true).error_code, OD_NONE);
    CHECK(ask_topic(c, t.name, &topic));
    CHECK_EQ(topic.partitions.n, 3);
    raw_close(c);
}

TEST(p26_create_partitions_answers_once_for_each_topic)
{
    struct raw *c = raw_open();
    struct topic t[2] = { ask_create(c, "g", 1, NULL), ask_create(c, "g", 1, NULL) };
    int32_t broker = 1;
    struct od_create_partitions_req_assignment assignments[2] = {
        { .broker_ids = { .n = 1, .v = &broker } }, { .broker_ids = { .n = 1, .v = &broker } }
    };
    struct od_create_partitions_req_topic topics[3] = {
        { .name = od_str_of(t[0].name), .count = 3, .assignments = { .n = 2, .v = assignments } },
        { .name = OD_STR("never-was"), .count = 3, .assignments = { .n = -1 } },
        { .name = od_str_of(t[1].name), .count = 3, .assignments = { .n = 1, .v = assignments } },
    };
    struct od_create_partitions_req req;
    struct od_create_partitions_rsp rsp;

    od_create_partitions_req_defaults(&req);
    req.topics.n = 3;
    req.topics.v = topics;
    CHECK_EQ(raw_call(c, OD_create_partitions_KEY, 3, &req, &rsp), RAW_ANSWER);
    CHECK_EQ(rsp.results.n, 3);
    CHECK_EQ(rsp.results.v[0].error_code, OD_NONE);
    CHECK_EQ(rsp.results.v[1].error_code, OD_UNKNOWN_TOPIC_OR_PARTITION);
    CHECK_EQ(rsp.results.v[2].error_code, OD_INVALID_REPLICA_ASSIGNMENT);
    raw_close(c);
}

/* --- limits -------------------------------------------------------------------------------- */

TEST(a_request_for_too_many_partitions_is_refused_whole)
{
    struct raw *c = raw_open();
    struct od_create_topics_req_topic topic;
    struct od_create_topics_req req;
    struct od_create_topics_rsp rsp;

    od_create_topics_req_defaults(&req);
    od_create_topics_req_topic_defaults(&topic);
    topic.name = OD_STR("huge");
    topic.replication_factor = 1;
    req.topics.n = 1;
    req.topics.v = &topic;
    for (int i = 0; i < 2; i++) {
        topic.num_partitions = i ? INT32_MAX : 10001;
        CHECK_EQ(raw_call(c, OD_create_topics_KEY, 7, &req, &rsp), RAW_ANSWER);
        CHECK_EQ(rsp.topics.v[0].error_code, OD_POLICY_VIOLATION);
    }
    raw_close(c);
}

/* One request for metadata creates so many topics at most; the next one goes on. */
TEST(metadata_for_thousands_of_new_topics_creates_them_in_bounded_pieces)
{
    enum { TOPICS = 1200, LIMIT = 1000 };
    static struct od_metadata_req_topic asked[TOPICS];
    static char names[TOPICS][16];
    struct raw *c = raw_open();
    int64_t start_ms = now_ms();
    int32_t there = 0, rounds = 0, first = 0;
    struct od_metadata_req req;
    struct od_metadata_rsp rsp;

    od_metadata_req_defaults(&req);
    for (int i = 0; i < TOPICS; i++) {
        snprintf(names[i], sizeof(names[i]), "bulk-%d", i);
        asked[i].name = od_str_of(names[i]);
    }
    req.topics.n = TOPICS;
    req.topics.v = asked;
    for (; there < TOPICS; rounds++) {
        took_at_most(start_ms, 60000);
        CHECK_EQ(raw_call(c, OD_metadata_KEY, 13, &req, &rsp), RAW_ANSWER);
        CHECK_EQ(rsp.topics.n, TOPICS);
        there = 0;
        for (int32_t i = 0; i < TOPICS; i++)
            there += rsp.topics.v[i].error_code == OD_NONE;
        if (there > 0 && first == 0)
            first = there;
        usleep(20000);
    }
    CHECK_EQ(first, LIMIT);
    raw_close(c);
}
