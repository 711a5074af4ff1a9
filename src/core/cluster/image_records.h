/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An image as the records that make it from an empty one, piece by piece: features first, as they
 * say in which versions the others are written, then brokers, topics, settings, producer ids.
 * Applied in order they give an equal image.  The image is borrowed until the end.
 */
#pragma once

#include "core/cluster/cluster.h"

enum od_image_records_stage {
    OD_IMAGE_RECORDS_FEATURES,
    OD_IMAGE_RECORDS_BROKERS,
    OD_IMAGE_RECORDS_TOPICS,
    OD_IMAGE_RECORDS_SETTINGS,
    OD_IMAGE_RECORDS_IDS,
    OD_IMAGE_RECORDS_END,
};

struct od_image_records {
    const struct od_image *image;
    enum od_image_records_stage stage;
    bool level_told; /* metadata.version, the first record */
    struct od_pmap_walk walk;
    const struct od_image_topic *topic; /* whose partitions are being told; NULL: none */
    int32_t partition;
};

struct od_image_records od_image_records_begin(const struct od_image *image);
/* About n further records, in the arena or borrowed from the image; false: that was all. */
bool od_image_records_next(struct od_image_records *w, int n, struct od_arena *arena,
                      struct od_record_list *out);
