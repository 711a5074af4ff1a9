/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Plays a script on many connections from one thread and measures.  Closed loop: every connection
 * keeps `depth` requests in flight.  Fixed rate: request i is due at start + i / rate, on
 * connection i mod n, and its latency counts from then, however late it could be sent; so a
 * server that stalls cannot hide the requests it kept from being sent.
 */
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "load/histogram.h"
#include "load/script.h"

struct od_engine_settings {
    int port;
    uint32_t connections;
    double rate;       /* requests per second over all connections; 0: closed loop */
    int64_t warmup_ms; /* before measuring */
    int64_t window_ms; /* measured */
    pid_t server_pid;  /* whose CPU time is read; 0: nobody's */
};

struct od_engine_result {
    double seconds;      /* the window as it really was */
    uint64_t answers;    /* in the window */
    uint64_t errors;     /* answers that were not what was asked for, warm-up included */
    uint64_t bytes;      /* payload sent (produce) or received (fetch) in the window */
    uint64_t unanswered; /* fixed rate: due by the end and not answered */
    double server_cpu_s; /* in the window */
    double own_cpu_s;
    struct od_histogram latency_ns;
};

/* Ends the program when a connection fails. */
void od_engine_run(const struct od_engine_settings *settings, const struct od_script *script,
                   struct od_engine_result *result);
/* A blocking connection to 127.0.0.1. */
int od_engine_connect(int port);
