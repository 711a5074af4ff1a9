/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The event loop.  One turn: wait, ready sockets, the inbox as it stood, due timers, what asked
 * for the turn's end.
 *
 * A post costs a system call only when the reactor sleeps: before it waits it sets `sleeping` and
 * looks into the inbox once more; who posts to an empty inbox takes `sleeping` and, if it was set,
 * wakes.  Both are exchanges of the same word, so either the reactor sees the post or the poster
 * sees it sleeping.
 */
#include "os/reactor.h"

#include "base/assert.h"
#include "base/mem.h"
#include "os/clock.h"
#include "os/poll.h"
#include "os/thread.h"
#include "os/thread_state.h"
#include "os/wheel.h"

enum {
    EVENTS_MAX = 256,         /* sockets per turn */
    TIMERS_PER_TURN_MAX = 1024,
    TURN_END_ROUNDS_MAX = 16, /* rounds of posts that queue further posts */
    SLOW_TURN_NS = 10000000,
    CPU_SAMPLE_NS = 1000000, /* how old a reading of the thread's processor time may be */
};

struct od_reactor {
    struct od_poll *poll;
    int index;
    int64_t now_ms;
    struct od_wheel wheel;
    struct od_post *turn_end_first; /* linked by node.next, ending in turn_end_last */
    struct od_mpsc_node turn_end_last;
    struct od_post *turn_end_tail;
    struct od_poll_event events[EVENTS_MAX];
    int events_next, events_count; /* of this turn, not yet handled */
    /* The watchdog's: */
    const char *call; /* in progress; NULL: none was named */
    int64_t call_start_ns;
    const char *longest_call; /* of this turn */
    int64_t longest_call_ns;
    int64_t cpu_ns; /* the thread's processor time, as read at cpu_at_ns */
    int64_t cpu_at_ns;
    struct od_reactor_stats stats;
    /* Other threads': */
    _Alignas(64) struct od_mpsc inbox;
    _Atomic bool sleeping;
    _Atomic bool stopped;
};

enum od_err od_reactor_new(int index, struct od_reactor **out)
{
    struct od_reactor *r = OD_NEW(struct od_reactor);
    enum od_err err = od_poll_new(&r->poll);

    if (err) {
        od_free(r);
        return err;
    }
    r->index = index;
    r->now_ms = od_clock_mono_ns() / 1000000;
    od_wheel_init(&r->wheel, r->now_ms);
    od_mpsc_init(&r->inbox);
    *out = r;
    return OD_NONE;
}

void od_reactor_free(struct od_reactor *r)
{
    od_poll_free(r->poll);
    od_free(r);
}

int od_reactor_index(const struct od_reactor *r)
{
    return r->index;
}

int64_t od_reactor_now_ms(const struct od_reactor *r)
{
    return r->now_ms;
}

struct od_reactor *od_reactor_current(void)
{
    return od_thread_state()->reactor;
}

static void wake(struct od_reactor *r)
{
    if (atomic_exchange_explicit(&r->sleeping, false, memory_order_acq_rel))
        od_poll_wake(r->poll);
}

void od_reactor_stop(struct od_reactor *r)
{
    atomic_store_explicit(&r->stopped, true, memory_order_release);
    wake(r);
}

void od_reactor_post(struct od_reactor *r, struct od_post *post)
{
    if (od_mpsc_push(&r->inbox, &post->node))
        wake(r);
}

static struct od_post *post_of(struct od_mpsc_node *node)
{
    return OD_CONTAINER(node, struct od_post, node);
}

/* Closes the account of the call in progress, for the watchdog. */
static int64_t end_call(struct od_reactor *r)
{
    int64_t now_ns = od_clock_mono_ns();

    if (r->call && now_ns - r->call_start_ns > r->longest_call_ns) {
        r->longest_call = r->call;
        r->longest_call_ns = now_ns - r->call_start_ns;
    }
    return now_ns;
}

void od_reactor_call(struct od_reactor *r, const char *name)
{
    r->call_start_ns = end_call(r);
    r->call = name;
}

static void run_inbox(struct od_reactor *r)
{
    struct od_mpsc_node *node = od_mpsc_take(&r->inbox);

    if (node)
        od_reactor_call(r, "post");
    while (node) {
        struct od_post *post = post_of(node);

        node = node->next;
        post->node.next = NULL;
        r->stats.posts++;
        post->run(post);
    }
}

void od_reactor_at_turn_end(struct od_reactor *r, struct od_post *post)
{
    if (post->node.next)
        return;
    post->node.next = &r->turn_end_last;
    if (r->turn_end_first)
        r->turn_end_tail->node.next = &post->node;
    else
        r->turn_end_first = post;
    r->turn_end_tail = post;
}

static void run_turn_end(struct od_reactor *r)
{
    if (r->turn_end_first)
        od_reactor_call(r, "turn end");
    for (int round = 0; r->turn_end_first && round < TURN_END_ROUNDS_MAX; round++) {
        struct od_mpsc_node *node = &r->turn_end_first->node;

        r->turn_end_first = NULL;
        while (node != &r->turn_end_last) {
            struct od_post *post = post_of(node);

            node = node->next;
            post->node.next = NULL;
            post->run(post);
        }
    }
}

enum od_err od_reactor_watch(struct od_reactor *r, struct od_watch *w, unsigned want)
{
    enum od_err err = od_poll_add(r->poll, w->socket, want, w);

    if (!err)
        w->want = want;
    return err;
}

