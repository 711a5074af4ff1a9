/* SPDX-License-Identifier: Apache-2.0 */
/* POSIX threads, and gates on a futex. */
#include "os/thread.h"

#include "base/assert.h"
#include "base/log.h"
#include "base/mem.h"
#include "os/clock.h"
#include "os/linux/futex.h"
#include "os/linux/linux_internal.h"
#include "os/linux/logring_internal.h"
#include "os/thread_state.h"

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

struct od_thread {
    pthread_t id;
    void (*main)(void *arg);
    void *arg;
};

struct od_gate {
    _Atomic uint32_t open;
    _Atomic uint32_t waiters;
};

static _Thread_local struct od_thread_state thread_state;

int64_t od_thread_cpu_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

struct od_thread_state *od_thread_state(void)
{
    return &thread_state;
}

static void *run(void *arg)
{
    struct od_thread *t = arg;

    t->main(t->arg);
    od_logrings_retire();
    return NULL;
}

enum od_err od_thread_start(const char *name, void (*main)(void *arg), void *arg,
                            struct od_thread **out)
{
    struct od_thread *t = OD_NEW(struct od_thread);
    int e;

    t->main = main;
    t->arg = arg;
    e = pthread_create(&t->id, NULL, run, t);
    if (e) {
        od_log(OD_LOG_ERROR, "os", "cannot start thread %s: %s", name, od_errno_name(e));
        od_free(t);
        return OD_E_LIMIT;
    }
    /* Only for tools that list threads: a name over 15 bytes is refused and left out. */
    pthread_setname_np(t->id, name);
    *out = t;
    return OD_NONE;
}

void od_thread_join(struct od_thread *t)
{
    int e = pthread_join(t->id, NULL);

    OD_ASSERT(e == 0);
    od_free(t);
}

struct od_gate *od_gate_new(void)
{
    return OD_NEW(struct od_gate);
}

void od_gate_free(struct od_gate *g)
{
    od_free(g);
}

void od_gate_wait(struct od_gate *g, int64_t timeout_ms)
{
    int64_t end_ns = od_clock_mono_ns() + timeout_ms * 1000000;
    int64_t left_ms = timeout_ms;

    /* Sequentially consistent: either open sees the waiter or the waiter sees it open. */
    atomic_fetch_add(&g->waiters, 1);
    while (atomic_exchange(&g->open, 0) == 0) {
        if (timeout_ms >= 0) {
            left_ms = (end_ns - od_clock_mono_ns() + 999999) / 1000000;
            if (left_ms <= 0)
                break;
        }
        od_futex_wait(&g->open, 0, left_ms);
    }
    atomic_fetch_sub(&g->waiters, 1);
}

void od_gate_open(struct od_gate *g)
{
    if (atomic_exchange(&g->open, 1) == 0 && atomic_load(&g->waiters) > 0)
        od_futex_wake_one(&g->open);
}
