/* SPDX-License-Identifier: Apache-2.0 */
/* `odradek group delete`, `delete-offsets` and `remove-member`. */
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/groups.h"
#include "cli/places.h"
#include "wire/api/delete_groups.h"
#include "wire/api/leave_group.h"
#include "wire/api/offset_delete.h"

/* --- delete ---- */

static const struct od_column group_columns[] = {
    { "group", "GROUP", 0 },
    { "status", "STATUS", 0 },
};

static int delete_one(struct od_cli *cli, struct od_str group, struct od_table *table)
{
    struct od_delete_groups_req req;
    struct od_delete_groups_rsp rsp;
    struct od_client_ask ask = { .api = od_api_find(OD_delete_groups_KEY),
                                 .request = &req,
                                 .to = OD_CLIENT_NODE,
                                 .changes = true };
    enum od_err err;
    json_t *row;
    int code = od_groups_coordinator(cli, group, &ask.node);

    if (code)
        return code;
    od_delete_groups_req_defaults(&req);
    req.groups_names.n = 1;
    req.groups_names.v = &group;
    code = od_cli_call(cli, &ask, &rsp);
    if (code)
        return code;
    err = rsp.results.n == 1 ? (enum od_err)rsp.results.v[0].error_code : OD_UNKNOWN_SERVER_ERROR;
    row = od_table_row(table);
    od_row_str(row, "group", group);
    od_row_text(row, "status", err ? od_err_name(err) : "deleted");
    if (err)
        od_cli_failed(cli, err, OD_STR_NULL, "group \"%.*s\"", OD_STR_ARGS(group));
    else
        od_cli_done(cli);
    return OD_EXIT_OK;
}

static int plan_one(struct od_cli *cli, struct od_str group, struct od_table *table)
{
    struct od_group_info g;
    int failed = cli->failed_count, code = od_groups_describe(cli, group, &g);
    json_t *row;

    if (code)
        return cli->failed_count > failed ? OD_EXIT_OK : code;
    row = od_table_row(table);
    od_row_str(row, "group", group);
    od_row_text(row, "status",
                g.member_count ? od_err_name(OD_NON_EMPTY_GROUP) : "would be deleted");
    if (g.member_count)
        od_cli_failed(cli, OD_NON_EMPTY_GROUP, OD_STR_NULL, "group \"%.*s\"", OD_STR_ARGS(group));
    else
        od_cli_done(cli);
    return OD_EXIT_OK;
}

static int run_delete(struct od_cli *cli)
{
    struct od_table table;
    int code = od_cli_connect(cli);

    if (code)
        return code;
    if (!od_cli_has(cli, "dry-run") &&
        !od_cli_confirm(cli, "Delete %s%s with the offsets?", cli->args[0],
                        cli->arg_count > 1 ? " and others" : ""))
        return od_cli_fail(OD_EXIT_FAILED, "nothing was deleted");
    od_table_init(&table, group_columns, OD_COUNT(group_columns));
    for (int i = 0; i < cli->arg_count && !code; i++)
        code = od_cli_has(cli, "dry-run") ? plan_one(cli, od_str_of(cli->args[i]), &table)
                                          : delete_one(cli, od_str_of(cli->args[i]), &table);
    if (code)
        od_table_deinit(&table);
    else
        code = od_cli_print(cli, &table);
    return code ? code : od_cli_result(cli);
}

const struct od_cli_command od_cli_command_group_delete = {
    .name = "group delete",
    .arguments = "GROUP...",
    .args_min = 1,
    .args_max = OD_ARGS_ANY,
    .uses = OD_USES_CLUSTER | OD_USES_OUTPUT | OD_USES_DRY_RUN | OD_USES_YES,
    .help = "Delete consumer groups without members, with their offsets",
    .run = run_delete,
};

/* --- delete-offsets ---- */

static const struct od_column offset_columns[] = {
    { "topic", "TOPIC", 0 },
    { "partition", "PARTITION", OD_COLUMN_RIGHT },
    { "offset", "OFFSET", OD_COLUMN_RIGHT },
    { "status", "STATUS", 0 },
};

static void show_offset(struct od_cli *cli, const struct od_group_offset *o, enum od_err err,
                        struct od_table *table)
{
    json_t *row = od_table_row(table);

