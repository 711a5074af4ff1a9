/* SPDX-License-Identifier: Apache-2.0 */
/* A blocking client on a plain socket that can say anything. */
#include "raw.h"

#include "base/assert.h"
#include "base/mem.h"
#include "os/clock.h"
#include "wire/frame.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { LENGTH_BYTES = 4, FRAME_BYTES_MAX = 512 << 20 };

static int connect_to(const char *broker, int receive_buffer_bytes)
{
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV };
    struct addrinfo *found = NULL;
    const char *colon = strrchr(broker, ':');
    char host[64];
    int fd = -1, on = 1;

    snprintf(host, sizeof(host), "%.*s", colon ? (int)(colon - broker) : 0, broker);
    if (!colon || getaddrinfo(host, colon + 1, &hints, &found))
        return -1;
    fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (receive_buffer_bytes > 0)
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive_buffer_bytes, sizeof(receive_buffer_bytes));
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    if (connect(fd, found->ai_addr, found->ai_addrlen)) {
        close(fd);
        fd = -1;
    }
    freeaddrinfo(found);
    return fd;
}

static struct raw *open_at(const char *broker, int receive_buffer_bytes)
{
    struct raw *c = OD_NEW(struct raw);

    c->fd = connect_to(broker, receive_buffer_bytes);
    if (c->fd < 0) {
        fprintf(stderr, "cannot connect to %s: %s\n", broker, strerror(errno));
        exit(2);
    }
    c->next_id = 1;
    return c;
}

static const char *given_broker(void)
{
    const char *broker = getenv("BROKER");

    return broker ? broker : "BROKER, which is not set";
}

struct raw *raw_open_narrow(int receive_buffer_bytes)
{
    return open_at(given_broker(), receive_buffer_bytes);
}

struct raw *raw_open(void)
{
    return open_at(given_broker(), 0);
}

struct raw *raw_open_at(const char *broker)
{
    return open_at(broker, 0);
}

void raw_close(struct raw *c)
{
    if (!c)
        return;
    close(c->fd);
    od_arena_reset(&c->arena);
    od_free(c->data);
    od_free(c);
}

void raw_half_close(struct raw *c)
{
    shutdown(c->fd, SHUT_WR);
}

void raw_reset(struct raw *c)
{
    struct linger at_once = { .l_onoff = 1 };

    setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    raw_close(c);
}

bool raw_write(struct raw *c, const void *data, size_t len)
{
    const uint8_t *p = data;

    while (len > 0) {
        struct pollfd ready = { .fd = c->fd, .events = POLLOUT };
        ssize_t n = send(c->fd, p, len, MSG_NOSIGNAL | MSG_DONTWAIT);

        if (n < 0 && errno == EAGAIN && poll(&ready, 1, RAW_PATIENCE_MS) > 0)
            continue;
        if (n < 0)
            return false;
        p += n;
        len -= (size_t)n;
    }
    return true;
}

/* Length, header, room for body_bytes; *body is where they go. */
static uint8_t *frame_with(int16_t key, int16_t version, int32_t correlation_id, size_t body_bytes,
                           uint8_t **body, size_t *len)
{
    struct od_request_frame head = {
        .api = od_api_find(key),
        .api_key = key,
        .api_version = version,
        .correlation_id = correlation_id,
        .client_id = OD_STR("raw"),
    };
    struct od_writer w;
    uint8_t *data;
    size_t head_bytes;

    if (!head.api) /* any key: the header of an old version fits all */
        head.api = od_api_find(0);
    head_bytes = od_frame_request_bytes(&head);
    *len = LENGTH_BYTES + head_bytes + body_bytes;
    data = od_alloc(*len);
    w = od_writer_of(data, *len);
    od_write_i32(&w, (int32_t)(*len - LENGTH_BYTES));
    od_frame_write_request(&w, &head);
    OD_ASSERT(!w.err);
    *body = w.p;
    return data;
}

