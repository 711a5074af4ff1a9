/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the image and the controller ask of the settings: resolving a topic's, and checking what is
 * to be set.  Made at start, constant from then on, outlives every image made with it.
 */
#pragma once

#include "config/live_config.h"
#include "core/cluster/cluster.h"

struct od_meta_rules {
    struct od_image_ops ops;
    struct od_cluster_rules rules;
    const struct od_config *config; /* outlives this */
    char node[12];                  /* our broker id in figures */
    struct od_text current;         /* of the last is_list; the controller's reactor only */
};

void od_meta_rules_init(struct od_meta_rules *m, const struct od_config *config, int32_t node_id);
void od_meta_rules_deinit(struct od_meta_rules *m);
