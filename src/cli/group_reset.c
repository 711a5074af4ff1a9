/* SPDX-License-Identifier: Apache-2.0 */
/* `odradek group reset-offsets`: a plan of old and new offsets, then one commit. */
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/groups.h"
#include "cli/places.h"
#include "wire/api/offset_commit.h"

static const struct od_column columns[] = {
    { "topic", "TOPIC", 0 },
    { "partition", "PARTITION", OD_COLUMN_RIGHT },
    { "offset", "CURRENT-OFFSET", OD_COLUMN_RIGHT },
    { "new_offset", "NEW-OFFSET", OD_COLUMN_RIGHT },
    { "status", "STATUS", 0 },
};

struct plan {
    struct od_group_offset *v; /* in the arena; offset: as it is to be, end: as it is, or -1 */
    int n;
};

static int64_t committed(const struct od_group_offsets *offsets, const struct od_group_part *at)
{
    for (int i = 0; i < offsets->n; i++)
        if (offsets->v[i].at.partition == at->partition &&
            od_str_eq(offsets->v[i].at.topic, at->topic))
            return offsets->v[i].offset;
    return -1;
}

static int64_t within(int64_t offset, int64_t low, int64_t high)
{
    return offset < low ? low : offset > high ? high : offset;
}

/* Moved from where the group is, but not out of the log; a partition without offset stays out. */
static int shift(struct od_cli *cli, struct od_str topic, int64_t by,
                 const struct od_group_offsets *now, struct od_places *places)
{
    int code = od_places_place(cli, topic, "end", "to", false, places);
    int kept = 0;

    for (int i = 0; i < places->n; i++)
        places->v[i].begin = places->v[i].offset;
    if (!code)
        code = od_places_place(cli, topic, "start", "to", false, places);
    for (int i = 0; i < places->n && !code; i++) {
        struct od_place p = places->v[i];
        int64_t from = committed(now, &(struct od_group_part){ topic, p.partition });

        if (from < 0)
            continue;
        if (__builtin_add_overflow(from, by, &from))
            from = by < 0 ? 0 : INT64_MAX;
        p.offset = within(from, p.offset, p.begin);
        places->v[kept++] = p;
    }
    places->n = kept;
    return code;
}

/* OFFSET is put within the log, as Kafka's tool does. */
static int place(struct od_cli *cli, struct od_str topic, const char *to, struct od_places *places)
{
    int64_t *wanted = od_arena_alloc(&cli->arena, sizeof(*wanted) * (size_t)(places->n + 1));
    int code = od_places_place(cli, topic, to, "to", false, places);

    for (int i = 0; i < places->n; i++)
        wanted[i] = places->v[i].offset;
    if (!code)
        code = od_places_place(cli, topic, "end", "to", false, places);
    for (int i = 0; i < places->n; i++)
        places->v[i].begin = places->v[i].offset;
    if (!code)
        code = od_places_place(cli, topic, "start", "to", false, places);
    for (int i = 0; i < places->n; i++)
        places->v[i].offset = within(wanted[i], places->v[i].offset, places->v[i].begin);
    return code;
}

static int plan_topic(struct od_cli *cli, struct od_str topic, const struct od_group_offsets *now,
                      struct plan *plan)
{
    struct od_places places = { 0 };
    struct od_group_offset *v;
    int64_t by = 0;
    int code = od_places_choose(cli, topic, &places);

    if (!code && od_cli_has(cli, "shift") &&
        !od_cli_number(cli, "shift", INT64_MIN, INT64_MAX, 0, &by))
        code = OD_EXIT_USAGE;
    if (!code)
        code = od_cli_has(cli, "shift") ? shift(cli, topic, by, now, &places)
                                        : place(cli, topic, od_cli_get(cli, "to"), &places);
    v = od_arena_alloc(&cli->arena, sizeof(*v) * (size_t)(plan->n + places.n + 1));
    for (int i = 0; i < plan->n; i++)
        v[i] = plan->v[i];
    plan->v = v;
    for (int i = 0; i < places.n && !code; i++) {
        struct od_group_part at = { topic, places.v[i].partition };

        v[plan->n++] = (struct od_group_offset){ at, places.v[i].offset, committed(now, &at) };
    }
    od_places_deinit(&places);
    return code;
}

static void show(struct od_cli *cli, const struct od_group_offset *o, enum od_err err,
                 struct od_table *table)
{
    json_t *row = od_table_row(table);

    od_row_str(row, "topic", o->at.topic);
    od_row_int(row, "partition", o->at.partition);
    if (o->end >= 0)
        od_row_int(row, "offset", o->end);
    od_row_int(row, "new_offset", o->offset);
    od_row_text(row, "status", err                           ? od_err_name(err)
                               : od_cli_has(cli, "dry-run") ? "would be reset"
                                                            : "reset");
    if (err)
        od_cli_failed(cli, err, OD_STR_NULL, "topic \"%.*s\", partition %d",
                      OD_STR_ARGS(o->at.topic), o->at.partition);
    else
        od_cli_done(cli);
}

