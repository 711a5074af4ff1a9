/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compacts the partitions whose cleanup.policy says so, the dirtiest first.
 *
 * On reactor 0.  A round looks at all partitions, a slice per millisecond, and notes the dirtiest;
 * at most log.cleaner.threads cleans are out, each a CLEAN job of about OD_CLEANER_SLICE_BYTES at a
 * time.  Between the slices the reactor pays the byte rate and stops cleans, so that no helper
 * sleeps.  A partition whose log cannot be cleaned is marked, told once, and left alone until the
 * node starts again.
 */
#pragma once

#include "os/helpers.h"

struct od_live_config;
struct od_node;
struct od_partition;
struct od_cleaning;

enum {
    OD_CLEANER_SLICE_BYTES = 1 << 20,
    OD_CLEANER_CLEANINGS_MAX = 16, /* at once, whatever log.cleaner.threads says */
};

struct od_cleaner {
    struct od_node *node;
    struct od_live_config *live; /* owns a reference; NULL: as loaded */
    struct od_timer timer;     /* the next round, or the next slice of the one at hand */
    struct od_partition **all; /* of the round at hand, each a reference; NULL: between rounds */
    size_t count, next;
    struct {
        struct od_partition *partition; /* owns a reference */
        double ratio;
    } found[OD_CLEANER_CLEANINGS_MAX]; /* the dirtiest, in falling order */
    int n_found;
    struct od_cleaning *out[OD_CLEANER_CLEANINGS_MAX]; /* NULL: free */
    int n_out;
    int64_t paid_ns; /* until when the byte rate is used up */
    uint64_t cleaned; /* cleans that came to their end */
    uint64_t uncleanable; /* partitions */
    bool stopped;
};

void od_cleaner_start(struct od_cleaner *c, struct od_node *node);
void od_cleaner_stop(struct od_cleaner *c); /* accepts one that was not started */
bool od_cleaner_idle(const struct od_cleaner *c); /* no clean is out */
