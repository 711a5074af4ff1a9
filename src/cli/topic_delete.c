/* SPDX-License-Identifier: Apache-2.0 */
/* `odradek topic delete`. */
#include "cli/cli.h"
#include "cli/commands.h"
#include "wire/api/delete_topics.h"

#include <string.h>

static const struct od_column columns[] = {
    { "topic", "TOPIC", 0 },
    { "status", "STATUS", 0 },
    { "id", "ID", OD_COLUMN_WIDE },
};

/* Names for brokers before version 6, topics for the others. */
static void fill(struct od_cli *cli, int16_t version, struct od_delete_topics_req *req)
{
    int n = cli->arg_count;

    od_delete_topics_req_defaults(req);
    req->timeout_ms = (int32_t)cli->settings.timeout_ms;
    if (version < 6)
        OD_ARENA_LIST(&cli->arena, req->topic_names, n);
    else
        OD_ARENA_LIST(&cli->arena, req->topics, n);
    for (int i = 0; i < n; i++) {
        if (version < 6)
            req->topic_names.v[i] = od_str_of(cli->args[i]);
        else
            req->topics.v[i].name = od_str_of(cli->args[i]);
    }
}

static void show(struct od_cli *cli, const struct od_delete_topics_rsp_response *in,
                 struct od_table *t)
{
    bool fine =
        in->error_code == OD_UNKNOWN_TOPIC_OR_PARTITION && od_cli_has(cli, "if-exists");
    json_t *row = od_table_row(t);

    od_row_str(row, "topic", in->name);
    od_row_uuid(row, "id", in->topic_id);
    if (in->error_code && !fine) {
        od_row_text(row, "status", od_err_name((enum od_err)in->error_code));
        od_cli_failed(cli, (enum od_err)in->error_code, in->error_message, "topic \"%.*s\"",
                      OD_STR_ARGS(in->name));
        return;
    }
    od_cli_done(cli);
    od_row_text(row, "status", fine ? "did not exist" : "deleted");
}

static int delete(struct od_cli *cli)
{
    struct od_delete_topics_req req;
    struct od_delete_topics_rsp rsp;
    struct od_client_ask ask = { .api = od_api_find(OD_delete_topics_KEY),
                                 .request = &req,
                                 .to = OD_CLIENT_CONTROLLER,
                                 .changes = true };
    struct od_table table;
    int16_t version;
    enum od_err err = od_client_version(cli->client, &ask, &version);
    int code;

    if (err)
        return od_cli_call_failed(cli, err);
    fill(cli, version, &req);
    code = od_cli_call(cli, &ask, &rsp);
    if (code)
        return code;
    od_table_init(&table, columns, OD_COUNT(columns));
    for (int32_t i = 0; i < rsp.responses.n; i++)
        show(cli, &rsp.responses.v[i], &table);
    code = od_cli_print(cli, &table);
    return code ? code : od_cli_result(cli);
}

/* What would be deleted, with the number of partitions that shows how much it is. */
static int plan(struct od_cli *cli)
{
    static const struct od_column plan_columns[] = {
        { "topic", "TOPIC", 0 },
        { "status", "STATUS", 0 },
        { "partitions", "PARTITIONS", OD_COLUMN_RIGHT | OD_COLUMN_OPTIONAL },
    };
    struct od_str *names = od_arena_alloc(&cli->arena, sizeof(*names) * (size_t)cli->arg_count);
    struct od_metadata_rsp rsp;
    struct od_table table;
    int code;

    for (int i = 0; i < cli->arg_count; i++)
        names[i] = od_str_of(cli->args[i]);
    code = od_cli_metadata(cli, names, cli->arg_count, &rsp);
    if (code)
        return code;
    od_table_init(&table, plan_columns, OD_COUNT(plan_columns));
    for (int32_t i = 0; i < rsp.topics.n; i++) {
        const struct od_metadata_rsp_topic *t = &rsp.topics.v[i];
        json_t *row = od_table_row(&table);

        od_row_str(row, "topic", t->name);
        if (t->error_code == OD_UNKNOWN_TOPIC_OR_PARTITION && od_cli_has(cli, "if-exists")) {
            od_row_text(row, "status", "does not exist");
        } else if (t->error_code) {
            od_row_text(row, "status", od_err_name((enum od_err)t->error_code));
            od_cli_failed(cli, (enum od_err)t->error_code, OD_STR_NULL, "topic \"%.*s\"",
                          OD_STR_ARGS(t->name));
            continue;
        } else {
            od_row_text(row, "status", "would be deleted");
            od_row_int(row, "partitions", t->partitions.n);
        }
        od_cli_done(cli);
    }
    code = od_cli_print(cli, &table);
    return code ? code : od_cli_result(cli);
}

static int run(struct od_cli *cli)
{
    int code = od_cli_connect(cli);

    if (code)
        return code;
    if (od_cli_has(cli, "dry-run"))
        return plan(cli);
    if (!od_cli_confirm(cli, "Delete %s%s with all records?", cli->args[0],
                        cli->arg_count > 1 ? " and others" : ""))
        return od_cli_fail(OD_EXIT_FAILED, "nothing was deleted");
    return delete(cli);
}

static const struct od_option options[] = {
    { .name = "if-exists", .help = "no error if there is no such topic" },
    { 0 },
};

const struct od_cli_command od_cli_command_topic_delete = {
    .name = "topic delete",
    .arguments = "TOPIC...",
    .args_min = 1,
    .args_max = OD_ARGS_ANY,
    .candidates = OD_CANDIDATES_TOPICS,
    .uses = OD_USES_CLUSTER | OD_USES_OUTPUT | OD_USES_DRY_RUN | OD_USES_YES,
    .help = "Delete topics with all their records",
    .options = options,
    .run = run,
};
