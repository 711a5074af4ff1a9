/* SPDX-License-Identifier: Apache-2.0 */
/* A model broker's life: start and registration, heartbeats, orderly stop, crash. */
#include "replica_world.h"

#include <string.h>

void node_start(struct world *w, int n)
{
    struct node *node = &w->nodes[n];

    node->up = true;
    node->life++;
    node->last_epoch = node->broker_epoch;
    node->broker_epoch = -1;
    node->metadata_version = -1;
    node->stopping = false;
    node->paused_until_ms = 0;
    node->start_ms = INT64_MAX;
    for (int i = 0; i < PARTITIONS; i++) {
        struct model_partition *p = &node->partitions[i];

        p->waiters_n = 0;
        p->flushing = p->asked = p->idle = false;
        od_replica_init(&p->machine, n);
        od_replica_reserve(&p->machine, p->peers, NODES - 1);
    }
    struct event *e = world_post(w, E_NODE_TICK, 1);

    e->node = n;
    e->life = node->life;
    world_note(w, "node %d starts, %s", n, node->clean ? "clean" : "unclean");
}

/* What the disk has of the log after the power went: the durable part and some of the rest. */
static void lose_tail(struct world *w, struct model_log *l)
{
    int64_t lost = l->end - l->durable_end;

    if (lost > 0)
        lost = world_random(w, 3) == 0 ? lost : world_random(w, lost + 1);
    if (lost > 0)
        log_cut(l, l->end - lost);
    l->durable_end = l->end; /* what was read back from the disk is on it */
}

void node_crash(struct world *w, int n, bool power)
{
    struct node *node = &w->nodes[n];

    w->crashes++;
    node->up = false;
    node->clean = false;
    node->doubtful = true;
    node->start_ms = w->now_ms + 50 + world_random(w, 3000);
    for (int i = 0; i < PARTITIONS; i++) {
        struct model_log *l = &node->partitions[i].log;

        if (power)
            lose_tail(w, l);
        if (l->saved_hw > l->end)
            l->saved_hw = l->end;
        world_note(w, "node %d crashes (%s), partition %d ends at %ld", n,
                   power ? "power" : "kill", i, (long)l->end);
    }
}

void node_ask_to_stop(struct world *w, int n)
{
    struct node *node = &w->nodes[n];

    if (node->stopping || node->broker_epoch < 0)
        return;
    node->stopping = true;
    node->stop_ms = w->now_ms + 1000;
    world_note(w, "node %d wants to stop", n);
}

static void stop(struct world *w, int n)
{
    struct node *node = &w->nodes[n];

    node->up = false;
    node->clean = true;
    node->start_ms = w->now_ms + 50 + world_random(w, 3000);
    for (int i = 0; i < PARTITIONS; i++) {
        struct model_partition *p = &node->partitions[i];

        p->log.durable_end = p->log.end;
        p->log.saved_hw = p->machine.high_watermark;
    }
    world_note(w, "node %d has stopped", n);
}

static bool may_stop(const struct world *w, const struct node *node)
{
    for (int i = 0; i < PARTITIONS; i++) {
        if (node->partitions[i].machine.cutting)
            return false;
        if (node->partitions[i].machine.state == OD_REPLICA_LEADER && w->now_ms < node->stop_ms)
            return false;
    }
    return true;
}

static void talk_to_controller(struct world *w, int n)
{
    struct node *node = &w->nodes[n];
    struct message m = { .from = n, .to = CONTROLLER, .from_life = node->life,
                         .broker_epoch = node->broker_epoch };

    if (node->broker_epoch < 0) {
        m.kind = M_REGISTER;
        m.reg.clean = node->clean;
        m.reg.last_epoch = node->last_epoch;
    } else {
        m.kind = node->stopping ? M_SHUTDOWN : M_HEARTBEAT;
        m.offset = node->metadata_version;
    }
    world_send(w, &m);
}

static void tick_partition(struct world *w, int n, int partition)
{
    struct model_partition *p = &w->nodes[n].partitions[partition];
    struct message m = { .kind = M_FETCH_ANSWER, .from = n, .to = n, .partition = partition,
                         .err = OD_REQUEST_TIMED_OUT, .leader_epoch = p->asked_epoch,
                         .offset = p->asked_offset };

    m.answer.last_epoch = p->asked_last_epoch;
    m.answer.diverging_epoch = -1;
    if (p->machine.state != OD_REPLICA_OFFLINE && world_random(w, 10) == 0)
        p->log.saved_hw = p->machine.high_watermark;
    if (p->asked && w->now_ms - p->asked_ms > FETCH_TIMEOUT_MS)
        node_receive(w, n, &m);
    node_step_tick(w, n, partition);
}

void node_tick(struct world *w, int n)
{
    struct node *node = &w->nodes[n];
    struct event *e;

    talk_to_controller(w, n);
    for (int i = 0; i < PARTITIONS; i++)
        tick_partition(w, n, i);
    if (node->stopping && may_stop(w, node)) {
        stop(w, n);
        return;
    }
    e = world_post(w, E_NODE_TICK, 60 + world_random(w, 80));
    e->node = n;
    e->life = node->life;
}
