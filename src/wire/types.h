/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What messages are made of besides base's strings, bytes and uuids.  Null and empty differ:
 * a null list has n = -1, a null string, bytes or records has data = NULL (records: len = -1).
 * What was decoded borrows the input; lists live in the call's arena.
 */
#pragma once

#include "base/str.h"
#include "base/uuid.h"

enum {
    OD_WIRE_COUNT_MAX = 1000000, /* elements of one array */
    OD_WIRE_TAGS_MAX = 10000,    /* tagged fields of one struct */
};

/* Forms of a length or count. */
enum od_form {
    OD_FORM_CLASSIC = 0,  /* int16 or int32 in front */
    OD_FORM_COMPACT = 1,  /* unsigned varint of length + 1 in front */
    OD_FORM_NULLABLE = 2, /* null is allowed */
    OD_FORM_REQUIRED = 4, /* writers only: the field is never null, NULL stands for empty */
};

/*
 * Record batches inside a message.  To send bytes that are not in memory, set data = NULL and
 * len > 0: the writer leaves them out and notes a gap that carries external.
 */
struct od_records {
    const uint8_t *data;
    int64_t len; /* -1: null */
    void *external;
};

#define OD_RECORDS_NULL ((struct od_records) {NULL, -1, NULL})

/* A tagged field that the schema does not know, kept so that a rewritten record loses nothing. */
struct od_tag {
    uint32_t tag;
    struct od_bytes value;
};

struct od_tags {
    int32_t n;
    struct od_tag *v; /* ascending */
};
