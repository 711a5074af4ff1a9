/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A connection on which requests are asked and answered one after another, blocking with a
 * deadline (monotonic ns).  For tools; what runs on a reactor uses exchange.h on its own sockets.
 * One thread.  Errors come with one sentence in *why, appended.
 */
#pragma once

#include "base/text.h"
#include "client/exchange.h"

struct od_channel;

/*
 * Tries each of the host's addresses in turn.  OD_E_NOT_FOUND: the name is unknown; OD_E_CLOSED:
 * nobody listens there; OD_REQUEST_TIMED_OUT; OD_E_IO, OD_E_LIMIT: of this machine.
 */
OD_MUST_USE enum od_err od_channel_open(const char *host, uint16_t port, int64_t deadline_ns,
                                        struct od_channel **out, struct od_text *why);
void od_channel_close(struct od_channel *c); /* accepts NULL */
/* All bytes; after a failure the channel is useless. */
OD_MUST_USE enum od_err od_channel_send(struct od_channel *c, const uint8_t *data, size_t len,
                                        int64_t deadline_ns, struct od_text *why);
/* The next answer, whole but not decoded; after a failure the channel is useless. */
OD_MUST_USE enum od_err od_channel_receive(struct od_channel *c, int64_t deadline_ns,
                                           struct od_answer *answer, struct od_text *why);
