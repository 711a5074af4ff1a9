/* SPDX-License-Identifier: Apache-2.0 */
/* Committed offsets: who may commit, what is read, when they expire, and what a restart finds. */
#include "fixture.h"

#include "wire/api/delete_groups.h"
#include "wire/api/list_groups.h"
#include "wire/api/offset_delete.h"

enum { DAY_MS = 86400000 };

struct commit {
    const char *member;
    int32_t generation;
    const char *topic;
    int32_t partition;
    int64_t offset;
    const char *metadata;
    int64_t retention_ms;
    int16_t version;
};

static enum od_err commit(struct fixture *f, struct commit c)
{
    struct ask *a = fixture_ask(f, OD_GROUP_COMMIT, c.version ? c.version : 8);
    struct od_offset_commit_req *req = od_arena_alloc(&f->arena, sizeof(*req));
    struct od_offset_commit_rsp *rsp = od_arena_alloc(&f->arena, sizeof(*rsp));

    od_offset_commit_req_defaults(req);
    od_offset_commit_rsp_defaults(rsp);
    req->group_id = OD_STR("g");
    req->member_id = c.member ? od_str_of(c.member) : OD_STR("");
    req->generation_id_or_member_epoch = c.member ? c.generation : -1;
    req->retention_time_ms = c.retention_ms ? c.retention_ms : -1;
    OD_ARENA_LIST(&f->arena, req->topics, 1);
    OD_ARENA_LIST(&f->arena, rsp->topics, 1);
    od_offset_commit_req_topic_defaults(&req->topics.v[0]);
    req->topics.v[0].name = od_str_of(c.topic ? c.topic : "t");
    OD_ARENA_LIST(&f->arena, req->topics.v[0].partitions, 1);
    OD_ARENA_LIST(&f->arena, rsp->topics.v[0].partitions, 1);
    od_offset_commit_req_partition_defaults(&req->topics.v[0].partitions.v[0]);
    req->topics.v[0].partitions.v[0].partition_index = c.partition;
    req->topics.v[0].partitions.v[0].committed_offset = c.offset;
    req->topics.v[0].partitions.v[0].committed_leader_epoch = 3;
    req->topics.v[0].partitions.v[0].committed_metadata = od_str_of(c.metadata);
    a->call.commit.req = req;
    a->call.commit.rsp = rsp;
    fixture_call(f, a);
    CHECK(a->finished);
    return (enum od_err)rsp->topics.v[0].partitions.v[0].error_code;
}

static enum od_err txn_commit(struct fixture *f, int64_t producer_id, int32_t partition,
                              int64_t offset)
{
    struct ask *a = fixture_ask(f, OD_GROUP_TXN_COMMIT, 3);
    struct od_txn_offset_commit_req *req = od_arena_alloc(&f->arena, sizeof(*req));
    struct od_txn_offset_commit_rsp *rsp = od_arena_alloc(&f->arena, sizeof(*rsp));

    od_txn_offset_commit_req_defaults(req);
    od_txn_offset_commit_rsp_defaults(rsp);
    req->group_id = OD_STR("g");
    req->member_id = OD_STR("");
    req->producer_id = producer_id;
    req->generation_id_or_member_epoch = -1;
    OD_ARENA_LIST(&f->arena, req->topics, 1);
    OD_ARENA_LIST(&f->arena, rsp->topics, 1);
    req->topics.v[0].name = OD_STR("t");
    OD_ARENA_LIST(&f->arena, req->topics.v[0].partitions, 1);
    OD_ARENA_LIST(&f->arena, rsp->topics.v[0].partitions, 1);
    req->topics.v[0].partitions.v[0].partition_index = partition;
    req->topics.v[0].partitions.v[0].committed_offset = offset;
    a->call.txn_commit.req = req;
    a->call.txn_commit.rsp = rsp;
    fixture_call(f, a);
    return (enum od_err)rsp->topics.v[0].partitions.v[0].error_code;
}

