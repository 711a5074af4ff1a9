/* SPDX-License-Identifier: Apache-2.0 */
/* One of the two brokers of a conversation. */
#include "side.h"

#include "base/assert.h"
#include "base/mem.h"
#include "fill.h"
#include "os/clock.h"
#include "wire/api/api_versions.h"
#include "wire/api/find_coordinator.h"
#include "wire/api/list_offsets.h"
#include "wire/api/metadata.h"
#include "wire/api/offset_fetch.h"
#include "wire/print.h"

#include <unistd.h>

enum { READY_TRIES_MAX = 1000, READY_PAUSE_US = 10000 };

struct side *side_open(const char *name, const char *address)
{
    struct side *s = OD_NEW(struct side);
    struct od_api_versions_req req;
    struct od_api_versions_rsp rsp;

    s->name = name;
    s->address = address;
    s->raw = raw_open_at(address);
    s->bound = json_object();
    od_api_versions_req_defaults(&req);
    req.client_software_name = OD_STR("differential");
    req.client_software_version = OD_STR("1");
    if (raw_call(s->raw, OD_api_versions_KEY, 3, &req, &rsp) != RAW_ANSWER) {
        fprintf(stderr, "%s at %s does not tell its versions\n", name, address);
        exit(2);
    }
    for (int i = 0; i < SIDE_KEYS_MAX; i++)
        s->served[i].max = -1;
    for (int32_t i = 0; i < rsp.api_keys.n; i++) {
        const struct od_api_versions_rsp_api_version *v = &rsp.api_keys.v[i];

        if (v->api_key >= 0 && v->api_key < SIDE_KEYS_MAX) {
            s->served[v->api_key].min = v->min_version;
            s->served[v->api_key].max = v->max_version;
        }
    }
    return s;
}

void side_close(struct side *s)
{
    raw_close(s->raw);
    json_decref(s->bound);
    od_free(s);
}

bool side_serves(const struct side *s, const struct od_api *api, int16_t version)
{
    return version >= s->served[api->key].min && version <= s->served[api->key].max;
}

static void reconnect(struct side *s)
{
    raw_close(s->raw);
    s->raw = raw_open_at(s->address);
}

void side_begin(struct side *s, const char *prefix, int64_t now_ms)
{
    reconnect(s);
    snprintf(s->prefix, sizeof(s->prefix), "%s", prefix);
    s->now_ms = now_ms;
    json_object_clear(s->bound);
}

void side_bind(struct side *s, const char *name, const json_t *value)
{
    json_object_set(s->bound, name, (json_t *)value);
}

/* --- templates ----------------------------------------------------------------------------- */

static json_t *expand_name(const struct side *s, const char *name)
{
    const json_t *bound = json_object_get(s->bound, name);
    size_t len = strlen(name);

    if (bound)
        return json_deep_copy(bound);
    if (strncmp(name, "now", 3) == 0)
        return json_integer(s->now_ms + strtoll(name + 3, NULL, 10));
    if (len > 3 && strcmp(name + len - 3, ".id") == 0)
        return json_string("Zm9yIG5vLXN1Y2gtdG9waQ");
    return json_pack("s++", s->prefix, "-", name);
}

static json_t *expand(const struct side *s, const json_t *template)
{
    const char *key;
    json_t *value, *copy;
    size_t i;

    switch (json_typeof(template)) {
    case JSON_OBJECT:
        copy = json_object();
        json_object_foreach((json_t *)template, key, value)
            json_object_set_new(copy, key, expand(s, value));
        return copy;
    case JSON_ARRAY:
        copy = json_array();
        json_array_foreach((json_t *)template, i, value)
            json_array_append_new(copy, expand(s, value));
        return copy;
    case JSON_STRING:
        if (json_string_value(template)[0] == '$')
            return expand_name(s, json_string_value(template) + 1);
        break;
    case JSON_INTEGER:
    case JSON_REAL:
    case JSON_TRUE:
    case JSON_FALSE:
    case JSON_NULL:
        break;
    }
    return json_deep_copy(template);
}

/* --- requests and answers ------------------------------------------------------------------ */

/* The request in the connection's arena, or NULL with *error. */
static void *request_of(struct side *s, const struct od_api *api, int16_t version,
                        const json_t *template, const char **error)
{
    struct fill f = { .arena = &s->raw->arena, .version = version, .now_ms = s->now_ms };
    json_t *from = expand(s, template);
    void *request;
    bool filled;

    od_arena_reset(f.arena);
    request = od_arena_alloc(f.arena, api->request->shape->bytes);
    filled = fill_struct(&f, api->request->shape, from, request);
    json_decref(from);
    *error = f.error;
    return filled ? request : NULL;
}

uint8_t *side_encode(struct side *s, const struct od_api *api, int16_t version,
                     const json_t *template, size_t *len)
{
    const char *error;
    const void *request = request_of(s, api, version, template, &error);

    return request ? raw_encode(api->key, version, s->raw->next_id++, request, len) : NULL;
}

