/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What must hold (I1-I6 and I12 of the reliability goals):
 * I1 what acks=all acknowledged is committed, and every new leader has all that is committed;
 * I2 replicas agree below their high watermarks;
 * I3 each running member of the in-sync set and of the eligible leaders has all that is committed;
 * I4 the set that moves the mark contains the controller's in-sync set and eligible leaders;
 * I5 one writer per leader epoch;
 * I6 what was read never changes;
 * and: marks published under one leader epoch never pass the start of a later one; a leader that
 * says it is ready answers with a mark not below those of former leaders; I12 after healing.
 */
#include "replica_world.h"

static struct model_partition *partition_of(struct world *w, int n, int partition)
{
    return &w->nodes[n].partitions[partition];
}

static bool same(struct record a, struct record b)
{
    return a.epoch == b.epoch && a.value == b.value;
}

/* Everything below the mark must be what has been committed there. */
static void check_committed(struct world *w, int n, int partition, int64_t from, int64_t to)
{
    const struct model_log *l = &partition_of(w, n, partition)->log;
    struct truth *t = &w->truth[partition];

    for (int64_t at = from; at < to; at++) {
        if (t->committed[at].epoch == 0)
            t->committed[at] = l->v[at];
        if (!same(t->committed[at], l->v[at]))
            world_fail(w, "I2: node %d partition %d offset %ld: epoch %d value %u, committed was "
                          "epoch %d value %u",
                       n, partition, (long)at, l->v[at].epoch, l->v[at].value,
                       t->committed[at].epoch, t->committed[at].value);
    }
}

void check_high_watermark(struct world *w, int n, int partition, int64_t before)
{
    const struct od_replica *r = &partition_of(w, n, partition)->machine;
    struct truth *t = &w->truth[partition];

    if (r->high_watermark < before)
        world_fail(w, "node %d partition %d: the high watermark goes back from %ld to %ld", n,
                   partition, (long)before, (long)r->high_watermark);
    if (r->high_watermark > partition_of(w, n, partition)->log.end)
        world_fail(w, "node %d partition %d: high watermark above the log", n, partition);
    world_note(w, "node %d partition %d: high watermark %ld, end %ld, epoch %d, isr %d", n,
               partition, (long)r->high_watermark, (long)r->end, r->leader_epoch,
               od_replica_isr_count(r));
    check_committed(w, n, partition, before, r->high_watermark);
    if (r->state != OD_REPLICA_LEADER)
        return;
    if (r->high_watermark > t->committed_n)
        t->committed_n = r->high_watermark;
    if (r->high_watermark > t->epoch_hw[r->leader_epoch])
        t->epoch_hw[r->leader_epoch] = r->high_watermark;
    for (int32_t e = r->leader_epoch + 1; e <= t->epochs_max; e++)
        if (t->epoch_start[e] >= 0 && t->epoch_start[e] < r->high_watermark)
            world_fail(w, "I1: partition %d: node %d of epoch %d commits up to %ld, but epoch %d "
                          "began at %ld",
                       partition, n, r->leader_epoch, (long)r->high_watermark, e,
                       (long)t->epoch_start[e]);
}

void check_epoch_started(struct world *w, int n, int partition, int32_t epoch, int64_t start)
{
    struct truth *t = &w->truth[partition];
    int64_t committed = 0; /* under former epochs; this one may be history already */

    if (epoch > t->epochs_max)
        t->epochs_max = epoch;
    t->epoch_start[epoch] = start;
    world_note(w, "node %d leads partition %d in epoch %d from %ld", n, partition, epoch,
               (long)start);
    for (int32_t e = 0; e < epoch; e++) {
        if (t->epoch_hw[e] > start)
            world_fail(w, "I1: partition %d: node %d begins epoch %d at %ld, epoch %d had "
                          "committed up to %ld",
                       partition, n, epoch, (long)start, e, (long)t->epoch_hw[e]);
        committed = t->epoch_hw[e] > committed ? t->epoch_hw[e] : committed;
    }
    check_committed(w, n, partition, 0, committed);
}

void check_append(struct world *w, int n, int partition, int32_t epoch)
{
    struct truth *t = &w->truth[partition];

    if (t->writer[epoch] != 0 && t->writer[epoch] != n + 1)
        world_fail(w, "I5: nodes %d and %d write in epoch %d of partition %d", t->writer[epoch] - 1,
                   n, epoch, partition);
    t->writer[epoch] = (int8_t)(n + 1);
}

