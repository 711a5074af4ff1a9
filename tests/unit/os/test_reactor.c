/* SPDX-License-Identifier: Apache-2.0 */
/* The order of things within a turn, posts from other threads, timers. */
#include "os/reactor.h"

#include "base/str.h"
#include "os/clock.h"
#include "os/poll.h"
#include "os/socket.h"
#include "os/thread.h"
#include "test.h"

#include <string.h>

static struct od_reactor *reactor;
static char trace[256];

static void note(const char *what)
{
    strncat(trace, what, sizeof(trace) - strlen(trace) - 1);
}

static void stop(struct od_post *post)
{
    (void)post;
    od_reactor_stop(reactor);
}

static void begin(void)
{
    trace[0] = '\0';
    CHECK_OK(od_reactor_new(3, &reactor));
}

static void run_and_free(void)
{
    od_reactor_run(reactor);
    od_reactor_free(reactor);
}

struct noting_post {
    struct od_post post;
    const char *text;
    struct od_post *post_next;
    struct od_post *at_end;
};

static void run_note(struct od_post *post)
{
    struct noting_post *n = (struct noting_post *)post;

    note(n->text);
    if (n->post_next)
        od_reactor_post(reactor, n->post_next);
    if (n->at_end)
        od_reactor_at_turn_end(reactor, n->at_end);
}

TEST(posts_run_in_order_and_a_post_from_a_post_runs_in_the_next_turn)
{
    struct od_post last = { .run = stop };
    struct noting_post end = { { .run = run_note }, "end ", &last, NULL };
    struct noting_post again = { { .run = run_note }, "again ", NULL, &end.post };
    struct noting_post end1 = { { .run = run_note }, "end1 ", NULL, NULL };
    struct noting_post one = { { .run = run_note }, "one ", &again.post, &end1.post };
    struct noting_post two = { { .run = run_note }, "two ", NULL, &end1.post };

    begin();
    od_reactor_post(reactor, &one.post);
    od_reactor_post(reactor, &two.post);
    run_and_free();
    CHECK_STR(trace, "one two end1 again end ");
}

TEST(what_is_queued_at_the_turns_end_runs_in_the_same_turn)
{
    struct od_post last = { .run = stop };
    struct noting_post c = { { .run = run_note }, "c ", NULL, &last };
    struct noting_post b = { { .run = run_note }, "b ", NULL, &c.post };
    struct noting_post a = { { .run = run_note }, "a ", NULL, &b.post };
    struct od_reactor_stats stats;

    begin();
    od_reactor_post(reactor, &a.post);
    od_reactor_run(reactor);
    od_reactor_stats(reactor, &stats);
    CHECK_STR(trace, "a b c ");
    CHECK_EQ(stats.turns, 1);
    CHECK_EQ(stats.posts, 1);
    CHECK_EQ(od_reactor_index(reactor), 3);
    od_reactor_free(reactor);
}

static void check_current(struct od_post *post)
{
    note(od_reactor_current() == reactor ? "mine" : "other");
    stop(post);
}

TEST(current_is_the_reactor_of_the_running_thread_only)
{
    struct od_post post = { .run = check_current };

    begin();
    CHECK(!od_reactor_current());
    od_reactor_post(reactor, &post);
    run_and_free();
    CHECK(!od_reactor_current());
    CHECK_STR(trace, "mine");
}

enum { SENDERS = 3, POSTS = 2000 };

struct counted {
    struct od_post post;
    int sender, number;
};

struct sender {
    struct counted posts[POSTS];
    int id;
};

static struct sender senders[SENDERS];
static int next_number[SENDERS], arrived;
static bool in_order;

static void arrive(struct od_post *post)
{
    struct counted *c = (struct counted *)post;

    in_order &= c->number == next_number[c->sender]++;
    if (++arrived == SENDERS * POSTS)
        od_reactor_stop(reactor);
}

static void send_all(void *arg)
{
    struct sender *s = arg;

    for (int i = 0; i < POSTS; i++) {
        s->posts[i] = (struct counted){ { .run = arrive }, s->id, i };
        od_reactor_post(reactor, &s->posts[i].post);
    }
}

