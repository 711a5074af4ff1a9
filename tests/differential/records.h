/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Record batches in JSON.  A request says what to build: a string is taken as bytes; an object is
 * one batch, an array several:
 *
 *     {"count": 3, "codec": "none|gzip|snappy|lz4|zstd", "timestamp": 0, "step": 0, "key": "k",
 *      "value": "v", "spoil": "crc|length|magic|count|offset|cut", and any of the header's fields:
 *      "attributes", "producer_id", "producer_epoch", "base_sequence", "base_offset"}
 *
 * timestamp counts from now and step from one record to the next; all is optional.  An answer's
 * batches become their headers and payloads.
 */
#pragma once

#include "base/arena.h"
#include "wire/types.h"

#include <jansson.h>

bool records_build(struct od_arena *arena, const json_t *from, int64_t now_ms,
                   struct od_records *out);
/* The batches that hex digits show, an owned array; what is no batch becomes a string. */
json_t *records_show(const char *hex, int64_t now_ms);
