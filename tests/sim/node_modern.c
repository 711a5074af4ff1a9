/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Members of one group with server-side assignment: each takes at once what it is told, gives up at
 * once what it is told no more, and reports with the next heartbeat.  Who is not sure that its last
 * report came in, or has heard nothing for a session, gives up all and is a new member.
 */
#include "node_world.h"
#include "wire/api/consumer_group_heartbeat.h"

#include <string.h>

enum { ID_MAX = 40 };

struct member {
    struct node_client *client;
    char id[ID_MAX];
    int ids;
    int32_t epoch;     /* 0: joins */
    uint32_t has;      /* a bit for each partition */
    uint32_t reported; /* that it has */
    bool full;         /* tells all, and is told all */
    int64_t until_ms;  /* the broker may have given it up then */
};

static void be_new(struct member *m)
{
    struct node_client *c = m->client;

    snprintf(m->id, sizeof(m->id), "member-%d-%d", c->index, m->ids++);
    m->epoch = 0;
    m->has = m->reported = 0;
    m->until_ms = INT64_MAX;
    group_history_owns(&c->world->groups, c->index, 0, od_sim_now_ms(), 0);
}

static void tell_has(const struct member *m, struct od_consumer_group_heartbeat_req *req)
{
    const struct node_world *w = m->client->world;

    OD_ARENA_LIST(&m->client->arena, req->topic_partitions, w->topic_count);
    for (int t = 0; t < w->topic_count; t++) {
        struct od_consumer_group_heartbeat_topic *to = &req->topic_partitions.v[t];
        int32_t n = 0;

        to->topic_id = w->topics[t].id;
        OD_ARENA_LIST(&m->client->arena, to->partitions, w->partitions);
        for (int i = 0; i < w->partitions; i++)
            if (w->places[i].topic == t && (m->has >> i & 1))
                to->partitions.v[n++] = w->places[i].index;
        to->partitions.n = n;
    }
}

static uint32_t bit_of(const struct node_world *w, struct od_uuid topic, int32_t index)
{
    for (int i = 0; i < w->partitions; i++)
        if (w->places[i].index == index && od_uuid_eq(w->topics[w->places[i].topic].id, topic))
            return 1u << i;
    od_sim_fail("a member is told partition %d of a topic it does not read", index);
}

static void take(struct member *m, const struct od_consumer_group_heartbeat_rsp *rsp)
{
    struct node_client *c = m->client;

    m->epoch = rsp->member_epoch;
    if (rsp->assignment) {
        m->has = 0;
        for (int32_t i = 0; i < rsp->assignment->topic_partitions.n; i++) {
            const struct od_consumer_group_heartbeat_topic *t =
                &rsp->assignment->topic_partitions.v[i];

            for (int32_t j = 0; j < t->partitions.n; j++)
                m->has |= bit_of(c->world, t->topic_id, t->partitions.v[j]);
        }
    }
    group_history_owns(&c->world->groups, c->index, m->has, od_sim_now_ms(), m->until_ms);
}

static void prepare(struct member *m, struct od_consumer_group_heartbeat_req *req)
{
    struct node_client *c = m->client;

    od_consumer_group_heartbeat_req_defaults(req);
    req->group_id = OD_STR("consumer");
    req->member_id = od_str_of(m->id);
    req->member_epoch = m->epoch;
    if (m->epoch != 0 && !m->full && m->has == m->reported)
        return;
    if (m->epoch == 0 || m->full) {
        req->rebalance_timeout_ms = 60000;
        OD_ARENA_LIST(&c->arena, req->subscribed_topic_names, c->world->topic_count);
        for (int t = 0; t < c->world->topic_count; t++)
            req->subscribed_topic_names.v[t] = od_str_of(c->world->topics[t].name);
    }
    if (m->epoch == 0)
        req->topic_partitions.n = 0;
    else
        tell_has(m, req);
}

static enum od_err react(struct member *m, enum od_err code)
{
    enum od_err err = OD_NONE;

