/* SPDX-License-Identifier: Apache-2.0 */
/* Takes listeners and advertised.listeners apart: NAME://host:port, with [] around IPv6. */
#include "base/mem.h"
#include "config/config_internal.h"

#include <strings.h>

enum { ENDPOINTS_MAX = 64, DEFAULT_PORT = 9092 };

struct endpoint_list {
    struct od_endpoint *v;
    int n;
};

static char *upper(struct od_str s)
{
    char *text = od_str_dup(s);

    for (char *p = text; *p; p++)
        if (*p >= 'a' && *p <= 'z')
            *p = (char)(*p - 'a' + 'A');
    return text;
}

static bool all_of(struct od_str s, const char *allowed)
{
    for (size_t i = 0; i < s.len; i++)
        if (!s.data[i] || (!strchr(allowed, s.data[i]) && !(s.data[i] >= '0' && s.data[i] <= '9') &&
                           !(s.data[i] >= 'a' && s.data[i] <= 'z') &&
                           !(s.data[i] >= 'A' && s.data[i] <= 'Z')))
            return false;
    return true;
}

static bool split(struct od_str item, struct od_str *name, struct od_str *host, int64_t *port)
{
    const char *mark = memmem(item.data, item.len, "://", 3);
    const char *end = item.data + item.len, *colon;

    if (!mark)
        return false;
    *name = (struct od_str){ item.data, (size_t)(mark - item.data) };
    host->data = mark + 3;
    colon = memrchr(host->data, ':', (size_t)(end - host->data));
    if (!colon)
        return false;
    host->len = (size_t)(colon - host->data);
    if (host->len >= 2 && host->data[0] == '[' && colon[-1] == ']') {
        host->data++;
        host->len -= 2;
    }
    return name->len > 0 && all_of(*name, "_.-") && all_of(*host, "_.-:%") &&
           od_str_to_i64((struct od_str){ colon + 1, (size_t)(end - colon - 1) }, 0, UINT16_MAX,
                         port);
}

static bool fail(const struct od_config *c, enum od_key key, struct od_text *errors,
                 const char *why)
{
    od_config_say_key(c, key, errors);
    od_text_add(errors, "%s\n", why);
    return false;
}

static bool parse_list(const struct od_config *c, enum od_key key, const char *text,
                       struct endpoint_list *out, struct od_text *errors)
{
    struct od_str item, name, host;
    int64_t port;

    out->v = od_zalloc(sizeof(*out->v) * ENDPOINTS_MAX);
    for (int i = 0; (item = od_config_item(text, i)).data; i++) {
        if (i == ENDPOINTS_MAX)
            return fail(c, key, errors, "at most 64 are possible");
        if (!split(item, &name, &host, &port))
            return fail(c, key, errors,
                        "each item must have the form NAME://host:port, with a port from 0 to "
                        "65535");
        out->v[out->n++] =
            (struct od_endpoint){ upper(name), od_str_dup(host), (uint16_t)port, 0, 0 };
    }
    if (out->n == 0)
        return fail(c, key, errors, "must name at least one listener");
    return true;
}

static const struct od_endpoint *find_name(const struct endpoint_list *list, int n,
                                           const char *name)
{
    for (int i = 0; i < n; i++)
        if (!strcmp(list->v[i].name, name))
            return &list->v[i];
    return NULL;
}

/* One name may stand twice only for the IPv4 and the IPv6 address of one port. */
static bool names_are_single(const struct endpoint_list *list)
{
    for (int i = 0; i < list->n; i++) {
        const struct od_endpoint *e = &list->v[i], *other = find_name(list, i, e->name);

        if (other && (other->port != e->port || !strchr(other->host, ':') == !strchr(e->host, ':')))
            return false;
    }
    return true;
}

static bool list_holds_name(const char *list, const char *name)
{
    struct od_str item;

    for (int i = 0; (item = od_config_item(list, i)).data; i++)
        if (strlen(name) == item.len && !strncasecmp(item.data, name, item.len))
            return true;
    return false;
}

/* The protocol that the map gives a listener name; null: none. */
static struct od_str protocol_of(const struct od_config *c, const char *name)
{
    struct od_str item;

    for (int i = 0; (item = od_config_item(c->listener_security_protocol_map, i)).data; i++) {
        const char *colon = memchr(item.data, ':', item.len);
        size_t len = colon ? (size_t)(colon - item.data) : 0;

        if (colon && strlen(name) == len && !strncasecmp(item.data, name, len))
            return (struct od_str){ colon + 1, item.len - len - 1 };
    }
    return OD_STR_NULL;
}

static bool check_protocols(const struct od_config *c, const struct endpoint_list *list,
                            struct od_text *errors)
{
    for (int i = 0; i < list->n; i++) {
        struct od_str protocol = protocol_of(c, list->v[i].name);

        if (od_str_is(protocol, "PLAINTEXT"))
            continue;
        od_config_say_key(c, OD_KEY_LISTENERS, errors);
        if (protocol.data)
            od_text_add(errors,
                        "the listener %s has the security protocol %.*s, and only PLAINTEXT is "
                        "built so far; remove the listener, or give it PLAINTEXT in "
                        "listener.security.protocol.map\n",
                        list->v[i].name, OD_STR_ARGS(protocol));
        else
            od_text_add(errors,
                        "the listener %s has no security protocol; add %s:PLAINTEXT to "
                        "listener.security.protocol.map\n",
                        list->v[i].name, list->v[i].name);
        return false;
    }
    return true;
}

