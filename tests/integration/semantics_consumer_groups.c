/* SPDX-License-Identifier: Apache-2.0 */
/* Consumer groups with server-side assignment on the wire (KIP-848). */
#include "ask.h"

#include "wire/api/consumer_group_describe.h"
#include "wire/api/consumer_group_heartbeat.h"
#include "wire/api/list_groups.h"
#include "wire/api/offset_commit.h"
#include "wire/api/offset_fetch.h"

#include <stdio.h>
#include <unistd.h>

enum { PATIENCE_MS = 15000 };

struct member {
    struct raw *c;
    const char *group;
    char id[32];
    int32_t epoch;
    int32_t partitions; /* it has, as last told */
};

static bool is_coming(int16_t error_code)
{
    if (error_code != OD_COORDINATOR_LOAD_IN_PROGRESS &&
        error_code != OD_COORDINATOR_NOT_AVAILABLE)
        return false;
    usleep(20000);
    return true;
}

static void find(struct raw *c, const char *group)
{
    struct od_find_coordinator_req req;
    struct od_find_coordinator_rsp rsp;

    od_find_coordinator_req_defaults(&req);
    req.key = od_str_of(group);
    do {
        CHECK_EQ(raw_call(c, OD_find_coordinator_KEY, 3, &req, &rsp), RAW_ANSWER);
    } while (is_coming(rsp.error_code));
    CHECK_EQ(rsp.error_code, OD_NONE);
}

static int16_t beat(struct member *m, int16_t version, const char *topic, const char *regex)
{
    struct od_str name = od_str_of(topic);
    struct od_consumer_group_heartbeat_req req;
    struct od_consumer_group_heartbeat_rsp rsp;

    do {
        od_consumer_group_heartbeat_req_defaults(&req);
        req.group_id = od_str_of(m->group);
        req.member_id = od_str_of(m->id);
        req.member_epoch = m->epoch;
        if (m->epoch == 0) {
            req.rebalance_timeout_ms = 60000;
            req.topic_partitions.n = 0;
        }
        if (topic) {
            req.subscribed_topic_names.n = 1;
            req.subscribed_topic_names.v = &name;
        }
        req.subscribed_topic_regex = od_str_of(regex);
        CHECK_EQ(raw_call(m->c, OD_consumer_group_heartbeat_KEY, version, &req, &rsp),
                 RAW_ANSWER);
    } while (is_coming(rsp.error_code));
    if (rsp.error_code)
        return rsp.error_code;
    CHECK(rsp.heartbeat_interval_ms > 0 || m->epoch < 0);
    m->epoch = rsp.member_epoch;
    snprintf(m->id, sizeof(m->id), "%.*s", OD_STR_ARGS(rsp.member_id));
    if (rsp.assignment) {
        m->partitions = 0;
        for (int32_t i = 0; i < rsp.assignment->topic_partitions.n; i++)
            m->partitions += rsp.assignment->topic_partitions.v[i].partitions.n;
    }
    return OD_NONE;
}

TEST(a_member_of_the_consumer_protocol_lives_its_life_in_every_version)
{
    struct raw *c = raw_open();
    struct topic t = ask_create(c, "assigned", 3, NULL);

    find(c, t.name);
    for (int16_t v = 0; v <= 1; v++) {
        struct member m = { .c = c, .group = t.name };

        if (v == 1)
            snprintf(m.id, sizeof(m.id), "my-own-id");
        CHECK_EQ(beat(&m, v, t.name, NULL), OD_NONE);
        CHECK(m.epoch > 0);
        CHECK_EQ(m.partitions, 3);
        CHECK_EQ(beat(&m, v, NULL, NULL), OD_NONE);
        m.epoch += 7;
        CHECK_EQ(beat(&m, v, NULL, NULL), OD_FENCED_MEMBER_EPOCH);
        m.epoch = -1;
        CHECK_EQ(beat(&m, v, NULL, NULL), OD_NONE);
        CHECK_EQ(m.epoch, -1);
    }
    raw_close(c);
}

TEST(p29_a_topic_made_after_an_expression_joined_is_assigned)
{
    struct raw *c = raw_open();
    struct topic first = ask_create(c, "expressed", 2, NULL), second;
    char regex[80];
    struct member m = { .c = c, .group = first.name, .id = "m" };
    int64_t start = now_ms();

    snprintf(regex, sizeof(regex), "%s|later-.*", first.name);
    find(c, first.name);
    CHECK_EQ(beat(&m, 1, NULL, regex), OD_NONE);
    CHECK(m.partitions >= 2);
    second = ask_create(c, "later", 3, NULL);
    (void)second;
    for (int32_t before = m.partitions; m.partitions < before + 3;) {
        CHECK_EQ(beat(&m, 1, NULL, NULL), OD_NONE);
        took_at_most(start, PATIENCE_MS);
    }
    CHECK_EQ(beat(&(struct member){ .c = c, .group = first.name, .id = "n" }, 1, NULL, "("),
             OD_INVALID_REGULAR_EXPRESSION);
    raw_close(c);
}

