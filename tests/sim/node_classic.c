/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Members of one classic group: they join, sync, beat, commit, leave, die, and say things twice on
 * another connection, or too late.  The leader signs what it assigns.
 */
#include "base/be.h"
#include "base/map.h"
#include "node_world.h"
#include "wire/api/heartbeat.h"
#include "wire/api/join_group.h"
#include "wire/api/leave_group.h"
#include "wire/api/offset_commit.h"
#include "wire/api/sync_group.h"

#include <string.h>

enum { REBALANCE_MS = 700, SIGNATURE_BYTES = 16, ID_MAX = 96, SECOND_MAX = 16 };

struct member {
    struct node_client *client;
    struct wire_conn second; /* its answers are not read */
    char id[ID_MAX];         /* empty: none */
    int32_t generation;      /* -1: not joined */
    bool has_assignment;
    bool leads;
    struct {
        int32_t n;
        struct od_sync_group_req_assignment *v;
    } assigns; /* in the arena, of the leader */
};

static const char group[] = "classic";

static uint64_t hash_of(struct od_str s)
{
    static const uint64_t seed[2] = { 3, 4 };

    return od_siphash(seed, s.data, s.len) | 1;
}

static void lose_place(struct member *m, bool id_too)
{
    m->generation = -1;
    m->has_assignment = m->leads = false;
    if (id_too)
        m->id[0] = '\0';
}

/* The answer's code, other than none: what a client does about it. */
static enum od_err react(struct member *m, enum od_err code, const char *what)
{
    enum od_err err = OD_NONE;

    if (node_coordinator_away(m->client, code, &err))
        return err;
    switch ((int)code) {
    case OD_UNKNOWN_MEMBER_ID:
        lose_place(m, true);
        return OD_NONE;
    case OD_ILLEGAL_GENERATION:
    case OD_REBALANCE_IN_PROGRESS:
        lose_place(m, false);
        od_sim_sleep_ms(1 + (int64_t)od_sim_random(20));
        return OD_NONE;
    default:
        od_sim_fail("%s: %s", what, od_err_name(code));
    }
}

/* The same once more, on another connection: it may overtake what follows here. */
static void repeat(struct member *m, int16_t key, int16_t version, const void *req)
{
    if (!od_sim_chance(150000))
        return;
    if (m->second.socket && m->second.call_count >= SECOND_MAX)
        wire_close(&m->second);
    if (!m->second.socket && wire_open(&m->second, m->client->world->host, NODE_PORT, 1000))
        return;
    if (wire_send(&m->second, key, version, req, true, 1000) != OD_NONE)
        wire_close(&m->second);
}

static enum od_err ask(struct member *m, int16_t key, int16_t version, const void *req, void *rsp,
                       int64_t wait_ms)
{
    struct node_client *c = m->client;
    bool healthy = c->world->healthy;
    int64_t sent_ms = od_sim_now_ms();
    enum od_err err = wire_call(&c->conn, key, version, req, &c->arena, rsp, NODE_CALL_MS);

    node_client_timed(c, healthy, sent_ms, wait_ms, "call of a member");
    return err;
}

/* --- joining ----------------------------------------------------------------------------- */

/* A part for each member, with the leader's sign: the member's name, and a number never used.  The
 * answer's names are gone with the connection. */
static void assign_parts(struct member *m, const struct od_join_group_rsp *rsp)
{
    struct od_arena *arena = &m->client->arena;
    uint64_t hand = od_sim_random(UINT64_MAX) | 1;

    OD_ARENA_LIST(arena, m->assigns, rsp->members.n);
    for (int32_t i = 0; i < rsp->members.n; i++) {
        uint8_t *part = od_arena_alloc(arena, SIGNATURE_BYTES);

        od_be64_store(part, hand);
        od_be64_store(part + 8, hash_of(rsp->members.v[i].member_id));
        m->assigns.v[i].member_id =
            od_str_of(od_arena_printf(arena, "%.*s", OD_STR_ARGS(rsp->members.v[i].member_id)));
        m->assigns.v[i].assignment = (struct od_bytes){ part, SIGNATURE_BYTES };
    }
}