static struct od_offset_fetch_rsp_group_partition
fetch_in(struct fixture *f, struct od_group_shard *s, int32_t partition, bool require_stable)
{
    static int32_t indexes[1];
    static struct od_offset_fetch_req_group_topic topic;
    struct ask *a = fixture_ask(f, OD_GROUP_FETCH, 8);
    struct od_offset_fetch_req_group req;
    struct od_offset_fetch_rsp_group rsp;
    struct od_group_event ev = fixture_event(f);
    struct od_group_out out;

    od_offset_fetch_req_group_defaults(&req);
    od_offset_fetch_rsp_group_defaults(&rsp);
    od_offset_fetch_req_group_topic_defaults(&topic);
    indexes[0] = partition;
    topic.name = OD_STR("t");
    topic.partition_indexes.n = 1;
    topic.partition_indexes.v = indexes;
    req.group_id = OD_STR("g");
    req.topics.n = 1;
    req.topics.v = &topic;
    od_group_out_init(&out, &f->arena);
    a->call.arena = &f->arena;
    a->call.fetch.req = &req;
    a->call.fetch.rsp = &rsp;
    a->call.fetch.require_stable = require_stable;
    od_group_shard_call(s, &ev, &a->call, &out);
    CHECK_OK(rsp.error_code);
    return rsp.topics.v[0].partitions.v[0];
}

static int64_t offset_of(struct fixture *f, int32_t partition)
{
    return fetch_in(f, f->shard, partition, false).committed_offset;
}

static void expire(struct fixture *f)
{
    struct od_group_event ev = fixture_event(f);
    struct od_group_out out;

    od_group_out_init(&out, &f->arena);
    od_group_shard_expire(f->shard, &ev, &out);
    fixture_take(f, &out);
}

static void one_member(struct fixture *f, const char **id)
{
    gathered(f, 1, id);
    CHECK_OK(sync_as(f, *id, 1, 1, id)->synced.error_code);
}

TEST(a_commit_is_read_back_with_its_epoch_and_metadata)
{
    struct fixture f;
    struct od_offset_fetch_rsp_group_partition p;

    fixture_init(&f);
    CHECK_EQ(offset_of(&f, 0), -1);
    CHECK_OK(commit(&f, (struct commit){ .offset = 42, .metadata = "note" }));
    p = fetch_in(&f, f.shard, 0, false);
    CHECK_EQ(p.committed_offset, 42);
    CHECK_EQ(p.committed_leader_epoch, 3);
    CHECK(od_str_is(p.metadata, "note"));
    CHECK_OK(commit(&f, (struct commit){ .offset = 41 }));
    p = fetch_in(&f, f.shard, 0, true);
    CHECK_EQ(p.committed_offset, 41); /* back is allowed */
    CHECK_EQ(p.metadata.len, 0);
    CHECK_EQ(offset_of(&f, 1), -1);
    fixture_free(&f);
}

TEST(metadata_has_a_bound)
{
    struct fixture f;
    char text[4098];

    fixture_init(&f);
    memset(text, 'x', sizeof(text));
    text[4097] = '\0';
    CHECK_EQ(commit(&f, (struct commit){ .metadata = text }), OD_OFFSET_METADATA_TOO_LARGE);
    CHECK_EQ(f.log_count, 0);
    text[4096] = '\0';
    CHECK_OK(commit(&f, (struct commit){ .metadata = text }));
    CHECK_EQ(fetch_in(&f, f.shard, 0, false).metadata.len, 4096);
    fixture_free(&f);
}

TEST(while_a_group_has_members_only_they_commit_in_their_generation)
{
    struct fixture f;
    const char *id;

    fixture_init(&f);
    CHECK_EQ(commit(&f, (struct commit){ .member = "x", .generation = 1 }), OD_ILLEGAL_GENERATION);
    CHECK_EQ(commit(&f, (struct commit){ .member = "x", .generation = 1, .version = 9 }),
             OD_GROUP_ID_NOT_FOUND);
    gathered(&f, 1, &id);
    CHECK_EQ(commit(&f, (struct commit){ .member = id, .generation = 1 }),
             OD_REBALANCE_IN_PROGRESS);
    CHECK_OK(sync_as(&f, id, 1, 1, &id)->synced.error_code);
    CHECK_OK(commit(&f, (struct commit){ .member = id, .generation = 1 }));
    CHECK_EQ(commit(&f, (struct commit){ .member = id, .generation = 0 }), OD_ILLEGAL_GENERATION);
    CHECK_EQ(commit(&f, (struct commit){ .member = "x", .generation = 1 }), OD_UNKNOWN_MEMBER_ID);
    CHECK_EQ(commit(&f, (struct commit){ .offset = 1 }), OD_UNKNOWN_MEMBER_ID);
    CHECK_OK(leave(&f, id));
    CHECK_OK(commit(&f, (struct commit){ .offset = 1 }));
    fixture_free(&f);
}

