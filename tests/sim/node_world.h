/* SPDX-License-Identifier: Apache-2.0 */
/* One broker on one simulated node, its topics, and the model clients around it. */
#pragma once

#include "base/uuid.h"
#include "group_history.h"
#include "history.h"
#include "node_churn.h"
#include "os/sim/sim.h"
#include "wire_conn.h"

enum {
    NODE_TOPICS_MAX = 3,
    NODE_CLIENTS_MAX = 40,
    NODE_PARTITIONS_MAX = 12,
    NODE_PORT = 9092,
    NODE_CALL_MS = 40000,
    NODE_LATENCY_MS = 3000,
    NODE_EXTRA_MAX = 12,
    NODE_PRODUCER_IDS_MAX = 64,
    NODE_SETTINGS = 3,
    NODE_SESSION_MS = 1000, /* of members of groups */
    NODE_UNKNOWN_MAX = 64, /* attempts to change one setting whose outcome is not known */
};

struct od_node;
struct node_client;

struct node_topic {
    char name[32];
    struct od_uuid id;
    int partitions;
};

struct node_place {
    int topic, index; /* of a partition counted over all topics */
};

/* A setting that one client changes during the faults. */
struct node_setting {
    int8_t type;
    const char *resource, *name;
    int64_t acknowledged; /* last; -1: never set */
    int64_t unknown[NODE_UNKNOWN_MAX];
    int unknown_count;
};

struct node_world {
    struct od_sim_node *broker;
    const char *host;
    enum od_err ended_err; /* of its last life that ended by itself */
    struct od_node *node; /* while it serves; belongs to the broker's process */
    int reactors;
    bool small_dirty; /* odradek.max.dirty.bytes is */
    int offsets_partitions; /* of __consumer_offsets */
    int rebalance_delay_ms; /* the first */
    bool replicated; /* odradek.durability of the topics */
    int snapshot_bytes; /* of metadata records between two snapshots; 0: Kafka's default */
    struct node_topic topics[NODE_TOPICS_MAX];
    int topic_count;
    struct node_place places[NODE_PARTITIONS_MAX];
    int partitions;
    struct history *history;
    struct group_history groups;
    int registers; /* of groups.registers that have a client */
    int lives;             /* of its groups: within one of the broker, too */
    bool disk_disturbed; /* what an error has fenced comes back with the next start only */
    struct node_topic extra[NODE_EXTRA_MAX]; /* made during the faults, and acknowledged */
    int extra_count;
    int64_t producer_ids[NODE_PRODUCER_IDS_MAX]; /* given out so far */
    int producer_id_count;
    struct node_setting settings[NODE_SETTINGS];
    struct churn_topic churn[CHURN_TOPICS];
    int churn_names;       /* used so far */
    uint32_t churn_serial; /* of the last incarnation */
    int boots;             /* of the broker */
    bool healthy;  /* no faults: a request sent now is answered within NODE_LATENCY_MS */
    bool stopping; /* clients finish what is in flight and return */
    int clients, clients_left;
};

/* One model client; lives in a process of its own. */
struct node_client {
    struct node_world *world;
    int index;
    int connections;
    struct wire_conn conn;
    struct od_arena arena;
    bool by_id;      /* names topics by id where the version allows */
    bool unfinished; /* goes on although the clients are to stop */
};

/* Draws sizes, makes the nodes; the broker is not started. */
void node_world_init(struct node_world *w);
void node_world_boot(struct node_world *w);           /* starts the broker's process */
/* One topic with drawn settings; its id on success, or the code that was answered. */
OD_MUST_USE enum od_err node_create_topic(struct node_client *c, struct node_topic *topic);
void node_world_create_topics(struct node_world *w);  /* until all exist; on a client's fiber */
void node_world_crash(struct node_world *w, enum od_sim_crash how);
/* Starts a client's process. */
void node_world_client(struct node_world *w, const char *kind, void (*main)(void *client));

/* Connects, trying again until it works or the clients are to stop; false: to stop. */
bool node_client_connect(struct node_client *c);
void node_client_end(struct node_client *c); /* the last call of its main */
/* Fails the run when a request sent at sent_ms in a healthy world took longer than it may. */
void node_client_timed(struct node_client *c, bool healthy, int64_t sent_ms, int64_t wait_ms,
                       const char *what);

/* Whether the answer's code says that the coordinator is not there now; waits a little then, and
 * has the offsets topic made.  *call: of what that needed. */
bool node_coordinator_away(struct node_client *c, enum od_err code, enum od_err *call);

/* The broker has given out this id: fails the run if it did so before. */
void node_world_producer_id(struct node_world *w, int64_t id);

void node_produce(void *client); /* mains of clients */
void node_produce_idempotent(void *client);
void node_consume(void *client);
void node_observe(void *client);
void node_administer(void *client);
void node_configure(void *client);
void node_churn(void *client);
void node_disturb_churn(void *client);
void node_join_classic(void *client);
void node_join_consumer(void *client);
void node_commit(void *client);

/* Checks at the end, each on a fresh client's fiber. */
void node_check_writes(void *client);    /* acks=all works again on every partition */
void node_check_long_poll(void *client); /* a fetch that waits is woken by a write */
void node_read_all(void *client);        /* tells the history the final log */
void node_check_commits(void *client);   /* offsets are as acknowledged, or as attempted */
void node_check_classic(void *client);   /* a new member comes to its assignment */
void node_check_consumer(void *client);  /* a new member gets every partition */
void node_check_configs(void *client);   /* settings are as acknowledged, or as attempted */
void node_check_churn(void *client);     /* what the churn left is what its owner knows */
void node_check_topics(void *client);    /* every topic whose creation was acknowledged */
