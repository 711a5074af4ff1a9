/* SPDX-License-Identifier: Apache-2.0 */
/* Publishing and acquiring the newest image. */
#include "meta/image.h"

void od_image_holder_init(struct od_image_holder *h, struct od_image *first)
{
    od_lock_init(&h->lock, OD_LOCK_LEAF);
    h->image = first;
}

void od_image_holder_deinit(struct od_image_holder *h)
{
    od_image_unref(h->image);
    od_lock_deinit(&h->lock);
}

struct od_image *od_image_acquire(struct od_image_holder *h)
{
    struct od_image *image;

    od_lock_take(&h->lock);
    image = od_image_ref(h->image);
    od_lock_drop(&h->lock);
    return image;
}

void od_image_publish(struct od_image_holder *h, struct od_image *image)
{
    struct od_image *old;

    od_lock_take(&h->lock);
    old = h->image;
    h->image = image;
    od_lock_drop(&h->lock);
    od_image_unref(old);
}
