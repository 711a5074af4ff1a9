/* SPDX-License-Identifier: Apache-2.0 */
/* Settings as the image and the controller see them, in terms of the key table. */
#include "meta/rules.h"

#include "base/mem.h"
#include "config/resource_key.h"

static struct od_setting *copy_settings(const struct od_image_resource *a,
                                        const struct od_image_resource *b, int *n)
{
    int count = (a ? a->count : 0) + (b ? b->count : 0);
    struct od_setting *v = od_alloc((size_t)(count + 1) * sizeof(*v));

    *n = 0;
    for (int i = 0; a && i < a->count; i++)
        v[(*n)++] = (struct od_setting){ a->settings[i].name, a->settings[i].value };
    for (int i = 0; b && i < b->count; i++)
        v[(*n)++] = (struct od_setting){ b->settings[i].name, b->settings[i].value };
    return v;
}

static struct od_topic_config *resolve(void *ctx, const struct od_image_resource *own,
                                       const struct od_image_resource *broker,
                                       const struct od_image_resource *brokers)
{
    const struct od_meta_rules *m = ctx;
    int dynamic_count, own_count;
    struct od_setting *dynamic = copy_settings(brokers, broker, &dynamic_count);
    struct od_setting *overrides = copy_settings(own, NULL, &own_count);
    struct od_topic_config *t =
        od_topic_config_resolve(m->config, dynamic, dynamic_count, overrides, own_count);

    od_free(dynamic);
    od_free(overrides);
    return t;
}

static struct od_live_config *resolve_live(void *ctx, const struct od_image_resource *broker,
                                           const struct od_image_resource *brokers)
{
    const struct od_meta_rules *m = ctx;
    int n;
    struct od_setting *dynamic = copy_settings(brokers, broker, &n);
    struct od_live_config *c = od_live_config_resolve(m->config, dynamic, n);

    od_free(dynamic);
    return c;
}

static bool is_topic_default(void *ctx, struct od_str name)
{
    const struct od_key_row *row = od_key_find(name);

    (void)ctx;
    return row && row->topic_index >= 0;
}

static enum od_err check_setting(void *ctx, enum od_resource_type type, struct od_str name,
                                 struct od_str value, bool *ignored, struct od_text *why)
{
    const struct od_meta_rules *m = ctx;

    *ignored = false;
    switch (type) {
    case OD_RESOURCE_TOPIC:
        return od_topic_config_check(name, value, ignored, why);
    case OD_RESOURCE_BROKER:
        return od_live_config_check(name, value, true, why);
    case OD_RESOURCE_CLIENT_METRICS:
        return od_metrics_setting_check(name, value, why);
    case OD_RESOURCE_GROUP:
        return od_group_setting_check(m->config, name, value, why);
    }
    return OD_INVALID_REQUEST;
}

static enum od_err check_brokers(const struct od_setting *v, int n, struct od_text *why)
{
    enum od_err err = OD_NONE;

    for (int i = 0; i < n && !err; i++)
        err = od_live_config_check(v[i].name, v[i].value, false, why);
    return err;
}

static enum od_err check_resource(void *ctx, enum od_resource_type type, struct od_str name,
                                  const struct od_image_setting *settings, int n,
                                  struct od_text *why)
{
    const struct od_meta_rules *m = ctx;
    struct od_setting *v = od_alloc((size_t)(n + 1) * sizeof(*v));
    enum od_err err = OD_NONE;

    for (int i = 0; i < n; i++)
        v[i] = (struct od_setting){ settings[i].name, settings[i].value };
    if (type == OD_RESOURCE_TOPIC)
        err = od_topic_config_check_all(m->config, v, n, why);
    else if (type == OD_RESOURCE_GROUP)
        err = od_group_config_check_all(m->config, v, n, why);
    else if (type == OD_RESOURCE_BROKER && name.len == 0)
        err = check_brokers(v, n, why);
    od_free(v);
    return err;
}

static const struct od_key_row *find_row(enum od_resource_type type, struct od_str name)
{
    const struct od_resource_key *key = NULL;

    switch (type) {
    case OD_RESOURCE_TOPIC:
        return od_key_find_topic(name);
    case OD_RESOURCE_BROKER:
        return od_key_find(name);
    case OD_RESOURCE_CLIENT_METRICS:
        key = od_metrics_key_find(name);
        break;
    case OD_RESOURCE_GROUP:
        key = od_group_key_find(name);
        break;
    }
    return key ? &key->row : NULL;
}

static bool is_list(void *ctx, enum od_resource_type type, struct od_str name,
                    struct od_str *current)
{
    struct od_meta_rules *m = ctx;
    const struct od_key_row *row = find_row(type, name);

    if (!row || (row->type != OD_TYPE_LIST && row->type != OD_TYPE_FLAGS))
        return false;
    od_text_reset(&m->current);
    if (type == OD_RESOURCE_TOPIC || type == OD_RESOURCE_BROKER)
        od_config_print(m->config, row->key, &m->current);
    else
        od_text_add(&m->current, "%s", row->def_text);
    *current = (struct od_str){ od_text_get(&m->current), m->current.len };
    return true;
}

void od_meta_rules_init(struct od_meta_rules *m, const struct od_config *config, int32_t node_id)
{
    *m = (struct od_meta_rules){ .config = config };
    snprintf(m->node, sizeof(m->node), "%d", node_id);
    m->ops = (struct od_image_ops){ m, od_str_of(m->node), resolve, od_topic_config_ref,
                                    od_topic_config_unref, resolve_live, od_live_config_ref,
                                    od_live_config_unref, is_topic_default };
    m->rules = (struct od_cluster_rules){ m, check_setting, is_list, check_resource };
}

void od_meta_rules_deinit(struct od_meta_rules *m)
{
    od_text_reset(&m->current);
}
