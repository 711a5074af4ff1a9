/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing primitives and their sizes.  A failed writer has p == end; what it holds is useless.
 */
#include "wire/writer.h"

void od_writer_fail(struct od_writer *w, enum od_err err)
{
    if (!w->err)
        w->err = err;
    w->p = w->end;
}

void od_size_fail(struct od_size *s, enum od_err err)
{
    if (!s->err)
        s->err = err;
}

void od_write_bool(struct od_writer *w, bool v)
{
    od_write_i8(w, v);
}

void od_write_i8(struct od_writer *w, int8_t v)
{
    uint8_t *p = od_writer_take(w, 1);

    if (p)
        od_put_i8(p, v);
}

void od_write_i16(struct od_writer *w, int16_t v)
{
    uint8_t *p = od_writer_take(w, 2);

    if (p)
        od_put_i16(p, v);
}

void od_write_u16(struct od_writer *w, uint16_t v)
{
    od_write_i16(w, (int16_t)v);
}

void od_write_i32(struct od_writer *w, int32_t v)
{
    uint8_t *p = od_writer_take(w, 4);

    if (p)
        od_put_i32(p, v);
}

void od_write_u32(struct od_writer *w, uint32_t v)
{
    od_write_i32(w, (int32_t)v);
}

void od_write_i64(struct od_writer *w, int64_t v)
{
    uint8_t *p = od_writer_take(w, 8);

    if (p)
        od_put_i64(p, v);
}

void od_write_f64(struct od_writer *w, double v)
{
    uint8_t *p = od_writer_take(w, 8);

    if (p)
        od_put_f64(p, v);
}

void od_write_uuid(struct od_writer *w, struct od_uuid v)
{
    od_write_raw(w, v.bytes, sizeof(v.bytes));
}

void od_write_uvarlong(struct od_writer *w, uint64_t v)
{
    while (v >= 0x80) {
        od_write_i8(w, (int8_t)(v | 0x80));
        v >>= 7;
    }
    od_write_i8(w, (int8_t)v);
}

void od_write_uvarint(struct od_writer *w, uint32_t v)
{
    od_write_uvarlong(w, v);
}

static uint32_t zigzag(int32_t v)
{
    return ((uint32_t)v << 1) ^ (uint32_t)(v >> 31);
}

static uint64_t zigzag_long(int64_t v)
{
    return ((uint64_t)v << 1) ^ (uint64_t)(v >> 63);
}

void od_write_varint(struct od_writer *w, int32_t v)
{
    od_write_uvarlong(w, zigzag(v));
}

void od_write_varlong(struct od_writer *w, int64_t v)
{
    od_write_uvarlong(w, zigzag_long(v));
}

void od_write_raw(struct od_writer *w, const void *data, size_t len)
{
    uint8_t *p;

    if (len == 0)
        return;
    p = od_writer_take(w, len);
    if (p)
        memcpy(p, data, len);
}

/* The length of text or bytes, -1 for null. */
static int64_t len_of(unsigned form, const void *data, size_t len)
{
    if (data)
        return (int64_t)len;
    return form & OD_FORM_REQUIRED ? 0 : -1;
}

/* OD_NONE if a length (-1: null) fits the form with at most max. */
static enum od_err check_len(unsigned form, int64_t len, int64_t max)
{
    if (len < 0)
        return form & OD_FORM_NULLABLE ? OD_NONE : OD_UNSUPPORTED_VERSION;
    return len > max ? OD_E_LIMIT : OD_NONE;
}

static int64_t str_max(unsigned form)
{
    return form & OD_FORM_COMPACT ? INT32_MAX - 1 : INT16_MAX;
}

static void write_len(struct od_writer *w, unsigned form, int64_t len, int64_t max)
{
    enum od_err err = check_len(form, len, max);

    if (err)
        od_writer_fail(w, err);
    else if (form & OD_FORM_COMPACT)
        od_write_uvarint(w, (uint32_t)(len + 1));
    else if (max == INT16_MAX)
        od_write_i16(w, (int16_t)len);
    else
        od_write_i32(w, (int32_t)len);
}

void od_write_str(struct od_writer *w, unsigned form, struct od_str v)
{
    write_len(w, form, len_of(form, v.data, v.len), str_max(form));
    od_write_raw(w, v.data, v.len);
}

void od_write_bytes(struct od_writer *w, unsigned form, struct od_bytes v)
{
    write_len(w, form, len_of(form, v.data, v.len), INT32_MAX - 1);
    od_write_raw(w, v.data, v.len);
}

void od_write_records(struct od_writer *w, unsigned form, struct od_records v)
{
    write_len(w, form, v.len < 0 ? -1 : v.len, INT32_MAX - 1);
    if (w->err || v.len <= 0)
        return;
    if (v.data)
        od_write_raw(w, v.data, (size_t)v.len);
    else if (w->gap_count == w->gap_capacity)
        od_writer_fail(w, OD_E_FULL);
    else
        w->gaps[w->gap_count++] = (struct od_gap) {od_writer_len(w), v.len, v.external};
}

void od_write_count(struct od_writer *w, unsigned form, int32_t n)
{
    write_len(w, form, n, OD_WIRE_COUNT_MAX);
}

