/* SPDX-License-Identifier: Apache-2.0 */
/* The classic protocol: joining, generations, static members, what each state answers. */
#include "fixture.h"

static bool says(struct od_str s, const char *text)
{
    return od_str_is(s, text);
}

/* A stable group of n with every assignment handed out. */
static void settled(struct fixture *f, int n, const char **ids)
{
    struct ask *asks[16];

    for (int i = 0; i < n; i++)
        asks[i] = join(f, "", 3);
    fixture_pass(f, DELAY_MS * 2);
    for (int i = 0; i < n; i++)
        ids[i] = id_of(f, asks[i]);
    for (int i = n - 1; i >= 0; i--)
        asks[i] = sync_as(f, ids[i], 1, i ? 0 : n, ids);
    for (int i = 0; i < n; i++)
        CHECK_OK(asks[i]->synced.error_code);
    CHECK_STR(state_of(f), "Stable");
}

TEST(the_first_member_leads_and_learns_all_members)
{
    struct fixture f;
    struct ask *a, *b;

    fixture_init(&f);
    a = join(&f, "", 3);
    b = join(&f, "", 3);
    CHECK(!a->finished && !b->finished);
    CHECK_STR(state_of(&f), "PreparingRebalance");
    fixture_pass(&f, DELAY_MS * 2);
    CHECK(a->finished && b->finished);
    CHECK_EQ(a->joined.generation_id, 1);
    CHECK(od_str_eq(a->joined.leader, a->joined.member_id));
    CHECK(od_str_eq(b->joined.leader, a->joined.member_id));
    CHECK_EQ(a->joined.members.n, 2);
    CHECK_EQ(b->joined.members.n, 0);
    CHECK(says(a->joined.protocol_name, "range"));
    CHECK_EQ(a->joined.members.v[1].metadata.len, 4);
    CHECK_STR(state_of(&f), "CompletingRebalance");
    fixture_free(&f);
}

TEST(a_first_generation_waits_on_while_members_arrive_but_not_beyond_the_rebalance_timeout)
{
    struct fixture f;
    struct ask *first;
    int64_t began;

    fixture_init(&f);
    first = join(&f, "", 3);
    began = f.now_ms;
    for (int i = 0; !first->finished && i < 100; i++) {
        fixture_pass(&f, 1000);
        if (!first->finished)
            join(&f, "", 3);
    }
    CHECK(f.now_ms - began >= REBALANCE_MS - DELAY_MS);
    CHECK(f.now_ms - began <= REBALANCE_MS + 1000);
    fixture_free(&f);
}

TEST(without_further_members_the_first_wait_is_the_delay)
{
    struct fixture f;
    struct ask *a;

    fixture_init(&f);
    a = join(&f, "", 3);
    fixture_pass(&f, DELAY_MS - 1);
    CHECK(!a->finished);
    fixture_pass(&f, 1);
    CHECK(a->finished);
    fixture_free(&f);
}

TEST(from_version_4_a_member_gets_its_id_first)
{
    struct fixture f;
    struct ask *a, *b;

    fixture_init(&f);
    a = join(&f, "", 4);
    CHECK_EQ(a->joined.error_code, OD_MEMBER_ID_REQUIRED);
    CHECK(od_str_starts(a->joined.member_id, "client-"));
    CHECK_EQ(a->joined.member_id.len, strlen("client-") + 36);
    b = join(&f, id_of(&f, a), 4);
    fixture_pass(&f, DELAY_MS);
    CHECK_OK(b->joined.error_code);
    CHECK(od_str_eq(b->joined.member_id, a->joined.member_id));
    fixture_free(&f);
}

TEST(an_id_that_is_not_used_within_the_session_timeout_is_unknown)
{
    struct fixture f;
    struct ask *a, *b;

    fixture_init(&f);
    a = join(&f, "", 4);
    fixture_pass(&f, SESSION_MS - 1);
    CHECK_EQ(od_group_shard_group_count(f.shard), 1);
    fixture_pass(&f, 1);
    CHECK_EQ(od_group_shard_group_count(f.shard), 0);
    b = join(&f, id_of(&f, a), 4);
    CHECK_EQ(b->joined.error_code, OD_UNKNOWN_MEMBER_ID);
    fixture_free(&f);
}

