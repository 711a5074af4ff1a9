/* SPDX-License-Identifier: Apache-2.0 */
/* DescribeConfigs and IncrementalAlterConfigs of one resource. */
#include "cli/configs.h"

#include "wire/api/describe_configs.h"
#include "wire/api/incremental_alter_configs.h"

#include <string.h>

enum { SOURCE_DEFAULT = 5, OPERATION_SET = 0, OPERATION_DELETE = 1, OPERATION_APPEND = 2,
       OPERATION_SUBTRACT = 3 };

static const char *source_name(int8_t source)
{
    static const char *const names[] = { "unknown",        "topic",          "broker",
                                         "all brokers",    "file",           "default",
                                         "broker logger",  "client metrics", "group" };

    return source >= 0 && (size_t)source < OD_COUNT(names) ? names[source] : "unknown";
}

static const char *type_name(int8_t type)
{
    static const char *const names[] = { NULL,     "boolean", "string", "int",   "short",
                                         "long",   "double",  "list",   "class", "password" };

    return type > 0 && (size_t)type < OD_COUNT(names) ? names[type] : NULL;
}

/* Kafka's numbers are the powers of two, in the order of the words. */
static enum od_configs_of kind_at(int i)
{
    return (enum od_configs_of)(OD_CONFIGS_TOPIC << i);
}

static const char *kind_name(enum od_configs_of of)
{
    static const char *const names[] = { "topic", "broker", "broker-logger", "client-metrics",
                                         "group" };

    for (size_t i = 0; i < OD_COUNT(names); i++)
        if (kind_at((int)i) == of)
            return names[i];
    return "resource";
}

bool od_configs_kind(struct od_cli *cli, const char *word, enum od_configs_of *out)
{
    for (int i = 0; od_words_at(OD_CONFIGS_KINDS, i).data; i++) {
        if (!od_str_is(od_words_at(OD_CONFIGS_KINDS, i), word))
            continue;
        *out = kind_at(i);
        return true;
    }
    od_cli_usage(cli, "settings belong to %s, not to \"%s\"", OD_CONFIGS_KINDS, word);
    return false;
}

/* Settings of one broker are asked of that broker. */
static bool aim(struct od_cli *cli, enum od_configs_of of, struct od_str name,
                struct od_client_ask *ask)
{
    int64_t id;

    if ((of != OD_CONFIGS_BROKER && of != OD_CONFIGS_BROKER_LOGGER) || name.len == 0)
        return true;
    if (!od_str_to_i64(name, 0, INT32_MAX, &id)) {
        od_cli_usage(cli, "a broker is named by its id, not \"%.*s\"", OD_STR_ARGS(name));
        return false;
    }
    ask->to = OD_CLIENT_NODE;
    ask->node = (int32_t)id;
    return true;
}

static int by_key(const void *a, const void *b)
{
    return od_str_cmp(((const struct od_describe_configs_rsp_config *)a)->name,
                      ((const struct od_describe_configs_rsp_config *)b)->name);
}

static void take(const struct od_describe_configs_rsp_result *in, json_t *rows)
{
    if (in->configs.n > 1)
        qsort(in->configs.v, (size_t)in->configs.n, sizeof(*in->configs.v), by_key);
    for (int32_t i = 0; i < in->configs.n; i++) {
        const struct od_describe_configs_rsp_config *c = &in->configs.v[i];
        json_t *row = json_object();

        json_array_append_new(rows, row);
        od_row_str(row, "key", c->name);
        od_row_str(row, "value", c->value);
        od_row_text(row, "source", c->config_source < 0 ? c->is_default ? "default" : "unknown"
                                                        : source_name(c->config_source));
        od_row_bool(row, "default", c->is_default || c->config_source == SOURCE_DEFAULT);
        od_row_bool(row, "read_only", c->read_only);
        od_row_bool(row, "sensitive", c->is_sensitive);
        od_row_text(row, "type", type_name(c->config_type));
    }
}

