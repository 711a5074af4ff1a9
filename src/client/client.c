/* SPDX-License-Identifier: Apache-2.0 */
/* Finds brokers, keeps a channel to each, asks. */
#include "client/client.h"

#include "base/mem.h"
#include "client/channel.h"
#include "os/clock.h"
#include "os/thread.h"

#include <string.h>

enum {
    NODES_MAX = 1024, /* channels; beyond it brokers cannot be reached */
    PAUSE_MS_FIRST = 100,
    NS_PER_MS = 1000000,
    NEGOTIATIONS_MAX = 2, /* our version, then the one the other side names */
    DECODED_BYTES_MAX = 1 << 30,
};

struct node {
    struct od_server server;
    struct od_channel *channel; /* NULL: not connected */
    struct od_versions versions;
};

struct od_client {
    struct od_client_options options;
    struct od_view view;
    struct node *nodes;
    int node_count;
    int32_t next_id; /* correlation */
    struct od_budget budget; /* of decoded answers */
    struct od_gate *gate;    /* to pause on; nobody opens it */
    struct od_text why;
};

struct od_client *od_client_new(const struct od_client_options *options)
{
    struct od_client *c = OD_NEW(struct od_client);

    c->options = *options;
    c->gate = od_gate_new();
    od_view_init(&c->view, od_random_u64());
    od_budget_init(&c->budget, DECODED_BYTES_MAX);
    return c;
}

void od_client_free(struct od_client *c)
{
    if (!c)
        return;
    for (int i = 0; i < c->node_count; i++)
        od_channel_close(c->nodes[i].channel);
    od_free(c->nodes);
    od_view_deinit(&c->view);
    od_gate_free(c->gate);
    od_text_reset(&c->why);
    od_free(c);
}

const char *od_client_why(const struct od_client *c)
{
    return od_text_get(&c->why);
}

const struct od_view *od_client_view(const struct od_client *c)
{
    return &c->view;
}

int64_t od_client_timeout_ms(const struct od_client *c)
{
    return c->options.timeout_ms;
}

void od_client_pause(struct od_client *c, int64_t ms)
{
    od_gate_wait(c->gate, ms);
}

/* What follows says what was wrong with this server. */
static void begin_why(struct od_client *c, const char *what, const struct od_server *server)
{
    od_text_reset(&c->why);
    od_text_add(&c->why, "%s", what);
    od_server_print(server->host, server->port, &c->why);
    od_text_add(&c->why, ": ");
}

static void disconnect(struct node *n)
{
    od_channel_close(n->channel);
    n->channel = NULL;
}

static struct node *find_node(struct od_client *c, const char *host, uint16_t port)
{
    struct node *n;

    for (int i = 0; i < c->node_count; i++)
        if (c->nodes[i].server.port == port && !strcmp(c->nodes[i].server.host, host))
            return &c->nodes[i];
    if (c->node_count == NODES_MAX || strlen(host) > OD_SERVER_HOST_MAX)
        return NULL;
    c->nodes = od_realloc(c->nodes, sizeof(*c->nodes) * ((size_t)c->node_count + 1));
    n = &c->nodes[c->node_count++];
    memset(n, 0, sizeof(*n));
    snprintf(n->server.host, sizeof(n->server.host), "%s", host);
    n->server.port = port;
    return n;
}

static enum od_err send_request(struct od_client *c, struct node *n, const struct od_exchange *x,
                                const void *request, int64_t deadline_ns)
{
    uint8_t *data = NULL;
    size_t len;
    enum od_err err = od_exchange_encode(x, od_str_of(c->options.client_id), request, &data, &len);

    if (err) {
        begin_why(c, "", &n->server);
        od_text_add(&c->why, "its %s version %d cannot carry what was asked (%s)", x->api->name,
                    x->version, od_err_text(err));
        return err;
    }
    begin_why(c, "", &n->server);
    err = od_channel_send(n->channel, data, len, deadline_ns, &c->why);
    if (err) {
        od_text_add(&c->why, " (%s)", x->api->name);
        disconnect(n);
    }
    od_free(data);
    return err;
}