    if (node_coordinator_away(m->client, code, &err)) {
        m->full = true;
        return err;
    }
    if (code != OD_UNKNOWN_MEMBER_ID && code != OD_FENCED_MEMBER_EPOCH &&
        code != OD_GROUP_ID_NOT_FOUND)
        od_sim_fail("heartbeat of a consumer: %s", od_err_name(code));
    be_new(m);
    return OD_NONE;
}

static enum od_err call(struct member *m, const struct od_consumer_group_heartbeat_req *req,
                        struct od_consumer_group_heartbeat_rsp *rsp)
{
    struct node_client *c = m->client;

    return wire_call(&c->conn, OD_consumer_group_heartbeat_KEY, 1, req, &c->arena, rsp,
                     NODE_CALL_MS);
}

static enum od_err beat(struct member *m)
{
    bool healthy = m->client->world->healthy, reports;
    int64_t sent_ms = od_sim_now_ms();
    uint32_t has = m->has;
    struct od_consumer_group_heartbeat_req req;
    struct od_consumer_group_heartbeat_rsp rsp;
    enum od_err err = OD_NONE;

    prepare(m, &req);
    reports = req.topic_partitions.n >= 0;
    if (!reports && od_sim_chance(100000)) { /* twice; the answer to the first may be news */
        err = call(m, &req, &rsp);
        m->full = true;
    }
    if (err == OD_NONE)
        err = call(m, &req, &rsp);
    node_client_timed(m->client, healthy, sent_ms, 0, "heartbeat of a consumer");
    if (od_sim_now_ms() >= m->until_ms || od_sim_now_ms() - sent_ms >= NODE_SESSION_MS ||
        (err != OD_NONE && reports)) {
        be_new(m);
        return err;
    }
    m->full = m->full || err != OD_NONE;
    if (err != OD_NONE)
        return err;
    if (rsp.error_code != OD_NONE)
        return react(m, (enum od_err)rsp.error_code);
    m->full = m->full && !reports;
    m->reported = reports ? has : m->reported;
    m->until_ms = sent_ms + NODE_SESSION_MS;
    take(m, &rsp);
    return OD_NONE;
}

static enum od_err leave(struct member *m)
{
    struct node_client *c = m->client;
    struct od_consumer_group_heartbeat_req req;
    struct od_consumer_group_heartbeat_rsp rsp;
    enum od_err err;

    od_consumer_group_heartbeat_req_defaults(&req);
    req.group_id = OD_STR("consumer");
    req.member_id = od_str_of(m->id);
    req.member_epoch = -1;
    be_new(m);
    err = wire_call(&c->conn, OD_consumer_group_heartbeat_KEY, 1, &req, &c->arena, &rsp,
                    NODE_CALL_MS);
    return err != OD_NONE || rsp.error_code == OD_NONE ? err
                                                        : react(m, (enum od_err)rsp.error_code);
}

static void step(struct member *m)
{
    uint64_t what = od_sim_random(100);
    enum od_err err = OD_NONE;

    if (m->epoch > 0 && od_sim_now_ms() >= m->until_ms)
        be_new(m);
    if (m->epoch > 0 && what < 4)
        err = leave(m);
    else if (m->epoch > 0 && what < 6)
        be_new(m); /* dies; another one comes in its place */
    else
        err = beat(m);
    if (err != OD_NONE)
        wire_close(&m->client->conn);
    od_arena_reset(&m->client->arena);
    od_sim_sleep_ms(5 + (int64_t)od_sim_random(150));
}

static void begin(struct member *m, void *client)
{
    memset(m, 0, sizeof(*m));
    m->client = client;
    be_new(m);
}

void node_join_consumer(void *client)
{
    struct member m;

    begin(&m, client);
    while (!m.client->world->stopping) {
        if (!m.client->conn.socket && !node_client_connect(m.client))
            break;
        step(&m);
    }
    be_new(&m);
    node_client_end(m.client);
}

/* Those of before have not left: their sessions must end. */
void node_check_consumer(void *client)
{
    struct member m;

    begin(&m, client);
    while (m.has != (1u << m.client->world->partitions) - 1) {
        OD_SIM_CHECK(m.client->conn.socket || node_client_connect(m.client));
        step(&m);
    }
    be_new(&m);
    node_client_end(m.client);
}
