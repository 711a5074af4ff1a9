/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random histories of joins, syncs, beats, leaves and waits, repeated and out of order: each call
 * is answered exactly once, a group settles when its members behave, and replay of the records
 * gives the generation that members were told.
 */
#include "fixture.h"

enum { CLIENTS = 7, STEPS = 3000 };

struct client {
    char id[128]; /* empty: none yet */
    int32_t generation;
    struct ask *join;
    struct ask *sync;
    bool leads;
};

static uint64_t next(uint64_t *r)
{
    *r = *r * 6364136223846793005u + 1442695040888963407u;
    return *r >> 33;
}

static void learn(struct fixture *f, struct client *c)
{
    if (c->join && c->join->finished) {
        enum od_err err = (enum od_err)c->join->joined.error_code;

        if (err == OD_NONE || err == OD_MEMBER_ID_REQUIRED)
            snprintf(c->id, sizeof(c->id), "%s", id_of(f, c->join));
        else if (err == OD_UNKNOWN_MEMBER_ID || err == OD_FENCED_INSTANCE_ID)
            c->id[0] = '\0';
        c->generation = err == OD_NONE ? c->join->joined.generation_id : -1;
        c->leads = err == OD_NONE && od_str_eq(c->join->joined.leader, c->join->joined.member_id) &&
                   c->join->joined.members.n > 0;
        c->join = NULL;
    }
    if (c->sync && c->sync->finished)
        c->sync = NULL;
}

static void begin_join(struct fixture *f, struct client *c, int number)
{
    struct ask *a =
        join_begin(f, od_arena_printf(&f->arena, "%s", c->id), (int16_t)(number % 2 ? 3 : 9));

    if (number == 0) {
        a->call.version = 9;
        a->join.group_instance_id = OD_STR("static");
    }
    fixture_call(f, a);
    if (!c->join)
        c->join = a;
}

static void begin_sync(struct fixture *f, struct client *c)
{
    const char *id = od_arena_printf(&f->arena, "%s", c->id);
    struct ask *a = sync_as(f, id, c->generation, c->leads, &id);

    if (!c->sync)
        c->sync = a;
}

static void act(struct fixture *f, struct client *clients, uint64_t *r)
{
    int number = (int)(next(r) % CLIENTS);
    struct client *c = &clients[number];

    switch (next(r) % 16) {
    case 0:
        (void)leave(f, od_arena_printf(&f->arena, "%s", c->id));
        return;
    case 1: /* forgets who it was */
        c->id[0] = '\0';
        return;
    case 2:
    case 3:
        fixture_pass(f, (int64_t)(next(r) % 4000));
        return;
    case 4:
    case 5:
    case 6:
        (void)beat(f, od_arena_printf(&f->arena, "%s", c->id), c->generation);
        return;
    case 7:
        begin_join(f, c, number); /* a second one, perhaps, beside one that waits */
        return;
    case 8:
        if (c->id[0])
            begin_sync(f, c);
        return;
    default:
        if (c->join || c->sync)
            return;
        if (c->id[0] && c->generation > 0)
            begin_sync(f, c);
        else
            begin_join(f, c, number);
        return;
    }
}

static void check_replay(struct fixture *f)
{
    struct od_group_shard *after = fixture_replayed(f);
    struct od_describe_groups_rsp_group now, then;
    const char *state = state_in(f->shard, f, &now);

    (void)state_in(after, f, &then);
    if (strcmp(state, "Stable") == 0 || strcmp(state, "Empty") == 0) {
        /* An id that was only handed out is not recorded. */
        CHECK(od_str_eq(now.group_state, then.group_state) || !f->log_count);
        CHECK_EQ(now.members.n, then.members.n);
        for (int32_t i = 0; i < now.members.n; i++) {
            CHECK(od_str_eq(now.members.v[i].member_id, then.members.v[i].member_id));
            CHECK_EQ(now.members.v[i].member_assignment.len,
                     then.members.v[i].member_assignment.len);
        }
    }
    od_group_shard_free(after);
}

/* Everybody joins, assigns and beats as a good client does. */
static void behave(struct fixture *f, struct client *clients)
{
    for (int round = 0; round < 400; round++) {
        int32_t generation = clients[0].generation;
        bool same = generation > 0;

        for (int i = 0; i < CLIENTS; i++) {
            struct client *c = &clients[i];
            enum od_err err;

            learn(f, c);
            if (c->join || c->sync)
                continue;
            err = c->id[0] && c->generation > 0
                      ? beat(f, od_arena_printf(&f->arena, "%s", c->id), c->generation)
                      : OD_REBALANCE_IN_PROGRESS;
            if (err == OD_UNKNOWN_MEMBER_ID)
                c->id[0] = '\0';
            if (err)
                begin_join(f, c, i);
            else
                begin_sync(f, c);
            same = same && !err && c->generation == generation;
        }
        if (same && strcmp(state_of(f), "Stable") == 0)
            return;
        fixture_pass(f, 1000);
    }
    CHECK(!"the group settles");
}

TEST(any_history_answers_every_call_once_and_settles)
{
    static struct fixture f;

    for (uint64_t seed = 1; seed <= 40; seed++) {
        struct client clients[CLIENTS] = { 0 };
        uint64_t r = seed;

        fixture_init(&f);
        for (int i = 0; i < STEPS; i++) {
            act(&f, clients, &r);
            for (int c = 0; c < CLIENTS; c++)
                learn(&f, &clients[c]);
            if (i % 100 == 0)
                check_replay(&f);
        }
        behave(&f, clients);
        check_replay(&f);
        fixture_free(&f); /* answers who still waits */
    }
}
