/* SPDX-License-Identifier: Apache-2.0 */
/* Batches of keyed records, built and taken apart without the product's code. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { KEYED_RECORDS_MAX = 16, KEYED_BYTES_MAX = 61 + KEYED_RECORDS_MAX * 64 };

struct keyed {
    uint32_t key;
    uint32_t number; /* 0: a tombstone */
};

/* n records with offsets from base on; returns the length. */
size_t keyed_build(uint8_t *out, int64_t base, const struct keyed *v, int n, int64_t timestamp_ms);
/* Calls each per record, in order; false: no sound batches, *why says what is wrong. */
bool keyed_walk(const uint8_t *data, size_t len,
                void (*each)(void *arg, int64_t offset, const struct keyed *r), void *arg,
                int64_t *next_offset, const char **why);
