/* SPDX-License-Identifier: Apache-2.0 */
/* The life of a connection: opened, watched, timed, closed. */
#include "net/conn.h"

#include "base/assert.h"
#include "base/log.h"
#include "base/mem.h"
#include "net/net_internal.h"
#include "os/poll.h"

#include <stdlib.h>

static const int64_t IDLE_MS_MAX = 1ll << 40; /* 34 years; keeps sums of times in range */

void od_conn_set_user(struct od_conn *c, void *user)
{
    c->user = user;
}

void *od_conn_user(const struct od_conn *c)
{
    return c->user;
}

void *od_conn_owner(const struct od_conn *c)
{
    return c->net->owner;
}

void *od_conn_listener(const struct od_conn *c)
{
    return c->tag;
}

const struct od_address *od_conn_peer(const struct od_conn *c)
{
    return &c->peer;
}

void od_conn_local(const struct od_conn *c, struct od_address *out)
{
    od_socket_local(c->watch.socket, out);
}

void od_conn_schedule(struct od_conn *c)
{
    od_reactor_at_turn_end(c->net->reactor, &c->turn_end);
}

bool od_conn_may_hand_up(const struct od_conn *c)
{
    return c->state == OD_CONN_OPEN && !c->paused && !od_link_used(&c->stopped) &&
           c->in_flight < c->net->settings.in_flight_max &&
           c->unsent_owned_bytes < OD_NET_UNSENT_MAX;
}

bool od_conn_may_read(const struct od_conn *c)
{
    return od_conn_may_hand_up(c) && !c->backlog && !od_link_used(&c->starving);
}

void od_conn_pause(struct od_conn *c)
{
    OD_ASSERT(!c->paused);
    c->paused = true;
}

void od_conn_resume(struct od_conn *c)
{
    OD_ASSERT(c->paused);
    c->paused = false;
    c->received_ms = od_reactor_now_ms(c->net->reactor); /* the pause was not the peer's fault */
    od_conn_schedule(c);
}

void od_conn_stop(struct od_conn *c)
{
    if (od_link_used(&c->stopped))
        return;
    od_list_push(&c->net->stopped, &c->stopped);
    c->net->stats.stopped++;
}

bool od_net_has_stopped(const struct od_net *n)
{
    return !od_list_empty(&n->stopped);
}

void od_net_release_stopped(struct od_net *n)
{
    struct od_link *link;

    while ((link = od_list_pop(&n->stopped))) {
        struct od_conn *c = OD_CONTAINER(link, struct od_conn, stopped);

        c->received_ms = od_reactor_now_ms(n->reactor); /* the stop was not the peer's fault */
        od_conn_schedule(c);
    }
}

void od_conn_close(struct od_conn *c)
{
    c->state = OD_CONN_CLOSING;
    od_conn_schedule(c);
}

static bool waits_for_peer(const struct od_conn *c)
{
    return od_conn_may_read(c) && od_conn_in_mid_frame(c);
}

/* When this connection is to be closed if nothing happens until then, and why. */
static int64_t deadline(const struct od_conn *c, const char **why)
{
    const struct od_net_settings *s = &c->net->settings;
    int64_t idle_since_ms = c->received_ms > c->sent_ms ? c->received_ms : c->sent_ms;

    *why = NULL;
    if (od_conn_has_unsent(c)) {
        *why = "does not read its answers";
        return c->sent_ms + s->stall_ms;
    }
    if (od_link_used(&c->starving)) {
        *why = "found no room in the memory budget";
        return c->received_ms + s->stall_ms;
    }
    if (c->state == OD_CONN_ENDING) {
        *why = "had ended, its last answers were not ready";
        return c->received_ms + s->stall_ms;
    }
    if (waits_for_peer(c)) {
        *why = "stopped in the middle of a request";
        return c->received_ms + s->stall_ms;
    }
    if (s->idle_ms < 0 || c->in_flight > 0 || c->paused || od_link_used(&c->stopped))
        return INT64_MAX;
    return idle_since_ms + s->idle_ms;
}

static void on_timer(struct od_timer *t)
{
    struct od_conn *c = OD_CONTAINER(t, struct od_conn, timer);
    int64_t now_ms = od_reactor_now_ms(c->net->reactor);
    const char *why;
    int64_t end_ms = deadline(c, &why);

    if (now_ms < end_ms) {
        /* Becoming idle sets no timer, so this one looks again. */
        if (end_ms == INT64_MAX && c->net->settings.idle_ms >= 0)
            end_ms = now_ms + c->net->settings.idle_ms;
        if (end_ms < INT64_MAX)
            od_timer_set(c->net->reactor, t, end_ms);
        return;
    }
    if (why) {
        c->net->stats.stalled++;
        od_log(OD_LOG_WARN, "net", "%s:%u: %s for %lld ms; closed", c->peer.host, c->peer.port, why,
               (long long)c->net->settings.stall_ms);
    } else {
        c->net->stats.idle++;
        od_log(OD_LOG_INFO, "net", "%s:%u: idle for %lld ms; closed", c->peer.host, c->peer.port,
               (long long)c->net->settings.idle_ms);
    }
    od_conn_close(c);
}

