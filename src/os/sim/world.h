/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside the simulator: fibers, events, nodes and the trace.
 *
 * Invariants.
 * 1. Only the scheduler's own context fires events and resumes fibers; no fiber runs while its
 *    node is crashed.
 * 2. A fiber leaves the processor only inside od_sim_step, od_sim_block or by ending.
 * 3. Nothing is ordered by address: queues are in order of arrival or drawn from the seed.
 * 4. A killed fiber is never resumed; its stack and what it had allocated are left behind.
 */
#pragma once

#include "base/list.h"
#include "os/sim/rng.h"
#include "os/sim/sim.h"
#include "os/thread_state.h"

#include <ucontext.h>

enum od_fiber_status { OD_FIBER_READY, OD_FIBER_RUNNING, OD_FIBER_BLOCKED, OD_FIBER_ENDED };

/* A fiber; os/thread.h's od_thread. */
struct od_thread {
    struct od_thread_state state;
    ucontext_t context;
    void *stack;
    struct od_sim_node *node;
    void (*main)(void *arg);
    void *arg;
    char name[32];
    uint32_t id;
    enum od_fiber_status status;
    bool slow;       /* chosen less often */
    bool timed_out;  /* how the last block ended */
    bool holding;    /* READY, but its node is paused */
    uint64_t blocks; /* tells a late timeout from a current one */
    struct od_thread *joiner;
    struct od_link in_node;
    struct od_link in_queue; /* of a lock or gate */
    void *asan_stack;
};

struct od_disk;

struct od_sim_node {
    char name[46];
    uint32_t id;
    bool paused;
    uint32_t boots;
    int64_t mono_base_ns; /* a new process's monotonic clock starts elsewhere */
    int64_t wall_skew_ms;
    struct od_list fibers;
    struct od_list sockets; /* open ones of the running process */
    int open_sockets;
    uint64_t contended;
    struct od_disk *disk;
    uint64_t crash_countdown; /* file calls; 0: none */
    enum od_sim_crash crash_how;
    bool crash_after_call;
    struct od_link in_world;
};

struct od_world {
    struct od_sim_options options;
    struct od_sim_stats stats;
    struct od_sim_network_faults network;
    struct od_rng schedule, disk, wire, harness, entropy;
    int64_t now_ns;
    int64_t step_ns;     /* virtual cost of a scheduling point */
    uint32_t switch_ppm; /* chance that a scheduling point lets another fiber go on */
    uint32_t slow_ppm;   /* chance that a new fiber is slow */
    uint64_t trace;
    struct od_list nodes;
    uint32_t node_count, fiber_count;
    uint64_t lock_count;
    struct od_thread *running; /* NULL in the scheduler */
    struct od_sim_node *crashing; /* by its own file call; carried out by the scheduler */
    struct od_thread **ready;
    uint32_t ready_count, ready_capacity;
    bool done;
};

extern struct od_world od_world;

/* Names of os calls in the trace. */
enum od_sim_call {
    OD_CALL_RUN, OD_CALL_EVENT, OD_CALL_CRASH, OD_CALL_LOCK, OD_CALL_TRY, OD_CALL_DROP,
    OD_CALL_THREAD, OD_CALL_JOIN, OD_CALL_GATE_WAIT, OD_CALL_GATE_OPEN, OD_CALL_FILE,
    OD_CALL_LISTEN, OD_CALL_CONNECT, OD_CALL_ACCEPT, OD_CALL_SEND, OD_CALL_RECV, OD_CALL_CLOSE,
    OD_CALL_DELIVER, OD_CALL_POLL, OD_CALL_WAKE, OD_CALL_SLEEP, OD_CALL_END,
};

/* --- sched.c --- */
void od_sim_trace(enum od_sim_call call, uint64_t a, uint64_t b);
/* A scheduling point: traces the call, takes virtual time, may let others run first. */
void od_sim_step(enum od_sim_call call, uint64_t a, uint64_t b);
/* Until woken, or until at_ns (-1: no limit); true when woken. */
bool od_sim_block(int64_t at_ns);
void od_sim_wake(struct od_thread *f); /* one that is not blocked is left alone */
struct od_thread *od_fiber_new(struct od_sim_node *node, const char *name,
                               void (*main)(void *arg), void *arg);
void od_fiber_kill(struct od_thread *f);
struct od_sim_node *od_sim_here(void); /* the running fiber's node */
void od_sim_hold(struct od_thread *f, bool hold); /* its node was paused or resumed */
uint64_t od_sim_hash(const void *data, size_t len);

/* --- event.c --- */
typedef void od_sim_fire(void *arg, uint64_t n);
void od_sim_at(int64_t at_ns, od_sim_fire *fire, void *arg, uint64_t n);
int64_t od_sim_next_event_ns(void); /* INT64_MAX: none */
void od_sim_fire_due(void);

/* --- node.c --- */
void od_sim_node_ended(struct od_sim_node *n); /* its last fiber has returned */
void od_sim_node_crash_now(struct od_sim_node *n, enum od_sim_crash how);

/* --- disk.c, network.c --- */
void od_disk_crash(struct od_disk *d, enum od_sim_crash how);
struct od_disk *od_disk_new(void);
void od_network_crash(struct od_sim_node *n);
void od_network_init(void);

/* --- logsink.c --- */
void od_sim_log_line(const char *text);
void od_sim_log_print(void); /* the last lines, to standard error */
