/* SPDX-License-Identifier: Apache-2.0 */
/* `odradek topic create`. */
#include "cli/cli.h"
#include "cli/commands.h"
#include "wire/api/create_topics.h"

static const struct od_column columns[] = {
    { "topic", "TOPIC", 0 },
    { "status", "STATUS", 0 },
    { "partitions", "PARTITIONS", OD_COLUMN_RIGHT | OD_COLUMN_OPTIONAL },
    { "replicas", "REPLICAS", OD_COLUMN_RIGHT | OD_COLUMN_OPTIONAL },
    { "id", "ID", OD_COLUMN_WIDE },
};

static bool read_configs(struct od_cli *cli, struct od_create_topics_req_topic *t)
{
    const char *pair;
    int n = 0;

    while (od_options_nth(&cli->options, "config", n))
        n++;
    OD_ARENA_LIST(&cli->arena, t->configs, n);
    for (int i = 0; (pair = od_options_nth(&cli->options, "config", i)); i++)
        if (!od_cli_pair(cli, pair, &t->configs.v[i].name, &t->configs.v[i].value))
            return false;
    return true;
}

static bool fill(struct od_cli *cli, struct od_create_topics_req *req)
{
    int64_t partitions, replicas;
    struct od_create_topics_req_topic model;

    od_create_topics_req_topic_defaults(&model);
    if (!od_cli_number(cli, "partitions", -1, INT32_MAX, -1, &partitions) ||
        !od_cli_number(cli, "replicas", -1, INT16_MAX, -1, &replicas) ||
        !read_configs(cli, &model))
        return false;
    model.num_partitions = (int32_t)partitions;
    model.replication_factor = (int16_t)replicas;
    od_create_topics_req_defaults(req);
    req->timeout_ms = (int32_t)cli->settings.timeout_ms;
    req->validate_only = od_cli_has(cli, "dry-run");
    OD_ARENA_LIST(&cli->arena, req->topics, cli->arg_count);
    for (int i = 0; i < cli->arg_count; i++) {
        req->topics.v[i] = model;
        req->topics.v[i].name = od_str_of(cli->args[i]);
    }
    return true;
}

static void show(struct od_cli *cli, const struct od_create_topics_rsp_topic *in,
                 struct od_table *t)
{
    bool fine = in->error_code == OD_TOPIC_ALREADY_EXISTS && od_cli_has(cli, "if-not-exists");
    json_t *row = od_table_row(t);

    od_row_str(row, "topic", in->name);
    if (in->error_code && !fine) {
        od_row_text(row, "status", od_err_name((enum od_err)in->error_code));
        od_cli_failed(cli, (enum od_err)in->error_code, in->error_message, "topic \"%.*s\"",
                      OD_STR_ARGS(in->name));
        return;
    }
    od_cli_done(cli);
    od_row_text(row, "status",
                fine                         ? "exists"
                : od_cli_has(cli, "dry-run") ? "would be created"
                                             : "created");
    if (in->num_partitions >= 0)
        od_row_int(row, "partitions", in->num_partitions);
    if (in->replication_factor >= 0)
        od_row_int(row, "replicas", in->replication_factor);
    od_row_uuid(row, "id", in->topic_id);
}

static int run(struct od_cli *cli)
{
    struct od_create_topics_req req;
    struct od_create_topics_rsp rsp;
    struct od_client_ask ask = { .api = od_api_find(OD_create_topics_KEY),
                                 .request = &req,
                                 .to = OD_CLIENT_CONTROLLER,
                                 .changes = true };
    struct od_table table;
    int code = od_cli_connect(cli);

    if (!code && !fill(cli, &req))
        code = OD_EXIT_USAGE;
    if (!code)
        code = od_cli_call(cli, &ask, &rsp);
    if (code)
        return code;
    od_table_init(&table, columns, OD_COUNT(columns));
    for (int32_t i = 0; i < rsp.topics.n; i++)
        show(cli, &rsp.topics.v[i], &table);
    code = od_cli_print(cli, &table);
    return code ? code : od_cli_result(cli);
}

static const struct od_option options[] = {
    { .name = "partitions", .letter = 'p', .value = "N",
      .help = "how many; -1: the broker's num.partitions (-1)" },
    { .name = "replicas", .letter = 'r', .value = "N",
      .help = "of each; -1: default.replication.factor (-1)" },
    { .name = "config", .letter = 'c', .value = "KEY=VALUE", .repeated = true,
      .candidates = OD_CANDIDATES_KEYS, .help = "a setting of the topic" },
    { .name = "if-not-exists", .help = "no error if the topic exists" },
    { 0 },
};

const struct od_cli_command od_cli_command_topic_create = {
    .name = "topic create",
    .arguments = "TOPIC...",
    .args_min = 1,
    .args_max = OD_ARGS_ANY,
    .uses = OD_USES_CLUSTER | OD_USES_OUTPUT | OD_USES_DRY_RUN,
    .help = "Create topics",
    .options = options,
    .run = run,
};
