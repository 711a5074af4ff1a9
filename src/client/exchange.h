/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One request and its answer as bytes: framing, headers, correlation.  Pure, so that whoever has a
 * socket can use it, blocking or not.  One thread.
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "wire/codec.h"

struct od_exchange {
    const struct od_api *api;
    int16_t version; /* within the API's range */
    int32_t correlation_id;
};

/*
 * The whole request with its length in front: *data of *len bytes, to be freed with od_free.
 * OD_UNSUPPORTED_VERSION: a field is set that this version does not have.  OD_E_LIMIT: too long.
 */
OD_MUST_USE enum od_err od_exchange_encode(const struct od_exchange *x, struct od_str client_id,
                                           const void *request, uint8_t **data, size_t *len);
/*
 * Decodes an answer, given without its length, into the API's response struct; strings and bytes
 * borrow data, lists live in the arena.  OD_E_STALE: it answers another request.  OD_E_TRUNCATED,
 * OD_E_CORRUPT (also bytes left over), OD_E_LIMIT, OD_E_NO_MEMORY: it cannot be what was asked for.
 * ApiVersions: an answer with the error UNSUPPORTED_VERSION is read as version 0, as Kafka does it.
 */
OD_MUST_USE enum od_err od_exchange_decode(const struct od_exchange *x, const uint8_t *data,
                                           size_t len, struct od_arena *arena, void *response);

/*
 * An answer while it arrives: length, then that many bytes.  Memory grows with what has arrived,
 * never by what the length claims.  Zeroed at first; limit_bytes bounds the answer.
 */
struct od_answer {
    uint8_t *data; /* the whole frame with its length */
    size_t len;
    size_t capacity;
    size_t limit_bytes;
    struct od_arena arena; /* of what was decoded from it */
};

void od_answer_begin(struct od_answer *a);  /* for the next frame; decoded things are gone */
void od_answer_deinit(struct od_answer *a); /* frees all; limit_bytes stays */
/* Where the next bytes go; *room at least 1, never past the end of the frame. */
uint8_t *od_answer_room(struct od_answer *a, size_t *room);
/* n bytes arrived.  OD_NONE: the frame is whole; OD_E_AGAIN: not yet; OD_E_LIMIT: its length is
 * above the limit; OD_E_CORRUPT: its length is below that of any answer. */
OD_MUST_USE enum od_err od_answer_got(struct od_answer *a, size_t n);
struct od_bytes od_answer_frame(const struct od_answer *a); /* without the length; once whole */
int64_t od_answer_length(const struct od_answer *a); /* what the frame claims; -1: not known yet */