TEST(a_pending_id_holds_up_a_rebalance_until_it_joins)
{
    struct fixture f;
    const char *ids[1];
    struct ask *fresh, *again, *joined;

    fixture_init(&f);
    settled(&f, 1, ids);
    fresh = join(&f, "", 4);
    again = join(&f, ids[0], 4); /* the leader: rebalance */
    CHECK(!again->finished);
    joined = join(&f, id_of(&f, fresh), 4);
    CHECK(again->finished && joined->finished);
    CHECK_EQ(again->joined.generation_id, 2);
    CHECK_EQ(again->joined.members.n, 2);
    fixture_free(&f);
}

TEST(a_pending_id_that_leaves_disturbs_no_generation_but_ends_the_wait_for_it)
{
    struct fixture f;
    const char *ids[1];
    struct ask *fresh, *again;

    fixture_init(&f);
    settled(&f, 1, ids);
    fresh = join(&f, "", 4);
    CHECK_OK(leave(&f, id_of(&f, fresh)));
    CHECK_STR(state_of(&f), "Stable");
    fresh = join(&f, "", 4);
    again = join(&f, ids[0], 4);
    CHECK(!again->finished);
    CHECK_OK(leave(&f, id_of(&f, fresh)));
    CHECK(again->finished);
    CHECK_EQ(again->joined.generation_id, 2);
    fixture_free(&f);
}

TEST(a_pending_id_that_leaves_an_otherwise_unused_group_takes_it_along)
{
    struct fixture f;
    struct ask *fresh;

    fixture_init(&f);
    fresh = join(&f, "", 4);
    CHECK_EQ(od_group_shard_group_count(f.shard), 1);
    CHECK_OK(leave(&f, id_of(&f, fresh)));
    CHECK_EQ(od_group_shard_group_count(f.shard), 0);
    fixture_free(&f);
}

TEST(bad_requests_are_refused_with_their_codes)
{
    struct fixture f;
    struct ask *a;
    const char *ids[1];

    fixture_init(&f);
    a = join_begin(&f, "", 3);
    a->join.group_id = OD_STR("");
    fixture_call(&f, a);
    CHECK_EQ(a->joined.error_code, OD_INVALID_GROUP_ID);
    for (int i = 0; i < 4; i++) {
        static const int32_t timeouts[] = { 5999, 6000, 1800000, 1800001 };

        a = join_begin(&f, "", 4);
        a->join.session_timeout_ms = timeouts[i];
        fixture_call(&f, a);
        CHECK_EQ(a->joined.error_code,
                 i == 0 || i == 3 ? OD_INVALID_SESSION_TIMEOUT : OD_MEMBER_ID_REQUIRED);
    }
    fixture_pass(&f, 1800000);
    CHECK_EQ(join(&f, "nobody", 3)->joined.error_code, OD_UNKNOWN_MEMBER_ID);
    a = join_begin(&f, "", 3);
    a->join.protocols.n = 0;
    fixture_call(&f, a);
    CHECK_EQ(a->joined.error_code, OD_INCONSISTENT_GROUP_PROTOCOL);
    a = join_begin(&f, "", 3);
    a->join.protocol_type = OD_STR("");
    fixture_call(&f, a);
    CHECK_EQ(a->joined.error_code, OD_INCONSISTENT_GROUP_PROTOCOL);
    CHECK_EQ(od_group_shard_group_count(f.shard), 0);
    settled(&f, 1, ids);
    a = join_begin(&f, "", 3);
    a->join.protocol_type = OD_STR("connect");
    fixture_call(&f, a);
    CHECK_EQ(a->joined.error_code, OD_INCONSISTENT_GROUP_PROTOCOL);
    CHECK(says(a->joined.protocol_name, "")); /* not null before version 7 */
    CHECK_EQ(join(&f, "nobody", 3)->joined.error_code, OD_UNKNOWN_MEMBER_ID);
    fixture_free(&f);
}

