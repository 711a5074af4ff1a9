/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A connection from the inside.
 *
 *      OPEN --end of input, drain--> ENDING --all answers sent--> (gone)
 *       |                                                           ^
 *       +----close, error, stall----> CLOSING -----turn's end-------+
 *
 * Only OPEN hands up frames.  A connection is destroyed at the end of a turn only, so that no
 * callback frees what its caller still uses.
 */
#pragma once

#include "net/net.h"

enum {
    OD_NET_CHUNK_BYTES = 131072, /* small frames of all connections are received here */
    OD_NET_KEPT_CHUNKS = 16,     /* 2 MiB at most: what one turn's frames may pin */
    OD_NET_SMALL_BYTES = 32768, /* a frame up to this is put together in the chunk: a usual batch */
    OD_NET_FIRST_BYTES = 131072, /* of a larger frame are received before all is charged */
    OD_NET_UNSENT_MAX = 262144,  /* owned bytes of unsent answers at which reading stops */
    OD_NET_TURN_BYTES = 262144,  /* sent per connection and turn, twice that at most */
    OD_NET_PREFIX_BYTES = 4,
};

/* The start of a large frame is moved out of the chunk it came in. */
_Static_assert(OD_NET_FIRST_BYTES >= OD_NET_CHUNK_BYTES, "a chunk fits the first step");

enum od_conn_state { OD_CONN_OPEN, OD_CONN_ENDING, OD_CONN_CLOSING };

struct od_net {
    struct od_reactor *reactor;
    struct od_net_settings settings;
    struct od_net_handlers handlers;
    struct od_budget *budget;
    void *owner;
    struct od_list conns;
    /* od_conn.starving, oldest first: wait for the budget. */
    struct od_list growing;  /* for the rest of a large frame; served first */
    struct od_list starving; /* for the beginning of a frame */
    struct od_timer feed;    /* looks after both */
    struct od_list stopped;  /* od_conn.stopped */
    struct od_list sending;  /* od_conn.sending: had their share of the turn */
    struct od_post send_more;
    bool send_more_posted;
    struct od_buf *chunk; /* NULL, or the one being filled */
    size_t chunk_used;
    struct od_buf *kept[OD_NET_KEPT_CHUNKS]; /* full ones; each charged, each one reference */
    int kept_count;
    struct od_net_stats stats;
    void (*drained)(void *arg); /* NULL: not draining, or told */
    void *drained_arg;
    bool draining;
    _Atomic int32_t connections;
};

enum od_reply_state { OD_REPLY_AWAITED, OD_REPLY_READY, OD_REPLY_SKIPPED };

struct od_reply {
    struct od_link link;  /* od_conn.replies, in the order of the requests */
    struct od_conn *conn; /* NULL: closed */
    struct od_chain chain;
    enum od_reply_state state;
    int part;         /* the one being sent */
    size_t part_sent; /* of it */
    int64_t since_ms; /* when its request came */
    uint8_t prefix_sent;
    uint8_t prefix[OD_NET_PREFIX_BYTES];
};

struct od_conn {
    struct od_link link;
    struct od_net *net;
    struct od_watch watch;
    enum od_conn_state state;
    bool paused;
    struct od_link stopped; /* used: by od_conn_stop */
    bool big; /* the last frame was: read the next one's length before its bytes */
    void *user;
    void *tag;
    struct od_entrance *gate;
    struct od_address peer;
    int64_t id, opened_ms, requests, received_bytes, sent_bytes; /* od_conn_facts */
    /* Receiving. */
    struct od_slice held; /* frames not handed up, the last one perhaps not whole */
    bool backlog;         /* held was not looked at, since nothing might be handed up */
    struct od_buf *frame; /* a large one being received, or NULL */
    size_t frame_len, frame_got;
    struct od_link starving;
    int64_t received_ms;
    /* Sending. */
    struct od_list replies;
    int in_flight; /* replies in the list */
    bool blocked;  /* the socket takes no more at the moment */
    size_t unsent_owned_bytes;
    struct od_link sending;
    int64_t sent_ms; /* when answers last made progress, or began to wait */
    struct od_post turn_end;
    struct od_timer timer;
};

/* A connection that od_entrance_enter let in and that n->connections counts; on n's thread. */
void od_net_adopt(struct od_net *n, struct od_socket *socket, const struct od_address *peer,
                  struct od_entrance *gate, void *tag);
void od_net_count_one(struct od_net *n); /* any thread: a connection is on its way */
struct od_reactor *od_net_reactor(const struct od_net *n);

/* conn.c */
void od_conn_schedule(struct od_conn *c);     /* its work at the end of this turn */
void od_conn_stall_begins(struct od_conn *c); /* something now waits for the peer */
void od_conn_end(struct od_conn *c);          /* to ENDING */
bool od_conn_may_hand_up(const struct od_conn *c);
bool od_conn_may_read(const struct od_conn *c);

/* receive.c */
void od_conn_receive(struct od_conn *c);
void od_conn_hand_up_held(struct od_conn *c);
bool od_conn_in_mid_frame(const struct od_conn *c);
void od_conn_drop_received(struct od_conn *c);
void od_net_feed(struct od_net *n); /* lets starving connections read, in order */

/* send.c */
void od_conn_flush(struct od_conn *c);
bool od_conn_has_unsent(const struct od_conn *c);
void od_conn_drop_replies(struct od_conn *c);
