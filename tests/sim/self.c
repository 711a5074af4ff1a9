/* SPDX-License-Identifier: Apache-2.0 */
/* The simulator's own test: what a simulated disk, network, lock and clock promise, holds. */
#include "base/mem.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/lock.h"
#include "os/poll.h"
#include "os/sim/sim.h"
#include "os/socket.h"
#include "os/thread.h"
#include "scenarios.h"
#include "self.h"

#include <string.h>

static uint64_t operations;

/* --- locks and gates --------------------------------------------------------------------- */

enum { WORKERS = 4, ROUNDS = 20 };

struct shared {
    struct od_lock lock;
    struct od_gate *gate;
    int inside, count, tries;
};

static void work(void *arg)
{
    struct shared *s = arg;

    for (int i = 0; i < ROUNDS; i++) {
        if (i % 4 == 0 && od_lock_try(&s->lock)) {
            s->tries++;
        } else {
            od_lock_take(&s->lock);
        }
        OD_SIM_CHECK(s->inside++ == 0);
        if (od_sim_chance(200000))
            od_sim_sleep_ms(1);
        s->count++;
        OD_SIM_CHECK(--s->inside == 0);
        od_lock_drop(&s->lock);
        operations++;
    }
    od_gate_open(s->gate);
}

static void locks_exclude(void *arg)
{
    struct od_thread *threads[WORKERS];
    struct shared *s = OD_NEW(struct shared);

    od_lock_init(&s->lock, OD_LOCK_PARTITION);
    s->gate = od_gate_new();
    for (int i = 0; i < WORKERS; i++)
        OD_SIM_CHECK(od_thread_start("worker", work, s, &threads[i]) == OD_NONE);
    od_gate_wait(s->gate, -1);
    OD_SIM_CHECK(s->count >= ROUNDS);
    for (int i = 0; i < WORKERS; i++)
        od_thread_join(threads[i]);
    OD_SIM_CHECK(s->count == WORKERS * ROUNDS);
    od_lock_deinit(&s->lock);
    *(bool *)arg = true;
}

/* --- disk -------------------------------------------------------------------------------- */

enum { BLOCK = 700, BLOCKS = 24 };

/* Survives the crashes, as a person with a notebook would. */
struct notebook {
    int synced_blocks;
    bool named;     /* the directory was synced after the file was made */
    bool tmp_named; /* a second file was renamed over and the directory synced */
    bool finished;
};

static void fill(uint8_t *block, int i)
{
    memset(block, 'a' + i % 26, BLOCK);
}

static void write_blocks(void *arg)
{
    struct notebook *n = arg;
    uint8_t block[BLOCK];
    struct od_file *f, *old;
    size_t put;

    OD_SIM_CHECK(od_dir_make("/data/log") == OD_NONE);
    OD_SIM_CHECK(od_dir_sync("/") == OD_NONE && od_dir_sync("/data") == OD_NONE);
    OD_SIM_CHECK(od_file_open("/data/log/a.tmp", OD_FILE_WRITE | OD_FILE_CREATE, &f) == OD_NONE);
    OD_SIM_CHECK(od_path_rename("/data/log/a.tmp", "/data/log/a") == OD_NONE);
    OD_SIM_CHECK(od_dir_sync("/data/log") == OD_NONE);
    n->named = true;
    OD_SIM_CHECK(od_file_open("/data/log/a.tmp", OD_FILE_QUIET, &old) == OD_E_NOT_FOUND);
    for (int i = 0; i < BLOCKS; i++) {
        struct od_span span = { block, BLOCK };

        fill(block, i);
        OD_SIM_CHECK(od_file_write(f, &span, 1, (int64_t)i * BLOCK, &put) == OD_NONE);
        operations++;
        if (i % 5 == 4) {
            OD_SIM_CHECK(od_file_sync(f) == OD_NONE);
            n->synced_blocks = i + 1;
        }
    }
    od_file_close(f);
    n->finished = true;
}

static void read_blocks(void *arg)
{
    struct notebook *n = arg;
    uint8_t want[BLOCK], have[BLOCK];
    struct od_file *f;
    enum od_err err = od_file_open("/data/log/a", OD_FILE_READ | OD_FILE_QUIET, &f);
    size_t got;

    OD_SIM_CHECK(err == OD_NONE || (err == OD_E_NOT_FOUND && !n->named));
    if (err != OD_NONE)
        return;
    for (int i = 0; i < n->synced_blocks; i++) {
        fill(want, i);
        OD_SIM_CHECK(od_file_read(f, have, BLOCK, (int64_t)i * BLOCK, &got) == OD_NONE);
        OD_SIM_CHECK(got == BLOCK && memcmp(want, have, BLOCK) == 0);
        operations++;
    }
    od_file_close(f);
}

static void wait_down(struct od_sim_node *n)
{
    while (od_sim_node_up(n))
        od_sim_sleep_ms(5);
}

