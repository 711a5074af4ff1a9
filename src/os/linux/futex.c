/* SPDX-License-Identifier: Apache-2.0 */
/* futex(2) has no wrapper in the C library. */
#include "os/linux/futex.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

void od_futex_wait(_Atomic uint32_t *word, uint32_t value, int64_t timeout_ms)
{
    struct timespec t = { .tv_sec = timeout_ms / 1000, .tv_nsec = timeout_ms % 1000 * 1000000 };

    /* Every failure (changed word, signal, timeout) means: look again. */
    syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, timeout_ms < 0 ? NULL : &t, NULL, 0);
}

void od_futex_wake_one(_Atomic uint32_t *word)
{
    syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}
