/* SPDX-License-Identifier: Apache-2.0 */
/* OffsetCommit, TxnOffsetCommit, OffsetFetch and OffsetDelete of one group. */
#include "core/group/modern_internal.h"
#include "wire/api/offset_commit.h"
#include "wire/api/offset_delete.h"
#include "wire/api/offset_fetch.h"
#include "wire/api/txn_offset_commit.h"

/* --- who may commit  -- */

struct committer {
    struct od_str group_id;
    struct od_str member_id;
    struct od_str instance_id;
    int32_t generation;
    bool in_txn;
    bool knows_epochs; /* the version is of KIP-848 */
};

static enum od_err check_group(const struct od_group *g, const struct committer *who)
{
    enum od_err err;

    if (g->modern) {
        err = who->in_txn && who->generation < 0 && !who->member_id.len
                  ? OD_NONE
                  : od_modern_check_epoch(g, who->member_id, who->generation);
        return err == OD_STALE_MEMBER_EPOCH && !who->knows_epochs ? OD_UNSUPPORTED_VERSION : err;
    }
    if (who->generation < 0 && g->state == OD_GROUP_EMPTY)
        return OD_NONE; /* of no generation: whoever it calls itself, nobody is in its way */
    if (who->generation >= 0 || who->member_id.len || who->instance_id.data) {
        err = od_group_check_member(g, who->member_id, who->instance_id);
        if (err)
            return err;
        if (who->generation != g->generation)
            return OD_ILLEGAL_GENERATION;
    } else if (!who->in_txn) {
        /* While there are members, only they commit; transactions of old could not say who. */
        return OD_UNKNOWN_MEMBER_ID;
    }
    return g->state == OD_GROUP_COMPLETING ? OD_REBALANCE_IN_PROGRESS : OD_NONE;
}

static enum od_err check(const struct od_group *g, const struct committer *who)
{
    if (!who->group_id.len && who->in_txn) /* simple consumers of old have no name */
        return OD_INVALID_GROUP_ID;
    if (g)
        return check_group(g, who);
    if (who->generation < 0)
        return OD_NONE; /* a group for its offsets alone */
    return who->knows_epochs && !who->in_txn ? OD_GROUP_ID_NOT_FOUND : OD_ILLEGAL_GENERATION;
}

/* --- commit  -- */

static enum od_err commit_one(struct od_group_shard *s, const struct od_group_event *ev,
                              const struct committer *who, struct od_str topic,
                              struct od_committed *value, struct od_group_out *out)
{
    if (value->metadata.len > (size_t)ev->rules->metadata_bytes_max)
        return OD_OFFSET_METADATA_TOO_LARGE;
    if (!value->metadata.data)
        value->metadata = OD_STR("");
    od_group_record_offset(out, who->group_id, topic, value);
    if (who->in_txn)
        od_offsets_add_pending(s, out->producer_id, who->group_id, topic, value);
    else
        od_offsets_set(od_group_make(s, who->group_id), topic, value);
    return OD_NONE;
}

static void keep_alive(const struct od_group *g, struct od_str member_id, int64_t now_ms)
{
    struct od_group_member *m = g ? od_group_member(g, member_id) : NULL;

    if (m && (g->state == OD_GROUP_STABLE || g->state == OD_GROUP_PREPARING))
        od_group_alive(m, now_ms);
}

void od_group_commit(struct od_group_shard *s, const struct od_group_event *ev,
                     struct od_group_call *call, struct od_group_out *out)
{
    const struct od_offset_commit_req *req = call->commit.req;
    struct committer who = { .group_id = req->group_id,
                             .member_id = req->member_id,
                             .instance_id = req->group_instance_id,
                             .generation = req->generation_id_or_member_epoch,
                             .knows_epochs = call->version >= 9 };
    enum od_err err = check(od_group_find(s, req->group_id), &who);

