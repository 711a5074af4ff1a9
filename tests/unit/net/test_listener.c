/* SPDX-License-Identifier: Apache-2.0 */
/* Who is let in, and to which net. */
#include "server.h"

#include <sys/resource.h>

TEST(admission_counts_in_all_and_per_address)
{
    struct od_admission *a = od_admission_new(3, 2, 7);
    struct od_address one = { "10.0.0.1", 5 }, two = { "10.0.0.2", 5 };

    CHECK_OK(od_admission_enter(a, &one));
    CHECK_OK(od_admission_enter(a, &one));
    CHECK_EQ(od_admission_enter(a, &one), OD_E_FULL);
    CHECK_OK(od_admission_enter(a, &two));
    CHECK_EQ(od_admission_enter(a, &two), OD_E_LIMIT);
    CHECK_EQ(od_admission_count(a), 3);
    od_admission_leave(a, &one);
    CHECK_OK(od_admission_enter(a, &two));
    od_admission_leave(a, &one);
    od_admission_leave(a, &two);
    od_admission_leave(a, &two);
    CHECK_EQ(od_admission_count(a), 0);
    od_admission_free(a);
}

static bool is_served(int fd)
{
    uint8_t out[4 + SMALL_LEN], in[4 + SMALL_LEN];

    send(fd, out, build(out, ECHO, 1, 0), MSG_NOSIGNAL);
    return recv(fd, in, sizeof(in), MSG_WAITALL) == (ssize_t)sizeof(in);
}

TEST(connections_over_a_limit_are_closed_at_once_and_let_in_after_one_left)
{
    struct od_net_settings settings = usual_settings();
    struct server *s = start_limited(&settings, BUDGET_BYTES, 3, 2);
    int a = dial(s), b = dial(s), over, other, again;

    CHECK(is_served(a));
    CHECK(is_served(b));
    over = dial(s);
    CHECK(!is_served(over));
    other = dial_from(s, "127.0.0.2");
    CHECK(is_served(other));
    close(a);
    while (od_net_connections(s->net) > 2)
        CHECK(is_served(b));
    while (od_admission_count(s->admission) > 2)
        ; /* given back just before the count above fell */
    again = dial(s);
    CHECK(is_served(again));
    close(over);
    close(b);
    close(other);
    close(again);
    finish(s);
}

/* A second reactor with a net for the same listener. */
struct second {
    struct od_reactor *reactor;
    struct od_net *net;
    struct od_thread *thread;
    struct server owner;
};

static void run_second(void *arg)
{
    od_reactor_run(((struct second *)arg)->reactor);
}

enum { CLIENTS = 8 };

TEST(connections_are_spread_over_the_nets_of_all_reactors)
{
    struct od_net_settings settings = usual_settings();
    struct od_net_handlers handlers = { on_opened, on_frame, on_closed };
    struct server *s = OD_NEW(struct server);
    struct second *second = OD_NEW(struct second);
    struct od_net *nets[2];
    struct od_listener_settings listener = { .host = "127.0.0.1", .backlog = 16, .nets = nets,
                                             .net_count = 2 };
    int fds[CLIENTS];

    od_budget_init(&s->budget, BUDGET_BYTES);
    CHECK_OK(od_reactor_new(0, &s->reactor));
    CHECK_OK(od_reactor_new(1, &second->reactor));
    nets[0] = s->net = od_net_new(s->reactor, &settings, &handlers, &s->budget, s);
    nets[1] = second->net =
        od_net_new(second->reactor, &settings, &handlers, &s->budget, &second->owner);
    listener.admission = s->admission = od_admission_new(100, 100, 1);
    CHECK_OK(od_listener_open(s->reactor, &listener, &s->listener, &s->bound));
    CHECK_OK(od_thread_start("first", run_reactor, s, &s->thread));
    CHECK_OK(od_thread_start("second", run_second, second, &second->thread));
    for (int i = 0; i < CLIENTS; i++) {
        fds[i] = dial(s);
        CHECK(is_served(fds[i]));
    }
    CHECK_EQ(od_net_connections(nets[0]), CLIENTS / 2);
    CHECK_EQ(od_net_connections(nets[1]), CLIENTS / 2);
    od_reactor_stop(second->reactor);
    od_thread_join(second->thread);
    od_net_free(second->net);
    od_reactor_free(second->reactor);
    CHECK_EQ(second->owner.closed, CLIENTS / 2);
    od_free(second);
    finish(s);
    for (int i = 0; i < CLIENTS; i++)
        close(fds[i]);
}

TEST(without_descriptors_accepting_pauses_and_goes_on_later)
{
    struct od_net_settings settings = usual_settings();
    struct server *s = start(&settings, BUDGET_BYTES);
    struct rlimit old, none;
    int before = dial(s), late, next;

    CHECK(is_served(before));
    getrlimit(RLIMIT_NOFILE, &old);
    late = socket(AF_INET, SOCK_STREAM, 0);
    close(late);
    next = dup(0);
    close(next);
    /* Room for the client's end, none for the server's. */
    none = (struct rlimit){ (rlim_t)next + 1, old.rlim_max };
    setrlimit(RLIMIT_NOFILE, &none);
    late = dial(s);
    for (int i = 0; i < 50; i++)
        CHECK(is_served(before));
    CHECK_EQ(od_net_connections(s->net), 1);
    setrlimit(RLIMIT_NOFILE, &old);
    CHECK(is_served(late));
    close(before);
    close(late);
    finish(s);
}
