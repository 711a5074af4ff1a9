/* SPDX-License-Identifier: Apache-2.0 */
/* DescribeConfigs (api 32): the settings of topics, brokers, groups, client metrics and the log. */
#include "broker/handlers.h"

#include "broker/node.h"
#include "broker/resources.h"
#include "broker/shard.h"
#include "os/loglevel.h"

/* One resource being described. */
struct describing {
    struct od_call *call;
    const struct od_describe_configs_req *req;
    const struct od_describe_configs_req_resource *in;
    struct od_describe_configs_rsp_result *out;
    struct od_layers layers;
    const struct od_image *image;
};

static enum od_err refuse(struct describing *d, enum od_err err, struct od_str message)
{
    d->out->error_message = message;
    return err;
}

static bool is_wanted(const struct describing *d, const char *name)
{
    if (d->in->configuration_keys.n <= 0)
        return true;
    for (int32_t i = 0; i < d->in->configuration_keys.n; i++)
        if (od_str_is(d->in->configuration_keys.v[i], name))
            return true;
    return false;
}

static struct od_describe_configs_rsp_config *add(struct describing *d)
{
    struct od_describe_configs_rsp_result *out = d->out;

    od_call_grow(d->call, &out->configs.v, out->configs.n, sizeof(*out->configs.v));
    out->configs.v[out->configs.n] = (struct od_describe_configs_rsp_config){ 0 };
    return &out->configs.v[out->configs.n++];
}

static struct od_str copy(struct describing *d, struct od_str s)
{
    return s.data ? od_str_of(od_arena_printf(&d->call->arena, "%.*s", OD_STR_ARGS(s))) : s;
}

static void fill_synonyms(struct describing *d, const struct od_description *from,
                          struct od_describe_configs_rsp_config *to)
{
    OD_ARENA_LIST(&d->call->arena, to->synonyms, from->synonym_count);
    for (int i = 0; i < from->synonym_count; i++) {
        to->synonyms.v[i].name = od_str_of(from->synonyms[i].name);
        to->synonyms.v[i].value = copy(d, from->synonyms[i].value);
        to->synonyms.v[i].source = (int8_t)from->synonyms[i].source;
    }
}

static void fill(struct describing *d, const struct od_description *from)
{
    struct od_describe_configs_rsp_config *to = add(d);

    to->name = od_str_of(from->name);
    to->value = copy(d, from->value);
    to->read_only = from->read_only;
    to->is_sensitive = from->sensitive;
    to->config_source = (int8_t)from->source;
    to->config_type = from->type;
    if (d->call->header.api_version == 0)
        to->is_default = from->source == OD_SOURCE_DEFAULT;
    if (d->req->include_synonyms)
        fill_synonyms(d, from, to);
    if (d->req->include_documentation)
        to->documentation = from->no_effect
                                ? od_str_of(od_arena_printf(&d->call->arena,
                                                            "%s No effect yet: %s.", from->doc,
                                                            from->no_effect))
                                : od_str_of(from->doc);
}

static void take_own(struct describing *d, enum od_resource_type type)
{
    d->layers.own = od_resource_settings(d->call, d->image, type, d->in->resource_name,
                                         &d->layers.own_count);
}

static enum od_err describe_topic(struct describing *d)
{
    const struct od_image_topic *topic = od_image_topic_find(d->image, d->in->resource_name);
    struct od_description about;

    if (!topic)
        return od_topic_name_is_legal(d->in->resource_name)
                   ? OD_UNKNOWN_TOPIC_OR_PARTITION
                   : refuse(d, OD_INVALID_TOPIC_EXCEPTION,
                            od_str_of(od_err_text(OD_INVALID_TOPIC_EXCEPTION)));
    take_own(d, OD_RESOURCE_TOPIC);
    for (int i = 0; i < OD_KEYS; i++) {
        const struct od_key_row *row = od_key_row((enum od_key)i);

        if (row->topic_index >= 0 && is_wanted(d, row->topic_name) &&
            od_describe_topic_key(&d->layers, topic->config, row, &d->call->arena, &about))
            fill(d, &about);
    }
    return OD_NONE;
}

static enum od_err describe_broker(struct describing *d)
{
    bool all = d->in->resource_name.len == 0;
    struct od_description about;
    struct od_str why;

