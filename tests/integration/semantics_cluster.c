/* SPDX-License-Identifier: Apache-2.0 */
/* What a cluster of one node says of itself, and what an administrator can ask it to change. */
#include "admin.h"
#include "wire/api/alter_partition_reassignments.h"
#include "wire/api/describe_cluster.h"
#include "wire/api/describe_log_dirs.h"
#include "wire/api/describe_quorum.h"
#include "wire/api/describe_topic_partitions.h"
#include "wire/api/elect_leaders.h"
#include "wire/api/list_partition_reassignments.h"
#include "wire/api/update_features.h"

enum { NODE = 1 };

/* --- DescribeCluster ----------------------------------------------------------------------- */

TEST(p16_p35_describe_cluster_tells_the_id_the_broker_and_operations_in_every_version)
{
    struct raw *c = raw_open();
    struct od_describe_cluster_req req;
    struct od_describe_cluster_rsp rsp;

    for (int16_t version = 0; version <= 2; version++) {
        od_describe_cluster_req_defaults(&req);
        CHECK_EQ(raw_call(c, OD_describe_cluster_KEY, version, &req, &rsp), RAW_ANSWER);
        CHECK_EQ(rsp.error_code, OD_NONE);
        CHECK_EQ(rsp.cluster_id.len, 22);
        CHECK_EQ(rsp.controller_id, NODE);
        CHECK_EQ(rsp.brokers.n, 1);
        CHECK_EQ(rsp.brokers.v[0].broker_id, NODE);
        CHECK(od_str_is(rsp.brokers.v[0].host, "127.0.0.1"));
        CHECK(rsp.brokers.v[0].port > 0);
        CHECK(!rsp.brokers.v[0].is_fenced);
        CHECK_EQ(rsp.cluster_authorized_operations, INT32_MIN);
        req.include_cluster_authorized_operations = true;
        req.include_fenced_brokers = version >= 2;
        CHECK_EQ(raw_call(c, OD_describe_cluster_KEY, version, &req, &rsp), RAW_ANSWER);
        CHECK_EQ(rsp.cluster_authorized_operations, 0x1fa0);
        CHECK_EQ(rsp.brokers.n, 1);
    }
    raw_close(c);
}

TEST(controllers_are_not_described_on_a_brokers_listener)
{
    static const struct {
        int8_t type;
        enum od_err err;
    } cases[] = { { 2, OD_MISMATCHED_ENDPOINT_TYPE },
                  { 0, OD_UNSUPPORTED_ENDPOINT_TYPE },
                  { 3, OD_UNSUPPORTED_ENDPOINT_TYPE } };
    struct raw *c = raw_open();
    struct od_describe_cluster_req req;
    struct od_describe_cluster_rsp rsp;

    for (size_t i = 0; i < OD_COUNT(cases); i++) {
        od_describe_cluster_req_defaults(&req);
        req.endpoint_type = cases[i].type;
        CHECK_EQ(raw_call(c, OD_describe_cluster_KEY, 1, &req, &rsp), RAW_ANSWER);
        CHECK_EQ(rsp.error_code, cases[i].err);
        CHECK(rsp.error_message.len > 0);
        CHECK_EQ(rsp.brokers.n, 0);
    }
    raw_close(c);
}

/* --- DescribeTopicPartitions --------------------------------------------------------------- */

static struct od_describe_topic_partitions_rsp
describe(struct raw *c, struct od_describe_topic_partitions_req_topic *topics, int32_t n,
         int32_t limit, struct od_describe_topic_partitions_req_cursor *cursor)
{
    struct od_describe_topic_partitions_req req;
    struct od_describe_topic_partitions_rsp rsp;

    od_describe_topic_partitions_req_defaults(&req);
    req.topics.n = n;
    req.topics.v = topics;
    req.response_partition_limit = limit;
    req.cursor = cursor;
    CHECK_EQ(raw_call(c, OD_describe_topic_partitions_KEY, 0, &req, &rsp), RAW_ANSWER);
    return rsp;
}