TEST(the_protocol_that_most_prefer_among_common_ones_is_chosen)
{
    static struct od_join_group_req_protocol lists[3][3] = {
        { { { "a", 1 }, { (const uint8_t *)"", 0 } },
          { { "b", 1 }, { (const uint8_t *)"", 0 } },
          { { "c", 1 }, { (const uint8_t *)"", 0 } } },
        { { { "c", 1 }, { (const uint8_t *)"", 0 } },
          { { "b", 1 }, { (const uint8_t *)"", 0 } },
          { { "x", 1 }, { (const uint8_t *)"", 0 } } },
        { { { "c", 1 }, { (const uint8_t *)"", 0 } },
          { { "b", 1 }, { (const uint8_t *)"", 0 } },
          { { "a", 1 }, { (const uint8_t *)"", 0 } } },
    };
    struct fixture f;
    struct ask *asks[3];

    fixture_init(&f);
    for (int i = 0; i < 3; i++) {
        asks[i] = join_begin(&f, "", 3);
        asks[i]->join.protocols.n = 3;
        asks[i]->join.protocols.v = lists[i];
        fixture_call(&f, asks[i]);
    }
    fixture_pass(&f, DELAY_MS * 3);
    CHECK(says(asks[0]->joined.protocol_name, "c"));
    fixture_free(&f);
}

TEST(assignments_reach_those_who_asked_before_and_after_the_leader)
{
    struct fixture f;
    const char *ids[3];
    struct ask *a, *b, *c;

    fixture_init(&f);
    gathered(&f, 3, ids);
    b = sync_as(&f, ids[1], 1, 0, NULL);
    CHECK(!b->finished);
    a = sync_as(&f, ids[0], 1, 2, ids);
    CHECK(a->finished && b->finished);
    CHECK_MEM(b->synced.assignment.data, ids[1], strlen(ids[1]));
    c = sync_as(&f, ids[2], 1, 0, NULL); /* was given nothing */
    CHECK_OK(c->synced.error_code);
    CHECK_EQ(c->synced.assignment.len, 0);
    CHECK(c->synced.assignment.data != NULL);
    CHECK(says(c->synced.protocol_name, "range"));
    CHECK_EQ(f.log_count, 1);
    fixture_free(&f);
}

TEST(a_wrong_generation_or_member_is_told_so)
{
    struct fixture f;
    const char *ids[1];

    fixture_init(&f);
    CHECK_EQ(beat(&f, "x", 1), OD_UNKNOWN_MEMBER_ID);
    CHECK_EQ(sync_as(&f, "x", 1, 0, NULL)->synced.error_code, OD_UNKNOWN_MEMBER_ID);
    settled(&f, 1, ids);
    CHECK_OK(beat(&f, ids[0], 1));
    CHECK_EQ(beat(&f, ids[0], 0), OD_ILLEGAL_GENERATION);
    CHECK_EQ(beat(&f, ids[0], 2), OD_ILLEGAL_GENERATION);
    CHECK_EQ(beat(&f, "x", 1), OD_UNKNOWN_MEMBER_ID);
    CHECK_EQ(sync_as(&f, ids[0], 2, 0, NULL)->synced.error_code, OD_ILLEGAL_GENERATION);
    fixture_free(&f);
}

TEST(a_member_that_falls_silent_is_removed_and_the_others_join_again)
{
    struct fixture f;
    const char *ids[2];
    struct ask *again;

    fixture_init(&f);
    settled(&f, 2, ids);
    for (int i = 0; i < 4; i++) {
        fixture_pass(&f, SESSION_MS / 4);
        CHECK_OK(i < 3 ? beat(&f, ids[0], 1) : OD_NONE);
    }
    CHECK_EQ(beat(&f, ids[0], 1), OD_REBALANCE_IN_PROGRESS);
    CHECK_EQ(beat(&f, ids[1], 1), OD_UNKNOWN_MEMBER_ID);
    again = join(&f, ids[0], 3);
    CHECK(again->finished);
    CHECK_EQ(again->joined.generation_id, 2);
    CHECK_EQ(again->joined.members.n, 1);
    fixture_free(&f);
}

TEST(who_does_not_join_in_time_is_left_out_of_the_generation)
{
    struct fixture f;
    const char *ids[2];
    struct ask *a;

    fixture_init(&f);
    settled(&f, 2, ids);
    a = join(&f, ids[0], 3); /* the leader again */
    CHECK(!a->finished);
    for (int i = 0; i < REBALANCE_MS / 5000; i++) {
        CHECK_EQ(beat(&f, ids[1], 1), OD_REBALANCE_IN_PROGRESS);
        fixture_pass(&f, 5000);
    }
    CHECK(a->finished);
    CHECK_EQ(a->joined.members.n, 1);
    CHECK_EQ(beat(&f, ids[1], 1), OD_UNKNOWN_MEMBER_ID);
    fixture_free(&f);
}

