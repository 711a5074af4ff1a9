/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Regular expressions by RE2: linear in the text, bounded memory, no backtracking.  The named
 * groups of RE2/J, (?<name>...), are understood as well.  Any thread may match.
 */
#pragma once

#include "base/err.h"
#include "base/text.h"

struct od_regex;

enum { OD_REGEX_MEMORY_BYTES = 1 << 20 }; /* of one compiled pattern */

/* INVALID_REGULAR_EXPRESSION: *why says what is wrong with it. */
OD_MUST_USE enum od_err od_regex_new(struct od_str pattern, struct od_regex **out,
                                     struct od_text *why);
bool od_regex_matches_all_of(const struct od_regex *r, struct od_str text);
void od_regex_free(struct od_regex *r); /* accepts NULL */
