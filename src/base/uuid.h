/* SPDX-License-Identifier: Apache-2.0 */
/* 128-bit ids of topics, directories and clusters, written as Kafka writes them: 22 characters of
 * URL-safe base64. */
#pragma once

#include "base/str.h"

struct od_uuid {
    uint8_t bytes[16];
};

enum { OD_UUID_TEXT_LEN = 22 };

#define OD_UUID_ZERO ((struct od_uuid){ { 0 } })

bool od_uuid_eq(struct od_uuid a, struct od_uuid b);
bool od_uuid_is_zero(struct od_uuid id);
void od_uuid_print(struct od_uuid id, char text[OD_UUID_TEXT_LEN + 1]);
OD_MUST_USE bool od_uuid_parse(struct od_str text, struct od_uuid *out);
/* A version 4 id from 16 random bytes; never one whose text begins with '-'. */
struct od_uuid od_uuid_from_random(uint64_t high, uint64_t low);
