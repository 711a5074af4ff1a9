/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A blocking client on a plain socket that can say anything: requests of any API and version from
 * their structs, frames and bytes that no real client would send.  Answers are decoded with the
 * generated codecs and borrow the connection until its next receive or close.  One thread.
 */
#pragma once

#include "base/arena.h"
#include "wire/codec.h"

enum { RAW_PATIENCE_MS = 10000 }; /* for an answer that must come */

enum raw_outcome {
    RAW_ANSWER,
    RAW_SILENCE,   /* nothing, or not all of it, within the time */
    RAW_CLOSED,    /* by the other side, in an orderly way or by a reset */
    RAW_MALFORMED, /* does not decode, or does not end where it should */
};

struct raw {
    int fd;
    struct od_arena arena; /* what was decoded last */
    uint8_t *data;         /* the frame read last, without its length */
    size_t len;
    size_t got; /* bytes of the frame being read, with its length */
    size_t capacity;
    int32_t next_id;        /* correlation id of the next request */
    int32_t correlation_id; /* of the answer received last */
};

/* Connects to the broker that the environment variable BROKER names as host:port.  Ends the program
 * when that fails. */
struct raw *raw_open(void);
/* The same to this host:port. */
struct raw *raw_open_at(const char *broker);
/* With a receive buffer of about so many bytes, for those who will not read. */
struct raw *raw_open_narrow(int receive_buffer_bytes);
void raw_close(struct raw *c);      /* accepts NULL */
void raw_half_close(struct raw *c); /* no more will be sent */
void raw_reset(struct raw *c);      /* closes with a reset */

/* All bytes, or false: closed, or the other side took nothing for RAW_PATIENCE_MS. */
bool raw_write(struct raw *c, const void *data, size_t len);
/* Encodes with length, header and the correlation id next_id++; the request must be encodable. */
bool raw_send(struct raw *c, int16_t key, int16_t version, const void *request);
/* A request header and len bytes for a body, whatever they are. */
bool raw_send_body(struct raw *c, int16_t key, int16_t version, const void *body, size_t len);
/* One frame without looking into it. */
enum raw_outcome raw_read(struct raw *c, int timeout_ms);
/* One frame, decoded as the answer of this API and version, which must use all of it. */
enum raw_outcome raw_receive(struct raw *c, int16_t key, int16_t version, void *response,
                             int timeout_ms);
/* raw_send and raw_receive; an answer to another request is RAW_MALFORMED. */
enum raw_outcome raw_call(struct raw *c, int16_t key, int16_t version, const void *request,
                          void *response);
/* The length and bytes that raw_send would write; owned by the caller (od_free). */
uint8_t *raw_encode(int16_t key, int16_t version, int32_t correlation_id, const void *request,
                    size_t *len);
