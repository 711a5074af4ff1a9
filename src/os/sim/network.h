/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connections: two streams, each a queue of packets that arrive in order, after a delay, and only
 * while the link between the two nodes is not cut.  Sockets are never freed: late packets and
 * polls may still point at them.
 */
#pragma once

#include "os/poll.h"
#include "os/sim/world.h"
#include "os/socket.h"

enum od_packet_kind { OD_PACKET_SYN, OD_PACKET_ACCEPT, OD_PACKET_DATA, OD_PACKET_FIN,
                      OD_PACKET_RESET };

struct od_packet {
    struct od_link link;
    enum od_packet_kind kind;
    int64_t at_ns;
    size_t len;
    uint8_t data[];
};

/* One direction of a connection. */
struct od_stream {
    uint64_t id;
    struct od_sim_node *from, *to;
    struct od_socket *source, *target; /* NULL until there is one */
    struct od_address address;         /* where the SYN goes */
    struct od_list packets;
    int64_t last_at_ns;
    size_t in_flight;
    struct od_stream *reverse;
    struct od_link in_world;
};

enum od_socket_state { OD_SOCKET_LISTENING, OD_SOCKET_CONNECTING, OD_SOCKET_OPEN,
                       OD_SOCKET_FAILED, OD_SOCKET_CLOSED };

struct od_socket {
    uint64_t id;
    struct od_sim_node *node;
    enum od_socket_state state;
    struct od_address local, remote;
    struct od_link in_node;
    struct od_list backlog; /* listener: sockets to be accepted */
    int backlog_count, backlog_max;
    struct od_link in_backlog;
    struct od_stream *out, *in;
    bool fin; /* the peer has closed its side */
    size_t window_bytes;
    uint8_t *arrived; /* unread bytes: from arrived_from, arrived_len of them */
    size_t arrived_from, arrived_len, arrived_capacity;
    struct od_poll *poll;
    unsigned want;
    void *tag;
};

struct od_socket *od_socket_make(struct od_sim_node *node, enum od_socket_state state);
uint16_t od_network_port(void); /* one that nobody uses */
unsigned od_socket_readiness(const struct od_socket *s); /* OD_POLL_* bits */
size_t od_socket_room(const struct od_socket *s);        /* bytes that may be sent now */
void od_stream_new_pair(struct od_socket *client, struct od_sim_node *server,
                        const struct od_address *to);
void od_stream_put(struct od_stream *s, enum od_packet_kind kind, const void *data, size_t len);
void od_stream_reset(struct od_stream *s); /* what is on its way may or may not arrive first */
void od_poll_poke(struct od_socket *s);    /* its readiness may have changed */
