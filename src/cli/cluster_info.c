/* SPDX-License-Identifier: Apache-2.0 */
/* `odradek cluster info`. */
#include "cli/cli.h"
#include "cli/commands.h"
#include "wire/api/api_versions.h"
#include "wire/api/metadata.h"

#include <stdio.h>

static const struct od_column columns[] = {
    { "id", "ID", OD_COLUMN_RIGHT },
    { "host", "HOST", 0 },
    { "port", "PORT", OD_COLUMN_RIGHT },
    { "rack", "RACK", OD_COLUMN_OPTIONAL },
    { "leads", "LEADS", OD_COLUMN_RIGHT },
    { "role", "ROLE", 0 },
};

static int64_t led_by(const struct od_metadata_rsp *rsp, int32_t node)
{
    int64_t n = 0;

    for (int32_t t = 0; t < rsp->topics.n; t++)
        for (int32_t p = 0; p < rsp->topics.v[t].partitions.n; p++)
            n += rsp->topics.v[t].partitions.v[p].leader_id == node;
    return n;
}

static void add_brokers(const struct od_metadata_rsp *rsp, struct od_table *table)
{
    for (int32_t i = 0; i < rsp->brokers.n; i++) {
        const struct od_metadata_rsp_broker *b = &rsp->brokers.v[i];
        json_t *row = od_table_row(table);

        od_row_int(row, "id", b->node_id);
        od_row_str(row, "host", b->host);
        od_row_int(row, "port", b->port);
        od_row_str(row, "rack", b->rack);
        od_row_int(row, "leads", led_by(rsp, b->node_id));
        od_row_text(row, "role",
                    b->node_id == rsp->controller_id ? "broker, controller" : "broker");
    }
}

static void add_features(const struct od_api_versions_rsp *rsp, json_t *doc)
{
    json_t *features = json_object();

    for (int32_t i = 0; i < rsp->finalized_features.n; i++) {
        const struct od_api_versions_rsp_finalized_feature *f = &rsp->finalized_features.v[i];
        json_t *name = od_json_str(f->name);

        if (json_is_string(name))
            od_row_int(features, json_string_value(name), f->max_version_level);
        json_decref(name);
    }
    json_object_set_new(doc, "features", features);
}

static void print_summary(const json_t *doc)
{
    const char *name;
    json_t *value;
    bool first = true;

    printf("Cluster     %s\n", json_string_value(json_object_get(doc, "cluster_id"))
                                   ? json_string_value(json_object_get(doc, "cluster_id"))
                                   : "-");
    printf("Controller  %lld\n", json_integer_value(json_object_get(doc, "controller_id")));
    printf("Topics      %lld, of %lld partitions\n",
           json_integer_value(json_object_get(doc, "topics")),
           json_integer_value(json_object_get(doc, "partitions")));
    printf("APIs        %lld\n", json_integer_value(json_object_get(doc, "apis")));
    printf("Features    ");
    json_object_foreach(json_object_get(doc, "features"), name, value) {
        printf("%s%s=%lld", first ? "" : " ", name, json_integer_value(value));
        first = false;
    }
    puts(first ? "-\n" : "\n");
}

static int print_all(struct od_cli *cli, const struct od_metadata_rsp *rsp,
                     const struct od_api_versions_rsp *versions)
{
    enum od_output output = od_cli_output(cli);
    int64_t partitions = 0;
    struct od_table table;
    json_t *doc = json_object();

    for (int32_t i = 0; i < rsp->topics.n; i++)
        partitions += rsp->topics.v[i].partitions.n;
    od_row_str(doc, "cluster_id", rsp->cluster_id);
    od_row_int(doc, "controller_id", rsp->controller_id);
    od_row_int(doc, "topics", rsp->topics.n);
    od_row_int(doc, "partitions", partitions);
    od_row_int(doc, "apis", versions->api_keys.n);
    add_features(versions, doc);
    od_table_init(&table, columns, OD_COUNT(columns));
    add_brokers(rsp, &table);
    if (output == OD_OUTPUT_JSON || output == OD_OUTPUT_YAML) {
        json_object_set(doc, "brokers", table.rows);
        od_table_deinit(&table);
        od_cli_print_document(cli, doc);
        return OD_EXIT_OK;
    }
    if (output == OD_OUTPUT_TABLE || output == OD_OUTPUT_WIDE)
        print_summary(doc);
    json_decref(doc);
    return od_cli_print(cli, &table);
}

static int run(struct od_cli *cli)
{
    struct od_answer answer = { 0 };
    struct od_api_versions_rsp versions;
    struct od_metadata_rsp rsp;
    int code = od_cli_connect(cli);
    enum od_err err;

    if (code)
        return code;
    err = od_client_versions(cli->client, &answer, &versions);
    code = err ? od_cli_call_failed(cli, err) : od_cli_metadata(cli, NULL, 0, &rsp);
    if (!code)
        code = print_all(cli, &rsp, &versions);
    od_answer_deinit(&answer);
    return code;
}

const struct od_cli_command od_cli_command_cluster_info = {
    .name = "cluster info",
    .uses = OD_USES_CLUSTER | OD_USES_OUTPUT,
    .help = "Show the cluster's id, controller, brokers and features",
    .run = run,
};
