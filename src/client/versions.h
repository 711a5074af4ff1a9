/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which versions of each API the other side serves, and which one to use.  Pure; one thread.
 */
#pragma once

#include "base/err.h"
#include "wire/api/api_versions.h"
#include "wire/codec.h"

enum { OD_VERSIONS_KEYS = 128 }; /* API keys below this are remembered; Kafka's end at 94 */

struct od_version_range {
    int16_t min, max; /* max -1: not served */
};

struct od_versions {
    struct od_version_range v[OD_VERSIONS_KEYS];
};

/* Forgets all, then takes what the answer lists; keys beyond OD_VERSIONS_KEYS are left out. */
void od_versions_learn(struct od_versions *v, const struct od_api_versions_rsp *rsp);
bool od_versions_serves(const struct od_versions *v, const struct od_api *api);
/* The highest version that both sides know and that is not above max.  OD_UNSUPPORTED_VERSION. */
OD_MUST_USE enum od_err od_versions_pick(const struct od_versions *v, const struct od_api *api,
                                         int16_t max, int16_t *version);
