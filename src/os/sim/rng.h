/* SPDX-License-Identifier: Apache-2.0 */
/* A small random stream (SplitMix64); each purpose in the simulator has its own. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct od_rng {
    uint64_t state;
};

static inline uint64_t od_rng_next(struct od_rng *r)
{
    uint64_t z = (r->state += 0x9e3779b97f4a7c15u);

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static inline uint64_t od_rng_below(struct od_rng *r, uint64_t bound) /* bound > 0 */
{
    return (uint64_t)(((unsigned __int128)od_rng_next(r) * bound) >> 64);
}

static inline bool od_rng_chance(struct od_rng *r, uint32_t ppm)
{
    return ppm > 0 && od_rng_below(r, 1000000) < ppm;
}
