/* SPDX-License-Identifier: Apache-2.0 */
/* Pieces of input to records. */
#include "cli/record_input.h"

#include "base/mem.h"
#include "cli/base64.h"

#include <jansson.h>
#include <string.h>

static struct od_bytes bytes_of(struct od_str s)
{
    return (struct od_bytes){ (const uint8_t *)s.data, s.len };
}

bool od_record_input_split(const struct od_record_rules *rules, struct od_str data, size_t *len,
                           size_t *used)
{
    struct od_str delimiter = rules->kind == OD_INPUT_JSON ? OD_STR("\n") : rules->delimiter;
    const char *end;

    if (rules->kind == OD_INPUT_WHOLE || data.len == 0)
        return false;
    end = memmem(data.data, data.len, delimiter.data, delimiter.len);
    if (!end)
        return false;
    *len = (size_t)(end - data.data);
    *used = *len + delimiter.len;
    return true;
}

static void parse_plain(const struct od_record_rules *rules, struct od_str piece,
                        struct od_produce_record *out)
{
    const char *cut = rules->key_delimiter.data
                          ? memmem(piece.data, piece.len, rules->key_delimiter.data,
                                   rules->key_delimiter.len)
                          : NULL;

    if (cut) {
        size_t len = (size_t)(cut - piece.data);

        out->key = (struct od_bytes){ (const uint8_t *)piece.data, len };
        piece.data = cut + rules->key_delimiter.len;
        piece.len -= len + rules->key_delimiter.len;
    }
    out->value = bytes_of(piece);
}

/* Keeps bytes in the arena, as the JSON value goes. */
static struct od_bytes keep(struct od_arena *arena, const void *data, size_t len)
{
    uint8_t *copy = od_arena_alloc(arena, len + 1);

    memcpy(copy, data, len);
    return (struct od_bytes){ copy, len };
}

/* A member that is text, or base64 under its other name; null or absent leaves *out alone. */
static bool take_bytes(json_t *object, const char *key, const char *key_base64,
                       struct od_arena *arena, struct od_bytes *out, struct od_text *why)
{
    json_t *plain = json_object_get(object, key), *encoded = json_object_get(object, key_base64);
    uint8_t *bytes;
    size_t len;

    if (json_is_string(plain)) {
        *out = keep(arena, json_string_value(plain), json_string_length(plain));
    } else if (json_is_string(encoded)) {
        bytes = od_base64_parse(
            (struct od_str){ json_string_value(encoded), json_string_length(encoded) }, &len);
        if (!bytes) {
            od_text_add(why, "%s is not base64", key_base64);
            return false;
        }
        *out = keep(arena, bytes, len);
        od_free(bytes);
    } else if ((plain && !json_is_null(plain)) || encoded) {
        od_text_add(why, "%s is not a string", key);
        return false;
    }
    return true;
}

static bool take_number(json_t *object, const char *key, int64_t min, int64_t max, int64_t *out,
                        struct od_text *why)
{
    json_t *value = json_object_get(object, key);

    if (!value || json_is_null(value))
        return true;
    *out = json_integer_value(value);
    if (json_is_integer(value) && *out >= min && *out <= max)
        return true;
    od_text_add(why, "%s is not a number from %lld to %lld", key, (long long)min, (long long)max);
    return false;
}

static bool take_headers(const struct od_record_rules *rules, json_t *list, struct od_arena *arena,
                         struct od_produce_record *out, struct od_text *why)
{
    size_t n = json_array_size(list), i;
    struct od_record_header *all;
    json_t *one;

    if (list && !json_is_array(list)) {
        od_text_add(why, "headers is not a list");
        return false;
    }
    if (n > OD_INPUT_HEADERS_MAX) {
        od_text_add(why, "more than %d headers", OD_INPUT_HEADERS_MAX);
        return false;
    }
    all = od_arena_alloc(arena, sizeof(*all) * (n + (size_t)rules->header_count + 1));
    json_array_foreach(list, i, one) {
        struct od_record_header *h = &all[i];

        if (!take_bytes(one, "key", "key_base64", arena, &h->key, why) ||
            !take_bytes(one, "value", "value_base64", arena, &h->value, why))
            return false;
        if (!h->key.data) {
            od_text_add(why, "a header without key");
            return false;
        }
    }
    for (int32_t k = 0; k < rules->header_count; k++)
        all[n + (size_t)k] = rules->headers[k];
    out->headers = all;
    out->header_count = (int32_t)n + rules->header_count;
    return true;
}

static bool parse_json(const struct od_record_rules *rules, struct od_str piece,
                       struct od_arena *arena, struct od_produce_record *out, struct od_text *why)
{
    json_error_t error;
    json_t *object =
        json_loadb(piece.data, piece.len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
    int64_t partition = -1;
    bool good = json_is_object(object);

    if (!good)
        od_text_add(why, "%s", object ? "not a JSON object" : error.text);
    good = good && take_bytes(object, "key", "key_base64", arena, &out->key, why) &&
           take_bytes(object, "value", "value_base64", arena, &out->value, why) &&
           take_number(object, "timestamp", 0, INT64_MAX, &out->timestamp, why) &&
           take_number(object, "partition", 0, INT32_MAX, &partition, why) &&
           take_headers(rules, json_object_get(object, "headers"), arena, out, why);
    if (good && rules->partition == OD_PRODUCER_ANY_PARTITION && partition >= 0)
        out->partition = (int32_t)partition;
    json_decref(object);
    return good;
}

bool od_record_input_parse(const struct od_record_rules *rules, struct od_str piece,
                           int64_t now_ms, struct od_arena *arena, struct od_produce_record *out,
                           struct od_text *why)
{
    *out = (struct od_produce_record){ .partition = rules->partition,
                                       .timestamp = now_ms,
                                       .headers = rules->headers,
                                       .header_count = rules->header_count };
    if (rules->kind == OD_INPUT_JSON) {
        if (!parse_json(rules, piece, arena, out, why))
            return false;
    } else {
        parse_plain(rules, piece, out);
    }
    if (!out->key.data)
        out->key = rules->key;
    if (rules->empty_is_null && out->value.len == 0)
        out->value = (struct od_bytes){ 0 };
    return true;
}