TEST(p33_topics_are_described_in_order_page_by_page)
{
    struct raw *c = raw_open();
    struct topic t[2] = { ask_create(c, "page-a", 3, NULL), ask_create(c, "page-b", 2, NULL) };
    struct od_describe_topic_partitions_req_topic asked[3] = { { od_str_of(t[1].name) },
                                                               { od_str_of(t[0].name) },
                                                               { od_str_of(t[1].name) } };
    struct od_describe_topic_partitions_req_cursor cursor;
    struct od_describe_topic_partitions_rsp rsp = describe(c, asked, 3, 2, NULL);
    char name[64];

    CHECK_EQ(rsp.topics.n, 1);
    CHECK(od_str_is(rsp.topics.v[0].name, t[0].name));
    CHECK(od_uuid_eq(rsp.topics.v[0].topic_id, t[0].id));
    CHECK_EQ(rsp.topics.v[0].topic_authorized_operations, 0xdf8);
    CHECK_EQ(rsp.topics.v[0].partitions.n, 2);
    CHECK_EQ(rsp.topics.v[0].partitions.v[1].leader_id, NODE);
    CHECK_EQ(rsp.topics.v[0].partitions.v[1].isr_nodes.n, 1);
    CHECK_EQ(rsp.topics.v[0].partitions.v[1].eligible_leader_replicas.n, 0);
    CHECK_EQ(rsp.topics.v[0].partitions.v[1].offline_replicas.n, 0);
    CHECK(rsp.next_cursor && od_str_is(rsp.next_cursor->topic_name, t[0].name));
    CHECK_EQ(rsp.next_cursor->partition_index, 2);
    snprintf(name, sizeof(name), "%s", t[0].name);
    cursor = (struct od_describe_topic_partitions_req_cursor){ od_str_of(name), 2 };
    rsp = describe(c, asked, 3, 1, &cursor);
    CHECK_EQ(rsp.topics.n, 1);
    CHECK_EQ(rsp.topics.v[0].partitions.n, 1);
    CHECK_EQ(rsp.topics.v[0].partitions.v[0].partition_index, 2);
    CHECK(rsp.next_cursor && od_str_is(rsp.next_cursor->topic_name, t[1].name));
    CHECK_EQ(rsp.next_cursor->partition_index, 0);
    rsp = describe(c, asked, 3, 0, &cursor); /* at least one */
    CHECK_EQ(rsp.topics.v[0].partitions.n, 1);
    cursor.partition_index = 3; /* behind the end */
    rsp = describe(c, asked, 3, 100, &cursor);
    CHECK_EQ(rsp.topics.n, 2);
    CHECK_EQ(rsp.topics.v[0].partitions.n, 0);
    CHECK_EQ(rsp.topics.v[1].partitions.n, 2);
    CHECK(!rsp.next_cursor);
    raw_close(c);
}

TEST(all_topics_are_found_by_following_the_cursor)
{
    struct raw *c = raw_open();
    struct topic t = ask_create(c, "zz-among-all", 5, NULL);
    struct od_describe_topic_partitions_req_cursor cursor, *next = NULL;
    char name[256], last[256] = "";
    int found = 0;

    do {
        struct od_describe_topic_partitions_rsp rsp = describe(c, NULL, 0, 7, next);

        for (int32_t i = 0; i < rsp.topics.n; i++) {
            snprintf(name, sizeof(name), "%.*s", OD_STR_ARGS(rsp.topics.v[i].name));
            CHECK(strcmp(last, name) <= 0); /* the first may go on from the page before */
            memcpy(last, name, sizeof(last));
            if (!strcmp(name, t.name))
                found += rsp.topics.v[i].partitions.n;
        }
        next = rsp.next_cursor ? &cursor : NULL;
        if (next) {
            snprintf(name, sizeof(name), "%.*s", OD_STR_ARGS(rsp.next_cursor->topic_name));
            cursor.topic_name = od_str_of(name);
            cursor.partition_index = rsp.next_cursor->partition_index;
        }
    } while (next);
    CHECK_EQ(found, 5);
    raw_close(c);
}

