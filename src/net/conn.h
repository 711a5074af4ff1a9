/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A connection and the replies it awaits.  Owned by one reactor: everything here is called on that
 * reactor's thread.  A connection lives until its `closed` handler returns; a reply lives until it
 * is sent or skipped, which must happen exactly once, also after the connection is gone.
 */
#pragma once

#include "net/chain.h"
#include "os/socket.h"

struct od_conn;
struct od_reply;

void od_conn_set_user(struct od_conn *c, void *user);
void *od_conn_user(const struct od_conn *c);     /* NULL until set */
void *od_conn_owner(const struct od_conn *c);    /* od_net_new's owner */
void *od_conn_listener(const struct od_conn *c); /* od_listener_open's tag */
const struct od_address *od_conn_peer(const struct od_conn *c);
void od_conn_local(const struct od_conn *c, struct od_address *out); /* which the peer reached */

/* What the connection has done so far. */
struct od_conn_facts {
    int64_t id; /* of its net's, never used again */
    int64_t age_ms;
    int64_t idle_ms; /* since bytes last came */
    int64_t requests;
    int64_t received_bytes, sent_bytes;
    int32_t waiting;   /* requests whose answer is not sent */
    int64_t oldest_ms; /* since the oldest of them came; 0: none */
};

void od_conn_facts(const struct od_conn *c, struct od_conn_facts *out);

/* A place in the order of answers; called once per request, in the order of the frames. */
struct od_reply *od_conn_expect(struct od_conn *c);
/* The connection that waits for it; NULL: it was closed. */
struct od_conn *od_reply_conn(const struct od_reply *r);
/*
 * Takes over the chain's parts and leaves it empty.  The length prefix is added here; chain->len
 * is at most INT32_MAX.  Sent at the end of the turn, after all earlier replies.
 */
void od_reply_send(struct od_reply *r, struct od_chain *chain);
void od_reply_skip(struct od_reply *r); /* the request has no answer */

/* No further frame is handed up until resume, which may come at once; not nested. */
void od_conn_pause(struct od_conn *c);
void od_conn_resume(struct od_conn *c);
/*
 * Hands up no further frame until od_net_release_stopped: its requests fill what is emptied too
 * slowly.  Again is fine; independent of pause.
 */
void od_conn_stop(struct od_conn *c);
/*
 * Hands up no further frame, and closes at the end of this turn; replies that are complete then
 * are sent as far as the socket takes them.  The caller logs why.
 */
void od_conn_close(struct od_conn *c);
