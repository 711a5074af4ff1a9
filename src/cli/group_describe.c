/* SPDX-License-Identifier: Apache-2.0 */
/* `odradek group describe`: offsets and lag, members, or the state. */
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/groups.h"

static const struct od_column offset_columns[] = {
    { "group", "GROUP", 0 },
    { "topic", "TOPIC", 0 },
    { "partition", "PARTITION", OD_COLUMN_RIGHT },
    { "offset", "CURRENT-OFFSET", OD_COLUMN_RIGHT },
    { "end_offset", "LOG-END-OFFSET", OD_COLUMN_RIGHT },
    { "lag", "LAG", OD_COLUMN_RIGHT },
    { "member", "CONSUMER-ID", OD_COLUMN_OPTIONAL },
    { "host", "HOST", OD_COLUMN_OPTIONAL },
    { "client_id", "CLIENT-ID", OD_COLUMN_OPTIONAL },
};

static const struct od_column member_columns[] = {
    { "group", "GROUP", 0 },
    { "member", "CONSUMER-ID", 0 },
    { "instance", "INSTANCE", OD_COLUMN_OPTIONAL },
    { "host", "HOST", 0 },
    { "client_id", "CLIENT-ID", 0 },
    { "partitions", "PARTITIONS", OD_COLUMN_RIGHT },
    { "assignment", "ASSIGNMENT", OD_COLUMN_WIDE },
};

static const struct od_column state_columns[] = {
    { "group", "GROUP", 0 },
    { "type", "TYPE", 0 },
    { "state", "STATE", 0 },
    { "assignor", "ASSIGNOR", 0 },
    { "coordinator", "COORDINATOR", OD_COLUMN_RIGHT },
    { "members", "MEMBERS", OD_COLUMN_RIGHT },
};

static const struct od_group_person *owner_of(const struct od_group_info *g,
                                              const struct od_group_part *at)
{
    for (int i = 0; i < g->member_count; i++)
        for (int p = 0; p < g->members[i].part_count; p++)
            if (g->members[i].parts[p].partition == at->partition &&
                od_str_eq(g->members[i].parts[p].topic, at->topic))
                return &g->members[i];
    return NULL;
}

static json_t *add_place(struct od_table *table, const struct od_group_info *g,
                         const struct od_group_part *at, const struct od_group_person *owner)
{
    json_t *row = od_table_row(table);

    od_row_str(row, "group", g->id);
    od_row_str(row, "topic", at->topic);
    od_row_int(row, "partition", at->partition);
    if (owner) {
        od_row_str(row, "member", owner->id);
        od_row_str(row, "host", owner->host);
        od_row_str(row, "client_id", owner->client_id);
    }
    return row;
}

static bool is_committed(const struct od_group_offsets *offsets, const struct od_group_part *at)
{
    for (int i = 0; i < offsets->n; i++)
        if (offsets->v[i].at.partition == at->partition &&
            od_str_eq(offsets->v[i].at.topic, at->topic))
            return true;
    return false;
}

static int show_offsets(struct od_cli *cli, const struct od_group_info *g, struct od_table *table)
{
    struct od_group_offsets offsets;
    int code = od_groups_offsets(cli, g->id, &offsets);

    if (code)
        return code;
    for (int i = 0; i < offsets.n; i++) {
        const struct od_group_offset *o = &offsets.v[i];
        json_t *row = add_place(table, g, &o->at, owner_of(g, &o->at));

        od_row_int(row, "offset", o->offset);
        if (o->end >= 0) {
            od_row_int(row, "end_offset", o->end);
            od_row_int(row, "lag", o->end > o->offset ? o->end - o->offset : 0);
        }
    }
    for (int i = 0; i < g->member_count; i++)
        for (int p = 0; p < g->members[i].part_count; p++)
            if (!is_committed(&offsets, &g->members[i].parts[p]))
                add_place(table, g, &g->members[i].parts[p], &g->members[i]);
    return OD_EXIT_OK;
}

static void show_members(const struct od_group_info *g, struct od_table *table)
{
    for (int i = 0; i < g->member_count; i++) {
        const struct od_group_person *m = &g->members[i];
        json_t *row = od_table_row(table), *list;

        od_row_str(row, "group", g->id);
        od_row_str(row, "member", m->id);
        od_row_str(row, "instance", m->instance_id);
        od_row_str(row, "host", m->host);
        od_row_str(row, "client_id", m->client_id);
        od_row_int(row, "partitions", m->part_count);
        list = od_row_list(row, "assignment");
        for (int p = 0; p < m->part_count; p++) {
            struct od_text text = { 0 };

            od_text_add(&text, "%.*s-%d", OD_STR_ARGS(m->parts[p].topic), m->parts[p].partition);
            json_array_append_new(list, od_json_str(od_str_of(od_text_get(&text))));
            od_text_reset(&text);
        }
    }
}

static void show_state(const struct od_group_info *g, struct od_table *table)
{
    json_t *row = od_table_row(table);

    od_row_str(row, "group", g->id);
    od_row_str(row, "type", g->type);
    od_row_str(row, "state", g->state);
    od_row_str(row, "assignor", g->assignor.len ? g->assignor : OD_STR_NULL);
    od_row_int(row, "coordinator", g->coordinator);
    od_row_int(row, "members", g->member_count);
}

static int show(struct od_cli *cli, struct od_str group, struct od_table *table)
{
    struct od_group_info g;
    int failed = cli->failed_count, code = od_groups_describe(cli, group, &g);

    if (!code && od_cli_has(cli, "members"))
        show_members(&g, table);
    else if (!code && od_cli_has(cli, "state"))
        show_state(&g, table);
    else if (!code)
        code = show_offsets(cli, &g, table);
    if (!code)
        od_cli_done(cli);
    return cli->failed_count > failed ? OD_EXIT_OK : code; /* said and counted: on with the next */
}

static int run(struct od_cli *cli)
{
    struct od_table table;
    int code;

    if (od_cli_has(cli, "members") && od_cli_has(cli, "state"))
        return od_cli_usage(cli, "--members and --state are two views: choose one");
    code = od_cli_connect(cli);
    if (code)
        return code;
    if (od_cli_has(cli, "members"))
        od_table_init(&table, member_columns, OD_COUNT(member_columns));
    else if (od_cli_has(cli, "state"))
        od_table_init(&table, state_columns, OD_COUNT(state_columns));
    else
        od_table_init(&table, offset_columns, OD_COUNT(offset_columns));
    for (int i = 0; i < cli->arg_count && !code; i++)
        code = show(cli, od_str_of(cli->args[i]), &table);
    if (code)
        od_table_deinit(&table);
    else
        code = od_cli_print(cli, &table);
    return code ? code : od_cli_result(cli);
}

static const struct od_option options[] = {
    { .name = "members", .help = "who is in it, instead of offsets; -o wide: and what each reads" },
    { .name = "state", .help = "its state, protocol and coordinator, instead of offsets" },
    { 0 },
};

const struct od_cli_command od_cli_command_group_describe = {
    .name = "group describe",
    .arguments = "GROUP...",
    .args_min = 1,
    .args_max = OD_ARGS_ANY,
    .uses = OD_USES_CLUSTER | OD_USES_OUTPUT,
    .help = "Show committed offsets, lag and members of consumer groups",
    .options = options,
    .run = run,
};