int od_configs_get(struct od_cli *cli, enum od_configs_of of, struct od_str name,
                   const struct od_str *keys, int n, struct od_configs *out)
{
    struct od_describe_configs_req_resource resource;
    struct od_describe_configs_req req;
    struct od_describe_configs_rsp rsp;
    struct od_client_ask ask = { .api = od_api_find(OD_describe_configs_KEY), .request = &req };
    int16_t version;
    enum od_err err;
    int code;

    out->rows = json_array();
    if (!aim(cli, of, name, &ask))
        return OD_EXIT_USAGE;
    if (of == OD_CONFIGS_TOPIC && !keys && n == 0 &&
        od_client_version(cli->client, &ask, &version) == OD_UNSUPPORTED_VERSION)
        return OD_EXIT_OK;
    od_describe_configs_req_defaults(&req);
    od_describe_configs_req_resource_defaults(&resource);
    resource.resource_type = (int8_t)of;
    resource.resource_name = name;
    resource.configuration_keys.n = n ? n : -1;
    resource.configuration_keys.v = (struct od_str *)keys;
    req.resources.n = 1;
    req.resources.v = &resource;
    code = od_cli_call(cli, &ask, &rsp);
    for (int32_t i = 0; !code && i < rsp.results.n; i++) {
        err = (enum od_err)rsp.results.v[i].error_code;
        if (err) {
            od_cli_failed(cli, err, rsp.results.v[i].error_message, "%s \"%.*s\"",
                          kind_name(of), OD_STR_ARGS(name));
            return cli->failed_code;
        }
        take(&rsp.results.v[i], out->rows);
    }
    return code;
}

void od_configs_deinit(struct od_configs *c)
{
    json_decref(c->rows);
    c->rows = NULL;
}

static bool add(struct od_cli *cli, struct od_incremental_alter_configs_req_resource *r,
                const char *text, int8_t operation)
{
    struct od_incremental_alter_configs_req_config *c = &r->configs.v[r->configs.n++];

    od_incremental_alter_configs_req_config_defaults(c);
    c->config_operation = operation;
    if (operation != OPERATION_DELETE)
        return od_cli_pair(cli, text, &c->name, &c->value);
    c->name = od_str_of(text);
    c->value = OD_STR_NULL;
    return true;
}

static bool gather(struct od_cli *cli, const char *const *pairs, int pair_count,
                   struct od_incremental_alter_configs_req_resource *r)
{
    static const struct {
        const char *option;
        int8_t operation;
    } kinds[] = { { "set", OPERATION_SET },
                  { "delete", OPERATION_DELETE },
                  { "append", OPERATION_APPEND },
                  { "subtract", OPERATION_SUBTRACT } };
    const char *text;

    OD_ARENA_LIST(&cli->arena, r->configs, cli->options.given_count + pair_count);
    r->configs.n = 0;
    for (int i = 0; i < pair_count; i++)
        if (!add(cli, r, pairs[i], OPERATION_SET))
            return false;
    for (size_t k = 0; k < OD_COUNT(kinds); k++)
        for (int i = 0; (text = od_options_nth(&cli->options, kinds[k].option, i)); i++)
            if (!add(cli, r, text, kinds[k].operation))
                return false;
    return true;
}

int od_configs_change(struct od_cli *cli, enum od_configs_of of, struct od_str name,
                      const char *const *pairs, int pair_count, int *changes)
{
    struct od_incremental_alter_configs_req_resource resource;
    struct od_incremental_alter_configs_req req;
    struct od_incremental_alter_configs_rsp rsp;
    struct od_client_ask ask = { .api = od_api_find(OD_incremental_alter_configs_KEY),
                                 .request = &req,
                                 .to = OD_CLIENT_CONTROLLER };
    int code;

    *changes = 0;
    od_incremental_alter_configs_req_defaults(&req);
    od_incremental_alter_configs_req_resource_defaults(&resource);
    if (!aim(cli, of, name, &ask) || !gather(cli, pairs, pair_count, &resource))
        return OD_EXIT_USAGE;
    *changes = resource.configs.n;
    if (*changes == 0)
        return OD_EXIT_OK;
    resource.resource_type = (int8_t)of;
    resource.resource_name = name;
    req.resources.n = 1;
    req.resources.v = &resource;
    req.validate_only = od_cli_has(cli, "dry-run");
    ask.changes = !req.validate_only;
    code = od_cli_call(cli, &ask, &rsp);
    for (int32_t i = 0; !code && i < rsp.responses.n; i++) {
        enum od_err err = (enum od_err)rsp.responses.v[i].error_code;

        if (!err)
            continue;
        od_cli_failed(cli, err, rsp.responses.v[i].error_message, "%s \"%.*s\"",
                      kind_name(of), OD_STR_ARGS(name));
        code = cli->failed_code;
    }
    return code;
}
