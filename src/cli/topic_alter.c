/* SPDX-License-Identifier: Apache-2.0 */
/* `odradek topic alter`: settings and the number of partitions. */
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/configs.h"
#include "wire/api/create_partitions.h"

#include <stdio.h>

static int add_partitions(struct od_cli *cli, int64_t count)
{
    struct od_create_partitions_req_topic topic;
    struct od_create_partitions_req req;
    struct od_create_partitions_rsp rsp;
    struct od_client_ask ask = { .api = od_api_find(OD_create_partitions_KEY),
                                 .request = &req,
                                 .to = OD_CLIENT_CONTROLLER };
    int code;

    od_create_partitions_req_defaults(&req);
    od_create_partitions_req_topic_defaults(&topic);
    topic.name = od_str_of(cli->args[0]);
    topic.count = (int32_t)count;
    topic.assignments.n = -1;
    req.topics.n = 1;
    req.topics.v = &topic;
    req.timeout_ms = (int32_t)cli->settings.timeout_ms;
    req.validate_only = od_cli_has(cli, "dry-run");
    ask.changes = !req.validate_only;
    code = od_cli_call(cli, &ask, &rsp);
    for (int32_t i = 0; !code && i < rsp.results.n; i++) {
        if (!rsp.results.v[i].error_code)
            continue;
        od_cli_failed(cli, (enum od_err)rsp.results.v[i].error_code,
                      rsp.results.v[i].error_message, "topic \"%s\"", cli->args[0]);
        code = cli->failed_code;
    }
    return code;
}

static int run(struct od_cli *cli)
{
    bool dry = od_cli_has(cli, "dry-run");
    int64_t partitions;
    int changes = 0;
    int code;

    if (!od_cli_number(cli, "partitions", 1, INT32_MAX, 0, &partitions))
        return OD_EXIT_USAGE;
    code = od_cli_connect(cli);
    if (!code)
        code = od_configs_change(cli, OD_CONFIGS_TOPIC, od_str_of(cli->args[0]), NULL, 0,
                                 &changes);
    if (!code && changes)
        printf("%s: %d %s %s\n", cli->args[0], changes, changes == 1 ? "setting" : "settings",
               dry ? "would be changed" : "changed");
    if (!code && partitions) {
        code = add_partitions(cli, partitions);
        if (!code)
            printf("%s: %lld partitions%s\n", cli->args[0], (long long)partitions,
                   dry ? " would be there" : "");
        else if (changes)
            code = OD_EXIT_PARTIAL;
    }
    if (!code && !changes && !partitions)
        code = od_cli_usage(cli, "nothing to change: --partitions, --set, --delete, --append or "
                                 "--subtract");
    return code;
}

static const struct od_option options[] = {
    { .name = "partitions", .letter = 'p', .value = "N", .help = "the new number; it only grows" },
    { .name = "set", .letter = 'c', .value = "KEY=VALUE", .repeated = true,
      .candidates = OD_CANDIDATES_KEYS, .help = "a setting" },
    { .name = "delete", .letter = 'd', .value = "KEY", .repeated = true,
      .candidates = OD_CANDIDATES_KEYS, .help = "back to the broker's value" },
    { .name = "append", .value = "KEY=VALUE", .repeated = true,
      .candidates = OD_CANDIDATES_KEYS, .help = "add to a list" },
    { .name = "subtract", .value = "KEY=VALUE", .repeated = true,
      .candidates = OD_CANDIDATES_KEYS, .help = "take from a list" },
    { 0 },
};

const struct od_cli_command od_cli_command_topic_alter = {
    .name = "topic alter",
    .arguments = "TOPIC",
    .args_min = 1,
    .args_max = 1,
    .candidates = OD_CANDIDATES_TOPICS,
    .uses = OD_USES_CLUSTER | OD_USES_DRY_RUN,
    .help = "Change settings or the number of partitions of a topic",
    .options = options,
    .run = run,
};