void od_conn_stall_begins(struct od_conn *c)
{
    int64_t end_ms = od_reactor_now_ms(c->net->reactor) + c->net->settings.stall_ms;

    /* An earlier timer looks again when it fires. */
    if (!od_link_used(&c->timer.link) || c->timer.deadline_ms > end_ms)
        od_timer_set(c->net->reactor, &c->timer, end_ms);
}

void od_conn_end(struct od_conn *c)
{
    c->state = OD_CONN_ENDING;
    c->received_ms = od_reactor_now_ms(c->net->reactor);
    od_conn_stall_begins(c);
    od_conn_schedule(c);
}

static void on_ready(struct od_watch *w, unsigned ready)
{
    struct od_conn *c = OD_CONTAINER(w, struct od_conn, watch);

    if (c->state == OD_CONN_CLOSING)
        return;
    if (ready & OD_POLL_OUT) {
        c->blocked = false;
        od_conn_schedule(c);
    }
    if (ready & OD_POLL_IN)
        od_conn_receive(c);
    else if (ready & OD_POLL_HANGUP)
        od_conn_close(c);
}

static void destroy(struct od_conn *c)
{
    struct od_net *n = c->net;

    od_reactor_unwatch(n->reactor, &c->watch);
    od_socket_close(c->watch.socket);
    od_timer_cancel(n->reactor, &c->timer);
    od_link_remove(&c->link);
    od_link_remove(&c->sending);
    od_link_remove(&c->stopped);
    od_conn_drop_received(c);
    od_conn_drop_replies(c);
    n->handlers.closed(c);
    od_entrance_leave(c->gate, &c->peer);
    n->stats.closed++;
    atomic_fetch_sub_explicit(&n->connections, 1, memory_order_relaxed);
    od_free(c);
}

static bool over(const struct od_conn *c)
{
    switch (c->state) {
    case OD_CONN_OPEN:
        return false;
    case OD_CONN_ENDING:
        return c->in_flight == 0;
    case OD_CONN_CLOSING:
        return true;
    }
    return true;
}

static void tell_drained(struct od_net *n)
{
    void (*drained)(void *arg) = n->drained;

    if (!drained || od_net_connections(n) > 0 || n->send_more_posted)
        return;
    n->drained = NULL;
    drained(n->drained_arg); /* the net may be gone */
}

static void update_wants(struct od_conn *c)
{
    unsigned want = c->watch.want & OD_POLL_IN; /* switched off when an event comes unwanted */

    if (od_conn_may_read(c))
        want = OD_POLL_IN;
    if (c->blocked)
        want |= OD_POLL_OUT;
    od_reactor_want(c->net->reactor, &c->watch, want);
}

static void on_turn_end(struct od_post *post)
{
    struct od_conn *c = OD_CONTAINER(post, struct od_conn, turn_end);
    struct od_net *n = c->net;

    od_conn_flush(c);
    if (od_conn_may_hand_up(c))
        od_conn_hand_up_held(c);
    if (post->node.next)
        return; /* scheduled again meanwhile: the rest is done then */
    if (!over(c)) {
        update_wants(c);
        return;
    }
    destroy(c);
    od_net_feed(n);
    tell_drained(n);
}

static void give_up(struct od_net *n, struct od_socket *socket, const struct od_address *peer,
                    struct od_entrance *gate)
{
    od_socket_close(socket);
    od_entrance_leave(gate, peer);
    atomic_fetch_sub_explicit(&n->connections, 1, memory_order_relaxed);
    tell_drained(n);
}

void od_net_adopt(struct od_net *n, struct od_socket *socket, const struct od_address *peer,
                  struct od_entrance *gate, void *tag)
{
    struct od_conn *c;

    if (n->draining) {
        give_up(n, socket, peer, gate);
        return;
    }
    c = OD_NEW(struct od_conn);
    c->watch.socket = socket;
    c->watch.ready = on_ready;
    if (od_reactor_watch(n->reactor, &c->watch, OD_POLL_IN)) {
        od_free(c);
        give_up(n, socket, peer, gate);
        return;
    }
    od_socket_set_buffers(socket, n->settings.send_buffer_bytes, n->settings.receive_buffer_bytes);
    c->net = n;
    c->tag = tag;
    c->gate = gate;
    c->peer = *peer;
    c->turn_end.run = on_turn_end;
    c->timer.fire = on_timer;
    c->received_ms = c->sent_ms = od_reactor_now_ms(n->reactor);
    od_list_init(&c->replies);
    od_list_push(&n->conns, &c->link);
    if (n->settings.idle_ms >= 0)
        od_timer_set(n->reactor, &c->timer, c->received_ms + n->settings.idle_ms);
    c->id = (int64_t)n->stats.opened++;
    c->opened_ms = c->received_ms;
    n->handlers.opened(c);
}

