/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The connections of one reactor: frames come in, answers go out in the order of their requests.
 * It knows the frame's length prefix and nothing else of the protocol.  Used by the reactor's own
 * thread only, except od_net_connections.
 *
 * What is bounded: a frame by request_bytes_max and the budget; requests without an answer by
 * in_flight_max; answers that wait to be read by in_flight_max and stall_ms; an idle connection
 * holds no buffer.  Where a bound is reached the connection is not read from until it is not.
 */
#pragma once

#include "net/admission.h"
#include "net/conn.h"
#include "os/reactor.h"

struct od_net;

struct od_net_settings {
    int64_t idle_ms;  /* close what neither sent nor awaited anything for so long; -1: never */
    int64_t stall_ms; /* close when a half frame or an unread answer made no progress for so long */
    int32_t request_bytes_max;
    int in_flight_max;        /* requests of a connection whose answer is not sent; >= 1 */
    int send_buffer_bytes;    /* -1: the system's */
    int receive_buffer_bytes; /* -1: the system's */
};

enum { OD_NET_IN_FLIGHT_MAX = 64, OD_NET_STALL_MS = 30000 }; /* the usual values */

enum od_verdict {
    OD_VERDICT_GO_ON,
    OD_VERDICT_CLOSE, /* as od_conn_close */
};

struct od_net_handlers {
    void (*opened)(struct od_conn *c); /* may set the user pointer */
    /*
     * One request without its length prefix, at least OD_NET_REQUEST_BYTES_MIN long.  The callee
     * owns the slice's reference.  It may write to the slice's bytes while it alone holds them;
     * other frames may lie in the same buffer, so what is parked keeps a copy, not the slice.
     */
    enum od_verdict (*frame)(struct od_conn *c, struct od_slice frame);
    void (*closed)(struct od_conn *c); /* the last call; replies not yet sent stay valid */
};

enum { OD_NET_REQUEST_BYTES_MIN = 8 }; /* api key, version, correlation id */

struct od_net_stats {
    uint64_t opened;
    uint64_t closed;
    uint64_t frames;
    uint64_t received_bytes;
    uint64_t sent_bytes;
    uint64_t rejected; /* closed for what they sent: HTTP, TLS, impossible lengths, half frames */
    uint64_t stalled;  /* closed for stall_ms, by the peer's fault or for want of memory */
    uint64_t idle;     /* closed for idle_ms */
    uint64_t starved;  /* times that reading waited for the budget */
    uint64_t stopped;  /* times that od_conn_stop stopped one */
};

/* owner: what od_conn_owner answers, such as the shard.  Settings and handlers are copied; the
 * budget outlives the net and every buffer. */
struct od_net *od_net_new(struct od_reactor *r, const struct od_net_settings *settings,
                          const struct od_net_handlers *handlers, struct od_budget *budget,
                          void *owner);
/* Closes what is left, with its closed call.  Once drained, or after the reactor's run returned. */
void od_net_free(struct od_net *n);
/*
 * Reads no further request; each connection is closed once its answers are sent, or when that
 * makes no progress for stall_ms.  drained is called once when none is left, on the reactor's
 * thread, perhaps before this returns; it may free the net.  Listeners are closed first.
 */
void od_net_drain(struct od_net *n, void (*drained)(void *arg), void *arg);
/* A drain takes too long: closes every connection now, with its closed call; drained is called as
 * soon as nothing of the net is left in the reactor.  From the reactor's thread, not from within a
 * handler. */
void od_net_abort(struct od_net *n);
bool od_net_has_stopped(const struct od_net *n); /* a connection that od_conn_stop has stopped */
void od_net_release_stopped(struct od_net *n);   /* they go on, all */
/* Closes so many connections, those first that were not used for the longest time; costs a sort of
 * all.  From the reactor's thread. */
void od_net_shed(struct od_net *n, int32_t count);
/* Every connection, in no order that means anything; visit may not close any. */
void od_net_each(struct od_net *n, void (*visit)(struct od_conn *c, void *arg), void *arg);
void od_net_stats(const struct od_net *n, struct od_net_stats *out);
int32_t od_net_connections(const struct od_net *n); /* any thread; counts those on their way too */
