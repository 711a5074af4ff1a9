/* SPDX-License-Identifier: Apache-2.0 */
/* The fetch limit: a 64-byte header and body bytes per request, by three ways of sending. */
#pragma once

#include "limits/server.h"

/* Makes the served file and the warm buffer. */
void od_limit_fetch_open(struct od_limit_server *server);
/* Where a new connection starts to read. */
void od_limit_fetch_begin(struct od_limit_server *server, struct od_limit_conn *conn);
void od_limit_fetch_ask(struct od_limit_conn *conn, uint32_t id);
/* Sends what was asked for until the socket is full; false when the peer is gone. */
bool od_limit_fetch_send(struct od_limit_server *server, struct od_limit_conn *conn);
