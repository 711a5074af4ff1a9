/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading primitives.  A failed reader has p == end, so that every later read of at least one byte
 * fails as well without a test of its own.
 */
#include "wire/reader.h"

void od_reader_fail(struct od_reader *r, enum od_err err)
{
    if (!r->err)
        r->err = err;
    r->p = r->end;
}

bool od_read_bool(struct od_reader *r)
{
    const uint8_t *p = od_reader_take(r, 1);

    return p && od_get_bool(p);
}

int8_t od_read_i8(struct od_reader *r)
{
    const uint8_t *p = od_reader_take(r, 1);

    return p ? od_get_i8(p) : 0;
}

int16_t od_read_i16(struct od_reader *r)
{
    const uint8_t *p = od_reader_take(r, 2);

    return p ? od_get_i16(p) : 0;
}

uint16_t od_read_u16(struct od_reader *r)
{
    const uint8_t *p = od_reader_take(r, 2);

    return p ? od_get_u16(p) : 0;
}

int32_t od_read_i32(struct od_reader *r)
{
    const uint8_t *p = od_reader_take(r, 4);

    return p ? od_get_i32(p) : 0;
}

uint32_t od_read_u32(struct od_reader *r)
{
    const uint8_t *p = od_reader_take(r, 4);

    return p ? od_get_u32(p) : 0;
}

int64_t od_read_i64(struct od_reader *r)
{
    const uint8_t *p = od_reader_take(r, 8);

    return p ? od_get_i64(p) : 0;
}

double od_read_f64(struct od_reader *r)
{
    const uint8_t *p = od_reader_take(r, 8);

    return p ? od_get_f64(p) : 0;
}

struct od_uuid od_read_uuid(struct od_reader *r)
{
    const uint8_t *p = od_reader_take(r, 16);

    return p ? od_get_uuid(p) : OD_UUID_ZERO;
}

/* Seven bits per byte, least significant first; the last byte may hold only what fits in bits. */
static uint64_t read_base128(struct od_reader *r, unsigned bits)
{
    const uint8_t *p = r->p;
    uint64_t v = 0;

    for (unsigned shift = 0; shift < bits; shift += 7) {
        if (p == r->end) {
            od_reader_fail(r, OD_E_TRUNCATED);
            return 0;
        }
        uint8_t b = *p++;

        if (bits - shift < 7 && (b >> (bits - shift)) != 0)
            break;
        v |= (uint64_t)(b & 0x7f) << shift;
        if (b < 0x80) {
            r->p = p;
            return v;
        }
    }
    od_reader_fail(r, OD_E_CORRUPT);
    return 0;
}

uint32_t od_read_uvarint(struct od_reader *r)
{
    if (r->p < r->end && *r->p < 0x80)
        return *r->p++;
    return (uint32_t)read_base128(r, 32);
}

uint64_t od_read_uvarlong(struct od_reader *r)
{
    return read_base128(r, 64);
}

int32_t od_read_varint(struct od_reader *r)
{
    uint32_t v = od_read_uvarint(r);

    return (int32_t)((v >> 1) ^ (0u - (v & 1)));
}

int64_t od_read_varlong(struct od_reader *r)
{
    uint64_t v = read_base128(r, 64);

    return (int64_t)((v >> 1) ^ (0ull - (v & 1)));
}

/* -1 for null; otherwise at most the bytes left. */
static int64_t read_len(struct od_reader *r, unsigned form, bool wide)
{
    int64_t len;

    if (form & OD_FORM_COMPACT)
        len = (int64_t)od_read_uvarint(r) - 1;
    else
        len = wide ? od_read_i32(r) : od_read_i16(r);
    if (r->err)
        return 0;
    if (len >= 0 ? (uint64_t)len > od_reader_left(r) : len < -1 || !(form & OD_FORM_NULLABLE)) {
        od_reader_fail(r, len < 0 ? OD_E_CORRUPT : OD_E_TRUNCATED);
        return 0;
    }
    return len;
}

/* Never NULL, because NULL means null. */
static const void *borrow(struct od_reader *r, size_t len)
{
    const uint8_t *p = r->p;

    if (len == 0)
        return "";
    r->p += len;
    return p;
}

struct od_str od_read_str(struct od_reader *r, unsigned form)
{
    int64_t len = read_len(r, form, false);

    return len < 0 ? OD_STR_NULL : (struct od_str) {borrow(r, (size_t)len), (size_t)len};
}

struct od_bytes od_read_bytes(struct od_reader *r, unsigned form)
{
    int64_t len = read_len(r, form, true);

    if (len < 0)
        return (struct od_bytes) {NULL, 0};
    return (struct od_bytes) {borrow(r, (size_t)len), (size_t)len};
}

struct od_records od_read_records(struct od_reader *r, unsigned form)
{
    int64_t len = read_len(r, form, true);

    if (len < 0)
        return OD_RECORDS_NULL;
    return (struct od_records) {borrow(r, (size_t)len), len, NULL};
}

struct od_bytes od_read_raw(struct od_reader *r, size_t len)
{
    if (len > od_reader_left(r)) {
        od_reader_fail(r, OD_E_TRUNCATED);
        len = 0;
    }
    return (struct od_bytes) {borrow(r, len), len};
}

bool od_read_present(struct od_reader *r)
{
    return od_read_i8(r) >= 0 && !r->err;
}

