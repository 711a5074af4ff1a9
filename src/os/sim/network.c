/* SPDX-License-Identifier: Apache-2.0 */
/* Streams, links and what crashes do to connections. */
#include "os/sim/network.h"

#include "base/assert.h"
#include "base/mem.h"

enum { NODES_MAX = 64 };

static struct {
    bool cut[NODES_MAX][NODES_MAX];
    struct od_list streams;
    uint64_t stream_count, socket_count;
    uint16_t next_port;
} net;

void od_network_init(void)
{
    memset(&net, 0, sizeof(net));
    od_list_init(&net.streams);
    net.next_port = 40000;
}

static bool is_cut(const struct od_stream *s)
{
    return s->from != s->to && net.cut[s->from->id][s->to->id];
}

/* --- arrival ----------------------------------------------------------------------------- */

static bool host_matches(const struct od_socket *l, const struct od_stream *s)
{
    const char *host = l->local.host;

    if (l->local.port != s->address.port)
        return false;
    return strcmp(host, s->address.host) == 0 || strcmp(host, "0.0.0.0") == 0 ||
           strcmp(host, "::") == 0;
}

static struct od_socket *find_listener(const struct od_stream *s)
{
    OD_LIST_EACH(&s->to->sockets, link) {
        struct od_socket *l = OD_CONTAINER(link, struct od_socket, in_node);

        if (l->state == OD_SOCKET_LISTENING && host_matches(l, s))
            return l;
    }
    return NULL;
}

static void arrive_syn(struct od_stream *s)
{
    struct od_socket *l = find_listener(s), *fresh;

    if (!l || l->backlog_count >= l->backlog_max) {
        od_stream_put(s->reverse, OD_PACKET_RESET, NULL, 0);
        return;
    }
    fresh = od_socket_make(s->to, OD_SOCKET_OPEN);
    fresh->local = s->address;
    fresh->remote = s->source->local;
    fresh->in = s;
    fresh->out = s->reverse;
    s->target = s->reverse->source = fresh;
    od_list_push(&l->backlog, &fresh->in_backlog);
    l->backlog_count++;
    od_stream_put(s->reverse, OD_PACKET_ACCEPT, NULL, 0);
    od_poll_poke(l);
}

static void arrive_data(struct od_socket *t, const struct od_packet *p)
{
    if (t->arrived_len == 0)
        t->arrived_from = 0;
    if (t->arrived_from > 0 &&
        t->arrived_from + t->arrived_len + p->len > t->arrived_capacity) {
        memmove(t->arrived, t->arrived + t->arrived_from, t->arrived_len);
        t->arrived_from = 0;
    }
    if (t->arrived_len + p->len > t->arrived_capacity) {
        t->arrived_capacity = (t->arrived_len + p->len) * 2;
        t->arrived = od_realloc(t->arrived, t->arrived_capacity);
    }
    memcpy(t->arrived + t->arrived_from + t->arrived_len, p->data, p->len);
    t->arrived_len += p->len;
}

static void arrive(struct od_stream *s, const struct od_packet *p)
{
    struct od_socket *t = s->target;

    od_sim_trace(OD_CALL_DELIVER, s->id << 8 | p->kind, p->len);
    if (p->kind == OD_PACKET_SYN) {
        arrive_syn(s);
        return;
    }
    if (!t || t->state == OD_SOCKET_CLOSED || t->state == OD_SOCKET_FAILED) {
        if (p->kind == OD_PACKET_DATA)
            od_stream_put(s->reverse, OD_PACKET_RESET, NULL, 0);
        return;
    }
    switch (p->kind) {
    case OD_PACKET_ACCEPT:
        t->state = OD_SOCKET_OPEN;
        break;
    case OD_PACKET_DATA:
        arrive_data(t, p);
        break;
    case OD_PACKET_FIN:
        t->fin = true;
        break;
    case OD_PACKET_RESET:
        t->state = OD_SOCKET_FAILED;
        break;
    case OD_PACKET_SYN:
        break;
    }
    od_poll_poke(t);
}

