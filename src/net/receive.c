/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the stream of bytes to frames.
 *
 * Small frames are received into the net's chunk, many by one call, and handed up as pieces of it.
 * What lies behind the last whole frame is held: by reference when it is long, else as a copy, so
 * that a slow sender does not keep a chunk.  A frame over OD_NET_SMALL_BYTES gets a buffer of its
 * own and is received straight into it.
 *
 * The budget is charged before memory is taken.  A large frame is charged in two steps, its first
 * OD_NET_FIRST_BYTES and, when those have come, all of it: an announced length alone costs little.
 * First steps are granted from the lower half of the budget only, and second steps before first
 * ones, so those who hold a first step and wait for the second cannot lock each other out.
 */
#include "base/assert.h"
#include "base/be.h"
#include "base/log.h"
#include "net/net_internal.h"
#include "os/poll.h"

#include <string.h>

enum {
    CHUNK_ROOM_MIN = 8192,    /* worth a call to receive into */
    HOLD_COPY_MAX = 8192,     /* less than this is copied out of its chunk */
    FRAME_READ_MAX = 1 << 20, /* of a large frame per turn */
    BIG_NEXT_BYTES = 4096,    /* read ahead of the length of a frame that is likely large */
    FEED_MS = 2,
};

static bool looks_like_http(const uint8_t *p)
{
    static const char *const starts[] = { "GET ", "HEAD", "POST", "PUT ", "DELE",
                                          "CONN", "OPTI", "TRAC", "PATC", "PRI " };

    for (size_t i = 0; i < OD_COUNT(starts); i++)
        if (memcmp(p, starts[i], OD_NET_PREFIX_BYTES) == 0)
            return true;
    return false;
}

static void reject(struct od_conn *c, const char *what)
{
    od_log(OD_LOG_WARN, "net", "%s:%u: %s; closed", c->peer.host, c->peer.port, what);
    c->net->stats.rejected++;
    od_conn_close(c);
}

/* prefix: the four bytes at the start of a frame.  False: the connection is closing. */
static bool check_length(struct od_conn *c, const uint8_t *prefix, size_t *len)
{
    int32_t n = (int32_t)od_be32_load(prefix);
    const struct od_net_settings *settings = &c->net->settings;
    char what[160];

    *len = (size_t)n;
    if (n >= OD_NET_REQUEST_BYTES_MIN && n <= settings->request_bytes_max &&
        n <= c->net->budget->limit_bytes)
        return true;
    if (looks_like_http(prefix)) {
        reject(c, "speaks HTTP to a Kafka listener");
    } else if (prefix[0] == 0x16 && prefix[1] == 0x03) {
        reject(c, "speaks TLS to a plaintext listener");
    } else if (n > settings->request_bytes_max) {
        snprintf(what, sizeof(what),
                 "announces a request of %d bytes, at most %d are allowed "
                 "(socket.request.max.bytes)",
                 n, settings->request_bytes_max);
        reject(c, what);
    } else if (n > c->net->budget->limit_bytes) {
        snprintf(what, sizeof(what),
                 "announces a request of %d bytes, the memory budget is %lld "
                 "(queued.max.request.bytes)",
                 n, (long long)c->net->budget->limit_bytes);
        reject(c, what);
    } else {
        snprintf(what, sizeof(what), "announces a request of %d bytes", n);
        reject(c, what);
    }
    return false;
}

static void starve(struct od_conn *c)
{
    struct od_net *n = c->net;

    n->stats.starved++;
    od_list_push(c->frame ? &n->growing : &n->starving, &c->starving);
    if (!od_link_used(&n->feed.link))
        od_timer_set(n->reactor, &n->feed, od_reactor_now_ms(n->reactor) + FEED_MS);
    od_conn_stall_begins(c);
}

/* Nobody but the net looks into it any more. */
static bool is_idle(const struct od_buf *b)
{
    return atomic_load_explicit(&b->refs, memory_order_acquire) == 1;
}

/* A full chunk waits here until its frames are done with, which is sooner than a new one is made.
 */
static void keep(struct od_net *n, struct od_buf *chunk)
{
    bool affordable = n->budget->limit_bytes / 8 >= OD_NET_KEPT_CHUNKS * OD_NET_CHUNK_BYTES;

    if (chunk && affordable && n->kept_count < OD_NET_KEPT_CHUNKS)
        n->kept[n->kept_count++] = chunk;
    else
        od_buf_unref(chunk);
}

