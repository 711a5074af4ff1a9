/* SPDX-License-Identifier: Apache-2.0 */
/* TCP sockets. */
#include "os/socket.h"

#include "base/assert.h"
#include "base/log.h"
#include "base/mem.h"
#include "os/linux/linux_internal.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ACCEPT_TRIES_MAX = 64 };

_Static_assert(OD_SOCKET_SPANS_MAX <= IOV_MAX, "one sendmsg takes all spans");

union address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

static enum od_err fail(const char *call, int e)
{
    switch (e) {
    case EAGAIN:
        return OD_E_AGAIN;
    case ECONNRESET:
    case ECONNABORTED:
    case ECONNREFUSED:
    case EPIPE:
    case ETIMEDOUT:
    case EHOSTUNREACH:
    case EHOSTDOWN:
    case ENETUNREACH:
    case ENETDOWN:
    case EADDRNOTAVAIL: /* of a connection: an IPv6 address where there is no IPv6 */
    case EAFNOSUPPORT:
        return OD_E_CLOSED;
    default:
        od_log(OD_LOG_ERROR, "os", "%s: %s", call, od_errno_name(e));
        return od_errno_to_err(e);
    }
}

static struct od_socket *wrap(int fd)
{
    struct od_socket *s = OD_NEW(struct od_socket);

    s->fd = fd;
    return s;
}

static void switch_on(int fd, int level, int option)
{
    int on = 1;

    /* Options that every TCP socket has. */
    setsockopt(fd, level, option, &on, sizeof(on));
}

static void print_address(const union address *a, struct od_address *out)
{
    if (a->any.sa_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&a->v6.sin6_addr)) {
        inet_ntop(AF_INET, &a->v6.sin6_addr.s6_addr[12], out->host, sizeof(out->host));
        out->port = ntohs(a->v6.sin6_port);
    } else if (a->any.sa_family == AF_INET6) {
        inet_ntop(AF_INET6, &a->v6.sin6_addr, out->host, sizeof(out->host));
        out->port = ntohs(a->v6.sin6_port);
    } else {
        inet_ntop(AF_INET, &a->v4.sin_addr, out->host, sizeof(out->host));
        out->port = ntohs(a->v4.sin_port);
    }
}

/* Numbers at once, names by a look-up that may block. */
static enum od_err resolve(const char *host, uint16_t port, union address *out, socklen_t *len)
{
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV };
    struct addrinfo *found = NULL;
    char service[8];
    int rc;

    snprintf(service, sizeof(service), "%u", port);
    rc = getaddrinfo(host, service, &hints, &found);
    if (rc) {
        od_log(OD_LOG_ERROR, "os", "cannot look up the host \"%s\": %s", host, gai_strerror(rc));
        return OD_E_NOT_FOUND;
    }
    memcpy(out, found->ai_addr, found->ai_addrlen);
    *len = found->ai_addrlen;
    freeaddrinfo(found);
    return OD_NONE;
}

enum od_err od_socket_lookup(const char *host, uint16_t port, struct od_address *out, int max,
                             int *n, const char **why)
{
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV };
    struct addrinfo *found = NULL;
    char service[8];
    int rc;

    *n = 0;
    snprintf(service, sizeof(service), "%u", port);
    rc = getaddrinfo(host, service, &hints, &found);
    if (rc) {
        *why = gai_strerror(rc);
        return OD_E_NOT_FOUND;
    }
    for (const struct addrinfo *a = found; a && *n < max; a = a->ai_next) {
        union address address;

        memcpy(&address, a->ai_addr, a->ai_addrlen);
        print_address(&address, &out[(*n)++]);
    }
    freeaddrinfo(found);
    return OD_NONE;
}

static enum od_err open_socket(int family, int *fd)
{
    /* sendfile on a closed connection raises it and has no flag against that. */
    signal(SIGPIPE, SIG_IGN);
    *fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    return *fd >= 0 ? OD_NONE : fail("socket", errno);
}

static enum od_err listen_failed(const char *host, uint16_t port, int fd, int e)
{
    od_log(OD_LOG_ERROR, "os", "cannot listen on %s port %u: %s", host, port, od_errno_name(e));
    close(fd);
    return e == EADDRINUSE ? OD_E_BUSY : od_errno_to_err(e);
}

enum od_err od_socket_listen(const char *host, uint16_t port, int backlog, struct od_socket **out,
                             struct od_address *bound)
{
    union address address;
    socklen_t len;
    int fd;
    enum od_err err = resolve(host, port, &address, &len);

    if (!err)
        err = open_socket(address.any.sa_family, &fd);
    if (err)
        return err;
    switch_on(fd, SOL_SOCKET, SO_REUSEADDR);
    if (address.any.sa_family == AF_INET6)
        switch_on(fd, IPPROTO_IPV6, IPV6_V6ONLY);
    if (bind(fd, &address.any, len) < 0 || listen(fd, backlog) < 0 ||
        getsockname(fd, &address.any, &len) < 0)
        return listen_failed(host, port, fd, errno);
    print_address(&address, bound);
    *out = wrap(fd);
    return OD_NONE;
}

