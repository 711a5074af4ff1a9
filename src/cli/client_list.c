/* SPDX-License-Identifier: Apache-2.0 */
/* `odradek client list`: who is connected to the brokers, with which library, doing what. */
#include "cli/cli.h"
#include "cli/commands.h"
#include "wire/api/describe_cluster.h"
#include "wire/api/metadata.h"

#include <stdio.h>
#include <string.h>

static const struct od_column columns[] = {
    { "address", "ADDRESS", 0 },
    { "broker", "BROKER", OD_COLUMN_RIGHT },
    { "client_id", "CLIENT-ID", 0 },
    { "library", "LIBRARY", 0 },
    { "requests", "REQUESTS", OD_COLUMN_RIGHT },
    { "bytes_in", "IN", OD_COLUMN_RIGHT },
    { "bytes_out", "OUT", OD_COLUMN_RIGHT },
    { "waiting", "WAITING", OD_COLUMN_RIGHT | OD_COLUMN_WIDE },
    { "answer_ms", "ANSWER-MS", OD_COLUMN_RIGHT | OD_COLUMN_WIDE },
    { "idle_ms", "IDLE-MS", OD_COLUMN_RIGHT | OD_COLUMN_WIDE },
    { "connected_ms", "SINCE", OD_COLUMN_RIGHT | OD_COLUMN_WIDE },
    { "listener", "LISTENER", OD_COLUMN_WIDE },
    { "connection_id", "CONNECTION", OD_COLUMN_RIGHT | OD_COLUMN_WIDE },
    { "apis", "APIS", OD_COLUMN_WIDE },
};

/* Tables show "fetch:13", JSON the same text: the count is for those who draw. */
static void add_apis(const struct od_describe_cluster_rsp_client *c, json_t *row)
{
    json_t *list = od_row_list(row, "apis");

    for (int32_t i = 0; i < c->apis.n; i++) {
        const struct od_api *api = od_api_find(c->apis.v[i].api_key);
        struct od_text text = { 0 };

        if (api)
            od_text_add(&text, "%s:%d", api->name, c->apis.v[i].api_version);
        else
            od_text_add(&text, "%d:%d", c->apis.v[i].api_key, c->apis.v[i].api_version);
        json_array_append_new(list, json_string(od_text_get(&text)));
        od_text_reset(&text);
    }
}

static void add(const struct od_describe_cluster_rsp_client *c, int32_t broker,
                struct od_table *table)
{
    struct od_text library = { 0 };
    json_t *row = od_table_row(table);

    if (c->software_name.len)
        od_text_add(&library, "%.*s %.*s", OD_STR_ARGS(c->software_name),
                    OD_STR_ARGS(c->software_version));
    od_row_str(row, "address", c->address);
    od_row_int(row, "broker", broker);
    od_row_str(row, "client_id", c->client_id.len ? c->client_id : OD_STR_NULL);
    od_row_str(row, "library",
               library.len ? (struct od_str){ library.data, library.len } : OD_STR_NULL);
    od_row_int(row, "requests", c->requests);
    od_row_int(row, "bytes_in", c->bytes_in);
    od_row_int(row, "bytes_out", c->bytes_out);
    od_row_int(row, "waiting", c->waiting);
    od_row_int(row, "answer_ms", c->answer_ms);
    od_row_int(row, "idle_ms", c->idle_ms);
    od_row_int(row, "connected_ms", c->connected_ms);
    od_row_str(row, "listener", c->listener);
    od_row_int(row, "connection_id", c->connection_id);
    add_apis(c, row);
    od_text_reset(&library);
}

static int ask_broker(struct od_cli *cli, int32_t broker, struct od_table *table)
{
    struct od_describe_cluster_req req;
    struct od_describe_cluster_rsp rsp;
    struct od_client_ask ask = { .api = od_api_find(OD_describe_cluster_KEY),
                                 .request = &req,
                                 .to = OD_CLIENT_NODE,
                                 .node = broker };
    int code;

    od_describe_cluster_req_defaults(&req);
    req.include_clients = true;
    code = od_cli_call(cli, &ask, &rsp);
    if (code)
        return code;
    if (rsp.error_code) {
        od_cli_failed(cli, (enum od_err)rsp.error_code, rsp.error_message, "broker %d", broker);
        return OD_EXIT_OK;
    }
    /* We are connected ourselves: nobody at all means that the broker does not tell. */
    if (rsp.clients.n <= 0)
        return od_cli_fail(OD_EXIT_FAILED, "broker %d does not tell who is connected; an Odradek "
                                           "of this version does",
                           broker);
    for (int32_t i = 0; i < rsp.clients.n; i++)
        add(&rsp.clients.v[i], broker, table);
    if (rsp.clients_truncated)
        od_cli_fail(0, "broker %d has more connections than it lists", broker);
    od_cli_done(cli);
    return OD_EXIT_OK;
}

static int run(struct od_cli *cli)
{
    struct od_str none;
    struct od_metadata_rsp rsp;
    struct od_table table;
    int32_t *ids;
    int n = 0;
    int code = od_cli_connect(cli);

    if (!code)
        code = od_cli_metadata(cli, &none, 0, &rsp);
    if (code)
        return code;
    ids = od_arena_alloc(&cli->arena, sizeof(*ids) * (size_t)(rsp.brokers.n + 1));
    for (; n < rsp.brokers.n; n++)
        ids[n] = rsp.brokers.v[n].node_id;
    od_table_init(&table, columns, OD_COUNT(columns));
    for (int i = 0; i < n && !code; i++)
        code = ask_broker(cli, ids[i], &table);
    if (code)
        od_table_deinit(&table);
    else
        code = od_cli_print(cli, &table);
    return code ? code : od_cli_result(cli);
}

const struct od_cli_command od_cli_command_client_list = {
    .name = "client list",
    .uses = OD_USES_CLUSTER | OD_USES_OUTPUT,
    .help = "Show who is connected, with which library, and what they ask",
    .details = "Each broker is asked about its own connections.  ANSWER-MS is the age of the\n"
               "oldest request without an answer, SINCE is ms since 1970, APIS are name:version.",
    .run = run,
};