    od_row_str(row, "topic", o->at.topic);
    od_row_int(row, "partition", o->at.partition);
    od_row_int(row, "offset", o->offset);
    od_row_text(row, "status", err                           ? od_err_name(err)
                               : od_cli_has(cli, "dry-run") ? "would be deleted"
                                                            : "deleted");
    if (err)
        od_cli_failed(cli, err, OD_STR_NULL, "topic \"%.*s\", partition %d",
                      OD_STR_ARGS(o->at.topic), o->at.partition);
    else
        od_cli_done(cli);
}

/* Those of the topics given, each in a list of its own. */
static struct od_group_offsets of_topic(struct od_cli *cli, const struct od_group_offsets *all,
                                        struct od_str topic)
{
    struct od_group_offsets out = {
        .v = od_arena_alloc(&cli->arena, sizeof(*out.v) * (size_t)(all->n + 1))
    };

    for (int i = 0; i < all->n; i++)
        if (od_str_eq(all->v[i].at.topic, topic))
            out.v[out.n++] = all->v[i];
    return out;
}

static int delete_offsets(struct od_cli *cli, const struct od_group_offsets *offsets,
                          struct od_table *table)
{
    struct od_offset_delete_req req;
    struct od_offset_delete_rsp rsp;
    struct od_client_ask ask = { .api = od_api_find(OD_offset_delete_KEY),
                                 .request = &req,
                                 .to = OD_CLIENT_NODE,
                                 .changes = true };
    struct od_str group = od_str_of(cli->args[0]);
    int code = od_groups_coordinator(cli, group, &ask.node);

    if (code)
        return code;
    od_offset_delete_req_defaults(&req);
    req.group_id = group;
    OD_ARENA_LIST(&cli->arena, req.topics, 1);
    req.topics.v[0].name = offsets->v[0].at.topic;
    OD_ARENA_LIST(&cli->arena, req.topics.v[0].partitions, offsets->n);
    for (int i = 0; i < offsets->n; i++)
        req.topics.v[0].partitions.v[i].partition_index = offsets->v[i].at.partition;
    code = od_cli_call(cli, &ask, &rsp);
    if (code)
        return code;
    for (int i = 0; i < offsets->n; i++) {
        bool told = !rsp.error_code && rsp.topics.n == 1 && i < rsp.topics.v[0].partitions.n;

        show_offset(cli, &offsets->v[i],
                    (enum od_err)(told ? rsp.topics.v[0].partitions.v[i].error_code
                                       : rsp.error_code),
                    table);
    }
    return OD_EXIT_OK;
}

static int each_topic(struct od_cli *cli, const struct od_group_offsets *all,
                      struct od_table *table)
{
    int code = OD_EXIT_OK;

    for (int t = 1; t < cli->arg_count && !code; t++) {
        struct od_group_offsets offsets = of_topic(cli, all, od_str_of(cli->args[t]));

        if (!offsets.n)
            od_cli_failed(cli, OD_RESOURCE_NOT_FOUND, OD_STR_NULL,
                          "offsets of topic \"%s\" in group \"%s\"", cli->args[t], cli->args[0]);
        else if (!od_cli_has(cli, "dry-run"))
            code = delete_offsets(cli, &offsets, table);
        else
            for (int i = 0; i < offsets.n; i++)
                show_offset(cli, &offsets.v[i], OD_NONE, table);
    }
    return code;
}

static int run_delete_offsets(struct od_cli *cli)
{
    struct od_group_offsets all;
    struct od_table table;
    int code = od_cli_connect(cli);

    if (!code)
        code = od_groups_offsets(cli, od_str_of(cli->args[0]), &all);
    if (!code && !od_cli_has(cli, "dry-run") &&
        !od_cli_confirm(cli, "Delete the offsets of group %s for %s%s?", cli->args[0],
                        cli->args[1], cli->arg_count > 2 ? " and others" : ""))
        code = od_cli_fail(OD_EXIT_FAILED, "nothing was deleted");
    if (code)
        return code;
    od_table_init(&table, offset_columns, OD_COUNT(offset_columns));
    code = each_topic(cli, &all, &table);
    if (code)
        od_table_deinit(&table);
    else
        code = od_cli_print(cli, &table);
    return code ? code : od_cli_result(cli);
}

const struct od_cli_command od_cli_command_group_delete_offsets = {
    .name = "group delete-offsets",
    .arguments = "GROUP TOPIC...",
    .args_min = 2,
    .args_max = OD_ARGS_ANY,
    .uses = OD_USES_CLUSTER | OD_USES_OUTPUT | OD_USES_DRY_RUN | OD_USES_YES,
    .help = "Forget what a group has committed for topics it does not read",
    .run = run_delete_offsets,
};

/* --- remove-member ---- */

