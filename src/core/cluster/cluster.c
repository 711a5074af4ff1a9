/* SPDX-License-Identifier: Apache-2.0 */
/* The machine's entry, its records and its refusals. */
#include "core/cluster/cluster.h"

#include "base/map.h"
#include "core/cluster/cluster_internal.h"

#include <stdarg.h>

enum { MESSAGE_MAX = 512 };

static void grow(struct od_record_list *list, struct od_arena *arena)
{
    struct od_metadata_record *v;

    if (list->n < list->capacity)
        return;
    list->capacity = list->capacity ? list->capacity * 2 : 8;
    v = od_arena_alloc(arena, (size_t)list->capacity * sizeof(*v));
    if (list->n)
        memcpy(v, list->v, (size_t)list->n * sizeof(*v));
    list->v = v;
}

struct od_metadata_record *od_step_add(struct od_step *s, enum od_record_type type)
{
    struct od_metadata_record *r;

    grow(s->records, s->arena);
    r = &s->records->v[s->records->n++];
    od_metadata_record_init(r, type, s->image->metadata_version);
    return r;
}

uint64_t od_step_random(struct od_step *s)
{
    s->draws++;
    return od_siphash(s->event->random, &s->draws, sizeof(s->draws));
}

static const char *format_message(struct od_step *s, const char *format, va_list args)
{
    char text[MESSAGE_MAX];

    vsnprintf(text, sizeof(text), format, args);
    return od_arena_printf(s->arena, "%s", text);
}

void od_step_refuse(struct od_step *s, struct od_item_reply *item, enum od_err err,
                    const char *format, ...)
{
    va_list args;

    va_start(args, format);
    item->err = err;
    item->message = format_message(s, format, args);
    va_end(args);
}

void od_step_refuse_all(struct od_step *s, enum od_err err, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    s->reply->err = err;
    s->reply->message = format_message(s, format, args);
    va_end(args);
}

struct od_item_reply *od_step_items(struct od_step *s, int count)
{
    s->reply->item_count = count;
    s->reply->items = od_arena_alloc(s->arena, (size_t)count * sizeof(*s->reply->items));
    return s->reply->items;
}

void od_cluster_step(const struct od_cluster_rules *rules, const struct od_image *image,
                     const struct od_command *command, const struct od_cluster_event *event,
                     struct od_arena *arena, struct od_command_reply *reply,
                     struct od_record_list *records)
{
    struct od_step s = { rules, image, event, arena, reply, records, 0 };

    *reply = (struct od_command_reply){ .broker_epoch = -1 };
    switch (command->kind) {
    case OD_COMMAND_REGISTER_BROKER:
        od_step_register_broker(&s, &command->register_broker);
        return;
    case OD_COMMAND_HEARTBEAT:
        od_step_heartbeat(&s, &command->heartbeat);
        return;
    case OD_COMMAND_CREATE_TOPICS:
        od_step_create_topics(&s, &command->create_topics);
        return;
    case OD_COMMAND_DELETE_TOPICS:
        od_step_delete_topics(&s, &command->delete_topics);
        return;
    case OD_COMMAND_ALTER_CONFIGS:
        od_step_alter_configs(&s, &command->alter_configs);
        return;
    case OD_COMMAND_ALTER_PARTITIONS:
        od_step_alter_partitions(&s, &command->alter_partitions);
        return;
    case OD_COMMAND_CREATE_PARTITIONS:
        od_step_create_partitions(&s, &command->create_partitions);
        return;
    case OD_COMMAND_ELECT_LEADERS:
        od_step_elect_leaders(&s, &command->elect_leaders);
        return;
    case OD_COMMAND_REASSIGN:
        od_step_reassign(&s, &command->reassign);
        return;
    case OD_COMMAND_UPDATE_FEATURES:
        od_step_update_features(&s, &command->update_features);
        return;
    case OD_COMMAND_ALLOCATE_PRODUCER_IDS:
        od_step_allocate_producer_ids(&s, &command->allocate_producer_ids);
        return;
    }
}

static void finalize(struct od_arena *arena, struct od_record_list *records, struct od_str name,
                     int16_t level)
{
    struct od_metadata_record *r;

    grow(records, arena);
    r = &records->v[records->n++];
    od_metadata_record_init(r, OD_RECORD_FEATURE_LEVEL, OD_METADATA_VERSION);
    r->feature_level.name = name;
    r->feature_level.feature_level = level;
}

void od_cluster_bootstrap(struct od_arena *arena, struct od_record_list *records)
{
    finalize(arena, records, OD_STR("metadata.version"), OD_METADATA_VERSION);
    finalize(arena, records, OD_STR("group.version"), 1);
}
