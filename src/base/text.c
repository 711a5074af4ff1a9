/* SPDX-License-Identifier: Apache-2.0 */
/* Doubling buffer behind od_text. */
#include "base/text.h"

#include "base/mem.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void reserve(struct od_text *t, size_t more)
{
    size_t want = t->len + more + 1;

    if (want <= t->capacity)
        return;
    t->capacity = want > t->capacity * 2 ? want : t->capacity * 2;
    t->data = od_realloc(t->data, t->capacity);
}

void od_text_add(struct od_text *t, const char *format, ...)
{
    va_list args, again;
    int len;

    va_start(args, format);
    va_copy(again, args);
    len = vsnprintf(NULL, 0, format, args);
    reserve(t, (size_t)len);
    vsnprintf(t->data + t->len, (size_t)len + 1, format, again);
    t->len += (size_t)len;
    va_end(again);
    va_end(args);
}

void od_text_add_str(struct od_text *t, struct od_str s)
{
    reserve(t, s.len);
    if (s.len)
        memcpy(t->data + t->len, s.data, s.len);
    t->len += s.len;
    t->data[t->len] = '\0';
}

void od_text_reset(struct od_text *t)
{
    od_free(t->data);
    *t = (struct od_text){ 0 };
}

const char *od_text_get(const struct od_text *t)
{
    return t->data ? t->data : "";
}
