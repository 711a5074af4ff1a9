/* SPDX-License-Identifier: Apache-2.0 */
/* The model log: records, leader epochs, how far the disk has got. */
#include "base/assert.h"
#include "replica_world.h"

#include <string.h>

void log_epoch_end(const struct model_log *l, int32_t epoch, int32_t *found, int64_t *end)
{
    int at = l->epochs_n - 1;

    *found = -1;
    *end = -1;
    if (l->epochs_n == 0 || epoch > l->epochs[at].epoch)
        return;
    while (at >= 0 && l->epochs[at].epoch > epoch)
        at--;
    *found = at < 0 ? epoch : l->epochs[at].epoch;
    *end = at + 1 < l->epochs_n ? l->epochs[at + 1].start : l->end;
}

int32_t log_last_epoch(const struct model_log *l)
{
    return l->epochs_n == 0 ? -1 : l->epochs[l->epochs_n - 1].epoch;
}

int64_t log_epoch_start(const struct model_log *l, int32_t epoch)
{
    for (int i = 0; i < l->epochs_n; i++)
        if (l->epochs[i].epoch == epoch)
            return l->epochs[i].start;
    return -1;
}

void log_start_epoch(struct model_log *l, int32_t epoch, int64_t start)
{
    OD_ASSERT(epoch > log_last_epoch(l));
    /* An epoch without records says nothing once a newer one starts at the same place. */
    if (l->epochs_n > 0 && l->epochs[l->epochs_n - 1].start == start)
        l->epochs_n--;
    OD_ASSERT(l->epochs_n < EPOCHS_MAX);
    l->epochs[l->epochs_n++] = (struct epoch_entry){ epoch, start };
}

void log_append(struct model_log *l, struct record r)
{
    OD_ASSERT(l->end < LOG_MAX);
    if (r.epoch > log_last_epoch(l))
        log_start_epoch(l, r.epoch, l->end);
    OD_ASSERT(r.epoch == log_last_epoch(l));
    l->v[l->end++] = r;
}

void log_cut(struct model_log *l, int64_t offset)
{
    if (offset < l->end)
        memset(&l->v[offset], 0, (size_t)(l->end - offset) * sizeof(l->v[0]));
    l->end = offset < l->end ? offset : l->end;
    l->durable_end = l->durable_end < l->end ? l->durable_end : l->end;
    while (l->epochs_n > 0 && l->epochs[l->epochs_n - 1].start >= offset)
        l->epochs_n--;
}
