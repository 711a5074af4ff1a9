/* SPDX-License-Identifier: Apache-2.0 */
/* The scenario `replica`: time, network, clients and faults around the model cluster. */
#include "replica_world.h"

#include "base/assert.h"
#include "scenarios.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FAULTS_MS = 20000, HEAL_MS = 20000, QUIET_MS = 3000 };

/* --- telling --------------------------------------------------------------------------------- */

void world_fail(const struct world *w, const char *format, ...)
{
    va_list args;

    fprintf(stderr, "FAILED seed %lu at %.3f s: ", (unsigned long)w->seed,
            (double)w->now_ms / 1000);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    fflush(stderr);
    _Exit(1);
}

void world_note(const struct world *w, const char *format, ...)
{
    va_list args;

    if (!w->verbose)
        return;
    fprintf(stderr, "%8ld ", (long)w->now_ms);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
}

int64_t world_random(struct world *w, int64_t bound)
{
    return (int64_t)od_rng_below(&w->rng, (uint64_t)bound);
}

bool world_chance(struct world *w, uint32_t ppm)
{
    return od_rng_chance(&w->rng, ppm);
}

const struct od_replica_config *world_config(const struct world *w, struct od_replica_config *c)
{
    *c = (struct od_replica_config){ w->swarm.min_isr, LAG_TIME_MS, w->swarm.durability };
    return c;
}

/* --- time: a heap of events, by time and then by number -------------------------------------- */

static bool is_before(const struct event *a, const struct event *b)
{
    return a->at_ms != b->at_ms ? a->at_ms < b->at_ms : a->number < b->number;
}

static void push(struct world *w, struct event *e)
{
    int at = w->heap_n++;

    if (w->heap_n > w->heap_capacity) {
        w->heap_capacity = w->heap_capacity ? w->heap_capacity * 2 : 256;
        w->heap = realloc(w->heap, (size_t)w->heap_capacity * sizeof(struct event *));
        OD_ASSERT(w->heap);
    }
    for (; at > 0 && is_before(e, w->heap[(at - 1) / 2]); at = (at - 1) / 2)
        w->heap[at] = w->heap[(at - 1) / 2];
    w->heap[at] = e;
}

static struct event *pop(struct world *w)
{
    struct event *first = w->heap[0], *last = w->heap[--w->heap_n];
    int at = 0;

    for (int child = 1; child < w->heap_n; child = 2 * at + 1) {
        if (child + 1 < w->heap_n && is_before(w->heap[child + 1], w->heap[child]))
            child++;
        if (!is_before(w->heap[child], last))
            break;
        w->heap[at] = w->heap[child];
        at = child;
    }
    w->heap[at] = last;
    return first;
}

struct event *world_post(struct world *w, enum event_kind kind, int64_t delay_ms)
{
    struct event *e = calloc(1, sizeof(*e));

    OD_ASSERT(e);
    e->kind = kind;
    e->node = -1;
    e->at_ms = w->now_ms + delay_ms;
    e->number = w->numbers++;
    push(w, e);
    return e;
}

/* --- network --------------------------------------------------------------------------------- */

static void deliver_later(struct world *w, const struct message *m)
{
    int64_t delay_ms = world_random(w, w->swarm.delay_ms_max + 1);

    if (world_chance(w, w->swarm.slow_ppm))
        delay_ms += world_random(w, w->swarm.slow_ms_max);
    world_post(w, E_MESSAGE, delay_ms)->m = *m;
}

void world_send(struct world *w, const struct message *m)
{
    if (ambush(w, m))
        return;
    if (w->now_ms < w->cut_until_ms[m->from][m->to] || world_chance(w, w->swarm.loss_ppm)) {
        w->faults++;
        return;
    }
    deliver_later(w, m);
    /* On a stream a request is doubled only by who sends it again; the machine does that itself. */
    if (m->kind != M_ALTER && m->kind != M_PRODUCE && world_chance(w, w->swarm.duplicate_ppm))
        deliver_later(w, m);
}

