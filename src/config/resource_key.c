/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of group and client metrics settings, and what Kafka asks of their values. */
#include "config/resource_key.h"

#include "base/mem.h"
#include "config/config_internal.h"

static const struct od_resource_key groups[] = {
#define OD_GROUP_KEY(value_type, field, broker_key, low_key, high_key, ...)                        \
    { .row = { .type = OD_TYPE_##value_type,                                                       \
               .topic_index = -1,                                                                  \
               .at = offsetof(struct od_group_config, field),                                      \
               __VA_ARGS__ },                                                                      \
      .broker = OD_KEY_##broker_key,                                                               \
      .low = OD_KEY_##low_key,                                                                     \
      .high = OD_KEY_##high_key },
#define OD_METRICS_KEY(type, field, ...)
#include "config/keys/resources.def"
#undef OD_GROUP_KEY
#undef OD_METRICS_KEY
};

static const struct od_resource_key metrics[] = {
#define OD_GROUP_KEY(type, field, ...)
#define OD_METRICS_KEY(value_type, field, ...)                                                     \
    { .row = { .type = OD_TYPE_##value_type, .topic_index = -1, __VA_ARGS__ },                     \
      .broker = OD_KEY_NO_KEY,                                                                     \
      .low = OD_KEY_NO_KEY,                                                                        \
      .high = OD_KEY_NO_KEY },
#include "config/keys/resources.def"
#undef OD_GROUP_KEY
#undef OD_METRICS_KEY
};

const struct od_resource_key *od_group_key(int index)
{
    return index >= 0 && (size_t)index < OD_COUNT(groups) ? &groups[index] : NULL;
}

const struct od_resource_key *od_metrics_key(int index)
{
    return index >= 0 && (size_t)index < OD_COUNT(metrics) ? &metrics[index] : NULL;
}

static const struct od_resource_key *find(const struct od_resource_key *v, size_t n,
                                          struct od_str name)
{
    for (size_t i = 0; i < n; i++)
        if (od_str_is(name, v[i].row.name))
            return &v[i];
    return NULL;
}

const struct od_resource_key *od_group_key_find(struct od_str name)
{
    return find(groups, OD_COUNT(groups), name);
}

const struct od_resource_key *od_metrics_key_find(struct od_str name)
{
    return find(metrics, OD_COUNT(metrics), name);
}

static const void *broker_field(const struct od_config *c, const struct od_live_config *live,
                                int key)
{
    const struct od_key_row *row = od_key_row((enum od_key)key);

    return row->live && live ? (const char *)live + row->at : od_config_field(c, row);
}

static void take_from_broker(const struct od_resource_key *key, const struct od_config *broker,
                             const struct od_live_config *live, void *field)
{
    struct od_text text = { 0 }, why = { 0 };

    od_key_print(od_key_row((enum od_key)key->broker), broker_field(broker, live, key->broker),
                 &text);
    if (!od_key_parse(&key->row, (struct od_str){ od_text_get(&text), text.len }, field, &why))
        od_text_reset(&why); /* beyond the group's own bound: its default holds */
    od_text_reset(&text);
}

void od_group_config_resolve(struct od_group_config *out, const struct od_config *broker,
                             const struct od_live_config *live, const struct od_setting *settings,
                             int n)
{
    memset(out, 0, sizeof(*out));
    for (size_t i = 0; i < OD_COUNT(groups); i++) {
        void *field = (char *)out + groups[i].row.at;

        od_key_set_default(&groups[i].row, field);
        if (groups[i].broker != OD_KEY_NO_KEY)
            take_from_broker(&groups[i], broker, live, field);
    }
    for (int i = 0; i < n; i++) {
        const struct od_resource_key *key = od_group_key_find(settings[i].name);
        struct od_text why = { 0 };

        if (key && settings[i].value.data &&
            !od_key_parse(&key->row, settings[i].value, (char *)out + key->row.at, &why))
            od_text_reset(&why);
    }
}

void od_group_config_deinit(struct od_group_config *g)
{
    for (size_t i = 0; i < OD_COUNT(groups); i++)
        od_key_free(&groups[i].row, (char *)g + groups[i].row.at);
    memset(g, 0, sizeof(*g));
}

static bool refuse_side(const struct od_resource_key *key, int bound, const char *side,
                        struct od_text *why)
{
    od_text_add(why, "%s must be %s than or equal to %s", key->row.name, side,
                od_key_row((enum od_key)bound)->name);
    return false;
}

/* Bounds that the operator of the broker sets. */
static bool is_between(const struct od_resource_key *key, const struct od_config *broker,
                       int64_t value, struct od_text *why)
{
    if (key->low != OD_KEY_NO_KEY &&
        value < *(const int32_t *)broker_field(broker, NULL, key->low))
        return refuse_side(key, key->low, "greater", why);
    if (key->high != OD_KEY_NO_KEY &&
        value > *(const int32_t *)broker_field(broker, NULL, key->high))
        return refuse_side(key, key->high, "less", why);
    return true;
}

enum od_err od_group_setting_check(const struct od_config *broker, struct od_str name,
                                   struct od_str value, struct od_text *why)
{
    const struct od_resource_key *key = od_group_key_find(name);
    struct od_text bound = { 0 };
    int32_t number;
    bool good = true;

    if (!key) {
        od_text_add(why, "Unknown group config name: %.*s", OD_STR_ARGS(name));
        return OD_INVALID_CONFIG;
    }
    if (!od_key_check(&key->row, key->row.name, value, why))
        return OD_INVALID_CONFIG;
    if (key->row.type == OD_TYPE_INT32)
        good = od_key_parse(&key->row, value, &number, &bound) &&
               is_between(key, broker, number, why);
    od_text_reset(&bound);
    return good ? OD_NONE : OD_INVALID_CONFIG;
}

static bool beats_in_time(int32_t session_ms, int32_t heartbeat_ms, const char *kind,
                          struct od_text *why)
{
    if (session_ms > heartbeat_ms)
        return true;
    od_text_add(why, "%s.session.timeout.ms must be greater than %s.heartbeat.interval.ms", kind,
                kind);
    return false;
}

enum od_err od_group_config_check_all(const struct od_config *broker,
                                      const struct od_setting *settings, int n,
                                      struct od_text *why)
{
    struct od_group_config g;
    bool good;

    od_group_config_resolve(&g, broker, NULL, settings, n);
    good = beats_in_time(g.consumer_session_timeout_ms, g.consumer_heartbeat_interval_ms,
                         "consumer", why) &&
           beats_in_time(g.share_session_timeout_ms, g.share_heartbeat_interval_ms, "share", why) &&
           beats_in_time(g.streams_session_timeout_ms, g.streams_heartbeat_interval_ms, "streams",
                         why);
    od_group_config_deinit(&g);
    return good ? OD_NONE : OD_INVALID_CONFIG;
}

static bool is_selector(struct od_str name)
{
    static const char *const selectors[] = {
        "client_instance_id",      "client_id",
        "client_software_name",    "client_software_version",
        "client_source_address",   "client_source_port",
    };

    for (size_t i = 0; i < OD_COUNT(selectors); i++)
        if (od_str_is(name, selectors[i]))
            return true;
    return false;
}

static bool check_matches(const char *list, struct od_text *why)
{
    struct od_str item;

    for (int i = 0; (item = od_config_item(list, i)).data; i++) {
        const char *equals = memchr(item.data, '=', item.len);

        if (equals && is_selector((struct od_str){ item.data, (size_t)(equals - item.data) }) &&
            equals + 1 < item.data + item.len &&
            !memchr(equals + 1, '=', (size_t)(item.data + item.len - equals - 1)))
            continue;
        od_text_add(why, "Illegal client matching pattern: %.*s", OD_STR_ARGS(item));
        return false;
    }
    return true;
}

enum od_err od_metrics_setting_check(struct od_str name, struct od_str value, struct od_text *why)
{
    const struct od_resource_key *key = od_metrics_key_find(name);
    struct od_text bound = { 0 };
    union {
        int32_t number;
        char *list;
    } scratch = { 0 };
    bool good;

    if (!key) {
        od_text_add(why, "Unknown client metrics configuration: %.*s", OD_STR_ARGS(name));
        return OD_INVALID_REQUEST;
    }
    good = od_key_parse(&key->row, value, &scratch, &bound);
    if (!good && key->row.type == OD_TYPE_INT32) {
        od_text_add(why,
                    "Invalid value %.*s for %s, interval must be between 100 and 3600000 (1 hour)",
                    value.len > 200 ? 200 : (int)value.len, value.data, key->row.name);
    } else if (good && od_str_is(name, "match")) {
        good = check_matches(scratch.list, why);
    }
    od_text_reset(&bound);
    if (key->row.type == OD_TYPE_LIST)
        od_free(scratch.list);
    if (good)
        return OD_NONE;
    return key->row.type == OD_TYPE_INT32 ? OD_INVALID_REQUEST : OD_INVALID_CONFIG;
}
