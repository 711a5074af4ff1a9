/* SPDX-License-Identifier: Apache-2.0 */
/* Readiness in the simulator: a list of sockets, looked through from a drawn place. */
#include "os/poll.h"

#include "base/assert.h"
#include "base/mem.h"
#include "os/sim/network.h"

struct od_poll {
    struct od_socket **sockets;
    uint32_t count, capacity;
    bool woken;
    struct od_thread *waiter;
};

enum od_err od_poll_new(struct od_poll **out)
{
    *out = OD_NEW(struct od_poll);
    return OD_NONE;
}

void od_poll_free(struct od_poll *p)
{
    OD_ASSERT(p->count == 0 && !p->waiter);
    od_free(p->sockets);
    od_free(p);
}

enum od_err od_poll_add(struct od_poll *p, struct od_socket *s, unsigned want, void *tag)
{
    OD_ASSERT(!s->poll);
    if (p->count == p->capacity) {
        p->capacity = p->capacity ? p->capacity * 2 : 16;
        p->sockets = od_realloc(p->sockets, p->capacity * sizeof(struct od_socket *));
    }
    p->sockets[p->count++] = s;
    s->poll = p;
    s->want = want;
    s->tag = tag;
    return OD_NONE;
}

void od_poll_change(struct od_poll *p, struct od_socket *s, unsigned want, void *tag)
{
    OD_ASSERT(s->poll == p);
    s->want = want;
    s->tag = tag;
}

void od_poll_remove(struct od_poll *p, struct od_socket *s)
{
    uint32_t i = 0;

    OD_ASSERT(s->poll == p);
    while (p->sockets[i] != s)
        i++;
    p->sockets[i] = p->sockets[--p->count];
    s->poll = NULL;
}

static unsigned wanted(const struct od_socket *s)
{
    return od_socket_readiness(s) & (s->want | OD_POLL_HANGUP);
}

static int collect(struct od_poll *p, struct od_poll_event *events, int max)
{
    uint64_t first = p->count > 0 ? od_rng_below(&od_world.wire, p->count) : 0;
    int n = 0;

    for (uint32_t i = 0; i < p->count && n < max; i++) {
        struct od_socket *s = p->sockets[(first + i) % p->count];
        unsigned ready = wanted(s);

        if (ready)
            events[n++] = (struct od_poll_event){ s->tag, ready };
    }
    return n;
}

int od_poll_wait(struct od_poll *p, struct od_poll_event *events, int max, int64_t timeout_ms)
{
    int n;

    od_sim_step(OD_CALL_POLL, p->count, (uint64_t)timeout_ms);
    n = collect(p, events, max);
    if (n == 0 && !p->woken && timeout_ms != 0) {
        p->waiter = od_world.running;
        (void)od_sim_block(timeout_ms < 0 ? -1 : od_world.now_ns + timeout_ms * 1000000);
        p->waiter = NULL;
        n = collect(p, events, max);
    }
    p->woken = false;
    return n;
}

void od_poll_wake(struct od_poll *p)
{
    p->woken = true;
    if (p->waiter)
        od_sim_wake(p->waiter);
    od_sim_step(OD_CALL_WAKE, p->count, 0);
}

void od_poll_poke(struct od_socket *s)
{
    if (s->poll && s->poll->waiter && wanted(s))
        od_sim_wake(s->poll->waiter);
}
