/* SPDX-License-Identifier: Apache-2.0 */
/* Nodes: processes with a name, fibers, sockets and a disk that outlives them. */
#include "base/assert.h"
#include "base/mem.h"
#include "os/sim/world.h"

struct od_sim_node *od_sim_node_new(const char *name)
{
    struct od_sim_node *n = OD_NEW(struct od_sim_node);

    OD_ASSERT(!od_sim_node_find(name));
    snprintf(n->name, sizeof(n->name), "%s", name);
    n->id = ++od_world.node_count;
    od_list_init(&n->fibers);
    od_list_init(&n->sockets);
    n->disk = od_disk_new();
    od_list_push(&od_world.nodes, &n->in_world);
    return n;
}

struct od_sim_node *od_sim_node_find(const char *name)
{
    OD_LIST_EACH(&od_world.nodes, link) {
        struct od_sim_node *n = OD_CONTAINER(link, struct od_sim_node, in_world);

        if (strcmp(n->name, name) == 0)
            return n;
    }
    return NULL;
}

const char *od_sim_node_name(const struct od_sim_node *n)
{
    return n->name;
}

void od_sim_node_start(struct od_sim_node *n, void (*main)(void *arg), void *arg)
{
    OD_ASSERT(!od_sim_node_up(n));
    n->boots++;
    n->mono_base_ns = (int64_t)od_rng_below(&od_world.entropy, 1000000000000);
    n->contended = 0;
    (void)od_fiber_new(n, "main", main, arg);
}

void od_sim_node_spawn(struct od_sim_node *n, const char *name, void (*main)(void *arg),
                       void *arg)
{
    OD_ASSERT(od_sim_node_up(n));
    (void)od_fiber_new(n, name, main, arg);
}

bool od_sim_node_up(const struct od_sim_node *n)
{
    return !od_list_empty(&n->fibers);
}

void od_sim_node_ended(struct od_sim_node *n)
{
    od_network_crash(n);
    od_disk_crash(n->disk, OD_SIM_KILL);
}

void od_sim_node_crash_now(struct od_sim_node *n, enum od_sim_crash how)
{
    od_sim_trace(OD_CALL_CRASH, n->id, how);
    od_sim_note("crash of %s: %s", n->name, how == OD_SIM_KILL ? "kill" : "power");
    od_world.stats.crashes++;
    n->crash_countdown = 0;
    n->crash_after_call = false;
    n->paused = false;
    OD_LIST_EACH(&n->fibers, link)
        od_fiber_kill(OD_CONTAINER(link, struct od_thread, in_node));
    od_network_crash(n);
    od_disk_crash(n->disk, how);
}

void od_sim_node_crash(struct od_sim_node *n, enum od_sim_crash how)
{
    OD_ASSERT(!od_world.running || od_world.running->node != n);
    if (od_sim_node_up(n))
        od_sim_node_crash_now(n, how);
    else
        od_disk_crash(n->disk, how);
}

void od_sim_node_crash_at(struct od_sim_node *n, uint64_t nth_file_call, enum od_sim_crash how)
{
    n->crash_countdown = nth_file_call;
    n->crash_how = how;
}

void od_sim_node_pause(struct od_sim_node *n)
{
    if (n->paused || !od_sim_node_up(n))
        return;
    OD_ASSERT(!od_world.running || od_world.running->node != n);
    od_sim_note("pause of %s", n->name);
    od_world.stats.pauses++;
    n->paused = true;
    OD_LIST_EACH(&n->fibers, link)
        od_sim_hold(OD_CONTAINER(link, struct od_thread, in_node), true);
}

void od_sim_node_resume(struct od_sim_node *n)
{
    if (!n->paused)
        return;
    od_sim_note("resume of %s", n->name);
    n->paused = false;
    OD_LIST_EACH(&n->fibers, link)
        od_sim_hold(OD_CONTAINER(link, struct od_thread, in_node), false);
}

void od_sim_node_jump_clock(struct od_sim_node *n, int64_t by_ms)
{
    n->wall_skew_ms += by_ms;
    od_world.stats.clock_jumps++;
}

int od_sim_node_open_sockets(const struct od_sim_node *n)
{
    return n->open_sockets;
}
