/* SPDX-License-Identifier: Apache-2.0 */
/* Settings as the image and the controller see them, in terms of the key table. */
#include "meta/rules.h"

#include "base/mem.h"
#include "config/key.h"

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

static enum od_err check_broker_setting(struct od_str name, struct od_str value,
                                        struct od_text *why)
{
    const struct od_key_row *row = od_key_find(name);

    if (!row || row->topic_index < 0 || row->apply != OD_APPLY_LIVE) {
        od_text_add(why, "%.*s cannot be changed while the broker runs%s", OD_STR_ARGS(name),
                    row ? "; set it in the broker's file" : ": unknown");
        return OD_INVALID_REQUEST;
    }
    return od_topic_config_check(od_str_of(row->topic_name), value, &(bool){ false }, why);
}

static enum od_err check_setting(void *ctx, enum od_resource_type type, struct od_str name,
                                 struct od_str value, bool *ignored, struct od_text *why)
{
    (void)ctx;
    *ignored = false;
    if (type == OD_RESOURCE_TOPIC)
        return od_topic_config_check(name, value, ignored, why);
    return check_broker_setting(name, value, why);
}

static bool is_list(void *ctx, enum od_resource_type type, struct od_str name,
                    struct od_str *current)
{
    struct od_meta_rules *m = ctx;
    const struct od_key_row *row =
        type == OD_RESOURCE_TOPIC ? od_key_find_topic(name) : od_key_find(name);

    if (!row || row->topic_index < 0 ||
        (row->type != OD_TYPE_LIST && row->type != OD_TYPE_FLAGS))
        return false;
    od_text_reset(&m->current);
    od_topic_config_print(&m->config->topic, row->key, &m->current);
    *current = (struct od_str){ od_text_get(&m->current), m->current.len };
    return true;
}

void od_meta_rules_init(struct od_meta_rules *m, const struct od_config *config, int32_t node_id)
{
    *m = (struct od_meta_rules){ .config = config };
    snprintf(m->node, sizeof(m->node), "%d", node_id);
    m->ops = (struct od_image_ops){ m, od_str_of(m->node), resolve, od_topic_config_ref,
                                    od_topic_config_unref };
    m->rules = (struct od_cluster_rules){ m, check_setting, is_list };
}

void od_meta_rules_deinit(struct od_meta_rules *m)
{
    od_text_reset(&m->current);
}
