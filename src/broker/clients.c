/* SPDX-License-Identifier: Apache-2.0 */
/* Remembering what clients do, and gathering it from all shards. */
#include "broker/clients.h"

#include "base/mem.h"
#include "broker/handlers.h"
#include "broker/node.h"
#include "broker/shard.h"
#include "os/clock.h"

#include <stdlib.h>

struct text {
    uint8_t len;
    bool set;
    char data[OD_CLIENT_TEXT_MAX];
};

struct use {
    int16_t key, version;
    int64_t count;
};

struct client {
    struct text id, software_name, software_version;
    int use_count;
    struct use uses[OD_CLIENT_APIS_MAX];
};

/* A copy that may leave its shard. */
struct fact {
    struct client client;
    struct od_conn_facts conn;
    struct od_address peer;
    const char *listener; /* the config's */
};

/* One shard's part of a list. */
struct part {
    struct od_post post;
    struct listing *listing;
    struct od_shard *shard;
    struct fact *facts;
    int32_t count, capacity;
};

struct listing {
    struct od_call *call;
    int waiting; /* for parts; the call's shard only */
    struct part parts[OD_NODE_SHARDS_MAX];
};

/* --- noting ---------------------------------------------------------------------------------- */

void od_client_open(struct od_conn *conn)
{
    od_conn_set_user(conn, OD_NEW(struct client));
}

void od_client_close(struct od_conn *conn)
{
    od_free(od_conn_user(conn));
    od_conn_set_user(conn, NULL);
}

static void keep(struct text *t, struct od_str s)
{
    size_t len = s.len < OD_CLIENT_TEXT_MAX ? s.len : OD_CLIENT_TEXT_MAX;

    t->set = s.data != NULL;
    t->len = (uint8_t)len;
    if (len)
        memcpy(t->data, s.data, len);
}

static struct use *find_use(struct client *c, int16_t api_key)
{
    for (int i = 0; i < c->use_count; i++)
        if (c->uses[i].key == api_key)
            return &c->uses[i];
    if (c->use_count == OD_CLIENT_APIS_MAX)
        return NULL;
    c->uses[c->use_count].key = api_key;
    return &c->uses[c->use_count++];
}

void od_client_note(struct od_conn *conn, int16_t api_key, int16_t api_version,
                    struct od_str client_id)
{
    struct client *c = od_conn_user(conn);
    struct use *use = find_use(c, api_key);

    if (use) {
        use->version = api_version;
        use->count++;
    }
    keep(&c->id, client_id);
}

void od_client_note_software(struct od_conn *conn, struct od_str name, struct od_str version)
{
    struct client *c = od_conn_user(conn);

    keep(&c->software_name, name);
    keep(&c->software_version, version);
}

/* --- gathering, on each shard ---------------------------------------------------------------- */

static void take(struct od_conn *conn, void *arg)
{
    struct part *p = arg;
    struct fact *f;

    if (p->count == OD_CLIENTS_LISTED_MAX + 1)
        return; /* one more than are listed tells that there are more */
    if (p->count == p->capacity) {
        p->capacity = p->capacity ? p->capacity * 2 : 16;
        p->facts = od_realloc(p->facts, sizeof(*p->facts) * (size_t)p->capacity);
    }
    f = &p->facts[p->count++];
    f->client = *(const struct client *)od_conn_user(conn);
    f->peer = *od_conn_peer(conn);
    f->listener = ((const struct od_endpoint *)od_conn_listener(conn))->name;
    od_conn_facts(conn, &f->conn);
    /* The shards count their connections each for itself. */
    f->conn.id = f->conn.id * p->shard->node->shard_count + p->shard->index;
}

/* --- answering, on the call's shard ---------------------------------------------------------- */

static struct od_str text_of(struct od_call *call, const struct text *t)
{
    return t->set ? od_str_of(od_arena_printf(&call->arena, "%.*s", t->len, t->data)) : OD_STR_NULL;
}

static void fill(struct od_call *call, const struct fact *f,
                 struct od_describe_cluster_rsp_client *out)
{
    const struct client *c = &f->client;

    out->connection_id = f->conn.id;
    out->address = od_str_of(od_arena_printf(
        &call->arena, strchr(f->peer.host, ':') ? "[%s]:%u" : "%s:%u", f->peer.host, f->peer.port));
    out->listener = od_str_of(f->listener);
    out->client_id = text_of(call, &c->id);
    out->software_name = text_of(call, &c->software_name);
    out->software_version = text_of(call, &c->software_version);
    out->connected_ms = od_clock_wall_ms() - f->conn.age_ms;
    out->idle_ms = f->conn.idle_ms;
    out->requests = f->conn.requests;
    out->bytes_in = f->conn.received_bytes;
    out->bytes_out = f->conn.sent_bytes;
    out->waiting = f->conn.waiting;
    out->answer_ms = f->conn.oldest_ms;
    OD_ARENA_LIST(&call->arena, out->apis, c->use_count);
    for (int i = 0; i < c->use_count; i++)
        out->apis.v[i] = (struct od_describe_cluster_rsp_api_use){
            c->uses[i].key, c->uses[i].version, c->uses[i].count
        };
}

static int by_id(const void *a, const void *b)
{
    int64_t x = (*(struct fact *const *)a)->conn.id, y = (*(struct fact *const *)b)->conn.id;

    return x < y ? -1 : x > y;
}

static void finish(struct listing *l)
{
    struct od_call *call = l->call;
    struct od_describe_cluster_rsp *rsp = call->response;
    int shards = call->shard->node->shard_count;
    const struct fact **all;
    int32_t n = 0, count = 0;

    for (int i = 0; i < shards; i++)
        count += l->parts[i].count;
    all = od_alloc(sizeof(struct fact *) * (size_t)(count + 1));
    for (int i = 0; i < shards; i++)
        for (int32_t j = 0; j < l->parts[i].count; j++)
            all[n++] = &l->parts[i].facts[j];
    qsort(all, (size_t)n, sizeof(struct fact *), by_id);
    rsp->clients_truncated = n > OD_CLIENTS_LISTED_MAX;
    if (rsp->clients_truncated)
        n = OD_CLIENTS_LISTED_MAX;
    OD_ARENA_LIST(&call->arena, rsp->clients, n);
    for (int32_t i = 0; i < rsp->clients.n; i++)
        fill(call, all[i], &rsp->clients.v[i]);
    for (int i = 0; i < shards; i++)
        od_free(l->parts[i].facts);
    od_free(all);
    od_free(l);
    od_call_finish(call);
}

static void come_back(struct od_post *post)
{
    struct part *p = OD_CONTAINER(post, struct part, post);

    if (--p->listing->waiting == 0)
        finish(p->listing);
}

static void gather(struct od_post *post)
{
    struct part *p = OD_CONTAINER(post, struct part, post);

    od_net_each(p->shard->net, take, p);
    p->post.run = come_back;
    od_reactor_post(p->listing->call->shard->reactor, &p->post);
}

void od_clients_list(struct od_call *call)
{
    struct od_node *node = call->shard->node;
    struct listing *l = OD_NEW(struct listing);

    l->call = call;
    l->waiting = node->shard_count;
    for (int i = 0; i < node->shard_count; i++) {
        struct part *p = &l->parts[i];

        p->listing = l;
        p->shard = &node->shards[i];
        p->post.run = gather;
        od_reactor_post(p->shard->reactor, &p->post);
    }
}
