/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Consumer groups of KIP-848: what a heartbeat must say, epochs, static members, expressions, and
 * members that join, revoke, fall silent and repeat themselves: no partition has two owners.
 */
#include "fixture.h"

#include "core/group/assignment.h"
#include "wire/api/consumer_group_describe.h"
#include "wire/api/consumer_group_heartbeat.h"

#include <stdio.h>

enum { TOPICS_MAX = 5, CONSUMER_SESSION_MS = 45000 };

/* --- topics -- */

static struct {
    struct od_group_topics view;
    int count;
    const char *names[TOPICS_MAX];
    int32_t partitions[TOPICS_MAX];
} world;

static struct od_uuid id_of_topic(int i)
{
    return (struct od_uuid){ { (uint8_t)(i + 1), 7 } };
}

static bool find_topic(void *ctx, struct od_str name, struct od_uuid *id, int32_t *partitions)
{
    (void)ctx;
    for (int i = 0; i < world.count; i++)
        if (od_str_is(name, world.names[i])) {
            *id = id_of_topic(i);
            *partitions = world.partitions[i];
            return true;
        }
    return false;
}

static struct od_str name_topic(void *ctx, struct od_uuid id)
{
    (void)ctx;
    for (int i = 0; i < world.count; i++)
        if (od_uuid_eq(id, id_of_topic(i)))
            return od_str_of(world.names[i]);
    return OD_STR_NULL;
}

static void each_topic(void *ctx, void (*tell)(void *arg, struct od_str name), void *arg)
{
    (void)ctx;
    for (int i = 0; i < world.count; i++)
        tell(arg, od_str_of(world.names[i]));
}

static void add_topic(const char *name, int32_t partitions)
{
    world.names[world.count] = name;
    world.partitions[world.count++] = partitions;
    world.view.version++;
}

static void begin(struct fixture *f)
{
    memset(&world, 0, sizeof(world));
    world.view = (struct od_group_topics){
        .version = 1, .find = find_topic, .name_of = name_topic, .each = each_topic
    };
    fixture_init(f);
    f->topics = &world.view;
    f->rules.consumer_session_timeout_ms = CONSUMER_SESSION_MS;
    f->rules.consumer_heartbeat_interval_ms = 5000;
    f->rules.consumer_size_max = 100;
    f->rules.consumer_assignor = OD_STR("uniform");
    add_topic("t", 4);
}

/* --- heartbeats -- */

struct said {
    const char *member;
    int32_t epoch;
    const char *instance;
    const char *topic; /* NULL: as before */
    const char *regex;
    const char *assignor;
    const struct od_assignment *owned; /* NULL: does not tell */
    bool oldest;                       /* version 0 */
};

struct told {
    struct ask ask;
    struct od_consumer_group_heartbeat_req req;
    struct od_consumer_group_heartbeat_rsp rsp;
    struct od_str topic;
};

static struct told *say(struct fixture *f, struct said s)
{
    struct told *t = od_arena_alloc(&f->arena, sizeof(*t));

    od_consumer_group_heartbeat_req_defaults(&t->req);
    od_consumer_group_heartbeat_rsp_defaults(&t->rsp);
    t->req.group_id = OD_STR("g");
    t->req.member_id = od_str_of(s.member);
    t->req.member_epoch = s.epoch;
    t->req.instance_id = od_str_of(s.instance);
    t->req.subscribed_topic_regex = od_str_of(s.regex);
    t->req.server_assignor = od_str_of(s.assignor);
    if (s.topic) {
        t->topic = od_str_of(s.topic);
        t->req.subscribed_topic_names.n = 1;
        t->req.subscribed_topic_names.v = &t->topic;
    }
    if (s.epoch == 0)
        t->req.rebalance_timeout_ms = REBALANCE_MS;
    t->req.topic_partitions.n = s.epoch == 0 ? 0 : -1;
    if (s.owned && s.epoch != 0) {
        OD_ARENA_LIST(&f->arena, t->req.topic_partitions, s.owned->n);
        for (int32_t i = 0; i < s.owned->n; i++) {
            t->req.topic_partitions.v[i].topic_id = s.owned->v[i].id;
            t->req.topic_partitions.v[i].partitions.n = s.owned->v[i].n;
            t->req.topic_partitions.v[i].partitions.v = s.owned->v[i].v;
        }
    }
    t->ask.call.kind = OD_GROUP_CONSUMER_HEARTBEAT;
    t->ask.call.version = s.oldest ? 0 : 1;
    t->ask.call.client_id = OD_STR("client");
    t->ask.call.consumer.req = &t->req;
    t->ask.call.consumer.rsp = &t->rsp;
    fixture_call(f, &t->ask);
    CHECK(t->ask.finished);
    return t;
}