static void take_generation(struct member *m, const struct od_join_group_rsp *rsp, int32_t asked_at,
                            int life)
{
    struct node_world *w = m->client->world;

    OD_SIM_CHECK(rsp->member_id.len > 0 && rsp->member_id.len < ID_MAX);
    snprintf(m->id, sizeof(m->id), "%.*s", OD_STR_ARGS(rsp->member_id));
    m->generation = rsp->generation_id;
    m->leads = od_str_eq(rsp->leader, rsp->member_id);
    m->has_assignment = false;
    group_history_joined(&w->groups, asked_at, rsp->generation_id, hash_of(rsp->leader), life);
    if (m->leads)
        assign_parts(m, rsp);
}

static enum od_err join(struct member *m)
{
    static const struct od_join_group_req_protocol protocol = { { "range", 5 },
                                                                { (const uint8_t *)"meta", 4 } };
    struct node_world *w = m->client->world;
    int16_t version = (int16_t)od_sim_random(10);
    int32_t asked_at = w->groups.generation;
    int life = w->lives;
    struct od_join_group_req req;
    struct od_join_group_rsp rsp;
    enum od_err err;

    od_join_group_req_defaults(&req);
    req.group_id = od_str_of(group);
    req.session_timeout_ms = NODE_SESSION_MS;
    req.rebalance_timeout_ms = REBALANCE_MS;
    req.member_id = od_str_of(m->id);
    req.protocol_type = OD_STR("consumer");
    OD_ARENA_LIST(&m->client->arena, req.protocols, 1);
    req.protocols.v[0] = protocol;
    if (m->id[0])
        repeat(m, OD_join_group_KEY, version, &req);
    err = ask(m, OD_join_group_KEY, version, &req, &rsp, 2 * REBALANCE_MS);
    if (err != OD_NONE)
        return err;
    if (rsp.error_code == OD_MEMBER_ID_REQUIRED) {
        OD_SIM_CHECK(rsp.member_id.len > 0 && rsp.member_id.len < ID_MAX);
        snprintf(m->id, sizeof(m->id), "%.*s", OD_STR_ARGS(rsp.member_id));
        return OD_NONE;
    }
    if (rsp.error_code != OD_NONE)
        return react(m, (enum od_err)rsp.error_code, "join");
    take_generation(m, &rsp, asked_at, life == w->lives && !w->disk_disturbed ? life : -1);
    return OD_NONE;
}

static void take_assignment(struct member *m, struct od_bytes part)
{
    m->has_assignment = true;
    if (part.len == 0)
        return; /* its leader did not know of it: a number given again after a restart */
    OD_SIM_CHECK(part.len == SIGNATURE_BYTES);
    if (od_be64_load(part.data + 8) != hash_of(od_str_of(m->id)))
        od_sim_fail("two-assignments: %s got another member's", m->id);
    group_history_assigned(&m->client->world->groups, m->generation, od_be64_load(part.data));
}

static enum od_err sync_up(struct member *m)
{
    int16_t version = (int16_t)od_sim_random(6);
    struct od_sync_group_req req;
    struct od_sync_group_rsp rsp;
    enum od_err err;

    od_sync_group_req_defaults(&req);
    req.group_id = od_str_of(group);
    req.generation_id = m->generation;
    req.member_id = od_str_of(m->id);
    req.protocol_type = OD_STR("consumer");
    req.protocol_name = OD_STR("range");
    if (m->leads) {
        req.assignments.n = m->assigns.n;
        req.assignments.v = m->assigns.v;
    }
    repeat(m, OD_sync_group_KEY, version, &req);
    err = ask(m, OD_sync_group_KEY, version, &req, &rsp, 2 * REBALANCE_MS);
    if (err == OD_NONE && rsp.error_code == OD_NONE)
        take_assignment(m, rsp.assignment);
    else if (err == OD_NONE)
        err = react(m, (enum od_err)rsp.error_code, "sync");
    return err;
}

/* --- a member's days --------------------------------------------------------------------- */

static enum od_err beat(struct member *m)
{
    struct group_history *h = &m->client->world->groups;
    int16_t version = (int16_t)od_sim_random(5);
    int32_t asked_at = h->generation;
    struct od_heartbeat_req req;
    struct od_heartbeat_rsp rsp;
    enum od_err err;

