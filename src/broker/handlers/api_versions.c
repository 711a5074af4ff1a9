/* SPDX-License-Identifier: Apache-2.0 */
/* ApiVersions (api 18): what is served, and the features the cluster has finalized. */
#include "broker/handlers.h"

#include "base/log.h"
#include "broker/clients.h"
#include "broker/node.h"
#include "broker/shard.h"

enum { FEATURES_MAX = 8 };

static void list_apis(struct od_call *call, struct od_api_versions_rsp *rsp)
{
    OD_ARENA_LIST(&call->arena, rsp->api_keys, OD_API_ROWS);
    for (int i = 0; i < OD_API_ROWS; i++) {
        struct od_api_row row;

        if (!od_api_row(i, &row))
            break;
        rsp->api_keys.v[i].api_key = row.api->key;
        rsp->api_keys.v[i].min_version = row.version_min;
        rsp->api_keys.v[i].max_version = row.api->version_max;
    }
}

/* A feature that another program finalized, and that this one cannot run, is not shown. */
static void list_features(struct od_call *call, struct od_api_versions_rsp *rsp)
{
    struct od_node *node = call->shard->node;
    struct od_image *image = od_image_acquire(&node->image);
    const struct od_image_feature *f;
    struct od_pmap_walk walk = { 0 };
    int32_t n = 0;

    OD_ARENA_LIST(&call->arena, rsp->supported_features, FEATURES_MAX);
    OD_ARENA_LIST(&call->arena, rsp->finalized_features, FEATURES_MAX);
    while (n < FEATURES_MAX && (f = od_image_feature_next(image, &walk))) {
        struct od_image_feature known;
        struct od_str name;

        if (!od_feature_levels(f->name, &known))
            continue;
        name = od_str_of(od_arena_printf(&call->arena, "%.*s", OD_STR_ARGS(f->name)));

        rsp->supported_features.v[n].name = rsp->finalized_features.v[n].name = name;
        rsp->supported_features.v[n].min_version = known.min;
        rsp->supported_features.v[n].max_version = known.max;
        rsp->finalized_features.v[n].min_version_level = f->min;
        rsp->finalized_features.v[n].max_version_level = f->max;
        n++;
    }
    rsp->supported_features.n = rsp->finalized_features.n = n;
    rsp->finalized_features_epoch = image->offset;
    od_image_unref(image);
}

/* KIP-511: letters, digits, and in the middle also . and - */
static bool name_fits(struct od_str s)
{
    for (size_t i = 0; i < s.len; i++) {
        char c = s.data[i];
        bool word = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');

        if (!word && !((c == '.' || c == '-') && i > 0 && i + 1 < s.len))
            return false;
    }
    return s.len > 0;
}

/* KIP-1242: a client that meant another cluster or broker has to look them up again. */
static enum od_err check_target(const struct od_call *call, const struct od_api_versions_req *req)
{
    const struct od_node *node = call->shard->node;
    bool has_cluster = req->cluster_id.data, has_node = req->node_id != -1;

    if (has_cluster != has_node)
        return OD_INVALID_REQUEST;
    if (has_cluster && (!od_str_is(req->cluster_id, node->cluster_id) || req->node_id != node->id))
        return OD_REBOOTSTRAP_REQUIRED;
    return OD_NONE;
}

static enum od_err check(const struct od_call *call, const struct od_api_versions_req *req)
{
    if (call->header.api_version >= 3 &&
        (!name_fits(req->client_software_name) || !name_fits(req->client_software_version)))
        return OD_INVALID_REQUEST;
    return check_target(call, req);
}

enum od_done od_handle_api_versions(struct od_call *call, const struct od_api_versions_req *req,
                                    struct od_api_versions_rsp *rsp)
{
    enum od_err err = check(call, req);

    if (err) {
        rsp->error_code = od_err_to_wire(err);
        return OD_DONE;
    }
    if (call->header.api_version >= 3 && od_reply_conn(call->reply))
        od_client_note_software(od_reply_conn(call->reply), req->client_software_name,
                                req->client_software_version);
    list_apis(call, rsp);
    list_features(call, rsp);
    return OD_DONE;
}
