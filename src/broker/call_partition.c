/* SPDX-License-Identifier: Apache-2.0 */
/* The partition that a request means by name. */
#include "broker/call.h"
#include "broker/node.h"
#include "broker/partition.h"
#include "broker/shard.h"

struct od_partition *od_call_partition(const struct od_call *call, struct od_str topic,
                                       int32_t index, enum od_err *err)
{
    struct od_node *node = call->shard->node;
    struct od_image *image = od_image_acquire(&node->image);
    const struct od_image_topic *t = od_image_topic_find(image, topic);
    struct od_partition *p = NULL;

    *err = OD_UNKNOWN_TOPIC_OR_PARTITION;
    if (t && index >= 0 && index < t->partition_count) {
        p = od_partitions_find(&node->partitions, t->id, index);
        *err = p ? OD_NONE : OD_NOT_LEADER_OR_FOLLOWER;
    }
    od_image_unref(image);
    return p;
}