static enum od_err receive(struct od_client *c, struct node *n, const struct od_exchange *x,
                           int64_t deadline_ns, struct od_answer *answer, void *response)
{
    struct od_bytes frame;
    enum od_err err;

    begin_why(c, "", &n->server);
    answer->limit_bytes = OD_CLIENT_ANSWER_BYTES_MAX;
    answer->arena.budget = &c->budget;
    err = od_channel_receive(n->channel, deadline_ns, answer, &c->why);
    if (!err) {
        frame = od_answer_frame(answer);
        memset(response, 0, x->api->response->shape->bytes);
        err = od_exchange_decode(x, frame.data, frame.len, &answer->arena, response);
        if (err == OD_E_STALE)
            od_text_add(&c->why, "the answer belongs to another request");
        else if (err)
            od_text_add(&c->why, "the answer makes no sense: %s", od_err_text(err));
    }
    if (!err)
        return OD_NONE;
    od_text_add(&c->why, " (%s)", x->api->name);
    disconnect(n);
    return err;
}

static enum od_err exchange(struct od_client *c, struct node *n, const struct od_exchange *x,
                            const void *request, int64_t deadline_ns, struct od_answer *answer,
                            void *response)
{
    enum od_err err = send_request(c, n, x, request, deadline_ns);

    return err ? err : receive(c, n, x, deadline_ns, answer, response);
}

/* Asks in our highest version, then in the one that the other side says it knows. */
static enum od_err negotiate(struct od_client *c, struct node *n, int64_t deadline_ns,
                             struct od_answer *answer, struct od_api_versions_rsp *rsp)
{
    const struct od_api *api = od_api_find(OD_api_versions_KEY);
    struct od_api_versions_req req;
    int16_t version = api->version_max;
    enum od_err err;

    od_api_versions_req_defaults(&req);
    req.client_software_name = OD_STR("odradek");
    req.client_software_version = OD_STR(OD_VERSION);
    for (int i = 0; i < NEGOTIATIONS_MAX; i++) {
        struct od_exchange x = { api, version, c->next_id++ };

        err = exchange(c, n, &x, &req, deadline_ns, answer, rsp);
        if (err)
            return err;
        od_versions_learn(&n->versions, rsp);
        if (rsp->error_code == OD_NONE)
            return OD_NONE;
        if (rsp->error_code != OD_UNSUPPORTED_VERSION ||
            od_versions_pick(&n->versions, api, version, &version))
            break;
    }
    begin_why(c, "", &n->server);
    od_text_add(&c->why, "no common version of ApiVersions (%s)",
                od_err_name((enum od_err)rsp->error_code));
    disconnect(n);
    return OD_UNSUPPORTED_VERSION;
}

static enum od_err connect_node(struct od_client *c, struct node *n, int64_t deadline_ns)
{
    struct od_answer answer = { 0 };
    struct od_api_versions_rsp rsp;
    enum od_err err;

    if (n->channel)
        return OD_NONE;
    begin_why(c, "cannot connect to ", &n->server);
    err = od_channel_open(n->server.host, n->server.port, deadline_ns, &n->channel, &c->why);
    if (err)
        return err;
    err = negotiate(c, n, deadline_ns, &answer, &rsp);
    od_answer_deinit(&answer);
    return err;
}

/* One that is connected already, else the first of the given servers that can be reached. */
static enum od_err any_node(struct od_client *c, int64_t deadline_ns, struct node **out)
{
    struct od_text all = { 0 };
    enum od_err err = OD_E_CONFIG;