TEST(whoever_names_no_generation_commits_to_an_empty_group_with_any_member_id)
{
    struct fixture f;
    const char *id;

    fixture_init(&f);
    /* librdkafka assigned by hand under the consumer protocol: an id of its own, epoch -1. */
    for (int i = 0; i < 2; i++)
        CHECK_OK(commit(&f, (struct commit){ .member = "x", .generation = -1, .version = 9 }));
    CHECK_EQ(commit(&f, (struct commit){ .member = "x", .generation = 0, .version = 9 }),
             OD_UNKNOWN_MEMBER_ID);
    one_member(&f, &id);
    CHECK_EQ(commit(&f, (struct commit){ .member = "x", .generation = -1, .version = 9 }),
             OD_UNKNOWN_MEMBER_ID);
    fixture_free(&f);
}

TEST(a_commit_counts_as_a_sign_of_life)
{
    struct fixture f;
    const char *id;

    fixture_init(&f);
    one_member(&f, &id);
    fixture_pass(&f, SESSION_MS - 1);
    CHECK_OK(commit(&f, (struct commit){ .member = id, .generation = 1 }));
    fixture_pass(&f, SESSION_MS - 1);
    CHECK_OK(beat(&f, id, 1));
    fixture_free(&f);
}

/* --- transactions ------------------------------------------------------------------------------
 */

TEST(offsets_of_an_open_transaction_are_unstable_until_it_ends)
{
    struct fixture f;

    fixture_init(&f);
    CHECK_OK(commit(&f, (struct commit){ .offset = 1 }));
    CHECK_OK(txn_commit(&f, 9, 0, 5));
    CHECK_EQ(f.producers[1], 9);
    CHECK_EQ(offset_of(&f, 0), 1);
    CHECK_EQ(fetch_in(&f, f.shard, 0, true).error_code, OD_UNSTABLE_OFFSET_COMMIT);
    CHECK_OK(fetch_in(&f, f.shard, 1, true).error_code);
    od_group_shard_end_txn(f.shard, 8, true); /* somebody else's */
    CHECK_EQ(offset_of(&f, 0), 1);
    od_group_shard_end_txn(f.shard, 9, true);
    CHECK_EQ(offset_of(&f, 0), 5);
    CHECK_OK(fetch_in(&f, f.shard, 0, true).error_code);
    CHECK_OK(txn_commit(&f, 9, 0, 7));
    od_group_shard_end_txn(f.shard, 9, false);
    CHECK_EQ(offset_of(&f, 0), 5);
    fixture_free(&f);
}

TEST(a_later_plain_commit_wins_over_a_transaction_that_ends_after_it)
{
    struct fixture f;

    fixture_init(&f);
    CHECK_OK(txn_commit(&f, 9, 0, 5));
    CHECK_OK(commit(&f, (struct commit){ .offset = 3 }));
    od_group_shard_end_txn(f.shard, 9, true);
    CHECK_EQ(offset_of(&f, 0), 3);
    fixture_free(&f);
}

TEST(an_aborted_transaction_leaves_no_group_behind)
{
    struct fixture f;

    fixture_init(&f);
    CHECK_OK(txn_commit(&f, 9, 0, 5));
    CHECK_EQ(od_group_shard_group_count(f.shard), 1);
    od_group_shard_end_txn(f.shard, 9, false);
    CHECK_EQ(od_group_shard_group_count(f.shard), 0);
    fixture_free(&f);
}

/* --- expiry ------------------------------------------------------------------------------------
 */

TEST(standalone_commits_expire_by_their_own_time)
{
    struct fixture f;

    fixture_init(&f);
    CHECK_OK(commit(&f, (struct commit){ .partition = 0 }));
    fixture_pass(&f, DAY_MS);
    CHECK_OK(commit(&f, (struct commit){ .partition = 1 }));
    fixture_pass(&f, 6LL * DAY_MS - 1);
    expire(&f);
    CHECK_EQ(f.log_count, 2);
    fixture_pass(&f, 1);
    expire(&f);
    CHECK_EQ(offset_of(&f, 0), -1);
    CHECK_EQ(offset_of(&f, 1), 0);
    CHECK_EQ(f.log_count, 3);
    fixture_pass(&f, DAY_MS);
    expire(&f);
    CHECK_EQ(od_group_shard_group_count(f.shard), 0);
    CHECK_EQ(f.log_count, 5); /* the offset's tombstone and the group's */
    fixture_free(&f);
}

