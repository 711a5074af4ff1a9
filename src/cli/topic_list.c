/* SPDX-License-Identifier: Apache-2.0 */
/* `odradek topic list`. */
#include "base/mem.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "wire/api/metadata.h"

#include <regex.h>
#include <string.h>

enum { REASON_BYTES = 128 };

static const struct od_column columns[] = {
    { "topic", "TOPIC", 0 },
    { "partitions", "PARTITIONS", OD_COLUMN_RIGHT },
    { "replicas", "REPLICAS", OD_COLUMN_RIGHT },
    { "under_replicated", "UNDER-REPLICATED", OD_COLUMN_RIGHT | OD_COLUMN_OPTIONAL },
    { "unavailable", "UNAVAILABLE", OD_COLUMN_RIGHT | OD_COLUMN_OPTIONAL },
    { "internal", "INTERNAL", OD_COLUMN_WIDE },
    { "id", "ID", OD_COLUMN_WIDE },
};

struct filter {
    bool internal, under_replicated, unavailable;
    bool has_pattern;
    regex_t pattern;
};

static bool compile(struct od_cli *cli, struct filter *f)
{
    char reason[REASON_BYTES];
    int rc;

    f->internal = od_cli_has(cli, "internal");
    f->under_replicated = od_cli_has(cli, "under-replicated");
    f->unavailable = od_cli_has(cli, "unavailable");
    if (!cli->arg_count)
        return true;
    rc = regcomp(&f->pattern, cli->args[0], REG_EXTENDED | REG_NOSUB);
    f->has_pattern = rc == 0;
    if (!rc)
        return true;
    regerror(rc, &f->pattern, reason, sizeof(reason));
    od_cli_usage(cli, "\"%s\": %s", cli->args[0], reason);
    return false;
}

static bool wanted(const struct filter *f, const struct od_metadata_rsp_topic *t, int under,
                   int unavailable)
{
    char *name;
    bool matches = true;

    if ((t->is_internal && !f->internal) || (f->under_replicated && !under) ||
        (f->unavailable && !unavailable))
        return false;
    if (f->has_pattern) {
        name = od_str_dup(t->name);
        matches = regexec(&f->pattern, name, 0, NULL, 0) == 0;
        od_free(name);
    }
    return matches;
}

static void add(const struct filter *f, const struct od_metadata_rsp_topic *t,
                struct od_table *table)
{
    int under = 0, unavailable = 0, replicas = 0;
    json_t *row;

    for (int32_t i = 0; i < t->partitions.n; i++) {
        const struct od_metadata_rsp_partition *p = &t->partitions.v[i];

        under += p->isr_nodes.n < p->replica_nodes.n;
        unavailable += p->leader_id < 0;
        replicas = p->replica_nodes.n > replicas ? p->replica_nodes.n : replicas;
    }
    if (!wanted(f, t, under, unavailable))
        return;
    row = od_table_row(table);
    od_row_str(row, "topic", t->name);
    od_row_int(row, "partitions", t->partitions.n > 0 ? t->partitions.n : 0);
    od_row_int(row, "replicas", replicas);
    if (under)
        od_row_int(row, "under_replicated", under);
    if (unavailable)
        od_row_int(row, "unavailable", unavailable);
    od_row_bool(row, "internal", t->is_internal);
    od_row_uuid(row, "id", t->topic_id);
}

static int by_name(const void *a, const void *b)
{
    return od_str_cmp(((const struct od_metadata_rsp_topic *)a)->name,
                      ((const struct od_metadata_rsp_topic *)b)->name);
}

static int run(struct od_cli *cli)
{
    struct filter f = { 0 };
    struct od_metadata_rsp rsp;
    struct od_table table;
    int code = od_cli_connect(cli);

    if (!code && !compile(cli, &f))
        code = OD_EXIT_USAGE;
    if (!code)
        code = od_cli_metadata(cli, NULL, 0, &rsp);
    if (!code) {
        od_table_init(&table, columns, OD_COUNT(columns));
        if (rsp.topics.n > 1)
            qsort(rsp.topics.v, (size_t)rsp.topics.n, sizeof(*rsp.topics.v), by_name);
        for (int32_t i = 0; i < rsp.topics.n; i++)
            add(&f, &rsp.topics.v[i], &table);
        code = od_cli_print(cli, &table);
    }
    if (f.has_pattern)
        regfree(&f.pattern);
    return code;
}

static const struct od_option options[] = {
    { .name = "internal", .letter = 'i', .help = "also topics that brokers keep for themselves" },
    { .name = "under-replicated", .help = "only with a replica out of sync" },
    { .name = "unavailable", .help = "only with a partition that has no leader" },
    { 0 },
};

const struct od_cli_command od_cli_command_topic_list = {
    .name = "topic list",
    .arguments = "[PATTERN]",
    .args_max = 1,
    .candidates = OD_CANDIDATES_TOPICS,
    .uses = OD_USES_CLUSTER | OD_USES_OUTPUT,
    .help = "List topics",
    .details = "PATTERN is an extended regular expression that is found anywhere in the name.",
    .options = options,
    .run = run,
};
