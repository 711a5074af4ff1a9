/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Chains of faults that chance alone would take too long to find: a message is held while the world
 * around it changes in just the way that makes it a lie when it arrives.
 */
#include "replica_world.h"

static void hold(struct world *w, const struct message *m, int64_t delay_ms)
{
    w->faults++;
    w->quiet_until_ms = w->now_ms + delay_ms + 200;
    world_note(w, "ambush: node %d's message to %d on partition %d, epoch %d, offset %ld waits %ld",
               m->from, m->to, m->partition, m->leader_epoch, (long)m->offset, (long)delay_ms);
    world_post(w, E_MESSAGE, delay_ms)->m = *m;
}

static void cut(struct world *w, int from, int to, int64_t for_ms)
{
    if (w->cut_until_ms[from][to] < w->now_ms + for_ms)
        w->cut_until_ms[from][to] = w->now_ms + for_ms;
}

/* R17: the replica that is proposed dies, forgets, and registers again before the proposal is
 * heard. */
static bool kill_the_joiner(struct world *w, const struct message *m)
{
    uint32_t joiner = m->alter.isr & ~w->ctl.partitions[m->partition].isr;
    int n = joiner ? __builtin_ctz(joiner) : -1;

    if (n < 0 || !w->nodes[n].up || !world_may_crash(w, n) || !world_chance(w, 300000))
        return false;
    node_crash(w, n, true);
    w->nodes[n].start_ms = w->now_ms + 20;
    cut(w, m->from, n, 2000);
    hold(w, m, 400 + world_random(w, 800));
    return true;
}

/* R06: while a fetch is under way another replica leads, the follower cuts its log by it, and then
 * the old leader leads again. */
static bool lead_between(struct world *w, const struct message *m)
{
    const struct ctl_partition *c = &w->ctl.partitions[m->partition];
    int other = NODES - m->from - m->to;
    int64_t claim = w->swarm.durability == OD_REPLICA_FSYNC ? m->fetch.durable_end : m->offset;

    if (c->leader != m->to || c->leader_epoch != m->leader_epoch ||
        claim <= w->truth[m->partition].committed_n ||
        w->nodes[other].partitions[m->partition].log.end >= claim ||
        !world_chance(w, 300000) || controller_shuffle(w, m->partition, other) < 0)
        return false;
    cut(w, CONTROLLER, m->to, 250);
    cut(w, m->from, m->to, 2000);
    cut(w, m->to, m->from, 2000);

    struct event *e = world_post(w, E_LEAD_AGAIN, 250 + world_random(w, 150));

    e->partition = m->partition;
    e->offset = m->to;
    hold(w, m, 450 + world_random(w, 400));
    return true;
}

bool ambush(struct world *w, const struct message *m)
{
    if (!w->swarm.ambush || w->healed || w->now_ms < w->quiet_until_ms)
        return false;
    switch (m->kind) {
    case M_ALTER:
        return kill_the_joiner(w, m);
    case M_FETCH:
        return lead_between(w, m);
    case M_FETCH_ANSWER:
    case M_ALTER_ANSWER:
    case M_METADATA:
    case M_REGISTER:
    case M_HEARTBEAT:
    case M_SHUTDOWN:
    case M_PRODUCE:
    case M_CONSUME:
    case M_LATEST:
        break;
    }
    return false;
}
