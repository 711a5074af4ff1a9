/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Producer snapshots, "%020lld.snapshot": the producers as they stood before that offset, in
 * Kafka's form: i16 version 1, then schema/records/producer_snapshot.msg.  One is written for each
 * new segment, by the flush that follows, and one at the clean stop; recovery begins at the newest
 * that is whole, and replays the log from there.  The files are written aside and renamed.
 */
#pragma once

#include "base/err.h"
#include "core/producer/producer.h"

enum { OD_SNAPSHOT_NAME_BYTES = 20 + sizeof(".snapshot") };

/* The file's bytes, owned by the caller.  t: NULL: nobody. */
uint8_t *od_snapshot_print(const struct od_producers *t, size_t *len);
/* Blocking.  OD_E_CORRUPT: the file is not what was written; logged. */
OD_MUST_USE enum od_err od_snapshot_read(const char *dir, int64_t offset, struct od_producers *t);
OD_MUST_USE enum od_err od_snapshot_write(const char *dir, int64_t offset, const void *data,
                                          size_t len); /* blocking */
OD_MUST_USE enum od_err od_snapshot_remove(const char *dir, int64_t offset); /* blocking */

/* The offsets of a directory's snapshots, ascending; v is owned by the caller. */
struct od_snapshot_list {
    int64_t *v;
    size_t n, capacity;
};

OD_MUST_USE enum od_err od_snapshot_list(const char *dir, struct od_snapshot_list *out);
