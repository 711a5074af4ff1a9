/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the generated code says about every message: one codec for each request, response and
 * record, and the shape of its struct for whoever treats all messages alike (printers, tests).
 * Constant data, any thread.
 */
#pragma once

#include "wire/reader.h"
#include "wire/writer.h"

enum od_field_type {
    OD_FIELD_BOOL,
    OD_FIELD_INT8,
    OD_FIELD_INT16,
    OD_FIELD_INT32,
    OD_FIELD_INT64,
    OD_FIELD_UINT16,
    OD_FIELD_UINT32,
    OD_FIELD_FLOAT64,
    OD_FIELD_STRING,  /* struct od_str */
    OD_FIELD_BYTES,   /* struct od_bytes */
    OD_FIELD_RECORDS, /* struct od_records */
    OD_FIELD_UUID,
    OD_FIELD_STRUCT, /* in place, or a pointer where null is possible */
};

struct od_field {
    const char *name;
    const struct od_shape *shape; /* of a struct or of a list's structs */
    uint32_t pos;                 /* in the struct */
    uint8_t type;                 /* enum od_field_type, of the elements if a list */
    bool list;                    /* struct od_any_list */
    bool nullable;                /* in at least one version */
    int16_t version_min, version_max;
    int16_t null_min, null_max; /* versions in which null can be sent */
    int32_t tag;                /* -1: not a tagged field */
};

/* The layout that all generated lists share. */
struct od_any_list {
    int32_t n; /* -1: null */
    void *v;
};

struct od_shape {
    const char *name;
    uint32_t bytes;
    uint32_t field_count;
    const struct od_field *fields;
    int32_t tags_pos; /* of the struct od_tags of unknown fields; -1: they are not kept */
    void (*defaults)(void *object); /* overwrites all of it */
};

enum od_codec_kind {
    OD_CODEC_REQUEST,
    OD_CODEC_RESPONSE,
    OD_CODEC_RECORD, /* of the metadata log */
    OD_CODEC_KEY,    /* of a coordinator's log */
    OD_CODEC_VALUE,
    OD_CODEC_DATA,
};

struct od_codec {
    const char *name; /* such as "fetch_req" */
    enum od_codec_kind kind;
    int16_t key; /* API key or record type; -1: none */
    int16_t version_min, version_max;
    int16_t flexible_min; /* INT16_MAX: never */
    const struct od_shape *shape;
    /* Each checks that the version is known.  decode leaves defaults in place after a failure. */
    enum od_err (*decode)(struct od_reader *r, int16_t version, struct od_arena *arena, void *out);
    enum od_err (*encode)(struct od_writer *w, int16_t version, const void *message);
    enum od_err (*size)(const void *message, int16_t version, struct od_size *out);
};

struct od_api {
    int16_t key;
    int16_t version_min, version_max;
    int16_t flexible_min;
    const char *name;
    const struct od_codec *request;
    const struct od_codec *response;
};

/* Generated: sorted by key. */
extern const struct od_api od_apis[];
extern const int32_t od_api_count;
/* Generated: every request, response, record. */
extern const struct od_codec *const od_codecs[];
extern const int32_t od_codec_count;

const struct od_api *od_api_find(int16_t key);           /* NULL: unknown */
const struct od_api *od_api_named(const char *name);     /* NULL: unknown */
const struct od_codec *od_codec_named(const char *name); /* NULL: unknown */
/* The codec of a metadata record type; NULL: unknown. */
const struct od_codec *od_codec_of_record(int16_t type);
/* Of one value of the field in memory, of an element if it is a list. */
size_t od_field_bytes(const struct od_field *f);
