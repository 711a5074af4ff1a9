/* SPDX-License-Identifier: Apache-2.0 */
/* Topics that are created because a client asked for them, and the rules of topic names. */
#pragma once

#include "base/str.h"

struct od_shard;

/* Asks the controller for a topic with the default counts; nobody waits for it. */
void od_auto_create(struct od_shard *shard, struct od_str topic);
bool od_topic_name_valid(struct od_str name); /* 1-249 of [a-zA-Z0-9._-], not . or .. */
bool od_topic_is_internal(struct od_str name);
