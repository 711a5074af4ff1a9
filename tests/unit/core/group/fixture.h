/* SPDX-License-Identifier: Apache-2.0 */
/* One shard, its time and its log; calls that are answered at once or stay parked. */
#pragma once

#include "core/group/shard.h"

#include "test.h"
#include "wire/api/describe_groups.h"
#include "wire/api/heartbeat.h"
#include "wire/api/join_group.h"
#include "wire/api/leave_group.h"
#include "wire/api/offset_commit.h"
#include "wire/api/offset_fetch.h"
#include "wire/api/sync_group.h"
#include "wire/api/txn_offset_commit.h"

#include <string.h>

enum { SESSION_MS = 10000, REBALANCE_MS = 60000, DELAY_MS = 3000, LOG_MAX = 20000 };

struct fixture {
    struct od_group_shard *shard;
    struct od_group_rules rules;
    const struct od_group_topics *topics;
    struct od_arena arena; /* of all calls and records: freed at the end */
    int64_t now_ms;
    int64_t wall_ms;
    uint64_t random;
    struct od_group_record log[LOG_MAX];
    int64_t producers[LOG_MAX];
    int log_count;
    int answered;
};

/* A call and its parts; finished once answered. */
struct ask {
    struct od_group_call call;
    bool finished;
    struct od_join_group_req join;
    struct od_join_group_rsp joined;
    struct od_sync_group_req sync;
    struct od_sync_group_rsp synced;
    struct od_heartbeat_req heartbeat;
    struct od_heartbeat_rsp beaten;
    struct od_leave_group_req leave;
    struct od_leave_group_rsp left;
};

static inline void fixture_init(struct fixture *f)
{
    memset(f, 0, sizeof(*f));
    f->shard = od_group_shard_new(7);
    f->rules = (struct od_group_rules){ .session_timeout_ms_min = 6000,
                                        .session_timeout_ms_max = 1800000,
                                        .initial_rebalance_delay_ms = DELAY_MS,
                                        .size_max = INT32_MAX,
                                        .metadata_bytes_max = 4096,
                                        .offsets_retention_ms = 7 * 86400000LL };
    f->wall_ms = 1700000000000;
}

static inline struct od_group_event fixture_event(struct fixture *f)
{
    f->random++;
    return (struct od_group_event){ .rules = &f->rules,
                                    .topics = f->topics,
                                    .now_ms = f->now_ms,
                                    .wall_ms = f->wall_ms,
                                    .random = { f->random * 0x9e3779b97f4a7c15u, f->random } };
}

static inline void fixture_take(struct fixture *f, struct od_group_out *out)
{
    struct od_link *link;

    for (int32_t i = 0; i < out->record_count; i++) {
        CHECK(f->log_count < LOG_MAX);
        f->producers[f->log_count] = out->producer_id;
        f->log[f->log_count++] = out->records[i];
    }
    while ((link = od_list_pop(&out->answered))) {
        struct ask *a =
            OD_CONTAINER(OD_CONTAINER(link, struct od_group_call, link), struct ask, call);

        CHECK(!a->finished);
        a->finished = true;
        f->answered++;
    }
}

static inline void fixture_call(struct fixture *f, struct ask *a)
{
    struct od_group_event ev = fixture_event(f);
    struct od_group_out out;

    od_group_out_init(&out, &f->arena);
    a->call.arena = &f->arena;
    a->call.client_host = OD_STR("/127.0.0.1");
    od_group_shard_call(f->shard, &ev, &a->call, &out);
    fixture_take(f, &out);
}

static inline void fixture_tick(struct fixture *f)
{
    struct od_group_event ev = fixture_event(f);
    struct od_group_out out;

    od_group_out_init(&out, &f->arena);
    od_group_shard_tick(f->shard, &ev, &out);
    fixture_take(f, &out);
}

/* Time goes on, and what falls due meanwhile happens at its moment. */
static inline void fixture_pass(struct fixture *f, int64_t ms)
{
    int64_t end = f->now_ms + ms;

    while (od_group_shard_deadline_ms(f->shard) <= end) {
        int64_t due = od_group_shard_deadline_ms(f->shard);

        if (due > f->now_ms) {
            f->wall_ms += due - f->now_ms;
            f->now_ms = due;
        }
        fixture_tick(f);
    }
    f->wall_ms += end - f->now_ms;
    f->now_ms = end;
}

static inline void fixture_free(struct fixture *f)
{
    struct od_group_out out;

    od_group_out_init(&out, &f->arena);
    od_group_shard_drop(f->shard, OD_NOT_COORDINATOR, &out);
    fixture_take(f, &out);
    od_group_shard_free(f->shard);
    od_arena_reset(&f->arena);
}

/* The shard as it would be after a restart. */
static inline struct od_group_shard *fixture_replayed(const struct fixture *f)
{
    struct od_group_shard *s = od_group_shard_new(8);

    for (int i = 0; i < f->log_count; i++)
        CHECK_OK(od_group_shard_replay(s, f->log[i].key, f->log[i].value, f->producers[i]));
    return s;
}

static inline struct ask *fixture_ask(struct fixture *f, enum od_group_call_kind kind,
                                      int16_t version)
{
    struct ask *a = od_arena_alloc(&f->arena, sizeof(*a));

    a->call.kind = kind;
    a->call.version = version;
    a->call.client_id = OD_STR("client");
    return a;
}