TEST(retention_counts_from_when_the_group_became_empty)
{
    struct fixture f;
    const char *id;
    struct od_group_shard *after;
    struct od_group_event ev;
    struct od_group_out out;

    fixture_init(&f);
    one_member(&f, &id);
    CHECK_OK(commit(&f, (struct commit){ .member = id, .generation = 1, .offset = 8 }));
    for (int i = 0; i < 3; i++) {
        fixture_pass(&f, SESSION_MS - 1);
        CHECK_OK(beat(&f, id, 1));
    }
    CHECK_OK(leave(&f, id));
    fixture_pass(&f, 7LL * DAY_MS - 1);
    expire(&f);
    CHECK_EQ(offset_of(&f, 0), 8);
    /* The same after a restart: the moment is in the record. */
    after = fixture_replayed(&f);
    ev = fixture_event(&f);
    od_group_out_init(&out, &f.arena);
    od_group_shard_expire(after, &ev, &out);
    CHECK_EQ(out.record_count, 0);
    ev.wall_ms++;
    od_group_shard_expire(after, &ev, &out);
    CHECK_EQ(out.record_count, 2);
    od_group_shard_free(after);
    fixture_free(&f);
}

TEST(a_live_consumer_group_loses_offsets_of_topics_it_no_longer_reads)
{
    /* Version 0, the topics [t], no user data. */
    static const uint8_t subscription[] = { 0, 0, 0, 0, 0, 1, 0, 1, 't', 0xff, 0xff, 0xff, 0xff };
    static struct od_join_group_req_protocol range = { { "range", 5 },
                                                       { subscription, sizeof(subscription) } };
    struct fixture f;
    struct ask *a;
    const char *id;

    fixture_init(&f);
    a = join_begin(&f, "", 3);
    a->join.protocols.v = &range;
    a->join.session_timeout_ms = 1800000;
    fixture_call(&f, a);
    fixture_pass(&f, DELAY_MS);
    id = id_of(&f, a);
    CHECK_OK(sync_as(&f, id, 1, 1, &id)->synced.error_code);
    CHECK_OK(commit(&f, (struct commit){ .member = id, .generation = 1, .offset = 1 }));
    CHECK_OK(commit(&f, (struct commit){ .member = id, .generation = 1, .topic = "u" }));
    f.wall_ms += 7LL * DAY_MS;
    expire(&f);
    CHECK_EQ(offset_of(&f, 0), 1);
    CHECK_EQ(f.log_count, 4); /* generation, two offsets, one tombstone */
    fixture_free(&f);
}

TEST(a_commit_may_bring_its_own_retention)
{
    struct fixture f;

    fixture_init(&f);
    CHECK_OK(commit(&f, (struct commit){ .offset = 1, .retention_ms = 5000, .version = 2 }));
    fixture_pass(&f, 4999);
    expire(&f);
    CHECK_EQ(offset_of(&f, 0), 1);
    fixture_pass(&f, 1);
    expire(&f);
    CHECK_EQ(offset_of(&f, 0), -1);
    fixture_free(&f);
}

TEST(an_offset_with_an_open_transaction_does_not_expire)
{
    struct fixture f;

    fixture_init(&f);
    CHECK_OK(commit(&f, (struct commit){ .offset = 1 }));
    CHECK_OK(txn_commit(&f, 9, 0, 5));
    fixture_pass(&f, 8LL * DAY_MS);
    expire(&f);
    CHECK_EQ(offset_of(&f, 0), 1);
    od_group_shard_end_txn(f.shard, 9, false);
    expire(&f);
    CHECK_EQ(od_group_shard_group_count(f.shard), 0);
    fixture_free(&f);
}

/* --- deleting ----------------------------------------------------------------------------------
 */

static enum od_err delete_group(struct fixture *f)
{
    struct ask *a = fixture_ask(f, OD_GROUP_DELETE, 2);
    struct od_delete_groups_rsp_result rsp;

    od_delete_groups_rsp_result_defaults(&rsp);
    a->call.remove.group_id = OD_STR("g");
    a->call.remove.rsp = &rsp;
    fixture_call(f, a);
    return (enum od_err)rsp.error_code;
}

TEST(only_an_empty_group_can_be_deleted_and_nothing_brings_it_back)
{
    struct fixture f;
    const char *id;
    struct od_group_shard *after;

    fixture_init(&f);
    CHECK_EQ(delete_group(&f), OD_GROUP_ID_NOT_FOUND);
    one_member(&f, &id);
    CHECK_OK(commit(&f, (struct commit){ .member = id, .generation = 1, .offset = 1 }));
    CHECK_OK(txn_commit(&f, 9, 3, 5));
    CHECK_EQ(delete_group(&f), OD_NON_EMPTY_GROUP);
    CHECK_OK(leave(&f, id));
    CHECK_OK(delete_group(&f));
    CHECK_EQ(od_group_shard_group_count(f.shard), 0);
    after = fixture_replayed(&f);
    od_group_shard_end_txn(after, 9, true);
    CHECK_EQ(od_group_shard_group_count(after), 0);
    od_group_shard_free(after);
    fixture_free(&f);
}