TEST(posts_of_several_threads_all_arrive_in_the_order_of_each)
{
    struct od_thread *threads[SENDERS];

    begin();
    in_order = true;
    arrived = 0;
    for (int i = 0; i < SENDERS; i++) {
        senders[i].id = i;
        CHECK_OK(od_thread_start("sender", send_all, &senders[i], &threads[i]));
    }
    od_reactor_run(reactor);
    for (int i = 0; i < SENDERS; i++)
        od_thread_join(threads[i]);
    od_reactor_free(reactor);
    CHECK(in_order);
    CHECK_EQ(arrived, SENDERS * POSTS);
}

struct noting_timer {
    struct od_timer timer;
    const char *text;
    int64_t again_ms; /* > 0: set once more */
    bool last;
};

static void fire(struct od_timer *t)
{
    struct noting_timer *n = (struct noting_timer *)t;

    note(n->text);
    if (od_reactor_now_ms(reactor) < t->deadline_ms)
        note("early ");
    if (n->again_ms)
        od_timer_set(reactor, t, t->deadline_ms + n->again_ms);
    n->again_ms = 0;
    if (n->last)
        od_reactor_stop(reactor);
}

TEST(timers_fire_by_deadline_and_a_cancelled_one_never)
{
    struct noting_timer c = { { .fire = fire }, "c ", 0, true };
    struct noting_timer b = { { .fire = fire }, "b ", 0, false };
    struct noting_timer a = { { .fire = fire }, "a ", 2, false };
    struct noting_timer never = { { .fire = fire }, "never ", 0, false };
    int64_t now_ms;

    begin();
    now_ms = od_reactor_now_ms(reactor);
    od_timer_set(reactor, &c.timer, now_ms + 5);
    od_timer_set(reactor, &never.timer, now_ms + 2);
    od_timer_set(reactor, &b.timer, now_ms + 4);
    od_timer_set(reactor, &a.timer, now_ms + 1);
    od_timer_cancel(reactor, &never.timer);
    od_timer_cancel(reactor, &never.timer);
    run_and_free();
    CHECK_STR(trace, "a a b c ");
}

static struct od_watch watches[2];
static struct od_socket *listener, *clients[2], *accepted[2];

static void drop_the_other(struct od_watch *w, unsigned ready)
{
    struct od_watch *other = &watches[w == &watches[0]];

    note(ready & OD_POLL_IN ? "ready " : "odd ");
    od_reactor_unwatch(reactor, other);
    od_reactor_unwatch(reactor, w);
    memset(other, 0xff, sizeof(*other));
    od_reactor_stop(reactor);
}

static void connect_pair(int i, uint16_t port)
{
    struct od_address peer;
    enum od_err err;

    CHECK_OK(od_socket_connect("127.0.0.1", port, &clients[i]));
    do {
        err = od_socket_accept(listener, &accepted[i], &peer);
    } while (err == OD_E_AGAIN);
    CHECK_OK(err);
}

TEST(a_watch_removed_by_another_callback_of_the_turn_is_not_called)
{
    struct od_span span = { "x", 1 };
    struct od_address bound;

    begin();
    CHECK_OK(od_socket_listen("127.0.0.1", 0, 8, &listener, &bound));
    for (int i = 0; i < 2; i++) {
        size_t sent = 0;

        connect_pair(i, bound.port);
        watches[i] = (struct od_watch){ .socket = accepted[i], .ready = drop_the_other };
        CHECK_OK(od_reactor_watch(reactor, &watches[i], OD_POLL_IN));
        CHECK_OK(od_socket_send(clients[i], &span, 1, false, &sent));
        CHECK_EQ(sent, 1);
    }
    run_and_free();
    CHECK_STR(trace, "ready ");
    for (int i = 0; i < 2; i++) {
        od_socket_close(clients[i]);
        od_socket_close(accepted[i]);
    }
    od_socket_close(listener);
}

static void note_ready(struct od_watch *w, unsigned ready)
{
    (void)ready;
    note("bytes ");
    od_reactor_unwatch(reactor, w);
    od_reactor_stop(reactor);
}