static struct od_buf *take_kept(struct od_net *n)
{
    for (int i = 0; i < n->kept_count; i++) {
        struct od_buf *b = n->kept[i];

        if (is_idle(b)) {
            n->kept[i] = n->kept[--n->kept_count];
            return b;
        }
    }
    return NULL;
}

/* A chunk with room for need bytes; false: the budget refuses. */
static bool have_chunk(struct od_net *n, size_t need)
{
    OD_ASSERT(need <= OD_NET_CHUNK_BYTES);
    if (n->chunk && is_idle(n->chunk))
        n->chunk_used = 0;
    if (n->chunk && n->chunk->size - n->chunk_used >= need)
        return true;
    n->chunk_used = 0;
    keep(n, n->chunk);
    n->chunk = take_kept(n);
    if (!n->chunk)
        n->chunk = od_buf_new(OD_NET_CHUNK_BYTES, n->budget);
    return n->chunk;
}

static struct od_buf *small_copy(struct od_net *n, const uint8_t *data, size_t len)
{
    struct od_buf *b = od_buf_new(len, NULL);

    /* At most OD_NET_SMALL_BYTES per connection: charged, never refused. */
    if (!b)
        return NULL;
    od_budget_force(n->budget, len);
    b->budget = n->budget;
    memcpy(b->data, data, len);
    return b;
}

/* Keeps bytes for later. */
static void hold(struct od_conn *c, struct od_buf *buf, const uint8_t *data, size_t len)
{
    struct od_buf *copy = NULL;

    if (len > 0 && len < HOLD_COPY_MAX && len * 2 < buf->size)
        copy = small_copy(c->net, data, len);
    if (copy)
        c->held = (struct od_slice){ copy, copy->data, len };
    else if (len > 0)
        c->held = od_slice_ref(buf, data, len);
}

static bool lower_half_has(const struct od_budget *b, size_t len)
{
    return atomic_load_explicit(&b->used_bytes, memory_order_relaxed) + (int64_t)len <=
           b->limit_bytes / 2;
}

static struct od_buf *first_step(struct od_net *n, size_t frame_len)
{
    if (frame_len <= OD_NET_FIRST_BYTES)
        return od_buf_new(frame_len, n->budget);
    return lower_half_has(n->budget, OD_NET_FIRST_BYTES) ? od_buf_new(OD_NET_FIRST_BYTES, n->budget)
                                                         : NULL;
}

/* The held bytes are the start of a large frame: moves them to a buffer of its own. */
static bool begin_frame(struct od_conn *c)
{
    size_t frame_len = od_be32_load(c->held.data);
    struct od_buf *b = first_step(c->net, frame_len);

    if (!b)
        return false;
    c->frame = b;
    c->frame_len = frame_len;
    c->frame_got = c->held.len - OD_NET_PREFIX_BYTES;
    memcpy(b->data, c->held.data + OD_NET_PREFIX_BYTES, c->frame_got);
    od_slice_unref(&c->held);
    return true;
}

/* The first step is full: moves on to a buffer for all of the frame. */
static bool grow_frame(struct od_conn *c)
{
    struct od_buf *b = od_buf_new(c->frame_len, c->net->budget);

    if (!b)
        return false;
    memcpy(b->data, c->frame->data, c->frame_got);
    od_buf_unref(c->frame);
    c->frame = b;
    return true;
}

static bool holds_large(const struct od_conn *c)
{
    return c->held.len >= OD_NET_PREFIX_BYTES && od_be32_load(c->held.data) > OD_NET_SMALL_BYTES;
}

/* Takes the memory that c needs to read on; false: refused. */
static bool get_memory(struct od_conn *c)
{
    if (c->frame)
        return c->frame_got < c->frame->size || grow_frame(c);
    if (holds_large(c))
        return begin_frame(c);
    return have_chunk(c->net, c->held.len + CHUNK_ROOM_MIN);
}

static struct od_link *first_starving(const struct od_net *n)
{
    return od_list_first(od_list_empty(&n->growing) ? &n->starving : &n->growing);
}

void od_net_feed(struct od_net *n)
{
    struct od_link *link;

    while ((link = first_starving(n))) {
        struct od_conn *c = OD_CONTAINER(link, struct od_conn, starving);

        if (!get_memory(c)) {
            od_timer_set(n->reactor, &n->feed, od_reactor_now_ms(n->reactor) + FEED_MS);
            return;
        }
        od_link_remove(link);
        c->received_ms = od_reactor_now_ms(n->reactor); /* the wait was not the peer's fault */
        od_conn_schedule(c);
    }
}

static void hand_up(struct od_conn *c, struct od_slice frame)
{
    c->net->stats.frames++;
    c->requests++;
    if (c->net->handlers.frame(c, frame) == OD_VERDICT_CLOSE)
        od_conn_close(c);
}

