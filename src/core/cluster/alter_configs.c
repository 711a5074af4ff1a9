/* SPDX-License-Identifier: Apache-2.0 */
/* Changing the settings of topics and brokers, each resource whole or not at all. */
#include "base/map.h"
#include "core/cluster/cluster_internal.h"

struct alteration {
    struct od_step *s;
    const struct od_alter_resource *in;
    const struct od_image_resource *stored; /* NULL: none */
    struct od_item_reply *out;
    struct od_map named; /* of the settings */
};

static bool check_resource(struct od_step *s, const struct od_alter_resource *in,
                           struct od_item_reply *out)
{
    int64_t id;

    if (in->type == OD_RESOURCE_TOPIC) {
        if (od_image_topic_find(s->image, in->name))
            return true;
        od_step_refuse(s, out, OD_UNKNOWN_TOPIC_OR_PARTITION, "There is no topic '%.*s'.",
                       OD_STR_ARGS(in->name));
        return false;
    }
    if (in->type != OD_RESOURCE_BROKER) {
        od_step_refuse(s, out, OD_INVALID_REQUEST,
                       "Settings of resources of type %d are not built yet.", (int)in->type);
        return false;
    }
    if (in->name.len == 0 || od_str_to_i64(in->name, 0, INT32_MAX, &id))
        return true;
    od_step_refuse(s, out, OD_INVALID_REQUEST,
                   "A broker is named by its number, or empty for the default of all.");
    return false;
}

static void emit(struct alteration *a, struct od_str name, struct od_str value)
{
    struct od_config_record *r = &od_step_add(a->s, OD_RECORD_CONFIG)->config;

    r->resource_type = (int8_t)a->in->type;
    r->resource_name = a->in->name;
    r->name = name;
    r->value = value;
}

/* The next item of a list separated by commas; false at its end. */
static bool next_item(struct od_str list, size_t *pos, struct od_str *item)
{
    const char *comma;

    if (*pos > list.len || list.len == 0)
        return false;
    item->data = list.data + *pos;
    comma = memchr(item->data, ',', list.len - *pos);
    item->len = comma ? (size_t)(comma - item->data) : list.len - *pos;
    *pos += item->len + 1;
    return true;
}

static bool list_holds(struct od_str list, struct od_str wanted)
{
    struct od_str item;

    for (size_t pos = 0; next_item(list, &pos, &item);)
        if (od_str_eq(item, wanted))
            return true;
    return false;
}

/* Items of `from` that `other` holds or not, added to `out`. */
static void add_items(struct od_str from, struct od_str other, bool held, struct od_text *out)
{
    struct od_str item;

    for (size_t pos = 0; next_item(from, &pos, &item);)
        if (list_holds(other, item) == held)
            od_text_add(out, "%s%.*s", out->len ? "," : "", OD_STR_ARGS(item));
}

/* The value after APPEND or SUBTRACT, in the arena. */
static struct od_str changed_list(struct alteration *a, const struct od_alter_setting *op,
                                  struct od_str current)
{
    struct od_text text = { 0 };
    const char *copy;

    if (op->op == OD_ALTER_APPEND) {
        od_text_add_str(&text, current);
        add_items(op->value, current, false, &text);
    } else {
        add_items(current, op->value, false, &text);
    }
    copy = od_arena_printf(a->s->arena, "%s", od_text_get(&text));
    od_text_reset(&text);
    return od_str_of(copy);
}

static bool new_value(struct alteration *a, const struct od_alter_setting *op,
                      struct od_str *value)
{
    const struct od_cluster_rules *rules = a->s->rules;
    struct od_str current = od_image_setting_find(a->stored, op->name);
    struct od_str fallback = OD_STR_NULL;

    *value = op->value;
    if (op->op == OD_ALTER_SET)
        return true;
    if (!op->value.data) {
        od_step_refuse(a->s, a->out, OD_INVALID_REQUEST, "%.*s: a list is changed by a value.",
                       OD_STR_ARGS(op->name));
        return false;
    }
    if (!rules->is_list(rules->ctx, a->in->type, op->name, &fallback)) {
        od_step_refuse(a->s, a->out, OD_INVALID_CONFIG,
                       "%.*s is not a list: nothing can be appended or subtracted.",
                       OD_STR_ARGS(op->name));
        return false;
    }
    *value = changed_list(a, op, current.data ? current : fallback);
    return true;
}

static bool alter_one(struct alteration *a, const struct od_alter_setting *op)
{
    const struct od_cluster_rules *rules = a->s->rules;
    struct od_str stored = od_image_setting_find(a->stored, op->name), value;
    struct od_text why = { 0 };
    bool ignored = false;
    enum od_err err;

    if (od_map_put(&a->named, op->name.data, op->name.len, (void *)op)) {
        od_step_refuse(a->s, a->out, OD_INVALID_REQUEST, "%.*s is named twice.",
                       OD_STR_ARGS(op->name));
        return false;
    }
    if (op->op == OD_ALTER_DELETE) {
        if (stored.data)
            emit(a, op->name, OD_STR_NULL);
        return true;
    }
    if (!new_value(a, op, &value))
        return false;
    err = rules->check_setting(rules->ctx, a->in->type, op->name, value, &ignored, &why);
    if (err)
        od_step_refuse(a->s, a->out, err, "%s", od_text_get(&why));
    else if (!ignored && !od_str_eq(stored, value))
        emit(a, op->name, value);
    od_text_reset(&why);
    return !err;
}

static void alter_resource(struct od_step *s, const struct od_alter_resource *in,
                           struct od_item_reply *out)
{
    struct alteration a = { .s = s,
                            .in = in,
                            .stored = od_image_resource_find(s->image, in->type, in->name),
                            .out = out };
    int before = s->records->n;
    bool good = check_resource(s, in, out);

    od_map_init(&a.named, s->event->random[0]);
    for (int i = 0; good && i < in->op_count; i++)
        good = alter_one(&a, &in->ops[i]);
    for (int i = 0; good && in->replace && a.stored && i < a.stored->count; i++) {
        struct od_str name = a.stored->settings[i].name;

        if (!od_map_get(&a.named, name.data, name.len))
            emit(&a, od_str_of(od_arena_printf(s->arena, "%.*s", OD_STR_ARGS(name))), OD_STR_NULL);
    }
    if (!good)
        s->records->n = before;
    od_map_deinit(&a.named);
}

static bool names_twice(const struct od_alter_configs *c, int i)
{
    for (int j = 0; j < c->resource_count; j++)
        if (j != i && c->resources[j].type == c->resources[i].type &&
            od_str_eq(c->resources[j].name, c->resources[i].name))
            return true;
    return false;
}

void od_step_alter_configs(struct od_step *s, const struct od_alter_configs *c)
{
    int before = s->records->n;
    struct od_item_reply *items;

    if (c->resource_count > OD_ALTER_RESOURCES_MAX) {
        od_step_refuse_all(s, OD_INVALID_REQUEST, "One request changes at most %d resources.",
                           OD_ALTER_RESOURCES_MAX);
        return;
    }
    items = od_step_items(s, c->resource_count);
    for (int i = 0; i < c->resource_count; i++) {
        if (names_twice(c, i))
            od_step_refuse(s, &items[i], OD_INVALID_REQUEST,
                           "The request names this resource twice.");
        else
            alter_resource(s, &c->resources[i], &items[i]);
    }
    if (c->validate_only)
        s->records->n = before;
}