static const struct od_column member_columns[] = {
    { "member", "CONSUMER-ID", 0 },
    { "instance", "INSTANCE", OD_COLUMN_OPTIONAL },
    { "status", "STATUS", 0 },
};

static bool is_meant(struct od_cli *cli, const struct od_group_person *m)
{
    if (cli->arg_count == 1)
        return od_cli_has(cli, "all");
    for (int i = 1; i < cli->arg_count; i++)
        if (od_str_is(m->id, cli->args[i]) || od_str_is(m->instance_id, cli->args[i]))
            return true;
    return false;
}

static void show_member(struct od_cli *cli, const struct od_group_person *m, enum od_err err,
                        struct od_table *table)
{
    json_t *row = od_table_row(table);

    od_row_str(row, "member", m->id);
    od_row_str(row, "instance", m->instance_id);
    od_row_text(row, "status", err                           ? od_err_name(err)
                               : od_cli_has(cli, "dry-run") ? "would be removed"
                                                            : "removed");
    if (err)
        od_cli_failed(cli, err, OD_STR_NULL, "member \"%.*s\"", OD_STR_ARGS(m->id));
    else
        od_cli_done(cli);
}

static int remove_member(struct od_cli *cli, const struct od_group_info *g,
                         const struct od_group_person *m, struct od_table *table)
{
    struct od_leave_group_req req;
    struct od_leave_group_rsp rsp;
    struct od_client_ask ask = { .api = od_api_find(OD_leave_group_KEY),
                                 .request = &req,
                                 .to = OD_CLIENT_NODE,
                                 .node = g->coordinator,
                                 .changes = true };
    enum od_err err;
    int code;

    od_leave_group_req_defaults(&req);
    req.group_id = g->id;
    OD_ARENA_LIST(&cli->arena, req.members, 1);
    od_leave_group_req_member_defaults(&req.members.v[0]);
    req.members.v[0].member_id = m->id;
    req.members.v[0].group_instance_id = m->instance_id;
    req.members.v[0].reason = OD_STR("removed by odradek group remove-member");
    code = od_cli_call(cli, &ask, &rsp);
    if (code)
        return code;
    err = (enum od_err)rsp.error_code;
    if (!err && rsp.members.n == 1)
        err = (enum od_err)rsp.members.v[0].error_code;
    show_member(cli, m, err, table);
    return OD_EXIT_OK;
}

static int run_remove(struct od_cli *cli)
{
    struct od_group_info g;
    struct od_table table;
    int meant = 0, code;

    if ((cli->arg_count == 1) != od_cli_has(cli, "all"))
        return od_cli_usage(cli, "either members or --all");
    code = od_cli_connect(cli);
    if (!code)
        code = od_groups_describe(cli, od_str_of(cli->args[0]), &g);
    if (!code && !od_cli_has(cli, "dry-run") &&
        !od_cli_confirm(cli, "Remove members of group %s?", cli->args[0]))
        code = od_cli_fail(OD_EXIT_FAILED, "nobody was removed");
    if (code)
        return code;
    od_table_init(&table, member_columns, OD_COUNT(member_columns));
    for (int i = 0; i < g.member_count && !code; i++) {
        if (!is_meant(cli, &g.members[i]))
            continue;
        meant++;
        if (od_cli_has(cli, "dry-run"))
            show_member(cli, &g.members[i], OD_NONE, &table);
        else
            code = remove_member(cli, &g, &g.members[i], &table);
    }
    if (!meant && cli->arg_count > 1)
        od_cli_failed(cli, OD_RESOURCE_NOT_FOUND, OD_STR_NULL, "members of group \"%s\"",
                      cli->args[0]);
    if (code)
        od_table_deinit(&table);
    else
        code = od_cli_print(cli, &table);
    return code ? code : od_cli_result(cli);
}

static const struct od_option remove_options[] = {
    { .name = "all", .help = "every member" },
    { 0 },
};

const struct od_cli_command od_cli_command_group_remove_member = {
    .name = "group remove-member",
    .arguments = "GROUP [MEMBER...]",
    .args_min = 1,
    .args_max = OD_ARGS_ANY,
    .uses = OD_USES_CLUSTER | OD_USES_OUTPUT | OD_USES_DRY_RUN | OD_USES_YES,
    .help = "Send members away from a group of the classic protocol",
    .details = "MEMBER is an id or an instance id, as \"group describe --members\" shows them.\n"
               "A live consumer that is sent away joins again by itself.",
    .options = remove_options,
    .run = run_remove,
};
