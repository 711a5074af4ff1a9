/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The model controller: registration, sessions, elections from the in-sync set or the eligible
 * leaders (KIP-966), changes of the in-sync set fenced by leader, partition and broker epochs.
 * Its state never goes back; a fail-over is a time in which it hears nothing.
 */
#include "base/assert.h"
#include "replica_world.h"

static const uint32_t everyone = (1u << NODES) - 1;

static uint32_t bit(int n)
{
    return 1u << n;
}

static int count(uint32_t set)
{
    return __builtin_popcount(set);
}

static bool is_active(const struct world *w, int n)
{
    return w->ctl.brokers[n].epoch >= 0 && !w->ctl.brokers[n].fenced;
}

static bool is_eligible(const struct world *w, int n)
{
    return is_active(w, n) && !w->ctl.brokers[n].shutting_down;
}

/* Those who leave stay eligible while the set is too small to move the high watermark. */
static void set_isr(struct world *w, struct ctl_partition *p, uint32_t isr, uint32_t unclean)
{
    uint32_t elr = (p->elr | p->isr) & ~isr & ~unclean;

    if (count(isr) >= (w->swarm.min_isr < NODES ? w->swarm.min_isr : NODES))
        elr = 0;
    if (p->isr == isr && p->elr == elr)
        return;
    p->isr = isr;
    p->elr = elr;
    p->partition_epoch++;
    w->ctl.version++;
    world_note(w, "controller: partition %ld, isr %x, elr %x", (long)(p - w->ctl.partitions), isr,
               elr);
}

static void set_leader(struct world *w, struct ctl_partition *p, int leader)
{
    if (leader >= 0 && !(p->isr & bit(leader)))
        set_isr(w, p, p->isr | bit(leader), 0);
    p->leader = leader;
    p->leader_epoch++;
    p->partition_epoch++;
    w->ctl.version++;
    w->elections++;
    OD_ASSERT(p->leader_epoch < EPOCHS_MAX);
    world_note(w, "controller: partition %ld, leader %d of epoch %d, isr %x, elr %x",
               (long)(p - w->ctl.partitions), leader, p->leader_epoch, p->isr, p->elr);
}

static int pick(struct world *w, uint32_t set)
{
    int n = count(set);
    int64_t skip = n > 0 ? world_random(w, n) : 0;

    for (int i = 0; i < NODES; i++)
        if ((set & bit(i)) && skip-- == 0)
            return i;
    return -1;
}

static void elect(struct world *w, struct ctl_partition *p)
{
    uint32_t good = 0, fair = 0;

    for (int i = 0; i < NODES; i++) {
        good |= is_eligible(w, i) ? bit(i) : 0;
        fair |= is_active(w, i) ? bit(i) : 0;
    }
    if (p->leader >= 0 && (p->isr & fair & bit(p->leader)) &&
        ((good & bit(p->leader)) || !(p->isr & good)))
        return;
    int leader = pick(w, p->isr & good);

    if (leader < 0)
        leader = pick(w, p->elr & good);
    if (leader != p->leader)
        set_leader(w, p, leader);
}

static void fence(struct world *w, int n)
{
    w->ctl.brokers[n].fenced = true;
    w->ctl.version++;
    for (int i = 0; i < PARTITIONS; i++) {
        struct ctl_partition *p = &w->ctl.partitions[i];

        set_isr(w, p, p->isr & ~bit(n), 0);
        if (p->leader == n)
            p->leader = -1;
        elect(w, p);
        if (p->leader < 0 && p->leader_epoch > 0) {
            p->leader_epoch++; /* whoever led does so no longer */
            p->partition_epoch++;
            w->ctl.version++;
        }
    }
}

static void on_register(struct world *w, const struct message *m)
{
    struct ctl_broker *b = &w->ctl.brokers[m->from];
    bool clean = m->reg.clean && m->reg.last_epoch == b->epoch;

    if (b->life == m->from_life || m->from_life != w->nodes[m->from].life)
        return; /* done already; or it has died meanwhile */
    fence(w, m->from);
    if (!clean && w->swarm.durability == OD_REPLICA_REPLICATED)
        for (int i = 0; i < PARTITIONS; i++)
            set_isr(w, &w->ctl.partitions[i], w->ctl.partitions[i].isr, bit(m->from));
    *b = (struct ctl_broker){ .epoch = ++w->ctl_epochs, .life = m->from_life, .fenced = true,
                              .registered_version = ++w->ctl.version };
    w->heartbeat_ms[m->from] = w->now_ms;
    world_note(w, "controller: node %d registers with epoch %ld", m->from, (long)b->epoch);
}

