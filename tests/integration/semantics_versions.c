/* SPDX-License-Identifier: Apache-2.0 */
/* What is advertised, header exceptions, and every version of every API once with good content. */
#include "admin.h"
#include "wire/api/alter_partition_reassignments.h"
#include "wire/api/describe_cluster.h"
#include "wire/api/describe_log_dirs.h"
#include "wire/api/describe_quorum.h"
#include "wire/api/describe_topic_partitions.h"
#include "wire/api/elect_leaders.h"
#include "wire/api/list_partition_reassignments.h"
#include "wire/api/update_features.h"
#include "wire/api/consumer_group_describe.h"
#include "wire/api/consumer_group_heartbeat.h"
#include "wire/api/delete_groups.h"
#include "wire/api/describe_groups.h"
#include "wire/api/heartbeat.h"
#include "wire/api/join_group.h"
#include "wire/api/leave_group.h"
#include "wire/api/list_groups.h"
#include "wire/api/offset_commit.h"
#include "wire/api/offset_delete.h"
#include "wire/api/offset_fetch.h"
#include "wire/api/sync_group.h"

/* --- ApiVersions --------------------------------------------------------------------------- */

static struct od_api_versions_rsp ask_versions(struct raw *c, int16_t version)
{
    struct od_api_versions_req req;
    struct od_api_versions_rsp rsp;

    od_api_versions_req_defaults(&req);
    if (version >= 3) {
        req.client_software_name = OD_STR("raw");
        req.client_software_version = OD_STR("1.0");
    }
    CHECK_EQ(raw_call(c, OD_api_versions_KEY, version, &req, &rsp), RAW_ANSWER);
    return rsp;
}

static const struct od_api_versions_rsp_api_version *row_of(const struct od_api_versions_rsp *rsp,
                                                            int16_t key)
{
    for (int32_t i = 0; i < rsp->api_keys.n; i++)
        if (rsp->api_keys.v[i].api_key == key)
            return &rsp->api_keys.v[i];
    return NULL;
}

TEST(p3_every_version_of_api_versions_lists_what_is_served)
{
    static const struct {
        int16_t key, min, max;
    } served[] = {
        { OD_produce_KEY, 0, 13 },         { OD_fetch_KEY, 4, 18 },
        { OD_list_offsets_KEY, 0, 11 },    { OD_metadata_KEY, 0, 13 },
        { OD_find_coordinator_KEY, 0, 6 }, { OD_api_versions_KEY, 0, 5 },
        { OD_create_topics_KEY, 0, 7 },    { OD_delete_topics_KEY, 0, 6 },
        { OD_delete_records_KEY, 0, 2 },   { OD_describe_log_dirs_KEY, 1, 5 },
        { OD_create_partitions_KEY, 0, 3 },
        { OD_elect_leaders_KEY, 0, 2 },
        { OD_alter_partition_reassignments_KEY, 0, 1 },
        { OD_list_partition_reassignments_KEY, 0, 0 },
        { OD_describe_quorum_KEY, 0, 2 },  { OD_update_features_KEY, 0, 2 },
        { OD_describe_cluster_KEY, 0, 2 }, { OD_describe_topic_partitions_KEY, 0, 0 },
        { OD_offset_commit_KEY, 0, 10 },
        { OD_offset_fetch_KEY, 0, 10 },    { OD_join_group_KEY, 0, 9 },
        { OD_heartbeat_KEY, 0, 4 },        { OD_leave_group_KEY, 0, 5 },
        { OD_sync_group_KEY, 0, 5 },       { OD_describe_groups_KEY, 0, 6 },
        { OD_list_groups_KEY, 0, 5 },      { OD_delete_groups_KEY, 0, 3 },
        { OD_offset_delete_KEY, 0, 0 },    { OD_consumer_group_heartbeat_KEY, 0, 1 },
        { OD_consumer_group_describe_KEY, 0, 1 },
    };

    for (int16_t version = 0; version <= 5; version++) {
        struct raw *c = raw_open();
        struct od_api_versions_rsp rsp = ask_versions(c, version);

        CHECK_EQ(rsp.error_code, OD_NONE);
        for (size_t i = 0; i < OD_COUNT(served); i++) {
            const struct od_api_versions_rsp_api_version *row = row_of(&rsp, served[i].key);

            CHECK(row);
            CHECK_EQ(row->min_version, served[i].min);
            CHECK_EQ(row->max_version, served[i].max);
        }
        raw_close(c);
    }
}

