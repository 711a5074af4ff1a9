/* SPDX-License-Identifier: Apache-2.0 */
/* Sockets over loopback, non-blocking throughout. */
#include "os/socket.h"

#include "os/file.h"
#include "os/poll.h"
#include "test.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

struct pair {
    struct od_poll *poll;
    struct od_socket *listener, *client, *server;
    struct od_address bound, peer;
};

static void wait_for(struct od_poll *p, struct od_socket *s, unsigned want)
{
    struct od_poll_event event;

    CHECK_OK(od_poll_add(p, s, want, s));
    CHECK_EQ(od_poll_wait(p, &event, 1, 5000), 1);
    CHECK(event.tag == s);
    od_poll_remove(p, s);
}

static struct pair connected(const char *host)
{
    struct pair p = { 0 };

    CHECK_OK(od_poll_new(&p.poll));
    CHECK_OK(od_socket_listen(host, 0, 8, &p.listener, &p.bound));
    CHECK_OK(od_socket_connect(host, p.bound.port, &p.client));
    wait_for(p.poll, p.listener, OD_POLL_IN);
    CHECK_OK(od_socket_accept(p.listener, &p.server, &p.peer));
    return p;
}

static void disconnect(struct pair *p)
{
    od_socket_close(p->client);
    od_socket_close(p->server);
    od_socket_close(p->listener);
    od_poll_free(p->poll);
}

TEST(bytes_arrive_and_an_empty_socket_says_again)
{
    struct pair p = connected("127.0.0.1");
    struct od_span spans[] = { { "he", 2 }, { "llo", 3 } };
    char got[8];
    size_t n = 0;

    CHECK_EQ(od_socket_recv(p.server, got, sizeof(got), &n), OD_E_AGAIN);
    CHECK_OK(od_socket_send(p.client, spans, 2, false, &n));
    CHECK_EQ(n, 5);
    wait_for(p.poll, p.server, OD_POLL_IN);
    CHECK_OK(od_socket_recv(p.server, got, sizeof(got), &n));
    CHECK_EQ(n, 5);
    CHECK_MEM(got, "hello", 5);
    disconnect(&p);
}

TEST(addresses_are_told_for_both_families)
{
    static const char *const hosts[] = { "127.0.0.1", "::1" };

    for (int i = 0; i < 2; i++) {
        struct pair p = connected(hosts[i]);
        struct od_address local;

        od_socket_local(p.server, &local);
        CHECK_STR(p.bound.host, hosts[i]);
        CHECK_STR(p.peer.host, hosts[i]);
        CHECK_STR(local.host, hosts[i]);
        CHECK_EQ(local.port, p.bound.port);
        disconnect(&p);
    }
}

TEST(a_port_in_use_is_busy_and_an_unknown_host_is_not_found)
{
    struct pair p = connected("127.0.0.1");
    struct od_socket *other = NULL;
    struct od_address bound;

    CHECK_EQ(od_socket_listen("127.0.0.1", p.bound.port, 8, &other, &bound), OD_E_BUSY);
    CHECK_EQ(od_socket_listen("no.such.host.invalid", 0, 8, &other, &bound), OD_E_NOT_FOUND);
    CHECK_EQ(od_socket_listen("203.0.113.7", 0, 8, &other, &bound), OD_E_IO); /* not ours */
    disconnect(&p);
}

TEST(a_closed_peer_is_told_to_reader_and_writer)
{
    struct pair p = connected("127.0.0.1");
    struct od_span span = { "x", 1 };
    enum od_err err = OD_NONE;
    char got[4];
    size_t n;

    od_socket_close(p.client);
    p.client = NULL;
    wait_for(p.poll, p.server, OD_POLL_IN);
    CHECK_EQ(od_socket_recv(p.server, got, sizeof(got), &n), OD_E_CLOSED);
    for (int i = 0; i < 1000 && !err; i++)
        err = od_socket_send(p.server, &span, 1, false, &n);
    CHECK_EQ(err, OD_E_CLOSED);
    disconnect(&p);
}

TEST(a_refused_connection_is_told_by_send)
{
    struct pair p = connected("127.0.0.1");
    struct od_span span = { "x", 1 };
    struct od_socket *late = NULL;
    size_t n;

    od_socket_close(p.listener);
    p.listener = NULL;
    if (od_socket_connect("127.0.0.1", p.bound.port, &late) == OD_NONE) {
        wait_for(p.poll, late, OD_POLL_OUT);
        CHECK_EQ(od_socket_send(late, &span, 1, false, &n), OD_E_CLOSED);
    }
    od_socket_close(late);
    disconnect(&p);
}

