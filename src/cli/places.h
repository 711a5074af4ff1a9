/* SPDX-License-Identifier: Apache-2.0 */
/* The partitions that a command is about, and a position in each of them. */
#pragma once

#include "cli/cli.h"
#include "cli/position.h"

struct od_place {
    int32_t partition;
    int64_t begin;  /* the caller's */
    int64_t offset; /* by od_places_place */
};

struct od_places {
    struct od_place *v; /* owned */
    int n;
};

/*
 * Learns the topic and takes the partitions that --partition names, else all.  Exit code; what is
 * wrong was said.  The deinit is always due.
 */
OD_MUST_USE int od_places_choose(struct od_cli *cli, struct od_str topic,
                                     struct od_places *out);
/* Finds the position (text; NULL: start), given by that option, in each of the partitions. */
OD_MUST_USE int od_places_place(struct od_cli *cli, struct od_str topic, const char *text,
                                    const char *option, bool read_committed,
                                    struct od_places *parts);
void od_places_deinit(struct od_places *p);