static void synced_data_survives(void)
{
    for (int round = 0; round < 4; round++) {
        struct notebook n = { 0 };
        char name[32];
        struct od_sim_node *node;

        snprintf(name, sizeof(name), "disk%d", round);
        node = od_sim_node_new(name);
        od_sim_node_crash_at(node, 1 + od_sim_random(40), OD_SIM_POWER);
        od_sim_node_start(node, write_blocks, &n);
        wait_down(node);
        od_sim_node_crash_at(node, 0, OD_SIM_POWER);
        od_sim_node_start(node, read_blocks, &n);
        wait_down(node);
    }
}

static void fail_a_sync(void *arg)
{
    uint8_t block[BLOCK];
    struct od_span span = { block, BLOCK };
    struct od_file *f;
    size_t put;

    fill(block, 1);
    OD_SIM_CHECK(od_file_open("/f", OD_FILE_WRITE | OD_FILE_CREATE, &f) == OD_NONE);
    OD_SIM_CHECK(od_file_sync(f) == OD_NONE && od_dir_sync("/") == OD_NONE);
    for (int i = 0; i < 32; i++)
        OD_SIM_CHECK(od_file_write(f, &span, 1, (int64_t)i * BLOCK, &put) == OD_NONE);
    od_sim_disk_fail_nth(arg, OD_SIM_DISK_SYNC, 1, OD_E_IO, "/f");
    OD_SIM_CHECK(od_file_sync(f) == OD_E_IO);
    OD_SIM_CHECK(od_file_sync(f) == OD_NONE);
    od_sim_disk_fail_nth(arg, OD_SIM_DISK_WRITE, 1, OD_E_NO_SPACE, "");
    OD_SIM_CHECK(od_file_write(f, &span, 1, 0, &put) == OD_E_NO_SPACE && put < BLOCK);
    od_gate_wait(od_gate_new(), -1); /* until the power goes */
}

static void count_blocks(void *arg)
{
    uint8_t want[BLOCK], have[BLOCK];
    struct od_file *f;
    size_t got = BLOCK;

    fill(want, 1);
    OD_SIM_CHECK(od_file_open("/f", OD_FILE_READ, &f) == OD_NONE);
    for (int i = 0; i < 32; i++) {
        OD_SIM_CHECK(od_file_read(f, have, BLOCK, (int64_t)i * BLOCK, &got) == OD_NONE);
        *(int *)arg += got == BLOCK && memcmp(want, have, BLOCK) == 0;
    }
    od_file_close(f);
}

static void a_failed_sync_loses_data_for_good(void)
{
    struct od_sim_node *node = od_sim_node_new("failing");
    int whole = 0;

    od_sim_node_start(node, fail_a_sync, node);
    od_sim_sleep_ms(1000);
    od_sim_node_crash(node, OD_SIM_POWER);
    od_sim_node_start(node, count_blocks, &whole);
    wait_down(node);
    OD_SIM_CHECK(whole < 32); /* the second sync said yes, and it was a lie */
}

/* --- network ----------------------------------------------------------------------------- */

enum { ECHO_BYTES = 60000 };

static unsigned wait_ready(struct od_poll *p, struct od_socket *s, unsigned want)
{
    struct od_poll_event e = { 0 };

    od_poll_change(p, s, want, s);
    while (od_poll_wait(p, &e, 1, 1000) == 0)
        ;
    return e.ready;
}

static void echo(void *arg)
{
    struct od_socket *l, *s;
    struct od_address address;
    struct od_poll *p;
    uint8_t buf[5000];

    (void)arg;
    OD_SIM_CHECK(od_socket_listen("echo", 7, 8, &l, &address) == OD_NONE);
    OD_SIM_CHECK(od_poll_new(&p) == OD_NONE && od_poll_add(p, l, OD_POLL_IN, l) == OD_NONE);
    (void)wait_ready(p, l, OD_POLL_IN);
    OD_SIM_CHECK(od_socket_accept(l, &s, &address) == OD_NONE);
    OD_SIM_CHECK(od_poll_add(p, s, OD_POLL_IN, s) == OD_NONE);
    for (;;) {
        struct od_span span = { buf, 0 };
        enum od_err err = od_socket_recv(s, buf, sizeof(buf), &span.len);
        size_t sent = 0;

        if (err == OD_E_CLOSED)
            break;
        if (err == OD_E_AGAIN)
            (void)wait_ready(p, s, OD_POLL_IN);
        while (span.len > 0) {
            err = od_socket_send(s, &span, 1, false, &sent);
            if (err == OD_E_CLOSED)
                break;
            span.data = (const uint8_t *)span.data + sent;
            span.len -= sent;
            if (err == OD_E_AGAIN)
                (void)wait_ready(p, s, OD_POLL_OUT);
        }
    }
    od_poll_remove(p, s);
    od_socket_close(s);
    od_poll_remove(p, l);
    od_socket_close(l);
    od_poll_free(p);
}

