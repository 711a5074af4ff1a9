/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Clients that commit an offset each, to a group without members, and read it back, on a second
 * connection also while a commit is out.
 */
#include "node_world.h"
#include "wire/api/find_coordinator.h"
#include "wire/api/offset_commit.h"
#include "wire/api/offset_fetch.h"

#include <string.h>

struct committer {
    struct node_client *client;
    struct wire_conn second;
    int reg; /* of the history */
    char group[24];
};

static enum od_err look_for(struct node_client *c)
{
    struct od_find_coordinator_req req;
    struct od_find_coordinator_rsp rsp;
    enum od_err err;

    od_find_coordinator_req_defaults(&req);
    req.key = OD_STR("any");
    err = wire_call(&c->conn, OD_find_coordinator_KEY, 3, &req, &c->arena, &rsp, NODE_CALL_MS);
    if (err == OD_NONE)
        OD_SIM_CHECK(rsp.error_code == OD_NONE || rsp.error_code == OD_COORDINATOR_NOT_AVAILABLE);
    return err;
}

bool node_coordinator_away(struct node_client *c, enum od_err code, enum od_err *call)
{
    *call = OD_NONE;
    if (code != OD_COORDINATOR_LOAD_IN_PROGRESS && code != OD_COORDINATOR_NOT_AVAILABLE &&
        code != OD_NOT_COORDINATOR)
        return false;
    od_sim_sleep_ms(10 + (int64_t)od_sim_random(50));
    if (code != OD_COORDINATOR_LOAD_IN_PROGRESS)
        *call = look_for(c);
    return true;
}

static enum od_err send_commit(struct committer *m, int64_t value)
{
    const struct node_topic *topic = &m->client->world->topics[0];
    struct node_client *c = m->client;
    int16_t version = (int16_t)(2 + od_sim_random(9));
    struct od_offset_commit_req req;

    od_offset_commit_req_defaults(&req);
    req.group_id = od_str_of(m->group);
    OD_ARENA_LIST(&c->arena, req.topics, 1);
    od_offset_commit_req_topic_defaults(&req.topics.v[0]);
    if (version >= 10)
        req.topics.v[0].topic_id = topic->id;
    else
        req.topics.v[0].name = od_str_of(topic->name);
    OD_ARENA_LIST(&c->arena, req.topics.v[0].partitions, 1);
    od_offset_commit_req_partition_defaults(&req.topics.v[0].partitions.v[0]);
    req.topics.v[0].partitions.v[0].committed_offset = value;
    return wire_send(&c->conn, OD_offset_commit_KEY, version, &req, true, NODE_CALL_MS);
}

static enum od_err receive_commit(struct committer *m, int64_t value, int life)
{
    struct node_client *c = m->client;
    struct group_history *h = &c->world->groups;
    struct od_offset_commit_rsp rsp;
    enum od_err err = wire_receive(&c->conn, &c->arena, &rsp, NODE_CALL_MS);
    enum od_err code;

    if (err != OD_NONE)
        return err;
    OD_SIM_CHECK(rsp.topics.n == 1 && rsp.topics.v[0].partitions.n == 1);
    code = (enum od_err)rsp.topics.v[0].partitions.v[0].error_code;
    if (code == OD_NONE)
        group_history_committed(h, m->reg, value, life);
    else if (code == OD_COORDINATOR_LOAD_IN_PROGRESS)
        group_history_refused(h, m->reg, value);
    if (code != OD_NONE && !node_coordinator_away(c, code, &err))
        od_sim_fail("commit: %s", od_err_name(code));
    return err;
}

/* *code: of the answer. */
static enum od_err fetch(struct committer *m, struct wire_conn *conn, enum od_err *code)
{
    static const int16_t versions[] = { 8, 9 };
    struct node_client *c = m->client;
    struct od_offset_fetch_req req;
    struct od_offset_fetch_rsp rsp;
    enum od_err err;

