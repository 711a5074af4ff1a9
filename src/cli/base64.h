/* SPDX-License-Identifier: Apache-2.0 */
/* Base64 with '+', '/' and '=' padding, for bytes that JSON cannot carry. */
#pragma once

#include "base/text.h"

void od_base64_print(struct od_bytes in, struct od_text *out);
/* The bytes are *len of the returned memory, to be freed with od_free; NULL: not base64. */
OD_MUST_USE uint8_t *od_base64_parse(struct od_str in, size_t *len);
