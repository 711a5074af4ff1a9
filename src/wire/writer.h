/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes the protocol's primitives into the caller's memory, and counts beforehand what they take.
 * Errors are sticky: OD_E_FULL (no room, or no room for a gap), OD_E_LIMIT (a length that the form
 * cannot carry), OD_UNSUPPORTED_VERSION (a value that the version cannot carry).
 */
#pragma once

#include "base/be.h"
#include "base/err.h"
#include "wire/types.h"

/* len bytes that belong before byte pos of what was written, and are sent from elsewhere. */
struct od_gap {
    size_t pos;
    int64_t len;
    void *external; /* from struct od_records */
};

struct od_writer {
    uint8_t *start;
    uint8_t *p;
    uint8_t *end;
    enum od_err err;
    struct od_gap *gaps; /* the caller's array of gap_capacity; ascending */
    int32_t gap_count;
    int32_t gap_capacity;
};

/* What a message takes.  A writer needs wire - gaps bytes of memory. */
struct od_size {
    size_t wire; /* all bytes, gaps included */
    size_t gaps; /* bytes left to the caller */
    enum od_err err;
};

static inline struct od_writer od_writer_of(void *data, size_t len)
{
    return (struct od_writer) {.start = data, .p = data, .end = (uint8_t *)data + len};
}

static inline size_t od_writer_len(const struct od_writer *w)
{
    return (size_t)(w->p - w->start);
}

void od_writer_fail(struct od_writer *w, enum od_err err); /* the first error stays */
void od_size_fail(struct od_size *s, enum od_err err);

/* Room for len bytes (at least 1); NULL, and the writer failed, when there is less. */
static inline uint8_t *od_writer_take(struct od_writer *w, size_t len)
{
    uint8_t *p = w->p;

    if (__builtin_expect((size_t)(w->end - p) < len, 0)) {
        od_writer_fail(w, OD_E_FULL);
        return NULL;
    }
    w->p = p + len;
    return p;
}

static inline void od_put_i8(uint8_t *p, int8_t v)
{
    *p = (uint8_t)v;
}

static inline void od_put_bool(uint8_t *p, bool v)
{
    *p = v;
}

static inline void od_put_i16(uint8_t *p, int16_t v)
{
    od_be16_store(p, (uint16_t)v);
}

static inline void od_put_u16(uint8_t *p, uint16_t v)
{
    od_be16_store(p, v);
}

static inline void od_put_i32(uint8_t *p, int32_t v)
{
    od_be32_store(p, (uint32_t)v);
}

static inline void od_put_u32(uint8_t *p, uint32_t v)
{
    od_be32_store(p, v);
}

static inline void od_put_i64(uint8_t *p, int64_t v)
{
    od_be64_store(p, (uint64_t)v);
}

static inline void od_put_f64(uint8_t *p, double v)
{
    uint64_t bits;

    memcpy(&bits, &v, sizeof(bits));
    od_be64_store(p, bits);
}

static inline void od_put_uuid(uint8_t *p, struct od_uuid v)
{
    memcpy(p, v.bytes, sizeof(v.bytes));
}

void od_write_bool(struct od_writer *w, bool v);
void od_write_i8(struct od_writer *w, int8_t v);
void od_write_i16(struct od_writer *w, int16_t v);
void od_write_u16(struct od_writer *w, uint16_t v);
void od_write_i32(struct od_writer *w, int32_t v);
void od_write_u32(struct od_writer *w, uint32_t v);
void od_write_i64(struct od_writer *w, int64_t v);
void od_write_f64(struct od_writer *w, double v);
void od_write_uuid(struct od_writer *w, struct od_uuid v);
void od_write_uvarint(struct od_writer *w, uint32_t v);
void od_write_uvarlong(struct od_writer *w, uint64_t v);
void od_write_varint(struct od_writer *w, int32_t v);
void od_write_varlong(struct od_writer *w, int64_t v);
void od_write_raw(struct od_writer *w, const void *data, size_t len);

/* form: a sum of enum od_form.  Without OD_FORM_NULLABLE, null strings and bytes are an error. */
void od_write_str(struct od_writer *w, unsigned form, struct od_str v);
void od_write_bytes(struct od_writer *w, unsigned form, struct od_bytes v);
void od_write_records(struct od_writer *w, unsigned form, struct od_records v);
void od_write_count(struct od_writer *w, unsigned form, int32_t n); /* -1: null */
void od_write_list_i8(struct od_writer *w, unsigned form, int32_t n, const int8_t *v);
void od_write_list_i16(struct od_writer *w, unsigned form, int32_t n, const int16_t *v);
void od_write_list_i32(struct od_writer *w, unsigned form, int32_t n, const int32_t *v);
void od_write_list_i64(struct od_writer *w, unsigned form, int32_t n, const int64_t *v);
void od_write_list_uuid(struct od_writer *w, unsigned form, int32_t n, const struct od_uuid *v);
void od_write_list_str(struct od_writer *w, unsigned form, int32_t n, const struct od_str *v);
void od_write_tag(struct od_writer *w, uint32_t tag, size_t len); /* the field's len bytes follow */
/* Writes the kept fields from index on whose tag lies below the given one; returns the next index.
 */
int32_t od_write_tags_below(struct od_writer *w, const struct od_tags *tags, int32_t index,
                            int64_t below);

size_t od_uvarint_len(uint64_t v);
size_t od_varint_len(int32_t v);  /* zig-zag */
size_t od_varlong_len(int64_t v); /* zig-zag */
void od_size_str(struct od_size *s, unsigned form, struct od_str v);
void od_size_bytes(struct od_size *s, unsigned form, struct od_bytes v);
void od_size_records(struct od_size *s, unsigned form, struct od_records v);
/* A count and n elements of elem_bytes each. */
void od_size_list(struct od_size *s, unsigned form, int32_t n, size_t elem_bytes);
void od_size_list_str(struct od_size *s, unsigned form, int32_t n, const struct od_str *v);
/* A tagged field whose value takes value->wire bytes, with its tag and length. */
void od_size_tag(struct od_size *s, uint32_t tag, const struct od_size *value);
void od_size_tags(struct od_size *s,
                  const struct od_tags *tags); /* kept fields, without the count */
