/* SPDX-License-Identifier: Apache-2.0 */
/* Resolves the settings of the broker that change while it runs, and checks such changes. */
#pragma once

#include "config/topic_config.h"

/*
 * A new object with one reference.  dynamic: changes at run time, the later the stronger.  Unknown
 * names and values that no longer parse are left out, as with topics.
 */
struct od_live_config *od_live_config_resolve(const struct od_config *broker,
                                              const struct od_setting *dynamic, int n);
struct od_live_config *od_live_config_ref(struct od_live_config *c);
void od_live_config_unref(struct od_live_config *c); /* accepts NULL; any thread */

/* Is it empty, or "address:number,..."? */
bool od_overrides_are_good(const char *text);

/*
 * May this be set while brokers run?  one_broker: of a single broker, not the default of all.
 * OD_INVALID_REQUEST, which is what Kafka answers for brokers: *why has the cause.
 */
OD_MUST_USE enum od_err od_live_config_check(struct od_str name, struct od_str value,
                                             bool one_broker, struct od_text *why);
