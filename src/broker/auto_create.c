/* SPDX-License-Identifier: Apache-2.0 */
/* Gathering names into one command for the controller. */
#include "broker/auto_create.h"

#include "base/log.h"
#include "base/map.h"
#include "base/mem.h"
#include "broker/coordinator.h"
#include "broker/node.h"
#include "meta/controller.h"
#include "os/clock.h"

struct od_auto_create {
    struct od_controller_call call;
    struct od_node *node;
    struct od_arena arena; /* of the names and what the controller says */
    struct od_map names;
    struct od_new_topic *topics; /* owned */
    int count, capacity;
};

static struct od_auto_create *begin(struct od_node *node)
{
    struct od_auto_create *a = OD_NEW(struct od_auto_create);

    a->node = node;
    a->arena.budget = &node->budget;
    od_map_init(&a->names, od_random_u64());
    return a;
}

/* Also less than would pass what one command may create. */
static bool is_full(const struct od_auto_create *a)
{
    const struct od_config *c = &a->node->config;

    return a->count >= c->odradek_auto_create_topics_per_request ||
           (a->count + 1) * (int64_t)c->num_partitions > OD_CREATE_PARTITIONS_MAX;
}

/* The offsets topic has counts and settings of its own. */
static void describe_offsets(struct od_auto_create *a, struct od_new_topic *topic)
{
    const struct od_config *config = &a->node->config;
    struct od_image_setting *settings = od_arena_alloc(&a->arena, 3 * sizeof(*settings));

    settings[0] = (struct od_image_setting){ OD_STR("cleanup.policy"), OD_STR("compact") };
    settings[1] = (struct od_image_setting){ OD_STR("compression.type"), OD_STR("producer") };
    settings[2] = (struct od_image_setting){
        OD_STR("segment.bytes"),
        od_str_of(od_arena_printf(&a->arena, "%d", config->offsets_topic_segment_bytes))
    };
    topic->setting_count = 3;
    topic->settings = settings;
    topic->partitions = config->offsets_topic_num_partitions;
    topic->replication_factor = (int16_t)config->offsets_topic_replication_factor;
    topic->fit_replication = !od_config_is_set(config, OD_KEY_OFFSETS_TOPIC_REPLICATION_FACTOR);
}

void od_auto_create_add(struct od_auto_create **out, struct od_node *node, struct od_str topic)
{
    struct od_auto_create *a = *out ? *out : begin(node);
    char *name;

    *out = a;
    if (is_full(a) || od_map_get(&a->names, topic.data, topic.len))
        return;
    if (a->count == a->capacity) {
        a->capacity = a->capacity ? a->capacity * 2 : 4;
        a->topics = od_realloc(a->topics, (size_t)a->capacity * sizeof(*a->topics));
    }
    name = od_arena_alloc(&a->arena, topic.len);
    memcpy(name, topic.data, topic.len);
    od_map_put(&a->names, name, topic.len, name);
    a->topics[a->count++] = (struct od_new_topic){ .name = { name, topic.len },
                                                   .partitions = -1,
                                                   .replication_factor = -1,
                                                   .fit_replication =
                                                       od_topic_is_internal(topic) };
    if (od_topic_is_offsets(topic))
        describe_offsets(a, &a->topics[a->count - 1]);
}

/* Two clients may ask at once: the second one finds the topic there. */
static void log_failures(const struct od_auto_create *a)
{
    const struct od_command_reply *r = &a->call.reply;
    int failed = 0, first = 0;

    for (int i = a->count - 1; i >= 0; i--)
        if (r->err || (r->items[i].err && r->items[i].err != OD_TOPIC_ALREADY_EXISTS)) {
            failed++;
            first = i;
        }
    if (!failed)
        return;
    od_log(OD_LOG_WARN, "broker",
           "%d topics were asked for and cannot be created; the first, %.*s: %s", failed,
           OD_STR_ARGS(a->topics[first].name),
           r->err || !r->items[first].message
               ? od_err_text(r->err ? r->err : r->items[first].err)
               : r->items[first].message);
}

static void created(struct od_controller_call *cc)
{
    struct od_auto_create *a = OD_CONTAINER(cc, struct od_auto_create, call);

    log_failures(a);
    od_map_deinit(&a->names);
    od_arena_reset(&a->arena);
    od_free(a->topics);
    od_free(a);
}

void od_auto_create_submit(struct od_auto_create *a)
{
    if (!a)
        return;
    a->call.arena = &a->arena;
    a->call.done = created;
    a->call.command.kind = OD_COMMAND_CREATE_TOPICS;
    a->call.command.create_topics = (struct od_create_topics){
        .topic_count = a->count,
        .topics = a->topics,
        .default_partitions = a->node->config.num_partitions,
        .default_replication_factor = (int16_t)a->node->config.default_replication_factor,
    };
    od_controller_submit(a->node->controller, &a->call);
}

bool od_topic_name_valid(struct od_str name)
{
    if (name.len == 0 || name.len > OD_TOPIC_NAME_MAX || od_str_is(name, ".") ||
        od_str_is(name, ".."))
        return false;
    for (size_t i = 0; i < name.len; i++) {
        char c = name.data[i];

        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
              c == '.' || c == '_' || c == '-'))
            return false;
    }
    return true;
}

bool od_topic_is_internal(struct od_str name)
{
    return od_str_is(name, "__consumer_offsets") || od_str_is(name, "__transaction_state") ||
           od_str_is(name, "__share_group_state");
}