void od_write_list_i8(struct od_writer *w, unsigned form, int32_t n, const int8_t *v)
{
    od_write_count(w, form, n);
    if (n > 0)
        od_write_raw(w, v, (size_t)n);
}

/* Count in front, then room for all elements; NULL when there are none or no room. */
static uint8_t *take_list(struct od_writer *w, unsigned form, int32_t n, size_t elem_bytes)
{
    od_write_count(w, form, n);
    return n > 0 ? od_writer_take(w, (size_t)n * elem_bytes) : NULL;
}

void od_write_list_i16(struct od_writer *w, unsigned form, int32_t n, const int16_t *v)
{
    uint8_t *p = take_list(w, form, n, sizeof(*v));

    for (int32_t i = 0; p && i < n; i++)
        od_put_i16(p + (size_t)i * sizeof(*v), v[i]);
}

void od_write_list_i32(struct od_writer *w, unsigned form, int32_t n, const int32_t *v)
{
    uint8_t *p = take_list(w, form, n, sizeof(*v));

    for (int32_t i = 0; p && i < n; i++)
        od_put_i32(p + (size_t)i * sizeof(*v), v[i]);
}

void od_write_list_i64(struct od_writer *w, unsigned form, int32_t n, const int64_t *v)
{
    uint8_t *p = take_list(w, form, n, sizeof(*v));

    for (int32_t i = 0; p && i < n; i++)
        od_put_i64(p + (size_t)i * sizeof(*v), v[i]);
}

void od_write_list_uuid(struct od_writer *w, unsigned form, int32_t n, const struct od_uuid *v)
{
    uint8_t *p = take_list(w, form, n, sizeof(*v));

    if (p)
        memcpy(p, v, (size_t)n * sizeof(*v));
}

void od_write_list_str(struct od_writer *w, unsigned form, int32_t n, const struct od_str *v)
{
    od_write_count(w, form, n);
    for (int32_t i = 0; i < n; i++)
        od_write_str(w, (form & OD_FORM_COMPACT) | OD_FORM_REQUIRED, v[i]);
}

void od_write_tag(struct od_writer *w, uint32_t tag, size_t len)
{
    od_write_uvarint(w, tag);
    if (len > INT32_MAX)
        od_writer_fail(w, OD_E_LIMIT);
    od_write_uvarint(w, (uint32_t)len);
}

int32_t od_write_tags_below(struct od_writer *w, const struct od_tags *tags, int32_t index,
                            int64_t below)
{
    for (; index < tags->n && tags->v[index].tag < below; index++) {
        od_write_tag(w, tags->v[index].tag, tags->v[index].value.len);
        od_write_raw(w, tags->v[index].value.data, tags->v[index].value.len);
    }
    return index;
}

size_t od_uvarint_len(uint64_t v)
{
    return (size_t)(70 - __builtin_clzll(v | 1)) / 7;
}

size_t od_varint_len(int32_t v)
{
    return od_uvarint_len(zigzag(v));
}

size_t od_varlong_len(int64_t v)
{
    return od_uvarint_len(zigzag_long(v));
}

static void size_len(struct od_size *s, unsigned form, int64_t len, int64_t max)
{
    enum od_err err = check_len(form, len, max);

    if (err)
        od_size_fail(s, err);
    else if (form & OD_FORM_COMPACT)
        s->wire += od_uvarint_len((uint64_t)(len + 1));
    else
        s->wire += max == INT16_MAX ? 2 : 4;
}

void od_size_str(struct od_size *s, unsigned form, struct od_str v)
{
    size_len(s, form, len_of(form, v.data, v.len), str_max(form));
    s->wire += v.len;
}

void od_size_bytes(struct od_size *s, unsigned form, struct od_bytes v)
{
    size_len(s, form, len_of(form, v.data, v.len), INT32_MAX - 1);
    s->wire += v.len;
}

void od_size_records(struct od_size *s, unsigned form, struct od_records v)
{
    size_len(s, form, v.len < 0 ? -1 : v.len, INT32_MAX - 1);
    if (s->err || v.len <= 0)
        return;
    s->wire += (size_t)v.len;
    if (!v.data)
        s->gaps += (size_t)v.len;
}

void od_size_list(struct od_size *s, unsigned form, int32_t n, size_t elem_bytes)
{
    size_len(s, form, n, OD_WIRE_COUNT_MAX);
    if (n > 0)
        s->wire += (size_t)n * elem_bytes;
}

void od_size_list_str(struct od_size *s, unsigned form, int32_t n, const struct od_str *v)
{
    od_size_list(s, form, n, 0);
    for (int32_t i = 0; i < n; i++)
        od_size_str(s, (form & OD_FORM_COMPACT) | OD_FORM_REQUIRED, v[i]);
}

void od_size_tag(struct od_size *s, uint32_t tag, const struct od_size *value)
{
    if (value->err)
        od_size_fail(s, value->err);
    s->wire += od_uvarint_len(tag) + od_uvarint_len(value->wire) + value->wire;
    s->gaps += value->gaps;
}

void od_size_tags(struct od_size *s, const struct od_tags *tags)
{
    for (int32_t i = 0; i < tags->n; i++) {
        struct od_size value = {.wire = tags->v[i].value.len};

        od_size_tag(s, tags->v[i].tag, &value);
    }
}