static void on_heartbeat(struct world *w, const struct message *m)
{
    struct ctl_broker *b = &w->ctl.brokers[m->from];

    if (m->broker_epoch != b->epoch)
        return;
    w->heartbeat_ms[m->from] = w->now_ms;
    if (m->kind == M_SHUTDOWN && !b->shutting_down) {
        b->shutting_down = true;
        w->ctl.version++;
        for (int i = 0; i < PARTITIONS; i++) {
            struct ctl_partition *p = &w->ctl.partitions[i];

            elect(w, p);
            if (p->leader != m->from && p->leader >= 0)
                set_isr(w, p, p->isr & ~bit(m->from), 0);
        }
    }
    if (!b->fenced || m->offset < b->registered_version)
        return;
    b->fenced = false;
    w->ctl.version++;
    for (int i = 0; i < PARTITIONS; i++)
        elect(w, &w->ctl.partitions[i]);
}

static enum od_err check_alter(const struct world *w, const struct message *m)
{
    const struct ctl_partition *p = &w->ctl.partitions[m->partition];

    if (m->broker_epoch != w->ctl.brokers[m->from].epoch)
        return OD_STALE_BROKER_EPOCH;
    if (m->leader_epoch > p->leader_epoch || m->partition_epoch > p->partition_epoch)
        return OD_NOT_CONTROLLER;
    if (m->leader_epoch < p->leader_epoch)
        return OD_FENCED_LEADER_EPOCH;
    if (m->partition_epoch < p->partition_epoch)
        return OD_INVALID_UPDATE_VERSION;
    if (p->leader != m->from || !(m->alter.isr & bit(m->from)))
        return OD_INVALID_REQUEST;
    for (int i = 0; i < NODES; i++) {
        if (!(m->alter.isr & bit(i)) || i == m->from)
            continue;
        if (!is_eligible(w, i) ||
            (m->alter.epochs[i] != -1 && m->alter.epochs[i] != w->ctl.brokers[i].epoch))
            return OD_INELIGIBLE_REPLICA;
    }
    return OD_NONE;
}

static void on_alter(struct world *w, const struct message *m)
{
    struct ctl_partition *p = &w->ctl.partitions[m->partition];
    struct message answer = *m;

    answer.kind = M_ALTER_ANSWER;
    answer.from = CONTROLLER;
    answer.to = m->from;
    answer.to_life = m->from_life;
    answer.err = check_alter(w, m);
    if (answer.err == OD_NONE)
        set_isr(w, p, m->alter.isr, 0);
    answer.leader_epoch = p->leader_epoch;
    answer.partition_epoch = p->partition_epoch;
    answer.alter.isr = p->isr;
    world_note(w, "controller: node %d asks for isr %x of partition %d: %s", m->from,
               m->alter.isr, m->partition, od_err_name(answer.err));
    world_send(w, &answer);
}

void controller_receive(struct world *w, const struct message *m)
{
    if (w->now_ms < w->ctl_down_until_ms)
        return;
    switch (m->kind) {
    case M_REGISTER:
        on_register(w, m);
        return;
    case M_HEARTBEAT:
    case M_SHUTDOWN:
        on_heartbeat(w, m);
        return;
    case M_ALTER:
        on_alter(w, m);
        return;
    case M_FETCH:
    case M_FETCH_ANSWER:
    case M_ALTER_ANSWER:
    case M_METADATA:
    case M_PRODUCE:
    case M_CONSUME:
    case M_LATEST:
        OD_ASSERT(!"for a node");
    }
}

void controller_init(struct world *w)
{
    for (int i = 0; i < NODES; i++)
        w->ctl.brokers[i] = (struct ctl_broker){ .epoch = -1, .fenced = true };
    for (int i = 0; i < PARTITIONS; i++)
        w->ctl.partitions[i] =
            (struct ctl_partition){ .leader = -1, .isr = everyone, .partition_epoch = 0 };
}

void controller_tick(struct world *w)
{
    world_post(w, E_CONTROLLER_TICK, 50 + world_random(w, 60));
    if (w->now_ms < w->ctl_down_until_ms)
        return;
    for (int n = 0; n < NODES; n++) {
        struct message m = { .kind = M_METADATA, .from = CONTROLLER, .to = n,
                             .to_life = w->nodes[n].life, .metadata = w->ctl };

        if (is_active(w, n) && w->now_ms - w->heartbeat_ms[n] > SESSION_MS) {
            world_note(w, "controller: the session of node %d is over", n);
            fence(w, n);
        }
        m.metadata = w->ctl;
        world_send(w, &m);
    }
}

int controller_shuffle(struct world *w, int partition, int leader)
{
    struct ctl_partition *p = &w->ctl.partitions[partition];
    uint32_t others = 0;
    int before = p->leader;

    for (int i = 0; i < NODES; i++)
        if (i != before && (p->isr & bit(i)) && is_eligible(w, i) && (leader < 0 || leader == i))
            others |= bit(i);
    if (before < 0 || !others || w->now_ms < w->ctl_down_until_ms)
        return -1;
    set_leader(w, p, pick(w, others));
    return before;
}
