/* SPDX-License-Identifier: Apache-2.0 */
/* The assignors: every partition once, evenly, and with as few moves as that allows. */
#include "core/group/assignor.h"

#include "test.h"

#include <string.h>

enum { MEMBERS_MAX = 12, TOPICS_MAX = 6 };

struct setup {
    struct od_arena arena;
    struct od_assignor_topic topics[TOPICS_MAX];
    struct od_assignor_member members[MEMBERS_MAX];
    struct od_assignment before[MEMBERS_MAX];
    int32_t reads[MEMBERS_MAX][TOPICS_MAX];
    struct od_assignor_input in;
};

static struct od_uuid id_of(int32_t topic)
{
    return (struct od_uuid){ { (uint8_t)(topic + 1) } };
}

static void setup(struct setup *s, int32_t members, int32_t topics, const int32_t *partitions)
{
    static const char *const names[] = { "m-a", "m-b", "m-c", "m-d", "m-e", "m-f",
                                         "m-g", "m-h", "m-i", "m-j", "m-k", "m-l" };

    memset(s, 0, sizeof(*s));
    for (int32_t t = 0; t < topics; t++)
        s->topics[t] = (struct od_assignor_topic){ id_of(t), partitions[t] };
    for (int32_t m = 0; m < members; m++) {
        s->members[m].id = od_str_of(names[m]);
        s->members[m].topics = s->reads[m];
        s->members[m].topic_count = topics;
        s->members[m].before = &s->before[m];
        for (int32_t t = 0; t < topics; t++)
            s->reads[m][t] = t;
    }
    s->in = (struct od_assignor_input){ members, s->members, topics, s->topics };
}

static void run(struct setup *s, const char *name)
{
    od_assignor_run(od_str_of(name), &s->in, &s->arena);
}

static int32_t load_of(const struct setup *s, int32_t member)
{
    int32_t n = 0;

    for (int32_t i = 0; i < s->members[member].target.n; i++)
        n += s->members[member].target.v[i].n;
    return n;
}

static bool reads(const struct setup *s, int32_t member, int32_t topic)
{
    for (int32_t i = 0; i < s->members[member].topic_count; i++)
        if (s->members[member].topics[i] == topic)
            return true;
    return false;
}

/* Each partition that somebody reads has one owner, who reads it. */
static void check_complete(const struct setup *s)
{
    for (int32_t t = 0; t < s->in.topic_count; t++)
        for (int32_t p = 0; p < s->topics[t].partitions; p++) {
            int owners = 0, readers = 0;

            for (int32_t m = 0; m < s->in.member_count; m++) {
                bool has = od_assignment_has(&s->members[m].target, s->topics[t].id, p);

                CHECK(!has || reads(s, m, t));
                owners += has;
                readers += reads(s, m, t);
            }
            CHECK_EQ(owners, readers > 0);
        }
}

static int32_t moves_of(const struct setup *s)
{
    int32_t moves = 0;

    for (int32_t m = 0; m < s->in.member_count; m++)
        for (int32_t i = 0; i < s->before[m].n; i++)
            for (int32_t j = 0; j < s->before[m].v[i].n; j++)
                moves += !od_assignment_has(&s->members[m].target, s->before[m].v[i].id,
                                            s->before[m].v[i].v[j]);
    return moves;
}

static void remember(struct setup *s)
{
    for (int32_t m = 0; m < s->in.member_count; m++)
        s->before[m] = s->members[m].target;
}

TEST(uniform_gives_each_member_its_share)
{
    struct setup s;

    setup(&s, 3, 2, (int32_t[]){ 4, 3 });
    run(&s, "uniform");
    check_complete(&s);
    CHECK_EQ(load_of(&s, 0), 3);
    CHECK_EQ(load_of(&s, 1), 2);
    CHECK_EQ(load_of(&s, 2), 2);
    od_arena_reset(&s.arena);
}