static void drop_stream(struct od_stream *s)
{
    bool ours = !s->source || s->source->state == OD_SOCKET_CLOSED;
    bool theirs = !s->target || s->target->state == OD_SOCKET_CLOSED;

    if (ours && theirs && od_list_empty(&s->packets))
        od_link_remove(&s->in_world);
}

static void deliver(void *arg, uint64_t n)
{
    struct od_stream *s = arg;
    struct od_link *link = od_list_first(&s->packets);
    struct od_packet *p;

    (void)n;
    if (!link || is_cut(s))
        return;
    p = OD_CONTAINER(link, struct od_packet, link);
    if (p->at_ns > od_world.now_ns)
        return;
    od_link_remove(link);
    s->in_flight -= p->len;
    arrive(s, p);
    od_free(p);
    drop_stream(s);
}

uint16_t od_network_port(void)
{
    if (net.next_port > 60000)
        net.next_port = 40000;
    return net.next_port++;
}

/* --- departure --------------------------------------------------------------------------- */

static void schedule(struct od_stream *s, struct od_packet *p)
{
    const struct od_sim_network_faults *f = &od_world.network;
    int64_t spread_us = f->delay_us_max - f->delay_us_min + 1;
    int64_t us = f->delay_us_min + (int64_t)od_rng_below(&od_world.wire, (uint64_t)spread_us);

    p->at_ns = od_world.now_ns + us * 1000;
    if (p->at_ns < s->last_at_ns)
        p->at_ns = s->last_at_ns;
    s->last_at_ns = p->at_ns;
    od_sim_at(p->at_ns, deliver, s, 0);
}

void od_stream_put(struct od_stream *s, enum od_packet_kind kind, const void *data, size_t len)
{
    struct od_packet *p = od_alloc(sizeof(*p) + len);

    p->link = (struct od_link){ NULL, NULL };
    p->kind = kind;
    p->len = len;
    if (len > 0)
        memcpy(p->data, data, len);
    od_list_push(&s->packets, &p->link);
    s->in_flight += len;
    if (!od_link_used(&s->in_world))
        od_list_push(&net.streams, &s->in_world);
    schedule(s, p);
}

void od_stream_reset(struct od_stream *s)
{
    uint64_t count = 0, kept, i = 0;

    OD_LIST_EACH(&s->packets, link)
        count++;
    kept = od_rng_below(&od_world.wire, count + 1);
    OD_LIST_EACH(&s->packets, each) {
        struct od_packet *p = OD_CONTAINER(each, struct od_packet, link);

        if (i++ < kept || p->kind == OD_PACKET_SYN)
            continue;
        od_link_remove(each);
        s->in_flight -= p->len;
        od_free(p);
    }
    od_stream_put(s, OD_PACKET_RESET, NULL, 0);
}

static struct od_stream *new_stream(struct od_sim_node *from, struct od_sim_node *to)
{
    struct od_stream *s = OD_NEW(struct od_stream);

    OD_ASSERT(from->id < NODES_MAX && to->id < NODES_MAX);
    s->id = ++net.stream_count;
    s->from = from;
    s->to = to;
    od_list_init(&s->packets);
    od_list_push(&net.streams, &s->in_world);
    return s;
}

void od_stream_new_pair(struct od_socket *client, struct od_sim_node *server,
                        const struct od_address *to)
{
    struct od_stream *up = new_stream(client->node, server);
    struct od_stream *down = new_stream(server, client->node);

    up->reverse = down;
    down->reverse = up;
    up->address = *to;
    up->source = down->target = client;
    client->out = up;
    client->in = down;
    client->remote = *to;
    snprintf(client->local.host, sizeof(client->local.host), "%s", client->node->name);
    client->local.port = od_network_port();
    od_stream_put(up, OD_PACKET_SYN, NULL, 0);
}

/* --- sockets ----------------------------------------------------------------------------- */

struct od_socket *od_socket_make(struct od_sim_node *node, enum od_socket_state state)
{
    struct od_socket *s = OD_NEW(struct od_socket);