TEST(who_does_not_sync_in_time_is_removed)
{
    struct fixture f;
    const char *ids[2];

    fixture_init(&f);
    gathered(&f, 2, ids);
    CHECK_OK(sync_as(&f, ids[0], 1, 2, ids)->synced.error_code);
    for (int i = 0; i < REBALANCE_MS / 5000; i++) {
        (void)beat(&f, ids[0], 1);
        (void)beat(&f, ids[1], 1);
        fixture_pass(&f, 5000);
    }
    CHECK_EQ(beat(&f, ids[1], 1), OD_UNKNOWN_MEMBER_ID);
    CHECK_EQ(beat(&f, ids[0], 1), OD_REBALANCE_IN_PROGRESS);
    fixture_free(&f);
}

TEST(a_follower_that_joins_without_news_changes_nothing)
{
    struct fixture f;
    const char *ids[2];
    struct ask *a;

    fixture_init(&f);
    settled(&f, 2, ids);
    a = join(&f, ids[1], 3);
    CHECK(a->finished);
    CHECK_EQ(a->joined.generation_id, 1);
    CHECK_STR(state_of(&f), "Stable");
    a = join_begin(&f, ids[1], 3);
    a->join.protocols.v =
        (struct od_join_group_req_protocol[]){ { { "range", 5 }, { (const uint8_t *)"new", 3 } } };
    fixture_call(&f, a);
    CHECK_STR(state_of(&f), "PreparingRebalance");
    fixture_free(&f);
}

TEST(a_repeated_join_is_answered_once_each)
{
    struct fixture f;
    const char *ids[1];
    struct ask *a, *b;

    fixture_init(&f);
    gathered(&f, 1, ids);
    a = join(&f, ids[0], 3); /* completing, the same again: the generation as it is */
    CHECK(a->finished);
    CHECK_EQ(a->joined.generation_id, 1);
    CHECK_EQ(a->joined.members.n, 1);
    CHECK_OK(sync_as(&f, ids[0], 1, 1, ids)->synced.error_code);
    b = join(&f, "", 3);
    CHECK(!b->finished);
    a = join(&f, ids[0], 3);
    CHECK(a->finished && b->finished);
    CHECK_EQ(b->joined.generation_id, 2);
    fixture_free(&f);
}

TEST(syncs_that_wait_learn_of_a_new_rebalance)
{
    struct fixture f;
    const char *ids[2];
    struct ask *waiting;

    fixture_init(&f);
    gathered(&f, 2, ids);
    waiting = sync_as(&f, ids[1], 1, 0, NULL);
    CHECK_OK(leave(&f, ids[0]));
    CHECK(waiting->finished);
    CHECK_EQ(waiting->synced.error_code, OD_REBALANCE_IN_PROGRESS);
    CHECK_EQ(sync_as(&f, ids[1], 1, 0, NULL)->synced.error_code, OD_REBALANCE_IN_PROGRESS);
    fixture_free(&f);
}

TEST(the_last_member_to_leave_empties_the_group_at_once)
{
    struct fixture f;
    const char *ids[1];
    struct od_group_shard *after;
    struct od_describe_groups_rsp_group rsp;

    fixture_init(&f);
    settled(&f, 1, ids);
    CHECK_OK(leave(&f, ids[0]));
    CHECK_STR(state_of(&f), "Empty");
    CHECK_EQ(leave(&f, ids[0]), OD_UNKNOWN_MEMBER_ID);
    CHECK_EQ(f.log_count, 2);
    after = fixture_replayed(&f);
    CHECK_STR(state_in(after, &f, &rsp), "Empty");
    CHECK(says(rsp.protocol_type, "consumer"));
    od_group_shard_free(after);
    fixture_free(&f);
}

TEST(a_full_group_takes_nobody_else)
{
    struct fixture f;
    const char *ids[2];

    fixture_init(&f);
    f.rules.size_max = 2;
    settled(&f, 2, ids);
    CHECK_EQ(join(&f, "", 3)->joined.error_code, OD_GROUP_MAX_SIZE_REACHED);
    CHECK(!join(&f, ids[0], 3)->finished);
    CHECK(join(&f, ids[1], 3)->finished);
    fixture_free(&f);
}

