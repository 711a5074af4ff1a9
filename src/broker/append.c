/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Draining the append list: offsets are given, batches patched in place and written in one gather,
 * the machine is stepped, and answers move out.  Called with the partition entered.
 */
#include "broker/partition_internal.h"

#include "base/assert.h"
#include "base/mutant.h"
#include "wire/batch.h"

enum { ROUNDS_MAX = 64 }; /* gathers in one hold of the lock: at most 64 MiB */

static void finish(struct od_append *a, enum od_err err, struct od_effects *fx)
{
    a->err = err;
    od_list_push(&fx->finished, &a->link);
}

/* Moves what was pushed into arrival order behind what is left of the last round. */
static void take_pushed(struct od_partition *p, struct od_list *queue)
{
    struct od_mpsc_node *n = od_mpsc_take(&p->appends);

    while (n) {
        struct od_append *a = OD_CONTAINER(n, struct od_append, node);

        n = n->next;
        a->link = (struct od_link){ 0 };
        od_list_push(queue, &a->link);
    }
}

/* Takes a gather's worth from the queue, patched and ready; what may not be appended is finished.
 */
static int gather(struct od_partition *p, struct od_list *queue, struct od_append **appends,
                  struct od_plog_batch *batches, struct od_effects *fx)
{
    int64_t offset = od_plog_end_offset(p->plog);
    size_t bytes = 0;
    int n = 0;

    while (n < OD_PLOG_GATHER_BATCHES) {
        struct od_link *first = od_list_first(queue);
        struct od_append *a;
        enum od_err err;

        if (!first)
            break;
        a = OD_CONTAINER(first, struct od_append, link);
        if (n > 0 && bytes + a->len > OD_PLOG_GATHER_BYTES)
            break;
        od_link_remove(first);
        err = od_replica_check_produce(&p->replica, a->acks);
        if (err) {
            finish(a, err, fx);
            continue;
        }
        a->base_offset = offset;
        a->leader_epoch = p->replica.leader_epoch;
        od_batch_set_base_offset(a->data, offset);
        od_batch_set_leader_epoch(a->data, a->leader_epoch);
        batches[n] = (struct od_plog_batch){
            .data = a->data,
            .len = a->len,
            .base_offset = offset,
            .last_offset = offset + a->record_count - 1,
            .max_timestamp = a->max_timestamp,
            .leader_epoch = a->leader_epoch,
        };
        appends[n++] = a;
        if (!OD_MUTANT(broker_offset_twice))
            offset += a->record_count;
        bytes += a->len;
    }
    return n;
}

/* Appended: acks=all waits for the high watermark, the others are done. */
static void settle(struct od_partition *p, struct od_append *a, struct od_effects *fx)
{
    a->log_start = od_plog_start_offset(p->plog);
    if (a->acks == -1 && !OD_MUTANT(broker_early_ack))
        od_list_push(&p->pending, &a->link);
    else
        finish(a, OD_NONE, fx);
}

static void append_gathered(struct od_partition *p, struct od_append **appends,
                            const struct od_plog_batch *batches, int n, struct od_effects *fx)
{
    int done = 0;
    enum od_err err = od_plog_append(p->plog, batches, n, &done);

    OD_ASSERT(!err == (done == n));
    for (int i = 0; i < done; i++)
        settle(p, appends[i], fx);
    for (int i = done; i < n; i++) {
        appends[i]->base_offset = -1;
        finish(appends[i], err, fx);
    }
    if (done > 0)
        od_partition_step(p,
                          &(struct od_replica_event){
                              .kind = OD_REPLICA_EV_APPENDED,
                              .now_ms = od_partition_now_ms(),
                              .appended = { .end = od_plog_end_offset(p->plog),
                                            .last_epoch = od_plog_epoch_latest(p->plog) },
                          },
                          fx);
    if (err == OD_E_FENCED || err == OD_E_IO)
        od_partition_step(p, &(struct od_replica_event){ .kind = OD_REPLICA_EV_FENCED }, fx);
}

void od_partition_drain_locked(struct od_partition *p, struct od_effects *fx)
{
    struct od_append *appends[OD_PLOG_GATHER_BATCHES];
    struct od_plog_batch batches[OD_PLOG_GATHER_BATCHES];
    struct od_list queue;

    od_list_init(&queue);
    for (int round = 0; round < ROUNDS_MAX || !od_list_empty(&queue); round++) {
        int n;

        if (round < ROUNDS_MAX)
            take_pushed(p, &queue);
        if (od_list_empty(&queue))
            break;
        if (!p->plog) {
            OD_LIST_EACH(&queue, link) {
                od_link_remove(link);
                finish(OD_CONTAINER(link, struct od_append, link), p->absent_err, fx);
            }
            continue;
        }
        n = gather(p, &queue, appends, batches, fx);
        if (n > 0)
            append_gathered(p, appends, batches, n, fx);
    }
    od_partition_want_flush(p, fx);
    od_partition_want_write_back(p, fx);
}
