/* SPDX-License-Identifier: Apache-2.0 */
/* Accepting, and handing over to the net with the fewest connections. */
#include "net/listener.h"

#include "base/log.h"
#include "base/mem.h"
#include "net/net_internal.h"
#include "os/poll.h"

enum {
    ACCEPTS_PER_TURN_MAX = 64,
    LIMIT_PAUSE_MS = 100,
    REFUSAL_LOG_MS = 1000, /* between two lines about refused connections */
    WAIT_LOG_MS = 60000,   /* between two lines about waiting ones */
};

struct od_listener {
    struct od_reactor *reactor;
    struct od_watch watch;
    struct od_timer pause;
    struct od_entrance *gate;
    struct od_net **nets;
    int net_count;
    void *tag;
    bool out_of_descriptors; /* said so already */
    uint64_t refused;        /* since the last line about it */
    int64_t refusal_logged_ms;
    int64_t wait_logged_ms;
};

/* On its way to another reactor. */
struct handover {
    struct od_post post;
    struct od_net *net;
    struct od_socket *socket;
    struct od_address peer;
    struct od_entrance *gate;
    void *tag;
};

static void arrive(struct od_post *post)
{
    struct handover *h = OD_CONTAINER(post, struct handover, post);

    od_net_adopt(h->net, h->socket, &h->peer, h->gate, h->tag);
    od_free(h);
}

static void hand_over(struct od_listener *l, struct od_socket *socket,
                      const struct od_address *peer)
{
    struct od_net *to = l->nets[0];
    struct handover *h;

    for (int i = 1; i < l->net_count; i++)
        if (od_net_connections(l->nets[i]) < od_net_connections(to))
            to = l->nets[i];
    od_net_count_one(to);
    if (od_net_reactor(to) == l->reactor) {
        od_net_adopt(to, socket, peer, l->gate, l->tag);
        return;
    }
    h = OD_NEW(struct handover);
    *h = (struct handover){ { .run = arrive }, to, socket, *peer, l->gate, l->tag };
    od_reactor_post(od_net_reactor(to), &h->post);
}

/* One line per second at most: a storm of connections must not become a storm of lines. */
static void note_refusal(struct od_listener *l, const struct od_address *peer)
{
    int64_t now_ms = od_reactor_now_ms(l->reactor);

    l->refused++;
    if (now_ms - l->refusal_logged_ms < REFUSAL_LOG_MS)
        return;
    od_log(OD_LOG_WARN, "net",
           "%s:%u: refused, the address has as many connections as allowed (%llu "
           "refused since the last such line)",
           peer->host, peer->port, (unsigned long long)l->refused);
    l->refused = 0;
    l->refusal_logged_ms = now_ms;
}

static void pause_accepting(struct od_listener *l)
{
    if (!l->out_of_descriptors)
        od_log(OD_LOG_ERROR, "net",
               "no descriptor or memory for new connections; trying again "
               "every %d ms",
               LIMIT_PAUSE_MS);
    l->out_of_descriptors = true;
    od_reactor_want(l->reactor, &l->watch, 0);
    od_timer_set(l->reactor, &l->pause, od_reactor_now_ms(l->reactor) + LIMIT_PAUSE_MS);
}

/* Whoever knocks waits in the backlog. */
static bool must_wait(struct od_listener *l)
{
    int64_t now_ms = od_reactor_now_ms(l->reactor), wait_ms = od_entrance_wait_ms(l->gate, now_ms);

    if (wait_ms == 0)
        return false;
    if (now_ms - l->wait_logged_ms >= WAIT_LOG_MS) {
        od_log(OD_LOG_WARN, "net",
               "new connections wait: there are as many as max.connections allows, or they come "
               "faster than max.connection.creation.rate");
        l->wait_logged_ms = now_ms;
    }
    od_reactor_want(l->reactor, &l->watch, 0);
    od_timer_set(l->reactor, &l->pause, now_ms + wait_ms);
    return true;
}

static void on_pause_over(struct od_timer *t)
{
    struct od_listener *l = OD_CONTAINER(t, struct od_listener, pause);

    od_reactor_want(l->reactor, &l->watch, OD_POLL_IN);
}

static void on_ready(struct od_watch *w, unsigned ready)
{
    struct od_listener *l = OD_CONTAINER(w, struct od_listener, watch);

    (void)ready;
    for (int i = 0; i < ACCEPTS_PER_TURN_MAX; i++) {
        struct od_socket *socket;
        struct od_address peer;
        enum od_err err;

        if (must_wait(l))
            return;
        err = od_socket_accept(w->socket, &socket, &peer);
        if (err == OD_E_AGAIN)
            return;
        if (err) {
            pause_accepting(l);
            return;
        }
        if (l->out_of_descriptors)
            od_log(OD_LOG_INFO, "net", "new connections are accepted again");
        l->out_of_descriptors = false;
        if (od_entrance_enter(l->gate, &peer)) {
            note_refusal(l, &peer);
            od_socket_close(socket);
        } else {
            hand_over(l, socket, &peer);
        }
    }
}

enum od_err od_listener_open(struct od_reactor *r, const struct od_listener_settings *settings,
                             struct od_listener **out, struct od_address *bound)
{
    struct od_listener *l = OD_NEW(struct od_listener);
    enum od_err err = od_socket_listen(settings->host, settings->port, settings->backlog,
                                       &l->watch.socket, bound);

    l->reactor = r;
    l->watch.ready = on_ready;
    if (!err)
        err = od_reactor_watch(r, &l->watch, OD_POLL_IN);
    if (err) {
        od_socket_close(l->watch.socket);
        od_free(l);
        return err;
    }
    l->pause.fire = on_pause_over;
    l->gate = od_entrance_new(settings->admission, settings->connections_max,
                          settings->per_second_max);
    l->tag = settings->tag;
    l->net_count = settings->net_count;
    l->nets = od_alloc((size_t)l->net_count * sizeof(struct od_net *));
    for (int i = 0; i < l->net_count; i++)
        l->nets[i] = settings->nets[i];
    l->refusal_logged_ms = od_reactor_now_ms(r) - REFUSAL_LOG_MS;
    l->wait_logged_ms = od_reactor_now_ms(r) - WAIT_LOG_MS;
    *out = l;
    return OD_NONE;
}

void od_listener_close(struct od_listener *l)
{
    if (!l)
        return;
    od_timer_cancel(l->reactor, &l->pause);
    od_reactor_unwatch(l->reactor, &l->watch);
    od_socket_close(l->watch.socket);
    od_free(l->nets);
    od_free(l);
}
