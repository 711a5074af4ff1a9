/* SPDX-License-Identifier: Apache-2.0 */
/* What may differ between two brokers that are both right, and is therefore taken out of answers.
 */
#include "compare.h"
#include "records.h"

enum how {
    OPAQUE,  /* only whether it is there: null, "", 0, -1 and false stay, anything else is "some" */
    MESSAGE, /* only whether it says something: null and "" are null, anything else is "some" */
    IGNORED, /* nothing of it is compared */
    KEYED,   /* a set, compared by its elements' names */
    RECORDS,
    RELATIVE, /* a time in ms, or -1; compared to the conversation's now */
};

/* The first row that fits counts; api NULL: of every API. */
static const struct rule {
    const char *api, *member;
    enum how how;
    const char *by[4]; /* KEYED: the members that name an element, the first that is not null */
} rules[] = {
    { "api_versions", "api_keys", KEYED, { "api_key" } },
    { "api_versions", "finalized_features_epoch", OPAQUE, { NULL } },
    { "describe_log_dirs", "log_dir", OPAQUE, { NULL } },
    { "describe_log_dirs", "total_bytes", OPAQUE, { NULL } },
    { "describe_log_dirs", "usable_bytes", OPAQUE, { NULL } },
    { "fetch", "records", RECORDS, { NULL } },
    { "fetch", "session_id", OPAQUE, { NULL } },
    { "list_offsets", "timestamp", RELATIVE, { NULL } },
    { "produce", "partition_responses", KEYED, { "index" } },
    { "produce", "batch_index_error_message", OPAQUE, { NULL } },
    { "produce", "log_append_time_ms", OPAQUE, { NULL } },
    { "init_producer_id", "producer_id", OPAQUE, { NULL } },
    { "list_config_resources", "config_resources", KEYED, { "resource_name" } },
    { "elect_leaders", "replica_election_results", KEYED, { "topic" } },
    { "elect_leaders", "partition_result", KEYED, { "partition_id" } },
    { "describe_quorum", "last_fetch_timestamp", OPAQUE, { NULL } },
    { "describe_quorum", "last_caught_up_timestamp", OPAQUE, { NULL } },
    { "describe_quorum", "log_end_offset", OPAQUE, { NULL } },
    { "describe_quorum", "high_watermark", OPAQUE, { NULL } },
    { "describe_quorum", "leader_epoch", OPAQUE, { NULL } },
    { "describe_quorum", "replica_directory_id", IGNORED, { NULL } },
    { "describe_producers", "last_timestamp", RELATIVE, { NULL } },
    { "list_groups", "groups", KEYED, { "group_id" } },
    { NULL, "member_id", OPAQUE, { NULL } },
    { NULL, "leader", OPAQUE, { NULL } },
    { NULL, "groups", KEYED, { "group_id" } },
    { NULL, "cluster_id", OPAQUE, { NULL } },
    { NULL, "controller_id", OPAQUE, { NULL } },
    { NULL, "member_epoch", OPAQUE, { NULL } },
    { NULL, "group_epoch", OPAQUE, { NULL } },
    { NULL, "assignment_epoch", OPAQUE, { NULL } },
    { NULL, "documentation", MESSAGE, { NULL } },
    { NULL, "error_message", MESSAGE, { NULL } },
    { NULL, "port", OPAQUE, { NULL } },
    { NULL, "throttle_time_ms", IGNORED, { NULL } },
    { NULL, "topic_id", OPAQUE, { NULL } },
    { NULL, "brokers", KEYED, { "node_id", "broker_id" } },
    { NULL, "topics", KEYED, { "name", "topic", "topic_id" } },
    { NULL, "responses", KEYED, { "name", "topic", "topic_id", "resource_name" } },
    { NULL, "results", KEYED, { "name", "topic", "resource_name" } },
    { NULL, "configs", KEYED, { "name" } },
    { NULL, "supported_features", KEYED, { "name" } },
    { NULL, "finalized_features", KEYED, { "name" } },
    { NULL, "partitions", KEYED, { "partition_index", "partition", "index" } },
};

static const struct rule *rule_of(const struct od_api *api, const char *member)
{
    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
        if (strcmp(rules[i].member, member) == 0 &&
            (!rules[i].api || strcmp(rules[i].api, api->name) == 0))
            return &rules[i];
    return NULL;
}

