/* SPDX-License-Identifier: Apache-2.0 */
/* A sorted array; leader changes are rare, so that inserting is only ever at the end. */
#include "storage/epochs.h"

#include "base/mem.h"

#include <string.h>

void od_epochs_deinit(struct od_epochs *e)
{
    od_free(e->v);
    *e = (struct od_epochs){ 0 };
}

bool od_epochs_add(struct od_epochs *e, int32_t epoch, int64_t start_offset)
{
    if (epoch <= od_epochs_latest(e))
        return false;
    /* An epoch in which nothing was appended gives way to the one that begins at its place. */
    while (e->n && e->v[e->n - 1].start_offset >= start_offset)
        e->n--;
    if (e->n == e->capacity) {
        e->capacity = e->capacity ? e->capacity * 2 : 1;
        e->v = od_realloc(e->v, (size_t)e->capacity * sizeof(*e->v));
    }
    e->v[e->n++] = (struct od_epoch){ epoch, start_offset };
    return true;
}

void od_epochs_cut_end(struct od_epochs *e, int64_t end_offset)
{
    while (e->n && e->v[e->n - 1].start_offset >= end_offset)
        e->n--;
}

void od_epochs_cut_start(struct od_epochs *e, int64_t start_offset)
{
    int32_t gone = 0;

    while (gone + 1 < e->n && e->v[gone + 1].start_offset <= start_offset)
        gone++;
    if (gone) {
        e->n -= gone;
        memmove(e->v, e->v + gone, (size_t)e->n * sizeof(*e->v));
    }
    if (e->n && e->v[0].start_offset < start_offset)
        e->v[0].start_offset = start_offset;
}

int32_t od_epochs_latest(const struct od_epochs *e)
{
    return e->n ? e->v[e->n - 1].epoch : -1;
}

int32_t od_epochs_at(const struct od_epochs *e, int64_t offset)
{
    for (int32_t i = e->n - 1; i >= 0; i--)
        if (e->v[i].start_offset <= offset)
            return e->v[i].epoch;
    return -1;
}

void od_epochs_end(const struct od_epochs *e, int32_t epoch, int64_t log_end, int32_t *found,
                   int64_t *end)
{
    int32_t above = 0;

    *found = -1;
    *end = -1;
    if (epoch < 0 || !e->n || epoch > od_epochs_latest(e))
        return;
    if (epoch == od_epochs_latest(e)) {
        *found = epoch;
        *end = log_end;
        return;
    }
    while (e->v[above].epoch <= epoch)
        above++;
    /* Below the first known epoch: it ended where that one starts. */
    *found = above ? e->v[above - 1].epoch : epoch;
    *end = e->v[above].start_offset;
}
