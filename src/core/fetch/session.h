/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Incremental fetch sessions (KIP-227): which partitions a client follows, what it was last told
 * about each, and which of them have something to say now.
 *
 * No locks, no I/O: a cache, its sessions and their cursors are owned by one reactor, that of the
 * connection that opened them.  Appends on other threads reach a session through that reactor's
 * inbox.  A request that names a session of another reactor gets FETCH_SESSION_ID_NOT_FOUND and
 * its client starts anew.  Ids are unique per node because each cache has its own residue class.
 *
 * One request:
 *   od_fetch_begin, od_fetch_want for each partition named, od_fetch_forget for each forgotten one,
 *   od_fetch_admit (the session id of the answer);
 *   look at each ready cursor (OD_FETCH_EACH_READY) and od_fetch_mark what is there;
 *   wait until od_fetch_due or the time is over; events call od_fetch_mark meanwhile;
 *   od_fetch_round, then od_fetch_next and od_fetch_put until NULL or the answer is full;
 *   od_fetch_end.
 * A request without a session goes the same way; its session dies with od_fetch_end.
 *
 * Cost: a request touches the partitions it names and those that are ready, never the others.  A
 * cursor takes about 200 bytes, charged to the budget before it is taken.
 */
#pragma once

#include "base/budget.h"
#include "base/err.h"
#include "base/list.h"
#include "base/map.h"
#include "base/uuid.h"

struct od_fetch_slab;
struct od_fetch_cursor;

/* A topic of one session.  Named by id from Fetch 13 on, by name below. */
struct od_fetch_topic {
    struct od_uuid id;
    struct od_str name;
    uint32_t number; /* within the session */
    uint32_t cursors;
};

struct od_fetch_key {
    struct od_uuid topic_id; /* zero when by name */
    struct od_str topic;     /* null when by id; copied */
    int32_t partition;
};

/* What the request says of a partition. */
struct od_fetch_params {
    int64_t fetch_offset;
    int64_t log_start; /* of a follower; -1 */
    int32_t max_bytes;
    int32_t current_leader_epoch; /* -1: not said */
    int32_t last_fetched_epoch;   /* -1: not said */
};

/* What the answer says of a partition. */
struct od_fetch_result {
    enum od_err err;
    int64_t high_watermark;
    int64_t log_start;
    size_t records_bytes;
    bool more;      /* records were left out for lack of room */
    bool preferred; /* names a preferred read replica */
    bool diverging; /* names a diverging epoch */
};

/* A partition of a session.  Its address is stable until it is dropped. */
struct od_fetch_cursor {
    struct od_link link; /* in ready or in the round being served */
    struct od_fetch_topic *topic;
    struct {
        uint32_t topic;
        int32_t partition;
    } key;
    struct od_fetch_params want;
    int64_t high_watermark; /* last told; -1: nothing yet, or an error */
    int64_t log_start;      /* last told; -1 */
    int64_t available;      /* bytes counted for min_bytes */
    bool urgent;            /* an error or the like: answer at once */
    bool used;
    void *watch; /* the driver's subscription to the partition; NULL: none */
};

struct od_fetch_session {
    struct od_link lru; /* in the cache, least recently used first */
    struct od_fetch_cache *cache;
    int32_t id; /* 0: not in the cache */
    int32_t epoch;
    bool by_id;
    bool privileged; /* a follower's */
    bool full;       /* this answer names every partition */
    bool keep;       /* it may enter the cache */
    bool busy;       /* a request is being served */
    void *parked;    /* the driver's: the request that waits for bytes or time; NULL: none */
    int64_t created_ms;
    int64_t used_ms;
    struct od_map topics;
    struct od_map cursors;
    uint32_t topics_made;
    struct od_fetch_slab *slabs;
    struct od_list free;
    struct od_list ready; /* in the order of service */
    struct od_list round;
    int64_t available;
    uint32_t urgent;
};

struct od_fetch_config {
    uint32_t slots;      /* max.incremental.fetch.session.cache.slots, this cache's share */
    uint32_t shard;      /* 0 <= shard < shards: this cache's residue class of ids */
    uint32_t shards;
    uint64_t seed;       /* of the maps */
    struct od_budget *budget; /* outlives the cache */
    /* Called before a cursor that has a watch dies; ends the subscription. */
    void (*drop)(struct od_fetch_cursor *cursor);
};

struct od_fetch_cache {
    struct od_fetch_config config;
    struct od_map sessions;
    struct od_list lru;
    uint32_t count;
    uint64_t evictions;
};

/* One request's head. */
struct od_fetch_start {
    int32_t session_id;
    int32_t epoch;   /* 0: full, opens a session; -1: full, closes it; above: incremental */
    bool by_id;      /* Fetch 13 and above */
    bool follower;
    int64_t now_ms;
};

void od_fetch_cache_init(struct od_fetch_cache *c, const struct od_fetch_config *config);
void od_fetch_cache_deinit(struct od_fetch_cache *c); /* no request is in progress */

/* INVALID_FETCH_SESSION_EPOCH, FETCH_SESSION_ID_NOT_FOUND, FETCH_SESSION_TOPIC_ID_ERROR or
 * E_NO_MEMORY; then there is no session to end. */
OD_MUST_USE enum od_err od_fetch_begin(struct od_fetch_cache *c, const struct od_fetch_start *start,
                                       struct od_fetch_session **out);
/* Adds a partition, or moves its cursor.  E_NO_MEMORY: call od_fetch_close and refuse. */
OD_MUST_USE enum od_err od_fetch_want(struct od_fetch_session *s, const struct od_fetch_key *key,
                                      const struct od_fetch_params *want);
void od_fetch_forget(struct od_fetch_session *s, const struct od_fetch_key *key);
/* Keeps a new session if there is room or something less valuable to evict; gives the session id
 * of the answer, 0 for none.  random: 32 random bits. */
int32_t od_fetch_admit(struct od_fetch_session *s, int64_t now_ms, uint32_t random);

/* What can be read at the cursor now: puts it on the ready list. */
void od_fetch_mark(struct od_fetch_session *s, struct od_fetch_cursor *c, int64_t available,
                   bool urgent);
bool od_fetch_due(const struct od_fetch_session *s, int32_t min_bytes);

#define OD_FETCH_EACH_READY(session, link) OD_LIST_EACH(&(session)->ready, link)
#define OD_FETCH_CURSOR(link_pointer) OD_CONTAINER(link_pointer, struct od_fetch_cursor, link)

/* Serving: a round goes once over what is ready now.  What it does not reach stays first. */
void od_fetch_round(struct od_fetch_session *s);
struct od_fetch_cursor *od_fetch_next(struct od_fetch_session *s); /* NULL: the round is over */
/* Tells what was read for the cursor od_fetch_next gave; true: it belongs into the answer. */
OD_MUST_USE bool od_fetch_put(struct od_fetch_session *s, struct od_fetch_cursor *c,
                              const struct od_fetch_result *result);

/* Takes the session out of the cache, if it is in; the request may go on. */
void od_fetch_close(struct od_fetch_session *s);
void od_fetch_end(struct od_fetch_session *s); /* the request is over */
