/* SPDX-License-Identifier: Apache-2.0 */
/* A model broker: the driver of core/replica that the real one will resemble. */
#include "base/assert.h"
#include "replica_world.h"

#include <string.h>

static struct model_partition *partition_of(struct world *w, int n, int partition)
{
    return &w->nodes[n].partitions[partition];
}

static struct message message_from(const struct world *w, int n, enum message_kind kind, int to)
{
    const struct node *node = &w->nodes[n];

    return (struct message){ .kind = kind, .from = n, .to = to, .from_life = node->life,
                             .to_life = to < NODES ? w->nodes[to].life : 0,
                             .broker_epoch = node->broker_epoch };
}

/* --- actions --------------------------------------------------------------------------------- */

static void answer_waiters(struct world *w, int n, int partition)
{
    struct model_partition *p = partition_of(w, n, partition);
    int kept = 0;

    for (int i = 0; i < p->waiters_n; i++) {
        struct waiter a = p->waiters[i];
        enum od_err err;

        switch (od_replica_ack_state(&p->machine, a.epoch, a.offset, &err)) {
        case OD_REPLICA_ACK_WAIT:
            p->waiters[kept++] = a;
            break;
        case OD_REPLICA_ACK_DONE:
            check_ack(w, n, partition, &a);
            break;
        case OD_REPLICA_ACK_FAILED:
            break;
        }
    }
    p->waiters_n = kept;
}

static void send_proposal(struct world *w, int n, int partition,
                          const struct od_replica_proposal *isr)
{
    struct message m = message_from(w, n, M_ALTER, CONTROLLER);

    m.partition = partition;
    m.leader_epoch = isr->leader_epoch;
    m.partition_epoch = isr->partition_epoch;
    m.alter.proposal = isr->proposal;
    m.alter.attempt = isr->attempt;
    for (int i = 0; i < NODES; i++)
        m.alter.epochs[i] = -2;
    for (int32_t i = 0; i < isr->count; i++) {
        m.alter.isr |= 1u << isr->members[i].broker;
        m.alter.epochs[isr->members[i].broker] = isr->members[i].broker_epoch;
    }
    w->proposals++;
    world_send(w, &m);
}

static void arm_flush(struct world *w, int n, int partition)
{
    struct model_partition *p = partition_of(w, n, partition);
    struct event *e;

    if (p->flushing || p->machine.cutting || p->log.durable_end == p->log.end)
        return;
    p->flushing = true;
    e = world_post(w, E_FLUSHED, 1 + world_random(w, w->swarm.flush_ms_max));
    e->node = n;
    e->life = w->nodes[n].life;
    e->partition = partition;
    e->offset = p->log.end;
    e->generation = od_replica_log_generation(&p->machine);
}

static void step(struct world *w, int n, int partition, struct od_replica_event *ev,
                 struct od_replica_actions *out);

static void start_epoch(struct world *w, int n, int partition, const struct od_replica_action *a)
{
    struct od_replica_event ev = { .kind = OD_REPLICA_EV_EPOCH_RECORDED, .start_epoch = a->epoch };
    struct od_replica_actions out;

    log_start_epoch(&partition_of(w, n, partition)->log, a->epoch, a->offset);
    check_epoch_started(w, n, partition, a->epoch, a->offset);
    step(w, n, partition, &ev, &out);
}

static void post_fetch(struct world *w, int n, int partition, const struct od_replica_action *a)
{
    struct model_partition *p = partition_of(w, n, partition);
    struct event *e = world_post(w, E_SEND_FETCH, p->idle ? 1 + world_random(w, 30) : 0);

    e->node = n;
    e->life = w->nodes[n].life;
    e->partition = partition;
    p->asking = e->number;
    p->asked = true;
    p->asked_epoch = a->epoch;
    p->asked_offset = a->offset;
    p->asked_last_epoch = a->last_epoch;
    p->asked_ms = w->now_ms;
}

static void post_cut(struct world *w, int n, int partition, int64_t offset)
{
    struct event *e = world_post(w, E_CUT, world_random(w, 20));

    if (offset < partition_of(w, n, partition)->machine.high_watermark)
        world_fail(w, "node %d cuts partition %d at %ld, below its high watermark %ld", n,
                   partition, (long)offset,
                   (long)partition_of(w, n, partition)->machine.high_watermark);
    e->node = n;
    e->life = w->nodes[n].life;
    e->partition = partition;
    e->offset = offset;
}

