/* SPDX-License-Identifier: Apache-2.0 */
/* Locks exclude, and the rank rule ends a process that breaks it. */
#include "os/lock.h"

#include "os/thread.h"
#include "test.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ROUNDS = 100000 };

struct shared {
    struct od_lock lock;
    uint64_t count; /* under the lock */
};

static void count_up(void *arg)
{
    struct shared *s = arg;

    for (int i = 0; i < ROUNDS; i++) {
        od_lock_take(&s->lock);
        s->count++;
        od_lock_drop(&s->lock);
    }
}

TEST(a_lock_excludes_other_threads)
{
    struct shared s = { .count = 0 };
    struct od_thread *other;

    od_lock_init(&s.lock, OD_LOCK_LEAF);
    CHECK_OK(od_thread_start("other", count_up, &s, &other));
    count_up(&s);
    od_thread_join(other);
    CHECK_EQ(s.count, 2 * ROUNDS);
    od_lock_deinit(&s.lock);
}

struct try_result {
    struct od_lock *lock;
    bool taken;
};

static void try_once(void *arg)
{
    struct try_result *r = arg;

    r->taken = od_lock_try(r->lock);
    if (r->taken)
        od_lock_drop(r->lock);
}

static bool other_thread_gets(struct od_lock *lock)
{
    struct try_result r = { .lock = lock };
    struct od_thread *t;

    CHECK_OK(od_thread_start("try", try_once, &r, &t));
    od_thread_join(t);
    return r.taken;
}

TEST(try_fails_while_another_thread_holds_it_and_then_works)
{
    struct od_lock lock;

    od_lock_init(&lock, OD_LOCK_PARTITION);
    od_lock_take(&lock);
    CHECK(!other_thread_gets(&lock));
    od_lock_drop(&lock);
    CHECK(other_thread_gets(&lock));
    od_lock_deinit(&lock);
}

struct waiter {
    struct od_lock *lock;
    struct od_gate *started;
};

static void wait_for_lock(void *arg)
{
    struct waiter *w = arg;

    od_gate_open(w->started);
    od_lock_take(w->lock);
    od_lock_drop(w->lock);
}

TEST(a_lock_that_was_not_free_is_counted_and_its_waiter_woken)
{
    uint64_t before = od_lock_contended();
    struct od_thread *t;
    struct od_lock lock;
    struct waiter w = { &lock, od_gate_new() };

    od_lock_init(&lock, OD_LOCK_LEAF);
    od_lock_take(&lock);
    CHECK_OK(od_thread_start("waiter", wait_for_lock, &w, &t));
    od_gate_wait(w.started, -1);
    while (od_lock_contended() == before)
        ;
    od_lock_drop(&lock);
    od_thread_join(t);
    CHECK_EQ(od_lock_contended(), before + 1);
    od_gate_free(w.started);
    od_lock_deinit(&lock);
}

static bool aborts(void (*broken)(void))
{
    int status;
    pid_t child = fork();

    if (child == 0) {
        signal(SIGABRT, SIG_DFL);
        broken();
        _exit(0);
    }
    waitpid(child, &status, 0);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

static struct od_lock a, b;

static void take_both(enum od_lock_rank first, enum od_lock_rank second)
{
    od_lock_init(&a, first);
    od_lock_init(&b, second);
    od_lock_take(&a);
    od_lock_take(&b);
}

static void two_partitions(void)
{
    take_both(OD_LOCK_PARTITION, OD_LOCK_PARTITION);
}

static void two_leaves(void)
{
    take_both(OD_LOCK_LEAF, OD_LOCK_LEAF);
}

static void partition_under_leaf(void)
{
    take_both(OD_LOCK_LEAF, OD_LOCK_PARTITION);
}

static void leaf_under_partition(void)
{
    take_both(OD_LOCK_PARTITION, OD_LOCK_LEAF);
}

static void drop_what_is_not_held(void)
{
    od_lock_init(&a, OD_LOCK_LEAF);
    od_lock_drop(&a);
}

TEST(the_rank_rule_is_enforced)
{
    CHECK(aborts(two_partitions));
    CHECK(aborts(two_leaves));
    CHECK(aborts(partition_under_leaf));
    CHECK(aborts(drop_what_is_not_held));
    CHECK(!aborts(leaf_under_partition));
}

static void ping(void *arg)
{
    struct od_gate **gates = arg;

    for (int i = 0; i < 1000; i++) {
        od_gate_wait(gates[0], -1);
        od_gate_open(gates[1]);
    }
}

TEST(gates_hand_over_between_two_threads)
{
    struct od_gate *gates[] = { od_gate_new(), od_gate_new() };
    struct od_thread *t;

    CHECK_OK(od_thread_start("ping", ping, gates, &t));
    for (int i = 0; i < 1000; i++) {
        od_gate_open(gates[0]);
        od_gate_wait(gates[1], -1);
    }
    od_thread_join(t);
    od_gate_free(gates[0]);
    od_gate_free(gates[1]);
}

TEST(a_gate_opened_before_the_wait_lets_one_pass_and_a_closed_one_times_out)
{
    struct od_gate *g = od_gate_new();

    od_gate_open(g);
    od_gate_open(g);
    od_gate_wait(g, -1);
    od_gate_wait(g, 0);
    od_gate_wait(g, 1);
    od_gate_free(g);
}
