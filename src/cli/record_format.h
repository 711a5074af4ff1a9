/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How `consume` prints a record: a format in kcat's letters, or one JSON object in a line.
 *
 *      %t topic  %p partition  %o offset  %k key  %K its bytes  %s value  %S its bytes
 *      %T timestamp in ms  %h headers as a=b,c=d  %R bytes of the value as 4 bytes, big-endian
 *      %%  \n \t \r \\ \0 \xNN
 *      %k{hex} %s{base64} %k{json} and the like for other forms of key and value; %T{iso}
 *
 * A null key or value prints nothing (%K and %S: -1).  In JSON bytes that are no UTF-8 stand in
 * base64 under key_base64 or value_base64.  Pure.
 */
#pragma once

#include "client/consumer.h"

struct od_record_format; /* compiled */

/* NULL: *why says what is wrong with the text. */
struct od_record_format *od_record_format_new(const char *text, struct od_text *why);
void od_record_format_free(struct od_record_format *f); /* accepts NULL */
void od_record_format_print(const struct od_record_format *f, const struct od_consumed *r,
                            struct od_text *out);
void od_record_json(const struct od_consumed *r, struct od_text *out); /* with a newline */
