/* SPDX-License-Identifier: Apache-2.0 */
/* Blocking on a non-blocking socket, with a deadline. */
#include "client/channel.h"

#include "base/mem.h"
#include "os/clock.h"
#include "os/poll.h"
#include "os/socket.h"

enum { ADDRESSES_MAX = 16, NS_PER_MS = 1000000 };

struct od_channel {
    struct od_socket *socket;
    struct od_poll *poll;
    unsigned wanted;
};

/* OD_REQUEST_TIMED_OUT past the deadline. */
static enum od_err wait_for(struct od_channel *c, unsigned want, int64_t deadline_ns)
{
    struct od_poll_event event;
    int64_t left_ns = deadline_ns - od_clock_mono_ns();

    if (left_ns <= 0)
        return OD_REQUEST_TIMED_OUT;
    if (want != c->wanted)
        od_poll_change(c->poll, c->socket, want, c);
    c->wanted = want;
    /* A wait that ends early is no error: the caller tries again and looks at the clock. */
    od_poll_wait(c->poll, &event, 1, (left_ns + NS_PER_MS - 1) / NS_PER_MS);
    return OD_NONE;
}

static enum od_err start(const struct od_address *to, struct od_channel **out)
{
    struct od_channel *c = OD_NEW(struct od_channel);
    enum od_err err = od_poll_new(&c->poll);

    if (!err)
        err = od_socket_connect(to->host, to->port, &c->socket);
    if (!err) {
        c->wanted = OD_POLL_OUT;
        err = od_poll_add(c->poll, c->socket, OD_POLL_OUT, c);
    }
    if (err) {
        if (c->poll)
            od_poll_free(c->poll);
        od_socket_close(c->socket);
        od_free(c);
        return err;
    }
    *out = c;
    return OD_NONE;
}

/* Sending nothing tells whether a connection stands. */
static enum od_err finish(struct od_channel *c, int64_t deadline_ns)
{
    struct od_span none = { "", 0 };
    struct od_poll_event event = { 0 };
    size_t sent;

    while (!event.ready) {
        int64_t left_ns = deadline_ns - od_clock_mono_ns();

        if (left_ns <= 0)
            return OD_REQUEST_TIMED_OUT;
        if (od_poll_wait(c->poll, &event, 1, (left_ns + NS_PER_MS - 1) / NS_PER_MS) == 0)
            event.ready = 0;
    }
    return od_socket_send(c->socket, &none, 1, false, &sent);
}

static void explain(enum od_err err, struct od_text *why)
{
    switch (err) {
    case OD_E_CLOSED:
        od_text_add(why, "nobody listens there, or it cannot be reached");
        break;
    case OD_REQUEST_TIMED_OUT:
        od_text_add(why, "no connection in time");
        break;
    default:
        od_text_add(why, "%s", od_err_text(err));
        break;
    }
}

enum od_err od_channel_open(const char *host, uint16_t port, int64_t deadline_ns,
                            struct od_channel **out, struct od_text *why)
{
    struct od_address found[ADDRESSES_MAX];
    const char *reason = NULL;
    int n = 0;
    enum od_err err = od_socket_lookup(host, port, found, ADDRESSES_MAX, &n, &reason);

    if (err) {
        od_text_add(why, "the host is not known (%s)", reason);
        return err;
    }
    for (int i = 0; i < n; i++) {
        /* The first of several addresses must not use up the time of the others. */
        int64_t now = od_clock_mono_ns();
        int64_t share = now + (deadline_ns - now) / (n - i);

        err = start(&found[i], out);
        if (!err)
            err = finish(*out, share);
        else
            *out = NULL;
        if (!err)
            return OD_NONE;
        od_channel_close(*out);
        *out = NULL;
    }
    explain(err, why);
    return err;
}

void od_channel_close(struct od_channel *c)
{
    if (!c)
        return;
    od_poll_remove(c->poll, c->socket);
    od_socket_close(c->socket);
    od_poll_free(c->poll);
    od_free(c);
}

enum od_err od_channel_send(struct od_channel *c, const uint8_t *data, size_t len,
                            int64_t deadline_ns, struct od_text *why)
{
    enum od_err err = OD_NONE;
    size_t done = 0;

    while (!err && done < len) {
        struct od_span rest = { data + done, len - done };
        size_t sent = 0;

        err = od_socket_send(c->socket, &rest, 1, false, &sent);
        done += sent;
        if (err == OD_E_AGAIN)
            err = wait_for(c, OD_POLL_OUT, deadline_ns);
    }
    if (err == OD_REQUEST_TIMED_OUT)
        od_text_add(why, "the request could not be sent in time");
    else if (err)
        od_text_add(why, "the connection was closed while the request was sent");
    return err;
}

static void explain_frame(enum od_err err, const struct od_answer *answer, struct od_text *why)
{
    switch (err) {
    case OD_REQUEST_TIMED_OUT:
        od_text_add(why, "no answer in time");
        break;
    case OD_E_LIMIT:
        od_text_add(why, "an answer of %lld bytes is announced, above the limit of %zu; "
                         "is it Kafka's protocol that is spoken there?",
                    (long long)od_answer_length(answer), answer->limit_bytes);
        break;
    case OD_E_CORRUPT:
        od_text_add(why, "an answer of %lld bytes cannot be",
                    (long long)od_answer_length(answer));
        break;
    default:
        od_text_add(why, answer->len ? "the connection was closed in the middle of an answer"
                                     : "the connection was closed without an answer");
        break;
    }
}

enum od_err od_channel_receive(struct od_channel *c, int64_t deadline_ns,
                               struct od_answer *answer, struct od_text *why)
{
    enum od_err err = OD_E_AGAIN;

    od_answer_begin(answer);
    while (err == OD_E_AGAIN) {
        size_t room, got = 0;
        uint8_t *at = od_answer_room(answer, &room);

        err = od_socket_recv(c->socket, at, room, &got);
        if (err == OD_E_AGAIN) {
            err = wait_for(c, OD_POLL_IN, deadline_ns);
            err = err ? err : OD_E_AGAIN;
        } else if (!err) {
            err = od_answer_got(answer, got);
        }
    }
    if (err)
        explain_frame(err, answer, why);
    return err;
}
