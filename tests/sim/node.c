/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Scenario node: one broker under writers, readers and faults.  First faults on (safety), then
 * everything is healed, the power is cut once more, and the broker must serve again within a bound
 * (I12), have every promised record (I1, I6, I13) and committed offset (I10), and give back what it
 * took (I14).
 */
#include "base/mem.h"
#include "broker/node.h"
#include "node_world.h"
#include "scenarios.h"

#include <string.h>

enum { FAULT_MS = 6000, HEAL_MS = 60000, STEP_MS = 20, STOP_MS = 60000,
       DISK_BYTES = 1 << 30, RECEIVE_BYTES = 17 * 131072,
       SESSION_BYTES = 20000 };

static struct node_world world;

/* --- faults ------------------------------------------------------------------------------ */

static enum od_sim_crash draw_crash(void)
{
    /* Without fsync only the page cache keeps what was promised. */
    return world.replicated || od_sim_chance(300000) ? OD_SIM_KILL : OD_SIM_POWER;
}

/* The broker may have ended: by a crash inside a file call, or by itself after a disk error. */
static void revive(void)
{
    if (od_sim_node_up(world.broker))
        return;
    history_crashed(world.history, HISTORY_CRASH_POWER);
    od_sim_sleep_ms((int64_t)od_sim_random(300));
    node_world_boot(&world);
}

static void crash_and_boot(void)
{
    node_world_crash(&world, draw_crash());
    od_sim_sleep_ms((int64_t)od_sim_random(500));
    node_world_boot(&world);
}

static void disturb_disk(void)
{
    static const enum od_sim_disk_call calls[] = { OD_SIM_DISK_READ, OD_SIM_DISK_WRITE,
                                                   OD_SIM_DISK_SYNC, OD_SIM_DISK_OPEN,
                                                   OD_SIM_DISK_DIR_SYNC, OD_SIM_DISK_RENAME };
    enum od_sim_disk_call call = calls[od_sim_random(OD_COUNT(calls))];

    world.disk_disturbed = true;
    od_sim_disk_fail_nth(world.broker, call, 1 + od_sim_random(20),
                         call == OD_SIM_DISK_WRITE && od_sim_chance(300000) ? OD_E_NO_SPACE
                                                                            : OD_E_IO, "");
    od_sim_sleep_ms((int64_t)od_sim_random(300));
    if (od_sim_node_up(world.broker))
        crash_and_boot();
}

static void stop(void *arg)
{
    (void)arg;
    if (world.node)
        od_node_stop(world.node);
}

/* Sometimes the power goes while it stops, or right after. */
static void stop_and_boot(void)
{
    bool patient = od_sim_chance(700000);
    int64_t until_ms = od_sim_now_ms() + (patient ? STOP_MS : (int64_t)od_sim_random(300));

    if (!world.node || !od_sim_node_up(world.broker))
        return;
    od_sim_node_spawn(world.broker, "stopper", stop, NULL);
    while (od_sim_node_up(world.broker) && od_sim_now_ms() < until_ms)
        od_sim_sleep_ms(1);
    if (patient && od_sim_now_ms() >= until_ms)
        od_sim_fail("liveness: a stop takes over %d ms", STOP_MS);
    if (od_sim_node_up(world.broker) || od_sim_chance(300000))
        crash_and_boot();
    else
        node_world_boot(&world);
}

/* The reserve keeps metadata going: nothing is fenced, and producers go on when there is room. */
static void fill_disk(void)
{
    od_sim_disk_capacity(world.broker, od_sim_disk_used(world.broker) +
                                           (int64_t)od_sim_random(20000));
    world.ended_err = OD_NONE;
    world.lives++; /* groups whose append fails are loaded again */
    od_sim_sleep_ms((int64_t)od_sim_random(1500));
    if (!world.disk_disturbed && world.ended_err)
        od_sim_fail("the broker ended on a full disk: %s", od_err_name(world.ended_err));
    if (!world.disk_disturbed && world.node && od_storage_fenced(world.node->storage))
        od_sim_fail("a full disk fenced the directory");
    if (od_sim_chance(300000))
        stop_and_boot();
    od_sim_sleep_ms((int64_t)od_sim_random(500));
    od_sim_disk_capacity(world.broker, DISK_BYTES);
    world.lives++;
}

