/* SPDX-License-Identifier: Apache-2.0 */
/* Asks of coordinators, one or one after the other. */
#include "broker/group_ask.h"

#include "broker/shard.h"

static void end_call(struct od_group_ask *ask)
{
    od_call_finish(ask->from);
}

static void prepare(struct od_group_ask *ask, struct od_call *call, enum od_group_call_kind kind)
{
    struct od_conn *conn = od_reply_conn(call->reply);

    *ask = (struct od_group_ask){ .from = call, .done = end_call };
    ask->call.kind = kind;
    ask->call.version = call->header.api_version;
    ask->call.client_id = call->header.client_id;
    /* As Java prints an address; groups are described with it. */
    ask->call.client_host =
        od_str_of(od_arena_printf(&call->arena, "/%s", conn ? od_conn_peer(conn)->host : ""));
    ask->call.arena = &call->arena;
}

struct od_group_ask *od_group_ask_new(struct od_call *call, enum od_group_call_kind kind)
{
    struct od_group_ask *ask = od_arena_alloc(&call->arena, sizeof(*ask));

    prepare(ask, call, kind);
    return ask;
}

static void go_on(struct od_group_round *round);

static void one_done(struct od_group_ask *ask)
{
    struct od_group_round *round = OD_CONTAINER(ask, struct od_group_round, ask);

    if (round->sending)
        round->answered = true;
    else
        go_on(round);
}

static void go_on(struct od_group_round *round)
{
    while (round->next < round->count) {
        struct od_str group;

        prepare(&round->ask, round->call, round->kind);
        round->ask.done = one_done;
        group = round->prepare(round, round->next++, &round->ask.call);
        round->answered = false;
        round->sending = true;
        od_group_ask_send(&round->ask, group);
        round->sending = false;
        if (!round->answered)
            return;
    }
    if (round->after)
        round->after(round);
    od_call_finish(round->call);
}

void od_group_round_start(struct od_group_round *round)
{
    go_on(round);
}
