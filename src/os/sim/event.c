/* SPDX-License-Identifier: Apache-2.0 */
/* What happens at a virtual time: a binary heap ordered by time, then by order of arrival. */
#include "base/mem.h"
#include "os/sim/world.h"

struct event {
    int64_t at_ns;
    uint64_t order;
    od_sim_fire *fire;
    void *arg;
    uint64_t n;
};

static struct {
    struct event *v;
    uint32_t count, capacity;
    uint64_t arrived;
} heap;

static bool before(const struct event *a, const struct event *b)
{
    return a->at_ns != b->at_ns ? a->at_ns < b->at_ns : a->order < b->order;
}

void od_sim_at(int64_t at_ns, od_sim_fire *fire, void *arg, uint64_t n)
{
    struct event e = { at_ns, heap.arrived++, fire, arg, n };
    uint32_t i;

    if (heap.count == heap.capacity) {
        heap.capacity = heap.capacity ? heap.capacity * 2 : 256;
        heap.v = od_realloc(heap.v, heap.capacity * sizeof(*heap.v));
    }
    for (i = heap.count++; i > 0 && before(&e, &heap.v[(i - 1) / 2]); i = (i - 1) / 2)
        heap.v[i] = heap.v[(i - 1) / 2];
    heap.v[i] = e;
}

int64_t od_sim_next_event_ns(void)
{
    return heap.count > 0 ? heap.v[0].at_ns : INT64_MAX;
}

static struct event pop(void)
{
    struct event top = heap.v[0], last = heap.v[--heap.count];
    uint32_t i = 0;

    for (;;) {
        uint32_t child = 2 * i + 1;

        if (child >= heap.count)
            break;
        if (child + 1 < heap.count && before(&heap.v[child + 1], &heap.v[child]))
            child++;
        if (!before(&heap.v[child], &last))
            break;
        heap.v[i] = heap.v[child];
        i = child;
    }
    if (heap.count > 0)
        heap.v[i] = last;
    return top;
}

void od_sim_fire_due(void)
{
    while (heap.count > 0 && heap.v[0].at_ns <= od_world.now_ns) {
        struct event e = pop();

        e.fire(e.arg, e.n);
    }
}
