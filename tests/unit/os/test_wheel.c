/* SPDX-License-Identifier: Apache-2.0 */
/* The timer wheel against the plain rule: due at its deadline, in order, never before. */
#include "os/wheel.h"

#include "base/mem.h"
#include "test.h"

enum { TIMERS = 500 };

static int64_t pop_deadline(struct od_wheel *w)
{
    struct od_timer *t = od_wheel_pop(w);

    return t ? t->deadline_ms : -1;
}

static void set(struct od_wheel *w, struct od_timer *t, int64_t deadline_ms)
{
    t->deadline_ms = deadline_ms;
    od_wheel_set(w, t);
}

TEST(a_timer_is_due_at_its_deadline_and_not_before)
{
    static const int64_t distances[] = { 1, 2, 63, 64, 65, 4095, 4096, 4097, 600000, 1ll << 40 };

    for (size_t i = 0; i < OD_COUNT(distances); i++) {
        struct od_timer t = { 0 };
        struct od_wheel w;
        int64_t now_ms = 1000003;

        od_wheel_init(&w, now_ms);
        set(&w, &t, now_ms + distances[i]);
        od_wheel_advance(&w, now_ms + distances[i] - 1);
        CHECK_EQ(pop_deadline(&w), -1);
        od_wheel_advance(&w, now_ms + distances[i]);
        CHECK_EQ(pop_deadline(&w), now_ms + distances[i]);
        CHECK_EQ(od_wheel_next_ms(&w), -1);
    }
}

TEST(a_deadline_of_now_or_earlier_is_due_at_once)
{
    struct od_timer now = { 0 }, past = { 0 };
    struct od_wheel w;

    od_wheel_init(&w, 50);
    set(&w, &now, 50);
    set(&w, &past, -7);
    CHECK_EQ(od_wheel_next_ms(&w), 50);
    CHECK_EQ(pop_deadline(&w), 50);
    CHECK_EQ(pop_deadline(&w), -7);
}

TEST(a_deadline_that_never_comes_is_kept)
{
    struct od_timer t = { 0 };
    struct od_wheel w;

    od_wheel_init(&w, 50);
    set(&w, &t, INT64_MAX);
    od_wheel_advance(&w, 1ll << 47);
    CHECK_EQ(pop_deadline(&w), -1);
    CHECK(od_link_used(&t.link));
}

TEST(equal_deadlines_fire_in_the_order_they_were_set_across_levels)
{
    struct od_timer early = { 0 }, late = { 0 };
    struct od_wheel w;

    od_wheel_init(&w, 0);
    set(&w, &early, 5000);
    od_wheel_advance(&w, 4990);
    set(&w, &late, 5000);
    od_wheel_advance(&w, 5000);
    CHECK(od_wheel_pop(&w) == &early);
    CHECK(od_wheel_pop(&w) == &late);
}

TEST(a_cancelled_timer_does_not_fire_and_leaves_nothing_to_wait_for)
{
    struct od_timer t = { 0 };
    struct od_wheel w;

    od_wheel_init(&w, 0);
    set(&w, &t, 70);
    od_link_remove(&t.link);
    CHECK_EQ(od_wheel_next_ms(&w), -1);
    od_wheel_advance(&w, 100);
    CHECK_EQ(pop_deadline(&w), -1);
}

TEST(setting_again_moves_both_ways)
{
    struct od_timer t = { 0 };
    struct od_wheel w;

    od_wheel_init(&w, 0);
    set(&w, &t, 10);
    set(&w, &t, 100);
    od_wheel_advance(&w, 99);
    CHECK_EQ(pop_deadline(&w), -1);
    set(&w, &t, 99);
    CHECK_EQ(pop_deadline(&w), 99);
}

static uint64_t step(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return *state >> 33;
}

/* What a list without any cleverness says: how many deadlines lie at or before now_ms. */
static int count_due(const struct od_timer *timers, int64_t now_ms)
{
    int n = 0;

    for (int i = 0; i < TIMERS; i++)
        n += od_link_used(&timers[i].link) && timers[i].deadline_ms <= now_ms;
    return n;
}

TEST(random_sets_cancels_and_advances_agree_with_a_plain_list)
{
    struct od_timer *timers = od_zalloc(TIMERS * sizeof(*timers));
    struct od_wheel w;
    uint64_t seed = 20261120;
    int64_t now_ms = 77;

    od_wheel_init(&w, now_ms);
    for (int round = 0; round < 3000; round++) {
        int64_t next_ms, last_ms = -1;
        struct od_timer *t;
        int due;

        for (int i = 0; i < 8; i++) {
            t = &timers[step(&seed) % TIMERS];
            if (step(&seed) % 4 == 0)
                od_link_remove(&t->link);
            else
                set(&w, t, now_ms + 1 + (int64_t)(step(&seed) % (1u << step(&seed) % 24)));
        }
        next_ms = od_wheel_next_ms(&w);
        CHECK(next_ms == -1 || count_due(timers, next_ms - 1) == 0);
        now_ms += (int64_t)(step(&seed) % (1u << step(&seed) % 14));
        due = count_due(timers, now_ms);
        od_wheel_advance(&w, now_ms);
        for (; (t = od_wheel_pop(&w)); due--) {
            CHECK(t->deadline_ms <= now_ms && t->deadline_ms >= last_ms);
            last_ms = t->deadline_ms;
        }
        CHECK_EQ(due, 0);
    }
    od_free(timers);
}