int32_t od_read_count(struct od_reader *r, unsigned form, size_t min_bytes)
{
    int64_t n;

    if (form & OD_FORM_COMPACT)
        n = (int64_t)od_read_uvarint(r) - 1;
    else
        n = od_read_i32(r);
    if (r->err)
        return 0;
    if (n == -1 && (form & OD_FORM_NULLABLE))
        return -1;
    if (n < 0)
        od_reader_fail(r, OD_E_CORRUPT);
    else if (n > OD_WIRE_COUNT_MAX)
        od_reader_fail(r, OD_E_LIMIT);
    else if ((size_t)n * min_bytes > od_reader_left(r))
        od_reader_fail(r, OD_E_TRUNCATED);
    return r->err ? 0 : (int32_t)n;
}

void *od_read_object(struct od_reader *r, size_t bytes, struct od_arena *arena)
{
    void *object = od_arena_try(arena, bytes);

    if (!object)
        od_reader_fail(r, OD_E_NO_MEMORY);
    return object;
}

void *od_read_list(struct od_reader *r, unsigned form, size_t min_bytes, size_t elem_bytes,
                   struct od_arena *arena, int32_t *n)
{
    void *v;

    *n = od_read_count(r, form, min_bytes);
    if (*n <= 0)
        return NULL;
    v = od_read_object(r, (size_t)*n * elem_bytes, arena);
    if (!v)
        *n = 0;
    return v;
}

int8_t *od_read_list_i8(struct od_reader *r, unsigned form, struct od_arena *arena, int32_t *n)
{
    int8_t *v = od_read_list(r, form, 1, 1, arena, n);

    if (v)
        memcpy(v, od_reader_take(r, (size_t)*n), (size_t)*n);
    return v;
}

int16_t *od_read_list_i16(struct od_reader *r, unsigned form, struct od_arena *arena, int32_t *n)
{
    int16_t *v = od_read_list(r, form, sizeof(*v), sizeof(*v), arena, n);

    for (int32_t i = 0; v && i < *n; i++, r->p += sizeof(*v))
        v[i] = od_get_i16(r->p);
    return v;
}

int32_t *od_read_list_i32(struct od_reader *r, unsigned form, struct od_arena *arena, int32_t *n)
{
    int32_t *v = od_read_list(r, form, sizeof(*v), sizeof(*v), arena, n);

    for (int32_t i = 0; v && i < *n; i++, r->p += sizeof(*v))
        v[i] = od_get_i32(r->p);
    return v;
}

int64_t *od_read_list_i64(struct od_reader *r, unsigned form, struct od_arena *arena, int32_t *n)
{
    int64_t *v = od_read_list(r, form, sizeof(*v), sizeof(*v), arena, n);

    for (int32_t i = 0; v && i < *n; i++, r->p += sizeof(*v))
        v[i] = od_get_i64(r->p);
    return v;
}

struct od_uuid *od_read_list_uuid(struct od_reader *r, unsigned form, struct od_arena *arena,
                                  int32_t *n)
{
    struct od_uuid *v = od_read_list(r, form, sizeof(*v), sizeof(*v), arena, n);

    if (v)
        memcpy(v, od_reader_take(r, (size_t)*n * sizeof(*v)), (size_t)*n * sizeof(*v));
    return v;
}

struct od_str *od_read_list_str(struct od_reader *r, unsigned form, struct od_arena *arena,
                                int32_t *n)
{
    unsigned elem_form = form & OD_FORM_COMPACT;
    struct od_str *v =
        od_read_list(r, form, elem_form == OD_FORM_COMPACT ? 1 : 2, sizeof(*v), arena, n);

    for (int32_t i = 0; v && i < *n && !r->err; i++)
        v[i] = od_read_str(r, elem_form);
    return v;
}

struct od_tag_cursor od_tags_open(struct od_reader *r)
{
    uint32_t n = od_read_uvarint(r);

    /* Each field takes at least its tag and its length. */
    if (n > OD_WIRE_TAGS_MAX)
        od_reader_fail(r, OD_E_LIMIT);
    else if ((size_t)n * 2 > od_reader_left(r))
        od_reader_fail(r, OD_E_TRUNCATED);
    return (struct od_tag_cursor) {r->err ? 0 : n, -1, r->end};
}

bool od_tags_next(struct od_tag_cursor *c, struct od_reader *r)
{
    uint32_t tag, len;

    if (c->left == 0 || r->err)
        return false;
    c->left--;
    tag = od_read_uvarint(r);
    len = od_read_uvarint(r);
    if ((int64_t)tag <= c->tag)
        od_reader_fail(r, OD_E_CORRUPT);
    else if (len > od_reader_left(r))
        od_reader_fail(r, OD_E_TRUNCATED);
    if (r->err)
        return false;
    c->tag = tag;
    r->end = r->p + len;
    return true;
}

void od_tag_close(struct od_tag_cursor *c, struct od_reader *r)
{
    if (r->p != r->end)
        od_reader_fail(r, OD_E_CORRUPT);
    r->end = c->end;
    if (r->err)
        r->p = r->end;
}

void od_tag_skip(struct od_reader *r)
{
    r->p = r->end;
}

void od_tags_skip(struct od_reader *r)
{
    struct od_tag_cursor c;

    if (r->p < r->end && *r->p == 0) {
        r->p++;
        return;
    }
    c = od_tags_open(r);
    while (od_tags_next(&c, r)) {
        od_tag_skip(r);
        od_tag_close(&c, r);
    }
}

void od_tag_keep(const struct od_tag_cursor *c, struct od_reader *r, struct od_arena *arena,
                 struct od_tags *out)
{
    size_t len = od_reader_left(r);

    /* The first unknown field makes room for all that may follow. */
    if (!out->v)
        out->v = od_read_object(r, sizeof(*out->v) * ((size_t)c->left + 1), arena);
    if (!out->v)
        return;
    out->v[out->n].tag = (uint32_t)c->tag;
    out->v[out->n].value = (struct od_bytes) {borrow(r, len), len};
    out->n++;
}
