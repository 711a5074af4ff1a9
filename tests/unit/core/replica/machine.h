/* SPDX-License-Identifier: Apache-2.0 */
/* A replica machine with two peers and short ways to feed it. */
#pragma once

#include "core/replica/replica.h"

enum { SELF = 1, PEER = 2, OTHER = 3, LAG_MS = 1000 };

struct machine {
    struct od_replica r;
    struct od_replica_peer peers[2];
    struct od_replica_actions out; /* of the last step */
    struct od_replica_config config;
    struct od_replica_log log;
    int64_t now_ms;
};

/* Nothing stepped yet: fsync, min.insync.replicas 2, an empty log, time 1000. */
static inline void machine_init(struct machine *m)
{
    *m = (struct machine){ .config = { 2, LAG_MS, OD_REPLICA_FSYNC },
                           .log = { .last_epoch = -1, .epoch_start = -1 },
                           .now_ms = 1000 };
    od_replica_init(&m->r, SELF);
    (void)od_replica_reserve(&m->r, m->peers, 2);
}

static inline void machine_step(struct machine *m, struct od_replica_event ev)
{
    ev.now_ms = m->now_ms;
    od_replica_step(&m->r, &ev, &m->out);
}

static inline const struct od_replica_action *machine_action(const struct machine *m,
                                                             enum od_replica_action_kind kind)
{
    for (int i = 0; i < m->out.n; i++)
        if (m->out.v[i].kind == kind)
            return &m->out.v[i];
    return NULL;
}

/* isr: bit per broker.  Broker n is registered with epoch 10 * n. */
static inline void machine_assign(struct machine *m, int32_t leader, int32_t leader_epoch,
                                  int32_t partition_epoch, unsigned isr)
{
    struct od_replica_assignment a = { .leader = leader, .leader_epoch = leader_epoch,
                                       .partition_epoch = partition_epoch, .count = 3,
                                       .config = m->config };

    for (int32_t i = 0; i < 3; i++) /* not in order */
        a.members[2 - i] = (struct od_replica_member){
            .broker = i + 1, .broker_epoch = 10 * (i + 1), .in_isr = isr >> (i + 1) & 1,
            .eligible = true
        };
    machine_step(m, (struct od_replica_event){
                        .kind = leader == SELF ? OD_REPLICA_EV_LEAD : OD_REPLICA_EV_FOLLOW,
                        .assignment = &a, .log = m->log });
}

static inline void machine_record_epoch(struct machine *m)
{
    machine_step(m, (struct od_replica_event){ .kind = OD_REPLICA_EV_EPOCH_RECORDED,
                                               .start_epoch = m->r.leader_epoch });
}

static inline void machine_append(struct machine *m, int64_t end)
{
    machine_step(m, (struct od_replica_event){ .kind = OD_REPLICA_EV_APPENDED,
                                               .appended = { end, m->r.leader_epoch } });
}

static inline void machine_flush(struct machine *m, int64_t end)
{
    machine_step(m, (struct od_replica_event){
                        .kind = OD_REPLICA_EV_DURABLE,
                        .durable = { end, od_replica_log_generation(&m->r), OD_NONE } });
}

static inline struct od_replica_event fetched(const struct machine *m, int32_t broker,
                                              int64_t offset, int64_t durable_end)
{
    return (struct od_replica_event){
        .kind = OD_REPLICA_EV_FETCHED,
        .fetched = { .broker = broker, .broker_epoch = 10 * broker,
                     .leader_epoch = m->r.leader_epoch, .fetch_offset = offset,
                     .durable_end = durable_end, .last_fetched_epoch = -1, .epoch_found = -1 }
    };
}

static inline void machine_fetched(struct machine *m, int32_t broker, int64_t offset,
                                   int64_t durable_end)
{
    machine_step(m, fetched(m, broker, offset, durable_end));
}

/* The controller's answer to the newest attempt; brokers: bit per broker. */
static inline void machine_isr_result(struct machine *m, enum od_err err, int32_t partition_epoch,
                                      unsigned brokers)
{
    struct od_replica_event ev = { .kind = OD_REPLICA_EV_ISR_RESULT,
                                   .isr = { .proposal = m->r.proposal,
                                            .attempt = m->r.attempts - 1,
                                            .err = err,
                                            .leader_epoch = m->r.leader_epoch,
                                            .partition_epoch = partition_epoch } };

    for (int32_t b = 1; b <= 3; b++)
        if (brokers >> b & 1)
            ev.isr.brokers[ev.isr.count++] = b;
    machine_step(m, ev);
}

enum { ALL = 1u << SELF | 1u << PEER | 1u << OTHER, PAIR = 1u << SELF | 1u << PEER,
       ALONE = 1u << SELF };

/* Leads epoch 5 from partition epoch 7 on, and may append. */
static inline void machine_lead(struct machine *m, unsigned isr)
{
    machine_init(m);
    machine_assign(m, SELF, 5, 7, isr);
    machine_record_epoch(m);
}