/* A topic for each entry: the answer then has the plan's order. */
static int commit(struct od_cli *cli, const struct plan *plan, struct od_table *table)
{
    struct od_str group = od_str_of(cli->args[0]);
    struct od_offset_commit_req req;
    struct od_offset_commit_rsp rsp;
    struct od_client_ask ask = { .api = od_api_find(OD_offset_commit_KEY),
                                 .request = &req,
                                 .to = OD_CLIENT_NODE,
                                 .version_bound = true,
                                 .version_max = 9 }; /* later ones want ids */
    int code = od_groups_coordinator(cli, group, &ask.node);

    if (code)
        return code;
    od_offset_commit_req_defaults(&req);
    req.group_id = group;
    OD_ARENA_LIST(&cli->arena, req.topics, plan->n);
    for (int i = 0; i < plan->n; i++) {
        struct od_offset_commit_req_topic *t = &req.topics.v[i];

        od_offset_commit_req_topic_defaults(t);
        t->name = plan->v[i].at.topic;
        OD_ARENA_LIST(&cli->arena, t->partitions, 1);
        od_offset_commit_req_partition_defaults(&t->partitions.v[0]);
        t->partitions.v[0].partition_index = plan->v[i].at.partition;
        t->partitions.v[0].committed_offset = plan->v[i].offset;
    }
    code = od_cli_call(cli, &ask, &rsp);
    for (int i = 0; i < plan->n && !code; i++) {
        bool told = i < rsp.topics.n && rsp.topics.v[i].partitions.n == 1;

        show(cli, &plan->v[i],
             told ? (enum od_err)rsp.topics.v[i].partitions.v[0].error_code
                  : OD_UNKNOWN_SERVER_ERROR,
             table);
    }
    return code;
}

/* With members it would fail.  A group that is not there yet may begin where one likes. */
static int check_idle(struct od_cli *cli)
{
    struct od_str group = od_str_of(cli->args[0]);
    struct od_group_info g;
    int code = od_groups_find(cli, group, &g);

    if (!code && g.member_count) {
        od_cli_failed(cli, OD_NON_EMPTY_GROUP, OD_STR_NULL, "group \"%s\"", cli->args[0]);
        return cli->failed_code;
    }
    return code;
}

static int run(struct od_cli *cli)
{
    struct od_group_offsets now;
    struct plan plan = { 0 };
    struct od_table table;
    int code;

    if (!od_cli_get(cli, "to") == !od_cli_has(cli, "shift"))
        return od_cli_usage(cli, "either --to POSITION or --shift N");
    code = od_cli_connect(cli);
    if (!code)
        code = check_idle(cli);
    if (!code)
        code = od_groups_offsets(cli, od_str_of(cli->args[0]), &now);
    for (int t = 1; t < cli->arg_count && !code; t++)
        code = plan_topic(cli, od_str_of(cli->args[t]), &now, &plan);
    if (!code && !od_cli_has(cli, "dry-run") &&
        !od_cli_confirm(cli, "Reset %d offsets of group %s?", plan.n, cli->args[0]))
        code = od_cli_fail(OD_EXIT_FAILED, "nothing was reset");
    if (code)
        return code;
    od_table_init(&table, columns, OD_COUNT(columns));
    if (!od_cli_has(cli, "dry-run") && plan.n > 0)
        code = commit(cli, &plan, &table);
    else
        for (int i = 0; i < plan.n; i++)
            show(cli, &plan.v[i], OD_NONE, &table);
    if (code)
        od_table_deinit(&table);
    else
        code = od_cli_print(cli, &table);
    return code ? code : od_cli_result(cli);
}

static const struct od_option options[] = {
    { .name = "to", .value = "POSITION",
      .help = "where to go on reading: " OD_POSITION_FORMS },
    { .name = "shift", .value = "N",
      .help = "by so many records from where the group is, back if negative" },
    { .name = "partition", .letter = 'p', .value = "N,...", .repeated = true,
      .help = "only these partitions" },
    { 0 },
};

const struct od_cli_command od_cli_command_group_reset_offsets = {
    .name = "group reset-offsets",
    .arguments = "GROUP TOPIC...",
    .args_min = 2,
    .args_max = OD_ARGS_ANY,
    .uses = OD_USES_CLUSTER | OD_USES_OUTPUT | OD_USES_DRY_RUN | OD_USES_YES,
    .help = "Set where a group without members goes on reading",
    .details = "--dry-run shows the plan alone.  Positions beyond the log become its end or start.",
    .options = options,
    .run = run,
};