TEST(uniform_moves_only_what_a_new_member_must_get)
{
    struct setup s;

    setup(&s, 2, 1, (int32_t[]){ 9 });
    run(&s, "uniform");
    remember(&s);
    s.in.member_count = 3;
    s.members[2] = (struct od_assignor_member){
        .id = OD_STR("m-z"), .topics = s.reads[0], .topic_count = 1, .before = &s.before[2]
    };
    run(&s, "uniform");
    check_complete(&s);
    CHECK_EQ(load_of(&s, 2), 3);
    CHECK_EQ(moves_of(&s), 3);
    od_arena_reset(&s.arena);
}

TEST(uniform_keeps_all_when_nothing_changes)
{
    struct setup s;

    setup(&s, 5, 3, (int32_t[]){ 7, 1, 6 });
    run(&s, "uniform");
    remember(&s);
    run(&s, "uniform");
    CHECK_EQ(moves_of(&s), 0);
    od_arena_reset(&s.arena);
}

TEST(range_gives_neighbours_and_the_same_numbers_of_each_topic)
{
    struct setup s;

    setup(&s, 2, 2, (int32_t[]){ 3, 3 });
    s.members[1].instance_id = OD_STR("first"); /* static members come first */
    run(&s, "range");
    check_complete(&s);
    for (int32_t t = 0; t < 2; t++) {
        CHECK(od_assignment_has(&s.members[1].target, id_of(t), 0));
        CHECK(od_assignment_has(&s.members[1].target, id_of(t), 1));
        CHECK(od_assignment_has(&s.members[0].target, id_of(t), 2));
    }
    od_arena_reset(&s.arena);
}

TEST(more_members_than_partitions_leaves_some_without)
{
    static const char *const names[] = { "uniform", "range" };

    for (int i = 0; i < 2; i++) {
        struct setup s;

        setup(&s, 5, 1, (int32_t[]){ 3 });
        run(&s, names[i]);
        check_complete(&s);
        CHECK_EQ(load_of(&s, 3) + load_of(&s, 4), 0);
        od_arena_reset(&s.arena);
    }
}

TEST(no_members_and_no_topics_are_fine)
{
    struct setup s;

    setup(&s, 0, 1, (int32_t[]){ 3 });
    run(&s, "uniform");
    setup(&s, 2, 0, NULL);
    run(&s, "uniform");
    CHECK_EQ(load_of(&s, 0), 0);
    run(&s, "range");
    CHECK_EQ(load_of(&s, 1), 0);
    od_arena_reset(&s.arena);
}

TEST(uniform_levels_members_that_read_different_topics)
{
    struct setup s;

    /* m-a reads both topics, m-b only the large one. */
    setup(&s, 2, 2, (int32_t[]){ 2, 6 });
    s.members[1].topics = &s.reads[1][1];
    s.members[1].topic_count = 1;
    run(&s, "uniform");
    check_complete(&s);
    CHECK_EQ(load_of(&s, 0), 4);
    CHECK_EQ(load_of(&s, 1), 4);
    od_arena_reset(&s.arena);
}

TEST(any_input_is_assigned_completely_and_evenly)
{
    uint64_t r = 7;

    for (int round = 0; round < 3000; round++) {
        struct setup s;
        int32_t partitions[TOPICS_MAX], members, topics, least = INT32_MAX, most = 0;
        bool same = round % 2;

        for (int32_t t = 0; t < TOPICS_MAX; t++) {
            r = r * 6364136223846793005u + 1442695040888963407u;
            partitions[t] = (int32_t)(r >> 33) % 9;
        }
        members = 1 + (int32_t)((r >> 40) % MEMBERS_MAX);
        topics = (int32_t)((r >> 48) % (TOPICS_MAX + 1));
        setup(&s, members, topics, partitions);
        for (int32_t m = 0; m < members && !same && topics > 0; m++) {
            r = r * 6364136223846793005u + 1442695040888963407u;
            s.members[m].topics = &s.reads[m][(r >> 33) % (uint64_t)topics];
            s.members[m].topic_count = topics - *s.members[m].topics;
        }
        run(&s, round % 3 ? "uniform" : "range");
        check_complete(&s);
        for (int32_t m = 0; m < members; m++) {
            least = load_of(&s, m) < least ? load_of(&s, m) : least;
            most = load_of(&s, m) > most ? load_of(&s, m) : most;
        }
        if (same && round % 3)
            CHECK(most - least <= 1);
        od_arena_reset(&s.arena);
    }
}