TEST(unknown_topics_and_cursors_that_do_not_fit_have_their_codes)
{
    struct raw *c = raw_open();
    struct od_describe_topic_partitions_req_topic asked[2] = { { OD_STR("no/name") },
                                                               { OD_STR("never-was") } };
    struct od_describe_topic_partitions_req_cursor cursor = { OD_STR("elsewhere"), 0 };
    struct od_describe_topic_partitions_rsp rsp = describe(c, asked, 2, 10, NULL);

    CHECK_EQ(rsp.topics.n, 2);
    CHECK_EQ(rsp.topics.v[0].error_code, OD_UNKNOWN_TOPIC_OR_PARTITION);
    CHECK_EQ(rsp.topics.v[1].error_code, OD_INVALID_TOPIC_EXCEPTION);
    CHECK_EQ(rsp.topics.v[1].partitions.n, 0);
    rsp = describe(c, asked, 2, 10, &cursor);
    CHECK_EQ(rsp.topics.n, 2);
    CHECK_EQ(rsp.topics.v[0].error_code, OD_INVALID_REQUEST);
    cursor = (struct od_describe_topic_partitions_req_cursor){ OD_STR("never-was"), -1 };
    CHECK_EQ(describe(c, asked, 2, 10, &cursor).topics.v[1].error_code, OD_INVALID_REQUEST);
    raw_close(c);
}

/* --- DescribeLogDirs ----------------------------------------------------------------------- */

static const struct od_describe_log_dirs_rsp_topic *
topic_in(const struct od_describe_log_dirs_rsp_result *dir, const struct topic *t)
{
    for (int32_t i = 0; i < dir->topics.n; i++)
        if (od_str_is(dir->topics.v[i].name, t->name))
            return &dir->topics.v[i];
    return NULL;
}

TEST(p24_every_version_of_describe_log_dirs_tells_sizes_and_from_4_on_the_room)
{
    struct raw *c = raw_open();
    struct topic t = ask_create(c, "sized", 2, NULL);
    struct batch b = batch_of(10);
    struct od_describe_log_dirs_req req;
    struct od_describe_log_dirs_rsp rsp;
    const struct od_describe_log_dirs_rsp_topic *topic;

    CHECK_EQ(ask_produce(c, &t, 1, &b).error_code, OD_NONE);
    CHECK_EQ(ask_produce(c, &t, 1, &b).error_code, OD_NONE);
    od_describe_log_dirs_req_defaults(&req);
    req.topics.n = -1;
    for (int16_t version = 1; version <= 5; version++) {
        CHECK_EQ(raw_call(c, OD_describe_log_dirs_KEY, version, &req, &rsp), RAW_ANSWER);
        CHECK_EQ(rsp.results.n, 1);
        CHECK_EQ(rsp.results.v[0].error_code, OD_NONE);
        CHECK_EQ(rsp.results.v[0].log_dir.data[0], '/');
        topic = topic_in(&rsp.results.v[0], &t);
        CHECK(topic);
        CHECK_EQ(topic->partitions.n, 2);
        CHECK_EQ(topic->partitions.v[0].partition_size, 0);
        CHECK_EQ(topic->partitions.v[1].partition_size, 2 * (int64_t)b.len);
        CHECK_EQ(topic->partitions.v[1].offset_lag, 0);
        CHECK(!topic->partitions.v[1].is_future_key);
        if (version >= 4) {
            CHECK(rsp.results.v[0].usable_bytes > 0);
            CHECK(rsp.results.v[0].total_bytes > rsp.results.v[0].usable_bytes);
        }
        CHECK(!topic_in(&rsp.results.v[0], &(struct topic){ .name = "__cluster_metadata" }));
    }
    raw_close(c);
}

