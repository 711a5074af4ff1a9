/* SPDX-License-Identifier: Apache-2.0 */
/* Altering settings: what only the broker asked may do is done or refused here, the rest by the
 * controller. */
#include "broker/resources.h"

#include "base/log.h"
#include "broker/node.h"
#include "broker/shard.h"
#include "meta/controller.h"
#include "os/loglevel.h"

/* In the call's arena. */
struct alteration {
    struct od_controller_call call;
    struct od_call *from;
    void (*tell)(struct od_call *call, int index, enum od_err err, struct od_str message);
    int *places; /* of the controller's resources among those asked for */
};

bool od_resource_is_our_broker(struct od_call *call, struct od_str name, const char *what,
                               struct od_str *why)
{
    int32_t id = call->shard->node->id;
    int64_t asked;

    if (od_str_to_i64(name, INT32_MIN, INT32_MAX, &asked) && asked == id)
        return true;
    if (!od_str_to_i64(name, INT32_MIN, INT32_MAX, &asked))
        *why = od_str_of(od_arena_printf(&call->arena, "%s must be an integer, but it is: %.*s",
                                         what, OD_STR_ARGS(name)));
    else
        *why = od_str_of(od_arena_printf(&call->arena,
                                         "Unexpected broker id, expected %d, but received %.*s", id,
                                         OD_STR_ARGS(name)));
    return false;
}

const struct od_setting *od_resource_settings(struct od_call *call, const struct od_image *image,
                                              enum od_resource_type type, struct od_str name,
                                              int *n)
{
    const struct od_image_resource *r = od_image_resource_find(image, type, name);
    struct od_setting *v = od_arena_alloc(&call->arena, sizeof(*v) * (size_t)(r ? r->count : 0));

    *n = r ? r->count : 0;
    for (int i = 0; i < *n; i++)
        v[i] = (struct od_setting){ r->settings[i].name, r->settings[i].value };
    return v;
}

struct od_layers od_resource_layers(struct od_call *call, const struct od_image *image)
{
    const struct od_node *node = call->shard->node;
    struct od_layers l = { .config = &node->config,
                           .live = image->live,
                           .defaults = image->plain_config };
    char id[12];

    snprintf(id, sizeof(id), "%d", node->id);
    l.broker =
        od_resource_settings(call, image, OD_RESOURCE_BROKER, od_str_of(id), &l.broker_count);
    l.brokers = od_resource_settings(call, image, OD_RESOURCE_BROKER, OD_STR(""),
                                     &l.brokers_count);
    return l;
}

/* --- log levels ------------------------------------------------------------------------------ */

static enum od_err refuse(struct od_call *call, enum od_err err, struct od_str *why,
                          const char *format, struct od_str name)
{
    *why = od_str_of(od_arena_printf(&call->arena, format, OD_STR_ARGS(name)));
    return err;
}

static enum od_err check_level(struct od_call *call, const struct od_alter_setting *op,
                               struct od_str *why)
{
    switch (op->op) {
    case OD_ALTER_SET:
        if (!od_loglevel_knows(op->name))
            return refuse(call, OD_INVALID_CONFIG, why, "Logger %.*s does not exist!", op->name);
        if (od_loglevel_is_level(op->value))
            return OD_NONE;
        return refuse(call, OD_INVALID_CONFIG, why,
                      "Cannot set the log level to %.*s as it is not a supported log level. Valid "
                      "log levels are DEBUG, ERROR, FATAL, INFO, TRACE, WARN",
                      op->value);
    case OD_ALTER_DELETE:
        if (!od_loglevel_knows(op->name))
            return refuse(call, OD_INVALID_CONFIG, why, "Logger %.*s does not exist!", op->name);
        if (od_str_is(op->name, "root"))
            return refuse(call, OD_INVALID_REQUEST, why,
                          "Removing the log level of the %.*s logger is not allowed", op->name);
        return OD_NONE;
    case OD_ALTER_APPEND:
        return refuse(call, OD_INVALID_REQUEST, why,
                      "APPEND operation is not allowed for the BROKER_LOGGER resource%.*s",
                      OD_STR(""));
    case OD_ALTER_SUBTRACT:
        return refuse(call, OD_INVALID_REQUEST, why,
                      "SUBTRACT operation is not allowed for the BROKER_LOGGER resource%.*s",
                      OD_STR(""));
    }
    return OD_INVALID_REQUEST;
}

static void set_levels(const struct od_alter_resource *r)
{
    for (int i = 0; i < r->op_count; i++) {
        const struct od_alter_setting *op = &r->ops[i];

        if (op->op == OD_ALTER_SET)
            od_loglevel_set(op->name, op->value);
        else
            od_loglevel_unset(op->name);
        od_log(OD_LOG_WARN, "broker", "the log level of %.*s is now %s", OD_STR_ARGS(op->name),
               od_loglevel_get(op->name));
    }
}