TEST(a_deleted_topic_takes_its_offsets_along)
{
    struct fixture f;
    struct od_group_out out;

    fixture_init(&f);
    CHECK_OK(commit(&f, (struct commit){ .partition = 0, .offset = 1 }));
    CHECK_OK(commit(&f, (struct commit){ .partition = 1, .offset = 2 }));
    CHECK_OK(commit(&f, (struct commit){ .topic = "u", .offset = 3 }));
    CHECK_OK(txn_commit(&f, 9, 2, 5));
    od_group_out_init(&out, &f.arena);
    od_group_shard_topic_deleted(f.shard, OD_STR("t"), &out);
    CHECK_EQ(out.record_count, 3);
    fixture_take(&f, &out);
    CHECK_EQ(offset_of(&f, 0), -1);
    od_group_out_init(&out, &f.arena);
    od_group_shard_topic_deleted(f.shard, OD_STR("u"), &out);
    CHECK_EQ(out.record_count, 1);
    CHECK_EQ(od_group_shard_group_count(f.shard), 0);
    fixture_free(&f);
}

TEST(groups_are_listed_by_state_and_type)
{
    static struct od_str states[] = { { "empty", 5 } };
    static struct od_str types[] = { { "consumer", 8 } };
    struct fixture f;
    struct od_list_groups_req req;
    struct od_list_groups_rsp_group *list;

    fixture_init(&f);
    od_list_groups_req_defaults(&req);
    CHECK_OK(commit(&f, (struct commit){ .offset = 1 }));
    CHECK_EQ(od_group_shard_list(f.shard, &req, &f.arena, &list), 1);
    CHECK(od_str_is(list[0].group_state, "Empty"));
    CHECK_EQ(list[0].protocol_type.len, 0);
    req.states_filter.n = 1;
    req.states_filter.v = states;
    CHECK_EQ(od_group_shard_list(f.shard, &req, &f.arena, &list), 1);
    states[0] = OD_STR("Stable");
    CHECK_EQ(od_group_shard_list(f.shard, &req, &f.arena, &list), 0);
    req.states_filter.n = 0;
    req.types_filter.n = 1;
    req.types_filter.v = types;
    CHECK_EQ(od_group_shard_list(f.shard, &req, &f.arena, &list), 0);
    fixture_free(&f);
}

/* --- loading -----------------------------------------------------------------------------------
 */

TEST(records_of_older_versions_are_read_and_unknown_ones_skipped)
{
    /* Key type 0: group g, topic t, partition 0; value version 0: offset 7, "m", a time. */
    static const uint8_t old_key[] = { 0, 0, 0, 1, 'g', 0, 1, 't', 0, 0, 0, 0 };
    static const uint8_t old_value[] = { 0, 0,   0, 0, 0, 0, 0, 0, 0, 7, 0,
                                         1, 'm', 0, 0, 0, 0, 0, 0, 0, 1 };
    static const uint8_t unknown[] = { 0, 99, 1, 2, 3 };
    struct fixture f;
    struct od_offset_fetch_rsp_group_partition p;

    fixture_init(&f);
    CHECK_OK(od_group_shard_replay(f.shard, (struct od_bytes){ old_key, sizeof(old_key) },
                                   (struct od_bytes){ old_value, sizeof(old_value) }, -1));
    CHECK_OK(od_group_shard_replay(f.shard, (struct od_bytes){ unknown, sizeof(unknown) },
                                   (struct od_bytes){ unknown, sizeof(unknown) }, -1));
    p = fetch_in(&f, f.shard, 0, false);
    CHECK_EQ(p.committed_offset, 7);
    CHECK_EQ(p.committed_leader_epoch, -1);
    CHECK(od_group_shard_replay(f.shard, (struct od_bytes){ old_key, 5 },
                                (struct od_bytes){ old_value, sizeof(old_value) }, -1));
    CHECK(od_group_shard_replay(f.shard, (struct od_bytes){ old_key, sizeof(old_key) },
                                (struct od_bytes){ old_value, 9 }, -1));
    CHECK(od_group_shard_replay(f.shard, (struct od_bytes){ old_key, 1 }, (struct od_bytes){ 0 },
                                -1));
    CHECK_EQ(offset_of(&f, 0), 7);
    fixture_free(&f);
}
