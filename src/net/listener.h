/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A listening socket.  Accepts on the reactor that opened it and hands each connection to the net
 * with the fewest.  Without descriptors it pauses for 100 ms, says so once, and goes on; it pauses
 * too while there are as many connections as allowed, or while they come too fast.
 */
#pragma once

#include "net/net.h"

struct od_listener;

struct od_listener_settings {
    const char *host;
    uint16_t port; /* 0: a free one */
    int backlog;
    struct od_admission *admission; /* outlives all connections */
    int32_t connections_max; /* of this listener; 0: only what the admission limits */
    int32_t per_second_max;  /* new ones of this listener; 0 likewise */
    struct od_net *const *nets;     /* copied; each outlives the listener */
    int net_count;
    void *tag; /* what od_conn_listener answers */
};

/* From r's thread, or before it runs. */
OD_MUST_USE enum od_err od_listener_open(struct od_reactor *r,
                                         const struct od_listener_settings *settings,
                                         struct od_listener **out, struct od_address *bound);
void od_listener_close(struct od_listener *l); /* accepts NULL; r's thread, or when it has ended */