static struct told *join_as(struct fixture *f, const char *member)
{
    return say(f, (struct said){ .member = member, .topic = "t" });
}

static struct od_assignment given_in(struct fixture *f, const struct told *t)
{
    struct od_assignment a = { 0 };
    int32_t n = t->rsp.assignment ? t->rsp.assignment->topic_partitions.n : 0;

    od_assignment_begin(&f->arena, n, &a);
    for (int32_t i = 0; i < n; i++)
        od_assignment_add(&f->arena, &a, t->rsp.assignment->topic_partitions.v[i].topic_id,
                          t->rsp.assignment->topic_partitions.v[i].partitions.v,
                          t->rsp.assignment->topic_partitions.v[i].partitions.n);
    od_assignment_end(&a);
    return a;
}

static int32_t size_of(const struct od_assignment *a)
{
    int32_t n = 0;

    for (int32_t i = 0; i < a->n; i++)
        n += a->v[i].n;
    return n;
}

static struct od_consumer_group_describe_rsp_group described(struct fixture *f,
                                                             struct od_group_shard *s)
{
    struct ask *a = fixture_ask(f, OD_GROUP_CONSUMER_DESCRIBE, 1);
    struct od_group_event ev = fixture_event(f);
    struct od_consumer_group_describe_rsp_group rsp;
    struct od_group_out out;

    od_group_out_init(&out, &f->arena);
    od_consumer_group_describe_rsp_group_defaults(&rsp);
    a->call.arena = &f->arena;
    a->call.consumer_describe.group_id = OD_STR("g");
    a->call.consumer_describe.rsp = &rsp;
    od_group_shard_call(s, &ev, &a->call, &out);
    return rsp;
}

/* --- one member, and what it must say -- */

TEST(a_first_member_gets_everything_at_once)
{
    struct fixture f;
    struct told *t;
    struct od_assignment a;

    begin(&f);
    t = join_as(&f, "m1");
    CHECK_OK(t->rsp.error_code);
    CHECK_EQ(t->rsp.member_epoch, 1);
    CHECK_EQ(t->rsp.heartbeat_interval_ms, 5000);
    a = given_in(&f, t);
    CHECK_EQ(size_of(&a), 4);
    t = say(&f, (struct said){ .member = "m1", .epoch = 1, .owned = &a });
    CHECK_OK(t->rsp.error_code);
    CHECK(t->rsp.assignment == NULL); /* nothing new */
    CHECK(od_str_is(described(&f, f.shard).group_state, "Stable"));
    fixture_free(&f);
}

TEST(only_version_0_may_leave_the_member_id_to_us)
{
    struct fixture f;
    struct told *t;

    begin(&f);
    t = say(&f, (struct said){ .member = "", .topic = "t" });
    CHECK_EQ(t->rsp.error_code, OD_INVALID_REQUEST);
    CHECK_EQ(od_group_shard_group_count(f.shard), 0);
    t = say(&f, (struct said){ .member = "", .topic = "t", .oldest = true });
    CHECK_OK(t->rsp.error_code);
    CHECK_EQ(t->rsp.member_id.len, OD_UUID_TEXT_LEN);
    fixture_free(&f);
}