/* "$a" for a name of the conversation, "$a.id" for the id of its topic; owned. */
static json_t *plain_string(const struct side *s, const json_t *value)
{
    const char *text = json_string_value(value), *name;
    size_t len = strlen(s->prefix);
    json_t *bound;

    if (strncmp(text, s->prefix, len) == 0 && text[len] == '-')
        return json_pack("s+", "$", text + len + 1);
    json_object_foreach(s->bound, name,
                        bound) if (json_equal(bound, value)) return json_pack("s+", "$", name);
    return json_deep_copy(value);
}

static json_t *opaque(const struct side *s, const json_t *value)
{
    json_t *plain;

    if (json_is_integer(value) && json_integer_value(value) > 0)
        return json_string("some");
    if (!json_is_string(value) || json_string_length(value) == 0)
        return json_deep_copy(value);
    plain = plain_string(s, value);
    if (json_string_value(plain)[0] == '$' ||
        strcmp(json_string_value(plain), "AAAAAAAAAAAAAAAAAAAAAA") == 0)
        return plain;
    json_decref(plain);
    return json_string("some");
}

static json_t *walk(const struct side *s, const struct od_api *api, const json_t *value);

/* The name of an element of a set, in text; empty: it has none. */
static void name_of(const struct rule *rule, const json_t *element, char *text, size_t bytes)
{
    text[0] = '\0';
    for (size_t i = 0; i < 4 && rule->by[i]; i++) {
        const json_t *v = json_object_get(element, rule->by[i]);

        if (json_is_string(v))
            snprintf(text, bytes, "%s", json_string_value(v));
        else if (json_is_integer(v))
            snprintf(text, bytes, "%lld", (long long)json_integer_value(v));
        if (text[0])
            return;
    }
}

/* True for what another conversation has made, and for internal topics, which come with need. */
static bool foreign(const struct side *s, const char *name)
{
    if (strncmp(name, "__", 2) == 0)
        return true;
    return strncmp(name, "d-", 2) == 0 && strncmp(name, s->prefix, strlen(s->prefix)) != 0;
}

static json_t *keyed(const struct side *s, const struct od_api *api, const struct rule *rule,
                     const json_t *list)
{
    json_t *set, *element;
    char name[512], twin[540];
    size_t i;

    if (!json_is_array(list))
        return json_deep_copy(list);
    set = json_object();
    json_array_foreach((json_t *)list, i, element)
    {
        json_t *plain = walk(s, api, element);

        name_of(rule, element, name, sizeof(name));
        if (!foreign(s, name)) {
            name_of(rule, plain, name, sizeof(name));
            snprintf(twin, sizeof(twin), "%s", name);
            for (int n = 2; json_object_get(set, twin); n++)
                snprintf(twin, sizeof(twin), "%s#%d", name, n);
            json_object_set(set, twin, plain);
        }
        json_decref(plain);
    }
    return set;
}

static json_t *relative(const struct side *s, const json_t *value)
{
    json_int_t ms = json_integer_value(value);

    return json_integer(ms < 0 ? ms : ms - s->now_ms);
}

static json_t *apply(const struct side *s, const struct od_api *api, const struct rule *rule,
                     const json_t *value)
{
    switch (rule->how) {
    case OPAQUE:
        return opaque(s, value);
    case MESSAGE:
        return json_string_length(value) > 0 ? json_string("some") : json_null();
    case IGNORED:
        return json_null();
    case KEYED:
        return keyed(s, api, rule, value);
    case RECORDS:
        return json_is_string(value) ? records_show(json_string_value(value), s->now_ms)
                                     : json_deep_copy(value);
    case RELATIVE:
        return relative(s, value);
    }
    return NULL;
}

static json_t *walk(const struct side *s, const struct od_api *api, const json_t *value)
{
    const char *name;
    json_t *member, *copy;
    size_t i;

    if (json_is_string(value))
        return plain_string(s, value);
    if (json_is_array(value)) {
        copy = json_array();
        json_array_foreach((json_t *)value, i, member)
            json_array_append_new(copy, walk(s, api, member));
        return copy;
    }
    if (!json_is_object(value))
        return json_deep_copy(value);
    copy = json_object();
    json_object_foreach((json_t *)value, name, member)
    {
        const struct rule *rule = rule_of(api, name);

        json_object_set_new(copy, name, rule ? apply(s, api, rule, member) : walk(s, api, member));
    }
    return copy;
}

json_t *normalise(const struct side *s, const struct od_api *api, const json_t *answer)
{
    return walk(s, api, answer);
}
