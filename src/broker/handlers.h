/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One handler per API.  A handler translates, asks and fills; framing, version checks, encoding and
 * logging are the dispatcher's.  The request borrows the call's frame; the response's lists come
 * from the call's arena.
 */
#pragma once

#include "broker/call.h"
#include "wire/api/alter_configs.h"
#include "wire/api/alter_partition_reassignments.h"
#include "wire/api/api_versions.h"
#include "wire/api/consumer_group_describe.h"
#include "wire/api/consumer_group_heartbeat.h"
#include "wire/api/create_partitions.h"
#include "wire/api/create_topics.h"
#include "wire/api/delete_groups.h"
#include "wire/api/delete_records.h"
#include "wire/api/delete_topics.h"
#include "wire/api/describe_cluster.h"
#include "wire/api/describe_configs.h"
#include "wire/api/describe_groups.h"
#include "wire/api/describe_log_dirs.h"
#include "wire/api/describe_producers.h"
#include "wire/api/describe_quorum.h"
#include "wire/api/describe_topic_partitions.h"
#include "wire/api/elect_leaders.h"
#include "wire/api/fetch.h"
#include "wire/api/find_coordinator.h"
#include "wire/api/heartbeat.h"
#include "wire/api/incremental_alter_configs.h"
#include "wire/api/init_producer_id.h"
#include "wire/api/join_group.h"
#include "wire/api/leave_group.h"
#include "wire/api/list_config_resources.h"
#include "wire/api/list_groups.h"
#include "wire/api/list_offsets.h"
#include "wire/api/list_partition_reassignments.h"
#include "wire/api/metadata.h"
#include "wire/api/offset_commit.h"
#include "wire/api/offset_delete.h"
#include "wire/api/offset_fetch.h"
#include "wire/api/offset_for_leader_epoch.h"
#include "wire/api/produce.h"
#include "wire/api/sync_group.h"
#include "wire/api/update_features.h"

#define OD_API(key, name, version_min)                                                             \
    enum od_done od_handle_##name(struct od_call *call, const struct od_##name##_req *req,         \
                                  struct od_##name##_rsp *rsp);
#include "broker/apis.def"
#undef OD_API

enum {
#define OD_API(key, name, version_min) OD_API_ROW_##name,
#include "broker/apis.def"
#undef OD_API
    OD_API_ROWS
};

/* The row by its place in apis.def; false past the last. */
bool od_api_row(int index, struct od_api_row *out);
