/* SPDX-License-Identifier: Apache-2.0 */
/* Epoll server with nothing in it that a broker could leave out. */
#include "limits/server.h"

#include "base/be.h"
#include "base/crc32c.h"
#include "base/mem.h"
#include "fail.h"
#include "limits/fetch.h"
#include "limits/kafka.h"
#include "plain.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BACKLOG = 4096, LENGTH_BYTES = 4 };

int od_limit_listen(const struct od_limit_settings *settings)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)settings->port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int on = 1;

    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) ||
        bind(fd, (struct sockaddr *)&address, sizeof(address)) || listen(fd, BACKLOG))
        od_fail("listen on port %d", settings->port);
    if (settings->ready_fd >= 0 && write(settings->ready_fd, "\n", 1) != 1)
        od_fail("ready descriptor %d", settings->ready_fd);
    return fd;
}

void od_limit_nodelay(int fd)
{
    int on = 1;

    if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)))
        od_fail("TCP_NODELAY");
}

void od_limit_want_out(struct od_limit_server *server, struct od_limit_conn *conn, bool wanted)
{
    struct epoll_event event = {.events = wanted ? EPOLLIN | EPOLLOUT : EPOLLIN, .data.ptr = conn};

    if (conn->wants_out == wanted)
        return;
    conn->wants_out = wanted;
    if (epoll_ctl(server->epoll, EPOLL_CTL_MOD, conn->fd, &event))
        od_fail("epoll_ctl");
}