void check_ack(struct world *w, int n, int partition, const struct waiter *a)
{
    struct truth *t = &w->truth[partition];
    struct record r = t->committed[a->offset];

    if (a->offset >= t->committed_n || r.value != a->value || r.epoch != a->epoch)
        world_fail(w, "I1: node %d acknowledges value %u at %ld of partition %d, which is not "
                      "committed there",
                   n, a->value, (long)a->offset, partition);
    t->acked[a->offset] = 1;
    t->acks++;
}

void check_read(struct world *w, int n, int partition, int64_t offset)
{
    const struct model_log *l = &partition_of(w, n, partition)->log;

    w->reads++;
    if (!same(w->truth[partition].committed[offset], l->v[offset]))
        world_fail(w, "I6: node %d shows another record at %ld of partition %d", n, (long)offset,
                   partition);
}

void check_latest(struct world *w, int n, int partition, int64_t latest)
{
    const struct truth *t = &w->truth[partition];
    int32_t epoch = partition_of(w, n, partition)->machine.leader_epoch;

    for (int32_t e = 0; e < epoch; e++)
        if (t->epoch_hw[e] > latest)
            world_fail(w, "R10: node %d of epoch %d says %ld is the end of partition %d, epoch %d "
                          "had shown %ld",
                       n, epoch, (long)latest, partition, e, (long)t->epoch_hw[e]);
}

static bool is_known_life(const struct world *w, int n)
{
    return w->nodes[n].up && w->ctl.brokers[n].life == w->nodes[n].life;
}

static void check_quorum(struct world *w, int n, int partition)
{
    const struct od_replica *r = &partition_of(w, n, partition)->machine;
    const struct ctl_partition *c = &w->ctl.partitions[partition];

    if (!w->nodes[n].up || r->state != OD_REPLICA_LEADER || r->leader_epoch != c->leader_epoch ||
        od_replica_check_produce(r, -1) != OD_NONE)
        return;
    for (int32_t i = 0; i < r->peer_count; i++) {
        const struct od_replica_peer *p = &r->peers[i];

        if (((c->isr | c->elr) >> p->broker & 1) && !p->in_isr && !(r->pending && p->proposed))
            world_fail(w, "I4: node %d leads partition %d without waiting for node %d", n,
                       partition, p->broker);
    }
}

/* The last committed record stands for all before it: that logs match is checked elsewhere. */
static bool has_committed(const struct world *w, int partition, const struct model_log *l)
{
    int64_t n = w->truth[partition].committed_n;

    return n == 0 || (l->end >= n && same(l->v[n - 1], w->truth[partition].committed[n - 1]));
}

void check_always(struct world *w)
{
    for (int i = 0; i < PARTITIONS; i++) {
        const struct ctl_partition *c = &w->ctl.partitions[i];

        for (int n = 0; n < NODES; n++) {
            const struct model_log *l = &partition_of(w, n, i)->log;

            if (((c->isr | c->elr) >> n & 1) && is_known_life(w, n) && !has_committed(w, i, l))
                world_fail(w, "I3: node %d is in isr %x or elr %x of partition %d, ends at %ld and "
                              "has not all of the %ld committed",
                           n, c->isr, c->elr, i, (long)l->end, (long)w->truth[i].committed_n);
            check_quorum(w, n, i);
        }
    }
}

static void check_partition_healed(struct world *w, int partition)
{
    const struct ctl_partition *c = &w->ctl.partitions[partition];
    const struct truth *t = &w->truth[partition];

    if (c->leader < 0 || c->isr != (1u << NODES) - 1)
        world_fail(w, "I12: partition %d has leader %d and isr %x", partition, c->leader, c->isr);

    const struct model_partition *leader = partition_of(w, c->leader, partition);

    if (!od_replica_reads_ready(&leader->machine) || leader->waiters_n > 0 ||
        leader->machine.high_watermark != leader->log.end)
        world_fail(w, "I12: partition %d: high watermark %ld, end %ld, %d producers wait",
                   partition, (long)leader->machine.high_watermark, (long)leader->log.end,
                   leader->waiters_n);
    for (int n = 0; n < NODES; n++) {
        check_committed(w, n, partition, 0, t->committed_n);
        if (partition_of(w, n, partition)->log.end != leader->log.end)
            world_fail(w, "I12: partition %d: node %d ends at %ld, leader %d at %ld", partition, n,
                       (long)partition_of(w, n, partition)->log.end, c->leader,
                       (long)leader->log.end);
    }
}

void check_healed(struct world *w)
{
    for (int i = 0; i < PARTITIONS; i++)
        check_partition_healed(w, i);
}
