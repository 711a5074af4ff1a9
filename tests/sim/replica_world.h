/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A model cluster around core/replica: three brokers with model logs, a model controller, clients,
 * a network.  Everything is an event with a virtual time; one seed is one history.  Nothing of
 * os/ is used: what is under test here is the machine, and every rule of its driver.
 */
#pragma once

#include "core/replica/replica.h"
#include "os/sim/rng.h"

#include <stdbool.h>

enum {
    NODES = 3,
    PARTITIONS = 2,
    CONTROLLER = NODES, /* its place in the network */
    CLIENT = NODES + 1, /* that of all clients; never cut off */
    PLACES = NODES + 2,
    LOG_MAX = 8192,
    EPOCHS_MAX = 2048,
    WAITERS_MAX = 256,
    ANSWER_MAX = 16, /* records in one answer to a fetch */
    LAG_TIME_MS = 1500,
    SESSION_MS = 1200,
    FETCH_TIMEOUT_MS = 400,
};

struct record {
    int32_t epoch; /* 0: none; leader epochs begin at 1 */
    uint32_t value;
};

struct epoch_entry {
    int32_t epoch;
    int64_t start;
};

struct model_log {
    int64_t end;
    int64_t durable_end;
    int64_t saved_hw; /* the checkpoint */
    int epochs_n;
    struct epoch_entry epochs[EPOCHS_MAX];
    struct record v[LOG_MAX];
};

/* A producer that waits for acks=all. */
struct waiter {
    int32_t epoch;
    int64_t offset;
    uint32_t value;
};

struct model_partition {
    struct od_replica machine;
    struct od_replica_peer peers[NODES - 1];
    struct model_log log;
    int waiters_n;
    struct waiter waiters[WAITERS_MAX];
    bool flushing;
    bool asked;      /* a fetch is out */
    uint64_t asking; /* the event that sends it */
    int32_t asked_epoch;
    int64_t asked_offset;
    int32_t asked_last_epoch;
    int64_t asked_ms;
    bool idle; /* the last answer was empty: the next fetch is parked at the leader */
};

struct node {
    bool up;
    bool clean;       /* stopped in order; the marker names broker_epoch */
    bool doubtful;    /* crashed, and not seen in sync since */
    bool stopping;    /* asked the controller for leave */
    int64_t stop_ms;  /* when it stops waiting for that */
    int64_t paused_until_ms;
    int64_t start_ms; /* when it comes back; INT64_MAX: not planned */
    uint32_t life;
    int64_t broker_epoch;     /* as metadata told it; -1: not registered in this life */
    int64_t last_epoch;       /* of the former life, for the marker */
    int64_t metadata_version;
    struct model_partition partitions[PARTITIONS];
};

/* --- the controller's state, which is also what metadata messages carry ---------------------- */

struct ctl_broker {
    int64_t epoch; /* -1: never registered */
    uint32_t life;
    int64_t registered_version;
    bool fenced;
    bool shutting_down;
};

struct ctl_partition {
    int32_t leader;
    int32_t leader_epoch;
    int32_t partition_epoch;
    uint32_t isr; /* bit per node */
    uint32_t elr;
};

struct metadata {
    int64_t version;
    struct ctl_broker brokers[NODES];
    struct ctl_partition partitions[PARTITIONS];
};

/* --- messages and events --------------------------------------------------------------------- */

enum message_kind {
    M_FETCH,
    M_FETCH_ANSWER,
    M_ALTER,
    M_ALTER_ANSWER,
    M_METADATA,
    M_REGISTER,
    M_HEARTBEAT,
    M_SHUTDOWN,
    M_PRODUCE,
    M_CONSUME,
    M_LATEST,
};

struct message {
    enum message_kind kind;
    int from, to;
    uint32_t from_life, to_life;
    int partition;
    enum od_err err;
    int64_t broker_epoch;
    int32_t leader_epoch;
    int32_t partition_epoch;
    int64_t offset;
    union {
        struct {
            int64_t durable_end;
            int32_t last_epoch;
        } fetch;
        struct {
            int64_t high_watermark;
            int32_t last_epoch; /* as asked */
            int32_t diverging_epoch;
            int64_t diverging_end;
            int n;
            struct record v[ANSWER_MAX];
        } answer;
        struct {
            uint32_t proposal, attempt;
            uint32_t isr;
            int64_t epochs[NODES]; /* -2: not in the set */
        } alter;
        struct metadata metadata;
        struct {
            bool clean;
            int64_t last_epoch;
        } reg;
        struct {
            uint32_t value;
            int16_t acks;
        } produce;
    };
};

enum event_kind {
    E_MESSAGE,
    E_SEND_FETCH, /* partition */
    E_FLUSHED,    /* partition, offset, generation */
    E_CUT,        /* partition, offset */
    E_LEAD_AGAIN, /* partition, offset: the node */
    E_NODE_TICK,
    E_CONTROLLER_TICK,
    E_CLIENT_TICK,
    E_FAULT,
};

