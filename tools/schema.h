/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The model of one message file, between the parser and the emitters of schemac.  Everything lives
 * until the process ends.  The notation is described in schema/README.md.
 */
#pragma once

#include <stdbool.h>
#include <stdio.h>

enum {
    SCHEMA_NAME_MAX = 80,
    SCHEMA_VERSIONS_MAX = 64, /* of one message */
    SCHEMA_OPEN = 32767,      /* the upper end of "3+" */
};

/* Inclusive; min > max: none. */
struct schema_range {
    int min, max;
};

enum schema_type {
    TYPE_BOOL,
    TYPE_INT8,
    TYPE_INT16,
    TYPE_INT32,
    TYPE_INT64,
    TYPE_UINT16,
    TYPE_UINT32,
    TYPE_FLOAT64,
    TYPE_STRING,
    TYPE_BYTES,
    TYPE_RECORDS,
    TYPE_UUID,
    TYPE_STRUCT,
};

enum schema_default { DEFAULT_NONE, DEFAULT_NULL, DEFAULT_VALUE };

struct schema_field {
    char name[SCHEMA_NAME_MAX];
    int line;
    enum schema_type type;
    bool array;
    bool ignorable;
    bool classic;
    struct schema_range range; /* cut to the struct's */
    struct schema_range nulls; /* cut to range */
    int tag;                   /* -1: none */
    enum schema_default default_kind;
    char default_text[SCHEMA_NAME_MAX]; /* C expression or text */
    char entity[SCHEMA_NAME_MAX];       /* "": none */
    struct schema_struct *target;       /* TYPE_STRUCT */
    struct schema_field *next;
};

struct schema_struct {
    char name[SCHEMA_NAME_MAX];       /* as written; root: "req", "rsp" or "" */
    char c_name[4 * SCHEMA_NAME_MAX]; /* "od_fetch_req_topic" */
    char fn[2 * SCHEMA_NAME_MAX];     /* suffix of its static functions: "req_topic" */
    int line;
    bool root;
    bool shared;
    bool used;
    bool in_array;
    bool in_tag;               /* somewhere in a tagged field, not as an array */
    struct schema_range range; /* the versions in which it can occur */
    struct schema_field *fields;
    struct schema_struct *next;         /* in order of definition: what is contained comes first */
    int min_bytes[SCHEMA_VERSIONS_MAX]; /* by version - message's first */
};

enum schema_kind { KIND_API, KIND_RECORD, KIND_KEY, KIND_VALUE, KIND_DATA };

struct schema_message {
    const char *path;
    enum schema_kind kind;
    int key; /* API key or record type; -1: none */
    char name[SCHEMA_NAME_MAX];
    struct schema_range versions;
    int flexible_min; /* SCHEMA_OPEN: none */
    struct schema_struct *structs;
    struct schema_struct *roots[2]; /* request and response; or the record and NULL */
};

/* Reads and checks one file; prints "path:line: what" and returns false on the first error. */
bool schema_parse(const char *path, struct schema_message *out);

static inline bool schema_flexible(const struct schema_message *m, int version)
{
    return version >= m->flexible_min;
}

static inline bool schema_range_has(struct schema_range r, int version)
{
    return version >= r.min && version <= r.max;
}

/* Unknown tagged fields are kept where a message is stored. */
static inline bool schema_keeps_tags(const struct schema_message *m)
{
    return m->kind != KIND_API && m->flexible_min != SCHEMA_OPEN;
}

/* Bytes of one fixed-size value; 0 for others. */
int schema_fixed_bytes(enum schema_type type);

/* Emitters: each writes one part of a message's header or code file. */
void schema_emit_header(FILE *out, const struct schema_message *m);
void schema_emit_defaults(FILE *out, const struct schema_message *m);
void schema_emit_decoders(FILE *out, const struct schema_message *m);
void schema_emit_sizes(FILE *out, const struct schema_message *m);
void schema_emit_encoders(FILE *out, const struct schema_message *m);
void schema_emit_shapes(FILE *out, const struct schema_message *m);
void schema_emit_codecs(FILE *out, const struct schema_message *m);

/* "i32" in od_read_i32; "str", "bytes" and so on; NULL for structs. */
const char *schema_suffix(enum schema_type type);
const char *schema_c_type(const struct schema_field *f); /* of a value or element */
/* True for a struct that stands behind a pointer. */
static inline bool schema_is_pointer(const struct schema_field *f)
{
    return f->type == TYPE_STRUCT && !f->array && f->nulls.min <= f->nulls.max;
}
/* A non-tagged value of fixed size, which may share one bounds check with its neighbours. */
static inline bool schema_is_plain(const struct schema_field *f)
{
    return f->tag < 0 && !f->array && schema_fixed_bytes(f->type) > 0;
}
/* Some default of the struct is not zero. */
bool schema_needs_init(const struct schema_struct *s);

/*
 * C expressions.  Each result stays valid until the eighth next call.
 */
/* "v >= 3 && v <= 4", what versions in `within` must still test; "" when nothing is left. */
const char *schema_condition(struct schema_range range, struct schema_range within);
/* The form of a field, from the local variable `form` (compact or not). */
const char *schema_form(const struct schema_struct *s, const struct schema_field *f, bool writer);
/* m->field differs from its default. */
const char *schema_differs(const struct schema_field *f);
/* The initial value of the local variable `form`. */
const char *schema_compact(const struct schema_message *m, const struct schema_struct *s);
