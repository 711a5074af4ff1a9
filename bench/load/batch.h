/* SPDX-License-Identifier: Apache-2.0 */
/* Builds record batches (format 2, uncompressed, no producer id) of an exact size. */
#pragma once

#include <stdint.h>

enum {
    OD_BATCH_HEADER_BYTES = 61,
    OD_BATCH_BYTES_MIN = OD_BATCH_HEADER_BYTES + 8,
    OD_BATCH_CRC_AT = 17, /* big-endian; covers what follows it */
};

/*
 * Fills exactly `bytes` bytes (OD_BATCH_BYTES_MIN to 2^30) with records of value_bytes (at least
 * 1); the last one takes what is left over.  Base offset 0.  Returns the number of records; 0
 * where no such size exists, which the next larger one then does.
 */
uint32_t od_batch_build(uint8_t *out, uint32_t bytes, uint32_t value_bytes, int64_t now_ms);