static void receive(struct world *w, const struct message *m)
{
    const struct node *to = m->to < NODES ? &w->nodes[m->to] : NULL;

    if (m->to == CONTROLLER)
        controller_receive(w, m);
    else if (to && to->up && to->life == m->to_life)
        node_receive(w, m->to, m);
}

/* --- clients --------------------------------------------------------------------------------- */

static void client_tick(struct world *w)
{
    int partition = (int)world_random(w, PARTITIONS);
    int to = (int)world_random(w, NODES);
    const struct ctl_partition *c = &w->ctl.partitions[partition];

    if (w->now_ms < FAULTS_MS + HEAL_MS - QUIET_MS)
        world_post(w, E_CLIENT_TICK, 1 + world_random(w, w->swarm.produce_every_ms));
    if (c->leader >= 0 && world_random(w, 5) > 0)
        to = c->leader;

    struct message m = { .from = CLIENT, .to = to, .to_life = w->nodes[to].life,
                         .partition = partition, .leader_epoch = -1 };

    if (world_random(w, 4) == 0)
        m.leader_epoch = c->leader_epoch;
    switch (world_random(w, 5)) {
    case 0:
        m.kind = M_CONSUME;
        m.offset = world_random(w, w->truth[partition].committed_n + 2);
        break;
    case 1:
        m.kind = M_LATEST;
        break;
    default:
        m.kind = M_PRODUCE;
        m.produce.value = ++w->values;
        m.produce.acks = world_random(w, 4) == 0 ? 1 : -1;
        break;
    }
    world_send(w, &m);
}

/* --- faults ---------------------------------------------------------------------------------- */

/*
 * In replicated mode data may go when as many lose their memory together as min.insync.replicas
 * asks for; nobody promised more.  So the next one crashes only after the last one has caught up.
 */
bool world_may_crash(struct world *w, int n)
{
    if (w->swarm.durability == OD_REPLICA_FSYNC)
        return true;
    for (int o = 0; o < NODES; o++) {
        struct node *other = &w->nodes[o];
        bool back = other->up && w->ctl.brokers[o].life == other->life;

        for (int i = 0; i < PARTITIONS; i++)
            back = back && (w->ctl.partitions[i].isr >> o & 1);
        other->doubtful = other->doubtful && !back;
        if (o != n && other->doubtful)
            return false;
    }
    return true;
}

static void cut_links(struct world *w)
{
    int from = (int)world_random(w, NODES + 1), to = (int)world_random(w, NODES + 1);
    int64_t until_ms = w->now_ms + 50 + world_random(w, 4000);
    bool both = world_random(w, 2) == 0;

    if (from == to) { /* a node alone */
        for (int i = 0; i <= NODES; i++)
            w->cut_until_ms[from][i] = w->cut_until_ms[i][from] = until_ms;
        return;
    }
    w->cut_until_ms[from][to] = until_ms;
    if (both)
        w->cut_until_ms[to][from] = until_ms;
}

/* Often back to where it was, before everyone has heard of the first change. */
static void shuffle(struct world *w)
{
    int partition = (int)world_random(w, PARTITIONS);
    int before = controller_shuffle(w, partition, -1);

    if (before >= 0 && world_random(w, 2) == 0) {
        struct event *e = world_post(w, E_LEAD_AGAIN, 10 + world_random(w, 300));

        e->partition = partition;
        e->offset = before;
    }
}

static void black_out(struct world *w)
{
    for (int n = 0; n < NODES; n++)
        if (w->nodes[n].up && world_may_crash(w, n))
            node_crash(w, n, true);
}

