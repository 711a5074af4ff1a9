/* SPDX-License-Identifier: Apache-2.0 */
/* `odradek topic trim`: deletes the oldest records, up to a position. */
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/places.h"
#include "wire/api/delete_records.h"

#include <string.h>

static const struct od_column columns[] = {
    { "partition", "PARTITION", OD_COLUMN_RIGHT },
    { "start_offset", "START", OD_COLUMN_RIGHT },
    { "status", "STATUS", 0 },
};

static void show(struct od_cli *cli, int32_t partition, int64_t offset, enum od_err err,
                 struct od_table *table)
{
    json_t *row = od_table_row(table);

    od_row_int(row, "partition", partition);
    if (err) {
        od_row_text(row, "status", od_err_name(err));
        od_cli_failed(cli, err, OD_STR_NULL, "topic \"%s\", partition %d", cli->args[0],
                      partition);
        return;
    }
    od_row_int(row, "start_offset", offset);
    od_row_text(row, "status", od_cli_has(cli, "dry-run") ? "would begin here" : "trimmed");
    od_cli_done(cli);
}

/* One request for the partitions that node leads. */
static int trim_on(struct od_cli *cli, int32_t node, const struct od_places *places,
                   struct od_table *table)
{
    struct od_delete_records_req_topic topic;
    struct od_delete_records_req req;
    struct od_delete_records_rsp rsp;
    struct od_client_ask ask = { .api = od_api_find(OD_delete_records_KEY),
                                 .request = &req,
                                 .to = OD_CLIENT_NODE,
                                 .node = node };
    int code = OD_EXIT_OK;

    od_delete_records_req_defaults(&req);
    od_delete_records_req_topic_defaults(&topic);
    topic.name = od_str_of(cli->args[0]);
    OD_ARENA_LIST(&cli->arena, topic.partitions, places->n);
    topic.partitions.n = 0;
    for (int i = 0; i < places->n; i++) {
        struct od_delete_records_req_partition *p = &topic.partitions.v[topic.partitions.n];
        int32_t leader;

        if (od_view_leader(od_client_view(cli->client), topic.name, places->v[i].partition,
                           &leader) ||
            leader != node)
            continue;
        p->partition_index = places->v[i].partition;
        p->offset = places->v[i].offset;
        topic.partitions.n++;
    }
    req.topics.n = 1;
    req.topics.v = &topic;
    req.timeout_ms = (int32_t)cli->settings.timeout_ms;
    if (topic.partitions.n > 0)
        code = od_cli_call(cli, &ask, &rsp);
    if (code || topic.partitions.n == 0)
        return code;
    for (int32_t t = 0; t < rsp.topics.n; t++)
        for (int32_t i = 0; i < rsp.topics.v[t].partitions.n; i++)
            show(cli, rsp.topics.v[t].partitions.v[i].partition_index,
                 rsp.topics.v[t].partitions.v[i].low_watermark,
                 (enum od_err)rsp.topics.v[t].partitions.v[i].error_code, table);
    return OD_EXIT_OK;
}

static int trim(struct od_cli *cli, const struct od_places *places)
{
    const struct od_view *view = od_client_view(cli->client);
    struct od_table table;
    int code = OD_EXIT_OK;

    od_table_init(&table, columns, OD_COUNT(columns));
    for (int i = 0; i < places->n; i++) {
        int32_t leader;
        enum od_err err = od_view_leader(view, od_str_of(cli->args[0]), places->v[i].partition,
                                         &leader);

        if (err || od_cli_has(cli, "dry-run"))
            show(cli, places->v[i].partition, places->v[i].offset, err, &table);
    }
    for (int i = 0; i < view->broker_count && !code && !od_cli_has(cli, "dry-run"); i++)
        code = trim_on(cli, view->brokers[i].id, places, &table);
    if (code)
        od_table_deinit(&table);
    else
        code = od_cli_print(cli, &table);
    return code ? code : od_cli_result(cli);
}

static int run(struct od_cli *cli)
{
    struct od_places places = { 0 };
    const char *before = od_cli_get(cli, "before");
    struct od_str topic = od_str_of(cli->args[0]);
    int code;

    if (!before)
        return od_cli_usage(cli, "--before POSITION is missing");
    code = od_cli_connect(cli);
    if (!code)
        code = od_places_choose(cli, topic, &places);
    if (!code)
        code = od_places_place(cli, topic, before, "before", false, &places);
    if (!code && !od_cli_has(cli, "dry-run") &&
        !od_cli_confirm(cli, "Delete the records of %s before %s?", cli->args[0], before))
        code = od_cli_fail(OD_EXIT_FAILED, "nothing was deleted");
    if (!code)
        code = trim(cli, &places);
    od_places_deinit(&places);
    return code;
}

static const struct od_option options[] = {
    { .name = "before", .value = "POSITION",
      .help = "what lies before it goes: " OD_POSITION_FORMS },
    { .name = "partition", .letter = 'p', .value = "N,...", .repeated = true,
      .help = "only these partitions" },
    { 0 },
};

const struct od_cli_command od_cli_command_topic_trim = {
    .name = "topic trim",
    .arguments = "TOPIC",
    .args_min = 1,
    .args_max = 1,
    .candidates = OD_CANDIDATES_TOPICS,
    .uses = OD_USES_CLUSTER | OD_USES_OUTPUT | OD_USES_DRY_RUN | OD_USES_YES,
    .help = "Delete the oldest records of a topic",
    .options = options,
    .run = run,
};