TEST(a_full_socket_says_again_and_takes_more_once_it_was_read)
{
    struct pair p = connected("127.0.0.1");
    static char bytes[65536];
    struct od_span span = { bytes, sizeof(bytes) };
    size_t n = 0, sent = 0, received = 0;

    od_socket_set_buffers(p.server, 8192, -1);
    od_socket_set_buffers(p.client, -1, 8192);
    while (od_socket_send(p.server, &span, 1, false, &n) == OD_NONE)
        sent += n;
    CHECK_EQ(od_socket_send(p.server, &span, 1, false, &n), OD_E_AGAIN);
    while (received < sent) {
        wait_for(p.poll, p.client, OD_POLL_IN);
        CHECK_OK(od_socket_recv(p.client, bytes, sizeof(bytes), &n));
        received += n;
    }
    wait_for(p.poll, p.server, OD_POLL_OUT);
    CHECK_OK(od_socket_send(p.server, &span, 1, false, &n));
    disconnect(&p);
}

TEST(a_file_range_is_sent_and_its_end_is_told)
{
    struct pair p = connected("127.0.0.1");
    struct od_span span = { "0123456789", 10 };
    struct od_file *f = NULL;
    char path[512], got[16];
    size_t n = 0;

    snprintf(path, sizeof(path), "%s/sent", test_dir());
    CHECK_OK(od_file_open(path, OD_FILE_WRITE | OD_FILE_CREATE, &f));
    CHECK_OK(od_file_write(f, &span, 1, 0, &n));
    CHECK_OK(od_socket_send(p.server, &(struct od_span){ "<", 1 }, 1, true, &n));
    CHECK_OK(od_socket_send_file(p.server, f, 4, 100, &n));
    CHECK_EQ(n, 6);
    CHECK_OK(od_socket_send_file(p.server, f, 10, 5, &n));
    CHECK_EQ(n, 0);
    wait_for(p.poll, p.client, OD_POLL_IN);
    CHECK_OK(od_socket_recv(p.client, got, sizeof(got), &n));
    CHECK_EQ(n, 7);
    CHECK_MEM(got, "<456789", 7);
    od_file_close(f);
    disconnect(&p);
}

TEST(sending_a_file_to_a_closed_peer_ends_no_process)
{
    struct pair p = connected("127.0.0.1");
    struct od_file *f = NULL;
    enum od_err err = OD_NONE;
    size_t n;

    CHECK_OK(od_file_open("/proc/self/exe", OD_FILE_READ, &f));
    od_socket_close(p.client);
    p.client = NULL;
    for (int i = 0; i < 1000 && !err; i++)
        err = od_socket_send_file(p.server, f, 0, 100, &n);
    CHECK_EQ(err, OD_E_CLOSED);
    od_file_close(f);
    disconnect(&p);
}

TEST(without_descriptors_accept_says_limit_and_later_works)
{
    struct pair p = connected("127.0.0.1");
    struct od_socket *client = NULL, *server = NULL;
    struct od_address peer;
    struct rlimit old, none;
    enum od_err err;
    int next;

    CHECK_OK(od_socket_connect("127.0.0.1", p.bound.port, &client));
    wait_for(p.poll, p.listener, OD_POLL_IN);
    next = dup(0);
    close(next);
    getrlimit(RLIMIT_NOFILE, &old);
    none = (struct rlimit){ (rlim_t)next, old.rlim_max };
    setrlimit(RLIMIT_NOFILE, &none);
    err = od_socket_accept(p.listener, &server, &peer);
    setrlimit(RLIMIT_NOFILE, &old);
    CHECK_EQ(err, OD_E_LIMIT);
    CHECK_OK(od_socket_accept(p.listener, &server, &peer));
    CHECK_EQ(od_socket_accept(p.listener, &p.client, &peer), OD_E_AGAIN);
    od_socket_close(server);
    od_socket_close(client);
    disconnect(&p);
}

TEST(a_wake_ends_one_wait_however_often_it_was_asked)
{
    struct od_poll_event event;
    struct od_poll *p = NULL;

    CHECK_OK(od_poll_new(&p));
    od_poll_wake(p);
    od_poll_wake(p);
    CHECK_EQ(od_poll_wait(p, &event, 1, -1), 0);
    CHECK_EQ(od_poll_wait(p, &event, 1, 0), 0);
    od_poll_wake(p);
    CHECK_EQ(od_poll_wait(p, &event, 1, -1), 0);
    od_poll_free(p);
}

TEST(a_hangup_is_told_even_when_nothing_is_wanted)
{
    struct pair p = connected("127.0.0.1");
    struct od_poll_event event;
    struct od_span span = { "x", 1 };
    size_t n;

    CHECK_OK(od_poll_add(p.poll, p.server, 0, &p));
    CHECK_OK(od_socket_send(p.server, &span, 1, false, &n));
    wait_for(p.poll, p.client, OD_POLL_IN);
    od_socket_close(p.client); /* with a byte unread: a reset */
    p.client = NULL;
    CHECK_EQ(od_poll_wait(p.poll, &event, 1, 5000), 1);
    CHECK(event.tag == &p);
    CHECK_EQ(event.ready, OD_POLL_HANGUP);
    od_poll_remove(p.poll, p.server);
    disconnect(&p);
}
