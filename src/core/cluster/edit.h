/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Applies metadata records to an image: the only writer of replicated state.  An edit starts from a
 * published image and works on a private copy of it; od_edit_image shows what has been applied so
 * far.  One thread.  The delta lists what changed, so that a broker need not look at the rest.
 */
#pragma once

#include "base/text.h"
#include "core/cluster/image.h"
#include "core/cluster/record.h"

struct od_topic_delta {
    struct od_image_topic *before; /* owns a reference; NULL: created */
    struct od_image_topic *after;  /* owns a reference; NULL: deleted */
    bool config_changed;
    int32_t partition_count; /* indexes that were created or changed; unused when deleted */
    int32_t *partitions;     /* each once, in the order of their first change */
};

struct od_image_delta {
    struct od_topic_delta *topics; /* each topic id once, in the order of their first change */
    int topic_count;
    bool brokers_changed;
    bool broker_configs_changed; /* of any broker, or their default */
    bool features_changed;
};

void od_image_delta_deinit(struct od_image_delta *d);

struct od_edit;

struct od_edit *od_edit_new(struct od_image *base);
void od_edit_free(struct od_edit *e); /* drops what was not finished; accepts NULL */
const struct od_image *od_edit_image(const struct od_edit *e); /* valid until the next apply */
/*
 * OD_E_CORRUPT: the record contradicts the image; OD_UNSUPPORTED_VERSION: of a type or version
 * beyond the levels we know.  *why gets the cause; the edit must then be freed.
 */
OD_MUST_USE enum od_err od_edit_apply(struct od_edit *e, const struct od_metadata_record *record,
                                      struct od_text *why);
/* A metadata transaction has begun and not ended: the edit cannot be finished. */
bool od_edit_in_transaction(const struct od_edit *e);
/* Ends the edit: the new image (one reference, position set) and what changed.  Frees e. */
struct od_image *od_edit_finish(struct od_edit *e, int64_t offset, int32_t epoch,
                                struct od_image_delta *delta);
