/* SPDX-License-Identifier: Apache-2.0 */
/* An answer that says nothing but an error, whatever had been filled in before. */
#include "core/group/group_internal.h"
#include "wire/api/consumer_group_describe.h"
#include "wire/api/consumer_group_heartbeat.h"
#include "wire/api/delete_groups.h"
#include "wire/api/describe_groups.h"
#include "wire/api/heartbeat.h"
#include "wire/api/join_group.h"
#include "wire/api/leave_group.h"
#include "wire/api/offset_commit.h"
#include "wire/api/offset_delete.h"
#include "wire/api/offset_fetch.h"
#include "wire/api/sync_group.h"
#include "wire/api/txn_offset_commit.h"

static void fail_join(struct od_group_call *call, int16_t code)
{
    struct od_join_group_rsp *rsp = call->join.rsp;

    od_join_group_rsp_defaults(rsp);
    rsp->error_code = code;
    rsp->generation_id = -1;
    rsp->protocol_name = call->version >= 7 ? OD_STR_NULL : OD_STR("");
}

static void fail_sync(struct od_group_call *call, int16_t code)
{
    od_sync_group_rsp_defaults(call->sync.rsp);
    call->sync.rsp->error_code = code;
    call->sync.rsp->assignment = (struct od_bytes){ (const uint8_t *)"", 0 };
}

static void fail_commit(struct od_offset_commit_rsp *rsp, int16_t code)
{
    for (int32_t i = 0; i < rsp->topics.n; i++)
        for (int32_t j = 0; j < rsp->topics.v[i].partitions.n; j++)
            if (!rsp->topics.v[i].partitions.v[j].error_code)
                rsp->topics.v[i].partitions.v[j].error_code = code;
}

static void fail_txn_commit(struct od_txn_offset_commit_rsp *rsp, int16_t code)
{
    for (int32_t i = 0; i < rsp->topics.n; i++)
        for (int32_t j = 0; j < rsp->topics.v[i].partitions.n; j++)
            if (!rsp->topics.v[i].partitions.v[j].error_code)
                rsp->topics.v[i].partitions.v[j].error_code = code;
}

static void fail_fetch(struct od_offset_fetch_rsp_group *rsp, int16_t code)
{
    rsp->topics.n = 0;
    rsp->topics.v = NULL;
    rsp->error_code = code;
}

static void fail_delete_offsets(struct od_offset_delete_rsp *rsp, int16_t code)
{
    rsp->topics.n = 0;
    rsp->topics.v = NULL;
    rsp->error_code = code;
}

static void fail_describe(struct od_describe_groups_rsp_group *rsp, int16_t code)
{
    struct od_str id = rsp->group_id;

    od_describe_groups_rsp_group_defaults(rsp);
    rsp->group_id = id;
    rsp->error_code = code;
}

static void fail_consumer_describe(struct od_consumer_group_describe_rsp_group *rsp, int16_t code)
{
    struct od_str id = rsp->group_id;

    od_consumer_group_describe_rsp_group_defaults(rsp);
    rsp->group_id = id;
    rsp->error_code = code;
}

void od_group_call_fail(struct od_group_call *call, enum od_err err)
{
    int16_t code = od_err_to_wire(err);

    switch (call->kind) {
    case OD_GROUP_JOIN:
        fail_join(call, code);
        return;
    case OD_GROUP_SYNC:
        fail_sync(call, code);
        return;
    case OD_GROUP_HEARTBEAT:
        call->heartbeat.rsp->error_code = code;
        return;
    case OD_GROUP_LEAVE:
        od_leave_group_rsp_defaults(call->leave.rsp);
        call->leave.rsp->error_code = code;
        return;
    case OD_GROUP_COMMIT:
        fail_commit(call->commit.rsp, code);
        return;
    case OD_GROUP_TXN_COMMIT:
        fail_txn_commit(call->txn_commit.rsp, code);
        return;
    case OD_GROUP_FETCH:
        fail_fetch(call->fetch.rsp, code);
        return;
    case OD_GROUP_DELETE_OFFSETS:
        fail_delete_offsets(call->delete_offsets.rsp, code);
        return;
    case OD_GROUP_DESCRIBE:
        fail_describe(call->describe.rsp, code);
        return;
    case OD_GROUP_DELETE:
        call->remove.rsp->error_code = code;
        return;
    case OD_GROUP_CONSUMER_HEARTBEAT:
        od_consumer_group_heartbeat_rsp_defaults(call->consumer.rsp);
        call->consumer.rsp->error_code = code;
        return;
    case OD_GROUP_CONSUMER_DESCRIBE:
        fail_consumer_describe(call->consumer_describe.rsp, code);
        return;
    }
}