static void inject(struct world *w)
{
    const struct swarm *s = &w->swarm;
    int n = (int)world_random(w, NODES);
    struct node *node = &w->nodes[n];
    uint32_t weights[] = { s->power, s->kill,       s->stop,    s->pause,
                           s->cut,   s->controller, s->shuffle, s->blackout };
    uint32_t sum = 0, at = 0;
    int64_t draw;

    for (size_t i = 0; i < OD_COUNT(weights); i++)
        sum += weights[i];
    draw = world_random(w, sum);
    while (draw >= weights[at])
        draw -= weights[at++];
    w->faults++;
    if (at <= 3 && !node->up)
        return;
    switch (at) {
    case 0:
    case 1:
        if (world_may_crash(w, n))
            node_crash(w, n, at == 0);
        break;
    case 2:
        node_ask_to_stop(w, n);
        break;
    case 3:
        node->paused_until_ms = w->now_ms + 20 + world_random(w, 4000);
        break;
    case 4:
        cut_links(w);
        break;
    case 5:
        w->ctl_down_until_ms = w->now_ms + 100 + world_random(w, 3000);
        break;
    case 6:
        shuffle(w);
        break;
    default:
        black_out(w);
        break;
    }
}

static void heal(struct world *w)
{
    struct swarm *s = &w->swarm;

    world_note(w, "healed");
    w->healed = true;
    s->loss_ppm = s->duplicate_ppm = s->slow_ppm = 0;
    s->delay_ms_max = s->delay_ms_max < 20 ? s->delay_ms_max : 20;
    s->flush_ms_max = s->flush_ms_max < 30 ? s->flush_ms_max : 30;
    s->produce_every_ms = 40;
    s->answer_max = ANSWER_MAX;
    w->ctl_down_until_ms = 0;
    memset(w->cut_until_ms, 0, sizeof(w->cut_until_ms));
    for (int n = 0; n < NODES; n++) {
        w->nodes[n].paused_until_ms = 0;
        if (w->nodes[n].start_ms > w->now_ms + 500)
            w->nodes[n].start_ms = w->now_ms + 500;
    }
}

static void fault_tick(struct world *w)
{
    if (w->healed) {
        world_post(w, E_FAULT, 100);
        return;
    }
    world_post(w, E_FAULT, 1 + world_random(w, w->swarm.fault_every_ms));
    if (w->now_ms >= FAULTS_MS)
        heal(w);
    else if (w->now_ms >= w->quiet_until_ms)
        inject(w);
}

/* --- the run --------------------------------------------------------------------------------- */

static uint32_t weight(struct world *w) /* often none at all */
{
    return world_random(w, 2) == 0 ? 0 : (uint32_t)(1 + world_random(w, 10));
}

static void draw_swarm(struct world *w)
{
    struct swarm *s = &w->swarm;

    s->durability = world_random(w, 5) < 3 ? OD_REPLICA_FSYNC : OD_REPLICA_REPLICATED;
    /* Kept by one page cache alone, records may go with any crash: no promise to check. */
    s->min_isr = world_random(w, 4) > 0                ? 2
                 : s->durability == OD_REPLICA_FSYNC ? 1 + (int32_t)world_random(w, 3)
                                                     : 3;
    s->loss_ppm = (uint32_t)(world_random(w, 2) * world_random(w, 200000));
    s->duplicate_ppm = (uint32_t)(world_random(w, 2) * world_random(w, 200000));
    s->slow_ppm = (uint32_t)(world_random(w, 3) * world_random(w, 100000));
    s->delay_ms_max = 1 + (int)world_random(w, 40);
    s->slow_ms_max = 100 + (int)world_random(w, 3000);
    s->flush_ms_max = 1 + (int)world_random(w, world_random(w, 2) == 0 ? 800 : 40);
    if (s->durability == OD_REPLICA_REPLICATED)
        s->flush_ms_max *= 5; /* nobody waits for it */
    s->fault_every_ms = world_random(w, 4) == 0 ? 30 + (int)world_random(w, 150)
                                                : 100 + (int)world_random(w, 1500);
    s->power = weight(w);
    s->blackout = weight(w) / 2;
    s->kill = weight(w);
    s->stop = weight(w);
    s->pause = weight(w);
    s->cut = weight(w);
    s->controller = weight(w);
    s->shuffle = 1 + weight(w) * 3;
    s->flush_error_ppm = world_random(w, 4) == 0 && s->durability == OD_REPLICA_FSYNC ? 2000 : 0;
    s->produce_every_ms = 4 + (int)world_random(w, 60);
    s->answer_max = 2 + (int)world_random(w, ANSWER_MAX - 1);
    s->ambush = world_random(w, 3) == 0;
}

