/* SPDX-License-Identifier: Apache-2.0 */
/* Who is let in, and to which net. */
#include "server.h"

#include <sys/resource.h>

static struct od_admission_limits limits(int32_t total, int32_t per_host, int32_t per_second)
{
    return (struct od_admission_limits){ .total = total, .per_host = per_host,
                                         .per_second = per_second };
}

TEST(admission_counts_in_all_and_per_address)
{
    struct od_admission_limits l = limits(3, 2, INT32_MAX);
    struct od_admission *a = od_admission_new(&l, 7);
    struct od_entrance *g = od_entrance_new(a, 0, 0);
    struct od_address one = { "10.0.0.1", 5 }, two = { "10.0.0.2", 5 };

    CHECK_OK(od_entrance_enter(g, &one));
    CHECK_OK(od_entrance_enter(g, &one));
    CHECK_EQ(od_entrance_enter(g, &one), OD_E_FULL);
    CHECK_EQ(od_entrance_wait_ms(g, 0), 0);
    CHECK_OK(od_entrance_enter(g, &two));
    CHECK(od_entrance_wait_ms(g, 0) > 0);
    CHECK_EQ(od_admission_count(a), 3);
    od_entrance_leave(g, &one);
    CHECK_EQ(od_entrance_wait_ms(g, 0), 0);
    CHECK_OK(od_entrance_enter(g, &two));
    od_entrance_leave(g, &one);
    od_entrance_leave(g, &two);
    od_entrance_leave(g, &two);
    CHECK_EQ(od_admission_count(a), 0);
    od_admission_free(a);
}

TEST(some_addresses_have_limits_of_their_own)
{
    struct od_admission_limits l = limits(100, 1, INT32_MAX);
    struct od_address one = { "10.0.0.1", 5 }, two = { "::1", 5 }, three = { "10.0.0.3", 5 };
    struct od_admission *a;
    struct od_entrance *g;

    l.host_overrides = "10.0.0.1:0, ::1:2";
    a = od_admission_new(&l, 7);
    g = od_entrance_new(a, 0, 0);
    CHECK_EQ(od_entrance_enter(g, &one), OD_E_FULL);
    CHECK_OK(od_entrance_enter(g, &two));
    CHECK_OK(od_entrance_enter(g, &two));
    CHECK_EQ(od_entrance_enter(g, &two), OD_E_FULL);
    CHECK_OK(od_entrance_enter(g, &three));
    CHECK_EQ(od_entrance_enter(g, &three), OD_E_FULL);
    l.host_overrides = NULL;
    CHECK_EQ(od_admission_set(a, &l), 0);
    CHECK_OK(od_entrance_enter(g, &one));
    od_entrance_leave(g, &one);
    od_entrance_leave(g, &two);
    od_entrance_leave(g, &two);
    od_entrance_leave(g, &three);
    od_admission_free(a);
}

TEST(a_listener_may_be_narrower_than_the_broker)
{
    struct od_admission_limits l = limits(2, 100, INT32_MAX);
    struct od_admission *a = od_admission_new(&l, 7);
    struct od_entrance *narrow = od_entrance_new(a, 1, 0), *wide = od_entrance_new(a, 0, 0);
    struct od_address one = { "10.0.0.1", 5 };

    CHECK_OK(od_entrance_enter(narrow, &one));
    CHECK(od_entrance_wait_ms(narrow, 0) > 0);
    CHECK_EQ(od_entrance_wait_ms(wide, 0), 0);
    CHECK_OK(od_entrance_enter(wide, &one));
    CHECK(od_entrance_wait_ms(wide, 0) > 0);
    l.total = 1;
    CHECK_EQ(od_admission_set(a, &l), 1);
    od_entrance_leave(narrow, &one);
    od_entrance_leave(wide, &one);
    od_admission_free(a);
}

TEST(new_connections_come_no_faster_than_the_rate)
{
    struct od_admission_limits l = limits(100, 100, 4);
    struct od_admission *a = od_admission_new(&l, 7);
    struct od_entrance *g = od_entrance_new(a, 0, 0);
    struct od_address one = { "10.0.0.1", 5 };

    CHECK_EQ(od_entrance_wait_ms(g, 1000), 0);
    for (int i = 0; i < 4; i++)
        CHECK_OK(od_entrance_enter(g, &one)); /* one second's worth */
    CHECK_EQ(od_entrance_wait_ms(g, 1000), 250);
    CHECK_EQ(od_entrance_wait_ms(g, 1249), 1);
    CHECK_EQ(od_entrance_wait_ms(g, 1250), 0);
    CHECK_OK(od_entrance_enter(g, &one));
    CHECK_EQ(od_entrance_wait_ms(g, 1250), 250);
    l.per_second = INT32_MAX;
    od_admission_set(a, &l);
    CHECK_EQ(od_entrance_wait_ms(g, 1250), 0);
    l.per_second = 0;
    od_admission_set(a, &l);
    CHECK_EQ(od_entrance_wait_ms(g, 1250), 1000);
    for (int i = 0; i < 5; i++)
        od_entrance_leave(g, &one);
    od_admission_free(a);
}

static bool is_served(int fd)
{
    uint8_t out[4 + SMALL_LEN], in[4 + SMALL_LEN];

    send(fd, out, build(out, ECHO, 1, 0), MSG_NOSIGNAL);
    return recv(fd, in, sizeof(in), MSG_WAITALL) == (ssize_t)sizeof(in);
}

TEST(an_address_over_its_limit_is_closed_and_one_over_the_total_waits)
{
    struct od_net_settings settings = usual_settings();
    struct server *s = start_limited(&settings, BUDGET_BYTES, 3, 2);
    int a = dial(s), b = dial(s), over, other, waits;

    CHECK(is_served(a));
    CHECK(is_served(b));
    over = dial(s);
    CHECK(!is_served(over));
    other = dial_from(s, "127.0.0.2");
    CHECK(is_served(other));
    waits = dial_from(s, "127.0.0.3"); /* in the backlog */
    for (int i = 0; i < 20; i++)
        CHECK(is_served(b));
    CHECK_EQ(od_net_connections(s->net), 3);
    close(a);
    CHECK(is_served(waits));
    close(over);
    close(b);
    close(other);
    close(waits);
    finish(s);
}

struct shed {
    struct od_post post;
    struct od_net *net;
    _Atomic bool done;
};

static void run_shed(struct od_post *post)
{
    struct shed *shed = OD_CONTAINER(post, struct shed, post);

    od_net_shed(shed->net, 1);
    atomic_store(&shed->done, true);
}

TEST(when_there_are_too_many_the_one_unused_for_longest_goes)
{
    struct od_net_settings settings = usual_settings();
    struct server *s = start(&settings, BUDGET_BYTES);
    int a = dial(s), b = dial(s), c = dial(s);
    struct shed shed = { .post = { .run = run_shed }, .net = s->net };
    struct timespec pause = { 0, 5000000 }; /* the reactor's clock counts in ms */
    uint8_t byte;

    CHECK(is_served(a));
    CHECK(is_served(b));
    CHECK(is_served(c));
    nanosleep(&pause, NULL);
    CHECK(is_served(a));
    CHECK(is_served(c));
    od_reactor_post(s->reactor, &shed.post);
    CHECK_EQ(recv(b, &byte, 1, 0), 0);
    CHECK(is_served(a));
    CHECK(is_served(c));
    close(a);
    close(b);
    close(c);
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
    struct od_admission_limits hundred = limits(100, 100, INT32_MAX);
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
    listener.admission = s->admission = od_admission_new(&hundred, 1);
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
