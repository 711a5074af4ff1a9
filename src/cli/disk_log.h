/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A partition's directory as it lies on the disk, for the tools: what files there are, batches one
 * after the other, the small files as they are written.  Naive on purpose and written apart from
 * src/storage: it trusts nothing, searches nothing, corrects nothing, so that it can judge what the
 * engine does.  It only reads.  Not thread-safe; memory: a batch, or one whole small file.
 */
#pragma once

#include "base/text.h"
#include "base/uuid.h"
#include "os/file.h"
#include "wire/batch.h"

enum {
    OD_DISK_NAME_BYTES = 300,
    OD_DISK_PATH_MAX = OD_PATH_MAX + OD_DISK_NAME_BYTES,
    OD_DISK_FILE_MAX = 256 << 20,   /* of what is read whole */
    OD_DISK_INDEX_BYTES = 8,        /* relative last offset i32, position i32 */
    OD_DISK_TIME_BYTES = 12,        /* timestamp i64, relative offset i32 */
    OD_DISK_ABORTED_BYTES = 34,     /* version i16, producer, first, last, last stable offset i64 */
    OD_DISK_SNAPSHOT_HEAD = 10,     /* version i16, CRC-32C of the rest u32, count i32 */
    OD_DISK_SNAPSHOT_BYTES = 46,    /* of an entry */
};

/* --- a directory ----------------------------------------------------------------------------- */

enum od_disk_kind {
    OD_DISK_LOG,
    OD_DISK_INDEX,
    OD_DISK_TIMEINDEX,
    OD_DISK_TXNINDEX,
    OD_DISK_SNAPSHOT,
    OD_DISK_EPOCHS,
    OD_DISK_METADATA,
    OD_DISK_CHECKPOINT, /* of the metadata log: its snapshots, quorum-state */
    OD_DISK_LEFTOVER,   /* .cleaned, .swap, .deleted, .tmp */
    OD_DISK_OTHER,
    OD_DISK_DIRECTORY,
};

struct od_disk_entry {
    enum od_disk_kind kind;
    int64_t base;  /* of the 20 digits; -1: none */
    int64_t bytes; /* of a file */
    char name[OD_DISK_NAME_BYTES];
};

/* Sorted by kind, base, name. */
struct od_disk_list {
    char *path; /* owned */
    struct od_disk_entry *v;
    size_t n, capacity;
};

/* OD_E_NOT_FOUND, OD_E_IO, logged. */
OD_MUST_USE enum od_err od_disk_list_read(const char *path, struct od_disk_list *out);
void od_disk_list_free(struct od_disk_list *l);
const struct od_disk_entry *od_disk_list_find(const struct od_disk_list *l, enum od_disk_kind kind,
                                              int64_t base); /* or NULL */
const struct od_disk_entry *od_disk_list_named(const struct od_disk_list *l, const char *name);
/* "topic-N": the topic's length; 0: it is no partition's name. */
size_t od_disk_topic_len(const char *name);
/* The path's last part, without slashes at its end. */
struct od_str od_disk_base_name(const char *path);

/* --- whole files ----------------------------------------------------------------------------- */

struct od_disk_file {
    uint8_t *data;
    size_t len;
};

/* OD_E_LIMIT beyond OD_DISK_FILE_MAX; OD_E_NOT_FOUND is not logged. */
OD_MUST_USE enum od_err od_disk_file_read(const char *dir, const char *name,
                                          struct od_disk_file *out);
void od_disk_file_free(struct od_disk_file *f);

/* --- batches --------------------------------------------------------------------------------- */

struct od_disk_batches {
    struct od_file *file;
    int64_t size;
    int64_t pos; /* of the next batch */
    uint8_t *data;
    size_t capacity;
};

struct od_disk_batch {
    struct od_batch_header h;
    int64_t pos;
    const uint8_t *data; /* the whole of it, until the next call */
    size_t len;
    bool crc_fits;
};

OD_MUST_USE enum od_err od_disk_batches_open(const char *dir, const char *name,
                                             struct od_disk_batches *out);
void od_disk_batches_close(struct od_disk_batches *b);
/* OD_E_NOT_FOUND: the file ends here.  Otherwise *why says what is there instead of a batch. */
OD_MUST_USE enum od_err od_disk_batches_next(struct od_disk_batches *b, struct od_disk_batch *out,
                                             const char **why);
/* Of a control batch: 0 abort, 1 commit, others as they are; -1: it cannot be read. */
int od_disk_marker_kind(const struct od_disk_batch *b);
/* Calls each for the batch's records; OD_E_CORRUPT and the like when they are not what it says. */
OD_MUST_USE enum od_err od_disk_records(const struct od_disk_batch *b,
                                        void (*each)(void *arg, const struct od_record *record),
                                        void *arg);

/* --- small files ----------------------------------------------------------------------------- */

struct od_disk_epoch {
    int32_t epoch;
    int64_t start;
};

struct od_disk_epochs {
    struct od_disk_epoch *v; /* owned */
    size_t n;
};

/* leader-epoch-checkpoint.  On OD_E_CORRUPT *line is the one that cannot be, from 1. */
OD_MUST_USE enum od_err od_disk_epochs_parse(struct od_str text, struct od_disk_epochs *out,
                                             int *line);
int32_t od_disk_epoch_at(const struct od_disk_epochs *e, int64_t offset); /* -1: unknown */

struct od_disk_offset {
    char name[OD_DISK_NAME_BYTES]; /* "topic-N" */
    int64_t offset;
};

struct od_disk_offsets {
    struct od_disk_offset *v; /* owned */
    size_t n;
};

/* The offset checkpoints of a log directory; likewise. */
OD_MUST_USE enum od_err od_disk_offsets_parse(struct od_str text, struct od_disk_offsets *out,
                                              int *line);
/* partition.metadata. */
OD_MUST_USE enum od_err od_disk_metadata_parse(struct od_str text, struct od_uuid *topic_id);

struct od_disk_producer {
    int64_t id;
    int64_t last_offset;
    int64_t timestamp;
    int64_t txn_first_offset; /* -1: none */
    int32_t last_sequence;
    int32_t delta;
    int32_t coordinator_epoch;
    int16_t epoch;
};

/* How many entries the snapshot has; -1: length, version or CRC are wrong, *why. */
int od_disk_snapshot_count(const struct od_disk_file *f, const char **why);
struct od_disk_producer od_disk_snapshot_at(const struct od_disk_file *f, int i);

struct od_disk_aborted {
    int64_t producer_id;
    int64_t first_offset;
    int64_t last_offset;
    int64_t last_stable_offset;
    int16_t version;
};

struct od_disk_aborted od_disk_aborted_at(const struct od_disk_file *f, size_t i);