static void carry_out(struct world *w, int n, int partition, const struct od_replica_actions *out,
                      int64_t hw_before)
{
    for (int i = 0; i < out->n; i++) {
        const struct od_replica_action *a = &out->v[i];

        switch (a->kind) {
        case OD_REPLICA_ACT_HIGH_WATERMARK:
            check_high_watermark(w, n, partition, hw_before);
            answer_waiters(w, n, partition);
            break;
        case OD_REPLICA_ACT_PROPOSE_ISR:
            send_proposal(w, n, partition, &out->isr);
            break;
        case OD_REPLICA_ACT_START_EPOCH:
            start_epoch(w, n, partition, a);
            break;
        case OD_REPLICA_ACT_STEP_DOWN:
            answer_waiters(w, n, partition);
            break;
        case OD_REPLICA_ACT_FETCH:
            post_fetch(w, n, partition, a);
            break;
        case OD_REPLICA_ACT_TRUNCATE:
        case OD_REPLICA_ACT_RESTART_LOG:
            post_cut(w, n, partition, a->offset);
            break;
        case OD_REPLICA_ACT_REJECT:
        case OD_REPLICA_ACT_DIVERGING:
        case OD_REPLICA_ACT_APPEND:
            break; /* the caller's */
        }
    }
}

static void step(struct world *w, int n, int partition, struct od_replica_event *ev,
                 struct od_replica_actions *out)
{
    struct model_partition *p = partition_of(w, n, partition);
    int64_t hw_before = p->machine.high_watermark;

    ev->now_ms = w->now_ms;
    od_replica_step(&p->machine, ev, out);
    carry_out(w, n, partition, out, hw_before);
    arm_flush(w, n, partition);
}

static const struct od_replica_action *find_action(const struct od_replica_actions *out,
                                                   enum od_replica_action_kind kind)
{
    for (int i = 0; i < out->n; i++)
        if (out->v[i].kind == kind)
            return &out->v[i];
    return NULL;
}

/* --- metadata -------------------------------------------------------------------------------- */

static void assign(struct world *w, int n, int partition, const struct metadata *md)
{
    const struct ctl_partition *c = &md->partitions[partition];
    struct model_partition *p = partition_of(w, n, partition);
    struct od_replica_assignment a = { .leader = c->leader, .leader_epoch = c->leader_epoch,
                                       .partition_epoch = c->partition_epoch, .count = NODES };
    struct od_replica_actions out;

    for (int i = 0; i < NODES; i++)
        a.members[i] = (struct od_replica_member){
            .broker = i,
            .broker_epoch = md->brokers[i].epoch,
            .in_isr = (c->isr >> i & 1) != 0,
            .eligible = !md->brokers[i].fenced && !md->brokers[i].shutting_down,
        };
    world_config(w, &a.config);

    struct od_replica_event ev = {
        .kind = c->leader == n ? OD_REPLICA_EV_LEAD : OD_REPLICA_EV_FOLLOW,
        .assignment = &a,
        .log = { .end = p->log.end,
                 .durable_end = p->log.durable_end,
                 .high_watermark = p->log.saved_hw,
                 .last_epoch = log_last_epoch(&p->log),
                 .epoch_start = log_epoch_start(&p->log, c->leader_epoch) },
    };

    step(w, n, partition, &ev, &out);
}

static void on_metadata(struct world *w, int n, const struct metadata *md)
{
    struct node *node = &w->nodes[n];

    if (md->version <= node->metadata_version || md->brokers[n].life != node->life)
        return; /* old, or it does not know this life yet */
    node->metadata_version = md->version;
    node->broker_epoch = md->brokers[n].epoch;
    for (int i = 0; i < PARTITIONS; i++) {
        assign(w, n, i, md);
        for (int b = 0; b < NODES; b++) {
            struct od_replica_event ev = {
                .kind = OD_REPLICA_EV_BROKER,
                .broker = { .broker = b,
                            .broker_epoch = md->brokers[b].epoch,
                            .eligible = !md->brokers[b].fenced && !md->brokers[b].shutting_down },
            };
            struct od_replica_actions out;

            step(w, n, i, &ev, &out);
        }
    }
}

/* --- replication ----------------------------------------------------------------------------- */