static enum od_err accept_failed(int e)
{
    switch (e) {
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
        return OD_E_LIMIT;
    case EPROTO:
    case ENOPROTOOPT:
    case ENONET:
    case EPERM:
        return OD_E_CLOSED; /* of the new connection, as accept(2) says */
    default:
        return fail("accept", e);
    }
}

enum od_err od_socket_accept(struct od_socket *listener, struct od_socket **out,
                             struct od_address *peer)
{
    union address address;
    enum od_err err = OD_E_CLOSED;
    int fd = -1;

    /* A connection that is gone again before it is accepted: the next one. */
    for (int i = 0; i < ACCEPT_TRIES_MAX && err == OD_E_CLOSED; i++) {
        socklen_t len = sizeof(address);

        fd = accept4(listener->fd, &address.any, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
        err = fd >= 0 ? OD_NONE : errno == EINTR ? OD_E_CLOSED : accept_failed(errno);
    }
    if (err)
        return err == OD_E_CLOSED ? OD_E_AGAIN : err;
    switch_on(fd, IPPROTO_TCP, TCP_NODELAY);
    switch_on(fd, SOL_SOCKET, SO_KEEPALIVE);
    print_address(&address, peer);
    *out = wrap(fd);
    return OD_NONE;
}

enum od_err od_socket_connect(const char *host, uint16_t port, struct od_socket **out)
{
    union address address;
    socklen_t len;
    int fd;
    enum od_err err = resolve(host, port, &address, &len);

    if (!err)
        err = open_socket(address.any.sa_family, &fd);
    if (err)
        return err;
    switch_on(fd, IPPROTO_TCP, TCP_NODELAY);
    switch_on(fd, SOL_SOCKET, SO_KEEPALIVE);
    if (connect(fd, &address.any, len) < 0 && errno != EINPROGRESS && errno != EINTR) {
        err = fail("connect", errno);
        close(fd);
        return err;
    }
    *out = wrap(fd);
    return OD_NONE;
}

void od_socket_close(struct od_socket *s)
{
    if (!s)
        return;
    close(s->fd);
    od_free(s);
}

enum od_err od_socket_recv(struct od_socket *s, void *buf, size_t len, size_t *got)
{
    ssize_t n;

    do {
        n = recv(s->fd, buf, len, 0);
    } while (n < 0 && errno == EINTR);
    *got = n > 0 ? (size_t)n : 0;
    if (n < 0)
        return fail("recv", errno);
    return n > 0 ? OD_NONE : OD_E_CLOSED;
}

enum od_err od_socket_send(struct od_socket *s, const struct od_span *spans, int n, bool more,
                           size_t *sent)
{
    struct msghdr message = { .msg_iov = (struct iovec *)od_spans_iov(spans),
                              .msg_iovlen = (size_t)n };
    ssize_t put;

    OD_ASSERT(n <= OD_SOCKET_SPANS_MAX);
    do {
        put = sendmsg(s->fd, &message, MSG_NOSIGNAL | (more ? MSG_MORE : 0));
    } while (put < 0 && errno == EINTR);
    *sent = put > 0 ? (size_t)put : 0;
    return put >= 0 ? OD_NONE : fail("send", errno);
}

enum od_err od_socket_send_file(struct od_socket *s, struct od_file *f, int64_t pos, size_t len,
                                size_t *sent)
{
    off_t from = pos;
    ssize_t put;

    do {
        put = sendfile(s->fd, f->fd, &from, len);
    } while (put < 0 && errno == EINTR);
    *sent = put > 0 ? (size_t)put : 0;
    return put >= 0 ? OD_NONE : fail("sendfile", errno);
}

void od_socket_cork(struct od_socket *s, bool on)
{
    int value = on;

    setsockopt(s->fd, IPPROTO_TCP, TCP_CORK, &value, sizeof(value));
}

void od_socket_set_buffers(struct od_socket *s, int send_bytes, int receive_bytes)
{
    /* A wish: the kernel bounds it by its own limits. */
    if (send_bytes >= 0)
        setsockopt(s->fd, SOL_SOCKET, SO_SNDBUF, &send_bytes, sizeof(send_bytes));
    if (receive_bytes >= 0)
        setsockopt(s->fd, SOL_SOCKET, SO_RCVBUF, &receive_bytes, sizeof(receive_bytes));
}

void od_socket_local(struct od_socket *s, struct od_address *out)
{
    union address address = { .any.sa_family = AF_INET };
    socklen_t len = sizeof(address);

    memset(out, 0, sizeof(*out));
    if (getsockname(s->fd, &address.any, &len) == 0)
        print_address(&address, out);
}
