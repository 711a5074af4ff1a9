/* SPDX-License-Identifier: Apache-2.0 */
/* Settings of topics and brokers: asked for, and changed. */
#pragma once

#include "cli/cli.h"

enum od_configs_of { /* Kafka's numbers */
    OD_CONFIGS_TOPIC = 2,
    OD_CONFIGS_BROKER = 4,
    OD_CONFIGS_BROKER_LOGGER = 8,
    OD_CONFIGS_CLIENT_METRICS = 16,
    OD_CONFIGS_GROUP = 32,
};

struct od_configs {
    json_t *rows; /* owned: key, value, source, default, read_only, sensitive, type; by key */
};

/*
 * The settings of one thing, or those of n keys.  Exit code; what is wrong was said.  A broker
 * that does not serve DescribeConfigs: with keys == NULL and n == 0 for a topic no rows and no
 * error.  The deinit is always due.
 */
OD_MUST_USE int od_configs_get(struct od_cli *cli, enum od_configs_of of, struct od_str name,
                               const struct od_str *keys, int n, struct od_configs *out);
void od_configs_deinit(struct od_configs *c);

/*
 * Sends what the options --set, --delete, --append and --subtract of the command say.  *changes is
 * how many there are; with none nothing is sent.  Exit code; what is wrong was said.
 */
OD_MUST_USE int od_configs_change(struct od_cli *cli, enum od_configs_of of, struct od_str name,
                                  const char *const *pairs, int pair_count, int *changes);
#define OD_CONFIGS_KINDS "topic|broker|broker-logger|client-metrics|group"

/* One of OD_CONFIGS_KINDS; false, and it was said: another word. */
OD_MUST_USE bool od_configs_kind(struct od_cli *cli, const char *word, enum od_configs_of *out);
