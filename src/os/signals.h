/* SPDX-License-Identifier: Apache-2.0 */
/* The signals that ask the process for something, delivered as events to one reactor. */
#pragma once

#include "os/reactor.h"

struct od_signals;

enum od_signal { OD_SIGNAL_STOP, OD_SIGNAL_RELOAD }; /* TERM and INT; HUP */

/* First in main: blocks them in this thread and in all it starts later, and ignores PIPE. */
void od_signals_block(void);
/* Calls got on r's thread, once per signal.  From r's thread, or before it runs. */
OD_MUST_USE enum od_err od_signals_watch(struct od_reactor *r,
                                         void (*got)(void *user, enum od_signal signal),
                                         void *user, struct od_signals **out);
void od_signals_unwatch(struct od_signals *s); /* accepts NULL */
