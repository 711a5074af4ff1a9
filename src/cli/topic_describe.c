/* SPDX-License-Identifier: Apache-2.0 */
/* `odradek topic describe`. */
#include "base/mem.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/configs.h"
#include "client/offsets.h"

#include <stdio.h>
#include <string.h>

static const struct od_column columns[] = {
    { "partition", "PARTITION", OD_COLUMN_RIGHT },
    { "leader", "LEADER", OD_COLUMN_RIGHT },
    { "epoch", "EPOCH", OD_COLUMN_RIGHT | OD_COLUMN_OPTIONAL },
    { "replicas", "REPLICAS", 0 },
    { "isr", "ISR", 0 },
    { "offline", "OFFLINE", OD_COLUMN_OPTIONAL },
    { "error", "ERROR", OD_COLUMN_OPTIONAL },
    { "start_offset", "START", OD_COLUMN_RIGHT },
    { "end_offset", "END", OD_COLUMN_RIGHT },
};

static int by_index(const void *a, const void *b)
{
    const struct od_metadata_rsp_partition *x = a, *y = b;

    return x->partition_index < y->partition_index ? -1 : x->partition_index > y->partition_index;
}

static json_t *describe(const struct od_metadata_rsp_topic *t)
{
    json_t *topic = json_object(), *list;
    int replicas = 0;

    if (t->partitions.n > 1)
        qsort(t->partitions.v, (size_t)t->partitions.n, sizeof(*t->partitions.v), by_index);
    for (int32_t i = 0; i < t->partitions.n; i++)
        if (t->partitions.v[i].replica_nodes.n > replicas)
            replicas = t->partitions.v[i].replica_nodes.n;
    od_row_str(topic, "topic", t->name);
    od_row_uuid(topic, "id", t->topic_id);
    od_row_bool(topic, "internal", t->is_internal);
    od_row_int(topic, "partition_count", t->partitions.n > 0 ? t->partitions.n : 0);
    od_row_int(topic, "replicas", replicas);
    list = od_row_list(topic, "partitions");
    for (int32_t i = 0; i < t->partitions.n; i++) {
        const struct od_metadata_rsp_partition *p = &t->partitions.v[i];
        json_t *row = json_object();

        json_array_append_new(list, row);
        od_row_int(row, "partition", p->partition_index);
        if (p->leader_id >= 0)
            od_row_int(row, "leader", p->leader_id);
        else
            od_row_text(row, "leader", NULL);
        if (p->leader_epoch >= 0)
            od_row_int(row, "epoch", p->leader_epoch);
        od_row_ints(row, "replicas", p->replica_nodes.v, p->replica_nodes.n);
        od_row_ints(row, "isr", p->isr_nodes.v, p->isr_nodes.n);
        od_row_ints(row, "offline", p->offline_replicas.v, p->offline_replicas.n);
        if (p->error_code)
            od_row_text(row, "error", od_err_name((enum od_err)p->error_code));
    }
    return topic;
}

/* Partitions whose leader does not answer keep none; that is no reason to show nothing. */
static int add_offsets(struct od_cli *cli, json_t *topic)
{
    json_t *list = json_object_get(topic, "partitions"), *name = json_object_get(topic, "topic");
    size_t n = json_array_size(list), i;
    struct od_offset_of *of = od_alloc(sizeof(*of) * (n + 1));
    static const int64_t which[] = { OD_OFFSETS_START, OD_OFFSETS_END };
    static const char *const keys[] = { "start_offset", "end_offset" };
    enum od_err err = OD_NONE;
    json_t *row;

    for (size_t w = 0; w < OD_COUNT(which) && !err; w++) {
        json_array_foreach(list, i, row)
            of[i] = (struct od_offset_of){
                (int32_t)json_integer_value(json_object_get(row, "partition")), which[w], -1,
                OD_NONE
            };
        err = od_client_offsets(cli->client, od_str_of(json_string_value(name)), false, of,
                                (int)n);
        json_array_foreach(list, i, row)
            if (!err && !of[i].err)
                od_row_int(row, keys[w], of[i].offset);
    }
    od_free(of);
    return err ? od_cli_call_failed(cli, err) : OD_EXIT_OK;
}

/* Settings that differ from the default; a broker that does not tell them is passed over. */
static int add_configs(struct od_cli *cli, json_t *topic)
{
    struct od_configs configs = { 0 };
    struct od_str name = od_str_of(json_string_value(json_object_get(topic, "topic")));
    json_t *set = json_object(), *row;
    size_t i;
    int code = od_configs_get(cli, OD_CONFIGS_TOPIC, name, NULL, 0, &configs);

    json_array_foreach(configs.rows, i, row)
        if (!json_is_true(json_object_get(row, "default")))
            json_object_set(set, json_string_value(json_object_get(row, "key")),
                            json_object_get(row, "value"));
    json_object_set_new(topic, "configs", set);
    od_configs_deinit(&configs);
    return code;
}