TEST(a_post_made_before_bytes_were_sent_runs_before_they_are_read)
{
    struct noting_post post = { { .run = run_note }, "post ", NULL, NULL };
    struct od_span span = { "x", 1 };
    struct od_address bound;
    size_t sent = 0;

    begin();
    CHECK_OK(od_socket_listen("127.0.0.1", 0, 8, &listener, &bound));
    connect_pair(0, bound.port);
    watches[0] = (struct od_watch){ .socket = accepted[0], .ready = note_ready };
    CHECK_OK(od_reactor_watch(reactor, &watches[0], OD_POLL_IN));
    od_reactor_post(reactor, &post.post);
    CHECK_OK(od_socket_send(clients[0], &span, 1, false, &sent));
    run_and_free();
    CHECK_STR(trace, "post bytes ");
    od_socket_close(clients[0]);
    od_socket_close(accepted[0]);
    od_socket_close(listener);
}

enum { SLOW_NS = 11000000 };

static const char *busy_call;

static void burn(void)
{
    int64_t start_ns;

    od_reactor_call(reactor, "quick");
    od_reactor_call(reactor, busy_call);
    start_ns = od_thread_cpu_ns();
    while (od_thread_cpu_ns() - start_ns < SLOW_NS)
        ; /* the watchdog measures the processor's time */
    od_reactor_call(reactor, "quick");
}

static void be_busy(struct od_post *post)
{
    burn();
    stop(post);
}

static void be_held_up(struct od_post *post)
{
    struct od_gate *closed = od_gate_new();

    od_reactor_call(reactor, "held up");
    od_gate_wait(closed, SLOW_NS / 1000000 + 1);
    od_gate_free(closed);
    stop(post);
}

static struct od_reactor_stats stats_after(void (*run)(struct od_post *post))
{
    struct od_post post = { .run = run };
    struct od_reactor_stats stats;

    begin();
    od_reactor_post(reactor, &post);
    od_reactor_run(reactor);
    od_reactor_stats(reactor, &stats);
    od_reactor_free(reactor);
    return stats;
}

TEST(a_turn_over_10_ms_is_counted_with_the_call_that_took_longest)
{
    struct od_reactor_stats stats;

    busy_call = "busy";
    stats = stats_after(be_busy);
    CHECK_EQ(stats.slow_turns, 1);
    CHECK(stats.slowest_turn_us >= 11000);
    CHECK_STR(stats.slowest_call, "busy");
    CHECK_EQ(stats.busy_count, 1);
    CHECK_STR(stats.busy[0].call, "busy");
    CHECK_EQ(stats.busy[0].turns, 1);
    CHECK(stats.busy[0].longest_us > 10000 && stats.busy[0].longest_us < 1000000);
}

TEST(a_turn_that_was_held_up_is_slow_but_not_busy)
{
    struct od_reactor_stats stats = stats_after(be_held_up);

    CHECK_EQ(stats.slow_turns, 1);
    CHECK_STR(stats.slowest_call, "held up");
    CHECK_EQ(stats.busy_count, 0);
}

static void stop_if_last(struct od_post *post)
{
    static const char *const names[OD_BUSY_CALLS_MAX + 2] = { "0", "1", "2", "3", "4",
                                                              "5", "6", "7", "8", "9" };
    static int n;

    busy_call = names[n++];
    burn();
    if (n == OD_COUNT(names))
        stop(post);
    else
        od_reactor_post(reactor, post);
}

TEST(more_names_than_are_told_apart_are_counted_together)
{
    struct od_post post = { .run = stop_if_last };
    struct od_reactor_stats stats;

    begin();
    od_reactor_post(reactor, &post);
    od_reactor_run(reactor);
    od_reactor_stats(reactor, &stats);
    CHECK_EQ(stats.busy_count, OD_BUSY_CALLS_MAX);
    od_reactor_free(reactor);
}

static void stop_from_outside(void *arg)
{
    (void)arg;
    od_reactor_stop(reactor);
}

TEST(stop_from_another_thread_wakes_a_sleeping_reactor)
{
    struct od_thread *t;

    begin();
    CHECK_OK(od_thread_start("stopper", stop_from_outside, NULL, &t));
    od_reactor_run(reactor);
    od_thread_join(t);
    od_reactor_free(reactor);
}