static int16_t commit(struct member *m, const struct topic *t, int32_t epoch, int16_t version)
{
    struct od_offset_commit_req_partition partition;
    struct od_offset_commit_req_topic topic;
    struct od_offset_commit_req req;
    struct od_offset_commit_rsp rsp;

    od_offset_commit_req_defaults(&req);
    od_offset_commit_req_topic_defaults(&topic);
    od_offset_commit_req_partition_defaults(&partition);
    req.group_id = od_str_of(m->group);
    req.member_id = od_str_of(m->id);
    req.generation_id_or_member_epoch = epoch;
    if (version >= 10)
        topic.topic_id = t->id;
    else
        topic.name = od_str_of(t->name);
    partition.committed_offset = 5;
    topic.partitions.n = req.topics.n = 1;
    topic.partitions.v = &partition;
    req.topics.v = &topic;
    CHECK_EQ(raw_call(m->c, OD_offset_commit_KEY, version, &req, &rsp), RAW_ANSWER);
    return rsp.topics.v[0].partitions.v[0].error_code;
}

TEST(a_member_commits_under_its_epoch_only)
{
    struct raw *c = raw_open();
    struct topic t = ask_create(c, "under-epoch", 1, NULL);
    struct member m = { .c = c, .group = t.name, .id = "m" };
    struct member other = { .c = c, .group = t.name, .id = "other" };

    find(c, t.name);
    CHECK_EQ(beat(&m, 1, t.name, NULL), OD_NONE);
    CHECK_EQ(commit(&m, &t, m.epoch, 9), OD_NONE);
    CHECK_EQ(commit(&m, &t, m.epoch, 10), OD_NONE);
    CHECK_EQ(commit(&m, &t, m.epoch + 1, 9), OD_STALE_MEMBER_EPOCH);
    CHECK_EQ(commit(&m, &t, m.epoch + 1, 8), OD_UNSUPPORTED_VERSION);
    CHECK_EQ(commit(&other, &t, 1, 9), OD_UNKNOWN_MEMBER_ID);
    raw_close(c);
}

TEST(a_consumer_group_is_described_and_listed_by_its_type)
{
    struct raw *c = raw_open();
    struct topic t = ask_create(c, "described", 2, NULL);
    struct member m = { .c = c, .group = t.name, .id = "m" };
    struct od_str name = od_str_of(t.name), type = OD_STR("Consumer");

    find(c, t.name);
    CHECK_EQ(beat(&m, 1, t.name, NULL), OD_NONE);
    for (int16_t v = 0; v <= 1; v++) {
        struct od_consumer_group_describe_req req;
        struct od_consumer_group_describe_rsp rsp;
        const struct od_consumer_group_describe_rsp_member *member;

        od_consumer_group_describe_req_defaults(&req);
        req.group_ids.n = 1;
        req.group_ids.v = &name;
        req.include_authorized_operations = true;
        CHECK_EQ(raw_call(c, OD_consumer_group_describe_KEY, v, &req, &rsp), RAW_ANSWER);
        CHECK_EQ(rsp.groups.v[0].error_code, OD_NONE);
        CHECK(od_str_is(rsp.groups.v[0].group_state, "Stable"));
        CHECK(od_str_is(rsp.groups.v[0].assignor_name, "uniform"));
        CHECK_EQ(rsp.groups.v[0].members.n, 1);
        member = &rsp.groups.v[0].members.v[0];
        CHECK_EQ(member->member_epoch, m.epoch);
        CHECK(od_str_eq(member->assignment.topic_partitions.v[0].topic_name, name));
        CHECK_EQ(member->assignment.topic_partitions.v[0].partitions.n, 2);
        CHECK_EQ(member->target_assignment.topic_partitions.v[0].partitions.n, 2);
        if (v >= 1)
            CHECK_EQ(member->member_type, 1);
    }
    {
        struct od_list_groups_req req;
        struct od_list_groups_rsp rsp;
        bool found = false;

        od_list_groups_req_defaults(&req);
        req.types_filter.n = 1;
        req.types_filter.v = &type;
        CHECK_EQ(raw_call(c, OD_list_groups_KEY, 5, &req, &rsp), RAW_ANSWER);
        for (int32_t i = 0; i < rsp.groups.n; i++) {
            CHECK(od_str_is(rsp.groups.v[i].group_type, "consumer"));
            found |= od_str_eq(rsp.groups.v[i].group_id, name);
        }
        CHECK(found);
    }
    raw_close(c);
}