TEST(keys_of_brokers_and_of_old_controllers_are_not_advertised)
{
    static const int16_t inner[] = { 4, 5, 6, 7, 56, 59, 62, 63 };
    struct raw *c = raw_open();
    struct od_api_versions_rsp rsp = ask_versions(c, 4);

    for (size_t i = 0; i < OD_COUNT(inner); i++)
        CHECK(!row_of(&rsp, inner[i]));
    raw_close(c);
}

TEST(transaction_version_is_finalized_only_with_the_transaction_apis)
{
    struct raw *c = raw_open();
    struct od_api_versions_rsp rsp = ask_versions(c, 4);
    bool served = row_of(&rsp, 22) && row_of(&rsp, 26);

    for (int32_t i = 0; i < rsp.finalized_features.n; i++) {
        CHECK(served || !od_str_is(rsp.finalized_features.v[i].name, "transaction.version"));
        CHECK(rsp.finalized_features.v[i].max_version_level > 0);
    }
    CHECK(rsp.finalized_features_epoch >= 0);
    raw_close(c);
}

TEST(p1_an_unknown_version_of_api_versions_is_answered_in_the_layout_of_version_0)
{
    struct raw *c = raw_open();
    struct od_api_versions_rsp rsp;

    CHECK(raw_send_body(c, OD_api_versions_KEY, 99, "\x01\x01\x00", 3));
    CHECK_EQ(raw_receive(c, OD_api_versions_KEY, 0, &rsp, RAW_PATIENCE_MS), RAW_ANSWER);
    CHECK_EQ(rsp.error_code, OD_UNSUPPORTED_VERSION);
    CHECK_EQ(rsp.api_keys.n, 1);
    CHECK_EQ(rsp.api_keys.v[0].api_key, OD_api_versions_KEY);
    CHECK_EQ(rsp.api_keys.v[0].min_version, 0);
    CHECK_EQ(rsp.api_keys.v[0].max_version, 5);
    CHECK_EQ(ask_versions(c, 0).error_code, OD_NONE); /* the connection goes on */
    raw_close(c);
}

TEST(p2_a_client_that_never_asks_for_versions_is_served)
{
    struct od_metadata_req req;
    struct od_metadata_rsp rsp;

    for (int16_t version = 9; version <= 10; version++) {
        struct raw *c = raw_open();

        od_metadata_req_defaults(&req);
        CHECK_EQ(raw_call(c, OD_metadata_KEY, version, &req, &rsp), RAW_ANSWER);
        CHECK_EQ(rsp.brokers.n, 1);
        raw_close(c);
    }
}

/* Who may name topics by id may also ask for ids, and epochs are real. */
TEST(p6_the_highest_versions_fit_each_other)
{
    struct raw *c = raw_open();
    struct od_api_versions_rsp rsp = ask_versions(c, 4);
    bool by_id = row_of(&rsp, OD_produce_KEY)->max_version >= 13 ||
                 row_of(&rsp, OD_fetch_KEY)->max_version >= 13;
    struct od_metadata_rsp_topic topic;
    struct topic t;

    CHECK(row_of(&rsp, OD_metadata_KEY)->max_version >= (by_id ? 12 : 0));
    t = ask_create(c, "epoch", 1, NULL);
    CHECK(ask_topic(c, t.name, &topic));
    CHECK(topic.partitions.v[0].leader_epoch >= 0);
    CHECK(od_uuid_eq(topic.topic_id, t.id));
    raw_close(c);
}

TEST(a_client_without_a_proper_software_name_is_told_so)
{
    struct raw *c = raw_open();
    struct od_api_versions_req req;
    struct od_api_versions_rsp rsp;

    od_api_versions_req_defaults(&req);
    req.client_software_name = OD_STR("not ok");
    req.client_software_version = OD_STR("1.0");
    CHECK_EQ(raw_call(c, OD_api_versions_KEY, 3, &req, &rsp), RAW_ANSWER);
    CHECK_EQ(rsp.error_code, OD_INVALID_REQUEST);
    raw_close(c);
}

TEST(a_client_that_meant_another_cluster_has_to_rebootstrap)
{
    struct raw *c = raw_open();
    struct od_api_versions_req req;
    struct od_api_versions_rsp rsp;

    od_api_versions_req_defaults(&req);
    req.client_software_name = OD_STR("raw");
    req.client_software_version = OD_STR("1.0");
    req.cluster_id = OD_STR("AAAAAAAAAAAAAAAAAAAAAA");
    CHECK_EQ(raw_call(c, OD_api_versions_KEY, 5, &req, &rsp), RAW_ANSWER);
    CHECK_EQ(rsp.error_code, OD_INVALID_REQUEST); /* it has to say the node as well */
    req.node_id = 1;
    CHECK_EQ(raw_call(c, OD_api_versions_KEY, 5, &req, &rsp), RAW_ANSWER);
    CHECK_EQ(rsp.error_code, OD_REBOOTSTRAP_REQUIRED);
    raw_close(c);
}

