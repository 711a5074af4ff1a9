/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Settings changed during the faults, by one client: whatever is described is what was acknowledged
 * last, or what an attempt with an unknown outcome wrote, and it is what is in force.
 */
#include "node_world.h"
#include "wire/api/describe_configs.h"
#include "wire/api/incremental_alter_configs.h"

#include <string.h>

enum { TOPIC = 2, BROKER = 4 };
enum { SOURCE_TOPIC = 1, SOURCE_DEFAULT = 5 };

static void init_settings(struct node_world *w)
{
    const struct node_setting settings[NODE_SETTINGS] = {
        { .type = TOPIC, .resource = w->topics[0].name, .name = "delete.retention.ms" },
        { .type = BROKER, .resource = "", .name = "log.cleaner.delete.retention.ms" },
        { .type = BROKER, .resource = "", .name = "max.connections" },
    };

    for (int i = 0; i < NODE_SETTINGS; i++) {
        w->settings[i] = settings[i];
        w->settings[i].acknowledged = -1;
    }
}

static enum od_err set(struct node_client *c, const struct node_setting *s, int64_t value)
{
    struct od_incremental_alter_configs_req req;
    struct od_incremental_alter_configs_rsp rsp;
    enum od_err err;

    od_incremental_alter_configs_req_defaults(&req);
    OD_ARENA_LIST(&c->arena, req.resources, 1);
    req.resources.v[0].resource_type = s->type;
    req.resources.v[0].resource_name = od_str_of(s->resource);
    OD_ARENA_LIST(&c->arena, req.resources.v[0].configs, 1);
    req.resources.v[0].configs.v[0].name = od_str_of(s->name);
    req.resources.v[0].configs.v[0].value =
        od_str_of(od_arena_printf(&c->arena, "%lld", (long long)value));
    err = wire_call(&c->conn, OD_incremental_alter_configs_KEY, 1, &req, &c->arena, &rsp,
                    NODE_CALL_MS);
    if (err != OD_NONE)
        return err;
    OD_SIM_CHECK(rsp.responses.n == 1);
    return rsp.responses.v[0].error_code;
}

static bool may_be(const struct node_setting *s, int64_t value)
{
    if (value == s->acknowledged)
        return true;
    for (int i = 0; i < s->unknown_count; i++)
        if (s->unknown[i] == value)
            return true;
    return false;
}

/* A topic without a value of its own shows the brokers', which another of the settings changes. */
static bool is_set(const struct node_setting *s, int8_t source)
{
    return s->type == TOPIC ? source == SOURCE_TOPIC : source != SOURCE_DEFAULT;
}

/* In force: a topic's own setting, or the broker's, which is shown as the default of all. */
static void check_value(const struct node_setting *s, const struct od_describe_configs_rsp *rsp)
{
    const struct od_describe_configs_rsp_config *config;
    int64_t value = -1;

    OD_SIM_CHECK(rsp->results.n == 1 && rsp->results.v[0].error_code == OD_NONE);
    OD_SIM_CHECK(rsp->results.v[0].configs.n == 1);
    config = &rsp->results.v[0].configs.v[0];
    if (is_set(s, config->config_source))
        OD_SIM_CHECK(od_str_to_i64(config->value, 0, INT64_MAX, &value));
    if (!may_be(s, value))
        od_sim_fail("lost-setting: %s is %lld, acknowledged was %lld", s->name, (long long)value,
                    (long long)s->acknowledged);
    if (config->synonyms.n)
        OD_SIM_CHECK(od_str_eq(config->synonyms.v[0].value, config->value));
}

static enum od_err check(struct node_client *c, const struct node_setting *s)
{
    struct od_describe_configs_req req;
    struct od_describe_configs_rsp rsp;
    enum od_err err;

    od_describe_configs_req_defaults(&req);
    req.include_synonyms = true;
    OD_ARENA_LIST(&c->arena, req.resources, 1);
    req.resources.v[0].resource_type = s->type;
    /* Of the one broker: what it uses, not what is stored for all. */
    req.resources.v[0].resource_name = od_str_of(s->type == BROKER ? "1" : s->resource);
    OD_ARENA_LIST(&c->arena, req.resources.v[0].configuration_keys, 1);
    req.resources.v[0].configuration_keys.v[0] = od_str_of(s->name);
    err = wire_call(&c->conn, OD_describe_configs_KEY, 4, &req, &c->arena, &rsp, NODE_CALL_MS);
    if (err == OD_NONE)
        check_value(s, &rsp);
    return err;
}

/* False: what became of it is not known. */
static bool change(struct node_client *c, struct node_setting *s, int64_t value)
{
    enum od_err err = set(c, s, value);

    if (err == OD_NONE) {
        s->acknowledged = value;
        return true;
    }
    od_sim_note("set %s: %s", s->name, od_err_name(err));
    OD_SIM_CHECK(err == OD_E_CLOSED || err == OD_REQUEST_TIMED_OUT || od_err_retriable(err));
    OD_SIM_CHECK(s->unknown_count < NODE_UNKNOWN_MAX);
    s->unknown[s->unknown_count++] = value;
    return false;
}

void node_configure(void *client)
{
    struct node_client *c = client;
    struct node_world *w = c->world;

    init_settings(w);
    for (int64_t value = 1000; !w->stopping; value++) {
        struct node_setting *s = &w->settings[od_sim_random(NODE_SETTINGS)];

        if (!c->conn.socket && !node_client_connect(c))
            break;
        if (s->unknown_count == NODE_UNKNOWN_MAX)
            break;
        if (!change(c, s, value) || check(c, s) != OD_NONE)
            wire_close(&c->conn);
        od_arena_reset(&c->arena);
        od_sim_sleep_ms((int64_t)od_sim_random(800));
    }
    node_client_end(c);
}

void node_check_configs(void *client)
{
    struct node_client *c = client;

    for (int i = 0; i < NODE_SETTINGS;) {
        OD_SIM_CHECK(c->conn.socket || node_client_connect(c));
        if (check(c, &c->world->settings[i]) == OD_NONE)
            i++;
        else
            wire_close(&c->conn);
        od_arena_reset(&c->arena);
    }
    node_client_end(c);
}
