/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is known of each connection beside its bytes: who says to be there, with which library,
 * using which APIs.  A client lives as long as its connection, on its shard's thread; about 900
 * bytes each.
 */
#pragma once

#include "base/str.h"
#include "net/conn.h"

struct od_call;

enum {
    OD_CLIENT_APIS_MAX = 24,  /* further ones are not told; no client uses as many */
    OD_CLIENT_TEXT_MAX = 128, /* of each text; the rest is cut */
    OD_CLIENTS_LISTED_MAX = 2000, /* in one answer, about 1 MiB */
};

void od_client_open(struct od_conn *conn);
void od_client_close(struct od_conn *conn);
/* One request. */
void od_client_note(struct od_conn *conn, int16_t api_key, int16_t api_version,
                    struct od_str client_id);
/* What ApiVersions told. */
void od_client_note_software(struct od_conn *conn, struct od_str name, struct od_str version);
/*
 * Fills the clients of a DescribeCluster answer from every shard, then finishes the call: the
 * handler returns OD_PENDING.
 */
void od_clients_list(struct od_call *call);