uint8_t *raw_encode(int16_t key, int16_t version, int32_t correlation_id, const void *request,
                    size_t *len)
{
    const struct od_codec *codec = od_api_find(key)->request;
    struct od_size size = { 0 };
    enum od_err err = codec->size(request, version, &size);
    struct od_writer w;
    uint8_t *data, *body;

    OD_ASSERT(!err && size.gaps == 0);
    data = frame_with(key, version, correlation_id, size.wire, &body, len);
    w = od_writer_of(body, size.wire);
    err = codec->encode(&w, version, request);
    OD_ASSERT(!err && w.p == data + *len);
    return data;
}

bool raw_send(struct raw *c, int16_t key, int16_t version, const void *request)
{
    size_t len;
    uint8_t *data = raw_encode(key, version, c->next_id++, request, &len);
    bool sent = raw_write(c, data, len);

    od_free(data);
    return sent;
}

bool raw_send_body(struct raw *c, int16_t key, int16_t version, const void *body, size_t body_bytes)
{
    size_t len;
    uint8_t *to, *data = frame_with(key, version, c->next_id++, body_bytes, &to, &len);
    bool sent;

    if (body_bytes > 0)
        memcpy(to, body, body_bytes);
    sent = raw_write(c, data, len);
    od_free(data);
    return sent;
}

/* Goes on reading until want bytes are there. */
static enum raw_outcome read_until(struct raw *c, size_t want, int64_t deadline_ns)
{
    if (want > c->capacity) {
        c->data = od_realloc(c->data, want);
        c->capacity = want;
    }
    while (c->got < want) {
        int64_t left_ns = deadline_ns - od_clock_mono_ns();
        struct pollfd ready = { .fd = c->fd, .events = POLLIN };
        ssize_t n = recv(c->fd, c->data + c->got, want - c->got, MSG_DONTWAIT);

        if (n == 0 || (n < 0 && errno != EAGAIN))
            return RAW_CLOSED;
        if (n > 0)
            c->got += (size_t)n;
        else if (left_ns <= 0)
            return RAW_SILENCE;
        else
            poll(&ready, 1, (int)(left_ns / 1000000) + 1);
    }
    return RAW_ANSWER;
}

enum raw_outcome raw_read(struct raw *c, int timeout_ms)
{
    int64_t deadline_ns = od_clock_mono_ns() + (int64_t)timeout_ms * 1000000;
    enum raw_outcome outcome;
    int32_t len;

    od_arena_reset(&c->arena);
    outcome = read_until(c, LENGTH_BYTES, deadline_ns);
    if (outcome)
        return outcome;
    len = (int32_t)od_be32_load(c->data);
    if (len < LENGTH_BYTES || len > FRAME_BYTES_MAX)
        return RAW_MALFORMED;
    outcome = read_until(c, LENGTH_BYTES + (size_t)len, deadline_ns);
    if (outcome)
        return outcome;
    c->len = (size_t)len;
    c->got = 0;
    c->correlation_id = (int32_t)od_be32_load(c->data + LENGTH_BYTES);
    return RAW_ANSWER;
}

enum raw_outcome raw_receive(struct raw *c, int16_t key, int16_t version, void *response,
                             int timeout_ms)
{
    const struct od_api *api = od_api_find(key);
    enum raw_outcome outcome = raw_read(c, timeout_ms);
    struct od_reader r;

    if (outcome)
        return outcome;
    r = od_reader_of(c->data + LENGTH_BYTES, c->len);
    od_read_i32(&r);
    if (od_frame_response_version(api, version) == 1)
        od_tags_skip(&r);
    if (r.err || api->response->decode(&r, version, &c->arena, response) || r.p != r.end)
        return RAW_MALFORMED;
    return RAW_ANSWER;
}

enum raw_outcome raw_call(struct raw *c, int16_t key, int16_t version, const void *request,
                          void *response)
{
    int32_t id = c->next_id;
    enum raw_outcome outcome;

    if (!raw_send(c, key, version, request))
        return RAW_CLOSED;
    outcome = raw_receive(c, key, version, response, RAW_PATIENCE_MS);
    return outcome == RAW_ANSWER && c->correlation_id != id ? RAW_MALFORMED : outcome;
}
