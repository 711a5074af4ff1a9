/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The simulated world, as a harness sees it: nodes (processes), their disks, the network between
 * them, virtual time.  One world per process, on one OS thread; everything in it, from the order
 * of fibers to the length of a fragment, comes from one seed, so that one seed is one history.
 *
 * od_sim_run runs the director, a fiber of its own that starts and crashes nodes; it ends when
 * the director returns.  Functions below may be called by any fiber unless said otherwise.
 * Probabilities are in parts per million ("ppm"); delays are virtual.
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"

#include <stdbool.h>

struct od_sim_node;

struct od_sim_options {
    uint64_t seed;
    int64_t virtual_ms_max; /* a longer run is a failure */
    uint64_t steps_max;     /* scheduling points; more is a failure (livelock) */
    bool verbose;           /* prints every os call and every log line to standard error */
};

/* Counters since od_sim_init.  A run with too few of them proves nothing. */
struct od_sim_stats {
    uint64_t steps;     /* scheduling points */
    uint64_t switches;  /* of them, another fiber went on */
    uint64_t contended; /* locks taken that were not free */
    uint64_t tries_failed;   /* od_lock_try on a held lock */
    uint64_t helper_calls;   /* file calls finished by fibers without a reactor */
    uint64_t syncs;
    uint64_t disk_faults;    /* errors, stalls and partial writes injected */
    uint64_t network_faults; /* resets, cuts, clogs, fragments left out */
    uint64_t crashes;
    uint64_t pauses;
    uint64_t clock_jumps;
    uint64_t bytes_lost; /* unsynced file bytes dropped by crashes */
};

void od_sim_init(const struct od_sim_options *options);
void od_sim_run(void (*director)(void *arg), void *arg);
/* Hash over every scheduling choice and os call with its arguments so far. */
uint64_t od_sim_trace_hash(void);
void od_sim_stats(struct od_sim_stats *out);

/* Prints the seed, the virtual time, the message and the last log lines, and exits with 1. */
OD_NORETURN void od_sim_fail(const char *format, ...) OD_PRINTF(1, 2);
/* Into the verbose output and the lines that a failure prints. */
void od_sim_note(const char *format, ...) OD_PRINTF(1, 2);

#define OD_SIM_CHECK(expression)                                                                   \
    do {                                                                                           \
        if (!(expression))                                                                         \
            od_sim_fail("%s:%d: %s", __FILE__, __LINE__, #expression);                             \
    } while (0)

int64_t od_sim_now_ms(void);                 /* virtual, from 0 */
void od_sim_sleep_ms(int64_t ms);            /* the calling fiber */
uint64_t od_sim_random(uint64_t bound);      /* 0 .. bound-1, from the harness's own stream */
bool od_sim_chance(uint32_t ppm);
uint64_t od_sim_seed(void);

/* --- nodes ------------------------------------------------------------------------------- */

enum od_sim_crash {
    OD_SIM_KILL,  /* the process ends; what it wrote stays in the page cache */
    OD_SIM_POWER, /* unsynced bytes and names are lost, kept in part, or torn */
};

/* name is the node's host name and is copied; its disk starts empty. */
struct od_sim_node *od_sim_node_new(const char *name);
struct od_sim_node *od_sim_node_find(const char *name); /* NULL: none */
const char *od_sim_node_name(const struct od_sim_node *n);
/* Boots a process: one fiber that runs main.  The node must be down. */
void od_sim_node_start(struct od_sim_node *n, void (*main)(void *arg), void *arg);
/* Another fiber in a running node's process. */
void od_sim_node_spawn(struct od_sim_node *n, const char *name, void (*main)(void *arg),
                       void *arg);
bool od_sim_node_up(const struct od_sim_node *n); /* has living fibers */
/* Ends all its fibers where they stand; not from a fiber of the node itself.  The power may also go
 * while the node is down. */
void od_sim_node_crash(struct od_sim_node *n, enum od_sim_crash how);
/* Crashes the node inside its nth file call from now (1: the next); 0 cancels. */
void od_sim_node_crash_at(struct od_sim_node *n, uint64_t nth_file_call, enum od_sim_crash how);
void od_sim_node_pause(struct od_sim_node *n); /* as SIGSTOP */
void od_sim_node_resume(struct od_sim_node *n);
void od_sim_node_jump_clock(struct od_sim_node *n, int64_t by_ms); /* wall clock only */

/* --- disks ------------------------------------------------------------------------------- */

enum od_sim_disk_call {
    OD_SIM_DISK_OPEN,
    OD_SIM_DISK_READ,
    OD_SIM_DISK_WRITE,
    OD_SIM_DISK_SYNC,
    OD_SIM_DISK_RENAME,
    OD_SIM_DISK_REMOVE,
    OD_SIM_DISK_TRUNCATE,
    OD_SIM_DISK_DIR_SYNC,
    OD_SIM_DISK_CALLS
};

struct od_sim_disk_faults {
    uint32_t error_ppm[OD_SIM_DISK_CALLS]; /* OD_E_IO */
    uint32_t no_space_ppm;                 /* of writes */
    uint32_t stall_ppm;                    /* of syncs */
    int64_t stall_ms_max;
    uint32_t cold_ppm; /* od_file_resident says no, a read takes up to 10 ms */
};

/* To be changed in place at any time; all zero at first. */
struct od_sim_disk_faults *od_sim_disk_faults(struct od_sim_node *n);
/* Fails the nth such call from now, once, on a path that contains part ("" or NULL: any). */
void od_sim_disk_fail_nth(struct od_sim_node *n, enum od_sim_disk_call call, uint64_t nth,
                          enum od_err err, const char *part);
void od_sim_disk_capacity(struct od_sim_node *n, int64_t bytes); /* default 1 GiB */
int64_t od_sim_disk_used(const struct od_sim_node *n);
/* Flips one bit in the live and durable content; false when there is no such file or byte. */
bool od_sim_disk_flip(struct od_sim_node *n, const char *path, int64_t pos, int bit);
int od_sim_node_open_files(const struct od_sim_node *n);
int od_sim_node_open_sockets(const struct od_sim_node *n);

/* --- network ----------------------------------------------------------------------------- */

struct od_sim_network_faults {
    int64_t delay_us_min, delay_us_max; /* per fragment; order within a stream is kept */
    uint32_t fragment_ppm;              /* of sends are cut into pieces */
    uint32_t short_ppm;                 /* of sends and receives take less than they could */
    uint32_t reset_ppm;                 /* of sends reset the connection instead */
};

struct od_sim_network_faults *od_sim_network_faults(void);
/* What from sends to to is held back until healed; NULL: every other node. */
void od_sim_link_cut(struct od_sim_node *from, struct od_sim_node *to);
void od_sim_link_heal(struct od_sim_node *from, struct od_sim_node *to);
void od_sim_network_heal(void); /* all links */
/* Resets every connection between the two; NULL: every other node. */
void od_sim_network_reset(struct od_sim_node *a, struct od_sim_node *b);
