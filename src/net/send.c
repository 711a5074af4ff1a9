/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Replies leave in the order of their requests, gathered: what is ready at the end of a turn goes
 * out in one call as far as it lies in memory; file ranges follow by sendfile.
 */
#include "base/assert.h"
#include "base/be.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/mutant.h"
#include "net/net_internal.h"

enum { SPANS_MAX = 128 };

static struct od_reply *reply_of(struct od_link *link)
{
    return OD_CONTAINER(link, struct od_reply, link);
}

static struct od_reply *first_reply(const struct od_conn *c)
{
    struct od_link *link = od_list_first(&c->replies);

    return link ? reply_of(link) : NULL;
}

struct od_reply *od_conn_expect(struct od_conn *c)
{
    struct od_reply *r = OD_NEW(struct od_reply);

    r->conn = c;
    r->since_ms = od_reactor_now_ms(c->net->reactor);
    od_list_push(&c->replies, &r->link);
    if (OD_MUTANT(net_answers_swapped) && c->in_flight > 0) {
        struct od_link *before = r->link.prev;

        od_link_remove(before);
        od_list_push(&c->replies, before);
    }
    c->in_flight++;
    return r;
}

struct od_conn *od_reply_conn(const struct od_reply *r)
{
    return r->conn;
}

static void free_reply(struct od_reply *r)
{
    od_chain_reset(&r->chain);
    od_free(r);
}

/* Sent, skipped, or never to be sent. */
static void finish_first(struct od_conn *c, struct od_reply *r)
{
    od_link_remove(&r->link);
    c->in_flight--;
    c->unsent_owned_bytes -= r->chain.owned_bytes;
    od_budget_give(c->net->budget, r->chain.owned_bytes);
    free_reply(r);
}

static void answer(struct od_reply *r, enum od_reply_state state)
{
    struct od_conn *c = r->conn;

    OD_ASSERT(r->state == OD_REPLY_AWAITED);
    if (!c) {
        free_reply(r);
        return;
    }
    r->state = state;
    c->unsent_owned_bytes += r->chain.owned_bytes;
    od_budget_force(c->net->budget, r->chain.owned_bytes);
    if (r != first_reply(c))
        return;
    c->sent_ms = od_reactor_now_ms(c->net->reactor);
    od_conn_schedule(c);
}

void od_reply_send(struct od_reply *r, struct od_chain *chain)
{
    OD_ASSERT(chain->len <= INT32_MAX);
    r->chain = *chain;
    *chain = (struct od_chain){ 0 };
    od_be32_store(r->prefix, (uint32_t)r->chain.len);
    answer(r, OD_REPLY_READY);
}

void od_reply_skip(struct od_reply *r)
{
    answer(r, OD_REPLY_SKIPPED);
}

bool od_conn_has_unsent(const struct od_conn *c)
{
    struct od_reply *r = first_reply(c);

    return r && r->state == OD_REPLY_READY;
}

void od_conn_drop_replies(struct od_conn *c)
{
    struct od_reply *r;

    while ((r = first_reply(c))) {
        if (r->state != OD_REPLY_AWAITED) {
            finish_first(c, r);
            continue;
        }
        /* Its owner will send or skip it, and that frees it. */
        od_link_remove(&r->link);
        c->in_flight--;
        r->conn = NULL;
    }
}

struct gather {
    struct od_span spans[SPANS_MAX];
    int n;
    size_t len;
    bool file_follows;
};

static bool add_span(struct gather *g, const void *data, size_t len)
{
    if (len == 0)
        return true;
    if (g->n == SPANS_MAX || g->len >= OD_NET_TURN_BYTES)
        return false;
    g->spans[g->n++] = (struct od_span){ data, len };
    g->len += len;
    return true;
}

/* False: the gather ends before the end of this reply. */
static bool gather_reply(struct gather *g, const struct od_reply *r)
{
    size_t skip = r->part_sent;

    if (!add_span(g, r->prefix + r->prefix_sent, OD_NET_PREFIX_BYTES - r->prefix_sent))
        return false;
    for (int i = r->part; i < r->chain.count; i++, skip = 0) {
        const struct od_part *part = &r->chain.parts[i];
        const uint8_t *data;

        if (part->kind == OD_PART_FILE) {
            g->file_follows = true;
            return false;
        }
        data = part->kind == OD_PART_BYTES ? part->bytes : part->slice.data;
        if (!add_span(g, data + skip, part->len - skip))
            return false;
    }
    return true;
}

static void finish_skipped(struct od_conn *c)
{
    struct od_reply *r;

    while ((r = first_reply(c)) && r->state == OD_REPLY_SKIPPED)
        finish_first(c, r);
}