/* True if there is such a version, whoever serves it. */
static bool known(const struct od_api *api, int16_t version)
{
    return version >= api->version_min && version <= api->version_max;
}

const char *side_send(struct side *s, const struct od_api *api, int16_t version,
                      const json_t *template)
{
    const char *error;
    const void *request;

    if (!known(api, version)) {
        raw_send_body(s->raw, api->key, version, NULL, 0);
        return NULL;
    }
    request = request_of(s, api, version, template, &error);
    if (request)
        raw_send(s->raw, api->key, version, request);
    return request ? NULL : error;
}

json_t *side_receive(struct side *s, const struct od_api *api, int16_t version, int timeout_ms)
{
    static const char *const outcomes[] = {
        [RAW_SILENCE] = "silence",
        [RAW_CLOSED] = "closed",
        [RAW_MALFORMED] = "malformed",
    };
    void *response = od_zalloc(api->response->shape->bytes);
    enum raw_outcome outcome;
    json_t *answer;

    version = known(api, version) ? version : api->version_min;
    outcome = raw_receive(s->raw, api->key, version, response, timeout_ms);

    if (outcome == RAW_ANSWER) {
        struct od_text text = { 0 };

        od_print_message(api->response, response, version, OD_PRINT_JSON, &text);
        answer = json_loads(od_text_get(&text), 0, NULL);
        OD_ASSERT(answer);
        od_text_reset(&text);
    } else {
        answer = json_string(outcomes[outcome]);
        reconnect(s);
    }
    od_free(response);
    return answer;
}

/* --- waiting ------------------------------------------------------------------------------- */

static json_t *ask(struct side *s, int16_t key, int16_t version, json_t *request)
{
    const struct od_api *api = od_api_find(key);
    const char *error = side_send(s, api, version, request);

    json_decref(request);
    OD_ASSERT(!error);
    return side_receive(s, api, version, RAW_PATIENCE_MS);
}

/* True if the topic's leaders answer; Kafka tells of a leader before it serves as one. */
static bool leaders_answer(struct side *s, const char *name, size_t partitions)
{
    json_t *list = json_array(), *answer, *one;
    bool all = true;
    size_t i;

    for (i = 0; i < partitions; i++)
        json_array_append_new(list,
                              json_pack("{s:i, s:i}", "partition_index", (int)i, "timestamp", -1));
    answer = ask(s, OD_list_offsets_KEY, 7,
                 json_pack("{s:[{s:s+, s:o}]}", "topics", "name", "$", name, "partitions", list));
    list = json_object_get(json_array_get(json_object_get(answer, "topics"), 0), "partitions");
    json_array_foreach(list, i, one) all =
        all && json_integer_value(json_object_get(one, "error_code")) == 0;
    all = all && json_array_size(list) == partitions;
    json_decref(answer);
    return all;
}

static bool topic_ready(struct side *s, const char *name)
{
    json_t *answer = ask(s, OD_metadata_KEY, 10,
                         json_pack("{s:[{s:s+}], s:b}", "topics", "name", "$", name,
                                   "allow_auto_topic_creation", 0));
    const json_t *topic = json_array_get(json_object_get(answer, "topics"), 0), *one;
    const json_t *partitions = json_object_get(topic, "partitions");
    bool ready = json_integer_value(json_object_get(topic, "error_code")) == 0;
    char id[80];
    size_t i;

    json_array_foreach((json_t *)partitions, i, one) ready =
        ready && json_integer_value(json_object_get(one, "leader_id")) >= 0;
    ready = ready && json_array_size(partitions) > 0 &&
            leaders_answer(s, name, json_array_size(partitions));
    snprintf(id, sizeof(id), "%s.id", name);
    if (ready)
        side_bind(s, id, json_object_get(topic, "topic_id"));
    json_decref(answer);
    return ready;
}

/* True if the only error code of the answer, which is freed, is 0. */
static bool went_well(json_t *answer)
{
    const json_t *code = json_object_get(answer, "error_code");
    bool well = json_is_integer(code) && json_integer_value(code) == 0;

    json_decref(answer);
    return well;
}

static bool group_ready(struct side *s, const char *name)
{
    return went_well(ask(s, OD_find_coordinator_KEY, 3, json_pack("{s:s+}", "key", "$", name))) &&
           went_well(ask(s, OD_offset_fetch_KEY, 7,
                         json_pack("{s:s+, s:[]}", "group_id", "$", name, "topics")));
}

static bool await(struct side *s, const char *name, bool (*ready)(struct side *, const char *))
{
    for (int i = 0; i < READY_TRIES_MAX; i++) {
        if (ready(s, name))
            return true;
        usleep(READY_PAUSE_US);
    }
    return false;
}

bool side_await_topic(struct side *s, const char *name)
{
    return await(s, name, topic_ready);
}

bool side_await_group(struct side *s, const char *name)
{
    return await(s, name, group_ready);
}