void od_conn_facts(const struct od_conn *c, struct od_conn_facts *out)
{
    int64_t now_ms = od_reactor_now_ms(c->net->reactor);

    *out = (struct od_conn_facts){ .id = c->id,
                                   .age_ms = now_ms - c->opened_ms,
                                   .idle_ms = now_ms - c->received_ms,
                                   .requests = c->requests,
                                   .received_bytes = c->received_bytes,
                                   .sent_bytes = c->sent_bytes,
                                   .waiting = c->in_flight };
    OD_LIST_EACH(&c->replies, link) {
        out->oldest_ms = now_ms - OD_CONTAINER(link, struct od_reply, link)->since_ms;
        break;
    }
}

void od_net_each(struct od_net *n, void (*visit)(struct od_conn *c, void *arg), void *arg)
{
    OD_LIST_EACH(&n->conns, link)
        visit(OD_CONTAINER(link, struct od_conn, link), arg);
}

static int64_t last_use_ms(const struct od_conn *c)
{
    return c->received_ms > c->sent_ms ? c->received_ms : c->sent_ms;
}

static int by_last_use(const void *a, const void *b)
{
    const struct od_conn *x = *(struct od_conn *const *)a, *y = *(struct od_conn *const *)b;
    int64_t x_ms = last_use_ms(x), y_ms = last_use_ms(y);

    return x_ms < y_ms ? -1 : x_ms > y_ms;
}

void od_net_shed(struct od_net *n, int32_t count)
{
    struct od_conn **open = od_alloc(sizeof(*open) * (size_t)(od_net_connections(n) + 1));
    int32_t found = 0, room = od_net_connections(n);

    OD_LIST_EACH(&n->conns, link) {
        struct od_conn *c = OD_CONTAINER(link, struct od_conn, link);

        if (c->state == OD_CONN_OPEN && found < room)
            open[found++] = c;
    }
    qsort(open, (size_t)found, sizeof(struct od_conn *), by_last_use);
    for (int32_t i = 0; i < found && i < count; i++) {
        od_log(OD_LOG_WARN, "net", "%s:%u: closed, there are more connections than allowed now",
               open[i]->peer.host, open[i]->peer.port);
        od_conn_close(open[i]);
    }
    od_free(open);
}

static void on_feed(struct od_timer *t)
{
    od_net_feed(OD_CONTAINER(t, struct od_net, feed));
}

static void on_send_more(struct od_post *post)
{
    struct od_net *n = OD_CONTAINER(post, struct od_net, send_more);
    struct od_link *link;

    n->send_more_posted = false;
    while ((link = od_list_pop(&n->sending)))
        od_conn_schedule(OD_CONTAINER(link, struct od_conn, sending));
    tell_drained(n);
}

struct od_net *od_net_new(struct od_reactor *r, const struct od_net_settings *settings,
                          const struct od_net_handlers *handlers, struct od_budget *budget,
                          void *owner)
{
    struct od_net *n = OD_NEW(struct od_net);

    OD_ASSERT(settings->in_flight_max >= 1);
    n->reactor = r;
    n->settings = *settings;
    if (n->settings.idle_ms > IDLE_MS_MAX)
        n->settings.idle_ms = IDLE_MS_MAX;
    n->handlers = *handlers;
    n->budget = budget;
    n->owner = owner;
    n->feed.fire = on_feed;
    n->send_more.run = on_send_more;
    od_list_init(&n->conns);
    od_list_init(&n->growing);
    od_list_init(&n->starving);
    od_list_init(&n->stopped);
    od_list_init(&n->sending);
    return n;
}

void od_net_free(struct od_net *n)
{
    OD_LIST_EACH(&n->conns, link)
        destroy(OD_CONTAINER(link, struct od_conn, link));
    od_timer_cancel(n->reactor, &n->feed);
    od_buf_unref(n->chunk);
    while (n->kept_count > 0)
        od_buf_unref(n->kept[--n->kept_count]);
    od_free(n);
}

void od_net_abort(struct od_net *n)
{
    OD_LIST_EACH(&n->conns, link)
        destroy(OD_CONTAINER(link, struct od_conn, link));
    od_net_feed(n);
    tell_drained(n);
}

void od_net_drain(struct od_net *n, void (*drained)(void *arg), void *arg)
{
    n->draining = true;
    n->drained = drained;
    n->drained_arg = arg;
    OD_LIST_EACH(&n->conns, link) {
        struct od_conn *c = OD_CONTAINER(link, struct od_conn, link);

        od_conn_drop_received(c);
        if (c->state == OD_CONN_OPEN)
            od_conn_end(c);
    }
    tell_drained(n);
}

void od_net_stats(const struct od_net *n, struct od_net_stats *out)
{
    *out = n->stats;
}

int32_t od_net_connections(const struct od_net *n)
{
    return atomic_load_explicit(&n->connections, memory_order_relaxed);
}

void od_net_count_one(struct od_net *n)
{
    atomic_fetch_add_explicit(&n->connections, 1, memory_order_relaxed);
}

struct od_reactor *od_net_reactor(const struct od_net *n)
{
    return n->reactor;
}