    s->id = ++net.socket_count;
    s->node = node;
    s->state = state;
    s->window_bytes = 4096u << od_rng_below(&od_world.wire, 8);
    od_list_init(&s->backlog);
    od_list_push(&node->sockets, &s->in_node);
    node->open_sockets++;
    return s;
}

size_t od_socket_room(const struct od_socket *s)
{
    const struct od_socket *t = s->out ? s->out->target : NULL;
    size_t taken = s->out ? s->out->in_flight : 0;

    if (s->state != OD_SOCKET_OPEN)
        return 0;
    if (t && t->state != OD_SOCKET_CLOSED)
        taken += t->arrived_len;
    return taken < s->window_bytes ? s->window_bytes - taken : 0;
}

unsigned od_socket_readiness(const struct od_socket *s)
{
    unsigned ready = 0;

    if (s->state == OD_SOCKET_LISTENING)
        return s->backlog_count > 0 ? OD_POLL_IN : 0;
    if (s->state == OD_SOCKET_FAILED)
        return OD_POLL_IN | OD_POLL_OUT | OD_POLL_HANGUP;
    if (s->arrived_len > 0 || s->fin)
        ready |= OD_POLL_IN;
    if (od_socket_room(s) > 0)
        ready |= OD_POLL_OUT;
    return ready;
}

/* --- faults ------------------------------------------------------------------------------ */

static void crash_socket(struct od_socket *s)
{
    s->state = OD_SOCKET_CLOSED;
    s->poll = NULL;
    od_link_remove(&s->in_node);
    od_link_remove(&s->in_backlog);
    if (s->out)
        od_stream_reset(s->out);
    od_free(s->arrived);
    s->arrived = NULL;
    s->arrived_len = s->arrived_capacity = 0;
}

void od_network_crash(struct od_sim_node *n)
{
    OD_LIST_EACH(&n->sockets, link)
        crash_socket(OD_CONTAINER(link, struct od_socket, in_node));
    n->open_sockets = 0;
}

static void set_cut(struct od_sim_node *from, struct od_sim_node *to, bool cut)
{
    OD_LIST_EACH(&od_world.nodes, i)
        OD_LIST_EACH(&od_world.nodes, j) {
            struct od_sim_node *a = OD_CONTAINER(i, struct od_sim_node, in_world);
            struct od_sim_node *b = OD_CONTAINER(j, struct od_sim_node, in_world);

            if ((!from || from == a) && (!to || to == b))
                net.cut[a->id][b->id] = cut;
        }
}

static void resume_streams(void)
{
    OD_LIST_EACH(&net.streams, link) {
        struct od_stream *s = OD_CONTAINER(link, struct od_stream, in_world);

        if (is_cut(s))
            continue;
        s->last_at_ns = od_world.now_ns;
        OD_LIST_EACH(&s->packets, each)
            schedule(s, OD_CONTAINER(each, struct od_packet, link));
    }
}

void od_sim_link_cut(struct od_sim_node *from, struct od_sim_node *to)
{
    od_sim_note("cut from %s to %s", from ? from->name : "all", to ? to->name : "all");
    od_world.stats.network_faults++;
    set_cut(from, to, true);
}

void od_sim_link_heal(struct od_sim_node *from, struct od_sim_node *to)
{
    set_cut(from, to, false);
    resume_streams();
}

void od_sim_network_heal(void)
{
    od_sim_link_heal(NULL, NULL);
}

void od_sim_network_reset(struct od_sim_node *a, struct od_sim_node *b)
{
    OD_LIST_EACH(&net.streams, link) {
        struct od_stream *s = OD_CONTAINER(link, struct od_stream, in_world);

        if (s->from != a || (b && s->to != b))
            continue;
        od_world.stats.network_faults++;
        od_stream_reset(s);
        od_stream_reset(s->reverse);
    }
}

struct od_sim_network_faults *od_sim_network_faults(void)
{
    return &od_world.network;
}
