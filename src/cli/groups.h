/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the commands about consumer groups ask of a cluster.  Results lie in the command's arena.
 * Each returns an exit code, and has said what is wrong when it is not OD_EXIT_OK.
 */
#pragma once

#include "cli/cli.h"

struct od_group_part {
    struct od_str topic;
    int32_t partition;
};

struct od_group_person { /* a member */
    struct od_str id, instance_id, client_id, host;
    struct od_group_part *parts;
    int part_count;
};

struct od_group_info {
    struct od_str id, type, state, assignor;
    int32_t coordinator;
    struct od_group_person *members;
    int member_count;
};

struct od_group_offset {
    struct od_group_part at;
    int64_t offset;
    int64_t end; /* of the log; -1: not known */
};

struct od_group_offsets {
    struct od_group_offset *v; /* by topic and partition */
    int n;
};

/* The broker that coordinates the group; waits while there is none yet, or it loads. */
OD_MUST_USE int od_groups_coordinator(struct od_cli *cli, struct od_str group, int32_t *node);
/* Of either protocol.  Not found: out->type stays null. */
OD_MUST_USE int od_groups_find(struct od_cli *cli, struct od_str group, struct od_group_info *out);
/* Likewise, and a group that is not there is a failure. */
OD_MUST_USE int od_groups_describe(struct od_cli *cli, struct od_str group,
                                   struct od_group_info *out);
/* What the group has committed, and where the logs end. */
OD_MUST_USE int od_groups_offsets(struct od_cli *cli, struct od_str group,
                                  struct od_group_offsets *out);
/* Sorts by topic and partition. */
void od_groups_sort(struct od_group_offsets *offsets);
struct od_str od_groups_keep(struct od_cli *cli, struct od_str s); /* in the arena */
