/* SPDX-License-Identifier: Apache-2.0 */
/* Sockets of the simulated network. */
#include "base/assert.h"
#include "base/log.h"
#include "base/mem.h"
#include "os/file.h"
#include "os/sim/network.h"

enum { FRAGMENTS_MAX = 8, COPY_BYTES_MAX = 256 * 1024 };

static bool is_loopback(const char *host)
{
    return strcmp(host, "127.0.0.1") == 0 || strcmp(host, "::1") == 0 ||
           strcmp(host, "localhost") == 0;
}

enum od_err od_socket_listen(const char *host, uint16_t port, int backlog, struct od_socket **out,
                             struct od_address *bound)
{
    struct od_sim_node *n = od_sim_here();
    struct od_socket *s;

    od_sim_step(OD_CALL_LISTEN, port, od_sim_hash(host, strlen(host)));
    if (port == 0)
        port = od_network_port();
    OD_LIST_EACH(&n->sockets, link) {
        const struct od_socket *other = OD_CONTAINER(link, struct od_socket, in_node);

        if (other->state == OD_SOCKET_LISTENING && other->local.port == port &&
            strcmp(other->local.host, host) == 0) {
            od_log(OD_LOG_ERROR, "os", "cannot listen on %s port %u: in use", host, port);
            return OD_E_BUSY;
        }
    }
    s = od_socket_make(n, OD_SOCKET_LISTENING);
    snprintf(s->local.host, sizeof(s->local.host), "%s", host);
    s->local.port = port;
    s->backlog_max = backlog;
    *bound = s->local;
    *out = s;
    return OD_NONE;
}

enum od_err od_socket_accept(struct od_socket *l, struct od_socket **out, struct od_address *peer)
{
    struct od_link *link;

    od_sim_step(OD_CALL_ACCEPT, l->id, (uint64_t)l->backlog_count);
    link = od_list_pop(&l->backlog);
    if (!link)
        return OD_E_AGAIN;
    l->backlog_count--;
    *out = OD_CONTAINER(link, struct od_socket, in_backlog);
    *peer = (*out)->remote;
    return OD_NONE;
}

enum od_err od_socket_lookup(const char *host, uint16_t port, struct od_address *out, int max,
                             int *n, const char **why)
{
    *n = 0;
    if (max < 1 || (!is_loopback(host) && !od_sim_node_find(host))) {
        *why = "no such node";
        return OD_E_NOT_FOUND;
    }
    snprintf(out[0].host, sizeof(out[0].host), "%s", host);
    out[0].port = port;
    *n = 1;
    return OD_NONE;
}

enum od_err od_socket_connect(const char *host, uint16_t port, struct od_socket **out)
{
    struct od_sim_node *n = od_sim_here();
    struct od_sim_node *server = is_loopback(host) ? n : od_sim_node_find(host);
    struct od_address to = { .port = port };
    struct od_socket *s;

    od_sim_step(OD_CALL_CONNECT, port, od_sim_hash(host, strlen(host)));
    if (!server) {
        od_log(OD_LOG_ERROR, "os", "cannot look up the host \"%s\"", host);
        return OD_E_NOT_FOUND;
    }
    snprintf(to.host, sizeof(to.host), "%s", host);
    s = od_socket_make(n, OD_SOCKET_CONNECTING);
    od_stream_new_pair(s, server, &to);
    *out = s;
    return OD_NONE;
}

void od_socket_close(struct od_socket *s)
{
    if (!s)
        return;
    od_sim_step(OD_CALL_CLOSE, s->id, s->arrived_len);
    OD_ASSERT(!s->poll && s->state != OD_SOCKET_CLOSED);
    for (struct od_link *link; (link = od_list_pop(&s->backlog));)
        od_socket_close(OD_CONTAINER(link, struct od_socket, in_backlog));
    if (s->out && s->state == OD_SOCKET_OPEN && s->arrived_len == 0)
        od_stream_put(s->out, OD_PACKET_FIN, NULL, 0);
    else if (s->out && s->state != OD_SOCKET_FAILED)
        od_stream_reset(s->out); /* as TCP does when unread bytes are thrown away */
    s->state = OD_SOCKET_CLOSED;
    od_link_remove(&s->in_node);
    s->node->open_sockets--;
    od_free(s->arrived);
    s->arrived = NULL;
    s->arrived_len = s->arrived_capacity = 0;
}

enum od_err od_socket_recv(struct od_socket *s, void *buf, size_t len, size_t *got)
{
    size_t n = s->arrived_len < len ? s->arrived_len : len;

