/* SPDX-License-Identifier: Apache-2.0 */
/* Frames up, answers down: order, pipelining, pauses, the ends of a connection. */
#include "server.h"

#include "net/net_internal.h"

TEST(an_idle_connection_takes_at_most_1_kib)
{
    /* Its socket object and the map's entry of its address are a few words more. */
    CHECK(sizeof(struct od_conn) <= 512);
    CHECK(sizeof(struct od_reply) <= 128);
}

TEST(answers_keep_the_order_of_requests_whatever_order_they_are_made_in)
{
    struct od_net_settings settings = usual_settings();
    struct server *s = start(&settings, BUDGET_BYTES);
    int a = dial(s), b = dial(s);

    ask(a, DELAY, 1, 0);
    ask(a, SKIP, 0, 0);
    ask(a, DELAY, 2, 0);
    ask(a, ECHO, 3, 0);
    ask(a, SKIP, 0, 0);
    ask(a, DELAY, 4, 0);
    ask(a, ECHO, 5, 0);
    ask(b, ECHO, 6, 0);
    expect_echo(b, ECHO, 6);
    ask(a, RELEASE, 0, 0);
    expect_echo(a, DELAY, 1);
    expect_echo(a, DELAY, 2);
    expect_echo(a, ECHO, 3);
    expect_echo(a, DELAY, 4);
    expect_echo(a, ECHO, 5);
    close(a);
    close(b);
    finish(s);
}

enum { PIPELINED = 5000 };

TEST(thousands_of_pipelined_requests_are_all_answered_in_order)
{
    struct od_net_settings settings = usual_settings();
    struct server *s = start(&settings, BUDGET_BYTES);
    uint8_t *out = od_alloc((4 + SMALL_LEN) * PIPELINED);
    struct od_net_stats stats;
    int fd = dial(s);

    for (uint32_t i = 0; i < PIPELINED; i++)
        build(out + i * (4 + SMALL_LEN), ECHO, i, 0);
    put(fd, out, (4 + SMALL_LEN) * PIPELINED);
    for (uint32_t i = 0; i < PIPELINED; i++)
        expect_echo(fd, ECHO, i);
    close(fd);
    stats = finish(s);
    CHECK_EQ(stats.frames, PIPELINED);
    CHECK_EQ(stats.received_bytes, (4 + SMALL_LEN) * PIPELINED);
    CHECK_EQ(stats.sent_bytes, (4 + SMALL_LEN) * PIPELINED);
    od_free(out);
}

TEST(a_request_may_come_byte_by_byte)
{
    struct od_net_settings settings = usual_settings();
    struct server *s = start(&settings, BUDGET_BYTES);
    uint8_t out[2 * (4 + SMALL_LEN)];
    size_t len = build(out, ECHO, 1, 0);
    int fd = dial(s), one = 1;

    len += build(out + len, ECHO, 2, 0);
    setsockopt(fd, IPPROTO_TCP, 1 /* TCP_NODELAY */, &one, sizeof(one));
    for (size_t i = 0; i < len; i++)
        put(fd, out + i, 1);
    expect_echo(fd, ECHO, 1);
    expect_echo(fd, ECHO, 2);
    close(fd);
    finish(s);
}

TEST(no_more_requests_are_in_flight_than_allowed_and_the_rest_follows)
{
    struct od_net_settings settings = usual_settings();
    struct server *s;
    int a, b;

    settings.in_flight_max = 3;
    s = start(&settings, BUDGET_BYTES);
    a = dial(s);
    b = dial(s);
    for (uint32_t i = 0; i < 8; i++)
        ask(a, DELAY, i, 0);
    /* Release three times: 3, 3 and 2 of them; the echo comes after what is in flight by then. */
    for (uint32_t i = 0; i < 8; i++) {
        if (i % 3 == 0) {
            ask(b, ECHO, i, 0);
            expect_echo(b, ECHO, i);
            ask(b, RELEASE, 0, 0);
        }
        expect_echo(a, DELAY, i);
    }
    close(a);
    close(b);
    finish(s);
}

TEST(a_paused_connection_hands_up_nothing_until_it_is_resumed)
{
    struct od_net_settings settings = usual_settings();
    struct server *s = start(&settings, BUDGET_BYTES);
    int a = dial(s), b = dial(s);
    uint8_t out[3 * (4 + SMALL_LEN)];
    size_t len = build(out, HALT, 1, 0);
    struct od_net_stats stats;

    len += build(out + len, DELAY, 2, 0);
    len += build(out + len, ECHO, 3, 0);
    put(a, out, len);
    expect_echo(a, HALT, 1);
    ask(b, RELEASE, 0, 0); /* would answer 2, were it handed up */
    ask(a, ECHO, 4, 0);
    ask(b, GO_ON, 0, 0);
    ask(b, ECHO, 5, 0);
    expect_echo(b, ECHO, 5);
    ask(b, RELEASE, 0, 0);
    expect_echo(a, DELAY, 2);
    expect_echo(a, ECHO, 3);
    expect_echo(a, ECHO, 4);
    close(a);
    close(b);
    stats = finish(s);
    CHECK_EQ(stats.frames, 8);
}

