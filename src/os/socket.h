/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Non-blocking stream sockets.  A socket is used by the one reactor that owns it.
 * OD_E_AGAIN: not ready.  OD_E_CLOSED: the peer has closed or reset.  Others are logged here.
 */
#pragma once

#include "base/err.h"
#include "base/str.h"

struct od_socket;
struct od_file;

struct od_address {
    char host[46]; /* numeric IPv4 or IPv6; in the simulator the node's name */
    uint16_t port;
};

enum { OD_SOCKET_SPANS_MAX = 1024 };

/* Port 0 picks a free one, told in *bound.  An IPv6 listener takes IPv6 only.  A host that is a
 * name is looked up and may block: only at start. */
OD_MUST_USE enum od_err od_socket_listen(const char *host, uint16_t port, int backlog,
                                         struct od_socket **out, struct od_address *bound);
/* A fresh connection, non-blocking and with Nagle's delay off; OD_E_LIMIT: no descriptor or
 * memory left, not logged. */
OD_MUST_USE enum od_err od_socket_accept(struct od_socket *listener, struct od_socket **out,
                                         struct od_address *peer);
/*
 * The numeric addresses of a host, in the order in which they should be tried; blocks for a name.
 * OD_E_NOT_FOUND: *why, constant, says why; not logged.
 */
OD_MUST_USE enum od_err od_socket_lookup(const char *host, uint16_t port, struct od_address *out,
                                         int max, int *n, const char **why);
/* Starts to connect; the socket turns writable when it is done, and send then tells failure. */
OD_MUST_USE enum od_err od_socket_connect(const char *host, uint16_t port, struct od_socket **out);
void od_socket_close(struct od_socket *s); /* accepts NULL */
OD_MUST_USE enum od_err od_socket_recv(struct od_socket *s, void *buf, size_t len, size_t *got);
OD_MUST_USE enum od_err od_socket_send(struct od_socket *s, const struct od_span *spans, int n,
                                       bool more, size_t *sent); /* more: MSG_MORE */
/* OD_NONE with *sent == 0: the file ends at pos. */
OD_MUST_USE enum od_err od_socket_send_file(struct od_socket *s, struct od_file *f, int64_t pos,
                                            size_t len, size_t *sent);
/* While on, only full packets leave; turning it off sends what is left.  Best effort. */
void od_socket_cork(struct od_socket *s, bool on);
void od_socket_set_buffers(struct od_socket *s, int send_bytes, int receive_bytes); /* -1: leave */
/* The address that the peer reached. */
void od_socket_local(struct od_socket *s, struct od_address *out);
