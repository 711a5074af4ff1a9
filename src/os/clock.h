/* SPDX-License-Identifier: Apache-2.0 */
/* Time and randomness.  Any thread.  The simulator gives virtual time and seeded numbers. */
#pragma once

#include "base/compiler.h"

int64_t od_clock_mono_ns(void); /* never goes back; for timeouts and durations */
int64_t od_clock_wall_ms(void); /* since 1970, UTC; may jump; for record timestamps only */
uint64_t od_random_u64(void);   /* unpredictable; for ids and map seeds */