TEST(log_dirs_list_the_partitions_asked_for_and_no_others)
{
    struct raw *c = raw_open();
    struct topic t = ask_create(c, "sized", 3, NULL);
    int32_t indexes[] = { 2, 7 }, zero[] = { 0 };
    struct od_describe_log_dirs_req_topic asked[2] = {
        { .topic = od_str_of(t.name), .partitions = { .n = 2, .v = indexes } },
        { .topic = OD_STR("never-was"), .partitions = { .n = 1, .v = zero } },
    };
    struct od_describe_log_dirs_req req;
    struct od_describe_log_dirs_rsp rsp;

    od_describe_log_dirs_req_defaults(&req);
    req.topics.n = 2;
    req.topics.v = asked;
    CHECK_EQ(raw_call(c, OD_describe_log_dirs_KEY, 5, &req, &rsp), RAW_ANSWER);
    CHECK_EQ(rsp.results.v[0].topics.n, 1);
    CHECK_EQ(rsp.results.v[0].topics.v[0].partitions.n, 1);
    CHECK_EQ(rsp.results.v[0].topics.v[0].partitions.v[0].partition_index, 2);
    req.topics.n = 0;
    CHECK_EQ(raw_call(c, OD_describe_log_dirs_KEY, 5, &req, &rsp), RAW_ANSWER);
    CHECK_EQ(rsp.results.n, 1);
    CHECK_EQ(rsp.results.v[0].topics.n, 0);
    raw_close(c);
}

/* --- DescribeQuorum ------------------------------------------------------------------------ */

static struct od_describe_quorum_rsp describe_quorum(struct raw *c, int16_t version,
                                                     const char *topic, int32_t partition)
{
    struct od_describe_quorum_req_partition p = { .partition_index = partition };
    struct od_describe_quorum_req_topic t = { .topic_name = od_str_of(topic),
                                              .partitions = { .n = 1, .v = &p } };
    struct od_describe_quorum_req req;
    struct od_describe_quorum_rsp rsp;

    od_describe_quorum_req_defaults(&req);
    req.topics.n = 1;
    req.topics.v = &t;
    CHECK_EQ(raw_call(c, OD_describe_quorum_KEY, version, &req, &rsp), RAW_ANSWER);
    CHECK_EQ(rsp.error_code, OD_NONE);
    CHECK_EQ(rsp.topics.n, 1);
    CHECK_EQ(rsp.topics.v[0].partitions.n, 1);
    return rsp;
}

TEST(every_version_of_describe_quorum_tells_the_one_voter_and_its_progress)
{
    struct raw *c = raw_open();
    int64_t before = -1;

    for (int16_t version = 0; version <= 2; version++) {
        struct od_describe_quorum_rsp rsp = describe_quorum(c, version, "__cluster_metadata", 0);
        const struct od_describe_quorum_rsp_partition *p = &rsp.topics.v[0].partitions.v[0];

        CHECK_EQ(p->error_code, OD_NONE);
        CHECK_EQ(p->leader_id, NODE);
        CHECK(p->leader_epoch >= 1);
        CHECK(p->high_watermark > before);
        before = p->high_watermark;
        CHECK_EQ(p->current_voters.n, 1);
        CHECK_EQ(p->current_voters.v[0].replica_id, NODE);
        CHECK_EQ(p->current_voters.v[0].log_end_offset, p->high_watermark);
        CHECK_EQ(p->observers.n, 0);
        if (version >= 1)
            CHECK(p->current_voters.v[0].last_caught_up_timestamp > 0);
        if (version >= 2)
            CHECK_EQ(rsp.nodes.n, 1);
        ask_create(c, "moves-the-log", 1, NULL);
    }
    raw_close(c);
}

