/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A net on a reactor in a thread of its own, whose requests say what to do with them, and blocking
 * clients for the test's thread.  A request is an operation, padding up to 8 bytes, and a body.
 */
#pragma once

#include "base/be.h"
#include "base/mem.h"
#include "net/listener.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/thread.h"
#include "test.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum { DELAYED_MAX = 256, BUDGET_BYTES = 64 << 20 };

enum operation {
    ECHO = 'E',    /* answers with the request */
    DELAY = 'D',   /* answers with the request when RELEASE comes, last first */
    RELEASE = 'R', /* no answer of its own */
    SKIP = 'S',    /* never an answer */
    BIG = 'B',     /* answers with as many bytes of memory as the body's int32 says */
    FILE_RANGE = 'F', /* the same from the server's file, between two bytes of memory */
    HALT = 'H',    /* pauses its connection, answers with the request */
    GO_ON = 'G',   /* resumes it, from another connection */
    STOP = 'P',    /* stops its connection, answers with the request */
    UNSTOP = 'U',  /* lets those go on that were stopped; tells nobody */
    LEAVE = 'L',   /* is closed */
};

struct delayed {
    struct od_reply *reply;
    struct od_chain chain;
};

struct server {
    struct od_reactor *reactor;
    struct od_net *net;
    struct od_listener *listener;
    struct od_admission *admission;
    struct od_thread *thread;
    struct od_budget budget;
    struct od_address bound;
    struct od_file *file;
    /* the reactor thread's */
    struct delayed delayed[DELAYED_MAX];
    int delayed_count;
    struct od_conn *halted;
    int opened, closed;
    _Atomic int released_files;
};

static inline void on_opened(struct od_conn *c)
{
    struct server *s = od_conn_owner(c);

    s->opened++;
    od_conn_set_user(c, s);
}

static inline void on_closed(struct od_conn *c)
{
    struct server *s = od_conn_user(c);

    s->closed++;
    if (s->halted == c)
        s->halted = NULL;
}

static inline void count_release(void *pin)
{
    atomic_fetch_add(&((struct server *)pin)->released_files, 1);
}

static inline void answer_slice(struct od_conn *c, struct od_slice frame)
{
    struct od_chain chain = { 0 };

    od_chain_add_slice(&chain, frame);
    od_reply_send(od_conn_expect(c), &chain);
}

static inline void answer_amount(struct server *s, struct od_conn *c, struct od_slice frame)
{
    struct od_chain chain = { 0 };
    size_t n = od_be32_load(frame.data + 8);

    if (frame.data[0] == FILE_RANGE) {
        od_chain_add_copy(&chain, "<", 1);
        od_chain_add_file(&chain, s->file, 0, n, count_release, s);
        od_chain_add_copy(&chain, ">", 1);
    } else {
        od_chain_add_bytes(&chain, od_zalloc(n), n);
    }
    od_slice_unref(&frame);
    od_reply_send(od_conn_expect(c), &chain);
}

static inline void release_all(struct server *s)
{
    while (s->delayed_count > 0) {
        struct delayed *d = &s->delayed[--s->delayed_count];

        od_reply_send(d->reply, &d->chain);
    }
}

static inline enum od_verdict on_frame(struct od_conn *c, struct od_slice frame)
{
    struct server *s = od_conn_owner(c);
    struct delayed *d;

    switch ((enum operation)frame.data[0]) {
    case ECHO:
        answer_slice(c, frame);
        return OD_VERDICT_GO_ON;
    case DELAY:
        d = &s->delayed[s->delayed_count++];
        *d = (struct delayed){ .reply = od_conn_expect(c) };
        od_chain_add_slice(&d->chain, frame);
        return OD_VERDICT_GO_ON;
    case BIG:
    case FILE_RANGE:
        answer_amount(s, c, frame);
        return OD_VERDICT_GO_ON;
    case HALT:
        s->halted = c;
        od_conn_pause(c);
        answer_slice(c, frame);
        return OD_VERDICT_GO_ON;
    case RELEASE:
        release_all(s);
        break;
    case SKIP:
        od_reply_skip(od_conn_expect(c));
        break;
    case GO_ON:
        if (s->halted)
            od_conn_resume(s->halted);
        s->halted = NULL;
        break;
    case STOP:
        od_conn_stop(c);
        od_conn_stop(c);
        answer_slice(c, frame);
        return OD_VERDICT_GO_ON;
    case UNSTOP:
        od_net_release_stopped(s->net);
        break;
    case LEAVE:
        od_slice_unref(&frame);
        return OD_VERDICT_CLOSE;
    }
    od_slice_unref(&frame);
    return OD_VERDICT_GO_ON;
}