    od_offset_fetch_req_defaults(&req);
    OD_ARENA_LIST(&c->arena, req.groups, 1);
    od_offset_fetch_req_group_defaults(&req.groups.v[0]);
    req.groups.v[0].group_id = od_str_of(m->group);
    OD_ARENA_LIST(&c->arena, req.groups.v[0].topics, 1);
    req.groups.v[0].topics.v[0].name = od_str_of(c->world->topics[0].name);
    OD_ARENA_LIST(&c->arena, req.groups.v[0].topics.v[0].partition_indexes, 1);
    err = wire_call(conn, OD_offset_fetch_KEY, versions[od_sim_random(OD_COUNT(versions))], &req,
                    &c->arena, &rsp, NODE_CALL_MS);
    if (err != OD_NONE)
        return err;
    OD_SIM_CHECK(rsp.groups.n == 1);
    *code = (enum od_err)rsp.groups.v[0].error_code;
    if (*code != OD_NONE)
        return OD_NONE;
    OD_SIM_CHECK(rsp.groups.v[0].topics.n == 1 && rsp.groups.v[0].topics.v[0].partitions.n == 1);
    group_history_read(&c->world->groups, m->reg,
                       rsp.groups.v[0].topics.v[0].partitions.v[0].committed_offset);
    return OD_NONE;
}

static enum od_err read_back(struct committer *m)
{
    enum od_err code = OD_NONE, err = fetch(m, &m->client->conn, &code);

    if (err == OD_NONE && code != OD_NONE && !node_coordinator_away(m->client, code, &err))
        od_sim_fail("fetch of offsets: %s", od_err_name(code));
    return err;
}

/* What is not acknowledged yet is read only if it stays. */
static void read_meanwhile(struct committer *m)
{
    enum od_err code;

    if (!m->second.socket && wire_open(&m->second, m->client->world->host, NODE_PORT, 1000))
        return;
    if (fetch(m, &m->second, &code) != OD_NONE)
        wire_close(&m->second);
}

static enum od_err commit(struct committer *m, int64_t value)
{
    struct node_world *w = m->client->world;
    bool healthy = w->healthy;
    int64_t sent_ms = od_sim_now_ms();
    int life = w->boots;
    enum od_err err = send_commit(m, value);

    if (err == OD_NONE && od_sim_chance(300000))
        read_meanwhile(m);
    if (err == OD_NONE)
        err = receive_commit(m, value, life);
    node_client_timed(m->client, healthy, sent_ms, 0, "commit");
    return err;
}

static void begin(struct committer *m, struct node_client *c, int reg)
{
    memset(m, 0, sizeof(*m));
    m->client = c;
    m->reg = reg;
    snprintf(m->group, sizeof(m->group), "register-%d", reg);
}

void node_commit(void *client)
{
    struct node_client *c = client;
    struct node_world *w = c->world;
    struct committer m;

    begin(&m, c, w->registers++);
    for (int64_t value = 1; !w->stopping; value++) {
        enum od_err err;

        if (!c->conn.socket && !node_client_connect(c))
            break;
        if (!group_history_commits(&w->groups, m.reg, value, w->boots))
            break;
        err = commit(&m, value);
        if (err == OD_NONE && od_sim_chance(300000))
            err = read_back(&m);
        if (err != OD_NONE)
            wire_close(&c->conn);
        od_arena_reset(&c->arena);
        od_sim_sleep_ms((int64_t)od_sim_random(60));
    }
    wire_close(&m.second);
    node_client_end(c);
}

void node_check_commits(void *client)
{
    struct node_client *c = client;
    struct committer m;

    for (int reg = 0; reg < c->world->registers;) {
        enum od_err code = OD_NONE, err;

        begin(&m, c, reg);
        OD_SIM_CHECK(c->conn.socket || node_client_connect(c));
        err = fetch(&m, &c->conn, &code);
        if (err == OD_NONE && code == OD_NONE)
            reg++;
        else if (err == OD_NONE)
            OD_SIM_CHECK(node_coordinator_away(c, code, &err));
        if (err != OD_NONE)
            wire_close(&c->conn);
        od_arena_reset(&c->arena);
    }
    node_client_end(c);
}