TEST(a_request_that_misses_something_is_told_what)
{
    static const struct {
        struct said said;
        const char *why;
    } cases[] = {
        { { .member = "m", .epoch = 0 },
          "Either SubscribedTopicNames or SubscribedTopicRegex must be non-null when "
          "(re-)joining." },
        { { .member = "m", .epoch = -3 }, "MemberEpoch is invalid." },
        { { .member = "m", .epoch = -2 }, "InstanceId can't be null." },
        { { .member = "", .epoch = 1 }, "MemberId can't be empty." },
        { { .member = "m", .topic = "t", .instance = "" }, "InstanceId can't be empty." },
    };
    struct fixture f;

    begin(&f);
    for (size_t i = 0; i < OD_COUNT(cases); i++) {
        struct told *t = say(&f, cases[i].said);

        CHECK_EQ(t->rsp.error_code, OD_INVALID_REQUEST);
        CHECK(od_str_is(t->rsp.error_message, cases[i].why));
    }
    CHECK_EQ(
        say(&f, (struct said){ .member = "m", .topic = "t", .assignor = "best" })->rsp.error_code,
        OD_UNSUPPORTED_ASSIGNOR);
    CHECK_EQ(say(&f, (struct said){ .member = "m", .regex = "(" })->rsp.error_code,
             OD_INVALID_REGULAR_EXPRESSION);
    CHECK_EQ(say(&f, (struct said){ .member = "m", .epoch = 1 })->rsp.error_code,
             OD_GROUP_ID_NOT_FOUND);
    CHECK_OK(join_as(&f, "m1")->rsp.error_code);
    CHECK_EQ(say(&f, (struct said){ .member = "m", .epoch = 1 })->rsp.error_code,
             OD_UNKNOWN_MEMBER_ID);
    f.rules.consumer_size_max = 1;
    CHECK_EQ(join_as(&f, "m2")->rsp.error_code, OD_GROUP_MAX_SIZE_REACHED);
    CHECK_OK(join_as(&f, "m1")->rsp.error_code);
    fixture_free(&f);
}

TEST(epochs_that_are_not_the_members_are_fenced_but_for_a_lost_answer)
{
    struct fixture f;
    struct od_assignment all, two;

    begin(&f);
    all = given_in(&f, join_as(&f, "m1"));
    CHECK_EQ(say(&f, (struct said){ .member = "m1", .epoch = 2 })->rsp.error_code,
             OD_FENCED_MEMBER_EPOCH);
    CHECK_OK(join_as(&f, "m2")->rsp.error_code);
    /* m1 gives back two, and moves to epoch 2. */
    two = given_in(&f, say(&f, (struct said){ .member = "m1", .epoch = 1, .owned = &all }));
    CHECK_EQ(size_of(&two), 2);
    CHECK_EQ(say(&f, (struct said){ .member = "m1", .epoch = 1, .owned = &two })->rsp.member_epoch,
             2);
    /* The answer was lost: the same again. */
    CHECK_OK(say(&f, (struct said){ .member = "m1", .epoch = 1, .owned = &two })->rsp.error_code);
    CHECK_EQ(say(&f, (struct said){ .member = "m1", .epoch = 1, .owned = &all })->rsp.error_code,
             OD_FENCED_MEMBER_EPOCH);
    CHECK_EQ(say(&f, (struct said){ .member = "m1", .epoch = 1 })->rsp.error_code,
             OD_FENCED_MEMBER_EPOCH);
    fixture_free(&f);
}

TEST(a_member_may_read_nothing)
{
    struct fixture f;
    struct told *t;

    begin(&f);
    t = say(&f, (struct said){ .member = "m", .regex = "" });
    CHECK_OK(t->rsp.error_code);
    CHECK_EQ(t->rsp.member_epoch, 1);
    CHECK_EQ(t->rsp.assignment->topic_partitions.n, 0);
    fixture_free(&f);
}

/* --- two members -- */

