/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A call: one request in flight, from the decoded frame to the answer.  Owned by the shard of its
 * connection and touched by that thread only.  What it allocates lies in its arena and dies with
 * it; what was decoded borrows its frame.
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "net/net.h"
#include "wire/codec.h"
#include "wire/frame.h"

struct od_call;
struct od_partition;
struct od_shard;

/* What a handler says: the answer is filled in, or a driver will fill it and finish the call. */
enum od_done { OD_DONE, OD_PENDING };

/* A row of apis.def. */
struct od_api_row {
    const struct od_api *api;
    int16_t version_min; /* the highest is the schema's */
    enum od_done (*handle)(struct od_call *call);
};

enum {
    OD_CALL_BYTES = 3072,    /* of arena that come with a call */
    OD_CALLS_KEPT_MAX = 128, /* per shard, about 0.5 MiB: what one turn may have in flight */
};

struct od_call {
    struct od_call *next; /* while it is kept for reuse */
    struct od_shard *shard;
    struct od_reply *reply;
    struct od_api_row row;
    struct od_request_frame header; /* borrows frame */
    struct od_slice frame;
    struct od_arena arena;
    void *request;     /* struct od_<api>_req */
    void *response;    /* struct od_<api>_rsp, its defaults set */
    int32_t gap_count; /* records fields of the response that name a struct od_plog_range */
    bool unanswered;   /* acks=0: no answer is sent */
    bool close;        /* instead of an answer the connection is closed; the reason is logged */
    _Alignas(max_align_t) uint8_t memory[OD_CALL_BYTES]; /* lent to the arena */
};

/* Takes over one frame's reference: decodes it and calls the handler. */
enum od_verdict od_call_begin(struct od_shard *shard, struct od_conn *conn, struct od_slice frame);
/* Sends the answer and frees the call; the last use, on the call's shard. */
void od_call_finish(struct od_call *call);
/* Makes room in the arena for one more element of a list of n; doubles. */
void od_call_grow(struct od_call *call, void *list, int32_t n, size_t element_bytes);
/* Gives back what was kept for further calls; the shard is ending. */
void od_calls_free_spare(struct od_shard *shard);
/* Logs why and closes the connection in place of an answer, as Kafka does where the version has no
 * field for the error. */
void od_call_refuse(struct od_call *call, const char *why);
/* A reference to the partition of that name and index; NULL: *err says why. */
struct od_partition *od_call_partition(const struct od_call *call, struct od_str topic,
                                       int32_t index, enum od_err *err);
/* As what this broker is known to the caller: advertised, or the address it reached. */
void od_call_endpoint(const struct od_call *call, struct od_str *host, int32_t *port);