/* Hands up the whole frames in a piece of buf and holds the rest. */
static void split(struct od_conn *c, struct od_buf *buf, const uint8_t *data, size_t len)
{
    bool started = false; /* data is the start of a frame that is not whole */

    while (!started && len >= OD_NET_PREFIX_BYTES && od_conn_may_hand_up(c)) {
        size_t frame_len;

        if (!check_length(c, data, &frame_len))
            return;
        started = len - OD_NET_PREFIX_BYTES < frame_len;
        if (started)
            break;
        c->big = false;
        data += OD_NET_PREFIX_BYTES;
        hand_up(c, od_slice_ref(buf, data, frame_len));
        data += frame_len;
        len -= OD_NET_PREFIX_BYTES + frame_len;
    }
    hold(c, buf, data, len);
    if (len == 0)
        return;
    c->backlog = !started && len >= OD_NET_PREFIX_BYTES;
    if (started && holds_large(c) && (first_starving(c->net) || !begin_frame(c)))
        starve(c);
    else if (od_conn_may_hand_up(c))
        od_conn_stall_begins(c);
}

void od_conn_hand_up_held(struct od_conn *c)
{
    struct od_slice held = c->held;

    if (!c->backlog)
        return;
    c->backlog = false;
    c->held = (struct od_slice){ 0 };
    split(c, held.buf, held.data, held.len);
    od_slice_unref(&held);
}

bool od_conn_in_mid_frame(const struct od_conn *c)
{
    return c->frame || c->held.len > 0;
}

void od_conn_drop_received(struct od_conn *c)
{
    od_link_remove(&c->starving);
    od_slice_unref(&c->held);
    od_buf_unref(c->frame);
    c->frame = NULL;
    c->backlog = false;
}

static void end_of_input(struct od_conn *c)
{
    char what[80];

    if (od_conn_in_mid_frame(c)) {
        snprintf(what, sizeof(what), "ended in the middle of a request, after %zu bytes of it",
                 c->frame ? c->frame_got + OD_NET_PREFIX_BYTES : c->held.len);
        reject(c, what);
    } else {
        od_conn_end(c);
    }
}

/* False: nothing was received. */
static bool receive(struct od_conn *c, void *to, size_t len, size_t *got)
{
    enum od_err err = od_socket_recv(c->watch.socket, to, len, got);

    if (err == OD_E_AGAIN)
        return false;
    if (err) {
        end_of_input(c);
        return false;
    }
    c->received_ms = od_reactor_now_ms(c->net->reactor);
    c->net->stats.received_bytes += *got;
    c->received_bytes += (int64_t)*got;
    return true;
}

static void receive_frame(struct od_conn *c)
{
    size_t room = c->frame->size - c->frame_got;
    struct od_slice whole;
    size_t got;

    if (!receive(c, c->frame->data + c->frame_got, room < FRAME_READ_MAX ? room : FRAME_READ_MAX,
                 &got))
        return;
    c->frame_got += got;
    if (c->frame_got == c->frame_len) {
        whole = (struct od_slice){ c->frame, c->frame->data, c->frame_len };
        c->frame = NULL;
        c->big = true;
        hand_up(c, whole);
    } else if (c->frame_got == c->frame->size &&
               (!od_list_empty(&c->net->growing) || !grow_frame(c))) {
        starve(c);
    }
}

static void receive_chunk(struct od_conn *c)
{
    struct od_net *n = c->net;
    size_t before = c->held.len;
    uint8_t *start = n->chunk->data + n->chunk_used;
    size_t room = n->chunk->size - n->chunk_used - before;
    struct od_buf *chunk;
    size_t got;

    if (c->big && room > BIG_NEXT_BYTES)
        room = BIG_NEXT_BYTES;
    if (!receive(c, start + before, room, &got))
        return;
    if (before)
        memcpy(start, c->held.data, before);
    od_slice_unref(&c->held);
    n->chunk_used += before + got;
    /* A handler may end with the chunk replaced. */
    chunk = od_buf_ref(n->chunk);
    split(c, chunk, start, before + got);
    od_buf_unref(chunk);
}

void od_conn_receive(struct od_conn *c)
{
    if (!od_conn_may_read(c)) {
        od_reactor_want(c->net->reactor, &c->watch, c->watch.want & ~(unsigned)OD_POLL_IN);
        return;
    }
    if (!get_memory(c)) {
        starve(c);
        return;
    }
    if (c->frame)
        receive_frame(c);
    else
        receive_chunk(c);
}
