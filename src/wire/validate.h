/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a leader accepts from a producer (Produce 3 and later), as Kafka's LogValidator does it:
 * exactly one batch of format 2, no control batch, right checksum and counts, records that are
 * whole, consecutive, in time, and keyed where the topic is compacted.  A wrong max timestamp is
 * put right in place.  Which compression an API version may carry is the caller's rule.
 */
#pragma once

#include "wire/batch.h"

struct od_validate_rules {
    bool compacted;                  /* records need keys */
    bool header_only;                /* records of compressed batches are not looked at */
    bool log_append_time;            /* stamp the batch with now_ms */
    int64_t now_ms;                  /* wall clock */
    int64_t timestamp_before_max_ms; /* INT64_MAX: no limit */
    int64_t timestamp_after_max_ms;
    struct od_expand_limits limits;
};

struct od_validate_fault {
    int32_t index;    /* of the record in the batch */
    enum od_err err;  /* INVALID_RECORD or INVALID_TIMESTAMP */
    const char *text; /* static */
};

enum { OD_VALIDATE_FAULTS_MAX = 32 }; /* an answer names no more bad records of one batch */

struct od_validate_result {
    struct od_batch_header header; /* after corrections */
    int64_t records_bytes; /* of the records when not compressed; 0: they were not walked */
    int32_t max_timestamp_delta;   /* offset delta of the first record with the max timestamp */
    struct od_validate_fault faults[OD_VALIDATE_FAULTS_MAX];
    int32_t fault_count; /* all of them; those beyond the array are not kept */
    const char *text;    /* static; why the batch was refused, or NULL */
    bool too_large;      /* refused for rules->limits alone: a larger limit may accept it */
};

/*
 * data: all record bytes of one partition in the request.  INVALID_RECORD, CORRUPT_MESSAGE,
 * INVALID_TIMESTAMP, UNSUPPORTED_COMPRESSION_TYPE, OD_E_NO_MEMORY.  Formats 0 and 1, and a batch
 * that expands beyond the limit, are INVALID_RECORD.
 */
OD_MUST_USE enum od_err od_validate_batch(uint8_t *data, size_t len,
                                          const struct od_validate_rules *rules,
                                          struct od_validate_result *out);