TEST(a_partition_is_given_on_only_when_it_was_given_back)
{
    struct fixture f;
    struct od_assignment all, two, got;
    struct told *t;

    begin(&f);
    all = given_in(&f, join_as(&f, "m1"));
    t = join_as(&f, "m2");
    CHECK_OK(t->rsp.error_code);
    got = given_in(&f, t);
    CHECK_EQ(size_of(&got), 0);
    CHECK_EQ(t->rsp.member_epoch, 2);
    t = say(&f, (struct said){ .member = "m1", .epoch = 1, .owned = &all });
    two = given_in(&f, t);
    CHECK_EQ(t->rsp.member_epoch, 1); /* until it has given back */
    CHECK_EQ(size_of(&two), 2);
    CHECK(say(&f, (struct said){ .member = "m2", .epoch = 2 })->rsp.assignment == NULL);
    CHECK(od_str_is(described(&f, f.shard).group_state, "Reconciling"));
    t = say(&f, (struct said){ .member = "m1", .epoch = 1, .owned = &two });
    CHECK_EQ(t->rsp.member_epoch, 2);
    got = given_in(&f, say(&f, (struct said){ .member = "m2", .epoch = 2 }));
    CHECK_EQ(size_of(&got), 2);
    CHECK(!od_assignment_meet(&got, &two));
    CHECK(od_str_is(described(&f, f.shard).group_state, "Stable"));
    fixture_free(&f);
}

TEST(who_does_not_give_back_in_time_is_fenced)
{
    struct fixture f;
    struct od_assignment all, got;

    begin(&f);
    all = given_in(&f, join_as(&f, "m1"));
    (void)join_as(&f, "m2");
    for (int i = 0; i < REBALANCE_MS / 5000; i++) {
        (void)say(&f, (struct said){ .member = "m1", .epoch = 1, .owned = &all });
        (void)say(&f, (struct said){ .member = "m2", .epoch = 2 });
        fixture_pass(&f, 5000);
    }
    CHECK_EQ(say(&f, (struct said){ .member = "m1", .epoch = 1, .owned = &all })->rsp.error_code,
             OD_UNKNOWN_MEMBER_ID);
    got = given_in(&f, say(&f, (struct said){ .member = "m2", .epoch = 2 }));
    CHECK_EQ(size_of(&got), 4);
    fixture_free(&f);
}

TEST(a_silent_member_is_removed_after_its_session)
{
    struct fixture f;

    begin(&f);
    (void)join_as(&f, "m1");
    fixture_pass(&f, CONSUMER_SESSION_MS - 1);
    CHECK_EQ(described(&f, f.shard).members.n, 1);
    fixture_pass(&f, 1);
    CHECK_EQ(described(&f, f.shard).members.n, 0);
    CHECK(od_str_is(described(&f, f.shard).group_state, "Empty"));
    fixture_free(&f);
}

TEST(a_fenced_member_may_begin_anew_under_its_id)
{
    struct fixture f;
    struct od_assignment all, two;
    struct told *t;

    begin(&f);
    all = given_in(&f, join_as(&f, "m1"));
    (void)join_as(&f, "m2");
    two = given_in(&f, say(&f, (struct said){ .member = "m1", .epoch = 1, .owned = &all }));
    (void)say(&f, (struct said){ .member = "m1", .epoch = 1, .owned = &two });
    t = join_as(&f, "m1");
    CHECK_OK(t->rsp.error_code);
    two = given_in(&f, t);
    CHECK_EQ(size_of(&two), 2);
    fixture_free(&f);
}

/* --- static members -- */

static struct told *join_instance(struct fixture *f, const char *member, const char *instance)
{
    return say(f, (struct said){ .member = member, .instance = instance, .topic = "t" });
}

TEST(a_static_member_that_left_for_a_while_gets_its_partitions_back)
{
    struct fixture f;
    struct od_assignment mine, again;
    struct told *t;

    begin(&f);
    (void)join_instance(&f, "m1", "one");
    mine = given_in(&f, join_instance(&f, "m1", "one"));
    CHECK_EQ(join_instance(&f, "m2", "one")->rsp.error_code, OD_UNRELEASED_INSTANCE_ID);
    t = say(&f, (struct said){ .member = "m1", .instance = "one", .epoch = -2 });
    CHECK_OK(t->rsp.error_code);
    CHECK_EQ(t->rsp.member_epoch, -2);
    CHECK_EQ(described(&f, f.shard).group_epoch, 1);
    t = join_instance(&f, "m2", "one");
    CHECK_OK(t->rsp.error_code);
    again = given_in(&f, t);
    CHECK(od_assignment_equal(&mine, &again));
    CHECK_EQ(described(&f, f.shard).group_epoch, 1);
    CHECK_EQ(
        say(&f, (struct said){ .member = "m1", .instance = "one", .epoch = 1 })->rsp.error_code,
        OD_FENCED_INSTANCE_ID);
    CHECK_EQ(
        say(&f, (struct said){ .member = "m1", .instance = "two", .epoch = 1 })->rsp.error_code,
        OD_UNKNOWN_MEMBER_ID);
    fixture_free(&f);
}

