/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the newest image is found.  Published by the controller's reactor, acquired by any thread
 * for one event and dropped at its end, never held across a park.
 */
#pragma once

#include "core/cluster/image.h"
#include "os/lock.h"

struct od_image_holder {
    struct od_lock lock; /* LEAF; over the pointer and the taking of a reference */
    struct od_image *image;
};

void od_image_holder_init(struct od_image_holder *h, struct od_image *first); /* takes it over */
void od_image_holder_deinit(struct od_image_holder *h);
struct od_image *od_image_acquire(struct od_image_holder *h); /* the caller drops it */
void od_image_publish(struct od_image_holder *h, struct od_image *image); /* takes it over */