void node_send_fetch(struct world *w, int n, const struct event *e)
{
    int partition = e->partition;
    struct model_partition *p = partition_of(w, n, partition);
    struct message m;

    if (!p->asked || p->asking != e->number || p->machine.state != OD_REPLICA_FOLLOWER ||
        p->machine.leader < 0 || p->asked_epoch != p->machine.leader_epoch)
        return;
    m = message_from(w, n, M_FETCH, p->machine.leader);
    m.partition = partition;
    m.leader_epoch = p->asked_epoch;
    m.offset = p->asked_offset;
    m.fetch.durable_end = p->log.durable_end;
    m.fetch.last_epoch = p->asked_last_epoch;
    world_send(w, &m);
}

static void on_fetch(struct world *w, int n, const struct message *m)
{
    struct model_partition *p = partition_of(w, n, m->partition);
    struct message answer = message_from(w, n, M_FETCH_ANSWER, m->from);
    struct od_replica_actions out;
    struct od_replica_event ev = {
        .kind = OD_REPLICA_EV_FETCHED,
        .fetched = { .broker = m->from,
                     .broker_epoch = m->broker_epoch,
                     .leader_epoch = m->leader_epoch,
                     .fetch_offset = m->offset,
                     .durable_end = m->fetch.durable_end,
                     .last_fetched_epoch = m->fetch.last_epoch },
    };
    const struct od_replica_action *a;

    log_epoch_end(&p->log, m->fetch.last_epoch, &ev.fetched.epoch_found,
                  &ev.fetched.epoch_found_end);
    step(w, n, m->partition, &ev, &out);
    answer.to_life = m->from_life;
    answer.partition = m->partition;
    answer.leader_epoch = m->leader_epoch;
    answer.offset = m->offset;
    answer.answer.last_epoch = m->fetch.last_epoch;
    answer.answer.diverging_epoch = -1;
    if ((a = find_action(&out, OD_REPLICA_ACT_REJECT)) != NULL) {
        answer.err = a->err;
    } else if ((a = find_action(&out, OD_REPLICA_ACT_DIVERGING)) != NULL) {
        answer.answer.diverging_epoch = a->epoch;
        answer.answer.diverging_end = a->offset;
    } else {
        answer.answer.high_watermark = p->machine.high_watermark;
        while (m->offset + answer.answer.n < p->log.end && answer.answer.n < w->swarm.answer_max) {
            answer.answer.v[answer.answer.n] = p->log.v[m->offset + answer.answer.n];
            answer.answer.n++;
        }
    }
    world_send(w, &answer);
}

static void fetch_result(struct world *w, int n, int partition, struct od_replica_event *ev,
                         const struct message *m)
{
    struct model_partition *p = partition_of(w, n, partition);
    struct od_replica_actions out;
    struct od_replica_event appended = { .kind = OD_REPLICA_EV_APPENDED };

    p->asked = false;
    step(w, n, partition, ev, &out);
    if (!find_action(&out, OD_REPLICA_ACT_APPEND))
        return;
    OD_ASSERT(m->offset == p->log.end);
    for (int i = 0; i < m->answer.n; i++)
        log_append(&p->log, m->answer.v[i]);
    p->idle = m->answer.n == 0;
    appended.appended.end = p->log.end;
    appended.appended.last_epoch = log_last_epoch(&p->log);
    step(w, n, partition, &appended, &out);
}

static void on_fetch_answer(struct world *w, int n, const struct message *m)
{
    struct model_partition *p = partition_of(w, n, m->partition);
    struct od_replica_event ev = {
        .kind = OD_REPLICA_EV_FETCH_RESULT,
        .result = { .err = m->err,
                    .leader_epoch = m->leader_epoch,
                    .fetch_offset = m->offset,
                    .last_epoch = m->answer.last_epoch,
                    .high_watermark = m->answer.high_watermark,
                    .diverging_epoch = m->answer.diverging_epoch,
                    .diverging_end = m->answer.diverging_end,
                    .epoch_found = -1 },
    };

    if (!p->asked || p->asked_epoch != m->leader_epoch || p->asked_offset != m->offset ||
        p->asked_last_epoch != m->answer.last_epoch)
        return;
    if (m->answer.diverging_epoch >= 0)
        log_epoch_end(&p->log, m->answer.diverging_epoch, &ev.result.epoch_found,
                      &ev.result.epoch_found_end);
    fetch_result(w, n, m->partition, &ev, m);
}

