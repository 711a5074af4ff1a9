/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kafka's own message files, read for make schema-compare only.  A folder holds one tree per
 * release ("4.4/clients/FetchRequest.json"); nothing is freed before the process ends.
 */
#pragma once

#include "schema.h"

#include <jansson.h>
#include <stddef.h>

struct kafka_message {
    const char *tree; /* "4.4" */
    const char *name; /* "FetchRequest" */
    const char *type; /* request, response, header, data, metadata, coordinator-key, -value */
    int key;          /* apiKey; -1: none */
    struct schema_range valid;
    struct schema_range flexible;
    bool unstable; /* so is the last valid version; said in requests, about both directions */
    bool matched;  /* we have it */
    json_t *fields;
    json_t *structs; /* commonStructs; NULL: none */
};

struct kafka_files {
    struct kafka_message *messages; /* of the newest tree first */
    size_t count;
};

/* Reads every DIR/TREE/.../NAME.json; prints what is wrong and returns false. */
bool kafka_load(const char *dir, struct kafka_files *out);

/* "0+", "2-4", "3", "none" or NULL (none). */
struct schema_range kafka_range(const json_t *text);

/* Names match without regard to case and underscores. */
bool kafka_name_is(const char *kafka, const char *ours);

bool kafka_is_request(const struct kafka_message *k);
bool kafka_is_api(const struct kafka_message *k); /* request or response */

/* The message of the same name and type, or API key and direction, in another tree's view. */
bool kafka_is_same(const struct kafka_message *a, const struct kafka_message *b);
