/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The aborted transactions whose markers lie in one segment: in memory, and in Kafka's
 * ".txnindex", a row of entries {version i16 = 0, producer id i64, first offset i64, last offset
 * i64, last stable offset i64}, ascending by last offset.  Memory: 32 bytes for each aborted
 * transaction that is still in the log.
 *
 * The file is written by the flush that makes the marker durable and before the recovery point
 * passes it; what lies above the newest producer snapshot is rebuilt from the log at recovery.
 */
#pragma once

#include "base/err.h"
#include "core/producer/producer.h"

enum { OD_ABORTED_BYTES = 34 };

struct od_aborted {
    struct od_aborted_txn *v;
    uint32_t n, capacity;
    uint32_t on_disk; /* the first so many are in the file */
};

struct od_aborted *od_aborted_new(void);
void od_aborted_free(struct od_aborted *a); /* accepts NULL */
void od_aborted_add(struct od_aborted *a, const struct od_aborted_txn *txn);
/* Forgets those whose marker lies at or above offset. */
void od_aborted_cut(struct od_aborted *a, int64_t offset);
/* n entries from the first-th in the file's form; owned by the caller. */
uint8_t *od_aborted_print(const struct od_aborted *a, uint32_t first, uint32_t n);
uint32_t od_aborted_crc(const struct od_aborted *a); /* of the file that holds them all */
/*
 * Blocking.  Reads the file at path; a missing one has no entries.  Entries are believed if their
 * offsets can be, for markers in [base, end); OD_E_CORRUPT otherwise.  *out is NULL when empty.
 */
OD_MUST_USE enum od_err od_aborted_read(const char *path, int64_t base, int64_t end,
                                        struct od_aborted **out);
/* Blocking.  Writes len bytes of entries at pos, where the file then ends, and syncs it. */
OD_MUST_USE enum od_err od_aborted_write(const char *path, int64_t pos, const void *data,
                                         size_t len);
