/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A list of servers as people write it: "host:port,[::1]:9092,host".  Pure.
 */
#pragma once

#include "base/err.h"
#include "base/text.h"

enum { OD_SERVERS_MAX = 64, OD_SERVER_HOST_MAX = 253, OD_SERVER_PORT_DEFAULT = 9092 };

struct od_server {
    char host[OD_SERVER_HOST_MAX + 1]; /* without brackets */
    uint16_t port;
};

struct od_servers {
    struct od_server v[OD_SERVERS_MAX];
    int n;
};

/* At least one; a scheme such as "PLAINTEXT://" in front of an item is skipped.  OD_E_CONFIG: *why
 * says which item is wrong and what it should look like. */
OD_MUST_USE enum od_err od_servers_parse(struct od_str text, struct od_servers *out,
                                         struct od_text *why);
/* "host:port", with brackets around an IPv6 address. */
void od_server_print(const char *host, uint16_t port, struct od_text *out);