/* --- usual calls: group "g", protocol type "consumer", protocol "range" --------------------------
 */

static inline struct ask *join_begin(struct fixture *f, const char *member, int16_t version)
{
    static struct od_join_group_req_protocol range = { { "range", 5 },
                                                       { (const uint8_t *)"meta", 4 } };
    struct ask *a = fixture_ask(f, OD_GROUP_JOIN, version);

    od_join_group_req_defaults(&a->join);
    od_join_group_rsp_defaults(&a->joined);
    a->join.group_id = OD_STR("g");
    a->join.session_timeout_ms = SESSION_MS;
    a->join.rebalance_timeout_ms = REBALANCE_MS;
    a->join.member_id = od_str_of(member);
    a->join.protocol_type = OD_STR("consumer");
    a->join.protocols.n = 1;
    a->join.protocols.v = &range;
    a->call.join.req = &a->join;
    a->call.join.rsp = &a->joined;
    return a;
}

static inline struct ask *join(struct fixture *f, const char *member, int16_t version)
{
    struct ask *a = join_begin(f, member, version);

    fixture_call(f, a);
    return a;
}

static inline struct ask *join_static(struct fixture *f, const char *member, const char *instance,
                                      int16_t version)
{
    struct ask *a = join_begin(f, member, version);

    a->join.group_instance_id = od_str_of(instance);
    fixture_call(f, a);
    return a;
}

static inline const char *id_of(struct fixture *f, const struct ask *a)
{
    return od_arena_printf(&f->arena, "%.*s", OD_STR_ARGS(a->joined.member_id));
}

static inline struct ask *sync_as(struct fixture *f, const char *member, int32_t generation,
                                  int count, const char *const *ids)
{
    struct ask *a = fixture_ask(f, OD_GROUP_SYNC, 5);

    od_sync_group_req_defaults(&a->sync);
    od_sync_group_rsp_defaults(&a->synced);
    a->sync.group_id = OD_STR("g");
    a->sync.member_id = od_str_of(member);
    a->sync.generation_id = generation;
    OD_ARENA_LIST(&f->arena, a->sync.assignments, count);
    for (int i = 0; i < count; i++) {
        a->sync.assignments.v[i].member_id = od_str_of(ids[i]);
        a->sync.assignments.v[i].assignment =
            (struct od_bytes){ (const uint8_t *)ids[i], strlen(ids[i]) };
    }
    a->call.sync.req = &a->sync;
    a->call.sync.rsp = &a->synced;
    fixture_call(f, a);
    return a;
}

static inline enum od_err beat(struct fixture *f, const char *member, int32_t generation)
{
    struct ask *a = fixture_ask(f, OD_GROUP_HEARTBEAT, 4);

    od_heartbeat_req_defaults(&a->heartbeat);
    od_heartbeat_rsp_defaults(&a->beaten);
    a->heartbeat.group_id = OD_STR("g");
    a->heartbeat.member_id = od_str_of(member);
    a->heartbeat.generation_id = generation;
    a->call.heartbeat.req = &a->heartbeat;
    a->call.heartbeat.rsp = &a->beaten;
    fixture_call(f, a);
    CHECK(a->finished);
    return (enum od_err)a->beaten.error_code;
}

static inline enum od_err leave(struct fixture *f, const char *member)
{
    struct ask *a = fixture_ask(f, OD_GROUP_LEAVE, 1);

    od_leave_group_req_defaults(&a->leave);
    od_leave_group_rsp_defaults(&a->left);
    a->leave.group_id = OD_STR("g");
    a->leave.member_id = od_str_of(member);
    a->call.leave.req = &a->leave;
    a->call.leave.rsp = &a->left;
    fixture_call(f, a);
    CHECK(a->finished);
    return (enum od_err)a->left.error_code;
}

static inline const char *state_in(struct od_group_shard *s, struct fixture *f,
                                   struct od_describe_groups_rsp_group *rsp)
{
    struct ask *a = fixture_ask(f, OD_GROUP_DESCRIBE, 6);
    struct od_group_event ev = fixture_event(f);
    struct od_group_out out;

    od_group_out_init(&out, &f->arena);
    od_describe_groups_rsp_group_defaults(rsp);
    a->call.arena = &f->arena;
    a->call.describe.group_id = OD_STR("g");
    a->call.describe.rsp = rsp;
    od_group_shard_call(s, &ev, &a->call, &out);
    return od_arena_printf(&f->arena, "%.*s", OD_STR_ARGS(rsp->group_state));
}

static inline const char *state_of(struct fixture *f)
{
    struct od_describe_groups_rsp_group rsp;

    return state_in(f->shard, f, &rsp);
}

/* A group of n members whose generation 1 is to be assigned; ids[0] leads. */
static inline void gathered(struct fixture *f, int n, const char **ids)
{
    struct ask *asks[16];

    for (int i = 0; i < n; i++)
        asks[i] = join(f, "", 3);
    fixture_pass(f, DELAY_MS * 2);
    for (int i = 0; i < n; i++) {
        CHECK(asks[i]->finished);
        CHECK_OK(asks[i]->joined.error_code);
        ids[i] = id_of(f, asks[i]);
    }
}
