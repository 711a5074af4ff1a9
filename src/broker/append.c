/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Draining the append list: sequences are checked, offsets given, batches patched in place and
 * written in one gather, the machine is stepped, and answers move out.  Called with the partition
 * entered.
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

/* --- duplicates ------------------------------------------------------------------------------ */

static int64_t last_offset(const struct od_append *a)
{
    return a->base_offset + a->record_count - 1;
}

/* The pending list ascends by last offset; a duplicate's place is not at its end. */
static void push_pending(struct od_partition *p, struct od_append *a)
{
    struct od_link *before = p->pending.head.prev;

    while (before != &p->pending.head &&
           last_offset(OD_CONTAINER(before, struct od_append, link)) > last_offset(a))
        before = before->prev;
    a->link.prev = before;
    a->link.next = before->next;
    before->next->prev = &a->link;
    before->next = &a->link;
}

/* Its original is in the log: it waits like that one, and is told the same. */
static void settle_duplicate(struct od_partition *p, struct od_append *a, struct od_effects *fx)
{
    a->leader_epoch = p->replica.leader_epoch;
    a->log_start = od_plog_start_offset(p->plog);
    if (a->acks == -1 && !OD_MUTANT(broker_duplicate_early))
        push_pending(p, a);
    else
        finish(a, OD_NONE, fx);
}

/* After the gather: those of which the original was in it share its fate. */
static void settle_duplicates(struct od_partition *p, struct od_list *duplicates,
                              struct od_effects *fx)
{
    struct od_link *n;

    while ((n = od_list_pop(duplicates))) {
        struct od_append *a = OD_CONTAINER(n, struct od_append, link);

        if (a->original && a->original->base_offset < 0) {
            a->base_offset = -1;
            finish(a, a->original->err, fx);
        } else {
            settle_duplicate(p, a, fx);
        }
    }
    od_partition_settle_pending(p, fx);
}

/* --- gathering ------------------------------------------------------------------------------- */

/* One gather in the making. */
struct gather {
    struct od_append *appends[OD_PLOG_GATHER_BATCHES];
    struct od_plog_batch batches[OD_PLOG_GATHER_BATCHES];
    struct od_list duplicates; /* od_append.link */
    struct od_producer_stage stage;
    int n;
};

/* What the producer's state says; false: refused, or there already. */
static bool admit(struct gather *g, struct od_append *a, struct od_effects *fx)
{
    struct od_producer_verdict v;

    if (!a->idempotent)
        return true;
    od_producer_check(&g->stage, &a->producer, &v);
    if (v.err) {
        finish(a, v.err, fx);
        return false;
    }
    if (!v.duplicate)
        return true;
    a->duplicate = true;
    a->duplicate_timestamp = v.timestamp;
    a->base_offset = v.base_offset;
    a->original = v.place >= 0 ? g->appends[v.place] : NULL;
    od_list_push(&g->duplicates, &a->link);
    return false;
}

static void stage(struct gather *g, struct od_append *a)
{
    if (!a->idempotent)
        return;
    a->producer.base_offset = a->base_offset;
    a->producer.last_offset = last_offset(a);
    od_producer_stage_add(&g->stage, &a->producer, g->n);
}

/* Takes a gather's worth from the queue, patched and ready; what may not be appended is finished,
 * what is in the log already goes to the duplicates. */
static void gather(struct od_partition *p, struct od_list *queue, struct gather *g,
                   struct od_effects *fx)
{
    int64_t offset = od_plog_end_offset(p->plog);
    size_t bytes = 0;

    g->n = 0;
    od_list_init(&g->duplicates);
    od_producer_stage_begin(&g->stage, od_plog_producers(p->plog));
    while (g->n < OD_PLOG_GATHER_BATCHES) {
        struct od_link *first = od_list_first(queue);
        struct od_append *a;
        enum od_err err;

        if (!first)
            break;
        a = OD_CONTAINER(first, struct od_append, link);
        if (g->n > 0 && bytes + a->len > OD_PLOG_GATHER_BYTES)
            break;
        od_link_remove(first);
        err = od_replica_check_produce(&p->replica, a->acks);
        if (err) {
            finish(a, err, fx);
            continue;
        }
        if (!admit(g, a, fx))
            continue;
        a->base_offset = offset;
        a->leader_epoch = p->replica.leader_epoch;
        od_batch_set_base_offset(a->data, offset);
        od_batch_set_leader_epoch(a->data, a->leader_epoch);
        g->batches[g->n] = (struct od_plog_batch){
            .data = a->data,
            .len = a->len,
            .base_offset = offset,
            .last_offset = last_offset(a),
            .max_timestamp = a->max_timestamp,
            .leader_epoch = a->leader_epoch,
        };
        stage(g, a);
        g->appends[g->n++] = a;
        if (!OD_MUTANT(broker_offset_twice))
            offset += a->record_count;
        bytes += a->len;
    }
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

static void append_gathered(struct od_partition *p, struct gather *g, struct od_effects *fx)
{
    int done = 0;
    enum od_err err = od_plog_append(p->plog, g->batches, g->n, &done);

    OD_ASSERT(!err == (done == g->n));
    for (int i = 0; i < done; i++)
        settle(p, g->appends[i], fx);
    for (int i = done; i < g->n; i++) {
        g->appends[i]->base_offset = -1;
        finish(g->appends[i], err, fx);
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
    struct gather g;
    struct od_list queue;

    od_list_init(&queue);
    for (int round = 0; round < ROUNDS_MAX || !od_list_empty(&queue); round++) {
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
        gather(p, &queue, &g, fx);
        if (g.n > 0)
            append_gathered(p, &g, fx);
        if (!od_list_empty(&g.duplicates))
            settle_duplicates(p, &g.duplicates, fx);
    }
    od_partition_want_flush(p, fx);
    od_partition_want_write_back(p, fx);
}