static void run_event(struct world *w, struct event *e)
{
    bool of_node = e->kind != E_MESSAGE && e->node >= 0;

    if (of_node && (!w->nodes[e->node].up || w->nodes[e->node].life != e->life))
        return;
    switch (e->kind) {
    case E_MESSAGE:
        receive(w, &e->m);
        return;
    case E_SEND_FETCH:
        node_send_fetch(w, e->node, e);
        return;
    case E_FLUSHED:
        node_flushed(w, e->node, e);
        return;
    case E_CUT:
        node_cut(w, e->node, e);
        return;
    case E_LEAD_AGAIN:
        controller_shuffle(w, e->partition, (int)e->offset);
        return;
    case E_NODE_TICK:
        node_tick(w, e->node);
        return;
    case E_CONTROLLER_TICK:
        for (int n = 0; n < NODES; n++)
            if (!w->nodes[n].up && w->now_ms >= w->nodes[n].start_ms)
                node_start(w, n);
        controller_tick(w);
        return;
    case E_CLIENT_TICK:
        client_tick(w);
        return;
    case E_FAULT:
        fault_tick(w);
        return;
    }
}

/* Of a paused process nothing happens until it goes on; what came meanwhile waits. */
static bool postpone(struct world *w, struct event *e)
{
    int n = e->kind == E_MESSAGE ? e->m.to : e->node;

    if (n < 0 || n >= NODES || w->now_ms >= w->nodes[n].paused_until_ms)
        return false;
    e->at_ms = w->nodes[n].paused_until_ms;
    push(w, e);
    return true;
}

static void hash(struct world *w, const struct event *e)
{
    uint64_t words[] = { (uint64_t)e->at_ms, e->kind, (uint64_t)e->node, e->m.kind,
                         (uint64_t)w->truth[0].committed_n, (uint64_t)w->truth[1].committed_n };

    for (size_t i = 0; i < OD_COUNT(words); i++)
        w->trace = (w->trace ^ words[i]) * 0x100000001b3u;
}

static void run(struct world *w)
{
    while (w->now_ms < FAULTS_MS + HEAL_MS) {
        struct event *e = pop(w);

        w->now_ms = e->at_ms;
        if (postpone(w, e))
            continue;
        w->events++;
        hash(w, e);
        run_event(w, e);
        check_always(w);
        free(e);
    }
    check_healed(w);
}

void sim_replica_run(uint64_t seed, bool verbose, struct sim_report *out)
{
    struct world *w = calloc(1, sizeof(*w));

    OD_ASSERT(w);
    w->rng.state = seed;
    w->seed = seed;
    w->verbose = verbose;
    draw_swarm(w);
    controller_init(w);
    for (int i = 0; i < PARTITIONS; i++)
        for (int e = 0; e < EPOCHS_MAX; e++)
            w->truth[i].epoch_start[e] = -1;
    for (int n = 0; n < NODES; n++) {
        w->nodes[n].clean = true; /* with nothing in it yet */
        w->nodes[n].broker_epoch = -1;
        node_start(w, n);
    }
    world_post(w, E_CONTROLLER_TICK, 1);
    world_post(w, E_CLIENT_TICK, 500);
    world_post(w, E_FAULT, 1500);
    run(w);
    world_note(w, "%lu events, %lu reads, %lu elections, %lu proposals, %ld acks",
               (unsigned long)w->events, (unsigned long)w->reads, (unsigned long)w->elections,
               (unsigned long)w->proposals, (long)(w->truth[0].acks + w->truth[1].acks));
    out->trace = w->trace;
    out->operations = (uint64_t)(w->truth[0].acks + w->truth[1].acks);
    out->faults = w->faults;
    out->crashes = w->crashes;
    while (w->heap_n > 0)
        free(pop(w));
    free(w->heap);
    free(w);
}
