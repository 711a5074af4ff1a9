/* SPDX-License-Identifier: Apache-2.0 */
/* Auto-creation: a command of its own, as it outlives the call that caused it. */
#include "broker/auto_create.h"

#include "base/log.h"
#include "base/mem.h"
#include "broker/node.h"
#include "broker/shard.h"
#include "meta/controller.h"

struct creation {
    struct od_controller_call call;
    struct od_arena arena;
    struct od_new_topic topic;
    char *name; /* owned */
};

static void created(struct od_controller_call *cc)
{
    struct creation *c = OD_CONTAINER(cc, struct creation, call);
    enum od_err err = cc->reply.err ? cc->reply.err : cc->reply.items[0].err;

    /* Two clients may ask at once: the second one finds the topic there. */
    if (err && err != OD_TOPIC_ALREADY_EXISTS)
        od_log(OD_LOG_WARN, "broker", "topic %s was asked for and cannot be created: %s", c->name,
               cc->reply.err || !cc->reply.items[0].message ? od_err_text(err)
                                                            : cc->reply.items[0].message);
    od_arena_reset(&c->arena);
    od_free(c->name);
    od_free(c);
}

void od_auto_create(struct od_shard *shard, struct od_str topic)
{
    struct od_node *node = shard->node;
    struct creation *c = OD_NEW(struct creation);

    c->name = od_str_dup(topic);
    c->arena.budget = &node->budget;
    c->topic = (struct od_new_topic){ .name = { c->name, topic.len },
                                      .partitions = -1,
                                      .replication_factor = -1 };
    c->call.arena = &c->arena;
    c->call.done = created;
    c->call.command.kind = OD_COMMAND_CREATE_TOPICS;
    c->call.command.create_topics = (struct od_create_topics){
        .topic_count = 1,
        .topics = &c->topic,
        .default_partitions = node->config.num_partitions,
        .default_replication_factor = (int16_t)node->config.default_replication_factor,
        .fit_replication = od_topic_is_internal(topic),
    };
    od_controller_submit(node->controller, &c->call);
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