TEST(there_is_no_quorum_of_another_partition)
{
    struct raw *c = raw_open();
    struct od_describe_quorum_rsp rsp = describe_quorum(c, 2, "__cluster_metadata", 1);

    CHECK_EQ(rsp.topics.v[0].partitions.v[0].error_code, OD_UNKNOWN_TOPIC_OR_PARTITION);
    rsp = describe_quorum(c, 2, "other", 0);
    CHECK_EQ(rsp.topics.v[0].partitions.v[0].error_code, OD_UNKNOWN_TOPIC_OR_PARTITION);
    raw_close(c);
}

/* --- UpdateFeatures ------------------------------------------------------------------------ */

static struct od_update_features_rsp update(struct raw *c, int16_t version, const char *feature,
                                            int16_t level, int8_t type)
{
    struct od_update_features_req_update u;
    struct od_update_features_req req;
    struct od_update_features_rsp rsp;

    od_update_features_req_defaults(&req);
    od_update_features_req_update_defaults(&u);
    u.feature = od_str_of(feature);
    u.max_version_level = level;
    if (version >= 1)
        u.upgrade_type = type;
    else
        u.allow_downgrade = type != 1;
    req.feature_updates.n = 1;
    req.feature_updates.v = &u;
    req.validate_only = version >= 1; /* other tests run on this broker */
    CHECK_EQ(raw_call(c, OD_update_features_KEY, version, &req, &rsp), RAW_ANSWER);
    return rsp;
}

TEST(every_version_of_update_features_takes_what_is_so_and_says_why_not)
{
    struct raw *c = raw_open();

    for (int16_t version = 0; version <= 2; version++) {
        struct od_update_features_rsp rsp = update(c, version, "metadata.version", 21, 1);

        CHECK_EQ(rsp.error_code, OD_NONE);
        CHECK_EQ(rsp.results.n, version < 2);
        rsp = update(c, version, "metadata.version", 20, 1);
        CHECK_EQ(rsp.error_code, OD_INVALID_UPDATE_VERSION);
        CHECK(rsp.error_message.len > 0);
        rsp = update(c, version, "share.version", 1, 1);
        CHECK_EQ(rsp.error_code, OD_INVALID_UPDATE_VERSION);
        rsp = update(c, version, "metadata.version", 99, 1);
        CHECK_EQ(rsp.error_code, OD_INVALID_UPDATE_VERSION);
    }
    CHECK_EQ(update(c, 1, "metadata.version", 25, 1).error_code, OD_NONE);
    CHECK_EQ(update(c, 1, "metadata.version", 20, 2).error_code, OD_NONE);
    CHECK_EQ(update(c, 1, "metadata.version", 20, 9).error_code, OD_INVALID_UPDATE_VERSION);
    raw_close(c);
}

/* --- leaders and reassignments ------------------------------------------------------------- */

TEST(every_version_of_elect_leaders_finds_no_election_needed)
{
    struct raw *c = raw_open();
    struct topic t = ask_create(c, "led", 1, NULL);
    int32_t indexes[] = { 0, 1 };
    struct od_elect_leaders_req_topic topic = { .topic = od_str_of(t.name),
                                          .partitions = { .n = 2, .v = indexes } };
    struct od_elect_leaders_req req;
    struct od_elect_leaders_rsp rsp;

    for (int16_t version = 0; version <= 2; version++)
        for (int8_t type = 0; type <= (version ? 1 : 0); type++) {
            od_elect_leaders_req_defaults(&req);
            req.election_type = type;
            req.topic_partitions.n = 1;
            req.topic_partitions.v = &topic;
            CHECK_EQ(raw_call(c, OD_elect_leaders_KEY, version, &req, &rsp), RAW_ANSWER);
            CHECK_EQ(rsp.error_code, OD_NONE);
            CHECK_EQ(rsp.replica_election_results.n, 1);
            CHECK_EQ(rsp.replica_election_results.v[0].partition_result.n, 2);
            CHECK_EQ(rsp.replica_election_results.v[0].partition_result.v[0].error_code,
                     OD_ELECTION_NOT_NEEDED);
            CHECK_EQ(rsp.replica_election_results.v[0].partition_result.v[1].error_code,
                     OD_UNKNOWN_TOPIC_OR_PARTITION);
            req.topic_partitions.n = -1; /* all: only what was needed is told */
            CHECK_EQ(raw_call(c, OD_elect_leaders_KEY, version, &req, &rsp), RAW_ANSWER);
            CHECK_EQ(rsp.replica_election_results.n, 0);
        }
    req.election_type = 2;
    CHECK_EQ(raw_call(c, OD_elect_leaders_KEY, 2, &req, &rsp), RAW_ANSWER);
    CHECK_EQ(rsp.error_code, OD_INVALID_REQUEST);
    raw_close(c);
}