/* Leaves out the controller's listeners, which a single node does not open. */
static void drop_controllers(const struct od_config *c, struct endpoint_list *list)
{
    int kept = 0;

    for (int i = 0; i < list->n; i++) {
        if (!list_holds_name(c->controller_listener_names, list->v[i].name)) {
            list->v[kept++] = list->v[i];
            continue;
        }
        od_free(list->v[i].name);
        od_free(list->v[i].host);
    }
    list->n = kept;
}

static bool load_listeners(struct od_config *c, struct endpoint_list *list, struct od_text *errors)
{
    if (!c->listeners) {
        list->v = od_zalloc(sizeof(*list->v) * 2);
        list->n = 2;
        list->v[0] = (struct od_endpoint){ od_strdup("PLAINTEXT"), od_strdup("127.0.0.1"),
                                           DEFAULT_PORT, 0, 0 };
        list->v[1] = (struct od_endpoint){ od_strdup("PLAINTEXT"), od_strdup("::1"),
                                           DEFAULT_PORT, 0, 0 };
        return true;
    }
    if (!parse_list(c, OD_KEY_LISTENERS, c->listeners, list, errors))
        return false;
    drop_controllers(c, list);
    if (list->n == 0)
        return fail(c, OD_KEY_LISTENERS, errors, "must name a listener for clients");
    if (!names_are_single(list))
        return fail(c, OD_KEY_LISTENERS, errors,
                    "a name may stand twice only for an IPv4 and an IPv6 address with one port");
    return check_protocols(c, list, errors);
}

static bool load_advertised(struct od_config *c, const struct endpoint_list *listeners,
                            struct endpoint_list *list, struct od_text *errors)
{
    if (!c->advertised_listeners)
        return true;
    if (!parse_list(c, OD_KEY_ADVERTISED_LISTENERS, c->advertised_listeners, list, errors))
        return false;
    drop_controllers(c, list);
    for (int i = 0; i < list->n; i++) {
        const struct od_endpoint *e = &list->v[i];

        if (!find_name(listeners, listeners->n, e->name))
            return fail(c, OD_KEY_ADVERTISED_LISTENERS, errors,
                        "each name must be one of listeners");
        if (!e->host[0] || !strcmp(e->host, "0.0.0.0") || !strcmp(e->host, "::"))
            return fail(c, OD_KEY_ADVERTISED_LISTENERS, errors,
                        "clients cannot connect to all addresses; name the one they use");
        if (find_name(list, i, e->name))
            return fail(c, OD_KEY_ADVERTISED_LISTENERS, errors, "a name stands twice");
    }
    return true;
}

bool od_listener_limit_take(struct od_config *c, const struct od_found *f, bool *bad,
                            struct od_text *errors)
{
    static const char prefix[] = "listener.name.";
    const char *name = f->name + sizeof(prefix) - 1, *dot;
    const struct od_key_row *row;
    struct od_listener_limit limit = { 0 };
    struct od_text why = { 0 };

    if (!od_str_starts(od_str_of(f->name), prefix) || !(dot = strchr(name, '.')))
        return false;
    row = od_key_find(od_str_of(dot + 1));
    if (!row || (row->key != OD_KEY_MAX_CONNECTIONS &&
                 row->key != OD_KEY_MAX_CONNECTION_CREATION_RATE))
        return false;
    *bad = !od_key_parse(row, od_str_of(f->origin.text), &limit.value, &why);
    if (*bad)
        od_text_add(errors, "%s = %s (%s): must be %s\n", f->name, f->origin.text,
                    f->origin.place, od_text_get(&why));
    od_text_reset(&why);
    limit.name = od_str_dup((struct od_str){ name, (size_t)(dot - name) });
    limit.is_rate = row->key == OD_KEY_MAX_CONNECTION_CREATION_RATE;
    c->listener_limits = od_realloc(c->listener_limits, sizeof(*c->listener_limits) *
                                                            (size_t)(c->listener_limit_count + 1));
    c->listener_limits[c->listener_limit_count++] = limit;
    return true;
}

static void apply_limits(const struct od_config *c, struct endpoint_list *list)
{
    for (int i = 0; i < c->listener_limit_count; i++)
        for (int j = 0; j < list->n; j++) {
            const struct od_listener_limit *limit = &c->listener_limits[i];

            if (strcasecmp(limit->name, list->v[j].name))
                continue;
            if (limit->is_rate)
                list->v[j].max_connection_creation_rate = limit->value;
            else
                list->v[j].max_connections = limit->value;
        }
}

bool od_endpoints_load(struct od_config *c, struct od_text *errors)
{
    struct endpoint_list listeners = { 0 }, advertised = { 0 };
    bool good = load_listeners(c, &listeners, errors) &&
                load_advertised(c, &listeners, &advertised, errors);

    apply_limits(c, &listeners);
    c->endpoints = listeners.v;
    c->endpoint_count = listeners.n;
    c->advertised = advertised.v;
    c->advertised_count = advertised.n;
    if (!good || !c->inter_broker_listener_name ||
        find_name(&listeners, listeners.n, c->inter_broker_listener_name))
        return good;
    return fail(c, OD_KEY_INTER_BROKER_LISTENER_NAME, errors, "must be one of listeners");
}

static void free_endpoints(struct od_endpoint *v, int n)
{
    for (int i = 0; i < n; i++) {
        od_free(v[i].name);
        od_free(v[i].host);
    }
    od_free(v);
}

void od_endpoints_deinit(struct od_config *c)
{
    free_endpoints(c->endpoints, c->endpoint_count);
    free_endpoints(c->advertised, c->advertised_count);
    for (int i = 0; i < c->listener_limit_count; i++)
        od_free(c->listener_limits[i].name);
    od_free(c->listener_limits);
}