static enum od_err alter_levels(struct od_call *call, const struct od_alter_resource *r,
                                bool validate_only, struct od_str *why)
{
    enum od_err err = OD_NONE;

    if (r->replace)
        return refuse(call, OD_INVALID_REQUEST, why, "Unknown resource type 8%.*s", OD_STR(""));
    if (!od_resource_is_our_broker(call, r->name, "Node id", why))
        return OD_INVALID_REQUEST;
    for (int i = 0; i < r->op_count && !err; i++)
        err = check_level(call, &r->ops[i], why);
    if (!err && !validate_only)
        set_levels(r);
    return err;
}

/* --- the whole ------------------------------------------------------------------------------- */

/* From the wire: any number. */
static bool has_unknown_op(const struct od_alter_resource *r, int *op)
{
    for (int i = 0; i < r->op_count; i++) {
        *op = (int)r->ops[i].op;
        if (*op < OD_ALTER_SET || *op > OD_ALTER_SUBTRACT)
            return true;
    }
    return false;
}

static bool names_twice(const struct od_alter_resource *v, int count, int i)
{
    for (int j = 0; j < count; j++)
        if (j != i && v[j].type == v[i].type && od_str_eq(v[j].name, v[i].name))
            return true;
    return false;
}

/* What is not for the controller; *mine: it was, and err is its outcome. */
static enum od_err preprocess(struct od_call *call, const struct od_alter_resource *r,
                              bool validate_only, bool *mine, struct od_str *why)
{
    int op;

    *mine = true;
    if (has_unknown_op(r, &op)) {
        *why = od_str_of(od_arena_printf(&call->arena, "Unknown operations type %d", op));
        return OD_INVALID_REQUEST;
    }
    switch ((int)r->type) {
    case OD_RESOURCE_BROKER_LOGGER:
        return alter_levels(call, r, validate_only, why);
    case OD_RESOURCE_BROKER:
        if (r->name.len && !od_resource_is_our_broker(call, r->name, "Node id", why))
            return OD_INVALID_REQUEST;
        break;
    case OD_RESOURCE_TOPIC:
    case OD_RESOURCE_CLIENT_METRICS:
    case OD_RESOURCE_GROUP:
        break;
    default:
        *why = od_str_of(
            od_arena_printf(&call->arena, "Unknown resource type %d", (int)r->type));
        return OD_INVALID_REQUEST;
    }
    *mine = false;
    return OD_NONE;
}

static void altered(struct od_controller_call *cc)
{
    struct alteration *a = OD_CONTAINER(cc, struct alteration, call);

    for (int i = 0; i < cc->command.alter_configs.resource_count; i++) {
        const struct od_item_reply *item = cc->reply.err ? NULL : &cc->reply.items[i];

        a->tell(a->from, a->places[i], item ? item->err : cc->reply.err,
                od_str_of(item ? item->message : cc->reply.message));
    }
    od_call_finish(a->from);
}

void od_resources_alter(struct od_call *call, const struct od_alter_resource *resources, int count,
                        bool validate_only,
                        void (*tell)(struct od_call *call, int index, enum od_err err,
                                     struct od_str message))
{
    struct alteration *a = od_arena_alloc(&call->arena, sizeof(*a));
    struct od_alter_resource *rest =
        od_arena_alloc(&call->arena, sizeof(*rest) * (size_t)count);
    int n = 0;

    a->places = od_arena_alloc(&call->arena, sizeof(*a->places) * (size_t)count);
    for (int i = 0; i < count; i++) {
        struct od_str why = OD_STR_NULL;
        enum od_err err;
        bool mine;

        if (count <= OD_ALTER_RESOURCES_MAX && names_twice(resources, count, i)) {
            tell(call, i, OD_INVALID_REQUEST, OD_STR("Each resource must appear at most once."));
            continue;
        }
        err = preprocess(call, &resources[i], validate_only, &mine, &why);
        if (mine) {
            tell(call, i, err, why);
            continue;
        }
        a->places[n] = i;
        rest[n++] = resources[i];
    }
    a->from = call;
    a->tell = tell;
    a->call.arena = &call->arena;
    a->call.done = altered;
    a->call.command.kind = OD_COMMAND_ALTER_CONFIGS;
    a->call.command.alter_configs = (struct od_alter_configs){ .resource_count = n,
                                                               .resources = rest,
                                                               .validate_only = validate_only };
    od_controller_submit(call->shard->node->controller, &a->call);
}