TEST(while_joining_only_those_who_joined_count_for_the_limit)
{
    struct fixture f;
    struct ask *asks[3];

    fixture_init(&f);
    f.rules.size_max = 2;
    for (int i = 0; i < 3; i++)
        asks[i] = join(&f, "", 3);
    CHECK_EQ(asks[2]->joined.error_code, OD_GROUP_MAX_SIZE_REACHED);
    fixture_pass(&f, DELAY_MS * 2);
    CHECK_EQ(asks[0]->joined.members.n, 2);
    fixture_free(&f);
}

/* --- static members ----------------------------------------------------------------------------
 */

static const char *static_group(struct fixture *f, int16_t version, const char **second)
{
    struct ask *a = join_static(f, "", "one", version);
    struct ask *b = join_static(f, "", "two", version);
    const char *ids[2];

    fixture_pass(f, DELAY_MS * 2);
    ids[0] = id_of(f, a);
    ids[1] = *second = id_of(f, b);
    CHECK(od_str_starts(a->joined.member_id, "one-"));
    CHECK_OK(sync_as(f, ids[0], 1, 2, ids)->synced.error_code);
    CHECK_OK(sync_as(f, ids[1], 1, 0, NULL)->synced.error_code);
    return ids[0];
}

TEST(a_static_member_that_restarts_keeps_its_assignment_without_a_rebalance)
{
    struct fixture f;
    const char *leader, *second;
    struct ask *a, *s;

    fixture_init(&f);
    leader = static_group(&f, 5, &second);
    a = join_static(&f, "", "two", 5);
    CHECK(a->finished);
    CHECK_OK(a->joined.error_code);
    CHECK_EQ(a->joined.generation_id, 1);
    CHECK(says(a->joined.leader, leader));
    CHECK(!says(a->joined.member_id, second));
    CHECK_EQ(beat(&f, second, 1), OD_UNKNOWN_MEMBER_ID);
    s = sync_as(&f, id_of(&f, a), 1, 0, NULL);
    CHECK_MEM(s->synced.assignment.data, second, strlen(second));
    fixture_free(&f);
}

TEST(a_static_leader_that_restarts_is_told_not_to_assign)
{
    struct fixture f;
    const char *leader, *second;
    struct ask *a;

    fixture_init(&f);
    leader = static_group(&f, 5, &second);
    a = join_static(&f, "", "one", 5);
    CHECK(says(a->joined.leader, leader)); /* its old id: it takes itself for a follower */
    CHECK_EQ(a->joined.members.n, 0);
    a = join_static(&f, "", "one", 9);
    CHECK(od_str_eq(a->joined.leader, a->joined.member_id));
    CHECK(a->joined.skip_assignment);
    CHECK_EQ(a->joined.members.n, 2);
    a = join_static(&f, "", "two", 9);
    CHECK(!a->joined.skip_assignment);
    CHECK_STR(state_of(&f), "Stable");
    fixture_free(&f);
}

TEST(the_earlier_of_two_instances_is_fenced)
{
    struct fixture f;
    const char *leader, *second;
    struct ask *old, *a;

    fixture_init(&f);
    leader = static_group(&f, 5, &second);
    (void)leader;
    a = join_static(&f, "", "two", 5);
    old = join_static(&f, second, "two", 5);
    CHECK_EQ(old->joined.error_code, OD_FENCED_INSTANCE_ID);
    CHECK_OK(join_static(&f, id_of(&f, a), "two", 5)->joined.error_code);
    old = join_static(&f, "x", "three", 5);
    CHECK_EQ(old->joined.error_code, OD_UNKNOWN_MEMBER_ID);
    fixture_free(&f);
}

TEST(a_parked_static_member_is_fenced_by_its_successor)
{
    struct fixture f;
    struct ask *a, *b;

    fixture_init(&f);
    a = join_static(&f, "", "one", 5);
    b = join_static(&f, "", "one", 5);
    CHECK(a->finished);
    CHECK_EQ(a->joined.error_code, OD_FENCED_INSTANCE_ID);
    fixture_pass(&f, DELAY_MS * 2);
    CHECK_OK(b->joined.error_code);
    CHECK_EQ(b->joined.members.n, 1);
    fixture_free(&f);
}