    if (!err)
        keep_alive(od_group_find(s, req->group_id), req->member_id, ev->now_ms);
    for (int32_t i = 0; i < req->topics.n; i++) {
        const struct od_offset_commit_req_topic *topic = &req->topics.v[i];

        for (int32_t j = 0; j < topic->partitions.n; j++) {
            const struct od_offset_commit_req_partition *in = &topic->partitions.v[j];
            struct od_offset_commit_rsp_partition *to =
                &call->commit.rsp->topics.v[i].partitions.v[j];
            struct od_committed value = {
                .partition = in->partition_index,
                .leader_epoch = in->committed_leader_epoch,
                .offset = in->committed_offset,
                .commit_wall_ms = in->commit_timestamp >= 0 ? in->commit_timestamp : ev->wall_ms,
                .expire_wall_ms =
                    req->retention_time_ms >= 0 ? ev->wall_ms + req->retention_time_ms : -1,
                .metadata = in->committed_metadata,
                .topic_id = topic->topic_id,
            };

            if (!to->error_code)
                to->error_code =
                    od_err_to_wire(err ? err : commit_one(s, ev, &who, topic->name, &value, out));
        }
    }
    od_group_answered(out, call);
}

void od_group_txn_commit(struct od_group_shard *s, const struct od_group_event *ev,
                         struct od_group_call *call, struct od_group_out *out)
{
    const struct od_txn_offset_commit_req *req = call->txn_commit.req;
    struct committer who = { .group_id = req->group_id,
                             .member_id = req->member_id,
                             .instance_id = req->group_instance_id,
                             .generation = req->generation_id_or_member_epoch,
                             .in_txn = true,
                             .knows_epochs = true };
    enum od_err err = check(od_group_find(s, req->group_id), &who);

    out->producer_id = req->producer_id;
    out->producer_epoch = req->producer_epoch;
    for (int32_t i = 0; i < req->topics.n; i++) {
        const struct od_txn_offset_commit_req_topic *topic = &req->topics.v[i];

        for (int32_t j = 0; j < topic->partitions.n; j++) {
            const struct od_txn_offset_commit_req_partition *in = &topic->partitions.v[j];
            struct od_txn_offset_commit_rsp_partition *to =
                &call->txn_commit.rsp->topics.v[i].partitions.v[j];
            struct od_committed value = { .partition = in->partition_index,
                                          .leader_epoch = in->committed_leader_epoch,
                                          .offset = in->committed_offset,
                                          .commit_wall_ms = ev->wall_ms,
                                          .expire_wall_ms = -1,
                                          .metadata = in->committed_metadata,
                                          .topic_id = topic->topic_id };

            if (!to->error_code)
                to->error_code =
                    od_err_to_wire(err ? err : commit_one(s, ev, &who, topic->name, &value, out));
        }
    }
    od_group_answered(out, call);
}

/* --- fetch  -- */

static void fetch_one(struct od_group_call *call, const struct od_group *g, struct od_str topic,
                      int32_t partition, struct od_offset_fetch_rsp_group_partition *to)
{
    const struct od_committed *c = g ? od_offsets_find(g, topic, partition) : NULL;

    od_offset_fetch_rsp_group_partition_defaults(to);
    to->partition_index = partition;
    to->committed_offset = -1;
    to->committed_leader_epoch = -1;
    to->metadata = OD_STR("");
    if (g && call->fetch.require_stable && od_offsets_is_pending(g, topic, partition)) {
        to->error_code = od_err_to_wire(OD_UNSTABLE_OFFSET_COMMIT);
    } else if (c) {
        to->committed_offset = c->offset;
        to->committed_leader_epoch = c->leader_epoch;
        to->metadata = od_group_lend(call, c->metadata);
    }
}

static void fetch_named(struct od_group_call *call, const struct od_group *g)
{
    const struct od_offset_fetch_req_group *req = call->fetch.req;
    struct od_offset_fetch_rsp_group *rsp = call->fetch.rsp;

    OD_ARENA_LIST(call->arena, rsp->topics, req->topics.n);
    for (int32_t i = 0; i < req->topics.n; i++) {
        const struct od_offset_fetch_req_group_topic *in = &req->topics.v[i];
        struct od_offset_fetch_rsp_group_topic *to = &rsp->topics.v[i];

        od_offset_fetch_rsp_group_topic_defaults(to);
        to->name = od_group_lend(call, in->name);
        to->topic_id = in->topic_id;
        OD_ARENA_LIST(call->arena, to->partitions, in->partition_indexes.n);
        for (int32_t j = 0; j < in->partition_indexes.n; j++)
            fetch_one(call, g, in->name, in->partition_indexes.v[j], &to->partitions.v[j]);
    }
}

