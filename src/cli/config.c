/* SPDX-License-Identifier: Apache-2.0 */
/* `odradek config get`, `set` and `explain`. */
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/configs.h"
#include "config/config.h"

#include <stdio.h>
#include <string.h>

static const struct od_column columns[] = {
    { "key", "KEY", 0 },
    { "source", "SOURCE", 0 },
    { "type", "TYPE", OD_COLUMN_WIDE },
    { "read_only", "READ-ONLY", OD_COLUMN_WIDE },
    { "sensitive", "SENSITIVE", OD_COLUMN_WIDE },
    { "value", "VALUE", 0 },
};

static struct od_str name_of(const char *text)
{
    return strcmp(text, "all") ? od_str_of(text) : OD_STR("");
}

/* A name of no setting is told by its absence from the answer. */
static void complain_of_missing(struct od_cli *cli, const struct od_str *keys, int n,
                                const json_t *rows)
{
    for (int i = 0; i < n; i++) {
        bool found = false;
        size_t k;
        json_t *row;

        json_array_foreach(rows, k, row) {
            const char *key = json_string_value(json_object_get(row, "key"));

            found = found || (key && od_str_is(keys[i], key));
        }
        if (found) {
            od_cli_done(cli);
        } else {
            od_cli_fail(0, "there is no setting \"%.*s\"", OD_STR_ARGS(keys[i]));
            cli->failed_count++;
            cli->failed_code = OD_EXIT_NOT_FOUND;
        }
    }
}

static int run_get(struct od_cli *cli)
{
    struct od_configs configs = { 0 };
    enum od_configs_of of;
    struct od_table table;
    struct od_str *keys = od_arena_alloc(&cli->arena, sizeof(*keys) * (size_t)cli->arg_count);
    int n = cli->arg_count - 2;
    size_t i;
    json_t *row;
    int code;

    if (!od_configs_kind(cli, cli->args[0], &of))
        return OD_EXIT_USAGE;
    for (int k = 0; k < n; k++)
        keys[k] = od_str_of(cli->args[k + 2]);
    code = od_cli_connect(cli);
    if (!code)
        code = od_configs_get(cli, of, name_of(cli->args[1]), keys, n, &configs);
    if (!code) {
        od_table_init(&table, columns, OD_COUNT(columns));
        json_array_foreach(configs.rows, i, row)
            if (n || od_cli_has(cli, "all") || !json_is_true(json_object_get(row, "default")))
                json_array_append(table.rows, row);
        complain_of_missing(cli, keys, n, configs.rows);
        code = od_cli_print(cli, &table);
    }
    od_configs_deinit(&configs);
    return code ? code : od_cli_result(cli);
}

static const struct od_option options_of_get[] = {
    { .name = "all", .letter = 'a', .help = "also those that have their default" },
    { 0 },
};

const struct od_cli_command od_cli_command_config_get = {
    .name = "config get",
    .arguments = "KIND NAME [KEY]...",
    .args_min = 2,
    .args_max = OD_ARGS_ANY,
    .candidates = OD_CANDIDATES_ENTITY,
    .uses = OD_USES_CLUSTER | OD_USES_OUTPUT,
    .help = "Show settings of a topic, a broker or a group, and where they come from",
    .details = "KIND is one of " OD_CONFIGS_KINDS ".\n"
               "NAME is a topic, a broker's id, or \"all\" for what is set for all brokers.\n"
               "Without KEY those that do not have their default.",
    .options = options_of_get,
    .run = run_get,
};

static int run_set(struct od_cli *cli)
{
    enum od_configs_of of;
    int changes;
    int code;

    if (!od_configs_kind(cli, cli->args[0], &of))
        return OD_EXIT_USAGE;
    code = od_cli_connect(cli);
    if (!code)
        code = od_configs_change(cli, of, name_of(cli->args[1]), cli->args + 2,
                                 cli->arg_count - 2, &changes);
    if (!code && !changes)
        code = od_cli_usage(cli, "nothing to change: KEY=VALUE, --delete KEY, --append or "
                                 "--subtract KEY=VALUE");
    if (!code)
        printf("%d %s of %s %s %s\n", changes, changes == 1 ? "setting" : "settings",
               cli->args[0], cli->args[1],
               od_cli_has(cli, "dry-run") ? "would be changed" : "changed");
    return code;
}

static const struct od_option options_of_set[] = {
    { .name = "set", .value = "KEY=VALUE", .repeated = true, .candidates = OD_CANDIDATES_KEYS,
      .help = "the same as an argument" },
    { .name = "delete", .letter = 'd', .value = "KEY", .repeated = true,
      .candidates = OD_CANDIDATES_KEYS, .help = "back to what it is without being set here" },
    { .name = "append", .value = "KEY=VALUE", .repeated = true,
      .candidates = OD_CANDIDATES_KEYS, .help = "add to a list" },
    { .name = "subtract", .value = "KEY=VALUE", .repeated = true,
      .candidates = OD_CANDIDATES_KEYS, .help = "take from a list" },
    { 0 },
};

const struct od_cli_command od_cli_command_config_set = {
    .name = "config set",
    .arguments = "KIND NAME [KEY=VALUE]...",
    .args_min = 2,
    .args_max = OD_ARGS_ANY,
    .candidates = OD_CANDIDATES_ENTITY,
    .uses = OD_USES_CLUSTER | OD_USES_DRY_RUN,
    .help = "Change settings of a topic, a broker or a group",
    .details = "KIND is one of " OD_CONFIGS_KINDS ".\n"
               "NAME is a topic, a broker's id, or \"all\" for all brokers.  All changes are made\n"
               "or none.",
    .options = options_of_set,
    .run = run_set,
};

static int run_explain(struct od_cli *cli)
{
    struct od_text out = { 0 };

    for (int i = 0; i < cli->arg_count; i++) {
        if (od_config_explain(od_str_of(cli->args[i]), &out)) {
            od_cli_done(cli);
            continue;
        }
        od_cli_fail(0, "there is no setting \"%s\"; docs/configuration.md lists them",
                    cli->args[i]);
        cli->failed_count++;
        cli->failed_code = OD_EXIT_NOT_FOUND;
    }
    od_cli_print_text(&out);
    od_text_reset(&out);
    return od_cli_result(cli);
}

const struct od_cli_command od_cli_command_config_explain = {
    .name = "config explain",
    .arguments = "KEY...",
    .args_min = 1,
    .args_max = OD_ARGS_ANY,
    .candidates = OD_CANDIDATES_KEYS,
    .help = "Explain settings, without a broker",
    .run = run_explain,
};