    od_heartbeat_req_defaults(&req);
    req.group_id = od_str_of(group);
    req.generation_id = m->generation;
    req.member_id = od_str_of(m->id);
    repeat(m, OD_heartbeat_KEY, version, &req);
    err = ask(m, OD_heartbeat_KEY, version, &req, &rsp, 0);
    if (err == OD_NONE && rsp.error_code == OD_NONE)
        group_history_accepted(h, asked_at, m->generation);
    else if (err == OD_NONE)
        err = react(m, (enum od_err)rsp.error_code, "heartbeat");
    return err;
}

static enum od_err commit(struct member *m)
{
    struct node_world *w = m->client->world;
    int32_t asked_at = w->groups.generation;
    struct od_offset_commit_req req;
    struct od_offset_commit_rsp rsp;
    enum od_err err, code;

    od_offset_commit_req_defaults(&req);
    req.group_id = od_str_of(group);
    req.generation_id_or_member_epoch = m->generation;
    req.member_id = od_str_of(m->id);
    OD_ARENA_LIST(&m->client->arena, req.topics, 1);
    od_offset_commit_req_topic_defaults(&req.topics.v[0]);
    req.topics.v[0].name = od_str_of(w->topics[0].name);
    OD_ARENA_LIST(&m->client->arena, req.topics.v[0].partitions, 1);
    od_offset_commit_req_partition_defaults(&req.topics.v[0].partitions.v[0]);
    req.topics.v[0].partitions.v[0].committed_offset = m->generation;
    err = ask(m, OD_offset_commit_KEY, (int16_t)(2 + od_sim_random(8)), &req, &rsp, 0);
    if (err != OD_NONE)
        return err;
    OD_SIM_CHECK(rsp.topics.n == 1 && rsp.topics.v[0].partitions.n == 1);
    code = (enum od_err)rsp.topics.v[0].partitions.v[0].error_code;
    if (code != OD_NONE)
        return react(m, code, "commit of a member");
    group_history_accepted(&w->groups, asked_at, m->generation);
    return OD_NONE;
}

static enum od_err leave(struct member *m)
{
    int16_t version = (int16_t)od_sim_random(6);
    struct od_leave_group_req req;
    struct od_leave_group_rsp rsp;
    enum od_err err;

    od_leave_group_req_defaults(&req);
    req.group_id = od_str_of(group);
    if (version < 3) {
        req.member_id = od_str_of(m->id);
    } else {
        OD_ARENA_LIST(&m->client->arena, req.members, 1);
        req.members.v[0].member_id = od_str_of(m->id);
    }
    repeat(m, OD_leave_group_KEY, version, &req);
    err = ask(m, OD_leave_group_KEY, version, &req, &rsp, 0);
    lose_place(m, true);
    return err;
}

static enum od_err live(struct member *m)
{
    uint64_t what = od_sim_random(100);

    od_sim_sleep_ms(10 + (int64_t)od_sim_random(150));
    if (what < 60)
        return beat(m);
    if (what < 88)
        return commit(m);
    if (what < 91 && m->leads) { /* assigns anew */
        lose_place(m, false);
        return OD_NONE;
    }
    if (what < 95)
        return leave(m);
    if (what < 97)
        lose_place(m, true); /* dies; another one comes in its place */
    return OD_NONE;
}

/* The arena stays from a join to its sync: it holds what the leader assigns. */
static void step(struct member *m)
{
    enum od_err err;

    if (m->generation < 0 || m->has_assignment)
        od_arena_reset(&m->client->arena);
    if (m->generation < 0)
        err = join(m);
    else if (!m->has_assignment)
        err = sync_up(m);
    else
        err = live(m);
    if (err != OD_NONE)
        wire_close(&m->client->conn);
}

void node_join_classic(void *client)
{
    struct member m = { .client = client, .generation = -1 };

    while (!m.client->world->stopping) {
        if (!m.client->conn.socket && !node_client_connect(m.client))
            break;
        step(&m);
    }
    wire_close(&m.second);
    node_client_end(m.client);
}

/* Those of before have not left: their sessions must end. */
void node_check_classic(void *client)
{
    struct member m = { .client = client, .generation = -1 };

    while (!m.has_assignment) {
        OD_SIM_CHECK(m.client->conn.socket || node_client_connect(m.client));
        step(&m);
    }
    wire_close(&m.second);
    node_client_end(m.client);
}