TEST(a_static_member_that_does_not_come_back_is_removed)
{
    struct fixture f;

    begin(&f);
    (void)join_instance(&f, "m1", "one");
    (void)say(&f, (struct said){ .member = "m1", .instance = "one", .epoch = -2 });
    fixture_pass(&f, CONSUMER_SESSION_MS);
    CHECK_EQ(described(&f, f.shard).members.n, 0);
    fixture_free(&f);
}

/* --- topics that come and go -- */

TEST(an_expression_takes_in_topics_that_are_made_later)
{
    struct fixture f;
    struct od_assignment a;
    struct told *t;

    begin(&f);
    a = given_in(&f, say(&f, (struct said){ .member = "m1", .regex = "t|t-.*" }));
    CHECK_EQ(size_of(&a), 4);
    add_topic("t-2", 3);
    t = say(&f, (struct said){ .member = "m1", .epoch = 1, .owned = &a });
    CHECK_EQ(t->rsp.member_epoch, 2);
    a = given_in(&f, t);
    CHECK_EQ(size_of(&a), 7);
    add_topic("other", 3);
    t = say(&f, (struct said){ .member = "m1", .epoch = 2, .owned = &a });
    CHECK_EQ(t->rsp.member_epoch, 2);
    fixture_free(&f);
}

TEST(a_topic_that_grows_or_comes_after_its_subscription_is_assigned)
{
    struct fixture f;
    struct od_assignment a;
    struct told *t;

    begin(&f);
    a = given_in(&f, say(&f, (struct said){ .member = "m1", .topic = "later" }));
    CHECK_EQ(size_of(&a), 0);
    add_topic("later", 2);
    a = given_in(&f, say(&f, (struct said){ .member = "m1", .epoch = 1, .owned = &a }));
    CHECK_EQ(size_of(&a), 2);
    world.partitions[1] = 5;
    world.view.version++;
    t = say(&f, (struct said){ .member = "m1", .epoch = 2, .owned = &a });
    a = given_in(&f, t);
    CHECK_EQ(size_of(&a), 5);
    fixture_free(&f);
}

TEST(an_empty_group_changes_its_protocol_and_one_with_members_does_not)
{
    struct fixture f;
    struct ask *a;

    begin(&f);
    a = join(&f, "", 3);
    CHECK_EQ(join_as(&f, "m1")->rsp.error_code, OD_GROUP_ID_NOT_FOUND);
    fixture_pass(&f, DELAY_MS);
    CHECK_OK(leave(&f, id_of(&f, a)));
    CHECK_OK(join_as(&f, "m1")->rsp.error_code);
    CHECK_EQ(join(&f, "", 3)->joined.error_code, OD_INCONSISTENT_GROUP_PROTOCOL);
    CHECK_OK(say(&f, (struct said){ .member = "m1", .epoch = -1 })->rsp.error_code);
    CHECK(!join(&f, "", 3)->finished);
    fixture_free(&f);
}

/* --- histories -- */

enum { CLIENTS = 6 };

struct client {
    char id[16];
    int32_t epoch; /* 0: to join */
    struct od_assignment owned;
};

static uint64_t next(uint64_t *r)
{
    *r = *r * 6364136223846793005u + 1442695040888963407u;
    return *r >> 33;
}

static void check_one_owner(const struct client *clients)
{
    for (int i = 0; i < CLIENTS; i++)
        for (int j = 0; j < i; j++)
            CHECK(!od_assignment_meet(&clients[i].owned, &clients[j].owned));
}

static void forget(struct client *c)
{
    c->epoch = 0;
    od_assignment_free(&c->owned);
}

