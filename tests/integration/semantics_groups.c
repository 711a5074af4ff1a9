/* SPDX-License-Identifier: Apache-2.0 */
/* Consumer groups on the wire: each version of each API, and what survives what. */
#include "ask.h"

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

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { PATIENCE_MS = 15000 };

struct group {
    struct raw *c;
    char name[80];
    char member[128];
    int32_t generation;
    struct topic topic;
};

/* Until the coordinator is there: the offsets topic is made on first use. */
static void find(struct raw *c, const char *group)
{
    int64_t start = now_ms();

    for (;;) {
        struct od_find_coordinator_req req;
        struct od_find_coordinator_rsp rsp;

        od_find_coordinator_req_defaults(&req);
        req.key = od_str_of(group);
        CHECK_EQ(raw_call(c, OD_find_coordinator_KEY, 3, &req, &rsp), RAW_ANSWER);
        if (!rsp.error_code)
            return;
        CHECK_EQ(rsp.error_code, OD_COORDINATOR_NOT_AVAILABLE);
        took_at_most(start, PATIENCE_MS);
        usleep(20000);
    }
}

static struct group begin(const char *stem)
{
    struct group g = { .c = raw_open(), .generation = -1 };

    g.topic = ask_create(g.c, stem, 2, NULL);
    snprintf(g.name, sizeof(g.name), "group-%s", g.topic.name);
    find(g.c, g.name);
    return g;
}

/* While a coordinator loads, a client asks again. */
static bool is_loading(int16_t error_code)
{
    if (error_code != OD_COORDINATOR_LOAD_IN_PROGRESS)
        return false;
    usleep(20000);
    return true;
}

static int16_t join_once(struct group *g, int16_t version)
{
    struct od_join_group_req_protocol protocol = { OD_STR("range"),
                                                   { (const uint8_t *)"meta", 4 } };
    struct od_join_group_req req;
    struct od_join_group_rsp rsp;

    od_join_group_req_defaults(&req);
    req.group_id = od_str_of(g->name);
    req.session_timeout_ms = 30000;
    if (version >= 1)
        req.rebalance_timeout_ms = 30000;
    req.member_id = od_str_of(g->member);
    req.protocol_type = OD_STR("consumer");
    req.protocols.n = 1;
    req.protocols.v = &protocol;
    do {
        CHECK_EQ(raw_call(g->c, OD_join_group_KEY, version, &req, &rsp), RAW_ANSWER);
    } while (is_loading(rsp.error_code));
    snprintf(g->member, sizeof(g->member), "%.*s", OD_STR_ARGS(rsp.member_id));
    g->generation = rsp.generation_id;
    if (!rsp.error_code) {
        CHECK(od_str_is(rsp.leader, g->member));
        CHECK_EQ(rsp.members.n, 1);
        CHECK_EQ(rsp.members.v[0].metadata.len, 4);
        CHECK(od_str_is(rsp.protocol_name, "range"));
    }
    return rsp.error_code;
}

static void join(struct group *g, int16_t version)
{
    int16_t code = join_once(g, version);

    if (version >= 4 && code == OD_MEMBER_ID_REQUIRED)
        code = join_once(g, version);
    CHECK_EQ(code, OD_NONE);
}

static void sync_up(struct group *g, int16_t version)
{
    struct od_sync_group_req_assignment assignment = { od_str_of(g->member),
                                                       { (const uint8_t *)"yours", 5 } };
    struct od_sync_group_req req;
    struct od_sync_group_rsp rsp;

    od_sync_group_req_defaults(&req);
    req.group_id = od_str_of(g->name);
    req.member_id = od_str_of(g->member);
    req.generation_id = g->generation;
    req.protocol_type = OD_STR("consumer");
    req.protocol_name = OD_STR("range");
    req.assignments.n = 1;
    req.assignments.v = &assignment;
    CHECK_EQ(raw_call(g->c, OD_sync_group_KEY, version, &req, &rsp), RAW_ANSWER);
    CHECK_EQ(rsp.error_code, OD_NONE);
    CHECK_MEM(rsp.assignment.data, "yours", 5);
    if (version >= 5)
        CHECK(od_str_is(rsp.protocol_type, "consumer"));
}

static int16_t beat(struct group *g, int16_t version)
{
    struct od_heartbeat_req req;
    struct od_heartbeat_rsp rsp;

    od_heartbeat_req_defaults(&req);
    req.group_id = od_str_of(g->name);
    req.member_id = od_str_of(g->member);
    req.generation_id = g->generation;
    CHECK_EQ(raw_call(g->c, OD_heartbeat_KEY, version, &req, &rsp), RAW_ANSWER);
    return rsp.error_code;
}

