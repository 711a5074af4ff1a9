/* SPDX-License-Identifier: Apache-2.0 */
/*
 * FindCoordinator (api 10): for groups, the leader of the group's partition of the offsets topic,
 * which is created when the first group is looked for.  Transactions and share groups are not
 * served yet.
 */
#include "broker/auto_create.h"
#include "broker/coordinator.h"
#include "broker/handlers.h"
#include "broker/node.h"
#include "broker/shard.h"

enum { KEY_GROUP = 0, VERSION_BATCH = 4 };

static const char *const not_served = "this broker serves no coordinator of this kind";
static const char *const not_yet = "the offsets topic is being made; ask again";

static enum od_err find(struct od_call *call, const struct od_image *image, struct od_str key,
                        const char **why)
{
    const struct od_image_topic *topic = od_image_topic_find(image, OD_STR("__consumer_offsets"));
    const struct od_image_partition *p;

    *why = not_yet;
    if (!topic) {
        struct od_auto_create *creation = NULL;

        od_auto_create_add(&creation, call->shard->node, OD_STR("__consumer_offsets"));
        od_auto_create_submit(creation);
        return OD_COORDINATOR_NOT_AVAILABLE;
    }
    p = od_image_partition_find(topic, od_group_partition(key, topic->partition_count));
    if (!p || p->leader != call->shard->node->id)
        return OD_COORDINATOR_NOT_AVAILABLE;
    *why = NULL;
    return OD_NONE;
}

static void fill(struct od_call *call, const struct od_image *image, int8_t key_type,
                 struct od_find_coordinator_rsp_coordinator *out)
{
    const char *why = not_served;
    enum od_err err =
        key_type == KEY_GROUP ? find(call, image, out->key, &why) : OD_INVALID_REQUEST;

    out->error_code = od_err_to_wire(err);
    out->error_message = od_str_of(why);
    out->node_id = -1;
    out->host = OD_STR("");
    out->port = -1;
    if (err)
        return;
    out->node_id = call->shard->node->id;
    od_call_endpoint(call, &out->host, &out->port);
}

enum od_done od_handle_find_coordinator(struct od_call *call,
                                        const struct od_find_coordinator_req *req,
                                        struct od_find_coordinator_rsp *rsp)
{
    struct od_image *image = od_image_acquire(&call->shard->node->image);

    if (call->header.api_version >= VERSION_BATCH) {
        OD_ARENA_LIST(&call->arena, rsp->coordinators, req->coordinator_keys.n);
        for (int32_t i = 0; i < req->coordinator_keys.n; i++) {
            rsp->coordinators.v[i].key = req->coordinator_keys.v[i];
            fill(call, image, req->key_type, &rsp->coordinators.v[i]);
        }
    } else {
        struct od_find_coordinator_rsp_coordinator one = { .key = req->key };

        fill(call, image, req->key_type, &one);
        rsp->error_code = one.error_code;
        rsp->error_message = one.error_message;
        rsp->node_id = one.node_id;
        rsp->host = one.host;
        rsp->port = one.port;
    }
    od_image_unref(image);
    return OD_DONE;
}