/* Moves over at most n sent bytes; returns how many of them belong to later replies. */
static size_t advance_reply(struct od_reply *r, size_t n)
{
    size_t left = OD_NET_PREFIX_BYTES - r->prefix_sent;
    size_t step = left < n ? left : n;

    r->prefix_sent = (uint8_t)(r->prefix_sent + step);
    n -= step;
    while (n > 0 && r->part < r->chain.count) {
        left = r->chain.parts[r->part].len - r->part_sent;
        step = left < n ? left : n;
        n -= step;
        r->part_sent += step;
        if (step == left) {
            r->part++;
            r->part_sent = 0;
        }
    }
    return n;
}

static bool is_sent(const struct od_reply *r)
{
    return r->prefix_sent == OD_NET_PREFIX_BYTES && r->part == r->chain.count;
}

/* Moves over n sent bytes; replies that are whole are finished. */
static void advance(struct od_conn *c, size_t n)
{
    while (n > 0) {
        struct od_reply *r = first_reply(c);

        OD_ASSERT(r && r->state == OD_REPLY_READY);
        n = advance_reply(r, n);
        if (is_sent(r))
            finish_first(c, r);
        finish_skipped(c);
    }
}

static enum od_err send_memory(struct od_conn *c, size_t *sent)
{
    struct gather g;

    g.n = 0;
    g.len = 0;
    g.file_follows = false;
    OD_LIST_EACH(&c->replies, link) {
        const struct od_reply *r = reply_of(link);

        if (r->state == OD_REPLY_AWAITED)
            break;
        if (r->state == OD_REPLY_READY && !gather_reply(&g, r))
            break;
    }
    return od_socket_send(c->watch.socket, g.spans, g.n, g.file_follows, sent);
}

static enum od_err send_range(struct od_conn *c, const struct od_reply *r, size_t *sent)
{
    const struct od_part *part = &r->chain.parts[r->part];
    int64_t pos = part->range.pos + (int64_t)r->part_sent;
    size_t len = part->len - r->part_sent;
    enum od_err err = od_socket_send_file(c->watch.socket, part->range.file, pos,
                                          len < OD_NET_TURN_BYTES ? len : OD_NET_TURN_BYTES, sent);

    if (!err && *sent == 0) {
        od_log(OD_LOG_ERROR, "net", "%s:%u: a file ends %zu bytes before its range does; closed",
               c->peer.host, c->peer.port, len);
        return OD_E_TRUNCATED;
    }
    return err;
}

static bool file_is_next(const struct od_reply *r)
{
    return r->prefix_sent == OD_NET_PREFIX_BYTES && r->part < r->chain.count &&
           r->chain.parts[r->part].kind == OD_PART_FILE;
}

static void go_on_next_turn(struct od_conn *c)
{
    struct od_net *n = c->net;

    if (!od_link_used(&c->sending))
        od_list_push(&n->sending, &c->sending);
    if (!n->send_more_posted) {
        n->send_more_posted = true;
        od_reactor_post(n->reactor, &n->send_more);
    }
}

/* Bytes follow a file range: held back, they share its last packet. */
static bool has_trailer(const struct od_conn *c)
{
    const struct od_reply *r = first_reply(c);

    if (!r || r->state != OD_REPLY_READY)
        return false;
    for (int i = r->part; i + 1 < r->chain.count; i++)
        if (r->chain.parts[i].kind == OD_PART_FILE)
            return true;
    return false;
}

void od_conn_flush(struct od_conn *c)
{
    size_t total = 0;
    enum od_err err = OD_NONE;
    bool corked;

    finish_skipped(c);
    corked = !c->blocked && has_trailer(c);
    if (corked)
        od_socket_cork(c->watch.socket, true);
    /* The last call may pass the share: slices stay whole, whatever small parts lie between. */
    while (!err && !c->blocked && total < OD_NET_TURN_BYTES && od_conn_has_unsent(c)) {
        const struct od_reply *r = first_reply(c);
        size_t sent = 0;

        err = file_is_next(r) ? send_range(c, r, &sent) : send_memory(c, &sent);
        if (sent > 0)
            c->sent_ms = od_reactor_now_ms(c->net->reactor);
        c->net->stats.sent_bytes += sent;
        c->sent_bytes += (int64_t)sent;
        total += sent;
        advance(c, sent);
    }
    if (corked)
        od_socket_cork(c->watch.socket, false);
    if (err == OD_E_AGAIN)
        c->blocked = true;
    else if (err)
        c->state = OD_CONN_CLOSING;
    else if (!c->blocked && od_conn_has_unsent(c))
        go_on_next_turn(c);
    if (od_conn_has_unsent(c))
        od_conn_stall_begins(c);
}
