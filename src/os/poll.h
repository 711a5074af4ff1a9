/* SPDX-License-Identifier: Apache-2.0 */
/* Readiness of sockets, for one thread; od_poll_wake alone may come from any thread. */
#pragma once

#include "base/err.h"

struct od_poll;
struct od_socket;

enum { OD_POLL_IN = 1, OD_POLL_OUT = 2, OD_POLL_HANGUP = 4 }; /* HANGUP is always reported */

struct od_poll_event {
    void *tag;
    unsigned ready;
};

OD_MUST_USE enum od_err od_poll_new(struct od_poll **out);
void od_poll_free(struct od_poll *p);
OD_MUST_USE enum od_err od_poll_add(struct od_poll *p, struct od_socket *s, unsigned want,
                                    void *tag); /* level-triggered */
void od_poll_change(struct od_poll *p, struct od_socket *s, unsigned want, void *tag);
void od_poll_remove(struct od_poll *p, struct od_socket *s); /* before the socket is closed */
/* Returns the number of events, 0 after timeout_ms (-1: none) or a wake. */
int od_poll_wait(struct od_poll *p, struct od_poll_event *events, int max, int64_t timeout_ms);
void od_poll_wake(struct od_poll *p);
