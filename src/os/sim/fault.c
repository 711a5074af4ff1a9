/* SPDX-License-Identifier: Apache-2.0 */
/* What goes wrong with a file call: injected errors, delays, and the end of the node inside it. */
#include "base/assert.h"
#include "base/log.h"
#include "os/sim/disk.h"

static void crash_here(struct od_sim_node *n)
{
    od_world.crashing = n;
    od_sim_step(OD_CALL_CRASH, n->id, 0);
    OD_ASSERT(false);
}

static enum od_err injected(struct od_disk *d, enum od_sim_disk_call call, const char *path)
{
    struct od_disk_nth *nth = &d->nth[call];

    if (nth->countdown > 0 && strstr(path, nth->part) && --nth->countdown == 0)
        return nth->err;
    if (od_rng_chance(&od_world.disk, d->faults.error_ppm[call]))
        return OD_E_IO;
    if (call == OD_SIM_DISK_WRITE && od_rng_chance(&od_world.disk, d->faults.no_space_ppm))
        return OD_E_NO_SPACE;
    return OD_NONE;
}

/* What may enter the kernel under a lock is little: see os/lock.h. */
static void check_locks(enum od_sim_disk_call call, const char *path)
{
    const struct od_thread_state *state = &od_world.running->state;
    bool quick = call == OD_SIM_DISK_OPEN || call == OD_SIM_DISK_WRITE ||
                 call == OD_SIM_DISK_TRUNCATE;

    if (state->held[OD_LOCK_LEAF] || (state->held[OD_LOCK_PARTITION] && !quick))
        od_sim_fail("file call %d on %s by %s while a lock is held", (int)call, path,
                    od_world.running->name);
}

void od_disk_take_us(int64_t us)
{
    od_world.now_ns += us * 1000;
}

void od_disk_wait_us(int64_t us)
{
    (void)od_sim_block(od_world.now_ns + us * 1000);
}

enum od_err od_disk_begin(enum od_sim_disk_call call, const char *path)
{
    struct od_sim_node *n = od_sim_here();
    enum od_err err;

    check_locks(call, path);
    od_sim_step(OD_CALL_FILE, call, od_sim_hash(path, strlen(path)));
    if (n->crash_countdown > 0 && --n->crash_countdown == 0) {
        if (od_rng_chance(&od_world.disk, 500000))
            crash_here(n);
        n->crash_after_call = true;
    }
    err = injected(n->disk, call, path);
    if (err != OD_NONE) {
        od_world.stats.disk_faults++;
        od_sim_note("disk: injected %s into call %d on %s", od_err_name(err), (int)call, path);
    }
    return err;
}

enum od_err od_disk_end(enum od_err err, const char *what, const char *path)
{
    struct od_sim_node *n = od_sim_here();

    if (n->crash_after_call) {
        n->crash_after_call = false;
        crash_here(n);
    }
    if (!od_world.running->state.reactor)
        od_world.stats.helper_calls++;
    if (err != OD_NONE)
        od_log(OD_LOG_ERROR, "os", "%s %s: %s", what, path, od_err_name(err));
    return err;
}