static void leave(struct group *g, int16_t version)
{
    struct od_leave_group_req_member member;
    struct od_leave_group_req req;
    struct od_leave_group_rsp rsp;

    od_leave_group_req_defaults(&req);
    req.group_id = od_str_of(g->name);
    if (version < 3) {
        req.member_id = od_str_of(g->member);
    } else {
        od_leave_group_req_member_defaults(&member);
        member.member_id = od_str_of(g->member);
        req.members.n = 1;
        req.members.v = &member;
    }
    CHECK_EQ(raw_call(g->c, OD_leave_group_KEY, version, &req, &rsp), RAW_ANSWER);
    CHECK_EQ(rsp.error_code, OD_NONE);
    if (version >= 3)
        CHECK_EQ(rsp.members.v[0].error_code, OD_NONE);
    g->member[0] = '\0';
    g->generation = -1;
}

static int16_t commit(struct group *g, int16_t version, int64_t offset, const char *metadata)
{
    struct od_offset_commit_req_partition partition;
    struct od_offset_commit_req_topic topic;
    struct od_offset_commit_req req;
    struct od_offset_commit_rsp rsp;

    od_offset_commit_req_defaults(&req);
    od_offset_commit_req_topic_defaults(&topic);
    od_offset_commit_req_partition_defaults(&partition);
    req.group_id = od_str_of(g->name);
    if (version >= 1) {
        req.member_id = od_str_of(g->member);
        req.generation_id_or_member_epoch = g->generation;
    }
    if (version >= 10)
        topic.topic_id = g->topic.id;
    else
        topic.name = od_str_of(g->topic.name);
    partition.partition_index = 1;
    partition.committed_offset = offset;
    partition.committed_metadata = od_str_of(metadata);
    topic.partitions.n = req.topics.n = 1;
    topic.partitions.v = &partition;
    req.topics.v = &topic;
    do {
        CHECK_EQ(raw_call(g->c, OD_offset_commit_KEY, version, &req, &rsp), RAW_ANSWER);
    } while (is_loading(rsp.topics.v[0].partitions.v[0].error_code));
    return rsp.topics.v[0].partitions.v[0].error_code;
}

struct fetched {
    int16_t error_code;
    int64_t offset;
    char metadata[128];
};

static struct fetched fetch_old(struct group *g, int16_t version)
{
    int32_t index = 1;
    struct od_offset_fetch_req_topic topic;
    struct od_offset_fetch_req req;
    struct od_offset_fetch_rsp rsp;
    struct fetched out = { 0 };

    od_offset_fetch_req_defaults(&req);
    od_offset_fetch_req_topic_defaults(&topic);
    req.group_id = od_str_of(g->name);
    topic.name = od_str_of(g->topic.name);
    topic.partition_indexes.n = req.topics.n = 1;
    topic.partition_indexes.v = &index;
    req.topics.v = &topic;
    CHECK_EQ(raw_call(g->c, OD_offset_fetch_KEY, version, &req, &rsp), RAW_ANSWER);
    out.error_code = rsp.topics.v[0].partitions.v[0].error_code;
    out.offset = rsp.topics.v[0].partitions.v[0].committed_offset;
    snprintf(out.metadata, sizeof(out.metadata), "%.*s",
             OD_STR_ARGS(rsp.topics.v[0].partitions.v[0].metadata));
    return out;
}

static struct fetched fetch(struct group *g, int16_t version)
{
    int32_t index = 1;
    struct od_offset_fetch_req_group_topic topic;
    struct od_offset_fetch_req_group group;
    struct od_offset_fetch_req req;
    struct od_offset_fetch_rsp rsp;
    struct fetched out = { 0 };
    const struct od_offset_fetch_rsp_group_topic *got;

    if (version < 8)
        return fetch_old(g, version);
    od_offset_fetch_req_defaults(&req);
    od_offset_fetch_req_group_defaults(&group);
    od_offset_fetch_req_group_topic_defaults(&topic);
    group.group_id = od_str_of(g->name);
    if (version >= 10)
        topic.topic_id = g->topic.id;
    else
        topic.name = od_str_of(g->topic.name);
    topic.partition_indexes.n = group.topics.n = req.groups.n = 1;
    topic.partition_indexes.v = &index;
    group.topics.v = &topic;
    req.groups.v = &group;
    CHECK_EQ(raw_call(g->c, OD_offset_fetch_KEY, version, &req, &rsp), RAW_ANSWER);
    CHECK_EQ(rsp.groups.v[0].error_code, OD_NONE);
    got = &rsp.groups.v[0].topics.v[0];
    if (version >= 10)
        CHECK(od_uuid_eq(got->topic_id, g->topic.id));
    else
        CHECK(od_str_is(got->name, g->topic.name));
    out.error_code = got->partitions.v[0].error_code;
    out.offset = got->partitions.v[0].committed_offset;
    snprintf(out.metadata, sizeof(out.metadata), "%.*s",
             OD_STR_ARGS(got->partitions.v[0].metadata));
    return out;
}

