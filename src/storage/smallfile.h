/* SPDX-License-Identifier: Apache-2.0 */
/* Small text files that are read and replaced as a whole; after a crash old or new, never mixed.
 * Blocking. */
#pragma once

#include "base/err.h"
#include "base/text.h"
#include "base/uuid.h"
#include "storage/epochs.h"

enum { OD_SMALLFILE_MAX = 64 << 20 }; /* 100,000 partitions with long names need 25 MiB */

/* Adds the file's text to out.  OD_E_NOT_FOUND is not logged; OD_E_LIMIT: larger than the limit. */
OD_MUST_USE enum od_err od_smallfile_read(const char *dir, const char *name, struct od_text *out);
/* Writes name.tmp, syncs it, renames it and syncs the directory. */
OD_MUST_USE enum od_err od_smallfile_replace(const char *dir, const char *name, struct od_str text);

/* One line of text, cut off its front; false at the end. */
bool od_text_line(struct od_str *rest, struct od_str *line);

/* --- Kafka's formats ------------------------------------------------------------------------- */

/* meta.properties. */
struct od_meta_properties {
    int32_t node_id; /* -1: not named; from broker.id in version 0 */
    char cluster_id[65];
    struct od_uuid directory_id; /* zero: not named */
};

OD_MUST_USE enum od_err od_meta_properties_parse(struct od_str text,
                                                 struct od_meta_properties *out);
void od_meta_properties_print(const struct od_meta_properties *in, struct od_text *out);

OD_MUST_USE enum od_err od_partition_metadata_parse(struct od_str text, struct od_uuid *topic_id);
void od_partition_metadata_print(struct od_uuid topic_id, struct od_text *out);

/* .kafka_cleanshutdown; the broker epoch is -1 when the file does not say. */
int64_t od_clean_shutdown_parse(struct od_str text);
void od_clean_shutdown_print(int64_t broker_epoch, struct od_text *out);

/* leader-epoch-checkpoint.  The list must be empty; OD_E_CORRUPT leaves it so. */
OD_MUST_USE enum od_err od_epochs_parse(struct od_str text, struct od_epochs *out);
void od_epochs_print(const struct od_epochs *in, struct od_text *out);

/* The offset checkpoints: each line is a topic, a partition and an offset. */
struct od_offset_line {
    struct od_str topic;
    int32_t partition;
    int64_t offset;
};

/* Calls each once per line; OD_E_CORRUPT: not such a file, some lines may have been given. */
OD_MUST_USE enum od_err od_offsets_parse(struct od_str text,
                                         void (*each)(void *arg, const struct od_offset_line *line),
                                         void *arg);