/* --- versions that are not served ------------------------------------------------------------ */

TEST(versions_and_keys_that_are_not_served_close_the_connection)
{
    static const struct {
        int16_t key, version;
    } unserved[] = { { OD_produce_KEY, 0 },
                     { OD_produce_KEY, 1 },
                     { OD_produce_KEY, 2 },
                     { OD_produce_KEY, 14 },
                     { OD_fetch_KEY, 3 },
                     { OD_fetch_KEY, 19 },
                     { OD_metadata_KEY, 14 },
                     { OD_create_topics_KEY, 8 },
                     { OD_metadata_KEY, -1 },
                     { 9999, 0 },
                     { -1, 0 } };
    static const uint8_t zeros[64];

    for (size_t i = 0; i < OD_COUNT(unserved); i++) {
        struct raw *c = raw_open();

        CHECK(raw_send_body(c, unserved[i].key, unserved[i].version, zeros, sizeof(zeros)));
        CHECK_EQ(raw_read(c, RAW_PATIENCE_MS), RAW_CLOSED);
        raw_close(c);
    }
}

/* --- every version once ---------------------------------------------------------------------- */

TEST(every_version_of_create_topics_creates_one)
{
    for (int16_t version = 0; version <= 7; version++) {
        struct raw *c = raw_open(); /* that never asked for ApiVersions */
        struct od_create_topics_req_config config = { OD_STR("retention.ms"), OD_STR("-1") };
        struct od_create_topics_req_topic topic;
        struct od_metadata_rsp_topic known;
        struct od_create_topics_req req;
        struct od_create_topics_rsp rsp;
        char name[32];

        snprintf(name, sizeof(name), "created-by-version-%d", version);
        od_create_topics_req_defaults(&req);
        od_create_topics_req_topic_defaults(&topic);
        topic.name = od_str_of(name);
        topic.num_partitions = version + 1;
        topic.replication_factor = 1;
        topic.configs.n = 1;
        topic.configs.v = &config;
        req.topics.n = 1;
        req.topics.v = &topic;
        CHECK_EQ(raw_call(c, OD_create_topics_KEY, version, &req, &rsp), RAW_ANSWER);
        CHECK_EQ(rsp.topics.n, 1);
        CHECK_EQ(rsp.topics.v[0].error_code, OD_NONE);
        CHECK(od_str_is(rsp.topics.v[0].name, name));
        if (version >= 5) {
            CHECK_EQ(rsp.topics.v[0].num_partitions, version + 1);
            CHECK_EQ(rsp.topics.v[0].replication_factor, 1);
        }
        if (version >= 7)
            CHECK(!od_uuid_is_zero(rsp.topics.v[0].topic_id));
        CHECK(ask_topic(c, name, &known)); /* and it is there when the answer is */
        CHECK_EQ(known.partitions.n, version + 1);
        raw_close(c);
    }
}

TEST(every_version_of_metadata_describes_broker_and_topic)
{
    struct raw *maker = raw_open();
    struct topic t = ask_create(maker, "described", 2, NULL);
    const char *broker = getenv("BROKER");

    for (int16_t version = 0; version <= 13; version++) {
        struct raw *c = raw_open();
        struct od_metadata_req_topic topic;
        struct od_metadata_req req;
        struct od_metadata_rsp rsp;
        const struct od_metadata_rsp_topic *got;
        char address[80];

        od_metadata_req_defaults(&req);
        od_metadata_req_topic_defaults(&topic);
        topic.name = od_str_of(t.name);
        req.topics.n = 1;
        req.topics.v = &topic;
        CHECK_EQ(raw_call(c, OD_metadata_KEY, version, &req, &rsp), RAW_ANSWER);
        CHECK_EQ(rsp.brokers.n, 1);
        snprintf(address, sizeof(address), "%.*s:%d", OD_STR_ARGS(rsp.brokers.v[0].host),
                 rsp.brokers.v[0].port);
        CHECK_STR(address, broker);
        if (version >= 1)
            CHECK_EQ(rsp.controller_id, rsp.brokers.v[0].node_id);
        if (version >= 2)
            CHECK_EQ(rsp.cluster_id.len, OD_UUID_TEXT_LEN);
        CHECK_EQ(rsp.topics.n, 1);
        got = &rsp.topics.v[0];
        CHECK_EQ(got->error_code, OD_NONE);
        CHECK(od_str_is(got->name, t.name));
        if (version >= 10)
            CHECK(od_uuid_eq(got->topic_id, t.id));
        CHECK_EQ(got->partitions.n, 2);
        for (int32_t i = 0; i < 2; i++) {
            CHECK_EQ(got->partitions.v[i].error_code, OD_NONE);
            CHECK_EQ(got->partitions.v[i].partition_index, i);
            CHECK_EQ(got->partitions.v[i].leader_id, rsp.brokers.v[0].node_id);
            CHECK_EQ(got->partitions.v[i].replica_nodes.n, 1);
            CHECK_EQ(got->partitions.v[i].isr_nodes.n, 1);
            CHECK_EQ(got->partitions.v[i].isr_nodes.v[0], rsp.brokers.v[0].node_id);
            if (version >= 7)
                CHECK_EQ(got->partitions.v[i].leader_epoch, 0);
        }
        raw_close(c);
    }
    raw_close(maker);
}

