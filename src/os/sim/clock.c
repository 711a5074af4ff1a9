/* SPDX-License-Identifier: Apache-2.0 */
/* Virtual clocks: the monotonic one starts elsewhere in each process, the wall clock may jump. */
#include "os/clock.h"

#include "os/sim/world.h"

static const int64_t start_wall_ms = 1763640000000; /* 20 November 2025, 12:00 UTC */

int64_t od_clock_mono_ns(void)
{
    return od_world.now_ns + (od_world.running ? od_world.running->node->mono_base_ns : 0);
}

int64_t od_clock_wall_ms(void)
{
    int64_t skew_ms = od_world.running ? od_world.running->node->wall_skew_ms : 0;

    return start_wall_ms + od_world.now_ns / 1000000 + skew_ms;
}

uint64_t od_random_u64(void)
{
    return od_rng_next(&od_world.entropy);
}
