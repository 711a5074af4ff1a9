/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A model client's connection: speaks the wire protocol with the generated codecs, blocks its
 * fiber, hides no retries.  An answer out of the order of its requests fails the run.
 */
#pragma once

#include "base/arena.h"
#include "os/poll.h"
#include "os/socket.h"
#include "wire/codec.h"

enum { WIRE_IN_FLIGHT_MAX = 32 };

struct wire_call {
    const struct od_api *api;
    int16_t version;
    int32_t correlation;
};

struct wire_conn {
    struct od_socket *socket; /* NULL: closed */
    struct od_poll *poll;
    uint8_t *in; /* the frame handed out and what came after it */
    size_t in_len, in_capacity;
    size_t in_taken; /* of the frame handed out last */
    int32_t next_correlation;
    struct wire_call calls[WIRE_IN_FLIGHT_MAX]; /* oldest first */
    int call_count;
};

/* OD_E_CLOSED or OD_REQUEST_TIMED_OUT; the connection is then closed again. */
OD_MUST_USE enum od_err wire_open(struct wire_conn *c, const char *host, uint16_t port,
                                  int64_t timeout_ms);
void wire_close(struct wire_conn *c);
/* Sends one request; its answer is due unless !answered.  After an error close. */
OD_MUST_USE enum od_err wire_send(struct wire_conn *c, int16_t key, int16_t version,
                                  const void *request, bool answered, int64_t timeout_ms);
/* The answer to the oldest request in flight, decoded; borrowed until the next receive. */
OD_MUST_USE enum od_err wire_receive(struct wire_conn *c, struct od_arena *arena, void *response,
                                     int64_t timeout_ms);
/* Both.  Nothing else may be in flight. */
OD_MUST_USE enum od_err wire_call(struct wire_conn *c, int16_t key, int16_t version,
                                  const void *request, struct od_arena *arena, void *response,
                                  int64_t timeout_ms);
