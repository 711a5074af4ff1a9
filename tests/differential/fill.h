/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any request from JSON: members are named as in the schema, what is left out has its default, and
 * what a version does not have is left out.  Uuids are their text, bytes are text, a long text is
 * {"repeat": 5000}; records are as in records.h.  One thread.
 */
#pragma once

#include "base/arena.h"
#include "wire/codec.h"

#include <jansson.h>

struct fill {
    struct od_arena *arena; /* what the message points to */
    int16_t version;
    int64_t now_ms;    /* timestamps of records begin here */
    const char *error; /* in the arena; NULL: none */
};

/* Fills an object of this shape.  False: f->error says which member is wrong. */
bool fill_struct(struct fill *f, const struct od_shape *shape, const json_t *from, void *object);
/* True if the version has the field. */
bool fill_has(const struct od_field *field, int16_t version);
/* True if the field may be null in the version. */
bool fill_nullable(const struct od_field *field, int16_t version);