/* Old clients speak the oldest versions only, new ones the newest: all of them work. */
TEST(p5_a_member_lives_its_life_in_every_version)
{
    struct group g = begin("lived");

    for (int16_t v = 0; v <= 9; v++) {
        join(&g, v);
        CHECK_EQ(g.generation, 2 * v + 1); /* each leave makes one, too */
        sync_up(&g, (int16_t)(v > 5 ? 5 : v));
        CHECK_EQ(beat(&g, (int16_t)(v > 4 ? 4 : v)), OD_NONE);
        CHECK_EQ(commit(&g, (int16_t)(v ? v : 1), 100 + v, "x"), OD_NONE);
        g.generation++;
        CHECK_EQ(beat(&g, 4), OD_ILLEGAL_GENERATION);
        leave(&g, (int16_t)(v > 5 ? 5 : v));
        CHECK_EQ(fetch(&g, v).offset, 100 + v);
    }
    raw_close(g.c);
}

TEST(p18_a_commit_and_its_metadata_come_back_in_every_version)
{
    struct group g = begin("committed");

    for (int16_t v = 0; v <= 10; v++)
        CHECK_EQ(fetch(&g, v).offset, -1);
    for (int16_t w = 0; w <= 10; w++) {
        char text[32];

        snprintf(text, sizeof(text), "written in %d", w);
        CHECK_EQ(commit(&g, w, w, text), OD_NONE);
        for (int16_t v = 0; v <= 10; v++) {
            struct fetched f = fetch(&g, v);

            CHECK_EQ(f.error_code, OD_NONE);
            CHECK_EQ(f.offset, w);
            CHECK_STR(f.metadata, text);
        }
    }
    raw_close(g.c);
}

TEST(a_commit_for_an_unknown_topic_is_refused_alone)
{
    struct group g = begin("half-known");
    struct group other = g;

    snprintf(other.topic.name, sizeof(other.topic.name), "no-such-topic");
    memset(&other.topic.id, 7, sizeof(other.topic.id));
    CHECK_EQ(commit(&other, 9, 1, ""), OD_UNKNOWN_TOPIC_OR_PARTITION);
    CHECK_EQ(commit(&other, 10, 1, ""), OD_UNKNOWN_TOPIC_ID);
    CHECK_EQ(fetch(&other, 10).error_code, OD_UNKNOWN_TOPIC_ID);
    CHECK_EQ(fetch(&other, 9).offset, -1);
    CHECK_EQ(commit(&g, 9, 1, ""), OD_NONE);
    raw_close(g.c);
}

TEST(a_group_is_listed_described_and_deleted)
{
    struct group g = begin("seen");
    struct od_str name = od_str_of(g.name);

    join(&g, 9);
    sync_up(&g, 5);
    for (int16_t v = 0; v <= 6; v++) {
        struct od_describe_groups_req req;
        struct od_describe_groups_rsp rsp;

        od_describe_groups_req_defaults(&req);
        req.groups.n = 1;
        req.groups.v = &name;
        req.include_authorized_operations = v >= 3;
        CHECK_EQ(raw_call(g.c, OD_describe_groups_KEY, v, &req, &rsp), RAW_ANSWER);
        CHECK_EQ(rsp.groups.v[0].error_code, OD_NONE);
        CHECK(od_str_is(rsp.groups.v[0].group_state, "Stable"));
        CHECK(od_str_is(rsp.groups.v[0].protocol_data, "range"));
        CHECK_EQ(rsp.groups.v[0].members.n, 1);
        CHECK(od_str_starts(rsp.groups.v[0].members.v[0].client_host, "/127.0.0.1"));
        CHECK_MEM(rsp.groups.v[0].members.v[0].member_assignment.data, "yours", 5);
        if (v >= 3)
            CHECK(rsp.groups.v[0].authorized_operations > 0);
    }
    for (int16_t v = 0; v <= 5; v++) {
        struct od_list_groups_req req;
        struct od_list_groups_rsp rsp;
        bool found = false;

        od_list_groups_req_defaults(&req);
        CHECK_EQ(raw_call(g.c, OD_list_groups_KEY, v, &req, &rsp), RAW_ANSWER);
        CHECK_EQ(rsp.error_code, OD_NONE);
        for (int32_t i = 0; i < rsp.groups.n; i++)
            found |= od_str_eq(rsp.groups.v[i].group_id, name);
        CHECK(found);
    }
    for (int16_t v = 0; v <= 3; v++) {
        struct od_delete_groups_req req;
        struct od_delete_groups_rsp rsp;

        od_delete_groups_req_defaults(&req);
        req.groups_names.n = 1;
        req.groups_names.v = &name;
        CHECK_EQ(raw_call(g.c, OD_delete_groups_KEY, v, &req, &rsp), RAW_ANSWER);
        CHECK_EQ(rsp.results.v[0].error_code, OD_NON_EMPTY_GROUP);
        if (v < 3)
            continue;
        leave(&g, 5);
        CHECK_EQ(raw_call(g.c, OD_delete_groups_KEY, v, &req, &rsp), RAW_ANSWER);
        CHECK_EQ(rsp.results.v[0].error_code, OD_NONE);
        CHECK_EQ(raw_call(g.c, OD_delete_groups_KEY, v, &req, &rsp), RAW_ANSWER);
        CHECK_EQ(rsp.results.v[0].error_code, OD_GROUP_ID_NOT_FOUND);
    }
    raw_close(g.c);
}

