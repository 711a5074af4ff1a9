/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of the codec benchmark share. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* The best time of one call in ns, over rounds of about 10 ms. */
double bench_best_ns(void (*call)(void *context), void *context);

struct bench_beside {
    double decode_ns;
    double encode_ns;
};

/* The row of another library's file; false: none.  A row about other bytes ends the program. */
bool bench_beside_find(const char *path, const char *what, size_t bytes, struct bench_beside *out);

void bench_validate(void); /* prints its rows */
