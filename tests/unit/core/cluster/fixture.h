/* SPDX-License-Identifier: Apache-2.0 */
/* A small cluster for tests: its image, and commands carried out on it as the controller does. */
#pragma once

#include "core/cluster/cluster.h"
#include "core/cluster/edit.h"
#include "test.h"

#include <inttypes.h>

/* Settings of the fixture: "good" takes anything but "bad", "list" is a list, "old" is ignored. */
static inline enum od_err fixture_check(void *ctx, enum od_resource_type type, struct od_str name,
                                        struct od_str value, bool *ignored, struct od_text *why)
{
    (void)ctx, (void)type;
    *ignored = od_str_is(name, "old");
    if (*ignored || ((od_str_is(name, "good") || od_str_is(name, "list")) && value.data &&
                     !od_str_is(value, "bad")))
        return OD_NONE;
    od_text_add(why, "%.*s may not be %.*s", OD_STR_ARGS(name), OD_STR_ARGS(value));
    return OD_INVALID_CONFIG;
}

static inline bool fixture_is_list(void *ctx, enum od_resource_type type, struct od_str name,
                                   struct od_str *current)
{
    (void)ctx, (void)type;
    *current = OD_STR("a");
    return od_str_is(name, "list");
}

static const struct od_cluster_rules fixture_rules = { NULL, fixture_check, fixture_is_list, NULL };

struct fixture {
    struct od_image *image;
    struct od_arena arena;
    struct od_command_reply reply;
    struct od_record_list records; /* of the last command */
    struct od_image_delta delta;   /* likewise */
    int64_t next_offset;
    uint64_t commands;
};

static inline void fixture_apply(struct fixture *f)
{
    struct od_edit *e = od_edit_new(f->image);
    struct od_text why = { 0 };
    struct od_image *image;

    for (int i = 0; i < f->records.n; i++) {
        enum od_err err = od_edit_apply(e, &f->records.v[i], &why);

        CHECK_STR(od_text_get(&why), "");
        CHECK_OK(err);
    }
    f->next_offset += f->records.n;
    od_image_delta_deinit(&f->delta);
    image = od_edit_finish(e, f->next_offset - 1, 1, &f->delta);
    od_image_unref(f->image);
    f->image = image;
}

/* Decides only. */
static inline struct od_command_reply *fixture_step(struct fixture *f, struct od_command command)
{
    struct od_cluster_event event = { f->next_offset, { 11, ++f->commands } };

    f->records = (struct od_record_list){ 0 };
    od_cluster_step(&fixture_rules, f->image, &command, &event, &f->arena, &f->reply, &f->records);
    return &f->reply;
}

static inline struct od_command_reply *fixture_run(struct fixture *f, struct od_command command)
{
    fixture_step(f, command);
    fixture_apply(f);
    return &f->reply;
}

static inline struct fixture fixture_empty(void)
{
    struct fixture f = { .image = od_image_new(NULL, 5) };

    od_cluster_bootstrap(&f.arena, &f.records);
    fixture_apply(&f);
    return f;
}

static inline void fixture_free(struct fixture *f)
{
    od_image_delta_deinit(&f->delta);
    od_image_unref(f->image);
    od_arena_reset(&f->arena);
}

static inline struct od_uuid fixture_uuid(uint8_t n)
{
    return (struct od_uuid){ { [0] = 0x55, [15] = n } };
}

/* Registers a broker with one directory; returns its epoch. */
static inline int64_t fixture_register(struct fixture *f, int32_t id, int64_t previous_epoch)
{
    static const struct od_image_endpoint endpoint = { { "PLAINTEXT", 9 }, { "h", 1 }, 9092, 0 };
    struct od_uuid directory = fixture_uuid((uint8_t)(100 + id));

    fixture_run(f, (struct od_command){ .kind = OD_COMMAND_REGISTER_BROKER,
                                        .register_broker = { .id = id,
                                                             .incarnation = fixture_uuid(7),
                                                             .endpoint_count = 1,
                                                             .endpoints = &endpoint,
                                                             .directory_count = 1,
                                                             .directories = &directory,
                                                             .previous_epoch = previous_epoch } });
    CHECK_OK(f->reply.err);
    return f->reply.broker_epoch;
}

static inline struct od_command_reply *fixture_beat(struct fixture *f, int32_t id, int64_t epoch,
                                                    bool want_shut_down)
{
    return fixture_run(f, (struct od_command){ .kind = OD_COMMAND_HEARTBEAT,
                                               .heartbeat = { .id = id,
                                                              .broker_epoch = epoch,
                                                              .applied_offset = f->next_offset - 1,
                                                              .want_shut_down = want_shut_down } });
}

/* n live brokers, numbered from 1. */
static inline struct fixture fixture_live(int n)
{
    struct fixture f = fixture_empty();

    for (int id = 1; id <= n; id++)
        CHECK(!fixture_beat(&f, id, fixture_register(&f, id, -1), false)->fenced);
    return f;
}

static inline struct od_command fixture_create(const struct od_new_topic *topics, int n)
{
    return (struct od_command){ .kind = OD_COMMAND_CREATE_TOPICS,
                                .create_topics = { .topic_count = n,
                                                   .topics = topics,
                                                   .default_partitions = 2,
                                                   .default_replication_factor = 1 } };
}

static inline const struct od_image_topic *fixture_topic(struct fixture *f, const char *name,
                                                         int32_t partitions, int16_t factor)
{
    struct od_new_topic topic = { .name = od_str_of(name),
                                  .partitions = partitions,
                                  .replication_factor = factor };
    const struct od_image_topic *made;

    CHECK_OK(fixture_run(f, fixture_create(&topic, 1))->items[0].err);
    made = od_image_topic_find(f->image, topic.name);
    CHECK(made != NULL);
    return made;
}
