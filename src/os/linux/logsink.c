/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rings of all threads and the thread that writes their lines to standard error.
 *
 * A ring is made at a thread's first line and listed for ever; when its thread has ended, the next
 * new thread takes it over with what is left in it, so their number is that of threads at once.
 * Not an od_lock: od_log may be called with any lock held.
 */
#include "base/mem.h"
#include "os/clock.h"
#include "os/linux/logring_internal.h"
#include "os/logdrain.h"
#include "os/thread.h"
#include "os/thread_state.h"

#include <errno.h>
#include <pthread.h>
#include <unistd.h>

struct listed_ring {
    struct od_logring ring; /* first, so that one pointer serves as both */
    struct listed_ring *next;
    bool used; /* by a living thread */
};

static pthread_mutex_t list_lock = PTHREAD_MUTEX_INITIALIZER;
static struct listed_ring *rings; /* written under list_lock */
/* Held while lines are taken and written: the rings have one consumer at a time. */
static pthread_mutex_t drain_lock = PTHREAD_MUTEX_INITIALIZER;
static struct od_thread *drain_thread;
static _Atomic(struct od_gate *) drain_gate; /* NULL: no drain runs */
static _Atomic bool stopping;

struct od_logring *od_logring_current(void)
{
    struct od_thread_state *state = od_thread_state();
    struct listed_ring *l;

    if (state->ring)
        return state->ring;
    pthread_mutex_lock(&list_lock);
    for (l = rings; l && l->used; l = l->next)
        ;
    if (!l) {
        l = OD_NEW(struct listed_ring);
        l->next = rings;
        rings = l;
    }
    l->used = true;
    pthread_mutex_unlock(&list_lock);
    state->ring = &l->ring;
    return state->ring;
}

void od_logrings_retire(void)
{
    struct od_thread_state *state = od_thread_state();

    if (!state->ring)
        return;
    pthread_mutex_lock(&list_lock);
    ((struct listed_ring *)state->ring)->used = false;
    pthread_mutex_unlock(&list_lock);
    state->ring = NULL;
}

int64_t od_logring_wall_ms(void)
{
    return od_clock_wall_ms();
}

/* Standard error may be closed or full: there is no better place to say so. */
static void write_all(const char *data, size_t len)
{
    while (len > 0) {
        ssize_t put = write(STDERR_FILENO, data, len);

        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            return;
        data += put;
        len -= (size_t)put;
    }
}

static void drain_ring(struct od_logring *ring)
{
    char printed[OD_LOG_PRINTED_MAX];
    struct od_logring_line line;
    uint32_t dropped;

    /* Bounded by the ring, so that a thread that never stops logging does not hold the drain. */
    for (int i = 0; i < OD_LOGRING_LINES && od_logring_take(ring, &line); i++)
        write_all(printed, od_logdrain_print(&line, printed));
    dropped = atomic_exchange_explicit(&ring->dropped, 0, memory_order_relaxed);
    if (dropped) {
        line.wall_ms = od_clock_wall_ms();
        line.level = OD_LOG_WARN;
        snprintf(line.text, sizeof(line.text), "os: %u log lines were dropped here", dropped);
        write_all(printed, od_logdrain_print(&line, printed));
    }
}

void od_log_flush(void)
{
    struct listed_ring *l;

    pthread_mutex_lock(&drain_lock);
    pthread_mutex_lock(&list_lock);
    l = rings;
    pthread_mutex_unlock(&list_lock);
    for (; l; l = l->next)
        drain_ring(&l->ring);
    pthread_mutex_unlock(&drain_lock);
}

void od_logring_added(struct od_logring *ring)
{
    struct od_gate *gate = atomic_load_explicit(&drain_gate, memory_order_acquire);

    (void)ring;
    if (gate)
        od_gate_open(gate);
    else
        od_log_flush();
}

static void drain(void *arg)
{
    struct od_gate *gate = arg;

    while (!atomic_load(&stopping)) {
        od_gate_wait(gate, -1);
        od_log_flush();
    }
}

enum od_err od_logdrain_start(void)
{
    struct od_gate *gate = od_gate_new();
    enum od_err err;

    atomic_store(&stopping, false);
    err = od_thread_start("od-log", drain, gate, &drain_thread);
    if (err) {
        od_gate_free(gate);
        return err;
    }
    atomic_store_explicit(&drain_gate, gate, memory_order_release);
    return OD_NONE;
}

void od_logdrain_stop(void)
{
    struct od_gate *gate = atomic_exchange(&drain_gate, NULL);

    if (!gate)
        return;
    atomic_store(&stopping, true);
    od_gate_open(gate);
    od_thread_join(drain_thread);
    od_gate_free(gate);
    od_log_flush();
}
