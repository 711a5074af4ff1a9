/* SPDX-License-Identifier: Apache-2.0 */
/* Threads, and the gate on which one sleeps.  In the simulator a thread is a fiber. */
#pragma once

#include "base/err.h"

struct od_thread;
struct od_gate; /* auto-reset: an opened gate lets one waiter pass, then closes */

OD_MUST_USE enum od_err od_thread_start(const char *name, void (*main)(void *arg), void *arg,
                                        struct od_thread **out);
void od_thread_join(struct od_thread *t); /* waits for its end and frees it */

/* Processor time that the calling thread has used since its start; a system call.  The simulator's
 * fibers use none. */
int64_t od_thread_cpu_ns(void);

struct od_gate *od_gate_new(void);
void od_gate_free(struct od_gate *g);
void od_gate_wait(struct od_gate *g, int64_t timeout_ms); /* -1: without limit */
void od_gate_open(struct od_gate *g);                     /* any thread */
