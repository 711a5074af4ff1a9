/* SPDX-License-Identifier: Apache-2.0 */
/* ApiVersions (api 18): what is served, and the features the cluster has finalized. */
#include "broker/handlers.h"

#include "base/log.h"
#include "broker/clients.h"
#include "broker/node.h"
#include "broker/shard.h"

enum { VERSION_ZERO_MINIMUM = 4 };

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

/* Before version 4 clients take a minimum of 0 for an error (KIP-584). */
static void list_supported(struct od_call *call, struct od_api_versions_rsp *rsp)
{
    OD_ARENA_LIST(&call->arena, rsp->supported_features, OD_FEATURES_KNOWN);
    rsp->supported_features.n = 0;
    for (int i = 0; i < OD_FEATURES_KNOWN; i++) {
        const struct od_image_feature *f = &od_features_known[i];
        struct od_api_versions_rsp_supported_feature *out =
            &rsp->supported_features.v[rsp->supported_features.n];

        if (f->min == 0 && call->header.api_version < VERSION_ZERO_MINIMUM)
            continue;
        out->name = f->name;
        out->min_version = f->min;
        out->max_version = f->max;
        rsp->supported_features.n++;
    }
}

/* A feature that another program finalized, and that this one cannot run, is not shown. */
static void list_finalized(struct od_call *call, struct od_api_versions_rsp *rsp)
{
    struct od_image *image = od_image_acquire(&call->shard->node->image);

    OD_ARENA_LIST(&call->arena, rsp->finalized_features, OD_FEATURES_KNOWN);
    rsp->finalized_features.n = 0;
    for (int i = 0; i < OD_FEATURES_KNOWN; i++) {
        int16_t level = od_image_feature_level(image, od_features_known[i].name);

        if (level > 0)
            rsp->finalized_features.v[rsp->finalized_features.n++] =
                (struct od_api_versions_rsp_finalized_feature){ .name = od_features_known[i].name,
                                                                .max_version_level = level,
                                                                .min_version_level = level };
    }
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
    list_supported(call, rsp);
    list_finalized(call, rsp);
    return OD_DONE;
}
