/* SPDX-License-Identifier: Apache-2.0 */
/* Takes apart a list of servers. */
#include "client/servers.h"

#include <string.h>

static struct od_str trimmed(struct od_str s)
{
    while (s.len > 0 && (s.data[0] == ' ' || s.data[0] == '\t')) {
        s.data++;
        s.len--;
    }
    while (s.len > 0 && (s.data[s.len - 1] == ' ' || s.data[s.len - 1] == '\t'))
        s.len--;
    return s;
}

static struct od_str without_scheme(struct od_str s)
{
    for (size_t i = 0; i + 3 <= s.len; i++)
        if (memcmp(s.data + i, "://", 3) == 0)
            return (struct od_str){ s.data + i + 3, s.len - i - 3 };
    return s;
}

/* Where the host ends: at the bracket, or at the only colon; without either at the end. */
static bool split(struct od_str item, struct od_str *host, struct od_str *port)
{
    const char *colon = memchr(item.data, ':', item.len);

    *port = OD_STR_NULL;
    *host = item;
    if (item.len > 0 && item.data[0] == '[') {
        const char *end = memchr(item.data, ']', item.len);

        if (!end)
            return false;
        *host = (struct od_str){ item.data + 1, (size_t)(end - item.data) - 1 };
        item.len -= (size_t)(end + 1 - item.data);
        item.data = end + 1;
        if (item.len == 0)
            return true;
        *port = (struct od_str){ item.data + 1, item.len - 1 };
        return item.data[0] == ':';
    }
    if (!colon || memchr(colon + 1, ':', item.len - (size_t)(colon + 1 - item.data)))
        return true; /* no port, or an IPv6 address without brackets */
    *host = (struct od_str){ item.data, (size_t)(colon - item.data) };
    *port = (struct od_str){ colon + 1, item.len - host->len - 1 };
    return true;
}

static bool parse_one(struct od_str item, struct od_server *out)
{
    struct od_str host, port;
    int64_t number = OD_SERVER_PORT_DEFAULT;

    if (!split(without_scheme(item), &host, &port) || host.len == 0 ||
        host.len > OD_SERVER_HOST_MAX || memchr(host.data, '\0', host.len))
        return false;
    if (port.data && !od_str_to_i64(port, 1, UINT16_MAX, &number))
        return false;
    memcpy(out->host, host.data, host.len);
    out->host[host.len] = '\0';
    out->port = (uint16_t)number;
    return true;
}

enum od_err od_servers_parse(struct od_str text, struct od_servers *out, struct od_text *why)
{
    out->n = 0;
    for (size_t pos = 0; pos <= text.len && text.data;) {
        const char *comma = memchr(text.data + pos, ',', text.len - pos);
        size_t end = comma ? (size_t)(comma - text.data) : text.len;
        struct od_str item = trimmed((struct od_str){ text.data + pos, end - pos });

        pos = end + 1;
        if (item.len == 0)
            continue;
        if (out->n == OD_SERVERS_MAX) {
            od_text_add(why, "more than %d servers", OD_SERVERS_MAX);
            return OD_E_CONFIG;
        }
        if (!parse_one(item, &out->v[out->n])) {
            od_text_add(why, "\"%.*s\" is not host:port with a port from 1 to 65535",
                        OD_STR_ARGS(item));
            return OD_E_CONFIG;
        }
        out->n++;
    }
    if (out->n == 0) {
        od_text_add(why, "no server is named; host:port is expected");
        return OD_E_CONFIG;
    }
    return OD_NONE;
}

void od_server_print(const char *host, uint16_t port, struct od_text *out)
{
    od_text_add(out, strchr(host, ':') ? "[%s]:%u" : "%s:%u", host, port);
}
