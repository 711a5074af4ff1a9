/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Server-side assignors of consumer groups (KIP-848): who shall read which partition.
 *
 * uniform: partitions are spread evenly, and a member keeps what it was to have as far as that
 * allows.  range: of each topic every subscriber gets one run of neighbours, members in order, so
 * that topics with as many partitions are read together.
 */
#pragma once

#include "base/str.h"
#include "core/group/assignment.h"

struct od_assignor_topic {
    struct od_uuid id;
    int32_t partitions;
};

struct od_assignor_member {
    struct od_str id;
    struct od_str instance_id; /* null: dynamic */
    int32_t topic_count;
    const int32_t *topics;              /* places in the topics array, ascending */
    const struct od_assignment *before; /* what it was to have so far */
    struct od_assignment target;        /* the result, in the arena */
};

struct od_assignor_input {
    int32_t member_count;
    struct od_assignor_member *members;
    int32_t topic_count;
    const struct od_assignor_topic *topics; /* ascending by id */
};

bool od_assignor_known(struct od_str name);
/* Every partition of a topic with a subscriber gets exactly one. */
void od_assignor_run(struct od_str name, const struct od_assignor_input *in,
                     struct od_arena *arena);
