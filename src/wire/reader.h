/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads the protocol's primitives from borrowed bytes.  Errors are sticky: after the first one
 * every read returns zero or empty, and the caller looks at err once, at the end.  Strings and
 * bytes borrow the input.  Counts and lengths are checked against the limits and against the bytes
 * left before memory is taken.  Errors: OD_E_TRUNCATED, OD_E_CORRUPT, OD_E_LIMIT, OD_E_NO_MEMORY.
 */
#pragma once

#include "base/arena.h"
#include "base/be.h"
#include "base/err.h"
#include "wire/types.h"

struct od_reader {
    const uint8_t *p;
    const uint8_t *end; /* equals p once err is set */
    enum od_err err;
};

static inline struct od_reader od_reader_of(const void *data, size_t len)
{
    return (struct od_reader) {data, (const uint8_t *)data + len, OD_NONE};
}

static inline size_t od_reader_left(const struct od_reader *r)
{
    return (size_t)(r->end - r->p);
}

void od_reader_fail(struct od_reader *r, enum od_err err); /* the first error stays */

/* NULL, and the reader failed, when fewer than len bytes (at least 1) remain. */
static inline const uint8_t *od_reader_take(struct od_reader *r, size_t len)
{
    const uint8_t *p = r->p;

    if (__builtin_expect((size_t)(r->end - p) < len, 0)) {
        od_reader_fail(r, OD_E_TRUNCATED);
        return NULL;
    }
    r->p = p + len;
    return p;
}

/* Big-endian values at p. */
static inline bool od_get_bool(const uint8_t *p)
{
    return *p != 0;
}

static inline int8_t od_get_i8(const uint8_t *p)
{
    return (int8_t)*p;
}

static inline int16_t od_get_i16(const uint8_t *p)
{
    return (int16_t)od_be16_load(p);
}

static inline uint16_t od_get_u16(const uint8_t *p)
{
    return od_be16_load(p);
}

static inline int32_t od_get_i32(const uint8_t *p)
{
    return (int32_t)od_be32_load(p);
}

static inline uint32_t od_get_u32(const uint8_t *p)
{
    return od_be32_load(p);
}

static inline int64_t od_get_i64(const uint8_t *p)
{
    return (int64_t)od_be64_load(p);
}

static inline double od_get_f64(const uint8_t *p)
{
    uint64_t bits = od_be64_load(p);
    double v;

    memcpy(&v, &bits, sizeof(v));
    return v;
}

static inline struct od_uuid od_get_uuid(const uint8_t *p)
{
    struct od_uuid v;

    memcpy(v.bytes, p, sizeof(v.bytes));
    return v;
}

bool od_read_bool(struct od_reader *r);
int8_t od_read_i8(struct od_reader *r);
int16_t od_read_i16(struct od_reader *r);
uint16_t od_read_u16(struct od_reader *r);
int32_t od_read_i32(struct od_reader *r);
uint32_t od_read_u32(struct od_reader *r);
int64_t od_read_i64(struct od_reader *r);
double od_read_f64(struct od_reader *r);
struct od_uuid od_read_uuid(struct od_reader *r);
uint32_t od_read_uvarint(struct od_reader *r);  /* at most 5 bytes */
uint64_t od_read_uvarlong(struct od_reader *r); /* at most 10 bytes */
int32_t od_read_varint(struct od_reader *r);    /* zig-zag */
int64_t od_read_varlong(struct od_reader *r);   /* zig-zag */

/* form: a sum of enum od_form. */
struct od_str od_read_str(struct od_reader *r, unsigned form);
struct od_bytes od_read_bytes(struct od_reader *r, unsigned form);
struct od_records od_read_records(struct od_reader *r, unsigned form);
/* The byte in front of a nullable struct: false for null. */
bool od_read_present(struct od_reader *r);
/* Exactly len bytes, borrowed. */
struct od_bytes od_read_raw(struct od_reader *r, size_t len);

/* A count of elements of at least min_bytes each; -1 for null. */
int32_t od_read_count(struct od_reader *r, unsigned form, size_t min_bytes);
/* Count and room for the elements: n zeroed elements of elem_bytes in the arena; NULL if n <= 0. */
void *od_read_list(struct od_reader *r, unsigned form, size_t min_bytes, size_t elem_bytes,
                   struct od_arena *arena, int32_t *n);
/* One zeroed object in the arena; NULL, and the reader failed, when the budget refuses it. */
void *od_read_object(struct od_reader *r, size_t bytes, struct od_arena *arena);
int8_t *od_read_list_i8(struct od_reader *r, unsigned form, struct od_arena *arena, int32_t *n);
int16_t *od_read_list_i16(struct od_reader *r, unsigned form, struct od_arena *arena, int32_t *n);
int32_t *od_read_list_i32(struct od_reader *r, unsigned form, struct od_arena *arena, int32_t *n);
int64_t *od_read_list_i64(struct od_reader *r, unsigned form, struct od_arena *arena, int32_t *n);
struct od_uuid *od_read_list_uuid(struct od_reader *r, unsigned form, struct od_arena *arena,
                                  int32_t *n);
struct od_str *od_read_list_str(struct od_reader *r, unsigned form, struct od_arena *arena,
                                int32_t *n);

/*
 * Tagged fields, which must ascend.  While a field is open the reader ends where the field ends:
 *     struct od_tag_cursor c = od_tags_open(r);
 *     while (od_tags_next(&c, r)) { read the field c.tag, or od_tag_skip(r); od_tag_close(&c, r); }
 */
struct od_tag_cursor {
    uint32_t left; /* fields not opened yet */
    int64_t tag;   /* the open field's; -1 before the first */
    const uint8_t *end;
};

struct od_tag_cursor od_tags_open(struct od_reader *r);
bool od_tags_next(struct od_tag_cursor *c, struct od_reader *r);
void od_tag_close(struct od_tag_cursor *c, struct od_reader *r); /* fails unless all was read */
void od_tag_skip(struct od_reader *r);
void od_tags_skip(struct od_reader *r); /* a whole section */
/* Keeps the open field among the unknown ones. */
void od_tag_keep(const struct od_tag_cursor *c, struct od_reader *r, struct od_arena *arena,
                 struct od_tags *out);