TEST(no_replica_is_on_the_move)
{
    struct raw *c = raw_open();
    struct topic t = ask_create(c, "at-rest", 1, NULL);
    int32_t zero[] = { 0 };
    struct od_list_partition_reassignments_req_topic asked = {
        .name = od_str_of(t.name), .partition_indexes = { .n = 1, .v = zero }
    };
    struct od_list_partition_reassignments_req req;
    struct od_list_partition_reassignments_rsp rsp;

    od_list_partition_reassignments_req_defaults(&req);
    for (int i = 0; i < 2; i++) {
        req.topics.n = i ? 1 : -1;
        req.topics.v = &asked;
        CHECK_EQ(raw_call(c, OD_list_partition_reassignments_KEY, 0, &req, &rsp), RAW_ANSWER);
        CHECK_EQ(rsp.error_code, OD_NONE);
        CHECK_EQ(rsp.topics.n, 0);
    }
    raw_close(c);
}

TEST(every_version_of_alter_reassignments_takes_what_changes_nothing)
{
    struct raw *c = raw_open();
    struct topic t = ask_create(c, "at-rest", 4, NULL);
    int32_t here[] = { NODE }, elsewhere[] = { NODE + 1 };
    struct od_alter_partition_reassignments_req_partition p[5] = {
        { .partition_index = 0, .replicas = { .n = 1, .v = here } },
        { .partition_index = 1, .replicas = { .n = 1, .v = elsewhere } },
        { .partition_index = 2, .replicas = { .n = -1 } },
        { .partition_index = 3, .replicas = { .n = 0 } },
        { .partition_index = 4, .replicas = { .n = 1, .v = here } },
    };
    static const enum od_err expected[5] = { OD_NONE, OD_INVALID_REPLICA_ASSIGNMENT,
                                             OD_NO_REASSIGNMENT_IN_PROGRESS,
                                             OD_INVALID_REPLICA_ASSIGNMENT,
                                             OD_UNKNOWN_TOPIC_OR_PARTITION };
    struct od_alter_partition_reassignments_req_topic topic = { .name = od_str_of(t.name),
                                                                .partitions = { .n = 5, .v = p } };
    struct od_alter_partition_reassignments_req req;
    struct od_alter_partition_reassignments_rsp rsp;

    for (int16_t version = 0; version <= 1; version++) {
        od_alter_partition_reassignments_req_defaults(&req);
        req.topics.n = 1;
        req.topics.v = &topic;
        CHECK_EQ(raw_call(c, OD_alter_partition_reassignments_KEY, version, &req, &rsp),
                 RAW_ANSWER);
        CHECK_EQ(rsp.error_code, OD_NONE);
        CHECK_EQ(rsp.responses.v[0].partitions.n, 5);
        for (int32_t i = 0; i < 5; i++)
            CHECK_EQ(rsp.responses.v[0].partitions.v[i].error_code, expected[i]);
    }
    raw_close(c);
}