void od_reactor_want(struct od_reactor *r, struct od_watch *w, unsigned want)
{
    if (w->want == want)
        return;
    w->want = want;
    od_poll_change(r->poll, w->socket, want, w);
}

void od_reactor_unwatch(struct od_reactor *r, struct od_watch *w)
{
    od_poll_remove(r->poll, w->socket);
    for (int i = r->events_next; i < r->events_count; i++)
        if (r->events[i].tag == w)
            r->events[i].tag = NULL;
}

static void run_sockets(struct od_reactor *r)
{
    if (r->events_count > 0)
        od_reactor_call(r, "socket");
    while (r->events_next < r->events_count) {
        struct od_poll_event event = r->events[r->events_next++];
        struct od_watch *w = event.tag;

        if (w)
            w->ready(w, event.ready);
    }
}

void od_timer_set(struct od_reactor *r, struct od_timer *t, int64_t deadline_ms)
{
    t->deadline_ms = deadline_ms;
    od_wheel_set(&r->wheel, t);
}

void od_timer_cancel(struct od_reactor *r, struct od_timer *t)
{
    (void)r;
    od_link_remove(&t->link);
}

static void run_timers(struct od_reactor *r)
{
    struct od_timer *t;

    od_wheel_advance(&r->wheel, r->now_ms);
    for (int i = 0; i < TIMERS_PER_TURN_MAX && (t = od_wheel_pop(&r->wheel)); i++) {
        if (i == 0)
            od_reactor_call(r, "timer");
        t->fire(t);
    }
}

void od_reactor_stats(const struct od_reactor *r, struct od_reactor_stats *out)
{
    *out = r->stats;
}

/* Reading the processor time is a system call: turns within a millisecond share one. */
static void sample_cpu(struct od_reactor *r, int64_t now_ns)
{
    if (now_ns - r->cpu_at_ns < CPU_SAMPLE_NS)
        return;
    r->cpu_ns = od_thread_cpu_ns();
    r->cpu_at_ns = now_ns;
}

static void note_busy(struct od_reactor *r, const char *call, int64_t cpu_us)
{
    struct od_busy_turns *b = r->stats.busy;

    while (b < r->stats.busy + r->stats.busy_count && b->call != call)
        b++;
    if (b == r->stats.busy + OD_BUSY_CALLS_MAX)
        b--;
    else if (b == r->stats.busy + r->stats.busy_count)
        r->stats.busy[r->stats.busy_count++].call = call;
    b->turns++;
    if (cpu_us > b->longest_us)
        b->longest_us = cpu_us;
}

static void note_slow(struct od_reactor *r, int64_t start_ns)
{
    int64_t before_ns = start_ns - r->cpu_at_ns; /* at most so much was used before the turn */
    int64_t cpu_ns = od_thread_cpu_ns() - r->cpu_ns - before_ns;

    r->stats.slow_turns++;
    if (cpu_ns > SLOW_TURN_NS)
        note_busy(r, r->longest_call, cpu_ns / 1000);
}

static void note_turn(struct od_reactor *r, int64_t start_ns, int64_t turn_ns)
{
    r->stats.turns++;
    if (turn_ns > SLOW_TURN_NS)
        note_slow(r, start_ns);
    if (turn_ns / 1000 > r->stats.slowest_turn_us) {
        r->stats.slowest_turn_us = turn_ns / 1000;
        r->stats.slowest_call = r->longest_call;
    }
}

static int64_t sleep_ms(struct od_reactor *r, int64_t now_ns)
{
    int64_t next_ms = od_wheel_next_ms(&r->wheel);

    if (r->turn_end_first)
        return 0;
    if (next_ms < 0)
        return -1;
    next_ms = (next_ms * 1000000 - now_ns + 999999) / 1000000;
    return next_ms > 0 ? next_ms : 0;
}

/* Returns when the turn ended. */
static int64_t turn(struct od_reactor *r, int64_t now_ns)
{
    int64_t timeout_ms = sleep_ms(r, now_ns);
    int64_t start_ns;

    if (timeout_ms != 0) {
        atomic_exchange_explicit(&r->sleeping, true, memory_order_acq_rel);
        if (!od_mpsc_empty(&r->inbox) ||
            atomic_load_explicit(&r->stopped, memory_order_acquire))
            timeout_ms = 0;
    }
    r->events_next = 0;
    r->events_count = od_poll_wait(r->poll, r->events, EVENTS_MAX, timeout_ms);
    atomic_store_explicit(&r->sleeping, false, memory_order_relaxed);

    start_ns = od_clock_mono_ns();
    sample_cpu(r, start_ns);
    r->now_ms = start_ns / 1000000;
    r->call = NULL;
    r->longest_call = NULL;
    r->longest_call_ns = 0;
    run_inbox(r); /* first: what was posted before the bytes that woke us were sent */
    run_sockets(r);
    run_timers(r);
    run_turn_end(r);
    now_ns = end_call(r);
    note_turn(r, start_ns, now_ns - start_ns);
    return now_ns;
}

void od_reactor_run(struct od_reactor *r)
{
    struct od_thread_state *state = od_thread_state();
    int64_t now_ns = od_clock_mono_ns();

    OD_ASSERT(!state->reactor);
    state->reactor = r;
    while (!atomic_load_explicit(&r->stopped, memory_order_acquire))
        now_ns = turn(r, now_ns);
    run_inbox(r);
    run_turn_end(r);
    state->reactor = NULL;
}