    for (int i = 0; i < c->node_count; i++) {
        *out = &c->nodes[i];
        if (c->nodes[i].channel)
            return OD_NONE;
    }
    for (int i = 0; i < c->options.servers.n; i++) {
        const struct od_server *s = &c->options.servers.v[i];
        int64_t now = od_clock_mono_ns();

        *out = find_node(c, s->host, s->port);
        err = connect_node(c, *out, now + (deadline_ns - now) / (c->options.servers.n - i));
        if (!err)
            break;
        od_text_add(&all, "%s%s", i ? "; " : "", od_client_why(c));
    }
    if (err) {
        od_text_reset(&c->why);
        od_text_add_str(&c->why, (struct od_str){ all.data, all.len });
    }
    od_text_reset(&all);
    return err;
}

static enum od_err pick_version(struct od_client *c, const struct node *n,
                                const struct od_client_ask *ask, int16_t *version)
{
    int16_t max = ask->version_bound ? ask->version_max : INT16_MAX;
    enum od_err err = od_versions_pick(&n->versions, ask->api, max, version);

    if (!err)
        return OD_NONE;
    begin_why(c, "", &n->server);
    if (!od_versions_serves(&n->versions, ask->api))
        od_text_add(&c->why, "this broker does not serve the API %s", ask->api->name);
    else
        od_text_add(&c->why, "no common version of the API %s: the broker has %d-%d, we %d-%d",
                    ask->api->name, n->versions.v[ask->api->key].min,
                    n->versions.v[ask->api->key].max, ask->api->version_min,
                    ask->version_bound ? max : ask->api->version_max);
    return err;
}

static enum od_err take_view(struct od_client *c, const struct od_metadata_rsp *rsp)
{
    enum od_err err = od_view_learn(&c->view, rsp);

    if (err) {
        od_text_reset(&c->why);
        od_text_add(&c->why, "the broker's Metadata answer contradicts itself");
    }
    return err;
}

static enum od_err learn(struct od_client *c, int64_t deadline_ns)
{
    struct od_client_ask ask = { .api = od_api_find(OD_metadata_KEY) };
    struct od_answer answer = { 0 };
    struct od_metadata_req req;
    struct od_metadata_rsp rsp;
    struct od_exchange x = { ask.api, 0, c->next_id++ };
    struct node *n = NULL;
    enum od_err err = any_node(c, deadline_ns, &n);

    od_metadata_req_defaults(&req);
    if (!err)
        err = pick_version(c, n, &ask, &x.version);
    if (!err)
        err = exchange(c, n, &x, &req, deadline_ns, &answer, &rsp);
    if (!err)
        err = take_view(c, &rsp);
    od_answer_deinit(&answer);
    return err;
}

static enum od_err broker_node(struct od_client *c, int32_t id, int64_t deadline_ns,
                               struct node **out)
{
    const struct od_view_broker *b = od_view_broker(&c->view, id);
    enum od_err err = OD_NONE;

    if (!b)
        err = learn(c, deadline_ns);
    if (err)
        return err;
    b = od_view_broker(&c->view, id);
    *out = b ? find_node(c, b->host, b->port) : NULL;
    if (!*out) {
        od_text_reset(&c->why);
        od_text_add(&c->why, "the cluster has no broker with the id %d", id);
        return OD_BROKER_NOT_AVAILABLE;
    }
    return connect_node(c, *out, deadline_ns);
}

static enum od_err node_for(struct od_client *c, const struct od_client_ask *ask,
                            int64_t deadline_ns, struct node **out)
{
    enum od_err err = OD_NONE;

    switch (ask->to) {
    case OD_CLIENT_NODE:
        return broker_node(c, ask->node, deadline_ns, out);
    case OD_CLIENT_CONTROLLER:
        if (c->view.controller_id < 0)
            err = learn(c, deadline_ns);
        /* A cluster that names none lets any broker pass the request on. */
        if (err || c->view.controller_id >= 0)
            return err ? err : broker_node(c, c->view.controller_id, deadline_ns, out);
        break;
    case OD_CLIENT_ANY:
        break;
    }
    return any_node(c, deadline_ns, out);
}

