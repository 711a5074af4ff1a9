/* SPDX-License-Identifier: Apache-2.0 */
/* Comparing, copying and reading borrowed text. */
#include "base/str.h"

#include "base/mem.h"

#include <string.h>

struct od_str od_str_of(const char *text)
{
    return (struct od_str){ text, text ? strlen(text) : 0 };
}

bool od_str_eq(struct od_str a, struct od_str b)
{
    return a.len == b.len && !a.data == !b.data && (a.len == 0 || !memcmp(a.data, b.data, a.len));
}

bool od_str_is(struct od_str a, const char *text)
{
    return od_str_eq(a, od_str_of(text));
}

int od_str_cmp(struct od_str a, struct od_str b)
{
    size_t shared = a.len < b.len ? a.len : b.len;
    int order = shared ? memcmp(a.data, b.data, shared) : 0;

    return order ? order : (a.len > b.len) - (a.len < b.len);
}

bool od_str_starts(struct od_str s, const char *prefix)
{
    size_t len = strlen(prefix);

    return s.len >= len && (len == 0 || !memcmp(s.data, prefix, len));
}

char *od_str_dup(struct od_str s)
{
    char *text = od_alloc(s.len + 1);

    if (s.len)
        memcpy(text, s.data, s.len);
    text[s.len] = '\0';
    return text;
}

bool od_str_to_i64(struct od_str s, int64_t min, int64_t max, int64_t *out)
{
    bool negative = s.len && s.data[0] == '-';
    size_t i = negative || (s.len && s.data[0] == '+') ? 1 : 0;
    int64_t value = 0; /* kept negative: INT64_MIN has no positive twin */

    if (i == s.len)
        return false;
    for (; i < s.len; i++) {
        if (s.data[i] < '0' || s.data[i] > '9' ||
            __builtin_mul_overflow(value, (int64_t)10, &value) ||
            __builtin_sub_overflow(value, (int64_t)(s.data[i] - '0'), &value))
            return false;
    }
    if (!negative && __builtin_sub_overflow((int64_t)0, value, &value))
        return false;
    if (value < min || value > max)
        return false;
    *out = value;
    return true;
}