static void cut_links(void)
{
    bool both = od_sim_chance(500000), from = od_sim_chance(500000);

    if (both || from)
        od_sim_link_cut(world.broker, NULL);
    if (both || !from)
        od_sim_link_cut(NULL, world.broker);
    od_sim_sleep_ms((int64_t)od_sim_random(800));
    od_sim_network_heal();
}

static void disturb(void)
{
    switch (od_sim_random(13)) {
    case 0: case 1: case 2:
        crash_and_boot();
        break;
    case 3: case 4:
        od_sim_node_crash_at(world.broker, 1 + od_sim_random(200), draw_crash());
        break;
    case 5:
        disturb_disk();
        break;
    case 6:
        od_sim_node_pause(world.broker);
        od_sim_sleep_ms((int64_t)od_sim_random(400));
        od_sim_node_resume(world.broker);
        break;
    case 7:
        cut_links();
        break;
    case 8:
        od_sim_network_reset(world.broker, NULL);
        break;
    case 9:
        od_sim_node_jump_clock(world.broker, (int64_t)od_sim_random(20000) - 10000);
        break;
    case 10: case 11:
        stop_and_boot();
        break;
    case 12:
        fill_disk();
        break;
    }
}

/* Each seed draws its own intensities, zero among them. */
static void draw_noise(void)
{
    struct od_sim_disk_faults *disk = od_sim_disk_faults(world.broker);
    struct od_sim_network_faults *net = od_sim_network_faults();

    if (od_sim_chance(150000)) {
        world.disk_disturbed = true;
        disk->error_ppm[od_sim_random(OD_SIM_DISK_CALLS)] = 1 + (uint32_t)od_sim_random(2000);
    }
    disk->stall_ppm = od_sim_chance(500000) ? (uint32_t)od_sim_random(50000) : 0;
    disk->stall_ms_max = 1 + (int64_t)od_sim_random(500);
    disk->cold_ppm = od_sim_chance(500000) ? (uint32_t)od_sim_random(300000) : 0;
    net->fragment_ppm = od_sim_chance(500000) ? (uint32_t)od_sim_random(200000) : 0;
    net->short_ppm = od_sim_chance(500000) ? (uint32_t)od_sim_random(200000) : 0;
    net->reset_ppm = od_sim_chance(300000) ? (uint32_t)od_sim_random(2000) : 0;
    net->delay_us_max = 50 + (int64_t)od_sim_random(od_sim_chance(200000) ? 20000 : 1000);
}

static void calm(void)
{
    memset(od_sim_disk_faults(world.broker), 0, sizeof(struct od_sim_disk_faults));
    for (int call = 0; call < OD_SIM_DISK_CALLS; call++)
        od_sim_disk_fail_nth(world.broker, call, 0, OD_NONE, "");
    od_sim_node_crash_at(world.broker, 0, OD_SIM_KILL);
    od_sim_network_faults()->reset_ppm = 0;
    od_sim_network_faults()->delay_us_max = 200;
    od_sim_network_heal();
    od_sim_node_resume(world.broker);
    revive();
    if (world.disk_disturbed)
        crash_and_boot();
}

/* --- the run ----------------------------------------------------------------------------- */

static void wait_clients(const char *what)
{
    int64_t until_ms = od_sim_now_ms() + HEAL_MS;

    while (world.clients_left > 0) {
        if (od_sim_now_ms() > until_ms)
            od_sim_fail("liveness: %s takes over %d ms", what, HEAL_MS);
        od_sim_sleep_ms(STEP_MS);
    }
}

