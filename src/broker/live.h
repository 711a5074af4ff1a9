/* SPDX-License-Identifier: Apache-2.0 */
/* Carries settings that change while the broker runs to those who cannot see the image. */
#pragma once

#include "core/cluster/image.h"

struct od_admission;
struct od_live_config;
struct od_node;

/* Limits of connections, before anything is set at run time. */
struct od_admission *od_live_admission(const struct od_live_config *live);
/* The image's settings count from now on.  Reactor 0, after the image was published. */
void od_live_apply(struct od_node *node, const struct od_image *image);
