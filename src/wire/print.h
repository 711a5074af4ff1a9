/* SPDX-License-Identifier: Apache-2.0 */
/* Prints any message for people (indented text) or programs (JSON on one line). */
#pragma once

#include "base/text.h"
#include "wire/codec.h"

enum od_print_form { OD_PRINT_TEXT, OD_PRINT_JSON };

/* Appends the fields that the version has.  Names are the schema's; bytes are hexadecimal. */
void od_print_message(const struct od_codec *codec, const void *message, int16_t version,
                      enum od_print_form form, struct od_text *out);
