/* SPDX-License-Identifier: Apache-2.0 */
/* Binary heap of deadlines; each element knows its place, so that it can be moved and removed. */
#include "core/common/deadlines.h"

#include "base/assert.h"
#include "base/mem.h"

static void place(struct od_deadlines *d, int32_t at, struct od_deadline *e)
{
    d->v[at] = e;
    e->index = at;
}

static void rise(struct od_deadlines *d, int32_t at, struct od_deadline *e)
{
    while (at > 1 && e->due_ms < d->v[at / 2]->due_ms) {
        place(d, at, d->v[at / 2]);
        at /= 2;
    }
    place(d, at, e);
}

static void sink(struct od_deadlines *d, int32_t at, struct od_deadline *e)
{
    for (;;) {
        int32_t child = at * 2;

        if (child > d->count)
            break;
        if (child < d->count && d->v[child + 1]->due_ms < d->v[child]->due_ms)
            child++;
        if (e->due_ms <= d->v[child]->due_ms)
            break;
        place(d, at, d->v[child]);
        at = child;
    }
    place(d, at, e);
}

/* Puts e where it belongs, beginning at a free place. */
static void settle(struct od_deadlines *d, int32_t at, struct od_deadline *e)
{
    if (at > 1 && e->due_ms < d->v[at / 2]->due_ms)
        rise(d, at, e);
    else
        sink(d, at, e);
}

void od_deadlines_deinit(struct od_deadlines *d)
{
    od_free(d->v);
    *d = (struct od_deadlines){ 0 };
}

void od_deadline_set(struct od_deadlines *d, struct od_deadline *e, int64_t due_ms)
{
    e->due_ms = due_ms;
    if (e->index) {
        settle(d, e->index, e);
        return;
    }
    OD_ASSERT(d->count < INT32_MAX / 2 - 1);
    if (d->count + 1 >= d->capacity) {
        d->capacity = d->capacity ? d->capacity * 2 : 16;
        d->v = od_realloc(d->v, (size_t)d->capacity * sizeof(struct od_deadline *));
    }
    d->count++;
    rise(d, d->count, e);
}

void od_deadline_clear(struct od_deadlines *d, struct od_deadline *e)
{
    int32_t at = e->index;
    struct od_deadline *last;

    if (!at)
        return;
    e->index = 0;
    last = d->v[d->count--];
    if (last != e)
        settle(d, at, last);
}

int64_t od_deadlines_next_ms(const struct od_deadlines *d)
{
    return d->count ? d->v[1]->due_ms : INT64_MAX;
}

struct od_deadline *od_deadlines_take(struct od_deadlines *d, int64_t now_ms)
{
    struct od_deadline *e;

    if (!d->count || d->v[1]->due_ms > now_ms)
        return NULL;
    e = d->v[1];
    od_deadline_clear(d, e);
    return e;
}