TEST(a_static_member_that_is_away_stays_in_the_generation_until_its_session_ends)
{
    struct fixture f;
    const char *leader, *second;
    struct ask *a;

    fixture_init(&f);
    leader = static_group(&f, 5, &second);
    a = join_begin(&f, leader, 5);
    a->join.group_instance_id = OD_STR("one");
    a->join.rebalance_timeout_ms = 5000;
    fixture_call(&f, a);
    CHECK(!a->finished);
    fixture_pass(&f, SESSION_MS);
    CHECK(a->finished);
    CHECK_EQ(a->joined.members.n, 1);
    fixture_free(&f);
}

TEST(an_administrator_removes_a_static_member_by_its_instance)
{
    struct fixture f;
    const char *leader, *second;
    struct ask *a;

    fixture_init(&f);
    leader = static_group(&f, 5, &second);
    a = fixture_ask(&f, OD_GROUP_LEAVE, 4);
    od_leave_group_req_defaults(&a->leave);
    od_leave_group_rsp_defaults(&a->left);
    a->leave.group_id = OD_STR("g");
    OD_ARENA_LIST(&f.arena, a->leave.members, 3);
    a->leave.members.v[0].member_id = OD_STR("");
    a->leave.members.v[0].group_instance_id = OD_STR("two");
    a->leave.members.v[1].member_id = OD_STR("");
    a->leave.members.v[1].group_instance_id = OD_STR("three");
    a->leave.members.v[2].member_id = OD_STR("wrong");
    a->leave.members.v[2].group_instance_id = OD_STR("one");
    a->call.leave.req = &a->leave;
    a->call.leave.rsp = &a->left;
    fixture_call(&f, a);
    CHECK_OK(a->left.error_code);
    CHECK_OK(a->left.members.v[0].error_code);
    CHECK_EQ(a->left.members.v[1].error_code, OD_UNKNOWN_MEMBER_ID);
    CHECK_EQ(a->left.members.v[2].error_code, OD_FENCED_INSTANCE_ID);
    CHECK_EQ(beat(&f, leader, 1), OD_REBALANCE_IN_PROGRESS);
    fixture_free(&f);
}

/* --- restart ------------------------------------------------------------------------------------
 */

TEST(members_of_the_last_generation_are_still_members_after_a_restart)
{
    struct fixture f;
    const char *ids[2];
    struct od_group_shard *after;
    struct od_describe_groups_rsp_group rsp;

    fixture_init(&f);
    settled(&f, 2, ids);
    (void)join(&f, "", 3); /* soft: forgotten */
    after = fixture_replayed(&f);
    CHECK_STR(state_in(after, &f, &rsp), "Stable");
    CHECK_EQ(rsp.members.n, 2);
    CHECK_MEM(rsp.members.v[1].member_assignment.data, ids[1], strlen(ids[1]));
    CHECK(says(rsp.members.v[0].client_host, "/127.0.0.1"));
    od_group_shard_free(f.shard == after ? NULL : after);
    fixture_free(&f);
}

TEST(a_restarted_coordinator_gives_members_their_session_timeout)
{
    struct fixture f;
    const char *ids[2];
    struct od_group_shard *after, *before;
    struct od_group_event ev;
    struct od_group_out out;

    fixture_init(&f);
    settled(&f, 2, ids);
    after = fixture_replayed(&f);
    before = f.shard;
    f.shard = after;
    ev = fixture_event(&f);
    od_group_out_init(&out, &f.arena);
    od_group_shard_loaded(f.shard, &ev, &out);
    fixture_pass(&f, SESSION_MS - 1);
    CHECK_OK(beat(&f, ids[0], 1));
    fixture_pass(&f, 1);
    CHECK_EQ(beat(&f, ids[1], 1), OD_UNKNOWN_MEMBER_ID);
    od_group_shard_free(before);
    fixture_free(&f);
}

TEST(the_partition_of_a_group_is_javas)
{
    CHECK_EQ(od_group_partition(OD_STR(""), 50), 0);
    CHECK_EQ(od_group_partition(OD_STR("group"), 50), 98629247 % 50);
    CHECK_EQ(od_group_partition(OD_STR("test-group"), 50), 12);
    /* "polygenelubricants".hashCode() is the least int. */
    CHECK_EQ(od_group_partition(OD_STR("polygenelubricants"), 50), 0);
    CHECK_EQ(od_group_partition(OD_STR("\xc3\xa9"), 1000), 233);
    CHECK_EQ(od_group_partition(OD_STR("\xf0\x9f\x98\x80"), 100000000), 1772899);
}