static void accept_one(struct od_limit_server *server)
{
    struct od_limit_conn *conn;
    struct epoll_event event = {.events = EPOLLIN};
    int fd = accept4(server->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

    if (fd < 0)
        od_fail("accept");
    od_limit_nodelay(fd);
    conn = OD_NEW(struct od_limit_conn);
    conn->fd = fd;
    conn->file = server->conn_count % server->settings->files;
    od_limit_fetch_begin(server, conn);
    server->conn_count++;
    event.data.ptr = conn;
    if (epoll_ctl(server->epoll, EPOLL_CTL_ADD, fd, &event))
        od_fail("epoll_ctl");
}

static void close_conn(struct od_limit_conn *conn)
{
    close(conn->fd);
    od_free(conn->kept[0]);
    od_free(conn->kept[1]);
    od_free(conn);
}

/* The peer reads what it asked for, so waiting here cannot last. */
static void send_all(int fd, const uint8_t *bytes, size_t len)
{
    while (len > 0) {
        ssize_t n = send(fd, bytes, len, MSG_NOSIGNAL);
        struct pollfd p = {.fd = fd, .events = POLLOUT};

        if (n < 0 && errno != EAGAIN)
            return; /* gone; the next receive says so too */
        if (n < 0) {
            poll(&p, 1, -1);
            continue;
        }
        bytes += n;
        len -= (size_t)n;
    }
}

static void flush_gathered(struct od_limit_server *server)
{
    if (server->gather_count > 0)
        od_store_gather(&server->store, 0, server->gather, server->gather_count);
    server->gather_count = 0;
}

static void flush(struct od_limit_server *server)
{
    flush_gathered(server);
    for (int i = 0; i < server->reply_count; i++) {
        const struct od_limit_reply *r = &server->replies[i];

        send_all(r->fd, server->reply + r->pos, r->len);
    }
    server->reply_count = 0;
    server->reply_len = 0;
    server->area_used = 0;
}

static void keep_payload(struct od_limit_server *server, const struct od_limit_conn *conn,
                         uint8_t *frame, size_t len)
{
    uint32_t at = od_be32_load(frame + OD_PLAIN_PAYLOAD_AT);
    uint32_t crc;

    if (at + sizeof(crc) > len)
        od_fail("payload begins beyond its frame");
    crc = od_crc32c(frame + at, len - at);
    od_be32_store(frame + at, crc); /* used, so that it is computed */
    if (server->settings->write == OD_LIMIT_WRITE_EACH)
        od_store_write(&server->store, conn->file, frame + at, len - at);
    if (server->settings->write == OD_LIMIT_WRITE_GATHER) {
        if (server->gather_count == OD_LIMIT_GATHER_MAX)
            flush_gathered(server);
        server->gather[server->gather_count++] = (struct iovec) {frame + at, len - at};
    }
}

static uint8_t *reserve_reply(struct od_limit_server *server, size_t len)
{
    uint8_t *reply = server->reply + server->reply_len;

    if (server->reply_len + len > OD_LIMIT_REPLY_BYTES)
        od_fail("too many answers at once");
    server->reply_len += len;
    return reply;
}

static void acknowledge(struct od_limit_server *server, const uint8_t *frame, uint32_t len)
{
    uint8_t *reply = reserve_reply(server, len);

    memset(reply, 0, len);
    od_be32_store(reply + OD_PLAIN_LENGTH_AT, len - LENGTH_BYTES);
    memcpy(reply + OD_PLAIN_ID_AT, frame + OD_PLAIN_ID_AT, 4);
}

static void handle(struct od_limit_server *server, struct od_limit_conn *conn, uint8_t *frame,
                   size_t len)
{
    if (len < OD_PLAIN_HEADER_MIN)
        od_fail("a frame of %zu bytes", len);
    switch (server->settings->work) {
    case OD_LIMIT_PING:
        acknowledge(server, frame, OD_PLAIN_PING_BYTES);
        return;
    case OD_LIMIT_PRODUCE:
        keep_payload(server, conn, frame, len);
        acknowledge(server, frame, OD_PLAIN_ACK_BYTES);
        return;
    case OD_LIMIT_FETCH:
        od_limit_fetch_ask(conn, od_be32_load(frame + OD_PLAIN_ID_AT));
        return;
    case OD_LIMIT_KAFKA: {
        size_t room = OD_LIMIT_REPLY_BYTES - server->reply_len;

        uint8_t *reply = server->reply + server->reply_len;

        reserve_reply(server, od_limit_kafka_answer(frame, len, reply, room, &server->batch));
        return;
    }
    case OD_LIMIT_PIPELINE:
        od_fail("the pipeline has its own loop");
    }
}

/* Whole size of the frame that begins at `bytes`. */
static size_t frame_size(const uint8_t *bytes)
{
    size_t len = LENGTH_BYTES + (size_t)od_be32_load(bytes);

    if (len > OD_LIMIT_FRAME_MAX)
        od_fail("a frame of %zu bytes", len);
    return len;
}

static void keep_beginning(struct od_limit_conn *conn, const uint8_t *bytes, size_t len)
{
    size_t size = len < LENGTH_BYTES ? OD_PLAIN_HEADER_MIN : frame_size(bytes);

    if (conn->kept_size[0] < size) {
        conn->kept[0] = od_realloc(conn->kept[0], size);
        conn->kept_size[0] = size;
    }
    memcpy(conn->kept[0], bytes, len);
    conn->kept_len = len;
}

static void handle_kept(struct od_limit_server *server, struct od_limit_conn *conn)
{
    uint8_t *frame = conn->kept[0];
    size_t size = conn->kept_size[0];

    conn->kept[0] = conn->kept[1];
    conn->kept_size[0] = conn->kept_size[1];
    conn->kept[1] = frame;
    conn->kept_size[1] = size;
    conn->kept_len = 0;
    handle(server, conn, frame, frame_size(frame));
}

/* False when the peer is gone. */
static bool receive(struct od_limit_server *server, struct od_limit_conn *conn)
{
    uint8_t *area = server->area + server->area_used;
    struct iovec parts[2];
    int count = 0;
    size_t before = 0;  /* bytes of an incomplete length in front of what comes */
    size_t missing = 0; /* of the frame whose beginning is kept */
    size_t len;
    ssize_t n;

    if (conn->kept_len >= LENGTH_BYTES) {
        missing = frame_size(conn->kept[0]) - conn->kept_len;
        parts[count++] = (struct iovec) {conn->kept[0] + conn->kept_len, missing};
    } else if (conn->kept_len > 0) {
        before = conn->kept_len;
        memcpy(area, conn->kept[0], before);
    }
    parts[count++] = (struct iovec) {area + before, OD_LIMIT_RECV_BYTES - before};
    n = readv(conn->fd, parts, count);
    if (n <= 0)
        return n < 0 && errno == EAGAIN;
    len = (size_t)n;
    if (len < missing) {
        conn->kept_len += len;
        return true;
    }
    conn->kept_len = 0;
    if (missing > 0)
        handle_kept(server, conn);
    len = before + len - missing;
    while (len >= LENGTH_BYTES && len >= frame_size(area)) {
        size_t size = frame_size(area);

        handle(server, conn, area, size);
        area += size;
        len -= size;
    }
    if (len > 0)
        keep_beginning(conn, area, len);
    if (server->settings->write == OD_LIMIT_WRITE_GATHER)
        server->area_used = (size_t)(area - server->area);
    return true;
}

static bool serve(struct od_limit_server *server, struct od_limit_conn *conn, uint32_t events)
{
    struct od_limit_reply *reply = &server->replies[server->reply_count];
    size_t begin = server->reply_len;

    if (events & ~(uint32_t)EPOLLOUT && !receive(server, conn))
        return false;
    if (server->settings->work == OD_LIMIT_FETCH)
        return od_limit_fetch_send(server, conn);
    if (server->reply_len > begin) {
        *reply = (struct od_limit_reply) {conn->fd, begin, server->reply_len - begin};
        server->reply_count++;
    }
    if (server->settings->write != OD_LIMIT_WRITE_GATHER ||
        server->area_used + OD_LIMIT_RECV_BYTES > OD_LIMIT_AREA_BYTES)
        flush(server);
    return true;
}

static void open_server(struct od_limit_server *server, const struct od_limit_settings *settings)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};

    server->settings = settings;
    server->area = od_alloc(OD_LIMIT_AREA_BYTES);
    server->reply = od_alloc(OD_LIMIT_REPLY_BYTES);
    od_store_open(&server->store, settings);
    if (settings->work == OD_LIMIT_FETCH)
        od_limit_fetch_open(server);
    server->epoll = epoll_create1(EPOLL_CLOEXEC);
    server->listener = od_limit_listen(settings);
    if (server->epoll < 0 || epoll_ctl(server->epoll, EPOLL_CTL_ADD, server->listener, &event))
        od_fail("epoll");
}

void od_limit_server_run(const struct od_limit_settings *settings)
{
    struct od_limit_server *server = OD_NEW(struct od_limit_server);
    struct epoll_event events[OD_LIMIT_EVENTS_MAX];

    open_server(server, settings);
    for (;;) {
        int n = epoll_wait(server->epoll, events, OD_LIMIT_EVENTS_MAX, -1);

        if (n < 0 && errno != EINTR)
            od_fail("epoll_wait");
        for (int i = 0; i < n; i++) {
            struct od_limit_conn *conn = events[i].data.ptr;

            if (!conn)
                accept_one(server);
            else if (!serve(server, conn, events[i].events)) {
                flush(server);
                close_conn(conn);
            }
        }
        flush(server);
    }
}
