/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Java's .properties syntax: `key=value`, `key: value` or `key value`; lines that begin with # or !
 * are comments; a backslash at the end continues a line; \t \n \r \f \uXXXX and \x escape.
 * Bytes above 127 pass as they are, so that a file may be UTF-8.
 */
#pragma once

#include "base/text.h"

enum { OD_PROPERTIES_BYTES_MAX = 1 << 20 }; /* of a file */

struct od_property {
    struct od_str key; /* terminated, without zero bytes */
    struct od_str value;
    int line; /* 1 is the first */
};

struct od_properties {
    struct od_property *v; /* in the order of the file; a key may come more than once */
    int n;
    int capacity;
    char *bytes; /* what keys and values point into */
};

/*
 * Fills *out, also after an error; od_properties_deinit is always due.  False: *why says the line
 * and what is wrong with it.
 */
OD_MUST_USE bool od_properties_parse(struct od_str file, struct od_properties *out,
                                     struct od_text *why);
void od_properties_print(const struct od_properties *p, struct od_text *out);
void od_properties_deinit(struct od_properties *p);
