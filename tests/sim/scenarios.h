/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The scenarios that the simulator's main can run.  A run happens in a process of its own: it
 * passes by returning, fails by od_sim_fail, a broken assertion or a signal, and may leak.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* What a run did; too little of it, summed over all seeds, makes the whole run invalid. */
struct sim_report {
    uint64_t trace; /* two runs of one seed must agree on it */
    uint64_t operations;
    uint64_t faults; /* of disk and network, crashes, pauses, clock jumps */
    uint64_t crashes;
    uint64_t contended;    /* locks */
    uint64_t helper_calls; /* file calls finished on helpers */
};

struct sim_scenario {
    const char *name;
    void (*run)(uint64_t seed, bool verbose, struct sim_report *out);
    int real_s_max;         /* of one seed */
    struct sim_report least; /* per seed, on average; trace unused */
};

void sim_clean_run(uint64_t seed, bool verbose, struct sim_report *out);
void sim_node_run(uint64_t seed, bool verbose, struct sim_report *out);
void sim_self_run(uint64_t seed, bool verbose, struct sim_report *out);
void sim_replica_run(uint64_t seed, bool verbose, struct sim_report *out);
void sim_storage_run(uint64_t seed, bool verbose, struct sim_report *out);

static const struct sim_scenario sim_scenarios[] = {
    { "self", sim_self_run, 30, { .operations = 100, .faults = 2, .crashes = 1, .contended = 1 } },
    { "replica", sim_replica_run, 10, { .operations = 100, .faults = 50, .crashes = 2 } },
    { "storage", sim_storage_run, 60,
      { .operations = 200, .faults = 5, .crashes = 5, .contended = 1, .helper_calls = 200 } },
    { "clean", sim_clean_run, 60, /* operations: cleans that came to their end */
      { .operations = 10, .faults = 5, .crashes = 4, .contended = 1, .helper_calls = 200 } },
    { "node", sim_node_run, 120,
      { .operations = 2000, .faults = 20, .crashes = 2, .contended = 20, .helper_calls = 500 } },
};

/* Copies the counters of os/sim into a report; operations stay the caller's. */
void sim_report_fill(struct sim_report *out);
