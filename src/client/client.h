/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A client for tools: connects, negotiates versions, finds the right broker, asks and waits.
 * Blocking, one thread, one request at a time.  Times in ms.
 *
 * Retries: a broker that cannot be reached is passed over for the next one, when any will do.  A
 * request that was sent and got no answer is asked again (at most OD_CLIENT_TRIES_MAX times in
 * all) only if it changes nothing; a change may have happened, and the error says so.  Errors
 * inside answers are the caller's.
 */
#pragma once

#include "base/text.h"
#include "client/exchange.h"
#include "client/servers.h"
#include "client/versions.h"
#include "client/view.h"

struct od_client;

enum {
    OD_CLIENT_TRIES_MAX = 3,
    OD_CLIENT_ANSWER_BYTES_MAX = 256 << 20, /* an answer beyond is refused; memory is bounded by
                                               twice this and what is decoded from it */
};

struct od_client_options {
    struct od_servers servers; /* where to begin */
    const char *client_id;     /* borrowed until the free */
    int64_t timeout_ms;        /* of one call, with all its retries */
};

enum od_client_to {
    OD_CLIENT_ANY,
    OD_CLIENT_CONTROLLER,
    OD_CLIENT_NODE,
};

struct od_client_ask {
    const struct od_api *api;
    const void *request;
    enum od_client_to to;
    int32_t node;         /* of OD_CLIENT_NODE */
    bool version_bound;   /* use none above version_max */
    int16_t version_max;
    bool changes;         /* asking twice may do it twice */
    int64_t wait_ms;      /* that the broker was told to wait at most; added to the timeout */
};

struct od_client *od_client_new(const struct od_client_options *options);
void od_client_free(struct od_client *c); /* accepts NULL; after the deinit of its answers */
/*
 * Asks and decodes.  response borrows *answer, the caller's, until its next use; limit_bytes is
 * set here.  OD_UNSUPPORTED_VERSION: that broker does not serve the API, or no common version has
 * what the request sets.  Others: as in channel.h and exchange.h.  After a failure od_client_why.
 */
OD_MUST_USE enum od_err od_client_call(struct od_client *c, const struct od_client_ask *ask,
                                       struct od_answer *answer, void *response);
/* Sends without waiting: for what is never answered (Produce with acks=0). */
OD_MUST_USE enum od_err od_client_send(struct od_client *c, const struct od_client_ask *ask);
/* What was wrong with the last failed call, with the server's name; "" before any. */
const char *od_client_why(const struct od_client *c);
/* The version that a call to that broker would use; connects.  As od_client_call. */
OD_MUST_USE enum od_err od_client_version(struct od_client *c, const struct od_client_ask *ask,
                                          int16_t *version);

/*
 * Metadata of n topics by name (NULL: all), learned into the view; with create, missing ones are
 * created where the broker allows it.  The answer is given for its errors.
 */
OD_MUST_USE enum od_err od_client_metadata(struct od_client *c, const struct od_str *names, int n,
                                           bool create, struct od_answer *answer,
                                           struct od_metadata_rsp *rsp);
const struct od_view *od_client_view(const struct od_client *c); /* until the next call */
/* What the broker told about itself when the versions were negotiated; connects to any. */
OD_MUST_USE enum od_err od_client_versions(struct od_client *c, struct od_answer *answer,
                                           struct od_api_versions_rsp *rsp);
void od_client_pause(struct od_client *c, int64_t ms);
int64_t od_client_timeout_ms(const struct od_client *c);
