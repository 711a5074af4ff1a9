/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of the codec benchmark share. */
#pragma once

/* The best time of one call in ns, over rounds of about 10 ms. */
double bench_best_ns(void (*call)(void *context), void *context);

void bench_validate(void); /* prints its rows */
