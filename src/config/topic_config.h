/* SPDX-License-Identifier: Apache-2.0 */
/* Resolves the settings of a topic: its own overrides over the broker's values. */
#pragma once

#include "config/config.h"

struct od_setting {
    struct od_str name;
    struct od_str value; /* null: not set */
};

/*
 * A new object with one reference.  dynamic: changes of broker keys at run time, the later the
 * stronger; overrides: of the topic's own keys, stronger still.  Unknown names and values that no
 * longer parse are left out, so that a log written by another version can always be read;
 * od_topic_config_check refuses them where they enter.
 */
struct od_topic_config *od_topic_config_resolve(const struct od_config *broker,
                                                const struct od_setting *dynamic,
                                                int dynamic_count,
                                                const struct od_setting *overrides, int n);
/* The same, over settings that are resolved already. */
struct od_topic_config *od_topic_config_resolve_over(const struct od_topic_config *defaults,
                                                     const struct od_setting *overrides, int n);
struct od_topic_config *od_topic_config_ref(struct od_topic_config *t);
void od_topic_config_unref(struct od_topic_config *t); /* accepts NULL; any thread */

/*
 * May this override be set?  OD_INVALID_CONFIG: *why names key, value and bound.  *ignored: the key
 * is one that Kafka 3 had and 4 has not; accepted from old clients, and not to be stored.
 */
OD_MUST_USE enum od_err od_topic_config_check(struct od_str name, struct od_str value,
                                              bool *ignored, struct od_text *why);
/* May a topic have all of these together, over the broker's values? */
OD_MUST_USE enum od_err od_topic_config_check_all(const struct od_config *broker,
                                                  const struct od_setting *settings, int n,
                                                  struct od_text *why);
void od_topic_config_print(const struct od_topic_config *t, enum od_key key, struct od_text *out);
bool od_topic_config_overrides(const struct od_topic_config *t, enum od_key key);