/* Topic ids are the caller's to fill in. */
static void fetch_all(struct od_group_call *call, const struct od_group *g)
{
    struct od_offset_fetch_rsp_group *rsp = call->fetch.rsp;
    struct od_any_list topics = od_group_values(&g->topics, call->arena);

    OD_ARENA_LIST(call->arena, rsp->topics, topics.n);
    for (int32_t i = 0; i < topics.n; i++) {
        const struct od_group_topic *t = ((struct od_group_topic **)topics.v)[i];
        struct od_offset_fetch_rsp_group_topic *to = &rsp->topics.v[i];

        od_offset_fetch_rsp_group_topic_defaults(to);
        to->name = od_group_lend(call, t->name);
        OD_ARENA_LIST(call->arena, to->partitions, t->count);
        for (int32_t j = 0; j < t->count; j++)
            fetch_one(call, g, t->name, t->offsets[j].partition, &to->partitions.v[j]);
    }
}

void od_group_fetch(struct od_group_shard *s, struct od_group_call *call, struct od_group_out *out)
{
    const struct od_offset_fetch_req_group *req = call->fetch.req;
    const struct od_group *g = od_group_find(s, req->group_id);
    enum od_err err = OD_NONE;

    call->fetch.rsp->group_id = od_group_lend(call, req->group_id);
    if (g && g->modern && (req->member_id.data || req->member_epoch >= 0))
        err = od_modern_check_epoch(g, req->member_id, req->member_epoch);
    if (err)
        call->fetch.rsp->error_code = od_err_to_wire(err);
    else if (req->topics.n >= 0)
        fetch_named(call, g);
    else if (g)
        fetch_all(call, g);
    od_group_answered(out, call);
}

/* --- delete ------------------------------------------------------------------------------------
 */

static enum od_err may_delete_offsets(const struct od_group *g)
{
    if (!g)
        return OD_GROUP_ID_NOT_FOUND;
    if (!od_group_is_empty(g) && !od_group_is_consumer(g))
        return OD_NON_EMPTY_GROUP; /* who knows what it reads */
    return OD_NONE;
}

void od_group_delete_offsets(struct od_group_shard *s, struct od_group_call *call,
                             struct od_group_out *out)
{
    const struct od_offset_delete_req *req = call->delete_offsets.req;
    struct od_offset_delete_rsp *rsp = call->delete_offsets.rsp;
    struct od_group *g = od_group_find(s, req->group_id);
    enum od_err err = req->group_id.len ? may_delete_offsets(g) : OD_INVALID_GROUP_ID;

    rsp->error_code = od_err_to_wire(err);
    for (int32_t i = 0; i < req->topics.n && !err; i++) {
        const struct od_offset_delete_req_topic *topic = &req->topics.v[i];
        bool in_use = !od_group_is_empty(g) && od_group_subscribes(g, topic->name);

        for (int32_t j = 0; j < topic->partitions.n; j++) {
            int32_t partition = topic->partitions.v[j].partition_index;
            struct od_offset_delete_rsp_partition *to = &rsp->topics.v[i].partitions.v[j];

            if (to->error_code)
                continue;
            if (in_use) {
                to->error_code = od_err_to_wire(OD_GROUP_SUBSCRIBED_TO_TOPIC);
            } else if (od_offsets_find(g, topic->name, partition) ||
                       od_offsets_is_pending(g, topic->name, partition)) {
                od_group_record_no_offset(out, g->id, topic->name, partition);
                od_offsets_remove(g, topic->name, partition);
            }
        }
    }
    if (err) { /* the code stands for all of it */
        rsp->topics.n = 0;
        rsp->topics.v = NULL;
    }
    od_group_answered(out, call);
}
