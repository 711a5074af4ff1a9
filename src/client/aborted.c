/* SPDX-License-Identifier: Apache-2.0 */
/* Transactions open and closed along a range of batches. */
#include "client/aborted.h"

#include "base/mem.h"

void od_aborted_begin(struct od_aborted *a, const struct od_fetch_rsp_partition *answer)
{
    a->listed = answer->aborted_transactions.v;
    a->listed_count = answer->aborted_transactions.n > 0 ? answer->aborted_transactions.n : 0;
    a->next = 0;
    a->open_count = 0;
    a->open = od_realloc(a->open, sizeof(*a->open) * ((size_t)a->listed_count + 1));
}

void od_aborted_deinit(struct od_aborted *a)
{
    od_free(a->open);
    *a = (struct od_aborted){ 0 };
}

static int32_t find_open(const struct od_aborted *a, int64_t producer_id)
{
    for (int32_t i = 0; i < a->open_count; i++)
        if (a->open[i] == producer_id)
            return i;
    return -1;
}

bool od_aborted_hides(struct od_aborted *a, const struct od_batch_header *h)
{
    int32_t at;

    while (a->next < a->listed_count &&
           a->listed[a->next].first_offset <= od_batch_last_offset(h)) {
        int64_t id = a->listed[a->next++].producer_id;

        if (find_open(a, id) < 0)
            a->open[a->open_count++] = id;
    }
    at = find_open(a, h->producer_id);
    if (h->attributes & OD_BATCH_CONTROL) {
        if (at >= 0)
            a->open[at] = a->open[--a->open_count];
        return true;
    }
    return h->attributes & OD_BATCH_TRANSACTIONAL && at >= 0;
}
