/* SPDX-License-Identifier: Apache-2.0 */
/* Topics: made before the faults, and on during them by an administrator. */
#include "node_world.h"
#include "wire/api/create_topics.h"
#include "wire/api/metadata.h"

#include <string.h>

struct setting {
    const char *name;
    char value[16];
};

static int draw_settings(const struct node_world *w, struct setting *s)
{
    int n = 0;

    s[n].name = "odradek.durability";
    snprintf(s[n++].value, sizeof(s->value), w->replicated ? "replicated" : "fsync");
    if (od_sim_chance(600000)) { /* a segment of a few batches */
        s[n].name = "segment.index.bytes";
        snprintf(s[n++].value, sizeof(s->value), "%d", 8 * (8 + (int)od_sim_random(60)));
        s[n].name = "index.interval.bytes";
        snprintf(s[n++].value, sizeof(s->value), "%d", (int)od_sim_random(4000));
    }
    if (od_sim_chance(300000)) {
        s[n].name = "segment.ms";
        snprintf(s[n++].value, sizeof(s->value), "%d", 50 + (int)od_sim_random(5000));
    }
    return n;
}

enum od_err node_create_topic(struct node_client *c, struct node_topic *topic)
{
    struct setting settings[4];
    int n = draw_settings(c->world, settings);
    struct od_create_topics_req req;
    struct od_create_topics_rsp rsp;
    enum od_err err;

    od_create_topics_req_defaults(&req);
    OD_ARENA_LIST(&c->arena, req.topics, 1);
    od_create_topics_req_topic_defaults(&req.topics.v[0]);
    req.topics.v[0].name = od_str_of(topic->name);
    req.topics.v[0].num_partitions = topic->partitions;
    req.topics.v[0].replication_factor = 1;
    OD_ARENA_LIST(&c->arena, req.topics.v[0].configs, n);
    for (int i = 0; i < n; i++) {
        req.topics.v[0].configs.v[i].name = od_str_of(settings[i].name);
        req.topics.v[0].configs.v[i].value = od_str_of(settings[i].value);
    }
    err = wire_call(&c->conn, 19, 7, &req, &c->arena, &rsp, NODE_CALL_MS);
    if (err != OD_NONE)
        return err;
    OD_SIM_CHECK(rsp.topics.n == 1);
    if (rsp.topics.v[0].error_code == OD_NONE)
        topic->id = rsp.topics.v[0].topic_id;
    else
        od_sim_note("create topic: %s", od_err_name(rsp.topics.v[0].error_code));
    return rsp.topics.v[0].error_code;
}

static void create_topics(void *arg)
{
    struct node_client *c = arg;

    for (int t = 0; t < c->world->topic_count; t++) {
        enum od_err err = OD_E_CLOSED;

        while (err != OD_NONE) {
            if (!c->conn.socket && !node_client_connect(c))
                break;
            err = node_create_topic(c, &c->world->topics[t]);
            OD_SIM_CHECK(err == OD_NONE || err == OD_E_CLOSED || err == OD_REQUEST_TIMED_OUT ||
                         od_err_retriable(err));
            if (err == OD_E_CLOSED || err == OD_REQUEST_TIMED_OUT)
                wire_close(&c->conn);
        }
    }
    node_client_end(c);
}

void node_world_create_topics(struct node_world *w)
{
    node_world_client(w, "creator", create_topics);
    while (w->clients_left > 0)
        od_sim_sleep_ms(5);
}

/* --- during the faults ------------------------------------------------------------------- */

/* A name is used for one attempt: whether one that was cut off took effect is not known. */
void node_administer(void *client)
{
    struct node_client *c = client;
    struct node_world *w = c->world;

    for (int i = 0; !w->stopping && w->extra_count < NODE_EXTRA_MAX; i++) {
        struct node_topic topic = { .partitions = 1 + (int)od_sim_random(3) };
        enum od_err err;

        snprintf(topic.name, sizeof(topic.name), "extra-%d", i);
        if (!c->conn.socket && !node_client_connect(c))
            break;
        err = node_create_topic(c, &topic);
        if (err == OD_NONE)
            w->extra[w->extra_count++] = topic;
        if (err == OD_E_CLOSED || err == OD_REQUEST_TIMED_OUT)
            wire_close(&c->conn);
        od_arena_reset(&c->arena);
        od_sim_sleep_ms((int64_t)od_sim_random(1200));
    }
    node_client_end(c);
}

static enum od_err check_topic(struct node_client *c, const struct node_topic *topic)
{
    struct od_metadata_req req;
    struct od_metadata_rsp rsp;
    enum od_err err;

    od_metadata_req_defaults(&req);
    req.allow_auto_topic_creation = false;
    OD_ARENA_LIST(&c->arena, req.topics, 1);
    req.topics.v[0].name = od_str_of(topic->name);
    err = wire_call(&c->conn, 3, 12, &req, &c->arena, &rsp, NODE_CALL_MS);
    if (err != OD_NONE)
        return err;
    OD_SIM_CHECK(rsp.topics.n == 1);
    if (rsp.topics.v[0].error_code != OD_NONE)
        od_sim_fail("lost-topic: %s was made and answers %s", topic->name,
                    od_err_name(rsp.topics.v[0].error_code));
    OD_SIM_CHECK(od_uuid_eq(rsp.topics.v[0].topic_id, topic->id));
    OD_SIM_CHECK(rsp.topics.v[0].partitions.n == topic->partitions);
    return OD_NONE;
}

void node_check_topics(void *client)
{
    struct node_client *c = client;

    for (int i = 0; i < c->world->extra_count;) {
        OD_SIM_CHECK(c->conn.socket || node_client_connect(c));
        if (check_topic(c, &c->world->extra[i]) == OD_NONE)
            i++;
        else
            wire_close(&c->conn);
        od_arena_reset(&c->arena);
    }
    node_client_end(c);
}
