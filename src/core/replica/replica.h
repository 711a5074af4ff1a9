/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The replica of one partition on one broker: leadership, high watermark, in-sync set, truncation.
 *
 *                 LEAD                        FOLLOW
 *      OFFLINE ----------> LEADER <------------------------> FOLLOWER <---------- OFFLINE
 *         ^                  |        LEAD (higher epoch)        |
 *         +--- STOP, or the controller knows a newer leader -----+
 *      any state --- FENCED, DURABLE with an error --> FENCED (final: storage failed)
 *
 * An event goes in, actions come out; the driver carries them out in order and reports back with
 * further events.  One struct, not a hard and a soft one: nothing here is replicated state.  What
 * must survive is in the metadata image and in the log, and both tell it again after a restart.
 *
 * Owned by its partition and used under the partition's lock; no function keeps a pointer it was
 * given, except the peer array of od_replica_reserve.  Offsets are Kafka offsets; -1 is "unknown".
 * Time is monotonic milliseconds and comes with every event.
 *
 * Cost: 170 bytes, and 72 for each other replica; a step is linear in the replicas.
 */
#pragma once

#include "base/err.h"

#include <stdint.h>

enum {
    OD_REPLICAS_MAX = 32,        /* of one partition, this broker included */
    OD_REPLICA_ACTIONS_MAX = 4,  /* of one step */
    OD_REPLICA_RETRY_MS = 1000,  /* an unanswered ISR proposal, a failed fetch */
};

enum od_replica_state {
    OD_REPLICA_OFFLINE,
    OD_REPLICA_LEADER,
    OD_REPLICA_FOLLOWER,
    OD_REPLICA_FENCED,
};

enum od_replica_durability {
    OD_REPLICA_FSYNC,      /* the high watermark counts what is on disk */
    OD_REPLICA_REPLICATED, /* it counts what is in the page caches, as Kafka does */
};

struct od_replica_member {
    int32_t broker;
    int64_t broker_epoch; /* of its current registration; -1 in a proposal: not heard of yet */
    bool in_isr;
    bool eligible; /* registered, not fenced, not shutting down */
};

struct od_replica_config {
    int32_t min_isr;         /* min.insync.replicas */
    int64_t lag_time_max_ms; /* replica.lag.time.max.ms */
    enum od_replica_durability durability;
};

/* The partition's metadata as this broker's image has it.  The set of eligible leaders (KIP-966)
 * is missing on purpose: it is empty while the in-sync set is large enough to move the mark. */
struct od_replica_assignment {
    int32_t leader; /* -1: none */
    int32_t leader_epoch;
    int32_t partition_epoch;
    int32_t count;
    struct od_replica_member members[OD_REPLICAS_MAX]; /* all replicas, this broker among them */
    struct od_replica_config config;
};

/* What the log knows.  After OFFLINE all of it counts; later the machine knows better and reads
 * only epoch_start. */
struct od_replica_log {
    int64_t end;
    int64_t durable_end;    /* end of the prefix known to be on disk; <= end */
    int64_t high_watermark; /* checkpointed; cut to end */
    int32_t last_epoch;     /* newest epoch that has a start offset; -1: none */
    int64_t epoch_start;    /* start of the assignment's leader epoch; -1: not in the log */
};

enum od_replica_event_kind {
    OD_REPLICA_EV_LEAD,           /* assignment, log */
    OD_REPLICA_EV_FOLLOW,         /* assignment, log */
    OD_REPLICA_EV_STOP,           /* no longer ours; the log may go */
    OD_REPLICA_EV_EPOCH_RECORDED, /* start_epoch: START_EPOCH was carried out */
    OD_REPLICA_EV_APPENDED,       /* appended: the log grew, or APPEND had nothing to append */
    OD_REPLICA_EV_TRUNCATED,      /* appended: TRUNCATE or RESTART_LOG was carried out; the */
                                  /* end may lie below the offset asked for */
    OD_REPLICA_EV_DURABLE,        /* durable */
    OD_REPLICA_EV_FETCHED,        /* fetched: a follower asks us */
    OD_REPLICA_EV_FETCH_RESULT,   /* result: our leader answered, or did not */
    OD_REPLICA_EV_ISR_RESULT,     /* isr: the controller answered PROPOSE_ISR, or did not */
    OD_REPLICA_EV_BROKER,         /* broker: a registration changed; after the assignments of */
                                  /* the same metadata version */
    OD_REPLICA_EV_CONFIG,         /* config */
    OD_REPLICA_EV_TICK,           /* due at od_replica_deadline_ms */
    OD_REPLICA_EV_FENCED,         /* storage failed */
};