TEST(an_offset_can_be_deleted_by_itself)
{
    struct group g = begin("forgotten");
    struct od_offset_delete_req_partition partition = { 1 };
    struct od_offset_delete_req_topic topic = { .name = od_str_of(g.topic.name),
                                                .partitions = { 1, &partition } };
    struct od_offset_delete_req req;
    struct od_offset_delete_rsp rsp;

    od_offset_delete_req_defaults(&req);
    req.group_id = od_str_of(g.name);
    req.topics.n = 1;
    req.topics.v = &topic;
    CHECK_EQ(raw_call(g.c, OD_offset_delete_KEY, 0, &req, &rsp), RAW_ANSWER);
    CHECK_EQ(rsp.error_code, OD_GROUP_ID_NOT_FOUND);
    CHECK_EQ(commit(&g, 9, 5, ""), OD_NONE);
    CHECK_EQ(raw_call(g.c, OD_offset_delete_KEY, 0, &req, &rsp), RAW_ANSWER);
    CHECK_EQ(rsp.error_code, OD_NONE);
    CHECK_EQ(rsp.topics.v[0].partitions.v[0].error_code, OD_NONE);
    CHECK_EQ(fetch(&g, 8).offset, -1);
    raw_close(g.c);
}

TEST(p31_coordinators_are_found_one_by_one_and_in_a_batch)
{
    struct raw *c = raw_open();
    struct od_str keys[] = { OD_STR("one"), OD_STR("two"), OD_STR("") };
    struct od_find_coordinator_req req;
    struct od_find_coordinator_rsp rsp;

    find(c, "one");
    for (int16_t v = 0; v <= 6; v++) {
        od_find_coordinator_req_defaults(&req);
        if (v < 4) {
            req.key = keys[0];
        } else {
            req.coordinator_keys.n = OD_COUNT(keys);
            req.coordinator_keys.v = keys;
        }
        CHECK_EQ(raw_call(c, OD_find_coordinator_KEY, v, &req, &rsp), RAW_ANSWER);
        if (v < 4) {
            CHECK_EQ(rsp.error_code, OD_NONE);
            CHECK(od_str_is(rsp.host, "127.0.0.1"));
            CHECK(rsp.port > 0);
            continue;
        }
        CHECK_EQ(rsp.coordinators.n, (int)OD_COUNT(keys));
        for (size_t i = 0; i < OD_COUNT(keys); i++) {
            CHECK(od_str_eq(rsp.coordinators.v[i].key, keys[i]));
            CHECK_EQ(rsp.coordinators.v[i].error_code, OD_NONE);
            CHECK(rsp.coordinators.v[i].node_id >= 0);
        }
    }
    raw_close(c);
}

TEST(a_client_that_hangs_up_while_it_waits_to_join_disturbs_nobody)
{
    struct group g = begin("left-waiting");
    struct od_join_group_req_protocol protocol = { OD_STR("range"), { (const uint8_t *)"", 0 } };
    struct od_join_group_req req;

    od_join_group_req_defaults(&req);
    req.group_id = od_str_of(g.name);
    req.session_timeout_ms = req.rebalance_timeout_ms = 30000;
    req.protocol_type = OD_STR("consumer");
    req.protocols.n = 1;
    req.protocols.v = &protocol;
    for (int i = 0; i < 20; i++) {
        struct raw *c = raw_open();

        CHECK(raw_send(c, OD_join_group_KEY, 2, &req));
        raw_reset(c);
    }
    /* Members may have come into being: then only they commit, which is an answer, too. */
    CHECK(commit(&g, 9, 1, "") != OD_COORDINATOR_NOT_AVAILABLE);
    CHECK_EQ(beat(&g, 4), OD_UNKNOWN_MEMBER_ID);
    raw_close(g.c);
}
