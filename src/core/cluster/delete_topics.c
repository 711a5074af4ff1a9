/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Deleting topics, by name or id.  Whoever names a topic twice, be it once by name and once by id,
 * gets one refusal for it, and it stays.
 */
#include "base/map.h"
#include "core/cluster/cluster_internal.h"

struct deletion {
    struct od_step *s;
    struct od_item_reply *items;
    int count;
    struct od_map names; /* of the refs by name, to their items */
    struct od_map ids;   /* of the refs by id, then of every topic to go, likewise */
};

/* The item of a new key; NULL: it was there already, and is refused. */
static struct od_item_reply *take(struct deletion *d, struct od_map *map, const void *key,
                                  size_t len, const char *what)
{
    struct od_item_reply *item = od_map_get(map, key, len);

    if (item) {
        od_step_refuse(d->s, item, OD_INVALID_REQUEST, "Duplicate topic %s.", what);
        return NULL;
    }
    item = &d->items[d->count++];
    od_map_put(map, key, len, item);
    return item;
}

static void take_ref(struct deletion *d, const struct od_topic_ref *in)
{
    struct od_item_reply *item;

    if (in->name.data && od_uuid_is_zero(in->id)) {
        item = take(d, &d->names, in->name.data, in->name.len, "name");
        if (item)
            item->topic_name = in->name;
    } else if (!in->name.data && !od_uuid_is_zero(in->id)) {
        item = take(d, &d->ids, in->id.bytes, sizeof(in->id.bytes), "id");
        if (item)
            item->topic_id = in->id;
    } else {
        item = &d->items[d->count++];
        item->topic_name = in->name;
        item->topic_id = in->id;
        od_step_refuse(d->s, item, OD_INVALID_REQUEST,
                       in->name.data ? "You may not specify both topic name and topic id."
                                     : "Neither topic name nor id were specified.");
    }
}

/* Whether the topic stays because the other kind of reference names it too. */
static bool named_both_ways(struct deletion *d, const struct od_image_topic *topic,
                            struct od_item_reply *item)
{
    struct od_item_reply *other = od_map_get(&d->ids, topic->id.bytes, sizeof(topic->id.bytes));

    if (!other || other == item)
        return false;
    od_step_refuse(d->s, item, OD_INVALID_REQUEST,
                   "The provided topic name maps to an ID that was already supplied.");
    od_step_refuse(d->s, other, OD_INVALID_REQUEST,
                   "The provided topic name maps to an ID that was already supplied.");
    return true;
}

static const struct od_image_topic *find(struct deletion *d, struct od_item_reply *item)
{
    const struct od_image_topic *topic;

    if (item->topic_name.data) {
        topic = od_image_topic_find(d->s->image, item->topic_name);
        if (!topic)
            od_step_refuse(d->s, item, OD_UNKNOWN_TOPIC_OR_PARTITION, "There is no topic '%.*s'.",
                           OD_STR_ARGS(item->topic_name));
    } else {
        topic = od_image_topic_by_id(d->s->image, item->topic_id);
        if (!topic)
            od_step_refuse(d->s, item, OD_UNKNOWN_TOPIC_ID, "There is no topic with this id.");
    }
    return topic;
}

static void find_all(struct deletion *d)
{
    for (int i = 0; i < d->count; i++) {
        struct od_item_reply *item = &d->items[i];
        const struct od_image_topic *topic = item->err ? NULL : find(d, item);

        if (!topic || named_both_ways(d, topic, item))
            continue;
        item->topic_id = topic->id;
        item->topic_name =
            od_str_of(od_arena_printf(d->s->arena, "%.*s", OD_STR_ARGS(topic->name)));
    }
}

void od_step_delete_topics(struct od_step *s, const struct od_delete_topics *c)
{
    struct deletion d = { .s = s };

    if (!c->enabled) {
        od_step_refuse_all(s, OD_TOPIC_DELETION_DISABLED,
                           "Topics cannot be deleted while delete.topic.enable is false.");
        return;
    }
    d.items = od_step_items(s, c->topic_count);
    od_map_init(&d.names, s->event->random[0]);
    od_map_init(&d.ids, s->event->random[1]);
    for (int i = 0; i < c->topic_count; i++)
        take_ref(&d, &c->topics[i]);
    find_all(&d);
    for (int i = 0; i < d.count; i++)
        if (!d.items[i].err)
            od_step_add(s, OD_RECORD_REMOVE_TOPIC)->remove_topic.topic_id = d.items[i].topic_id;
    s->reply->item_count = d.count;
    od_map_deinit(&d.names);
    od_map_deinit(&d.ids);
}
