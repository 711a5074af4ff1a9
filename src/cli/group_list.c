/* SPDX-License-Identifier: Apache-2.0 */
/* `odradek group list`. */
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/groups.h"
#include "wire/api/list_groups.h"
#include "wire/api/metadata.h"

#include <stdlib.h>

static const struct od_column columns[] = {
    { "group", "GROUP", 0 },
    { "type", "TYPE", 0 },
    { "protocol", "PROTOCOL", 0 },
    { "state", "STATE", 0 },
    { "coordinator", "COORDINATOR", OD_COLUMN_RIGHT | OD_COLUMN_WIDE },
};

struct found {
    struct od_str id, type, protocol, state;
    int32_t broker;
};

struct all {
    struct found *v; /* in the arena */
    int n, capacity;
};

static void add(struct od_cli *cli, const struct od_list_groups_rsp_group *g, int32_t broker,
                struct all *all)
{
    if (all->n == all->capacity) {
        int capacity = all->capacity ? all->capacity * 2 : 64;
        struct found *v = od_arena_alloc(&cli->arena, sizeof(*v) * (size_t)capacity);

        for (int i = 0; i < all->n; i++)
            v[i] = all->v[i];
        all->v = v;
        all->capacity = capacity;
    }
    all->v[all->n++] = (struct found){ od_groups_keep(cli, g->group_id),
                                       od_groups_keep(cli, g->group_type),
                                       od_groups_keep(cli, g->protocol_type),
                                       od_groups_keep(cli, g->group_state), broker };
}

static int ask_broker(struct od_cli *cli, int32_t broker, struct all *all)
{
    const char *state = od_cli_get(cli, "state"), *type = od_cli_get(cli, "type");
    struct od_str states = od_str_of(state), types = od_str_of(type);
    struct od_list_groups_req req;
    struct od_list_groups_rsp rsp;
    struct od_client_ask ask = { .api = od_api_find(OD_list_groups_KEY),
                                 .request = &req,
                                 .to = OD_CLIENT_NODE,
                                 .node = broker };
    int code;

    od_list_groups_req_defaults(&req);
    if (state) {
        req.states_filter.n = 1;
        req.states_filter.v = &states;
    }
    if (type) {
        req.types_filter.n = 1;
        req.types_filter.v = &types;
    }
    code = od_cli_call(cli, &ask, &rsp);
    if (code)
        return code;
    if (rsp.error_code)
        od_cli_failed(cli, (enum od_err)rsp.error_code, OD_STR_NULL, "broker %d", broker);
    else
        od_cli_done(cli);
    for (int32_t i = 0; i < rsp.groups.n; i++)
        add(cli, &rsp.groups.v[i], broker, all);
    return OD_EXIT_OK;
}

static int by_id(const void *a, const void *b)
{
    return od_str_cmp(((const struct found *)a)->id, ((const struct found *)b)->id);
}

static int print(struct od_cli *cli, struct all *all)
{
    struct od_table table;

    od_table_init(&table, columns, OD_COUNT(columns));
    if (all->n > 1)
        qsort(all->v, (size_t)all->n, sizeof(*all->v), by_id);
    for (int i = 0; i < all->n; i++) {
        const struct found *g = &all->v[i];
        json_t *row = od_table_row(&table);

        od_row_str(row, "group", g->id);
        od_row_str(row, "type", g->type.len ? g->type : OD_STR_NULL);
        od_row_str(row, "protocol", g->protocol.len ? g->protocol : OD_STR_NULL);
        od_row_str(row, "state", g->state.len ? g->state : OD_STR_NULL);
        od_row_int(row, "coordinator", g->broker);
    }
    return od_cli_print(cli, &table);
}

static int run(struct od_cli *cli)
{
    struct od_str none;
    struct od_metadata_rsp rsp;
    struct all all = { 0 };
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
    for (int i = 0; i < n && !code; i++)
        code = ask_broker(cli, ids[i], &all);
    if (!code)
        code = print(cli, &all);
    return code ? code : od_cli_result(cli);
}

static const struct od_option options[] = {
    { .name = "state", .value = "STATE",
      .help = "only in this state: Empty, Stable, PreparingRebalance, ..." },
    { .name = "type", .value = "TYPE", .candidates = OD_CANDIDATES_WORDS,
      .words = "classic|consumer", .help = "only of this protocol: classic or consumer" },
    { 0 },
};

const struct od_cli_command od_cli_command_group_list = {
    .name = "group list",
    .uses = OD_USES_CLUSTER | OD_USES_OUTPUT,
    .help = "List consumer groups",
    .options = options,
    .run = run,
};