static void run_clients(void)
{
    int producers = 2 + (int)od_sim_random(4), consumers = 1 + (int)od_sim_random(3);
    int idempotent = 1 + (int)od_sim_random(2), members = 1 + (int)od_sim_random(3);

    for (int i = 0; i < producers; i++)
        node_world_client(&world, "producer", node_produce);
    for (int i = 0; i < idempotent; i++)
        node_world_client(&world, "idempotent", node_produce_idempotent);
    for (int i = 0; i < consumers; i++)
        node_world_client(&world, "consumer", node_consume);
    node_world_client(&world, "observer", node_observe);
    node_world_client(&world, "admin", node_administer);
    node_world_client(&world, "configurer", node_configure);
    if (od_sim_chance(700000)) {
        node_world_client(&world, "owner", node_churn);
        node_world_client(&world, "bystander", node_disturb_churn);
    }
    for (int i = 0; i < members; i++) {
        node_world_client(&world, "classic", node_join_classic);
        node_world_client(&world, "consumes", node_join_consumer);
    }
    for (int i = 0; i < GROUP_REGISTERS; i++)
        node_world_client(&world, "committer", node_commit);
}

static void run_faults(void)
{
    int64_t until_ms = od_sim_now_ms() + FAULT_MS, gap_ms = 50 + (int64_t)od_sim_random(2000);

    draw_noise();
    while (od_sim_now_ms() < until_ms) {
        od_sim_sleep_ms((int64_t)od_sim_random((uint64_t)gap_ms));
        revive();
        disturb();
        revive();
    }
}

static void check(const char *kind, void (*main)(void *client))
{
    node_world_client(&world, kind, main);
    wait_clients(kind);
}

static void check_long_poll(void)
{
    node_world_client(&world, "waiter", node_check_long_poll);
    od_sim_sleep_ms(1000);
    node_world_client(&world, "waker", node_check_writes);
    wait_clients("long poll");
}

/* Each reactor keeps one buffer at hand to receive into; the sessions of readers that are gone stay
 * until others need their place. */
static void check_resources(void)
{
    int64_t until_ms = od_sim_now_ms() + HEAL_MS;
    int64_t kept_bytes = (int64_t)world.reactors * RECEIVE_BYTES + SESSION_BYTES;

    while (od_sim_node_open_sockets(world.broker) > 1 ||
           atomic_load(&world.node->budget.used_bytes) > kept_bytes) {
        if (od_sim_now_ms() > until_ms)
            od_sim_fail("resources: %d sockets, %lld bytes of budget stay taken",
                        od_sim_node_open_sockets(world.broker),
                        (long long)atomic_load(&world.node->budget.used_bytes));
        od_sim_sleep_ms(STEP_MS);
    }
}

static void direct(void *arg)
{
    (void)arg;
    node_world_init(&world);
    world.replicated = od_sim_chance(200000);
    node_world_boot(&world);
    node_world_create_topics(&world);
    run_clients();
    run_faults();
    calm();
    od_sim_sleep_ms(1000);
    world.healthy = true;
    od_sim_sleep_ms(1500);
    world.stopping = true;
    wait_clients("what was in flight");
    world.healthy = world.stopping = false;
    od_sim_note("groups: generation %d, offsets %lld and %lld", world.groups.generation,
                (long long)world.groups.registers[0].known,
                (long long)world.groups.registers[1].known);
    if (od_sim_chance(700000))
        crash_and_boot();
    check("writer", node_check_writes);
    check_long_poll();
    check("reader", node_read_all);
    check("auditor", node_check_topics);
    check("settings", node_check_configs);
    if (world.churn_names)
        check("heir", node_check_churn);
    check("commits", node_check_commits);
    check("classic member", node_check_classic);
    check("consumer member", node_check_consumer);
    check_resources();
}

void sim_node_run(uint64_t seed, bool verbose, struct sim_report *out)
{
    struct od_sim_options o = { .seed = seed, .virtual_ms_max = 600000, .steps_max = 30000000,
                                .verbose = verbose };

    od_sim_init(&o);
    od_sim_run(direct, NULL);
    sim_report_fill(out);
    out->operations = history_operations(world.history);
}