    if (!all && !od_resource_is_our_broker(d->call, d->in->resource_name, "Broker id", &why))
        return refuse(d, OD_INVALID_REQUEST, why);
    for (int i = 0; i < OD_KEYS; i++) {
        const struct od_key_row *row = od_key_row((enum od_key)i);

        if (!row->name || !is_wanted(d, row->name))
            continue;
        if (all ? od_describe_brokers_key(&d->layers, row, &d->call->arena, &about)
                : od_describe_broker_key(&d->layers, row, &d->call->arena, &about))
            fill(d, &about);
    }
    return OD_NONE;
}

static enum od_err describe_loggers(struct describing *d)
{
    const char *area;
    struct od_str why;

    if (d->in->resource_name.len == 0)
        return refuse(d, OD_INVALID_REQUEST, OD_STR("Broker id must not be empty"));
    if (!od_resource_is_our_broker(d->call, d->in->resource_name, "Broker id", &why))
        return refuse(d, OD_INVALID_REQUEST, why);
    for (int i = 0; (area = od_loglevel_area(i)); i++) {
        struct od_describe_configs_rsp_config *to;

        if (!is_wanted(d, area))
            continue;
        to = add(d);
        to->name = od_str_of(area);
        to->value = od_str_of(od_loglevel_get(to->name));
        to->config_source = OD_SOURCE_DYNAMIC_BROKER_LOGGER;
    }
    return OD_NONE;
}

static enum od_err describe_group(struct describing *d)
{
    const struct od_resource_key *key;
    struct od_description about;

    if (d->in->resource_name.len == 0)
        return refuse(d, OD_INVALID_REQUEST, OD_STR("Group name must not be empty"));
    take_own(d, OD_RESOURCE_GROUP);
    for (int i = 0; (key = od_group_key(i)); i++)
        if (is_wanted(d, key->row.name) &&
            od_describe_group_key(&d->layers, key, &d->call->arena, &about))
            fill(d, &about);
    return OD_NONE;
}

static enum od_err describe_metrics(struct describing *d)
{
    const struct od_resource_key *key;
    struct od_description about;

    if (d->in->resource_name.len == 0)
        return refuse(d, OD_INVALID_REQUEST,
                      OD_STR("Client metrics subscription name must not be empty"));
    take_own(d, OD_RESOURCE_CLIENT_METRICS);
    for (int i = 0; (key = od_metrics_key(i)); i++)
        if (is_wanted(d, key->row.name) &&
            od_describe_metrics_key(&d->layers, key, &d->call->arena, &about))
            fill(d, &about);
    return OD_NONE;
}

static enum od_err describe(struct describing *d)
{
    switch (d->in->resource_type) {
    case OD_RESOURCE_TOPIC:
        return describe_topic(d);
    case OD_RESOURCE_BROKER:
        return describe_broker(d);
    case OD_RESOURCE_BROKER_LOGGER:
        return describe_loggers(d);
    case OD_RESOURCE_CLIENT_METRICS:
        return describe_metrics(d);
    case OD_RESOURCE_GROUP:
        return describe_group(d);
    default:
        return refuse(d, OD_INVALID_REQUEST,
                      od_str_of(od_arena_printf(&d->call->arena,
                                                "Unexpected resource type %d for resource %.*s",
                                                d->in->resource_type,
                                                OD_STR_ARGS(d->in->resource_name))));
    }
}

enum od_done od_handle_describe_configs(struct od_call *call,
                                        const struct od_describe_configs_req *req,
                                        struct od_describe_configs_rsp *rsp)
{
    struct od_node *node = call->shard->node;
    struct od_image *image = od_image_acquire(&node->image);
    struct describing d = { .call = call, .req = req, .image = image };

    d.layers = od_resource_layers(call, image);
    OD_ARENA_LIST(&call->arena, rsp->results, req->resources.n);
    for (int32_t i = 0; i < req->resources.n; i++) {
        d.in = &req->resources.v[i];
        d.out = &rsp->results.v[i];
        d.layers.own_count = 0;
        d.out->resource_type = d.in->resource_type;
        d.out->resource_name = d.in->resource_name;
        d.out->error_code = od_err_to_wire(describe(&d));
    }
    od_image_unref(image);
    return OD_DONE;
}
