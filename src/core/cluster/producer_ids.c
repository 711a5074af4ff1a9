/* SPDX-License-Identifier: Apache-2.0 */
/* Blocks of producer ids: a broker gives out the ids of a block that is its own for ever. */
#include "core/cluster/cluster_internal.h"

void od_step_allocate_producer_ids(struct od_step *s, const struct od_allocate_producer_ids *c)
{
    const struct od_image_broker *b = od_image_broker_find(s->image, c->broker_id);
    int64_t first = s->image->next_producer_id;
    struct od_producer_ids_record *r;

    if (!b || b->epoch != c->broker_epoch) {
        od_step_refuse_all(s, OD_STALE_BROKER_EPOCH, "broker %d has registered anew since",
                           c->broker_id);
        return;
    }
    if (first > INT64_MAX - OD_PRODUCER_IDS_BLOCK) {
        od_step_refuse_all(s, OD_UNKNOWN_SERVER_ERROR, "every producer id was given out");
        return;
    }
    r = &od_step_add(s, OD_RECORD_PRODUCER_IDS)->producer_ids;
    r->broker_id = c->broker_id;
    r->broker_epoch = c->broker_epoch;
    r->next_producer_id = first + OD_PRODUCER_IDS_BLOCK;
    s->reply->producer_id = first;
}
