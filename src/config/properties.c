/* SPDX-License-Identifier: Apache-2.0 */
/* Parses and prints Java's .properties syntax. */
#include "config/properties.h"

#include "base/mem.h"

/* A cursor over the file; what is unescaped is written to `to`. */
struct scan {
    const char *p, *end;
    int line;
    char *to;
    struct od_text *why;
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\f';
}

static bool is_eol(char c)
{
    return c == '\n' || c == '\r';
}

static void skip_eol(struct scan *s)
{
    if (s->p < s->end && *s->p == '\r' && s->p + 1 < s->end && s->p[1] == '\n')
        s->p++;
    if (s->p < s->end) {
        s->p++;
        s->line++;
    }
}

static void skip_blanks(struct scan *s)
{
    while (s->p < s->end && is_blank(*s->p))
        s->p++;
}

/* Passes a backslash at the end of a line together with the blanks that begin the next one. */
static void skip_continuations(struct scan *s)
{
    while (s->p + 1 < s->end && *s->p == '\\' && is_eol(s->p[1])) {
        s->p++;
        skip_eol(s);
        skip_blanks(s);
    }
    if (s->p + 1 == s->end && *s->p == '\\')
        s->p++;
}

static void skip_comments(struct scan *s)
{
    for (;;) {
        while (s->p < s->end && (is_blank(*s->p) || is_eol(*s->p))) {
            if (is_eol(*s->p))
                skip_eol(s);
            else
                s->p++;
        }
        if (s->p == s->end || (*s->p != '#' && *s->p != '!'))
            return;
        while (s->p < s->end && !is_eol(*s->p))
            s->p++;
    }
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* Four digits at p, or -1. */
static int32_t hex_unit(const char *p, const char *end)
{
    int32_t unit = 0;

    if (end - p < 4)
        return -1;
    for (int i = 0; i < 4; i++) {
        int d = hex_digit(p[i]);

        if (d < 0)
            return -1;
        unit = unit * 16 + d;
    }
    return unit;
}

static void put_utf8(struct scan *s, int32_t point)
{
    if (point < 0x80) {
        *s->to++ = (char)point;
        return;
    }
    if (point < 0x800) {
        *s->to++ = (char)(0xc0 | point >> 6);
    } else {
        if (point < 0x10000) {
            *s->to++ = (char)(0xe0 | point >> 12);
        } else {
            *s->to++ = (char)(0xf0 | point >> 18);
            *s->to++ = (char)(0x80 | (point >> 12 & 0x3f));
        }
        *s->to++ = (char)(0x80 | (point >> 6 & 0x3f));
    }
    *s->to++ = (char)(0x80 | (point & 0x3f));
}

/* p stands behind "\u".  Two units that form a pair give one character. */
static bool read_unicode(struct scan *s)
{
    int32_t point = hex_unit(s->p, s->end), low;

    if (point < 0) {
        od_text_add(s->why, "line %d: \\u needs four hexadecimal digits", s->line);
        return false;
    }
    s->p += 4;
    if (point >= 0xd800 && point < 0xdc00 && s->end - s->p >= 6 && s->p[0] == '\\' &&
        s->p[1] == 'u') {
        low = hex_unit(s->p + 2, s->end);
        if (low >= 0xdc00 && low < 0xe000) {
            point = 0x10000 + ((point - 0xd800) << 10) + (low - 0xdc00);
            s->p += 6;
        }
    }
    if (point == 0 || (point >= 0xd800 && point < 0xe000)) {
        od_text_add(s->why, "line %d: \\u%04x is no character of a setting", s->line,
                    (unsigned)point);
        return false;
    }
    put_utf8(s, point);
    return true;
}

static bool refuse_zero(struct scan *s)
{
    od_text_add(s->why, "line %d: a zero byte", s->line);
    return false;
}

/* p stands at a backslash that is followed by something. */
static bool read_escape(struct scan *s)
{
    char c = s->p[1];

    s->p += 2;
    switch (c) {
    case 't':
        *s->to++ = '\t';
        return true;
    case 'n':
        *s->to++ = '\n';
        return true;
    case 'r':
        *s->to++ = '\r';
        return true;
    case 'f':
        *s->to++ = '\f';
        return true;
    case 'u':
        return read_unicode(s);
    case '\0':
        return refuse_zero(s);
    default:
        *s->to++ = c;
        return true;
    }
}

/* Reads up to the end of the logical line, or of the key when is_key. */
static bool read_part(struct scan *s, bool is_key, struct od_str *out)
{
    char *from = s->to;

    for (;;) {
        skip_continuations(s);
        if (s->p == s->end || is_eol(*s->p))
            break;
        if (is_key && (is_blank(*s->p) || *s->p == '=' || *s->p == ':'))
            break;
        if (*s->p == '\0')
            return refuse_zero(s);
        if (*s->p != '\\')
            *s->to++ = *s->p++;
        else if (!read_escape(s))
            return false;
    }
    *out = (struct od_str){ from, (size_t)(s->to - from) };
    *s->to++ = '\0';
    return true;
}

static void skip_separator(struct scan *s)
{
    skip_continuations(s);
    skip_blanks(s);
    skip_continuations(s);
    if (s->p < s->end && (*s->p == '=' || *s->p == ':')) {
        s->p++;
        skip_continuations(s);
        skip_blanks(s);
    }
}

static void add(struct od_properties *out, const struct od_property *p)
{
    if (out->n == out->capacity) {
        out->capacity = out->capacity ? out->capacity * 2 : 32;
        out->v = od_realloc(out->v, (size_t)out->capacity * sizeof(*out->v));
    }
    out->v[out->n++] = *p;
}

bool od_properties_parse(struct od_str file, struct od_properties *out, struct od_text *why)
{
    struct scan s = { .p = file.data, .line = 1, .why = why };

    *out = (struct od_properties){ 0 };
    if (file.len == 0)
        return true;
    if (file.len > OD_PROPERTIES_BYTES_MAX) {
        od_text_add(why, "%zu bytes are more than the %d that are read", file.len,
                    OD_PROPERTIES_BYTES_MAX);
        return false;
    }
    s.end = file.data + file.len;
    /* A line of one byte gives a key and two terminators. */
    s.to = out->bytes = od_alloc(file.len * 2 + 2);
    for (skip_comments(&s); s.p < s.end; skip_comments(&s)) {
        struct od_property p = { .line = s.line };

        skip_continuations(&s);
        if (s.p == s.end || is_eol(*s.p))
            continue; /* nothing but continued emptiness */
        if (!read_part(&s, true, &p.key))
            return false;
        skip_separator(&s);
        if (!read_part(&s, false, &p.value))
            return false;
        add(out, &p);
    }
    return true;
}

static void print_part(struct od_str part, bool is_key, struct od_text *out)
{
    for (size_t i = 0; i < part.len; i++) {
        char c = part.data[i];

        if (c == '\t')
            od_text_add(out, "\\t");
        else if (c == '\n')
            od_text_add(out, "\\n");
        else if (c == '\r')
            od_text_add(out, "\\r");
        else if (c == '\f')
            od_text_add(out, "\\f");
        else if (c == '\\' || (c == ' ' && (is_key || i == 0)) ||
                 (is_key && (c == '=' || c == ':' || c == '#' || c == '!')))
            od_text_add(out, "\\%c", c);
        else
            od_text_add_str(out, (struct od_str){ &c, 1 });
    }
}

void od_properties_print(const struct od_properties *p, struct od_text *out)
{
    for (int i = 0; i < p->n; i++) {
        print_part(p->v[i].key, true, out);
        od_text_add(out, "=");
        print_part(p->v[i].value, false, out);
        od_text_add(out, "\n");
    }
}

void od_properties_deinit(struct od_properties *p)
{
    od_free(p->v);
    od_free(p->bytes);
    *p = (struct od_properties){ 0 };
}
