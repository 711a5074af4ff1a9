/* SPDX-License-Identifier: Apache-2.0 */
/* The settings of groups and of client metrics subscriptions.  Constant tables; any thread. */
#pragma once

#include "config/key.h"
#include "config/topic_config.h"

enum { OD_KEY_NO_KEY = -1 };

struct od_resource_key {
    struct od_key_row row; /* .unset: shown only where it is set */
    int broker;            /* enum od_key that gives the default, or OD_KEY_NO_KEY */
    int low, high;         /* the same: its bounds */
};

/* By index, sorted by name; NULL past the last. */
const struct od_resource_key *od_group_key(int index);
const struct od_resource_key *od_metrics_key(int index);
const struct od_resource_key *od_group_key_find(struct od_str name);   /* NULL: unknown */
const struct od_resource_key *od_metrics_key_find(struct od_str name); /* NULL: unknown */

/* The settings of one group, resolved; texts are owned. */
struct od_group_config {
#define OD_GROUP_KEY(type, field, ...) OD_VALUE_##type field;
#define OD_METRICS_KEY(type, field, ...)
#include "config/keys/resources.def"
#undef OD_GROUP_KEY
#undef OD_METRICS_KEY
};

/* live: the broker's settings in force.  settings: of the group; those that do not parse are left
 * out.  od_group_config_deinit is due. */
void od_group_config_resolve(struct od_group_config *out, const struct od_config *broker,
                             const struct od_live_config *live, const struct od_setting *settings,
                             int n);
void od_group_config_deinit(struct od_group_config *g);

/* OD_INVALID_CONFIG or OD_INVALID_REQUEST, as Kafka answers; *why has the cause. */
OD_MUST_USE enum od_err od_group_setting_check(const struct od_config *broker, struct od_str name,
                                               struct od_str value, struct od_text *why);
OD_MUST_USE enum od_err od_metrics_setting_check(struct od_str name, struct od_str value,
                                                 struct od_text *why);
/* May a group have all of these together? */
OD_MUST_USE enum od_err od_group_config_check_all(const struct od_config *broker,
                                                  const struct od_setting *settings, int n,
                                                  struct od_text *why);