TEST(p4_every_version_of_produce_appends_and_every_version_of_fetch_reads_it)
{
    struct raw *maker = raw_open();
    struct topic t = ask_create(maker, "written", 1, NULL);
    struct batch b = batch_of(10);
    int64_t end = 0;

    for (int16_t version = 3; version <= 13; version++, end += 10) {
        struct raw *c = raw_open();
        struct od_produce_rsp_partition out = ask_produce_version(c, version, &t, 0, -1, &b);

        CHECK_EQ(out.error_code, OD_NONE);
        CHECK_EQ(out.base_offset, end);
        CHECK_EQ(out.log_append_time_ms, -1);
        if (version >= 5)
            CHECK_EQ(out.log_start_offset, 0);
        raw_close(c);
    }
    for (int16_t version = 4; version <= 18; version++) {
        struct raw *c = raw_open();
        struct fetch_plan plan = fetch_at(end - 10);
        struct od_fetch_rsp_partition out;

        plan.version = version;
        out = ask_fetch(c, &t, &plan);
        CHECK_EQ(out.error_code, OD_NONE);
        CHECK_EQ(out.high_watermark, end);
        CHECK_EQ(out.last_stable_offset, end);
        if (version >= 5)
            CHECK_EQ(out.log_start_offset, 0);
        CHECK_EQ(out.aborted_transactions.n, -1);
        CHECK(batch_is(out.records, &b, end - 10, 0));
        raw_close(c);
    }
    raw_close(maker);
}

TEST(every_version_of_list_offsets_knows_both_ends)
{
    struct raw *maker = raw_open();
    struct topic t = ask_create(maker, "listed", 1, NULL);
    struct batch b = batch_of(7);

    CHECK_EQ(ask_produce(maker, &t, 0, &b).error_code, OD_NONE);
    for (int16_t version = 1; version <= 11; version++) {
        struct raw *c = raw_open();
        struct od_list_offsets_rsp_partition out = ask_offset(c, version, &t, 0, -1);

        CHECK_EQ(out.error_code, OD_NONE);
        CHECK_EQ(out.offset, 7);
        CHECK_EQ(out.timestamp, -1);
        if (version >= 4)
            CHECK_EQ(out.leader_epoch, 0);
        out = ask_offset(c, version, &t, 0, -2);
        CHECK_EQ(out.error_code, OD_NONE);
        CHECK_EQ(out.offset, 0);
        raw_close(c);
    }
    raw_close(maker);
}

TEST(a_coordinator_that_is_not_served_is_refused_in_every_layout)
{
    struct od_str key = OD_STR("some-share-group:topic:0");

    for (int16_t version = 0; version <= 6; version++) {
        struct raw *c = raw_open();
        struct od_find_coordinator_req req;
        struct od_find_coordinator_rsp rsp;

        od_find_coordinator_req_defaults(&req);
        if (version >= 1)
            req.key_type = 2;
        if (version < 4) {
            req.key = key;
        } else {
            req.coordinator_keys.n = 1;
            req.coordinator_keys.v = &key;
        }
        CHECK_EQ(raw_call(c, OD_find_coordinator_KEY, version, &req, &rsp), RAW_ANSWER);
        if (version >= 4) {
            CHECK_EQ(rsp.coordinators.n, 1);
            CHECK(od_str_eq(rsp.coordinators.v[0].key, key));
            CHECK_EQ(rsp.coordinators.v[0].error_code, OD_INVALID_REQUEST);
        } else if (version >= 1) {
            CHECK_EQ(rsp.error_code, OD_INVALID_REQUEST);
        } else { /* version 0 knows groups only */
            CHECK(!rsp.error_code || rsp.error_code == OD_COORDINATOR_NOT_AVAILABLE);
        }
        raw_close(c);
    }
}