static int print_one(struct od_cli *cli, json_t *topic)
{
    json_t *configs = json_object_get(topic, "configs"), *value, *row;
    const char *key, *id = json_string_value(json_object_get(topic, "id"));
    struct od_text line = { 0 };
    struct od_table table;
    size_t i;

    od_text_add(&line, "Topic  ");
    od_printable(od_str_of(json_string_value(json_object_get(topic, "topic"))), &line);
    od_text_add(&line, "\nID     %s\n", id ? id : "-");
    json_object_foreach(configs, key, value) {
        od_text_add(&line, "Set    %s=", key);
        od_printable(od_str_of(json_string_value(value)), &line);
        od_text_add(&line, "\n");
    }
    od_text_add(&line, "\n");
    od_cli_print_text(&line);
    od_text_reset(&line);
    od_table_init(&table, columns, OD_COUNT(columns));
    json_array_foreach(json_object_get(topic, "partitions"), i, row)
        json_array_append(table.rows, row);
    return od_cli_print(cli, &table);
}

/* CSV and names: all partitions of all topics as one table. */
static int print_flat(struct od_cli *cli, const json_t *topics)
{
    struct od_column flat[OD_COUNT(columns) + 1] = { { "topic", "TOPIC", 0 } };
    struct od_table table;
    json_t *topic, *row;
    size_t i, k;

    memcpy(flat + 1, columns, sizeof(columns));
    od_table_init(&table, flat, OD_COUNT(flat));
    json_array_foreach(topics, i, topic) {
        json_array_foreach(json_object_get(topic, "partitions"), k, row) {
            json_object_set(row, "topic", json_object_get(topic, "topic"));
            json_array_append(table.rows, row);
        }
    }
    return od_cli_print(cli, &table);
}

static int print_all(struct od_cli *cli, json_t *topics)
{
    enum od_output output = od_cli_output(cli);
    int code = OD_EXIT_OK;
    json_t *topic;
    size_t i;

    switch (output) {
    case OD_OUTPUT_JSON:
    case OD_OUTPUT_YAML:
        od_cli_print_document(cli, json_incref(topics));
        return OD_EXIT_OK;
    case OD_OUTPUT_CSV:
    case OD_OUTPUT_NAME:
        return print_flat(cli, topics);
    case OD_OUTPUT_TABLE:
    case OD_OUTPUT_WIDE:
        break;
    }
    json_array_foreach(topics, i, topic) {
        if (i)
            puts("");
        if (!code)
            code = print_one(cli, topic);
    }
    return code;
}

static int run(struct od_cli *cli)
{
    struct od_str *names = od_arena_alloc(&cli->arena, sizeof(*names) * (size_t)cli->arg_count);
    struct od_metadata_rsp rsp;
    json_t *topics = json_array(), *topic;
    size_t k;
    int code = od_cli_connect(cli);

    for (int i = 0; i < cli->arg_count; i++)
        names[i] = od_str_of(cli->args[i]);
    if (!code)
        code = od_cli_metadata(cli, names, cli->arg_count, &rsp);
    for (int32_t i = 0; !code && i < rsp.topics.n; i++) {
        const struct od_metadata_rsp_topic *t = &rsp.topics.v[i];

        if (t->error_code) {
            od_cli_failed(cli, (enum od_err)t->error_code, OD_STR_NULL, "topic \"%.*s\"",
                          OD_STR_ARGS(t->name));
            continue;
        }
        json_array_append_new(topics, describe(t));
        od_cli_done(cli);
    }
    json_array_foreach(topics, k, topic) {
        if (!code)
            code = add_offsets(cli, topic);
        if (!code)
            code = add_configs(cli, topic);
    }
    if (!code && json_array_size(topics))
        code = print_all(cli, topics);
    json_decref(topics);
    return code ? code : od_cli_result(cli);
}

const struct od_cli_command od_cli_command_topic_describe = {
    .name = "topic describe",
    .arguments = "TOPIC...",
    .args_min = 1,
    .args_max = OD_ARGS_ANY,
    .candidates = OD_CANDIDATES_TOPICS,
    .uses = OD_USES_CLUSTER | OD_USES_OUTPUT,
    .help = "Show partitions, replicas, offsets and settings of topics",
    .run = run,
};
