/* SPDX-License-Identifier: Apache-2.0 */
/* Changing the settings of resources, each whole or not at all. */
#include "base/map.h"
#include "core/cluster/cluster_internal.h"

struct alteration {
    struct od_step *s;
    const struct od_alter_resource *in;
    const struct od_image_resource *stored; /* NULL: none */
    struct od_item_reply *out;
    struct od_map named; /* of the settings */
};

static bool check_name(struct od_step *s, const struct od_alter_resource *in,
                       struct od_item_reply *out)
{
    const char *why = NULL;
    int64_t id;

    switch (in->type) {
    case OD_RESOURCE_TOPIC:
        if (in->name.len == 0)
            why = "Default topic resources are not allowed.";
        break;
    case OD_RESOURCE_BROKER:
        if (in->name.len && !od_str_to_i64(in->name, 0, INT32_MAX, &id))
            why = "Unable to parse broker name as a base 10 number.";
        break;
    case OD_RESOURCE_CLIENT_METRICS:
        if (in->name.len == 0)
            why = "Subscription name can't be empty";
        break;
    case OD_RESOURCE_GROUP:
        if (in->name.len == 0)
            why = "Default group resources are not allowed.";
        break;
    }
    if (why)
        od_step_refuse(s, out, OD_INVALID_REQUEST, "%s", why);
    else if (in->type == OD_RESOURCE_TOPIC && !od_topic_name_is_legal(in->name))
        od_step_refuse(s, out, OD_INVALID_TOPIC_EXCEPTION, "The topic's name is illegal.");
    return !out->err;
}

static bool check_exists(struct od_step *s, const struct od_alter_resource *in,
                         struct od_item_reply *out)
{
    if (in->type != OD_RESOURCE_TOPIC || od_image_topic_find(s->image, in->name))
        return true;
    od_step_refuse(s, out, OD_UNKNOWN_TOPIC_OR_PARTITION, "The topic '%.*s' does not exist.",
                   OD_STR_ARGS(in->name));
    return false;
}

/* Each setting once, and a value with everything but DELETE. */
static bool check_ops(struct alteration *a)
{
    struct od_text nulls = { 0 };
    bool good = true;

    for (int i = 0; good && i < a->in->op_count; i++) {
        const struct od_alter_setting *op = &a->in->ops[i];

        good = !od_map_put(&a->named, op->name.data, op->name.len, (void *)op);
        if (!op->value.data && op->op != OD_ALTER_DELETE)
            od_text_add(&nulls, "%s%.*s", nulls.len ? ", " : "", OD_STR_ARGS(op->name));
    }
    if (!good)
        od_step_refuse(a->s, a->out, OD_INVALID_REQUEST, "Error due to duplicate config keys");
    else if (nulls.len)
        od_step_refuse(a->s, a->out, OD_INVALID_REQUEST, "Null value not supported for : %s",
                       od_text_get(&nulls));
    good = good && !nulls.len;
    od_text_reset(&nulls);
    return good;
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
    if (!rules->is_list(rules->ctx, a->in->type, op->name, &fallback)) {
        od_step_refuse(a->s, a->out, OD_INVALID_CONFIG,
                       "Can't %s to key %.*s because its type is not LIST.",
                       op->op == OD_ALTER_APPEND ? "APPEND" : "SUBTRACT", OD_STR_ARGS(op->name));
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

    if (op->op == OD_ALTER_DELETE) {
        if (stored.data)
            emit(a, op->name, OD_STR_NULL);
        return true;
    }
    if (!new_value(a, op, &value))
        return false;
    if (value.len > OD_SETTING_BYTES_MAX) {
        od_step_refuse(a->s, a->out, OD_INVALID_CONFIG,
                       "The configuration value cannot be added because it exceeds the maximum "
                       "value size of %d bytes.",
                       OD_SETTING_BYTES_MAX);
        return false;
    }
    err = rules->check_setting(rules->ctx, a->in->type, op->name, value, &ignored, &why);
    if (err)
        od_step_refuse(a->s, a->out, err, "%s", od_text_get(&why));
    else if (!ignored && !od_str_eq(stored, value))
        emit(a, op->name, value);
    od_text_reset(&why);
    return !err;
}

static void delete_unnamed(struct alteration *a)
{
    for (int i = 0; a->stored && i < a->stored->count; i++) {
        struct od_str name = a->stored->settings[i].name;

        if (!od_map_get(&a->named, name.data, name.len))
            emit(a, od_str_of(od_arena_printf(a->s->arena, "%.*s", OD_STR_ARGS(name))),
                 OD_STR_NULL);
    }
}

/* With eligible leader replicas min.insync.replicas is a setting of topics and of the cluster. */
static bool check_min_isr(struct alteration *a, int first)
{
    bool elr = od_image_feature_level(a->s->image, OD_STR("eligible.leader.replicas.version")) > 0;
    const char *why = NULL;

    if (!elr || a->in->type != OD_RESOURCE_BROKER)
        return true;
    for (int i = first; i < a->s->records->n; i++) {
        const struct od_config_record *r = &a->s->records->v[i].config;

        if (!od_str_is(r->name, "min.insync.replicas"))
            continue;
        if (a->in->name.len)
            why = "Broker-level min.insync.replicas cannot be altered while ELR is enabled.";
        else if (!r->value.data)
            why = "Cluster-level min.insync.replicas cannot be removed while ELR is enabled.";
    }
    if (why)
        od_step_refuse(a->s, a->out, OD_INVALID_CONFIG, "%s", why);
    return !why;
}

/* What the resource would have, with the records from `first` on. */
static bool check_together(struct alteration *a, int first)
{
    const struct od_cluster_rules *rules = a->s->rules;
    const struct od_record_list *records = a->s->records;
    int stored = a->stored ? a->stored->count : 0, n = 0;
    struct od_image_setting *all = od_arena_alloc(
        a->s->arena, sizeof(*all) * (size_t)(stored + records->n - first));
    struct od_text why = { 0 };
    struct od_map changed;
    enum od_err err;

    if (!rules->check_resource)
        return true;
    od_map_init(&changed, a->s->event->random[0]);
    for (int i = first; i < records->n; i++) {
        const struct od_config_record *r = &records->v[i].config;

        od_map_put(&changed, r->name.data, r->name.len, (void *)r);
        if (r->value.data)
            all[n++] = (struct od_image_setting){ r->name, r->value };
    }
    for (int i = 0; i < stored; i++)
        if (!od_map_get(&changed, a->stored->settings[i].name.data,
                        a->stored->settings[i].name.len))
            all[n++] = a->stored->settings[i];
    od_map_deinit(&changed);
    err = rules->check_resource(rules->ctx, a->in->type, a->in->name, all, n, &why);
    if (err)
        od_step_refuse(a->s, a->out, err, "%s", od_text_get(&why));
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
    bool good;

    od_map_init(&a.named, s->event->random[0]);
    good = check_name(s, in, out) && check_ops(&a);
    for (int i = 0; good && i < in->op_count; i++)
        good = alter_one(&a, &in->ops[i]);
    if (good && in->replace)
        delete_unnamed(&a);
    good = good && check_min_isr(&a, before) && check_together(&a, before) &&
           check_exists(s, in, out);
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
                           "Each resource must appear at most once.");
        else
            alter_resource(s, &c->resources[i], &items[i]);
    }
    if (c->validate_only)
        s->records->n = before;
}
