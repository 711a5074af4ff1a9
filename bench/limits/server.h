/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The epoll server of the limit programs: one thread, level-triggered, frames with a 4-byte
 * length.  Bytes are received into one warm area shared by all connections; only the beginning of
 * a frame that has not arrived whole is kept per connection.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "base/compiler.h"
#include "base/str.h"
#include "limits/settings.h"
#include "limits/store.h"

enum {
    OD_LIMIT_FRAME_MAX = 4 << 20,
    OD_LIMIT_RECV_BYTES = 256 << 10,
    OD_LIMIT_AREA_BYTES = 8 << 20,   /* frames of one wake-up when they are gathered */
    OD_LIMIT_REPLY_BYTES = 16 << 20, /* answers that wait to be sent */
    OD_LIMIT_GATHER_MAX = 1024,      /* IOV_MAX */
    OD_LIMIT_EVENTS_MAX = 256,
    OD_LIMIT_DEPTH_MAX = 64, /* fetch requests in flight on a connection */
};

struct od_limit_conn {
    int fd;
    uint32_t file; /* index into the store */
    /* Beginning of an incomplete frame, in kept[0].  The two change places when it is complete, so
     * that a gathered frame stays where it is while the next beginning is kept. */
    uint8_t *kept[2];
    size_t kept_size[2];
    size_t kept_len;
    bool wants_out; /* EPOLLOUT is registered */
    /* Fetch only: */
    uint32_t asked[OD_LIMIT_DEPTH_MAX]; /* ids of requests not answered yet, a ring */
    uint32_t asked_first;
    uint32_t asked_count;
    uint32_t answer_sent; /* bytes of the current answer */
    uint64_t body_pos;    /* of the current answer in the file */
};

/* Answers to one connection, waiting in the reply area. */
struct od_limit_reply {
    int fd;
    size_t pos;
    size_t len;
};

struct od_limit_server {
    const struct od_limit_settings *settings;
    struct od_store store;
    int epoll;
    int listener;
    uint32_t conn_count; /* accepted so far */
    uint8_t *area;
    size_t area_used; /* by gathered frames of this wake-up */
    uint8_t *reply;
    size_t reply_len;
    struct od_limit_reply replies[OD_LIMIT_EVENTS_MAX];
    int reply_count;
    struct iovec gather[OD_LIMIT_GATHER_MAX];
    int gather_count;
    int body_fd; /* fetch: the file that is served */
    uint8_t *body;
    struct od_bytes batch; /* Kafka's framing: what is fetched */
};

/* Listens, announces readiness, serves until the process is ended. */
OD_NORETURN void od_limit_server_run(const struct od_limit_settings *settings);
/* A listening socket on 127.0.0.1; readiness has been announced. */
int od_limit_listen(const struct od_limit_settings *settings);
void od_limit_nodelay(int fd);
/* Asks epoll for EPOLLOUT besides EPOLLIN, or no longer. */
void od_limit_want_out(struct od_limit_server *server, struct od_limit_conn *conn, bool wanted);
