/* SPDX-License-Identifier: Apache-2.0 */
/* Negotiation of API versions. */
#include "client/versions.h"

void od_versions_learn(struct od_versions *v, const struct od_api_versions_rsp *rsp)
{
    for (int i = 0; i < OD_VERSIONS_KEYS; i++)
        v->v[i] = (struct od_version_range){ 0, -1 };
    for (int32_t i = 0; i < rsp->api_keys.n; i++) {
        const struct od_api_versions_rsp_api_version *row = &rsp->api_keys.v[i];

        if (row->api_key >= 0 && row->api_key < OD_VERSIONS_KEYS)
            v->v[row->api_key] = (struct od_version_range){ row->min_version, row->max_version };
    }
}

bool od_versions_serves(const struct od_versions *v, const struct od_api *api)
{
    return api->key < OD_VERSIONS_KEYS && v->v[api->key].max >= 0;
}

enum od_err od_versions_pick(const struct od_versions *v, const struct od_api *api, int16_t max,
                             int16_t *version)
{
    int16_t lowest, highest;

    if (!od_versions_serves(v, api))
        return OD_UNSUPPORTED_VERSION;
    lowest = v->v[api->key].min > api->version_min ? v->v[api->key].min : api->version_min;
    highest = v->v[api->key].max < api->version_max ? v->v[api->key].max : api->version_max;
    if (highest > max)
        highest = max;
    if (highest < lowest)
        return OD_UNSUPPORTED_VERSION;
    *version = highest;
    return OD_NONE;
}