struct od_replica_event {
    enum od_replica_event_kind kind;
    int64_t now_ms;
    union {
        struct {
            const struct od_replica_assignment *assignment; /* borrowed for the step */
            struct od_replica_log log;
        };
        int32_t start_epoch;
        struct {
            int64_t end;
            int32_t last_epoch; /* of the log as it is now */
        } appended;
        struct {
            int64_t end;
            uint32_t generation; /* od_replica_log_generation when the flush was started */
            enum od_err err;     /* not OD_NONE: the flush failed and is never retried */
        } durable;
        struct {
            int32_t broker;
            int64_t broker_epoch;       /* -1: does not say, and is never admitted to the ISR */
            int32_t leader_epoch;       /* that the follower believes in */
            int64_t fetch_offset;       /* it has everything below */
            int64_t durable_end;        /* -1: it does not report one; then fetch_offset counts */
            int32_t last_fetched_epoch; /* -1: does not say; no check for divergence */
            int32_t epoch_found;        /* our largest epoch <= last_fetched_epoch; -1: none */
            int64_t epoch_found_end;    /* where it ends in our log */
            int64_t log_start;          /* of our log */
        } fetched;
        struct {
            enum od_err err;         /* OD_NONE, the leader's code, or why no answer came */
            int32_t leader_epoch;    /* as asked */
            int64_t fetch_offset;    /* as asked */
            int32_t last_epoch;      /* as asked */
            int64_t high_watermark;  /* the leader's */
            int64_t log_start;       /* the leader's; -1: not said */
            int32_t diverging_epoch; /* -1: none */
            int64_t diverging_end;
            int32_t epoch_found;     /* our largest epoch <= diverging_epoch; -1: none */
            int64_t epoch_found_end; /* where it ends in our log */
        } result;
        struct {
            uint32_t proposal; /* as sent */
            uint32_t attempt;  /* as sent */
            enum od_err err;
            int32_t leader_epoch; /* this and what follows only with OD_NONE */
            int32_t partition_epoch;
            int32_t count;
            int32_t brokers[OD_REPLICAS_MAX]; /* the set now committed */
        } isr;
        struct od_replica_member broker; /* in_isr unused */
        struct od_replica_config config;
    };
};

enum od_replica_action_kind {
    OD_REPLICA_ACT_HIGH_WATERMARK, /* offset: moved; publish it, look at the waiters */
    OD_REPLICA_ACT_PROPOSE_ISR,    /* send od_replica_actions.isr to the controller, once */
    OD_REPLICA_ACT_START_EPOCH,    /* epoch, offset: record so that it is durable no later than */
                                   /* the first batch of the epoch, then EPOCH_RECORDED */
    OD_REPLICA_ACT_STEP_DOWN,      /* err: an epoch of leadership is over; look at all waiters */
    OD_REPLICA_ACT_REJECT,         /* err: the answer to FETCHED */
    OD_REPLICA_ACT_DIVERGING,      /* epoch, offset: the answer to FETCHED */
    OD_REPLICA_ACT_FETCH,          /* broker, epoch, offset, last_epoch: ask the leader next */
    OD_REPLICA_ACT_APPEND,         /* append what FETCH_RESULT brought, if anything, then */
                                   /* APPENDED; failed: FETCH_RESULT with the error */
    OD_REPLICA_ACT_TRUNCATE,       /* offset: cut there, forget epoch starts >= it; TRUNCATED */
    OD_REPLICA_ACT_RESTART_LOG,    /* offset: drop everything, begin there; TRUNCATED */
};

struct od_replica_action {
    enum od_replica_action_kind kind;
    enum od_err err;
    int32_t broker;
    int32_t epoch;
    int32_t last_epoch;
    int64_t offset;
};

/* A wish for a new in-sync set.  A retry repeats it with the next attempt number. */
struct od_replica_proposal {
    uint32_t proposal;
    uint32_t attempt;
    int32_t leader_epoch;
    int32_t partition_epoch;
    int32_t count;
    struct od_replica_member members[OD_REPLICAS_MAX]; /* broker and broker_epoch */
};

struct od_replica_actions {
    int n;
    struct od_replica_action v[OD_REPLICA_ACTIONS_MAX];
    struct od_replica_proposal isr; /* valid beside a PROPOSE_ISR */
};