void node_flushed(struct world *w, int n, const struct event *e)
{
    struct model_partition *p = partition_of(w, n, e->partition);
    struct od_replica_event ev = { .kind = OD_REPLICA_EV_DURABLE,
                                   .durable = { e->offset, e->generation, OD_NONE } };
    struct od_replica_actions out;

    p->flushing = false;
    if (!w->healed && world_chance(w, w->swarm.flush_error_ppm)) {
        ev.durable.err = OD_E_IO;
        w->faults++;
        step(w, n, e->partition, &ev, &out);
        node_crash(w, n, true); /* its only log directory is gone until somebody looks */
        return;
    }
    if (e->generation == od_replica_log_generation(&p->machine) && e->offset > p->log.durable_end)
        p->log.durable_end = e->offset < p->log.end ? e->offset : p->log.end;
    step(w, n, e->partition, &ev, &out);
}

void node_cut(struct world *w, int n, const struct event *e)
{
    struct model_partition *p = partition_of(w, n, e->partition);
    struct od_replica_event ev = { .kind = OD_REPLICA_EV_TRUNCATED };
    struct od_replica_actions out;

    log_cut(&p->log, e->offset);
    ev.appended.end = p->log.end;
    ev.appended.last_epoch = log_last_epoch(&p->log);
    step(w, n, e->partition, &ev, &out);
}

void node_step_tick(struct world *w, int n, int partition)
{
    struct od_replica_event ev = { .kind = OD_REPLICA_EV_TICK };
    struct od_replica_actions out;

    if (w->now_ms >= od_replica_deadline_ms(&partition_of(w, n, partition)->machine))
        step(w, n, partition, &ev, &out);
}

static void on_alter_answer(struct world *w, int n, const struct message *m)
{
    struct od_replica_event ev = { .kind = OD_REPLICA_EV_ISR_RESULT,
                                   .isr = { .proposal = m->alter.proposal,
                                            .attempt = m->alter.attempt,
                                            .err = m->err,
                                            .leader_epoch = m->leader_epoch,
                                            .partition_epoch = m->partition_epoch } };
    struct od_replica_actions out;

    for (int i = 0; i < NODES; i++)
        if (m->alter.isr >> i & 1)
            ev.isr.brokers[ev.isr.count++] = i;
    step(w, n, m->partition, &ev, &out);
}

/* --- clients --------------------------------------------------------------------------------- */

static void on_produce(struct world *w, int n, const struct message *m)
{
    struct model_partition *p = partition_of(w, n, m->partition);
    struct od_replica_event ev = { .kind = OD_REPLICA_EV_APPENDED };
    struct od_replica_actions out;
    int32_t epoch = p->machine.leader_epoch;

    if (od_replica_check_produce(&p->machine, m->produce.acks) != OD_NONE ||
        p->waiters_n == WAITERS_MAX || p->log.end >= LOG_MAX - 64)
        return;
    check_append(w, n, m->partition, epoch);
    if (m->produce.acks == -1)
        p->waiters[p->waiters_n++] = (struct waiter){ epoch, p->log.end, m->produce.value };
    log_append(&p->log, (struct record){ epoch, m->produce.value });
    ev.appended.end = p->log.end;
    ev.appended.last_epoch = log_last_epoch(&p->log);
    step(w, n, m->partition, &ev, &out);
    w->operations++;
}

static void on_consume(struct world *w, int n, const struct message *m)
{
    struct model_partition *p = partition_of(w, n, m->partition);

    if (od_replica_check_fetch(&p->machine, m->leader_epoch) != OD_NONE)
        return;
    for (int64_t at = m->offset; at < od_replica_high_watermark(&p->machine); at++)
        check_read(w, n, m->partition, at);
    w->operations++;
}

static void on_latest(struct world *w, int n, const struct message *m)
{
    struct model_partition *p = partition_of(w, n, m->partition);

    if (od_replica_check_fetch(&p->machine, m->leader_epoch) == OD_NONE &&
        od_replica_reads_ready(&p->machine))
        check_latest(w, n, m->partition, od_replica_high_watermark(&p->machine));
}

void node_receive(struct world *w, int n, const struct message *m)
{
    switch (m->kind) {
    case M_FETCH:
        on_fetch(w, n, m);
        return;
    case M_FETCH_ANSWER:
        on_fetch_answer(w, n, m);
        return;
    case M_ALTER_ANSWER:
        on_alter_answer(w, n, m);
        return;
    case M_METADATA:
        on_metadata(w, n, &m->metadata);
        return;
    case M_PRODUCE:
        on_produce(w, n, m);
        return;
    case M_CONSUME:
        on_consume(w, n, m);
        return;
    case M_LATEST:
        on_latest(w, n, m);
        return;
    case M_ALTER:
    case M_REGISTER:
    case M_HEARTBEAT:
    case M_SHUTDOWN:
        OD_ASSERT(!"for the controller");
    }
}
