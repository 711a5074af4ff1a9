/* SPDX-License-Identifier: Apache-2.0 */
/* Threads as fibers, and the gates they sleep on. */
#include "os/thread.h"

#include "base/assert.h"
#include "base/mem.h"
#include "os/sim/world.h"

struct od_gate {
    bool open;
    struct od_list waiters; /* of od_thread.in_queue */
};

int64_t od_thread_cpu_ns(void)
{
    return 0;
}

enum od_err od_thread_start(const char *name, void (*main)(void *arg), void *arg,
                            struct od_thread **out)
{
    *out = od_fiber_new(od_sim_here(), name, main, arg);
    od_sim_step(OD_CALL_THREAD, (*out)->id, 0);
    return OD_NONE;
}

void od_thread_join(struct od_thread *t)
{
    od_sim_step(OD_CALL_JOIN, t->id, 0);
    if (t->status != OD_FIBER_ENDED) {
        OD_ASSERT(!t->joiner);
        t->joiner = od_world.running;
        (void)od_sim_block(-1);
    }
    OD_ASSERT(t->status == OD_FIBER_ENDED);
}

struct od_gate *od_gate_new(void)
{
    struct od_gate *g = OD_NEW(struct od_gate);

    od_list_init(&g->waiters);
    return g;
}

void od_gate_free(struct od_gate *g)
{
    OD_ASSERT(od_list_empty(&g->waiters));
    od_free(g);
}

void od_gate_wait(struct od_gate *g, int64_t timeout_ms)
{
    struct od_thread *f = od_world.running;

    od_sim_step(OD_CALL_GATE_WAIT, (uint64_t)timeout_ms, g->open);
    if (!g->open) {
        od_list_push(&g->waiters, &f->in_queue);
        (void)od_sim_block(timeout_ms < 0 ? -1 : od_world.now_ns + timeout_ms * 1000000);
        od_link_remove(&f->in_queue);
    }
    g->open = false;
}

void od_gate_open(struct od_gate *g)
{
    g->open = true;
    for (struct od_link *link; (link = od_list_pop(&g->waiters));) {
        struct od_thread *f = OD_CONTAINER(link, struct od_thread, in_queue);

        if (f->status != OD_FIBER_BLOCKED)
            continue; /* timed out, not yet resumed */
        g->open = false;
        od_sim_wake(f);
        break;
    }
    od_sim_step(OD_CALL_GATE_OPEN, 0, 0);
}
