/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An event loop owned by one thread: sockets, timers, an inbox.  Everything it calls runs to
 * completion on that thread.  od_reactor_post and od_reactor_stop may come from any thread;
 * all else only from the reactor's own.
 */
#pragma once

#include "base/err.h"
#include "base/list.h"
#include "base/mpsc.h"

struct od_reactor;
struct od_socket;

/* A message to a reactor.  Zeroed at first; lies in the sender's object, which lives until run is
 * called and may queue it again from there. */
struct od_post {
    struct od_mpsc_node node;
    void (*run)(struct od_post *post);
};

struct od_watch {
    struct od_socket *socket; /* set by the owner before od_reactor_watch */
    void (*ready)(struct od_watch *w, unsigned ready); /* OD_POLL_* bits */
    unsigned want;
};

/* Fires once, earliest deadline first.  Precision 1 ms.  Zeroed at first, in its owner's object. */
struct od_timer {
    struct od_link link;
    int64_t deadline_ms; /* monotonic, od_reactor_now_ms's scale */
    void (*fire)(struct od_timer *t);
};

/* Turns that took over 10 ms of the thread's own processor time, by the call that took longest. */
struct od_busy_turns {
    const char *call; /* od_reactor_call's name, or NULL */
    uint64_t turns;
    int64_t longest_us; /* of processor time */
};

enum { OD_BUSY_CALLS_MAX = 8 }; /* told apart; the last stands for all others */

struct od_reactor_stats {
    uint64_t turns;
    uint64_t posts;
    uint64_t slow_turns;      /* over 10 ms, whoever took the time: a busy machine, the disk, we */
    int64_t slowest_turn_us;
    const char *slowest_call; /* od_reactor_call's name in that turn, or NULL */
    int busy_count;
    struct od_busy_turns busy[OD_BUSY_CALLS_MAX]; /* of the slow ones, those that we took */
};

OD_MUST_USE enum od_err od_reactor_new(int index, struct od_reactor **out);
void od_reactor_free(struct od_reactor *r);
/* Until stopped; posts that arrived before it returns were run, later ones never are. */
void od_reactor_run(struct od_reactor *r);
void od_reactor_stop(struct od_reactor *r);
int od_reactor_index(const struct od_reactor *r);
int64_t od_reactor_now_ms(const struct od_reactor *r); /* monotonic, taken once per turn */
/* The reactor that the calling thread runs, or NULL. */
struct od_reactor *od_reactor_current(void);

/* In a turn, posts run before ready sockets: bytes that a peer sent because of something find what
 * was posted before that. */
void od_reactor_post(struct od_reactor *r, struct od_post *post);
/* Runs at the end of this turn, after all posts, ready sockets and timers; nothing happens when
 * the post is queued already.  Posts queued meanwhile run too. */
void od_reactor_at_turn_end(struct od_reactor *r, struct od_post *post);

/* In a callback a watch may be removed and freed, its own or another. */
OD_MUST_USE enum od_err od_reactor_watch(struct od_reactor *r, struct od_watch *w, unsigned want);
void od_reactor_want(struct od_reactor *r, struct od_watch *w, unsigned want);
void od_reactor_unwatch(struct od_reactor *r, struct od_watch *w);

/* Setting a set timer moves it; cancelling an unset one does nothing. */
void od_timer_set(struct od_reactor *r, struct od_timer *t, int64_t deadline_ms);
void od_timer_cancel(struct od_reactor *r, struct od_timer *t);

/* Names the work in progress for the watchdog; name is a literal.  A turn's phases name themselves
 * "post", "socket", "timer" and "turn end". */
void od_reactor_call(struct od_reactor *r, const char *name);
void od_reactor_stats(const struct od_reactor *r, struct od_reactor_stats *out);