static inline void run_reactor(void *arg)
{
    od_reactor_run(((struct server *)arg)->reactor);
}

static inline struct od_net_settings usual_settings(void)
{
    return (struct od_net_settings){ .idle_ms = 600000, .stall_ms = 30000,
                                     .request_bytes_max = 100 << 20, .in_flight_max = 64,
                                     .send_buffer_bytes = -1, .receive_buffer_bytes = -1 };
}

static inline void listen_on(struct server *s, int32_t max, int32_t max_per_ip)
{
    struct od_listener_settings settings = { .host = "127.0.0.1", .backlog = 128,
                                             .nets = &s->net, .net_count = 1, .tag = s };

    s->admission = od_admission_new(
        &(struct od_admission_limits){ .total = max, .per_host = max_per_ip,
                                       .per_second = INT32_MAX }, 1);
    settings.admission = s->admission;
    CHECK_OK(od_listener_open(s->reactor, &settings, &s->listener, &s->bound));
}

static inline struct server *start_limited(const struct od_net_settings *settings, int64_t budget,
                                           int32_t max, int32_t max_per_ip)
{
    struct server *s = OD_NEW(struct server);
    struct od_net_handlers handlers = { on_opened, on_frame, on_closed };

    od_budget_init(&s->budget, budget);
    CHECK_OK(od_reactor_new(0, &s->reactor));
    s->net = od_net_new(s->reactor, settings, &handlers, &s->budget, s);
    listen_on(s, max, max_per_ip);
    CHECK_OK(od_thread_start("server", run_reactor, s, &s->thread));
    return s;
}

static inline struct server *start(const struct od_net_settings *settings, int64_t budget)
{
    return start_limited(settings, budget, 1000, 1000);
}

/* Stops the reactor, and checks that every byte was given back. */
static inline struct od_net_stats finish(struct server *s)
{
    struct od_net_stats stats;

    od_reactor_stop(s->reactor);
    od_thread_join(s->thread);
    od_listener_close(s->listener);
    od_net_stats(s->net, &stats);
    od_net_free(s->net);
    release_all(s);
    od_reactor_free(s->reactor);
    od_file_close(s->file);
    CHECK_EQ(od_admission_count(s->admission), 0);
    CHECK_EQ(s->opened, s->closed);
    CHECK_EQ(s->budget.used_bytes, 0);
    od_admission_free(s->admission);
    od_free(s);
    return stats;
}

/* Clients block, for 10 s at most. */

static inline int dial_from(const struct server *s, const char *from)
{
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(s->bound.port) };
    struct sockaddr_in own = { .sin_family = AF_INET };
    struct timeval limit = { .tv_sec = 10 };
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    inet_pton(AF_INET, "127.0.0.1", &to.sin_addr);
    inet_pton(AF_INET, from, &own.sin_addr);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
    CHECK(fd >= 0 && bind(fd, (struct sockaddr *)&own, sizeof(own)) == 0);
    CHECK(connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0);
    return fd;
}

static inline int dial(const struct server *s)
{
    return dial_from(s, "127.0.0.1");
}

static inline void put(int fd, const void *data, size_t len)
{
    CHECK_EQ(send(fd, data, len, MSG_NOSIGNAL), len);
}

static inline void take(int fd, void *data, size_t len)
{
    CHECK_EQ(recv(fd, data, len, MSG_WAITALL), len);
}

static inline bool is_closed(int fd)
{
    char byte;
    ssize_t n = recv(fd, &byte, 1, 0);

    return n == 0 || (n < 0 && errno == ECONNRESET);
}

enum { SMALL_LEN = 16 };

/* Operation, a number that the answer repeats, and an amount. */
static inline size_t build(uint8_t *out, enum operation op, uint32_t number, uint32_t amount)
{
    od_be32_store(out, SMALL_LEN);
    memset(out + 4, 0, SMALL_LEN);
    out[4] = (uint8_t)op;
    od_be32_store(out + 12, amount);
    od_be32_store(out + 16, number);
    return 4 + SMALL_LEN;
}

static inline void ask(int fd, enum operation op, uint32_t number, uint32_t amount)
{
    uint8_t out[4 + SMALL_LEN];

    put(fd, out, build(out, op, number, amount));
}

/* Reads the answer to a small request that was echoed. */
static inline void expect_echo(int fd, enum operation op, uint32_t number)
{
    uint8_t in[4 + SMALL_LEN];

    take(fd, in, sizeof(in));
    CHECK_EQ(od_be32_load(in), SMALL_LEN);
    CHECK_EQ(in[4], op);
    CHECK_EQ(od_be32_load(in + 16), number);
}
