/* SPDX-License-Identifier: Apache-2.0 */
/* Deleting topics, by name or id. */
#include "base/map.h"
#include "core/cluster/cluster_internal.h"

static void delete_one(struct od_step *s, const struct od_topic_ref *in, struct od_map *seen,
                       struct od_item_reply *out)
{
    const struct od_image_topic *topic = in->name.data
                                             ? od_image_topic_find(s->image, in->name)
                                             : od_image_topic_by_id(s->image, in->id);

    out->topic_name = in->name;
    out->topic_id = in->id;
    if (!topic) {
        if (in->name.data)
            od_step_refuse(s, out, OD_UNKNOWN_TOPIC_OR_PARTITION, "There is no topic '%.*s'.",
                           OD_STR_ARGS(in->name));
        else
            od_step_refuse(s, out, OD_UNKNOWN_TOPIC_ID, "There is no topic with this id.");
        return;
    }
    out->topic_id = topic->id;
    out->topic_name = od_str_of(od_arena_printf(s->arena, "%.*s", OD_STR_ARGS(topic->name)));
    if (od_map_put(seen, out->topic_id.bytes, sizeof(out->topic_id.bytes), out)) {
        od_step_refuse(s, out, OD_INVALID_REQUEST, "The request names this topic twice.");
        return;
    }
    od_step_add(s, OD_RECORD_REMOVE_TOPIC)->remove_topic.topic_id = topic->id;
}

void od_step_delete_topics(struct od_step *s, const struct od_delete_topics *c)
{
    struct od_item_reply *items;
    struct od_map seen;

    if (!c->enabled) {
        od_step_refuse_all(s, OD_TOPIC_DELETION_DISABLED,
                           "Topics cannot be deleted while delete.topic.enable is false.");
        return;
    }
    items = od_step_items(s, c->topic_count);
    od_map_init(&seen, s->event->random[0]);
    for (int i = 0; i < c->topic_count; i++)
        delete_one(s, &c->topics[i], &seen, &items[i]);
    od_map_deinit(&seen);
}