enum od_replica_ack { OD_REPLICA_ACK_WAIT, OD_REPLICA_ACK_DONE, OD_REPLICA_ACK_FAILED };

/* What a leader knows of another replica. */
struct od_replica_peer {
    int32_t broker;
    bool in_isr;   /* committed by the controller */
    bool proposed; /* in the pending proposal */
    bool eligible;
    int64_t broker_epoch;       /* registered, by metadata */
    int64_t fetch_broker_epoch; /* of its last fetch in this leader epoch; -1: none yet */
    int64_t proposed_epoch;     /* its broker epoch in the pending proposal */
    int64_t end;                /* -1: unknown in this leader epoch */
    int64_t durable_end;
    int64_t caught_up_ms; /* at this time it had all that we had */
    int64_t mark_end;     /* our end at mark_ms; reaching it proves it was caught up then */
    int64_t mark_ms;
};

/* Visible to be embedded; read through the functions below. */
struct od_replica {
    enum od_replica_state state;
    int32_t self;
    int64_t self_epoch; /* our registration, by metadata */
    int32_t leader;
    int32_t leader_epoch;
    int32_t partition_epoch;
    struct od_replica_config config;
    /* the log */
    int64_t end;
    int64_t durable_end;
    int64_t high_watermark;
    int32_t last_epoch;
    uint32_t generation; /* counts truncations */
    bool cutting;        /* TRUNCATE or RESTART_LOG is being carried out */
    /* leader */
    bool epoch_recorded;
    int64_t epoch_start; /* INT64_MAX: not yet known, cutting */
    struct od_replica_peer *peers; /* sorted by broker */
    int32_t peer_count;
    int32_t peer_capacity;
    bool pending;      /* a proposal may have been or may still be accepted */
    bool silent;       /* no retry of it: only metadata can settle it */
    uint32_t proposal; /* number of the newest */
    uint32_t attempts; /* of the pending one */
    uint32_t answered; /* one bit for each of its first 32 attempts */
    int64_t retry_ms;  /* leader: no proposal before; follower: no fetch before */
    int64_t seen_ms;   /* leader: when the high watermark was last looked at */
    /* follower */
    bool fetching; /* a FETCH or an APPEND is out */
    int64_t leader_high_watermark;
};

void od_replica_init(struct od_replica *r, int32_t self);
/*
 * Lends the machine an array for the other replicas and returns the one it had, to be freed
 * (NULL at first).  Needed before LEAD or FOLLOW names more than 1 + capacity replicas; a
 * partition with a single replica needs none.  After STOP the array may be taken back.
 */
struct od_replica_peer *od_replica_reserve(struct od_replica *r, struct od_replica_peer *peers,
                                           int32_t capacity);

/* A stale or unfitting event gives no actions. */
void od_replica_step(struct od_replica *r, const struct od_replica_event *ev,
                     struct od_replica_actions *out);

/* May a batch be appended?  OD_NONE, or the wire code; nothing may be appended then. */
enum od_err od_replica_check_produce(const struct od_replica *r, int16_t acks);
/* May a consumer read or list offsets here?  client_epoch -1: it does not say. */
enum od_err od_replica_check_fetch(const struct od_replica *r, int32_t client_epoch);
/*
 * What to tell a producer that waits for acks=all; last_offset is of its last record, leader_epoch
 * the one that record was appended under.  *err is set unless it has to wait.
 */
enum od_replica_ack od_replica_ack_state(const struct od_replica *r, int32_t leader_epoch,
                                         int64_t last_offset, enum od_err *err);
/* The end of what consumers see. */
int64_t od_replica_high_watermark(const struct od_replica *r);
/* False: a new leader does not know yet all that was committed before it; ListOffsets for latest,
 * max timestamp and timestamps beyond the high watermark answer OFFSET_NOT_AVAILABLE. */
bool od_replica_reads_ready(const struct od_replica *r);
bool od_replica_needs_flush(const struct od_replica *r); /* part of the log is not durable */
uint32_t od_replica_log_generation(const struct od_replica *r);
/* When TICK may have an effect at the earliest; INT64_MAX: never. */
int64_t od_replica_deadline_ms(const struct od_replica *r);
/* The committed in-sync set, leader included: its size, and whether a broker is in it. */
int32_t od_replica_isr_count(const struct od_replica *r);
bool od_replica_isr_has(const struct od_replica *r, int32_t broker);