TEST(stopped_connections_hand_up_nothing_until_all_go_on_and_may_end_meanwhile)
{
    struct od_net_settings settings = usual_settings();
    struct server *s = start(&settings, BUDGET_BYTES);
    int a = dial(s), b = dial(s), gone = dial(s), other = dial(s);
    struct linger now = { .l_onoff = 1 };
    struct od_net_stats stats;

    ask(a, STOP, 1, 0);
    ask(b, STOP, 2, 0);
    ask(gone, STOP, 3, 0);
    expect_echo(a, STOP, 1);
    expect_echo(b, STOP, 2);
    expect_echo(gone, STOP, 3);
    ask(a, DELAY, 4, 0);
    ask(b, DELAY, 5, 0);
    CHECK_EQ(setsockopt(gone, SOL_SOCKET, SO_LINGER, &now, sizeof(now)), 0);
    close(gone); /* with a reset */
    ask(other, RELEASE, 0, 0); /* would answer both, were they handed up */
    ask(other, ECHO, 6, 0);
    expect_echo(other, ECHO, 6);
    ask(other, UNSTOP, 0, 0);
    ask(a, ECHO, 7, 0);
    ask(b, ECHO, 8, 0);
    ask(a, RELEASE, 0, 0); /* behind the request that it releases */
    ask(b, RELEASE, 0, 0);
    expect_echo(a, DELAY, 4);
    expect_echo(a, ECHO, 7);
    expect_echo(b, DELAY, 5);
    expect_echo(b, ECHO, 8);
    close(a);
    close(b);
    close(other);
    stats = finish(s);
    CHECK_EQ(stats.stopped, 3);
}

TEST(a_half_closed_connection_gets_its_answers_and_is_closed_then)
{
    struct od_net_settings settings = usual_settings();
    struct server *s = start(&settings, BUDGET_BYTES);
    int a = dial(s), b = dial(s);

    ask(a, DELAY, 1, 0);
    ask(a, ECHO, 2, 0);
    shutdown(a, SHUT_WR);
    ask(b, ECHO, 3, 0);
    expect_echo(b, ECHO, 3);
    ask(b, RELEASE, 0, 0);
    expect_echo(a, DELAY, 1);
    expect_echo(a, ECHO, 2);
    CHECK(is_closed(a));
    close(a);
    close(b);
    finish(s);
}

TEST(a_reply_to_a_closed_connection_is_dropped)
{
    struct od_net_settings settings = usual_settings();
    struct server *s = start(&settings, BUDGET_BYTES);
    struct linger reset = { 1, 0 };
    int a = dial(s), b = dial(s);

    ask(a, DELAY, 1, 0);
    ask(a, ECHO, 2, 0);
    setsockopt(a, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
    ask(b, ECHO, 3, 0);
    expect_echo(b, ECHO, 3);
    close(a);
    ask(b, ECHO, 4, 0);
    expect_echo(b, ECHO, 4);
    ask(b, RELEASE, 0, 0);
    ask(b, ECHO, 5, 0);
    expect_echo(b, ECHO, 5);
    close(b);
    finish(s);
}

TEST(a_verdict_of_close_sends_what_is_ready_and_closes)
{
    struct od_net_settings settings = usual_settings();
    struct server *s = start(&settings, BUDGET_BYTES);
    uint8_t out[3 * (4 + SMALL_LEN)];
    size_t len = build(out, ECHO, 1, 0);
    struct od_net_stats stats;
    int fd = dial(s);

    len += build(out + len, LEAVE, 0, 0);
    len += build(out + len, ECHO, 2, 0);
    put(fd, out, len);
    expect_echo(fd, ECHO, 1);
    CHECK(is_closed(fd));
    close(fd);
    stats = finish(s);
    CHECK_EQ(stats.frames, 2);
}

struct drain {
    struct od_post post;
    struct server *server;
    struct od_gate *started, *drained;
};

static void on_drained(void *arg)
{
    od_gate_open(((struct drain *)arg)->drained);
}

static void begin_drain(struct od_post *post)
{
    struct drain *d = OD_CONTAINER(post, struct drain, post);

    od_listener_close(d->server->listener);
    d->server->listener = NULL;
    od_net_drain(d->server->net, on_drained, d);
    od_gate_open(d->started);
}

static void release_on_reactor(struct od_post *post)
{
    release_all(OD_CONTAINER(post, struct drain, post)->server);
}

TEST(a_drain_closes_idle_connections_and_waits_for_answers)
{
    struct od_net_settings settings = usual_settings();
    struct server *s = start(&settings, BUDGET_BYTES);
    int idle = dial(s), busy = dial(s);
    struct drain d = { .post.run = begin_drain, .server = s, .started = od_gate_new(),
                       .drained = od_gate_new() };

    ask(busy, DELAY, 1, 0);
    ask(idle, ECHO, 2, 0);
    expect_echo(idle, ECHO, 2);
    od_reactor_post(s->reactor, &d.post);
    od_gate_wait(d.started, -1);
    CHECK(is_closed(idle));
    ask(busy, ECHO, 3, 0); /* too late: not read */
    d.post.run = release_on_reactor;
    od_reactor_post(s->reactor, &d.post);
    expect_echo(busy, DELAY, 1);
    CHECK(is_closed(busy));
    od_gate_wait(d.drained, -1);
    CHECK_EQ(od_net_connections(s->net), 0);
    od_gate_free(d.started);
    od_gate_free(d.drained);
    close(idle);
    close(busy);
    finish(s);
}

TEST(an_idle_connection_is_closed_after_its_time)
{
    struct od_net_settings settings = usual_settings();
    struct od_net_stats stats;
    struct server *s;
    int64_t start_ns;
    int fd;

    settings.idle_ms = 40;
    s = start(&settings, BUDGET_BYTES);
    fd = dial(s);
    ask(fd, ECHO, 1, 0);
    expect_echo(fd, ECHO, 1);
    start_ns = od_clock_mono_ns();
    CHECK(is_closed(fd));
    CHECK(od_clock_mono_ns() - start_ns >= 35000000);
    close(fd);
    stats = finish(s);
    CHECK_EQ(stats.idle, 1);
}