struct talk {
    bool closed; /* the other side went away */
    bool whole;
};

static void talk(void *arg)
{
    struct talk *t = arg;
    static uint8_t out[ECHO_BYTES], in[ECHO_BYTES + 1];
    struct od_socket *s;
    struct od_poll *p;
    size_t sent = 0, got = 0;

    for (int i = 0; i < ECHO_BYTES; i++)
        out[i] = (uint8_t)od_random_u64();
    OD_SIM_CHECK(od_socket_connect("echo", 7, &s) == OD_NONE);
    OD_SIM_CHECK(od_poll_new(&p) == OD_NONE && od_poll_add(p, s, OD_POLL_OUT, s) == OD_NONE);
    while (got < ECHO_BYTES && !t->closed) {
        unsigned ready = wait_ready(p, s, OD_POLL_IN | (sent < ECHO_BYTES ? OD_POLL_OUT : 0));
        struct od_span span = { out + sent, ECHO_BYTES - sent };
        size_t n;
        enum od_err err = OD_NONE;

        if (ready & OD_POLL_OUT) {
            err = od_socket_send(s, &span, 1, false, &n);
            sent += n;
        }
        if (err != OD_E_CLOSED && (ready & OD_POLL_IN)) {
            err = od_socket_recv(s, in + got, sizeof(in) - got, &n);
            got += n;
        }
        operations++;
        t->closed = err == OD_E_CLOSED;
    }
    OD_SIM_CHECK(got <= ECHO_BYTES && memcmp(in, out, got) == 0);
    t->whole = got == ECHO_BYTES;
    od_poll_remove(p, s);
    od_socket_close(s);
    od_poll_free(p);
}

static void streams_keep_their_bytes(void)
{
    struct od_sim_node *server = od_sim_node_new("echo"), *client = od_sim_node_new("client");
    struct talk quiet = { 0 }, broken = { 0 };
    bool early = od_sim_chance(500000);

    od_sim_network_faults()->fragment_ppm = (uint32_t)od_sim_random(500000);
    od_sim_network_faults()->short_ppm = (uint32_t)od_sim_random(500000);
    od_sim_node_start(server, echo, NULL);
    od_sim_sleep_ms(1);
    if (early)
        od_sim_link_cut(server, client);
    od_sim_node_start(client, talk, &quiet);
    od_sim_sleep_ms(1);
    od_sim_link_cut(server, client);
    od_sim_sleep_ms(500);
    OD_SIM_CHECK(!early || !quiet.whole);
    if (od_sim_node_up(client))
        od_sim_node_pause(client);
    od_sim_network_heal();
    od_sim_sleep_ms(500);
    OD_SIM_CHECK(!early || !quiet.whole);
    od_sim_node_resume(client);
    wait_down(client);
    OD_SIM_CHECK(quiet.whole && !quiet.closed);
    wait_down(server);
    OD_SIM_CHECK(od_sim_node_open_sockets(server) == 0);

    od_sim_node_start(server, echo, NULL);
    od_sim_sleep_ms(1);
    od_sim_node_start(client, talk, &broken);
    od_sim_sleep_ms(1);
    od_sim_node_crash(server, OD_SIM_KILL);
    wait_down(client);
    OD_SIM_CHECK(broken.closed || broken.whole);
}

/* --- time -------------------------------------------------------------------------------- */

static void sleeps_end_in_order(void)
{
    int64_t ns = od_clock_mono_ns(), wall_ms = od_clock_wall_ms();

    od_sim_sleep_ms(250);
    OD_SIM_CHECK(od_clock_mono_ns() - ns >= 250000000 && od_clock_mono_ns() - ns < 260000000);
    OD_SIM_CHECK(od_clock_wall_ms() - wall_ms >= 249 && od_clock_wall_ms() - wall_ms <= 260);
    od_sim_node_jump_clock(od_sim_node_find("director"), -5000);
    OD_SIM_CHECK(od_clock_wall_ms() < wall_ms);
}

static void direct(void *arg)
{
    struct od_sim_node *node = od_sim_node_new("locks");
    bool done = false;

    (void)arg;
    sleeps_end_in_order();
    od_sim_node_start(node, locks_exclude, &done);
    wait_down(node);
    OD_SIM_CHECK(done);
    synced_data_survives();
    a_failed_sync_loses_data_for_good();
    streams_keep_their_bytes();
    sim_self_reactors();
    sim_self_history();
    sim_self_groups();
}

void sim_self_run(uint64_t seed, bool verbose, struct sim_report *out)
{
    struct od_sim_options o = { .seed = seed, .virtual_ms_max = 600000, .steps_max = 10000000,
                                .verbose = verbose };

    od_sim_init(&o);
    od_sim_run(direct, NULL);
    sim_report_fill(out);
    out->operations = operations;
}
