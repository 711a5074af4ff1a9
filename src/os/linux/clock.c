/* SPDX-License-Identifier: Apache-2.0 */
/* Time and randomness from the kernel. */
#include "os/clock.h"

#include "base/assert.h"

#include <errno.h>
#include <sys/random.h>
#include <time.h>

int64_t od_clock_mono_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

int64_t od_clock_wall_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

uint64_t od_random_u64(void)
{
    uint64_t value;
    ssize_t got;

    do {
        got = getrandom(&value, sizeof(value), 0);
    } while (got < 0 && errno == EINTR);
    /* The kernel gives up to 256 bytes whole once its pool is ready. */
    OD_ASSERT(got == (ssize_t)sizeof(value));
    return value;
}
