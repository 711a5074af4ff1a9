/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Topics that are created because a client asked for them, and the rules of topic names.  What one
 * request asks for is one command, which outlives the request: nobody waits for it.
 */
#pragma once

#include "base/str.h"

struct od_node;
struct od_auto_create;

/*
 * Notes a topic with the default counts, once; *a is made with the first.  Beyond
 * odradek.auto.create.topics.per.request nothing is noted: the client asks again.
 */
void od_auto_create_add(struct od_auto_create **a, struct od_node *node, struct od_str topic);
/* On a reactor; takes it over; accepts NULL. */
void od_auto_create_submit(struct od_auto_create *a);
bool od_topic_name_valid(struct od_str name); /* 1-249 of [a-zA-Z0-9._-], not . or .. */
bool od_topic_is_internal(struct od_str name);
