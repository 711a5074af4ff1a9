/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Borrowed text and bytes.  data == NULL is the protocol's null, which differs from empty.
 * Text is not terminated and may hold any byte.
 */
#pragma once

#include "base/compiler.h"

#include <stdbool.h>

struct od_str {
    const char *data;
    size_t len;
};

struct od_bytes {
    const uint8_t *data;
    size_t len;
};

/* A piece of memory to be written; the twin of struct iovec without its headers. */
struct od_span {
    const void *data;
    size_t len;
};

#define OD_STR(literal) ((struct od_str){ (literal), sizeof(literal) - 1 })
#define OD_STR_NULL ((struct od_str){ NULL, 0 })
/* For "%.*s". */
#define OD_STR_ARGS(s) (int)(s).len, (s).data ? (s).data : ""

struct od_str od_str_of(const char *text); /* borrows a terminated string; NULL stays null */
bool od_str_eq(struct od_str a, struct od_str b);
bool od_str_is(struct od_str a, const char *text);
int od_str_cmp(struct od_str a, struct od_str b); /* bytewise, as strcmp */
bool od_str_starts(struct od_str s, const char *prefix);
char *od_str_dup(struct od_str s); /* terminated, owned by the caller */
/* Whole of s as a decimal number within [min, max]; false otherwise. */
OD_MUST_USE bool od_str_to_i64(struct od_str s, int64_t min, int64_t max, int64_t *out);