struct event {
    int64_t at_ms;
    uint64_t number;
    enum event_kind kind;
    int node;
    uint32_t life;
    int partition;
    int64_t offset;
    uint32_t generation;
    struct message m;
};

/* --- the world -------------------------------------------------------------------------------- */

/* This seed's intensities; any may be zero. */
struct swarm {
    enum od_replica_durability durability;
    int32_t min_isr;
    uint32_t loss_ppm, duplicate_ppm, slow_ppm;
    int delay_ms_max, slow_ms_max;
    int flush_ms_max;
    int fault_every_ms;
    uint32_t power, blackout, kill, stop, pause, cut, controller, shuffle; /* weights */
    uint32_t flush_error_ppm;
    bool ambush;
    int answer_max; /* records; <= ANSWER_MAX */
    int produce_every_ms;
};

struct truth {
    int64_t committed_n; /* the highest mark that any leader published */
    struct record committed[LOG_MAX];
    int8_t acked[LOG_MAX];
    int32_t epochs_max;
    int64_t epoch_start[EPOCHS_MAX]; /* -1: not begun */
    int64_t epoch_hw[EPOCHS_MAX];    /* highest mark published under it */
    int8_t writer[EPOCHS_MAX];       /* node + 1 */
    int64_t acks; /* producers told */
};

struct world {
    struct od_rng rng;
    struct swarm swarm;
    bool verbose;
    bool healed;
    uint64_t seed;
    int64_t now_ms;
    uint64_t numbers;
    struct event **heap;
    int heap_n, heap_capacity;
    struct node nodes[NODES];
    struct metadata ctl;
    int64_t ctl_epochs; /* broker epochs given out */
    int64_t ctl_down_until_ms;
    int64_t heartbeat_ms[NODES];
    int64_t cut_until_ms[PLACES][PLACES];
    int64_t quiet_until_ms; /* no further fault: an ambush is laid */
    struct truth truth[PARTITIONS];
    uint32_t values;
    /* what is told of the run */
    uint64_t trace, operations, faults, crashes, events, reads, elections, proposals;
};

/* replica_world.c */
void world_fail(const struct world *w, const char *format, ...)
    __attribute__((noreturn, format(printf, 2, 3)));
void world_note(const struct world *w, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
struct event *world_post(struct world *w, enum event_kind kind, int64_t delay_ms);
/* Through the network: delayed, lost, doubled. */
void world_send(struct world *w, const struct message *m);
int64_t world_random(struct world *w, int64_t bound); /* bound > 0 */
bool world_chance(struct world *w, uint32_t ppm);
const struct od_replica_config *world_config(const struct world *w, struct od_replica_config *c);

bool world_may_crash(struct world *w, int n); /* without breaking what was promised */

/* replica_ambush.c */
bool ambush(struct world *w, const struct message *m); /* true: it took care of the message */

/* replica_life.c */
void node_start(struct world *w, int n);
void node_crash(struct world *w, int n, bool power);
void node_ask_to_stop(struct world *w, int n);
void node_tick(struct world *w, int n);

/* replica_node.c */
void node_receive(struct world *w, int n, const struct message *m);
void node_send_fetch(struct world *w, int n, const struct event *e);
void node_flushed(struct world *w, int n, const struct event *e);
void node_cut(struct world *w, int n, const struct event *e);
void node_step_tick(struct world *w, int n, int partition); /* only when the machine asked for it */

/* replica_controller.c */
void controller_init(struct world *w);
void controller_receive(struct world *w, const struct message *m);
void controller_tick(struct world *w);
/* Another in-sync replica leads; or this one, if it may.  Gives the leader before, or -1. */
int controller_shuffle(struct world *w, int partition, int leader);

/* replica_log.c */
void log_epoch_end(const struct model_log *l, int32_t epoch, int32_t *found, int64_t *end);
int32_t log_last_epoch(const struct model_log *l);
int64_t log_epoch_start(const struct model_log *l, int32_t epoch); /* -1: unknown */
void log_start_epoch(struct model_log *l, int32_t epoch, int64_t start);
void log_append(struct model_log *l, struct record r);
void log_cut(struct model_log *l, int64_t offset);

/* replica_check.c */
void check_epoch_started(struct world *w, int n, int partition, int32_t epoch, int64_t start);
void check_high_watermark(struct world *w, int n, int partition, int64_t before);
void check_append(struct world *w, int n, int partition, int32_t epoch);
void check_ack(struct world *w, int n, int partition, const struct waiter *a);
void check_read(struct world *w, int n, int partition, int64_t offset);
void check_latest(struct world *w, int n, int partition, int64_t latest);
void check_always(struct world *w);
void check_healed(struct world *w);