    if (n > 1 && od_rng_chance(&od_world.wire, od_world.network.short_ppm))
        n = 1 + (size_t)od_rng_below(&od_world.wire, n - 1);
    *got = n;
    if (n > 0) {
        memcpy(buf, s->arrived + s->arrived_from, n);
        s->arrived_from += n;
        s->arrived_len -= n;
        if (s->in->source)
            od_poll_poke(s->in->source); /* its window has opened */
    }
    od_sim_step(OD_CALL_RECV, s->id, n);
    if (n > 0)
        return OD_NONE;
    return s->fin || s->state == OD_SOCKET_FAILED ? OD_E_CLOSED : OD_E_AGAIN;
}

static void put_fragments(struct od_socket *s, const uint8_t *data, size_t len)
{
    for (int i = 0; i < FRAGMENTS_MAX && len > 1; i++) {
        size_t n;

        if (!od_rng_chance(&od_world.wire, od_world.network.fragment_ppm))
            break;
        n = 1 + (size_t)od_rng_below(&od_world.wire, len - 1);
        od_stream_put(s->out, OD_PACKET_DATA, data, n);
        data += n;
        len -= n;
    }
    od_stream_put(s->out, OD_PACKET_DATA, data, len);
}

/* How much may go now; 0 with *err when nothing may. */
static size_t admit(struct od_socket *s, size_t len, enum od_err *err)
{
    size_t n = od_socket_room(s);

    *err = OD_E_CLOSED;
    if (s->state == OD_SOCKET_FAILED)
        return 0;
    if (s->state == OD_SOCKET_OPEN && od_rng_chance(&od_world.wire, od_world.network.reset_ppm)) {
        od_world.stats.network_faults++;
        od_stream_reset(s->out);
        s->state = OD_SOCKET_FAILED;
        od_poll_poke(s);
        return 0;
    }
    n = n < len ? n : len;
    if (n > 1 && od_rng_chance(&od_world.wire, od_world.network.short_ppm))
        n = 1 + (size_t)od_rng_below(&od_world.wire, n - 1);
    *err = n > 0 || len == 0 ? OD_NONE : OD_E_AGAIN;
    return n;
}

enum od_err od_socket_send(struct od_socket *s, const struct od_span *spans, int n, bool more,
                           size_t *sent)
{
    size_t total = 0, len, at = 0;
    enum od_err err;
    uint8_t *all;

    OD_ASSERT(n <= OD_SOCKET_SPANS_MAX);
    for (int i = 0; i < n; i++)
        total += spans[i].len;
    len = admit(s, total, &err);
    *sent = len;
    if (len > 0) {
        all = od_alloc(len);
        for (int i = 0; at < len; i++) {
            size_t piece = spans[i].len < len - at ? spans[i].len : len - at;

            if (piece > 0)
                memcpy(all + at, spans[i].data, piece);
            at += piece;
        }
        od_sim_trace(OD_CALL_SEND, total, od_sim_hash(all, len));
        put_fragments(s, all, len);
        od_free(all);
    }
    od_sim_step(OD_CALL_SEND, s->id, len | (uint64_t)more << 63);
    return err;
}

enum od_err od_socket_send_file(struct od_socket *s, struct od_file *f, int64_t pos, size_t len,
                                size_t *sent)
{
    size_t n, got = 0;
    enum od_err err;
    uint8_t *data;

    *sent = 0;
    n = admit(s, len < COPY_BYTES_MAX ? len : COPY_BYTES_MAX, &err);
    if (n == 0)
        return err;
    data = od_alloc(n);
    err = od_file_read(f, data, n, pos, &got);
    if (err == OD_NONE && got > 0 && s->state == OD_SOCKET_OPEN)
        put_fragments(s, data, got);
    *sent = err == OD_NONE ? got : 0;
    od_free(data);
    od_sim_step(OD_CALL_SEND, s->id, *sent);
    return err;
}

void od_socket_cork(struct od_socket *s, bool on)
{
    (void)s, (void)on; /* packets are the network model's own */
}

void od_socket_set_buffers(struct od_socket *s, int send_bytes, int receive_bytes)
{
    (void)receive_bytes;
    if (send_bytes > 0)
        s->window_bytes = (size_t)send_bytes;
}

void od_socket_local(struct od_socket *s, struct od_address *out)
{
    *out = s->local;
    if (is_loopback(out->host))
        snprintf(out->host, sizeof(out->host), "%s", s->node->name);
}