static int64_t deadline_of(const struct od_client *c, const struct od_client_ask *ask)
{
    return od_clock_mono_ns() + (c->options.timeout_ms + ask->wait_ms) * NS_PER_MS;
}

/* *sent: the request may have reached the broker. */
static enum od_err try_call(struct od_client *c, const struct od_client_ask *ask,
                            int64_t deadline_ns, struct od_answer *answer, void *response,
                            bool *sent)
{
    struct od_exchange x = { ask->api, 0, c->next_id++ };
    struct node *n = NULL;
    enum od_err err = node_for(c, ask, deadline_ns, &n);

    if (!err)
        err = pick_version(c, n, ask, &x.version);
    if (err)
        return err;
    err = send_request(c, n, &x, ask->request, deadline_ns);
    *sent = err != OD_UNSUPPORTED_VERSION && err != OD_E_LIMIT;
    return err ? err : receive(c, n, &x, deadline_ns, answer, response);
}

enum od_err od_client_call(struct od_client *c, const struct od_client_ask *ask,
                           struct od_answer *answer, void *response)
{
    int64_t deadline_ns = deadline_of(c, ask);
    int64_t pause_ms = PAUSE_MS_FIRST;
    enum od_err err = OD_NONE;

    for (int i = 0; i < OD_CLIENT_TRIES_MAX; i++) {
        bool sent = false;

        err = try_call(c, ask, deadline_ns, answer, response, &sent);
        if (!err || !sent || err != OD_E_CLOSED)
            return err;
        if (ask->changes) {
            od_text_add(&c->why, "; the change may have been made or not");
            return err;
        }
        if (od_clock_mono_ns() + pause_ms * NS_PER_MS >= deadline_ns)
            return err;
        od_client_pause(c, pause_ms);
        pause_ms *= 2;
    }
    return err;
}

enum od_err od_client_send(struct od_client *c, const struct od_client_ask *ask)
{
    int64_t deadline_ns = deadline_of(c, ask);
    struct od_exchange x = { ask->api, 0, c->next_id++ };
    struct node *n = NULL;
    enum od_err err = node_for(c, ask, deadline_ns, &n);

    if (!err)
        err = pick_version(c, n, ask, &x.version);
    return err ? err : send_request(c, n, &x, ask->request, deadline_ns);
}

enum od_err od_client_version(struct od_client *c, const struct od_client_ask *ask,
                              int16_t *version)
{
    struct node *n = NULL;
    enum od_err err = node_for(c, ask, deadline_of(c, ask), &n);

    return err ? err : pick_version(c, n, ask, version);
}

enum od_err od_client_metadata(struct od_client *c, const struct od_str *names, int n,
                               bool create, struct od_answer *answer,
                               struct od_metadata_rsp *rsp)
{
    struct od_client_ask ask = { .api = od_api_find(OD_metadata_KEY) };
    struct od_metadata_req_topic *topics =
        od_zalloc(sizeof(*topics) * (size_t)(names && n > 0 ? n : 0));
    struct od_metadata_req req;
    enum od_err err;

    od_metadata_req_defaults(&req);
    req.topics.n = names ? n : -1;
    req.topics.v = topics;
    req.allow_auto_topic_creation = create;
    for (int i = 0; names && i < n; i++) {
        od_metadata_req_topic_defaults(&topics[i]);
        topics[i].name = names[i];
    }
    ask.request = &req;
    err = od_client_call(c, &ask, answer, rsp);
    if (!err)
        err = take_view(c, rsp);
    od_free(topics);
    return err;
}

enum od_err od_client_versions(struct od_client *c, struct od_answer *answer,
                               struct od_api_versions_rsp *rsp)
{
    int64_t deadline_ns = od_clock_mono_ns() + c->options.timeout_ms * NS_PER_MS;
    struct node *n = NULL;
    enum od_err err = any_node(c, deadline_ns, &n);

    return err ? err : negotiate(c, n, deadline_ns, answer, rsp);
}