/* A heartbeat as a good client sends it; lost: the answer does not arrive. */
static void beat_once(struct fixture *f, struct client *c, const char *topic, bool lost)
{
    struct told *t = say(f, (struct said){ .member = od_arena_printf(&f->arena, "%s", c->id),
                                           .epoch = c->epoch,
                                           .topic = c->epoch ? NULL : topic,
                                           .owned = &c->owned });
    struct od_assignment a = given_in(f, t);

    if (lost)
        return;
    if (t->rsp.error_code == OD_FENCED_MEMBER_EPOCH || t->rsp.error_code == OD_UNKNOWN_MEMBER_ID ||
        t->rsp.error_code == OD_GROUP_ID_NOT_FOUND) {
        forget(c);
        return;
    }
    CHECK_OK(t->rsp.error_code);
    c->epoch = t->rsp.member_epoch;
    if (t->rsp.assignment) {
        od_assignment_free(&c->owned);
        c->owned = od_assignment_keep(&a);
    }
}

static void check_replayed(struct fixture *f)
{
    struct od_group_shard *after = fixture_replayed(f);
    struct od_consumer_group_describe_rsp_group now = described(f, f->shard);
    struct od_consumer_group_describe_rsp_group then = described(f, after);

    CHECK_EQ(now.error_code, then.error_code);
    CHECK_EQ(now.group_epoch, then.group_epoch);
    CHECK_EQ(now.assignment_epoch, then.assignment_epoch);
    CHECK(od_str_eq(now.group_state, then.group_state));
    CHECK_EQ(now.members.n, then.members.n);
    for (int32_t i = 0; i < now.members.n; i++) {
        CHECK(od_str_eq(now.members.v[i].member_id, then.members.v[i].member_id));
        CHECK_EQ(now.members.v[i].member_epoch, then.members.v[i].member_epoch);
        CHECK_EQ(now.members.v[i].assignment.topic_partitions.n,
                 then.members.v[i].assignment.topic_partitions.n);
    }
    od_group_shard_free(after);
}

static void act(struct fixture *f, struct client *clients, uint64_t *r)
{
    struct client *c = &clients[next(r) % CLIENTS];

    switch (next(r) % 32) {
    case 0:
        if (c->epoch > 0)
            (void)say(
                f, (struct said){ .member = od_arena_printf(&f->arena, "%s", c->id), .epoch = -1 });
        forget(c);
        return;
    case 1: /* it dies: another one takes its place later */
        forget(c);
        snprintf(c->id, sizeof(c->id), "m%u", (unsigned)(next(r) % 100000));
        return;
    case 2: /* falls silent so long that all are removed: they own nothing then */
        for (int i = 0; i < CLIENTS; i++)
            forget(&clients[i]);
        fixture_pass(f, CONSUMER_SESSION_MS + REBALANCE_MS);
        return;
    case 3:
        if (world.count < TOPICS_MAX)
            add_topic(world.count % 2 ? "u" : "v", 3);
        else
            world.partitions[next(r) % TOPICS_MAX]++;
        world.view.version++;
        return;
    case 4:
        beat_once(f, c, "t", true);
        return;
    default:
        beat_once(f, c, next(r) % 3 ? "t" : "u", false);
        fixture_pass(f, 100);
        return;
    }
}

TEST(no_history_gives_a_partition_two_owners_and_all_settle)
{
    static struct fixture f;

    for (uint64_t seed = 1; seed <= 25; seed++) {
        struct client clients[CLIENTS] = { 0 };
        uint64_t r = seed;

        begin(&f);
        for (int i = 0; i < CLIENTS; i++)
            snprintf(clients[i].id, sizeof(clients[i].id), "c%d", i);
        for (int i = 0; i < 1500; i++) {
            act(&f, clients, &r);
            check_one_owner(clients);
            if (i % 150 == 0)
                check_replayed(&f);
        }
        for (int round = 0; round < 60; round++) {
            for (int i = 0; i < CLIENTS; i++)
                beat_once(&f, &clients[i], "t", false);
            fixture_pass(&f, 5000);
        }
        check_one_owner(clients);
        CHECK(od_str_is(described(&f, f.shard).group_state, "Stable"));
        for (int i = 0; i < CLIENTS; i++)
            forget(&clients[i]);
        fixture_free(&f);
    }
}
