/* SPDX-License-Identifier: Apache-2.0 */
/* A growing, terminated text.  Zero-initialise; not thread-safe. */
#pragma once

#include "base/str.h"

struct od_text {
    char *data; /* NULL while empty */
    size_t len;
    size_t capacity;
};

void od_text_add(struct od_text *t, const char *format, ...) OD_PRINTF(2, 3);
void od_text_add_str(struct od_text *t, struct od_str s);
void od_text_reset(struct od_text *t);         /* frees */
const char *od_text_get(const struct od_text *t); /* never NULL; valid until the next change */
