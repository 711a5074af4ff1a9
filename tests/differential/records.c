/* SPDX-License-Identifier: Apache-2.0 */
/* Record batches built from JSON and shown as JSON. */
#include "records.h"

#include "base/be.h"
#include "base/crc32c.h"
#include "wire/batch.h"

enum { RECORDS_BYTES_MAX = 4 << 20 };

static int64_t number(const json_t *from, const char *name, int64_t otherwise)
{
    const json_t *v = json_object_get(from, name);

    return v ? json_integer_value(v) : otherwise;
}

static struct od_bytes bytes_named(const json_t *from, const char *name, const char *otherwise)
{
    const json_t *v = json_object_get(from, name);

    if (json_is_null(v))
        return (struct od_bytes){ NULL, 0 };
    if (!v)
        return (struct od_bytes){ (const uint8_t *)otherwise, strlen(otherwise) };
    return (struct od_bytes){ (const uint8_t *)json_string_value(v), json_string_length(v) };
}

static enum od_compress codec_named(const json_t *name)
{
    static const char *const names[] = { "none", "gzip", "snappy", "lz4", "zstd" };

    for (size_t i = 0; name && i < sizeof(names) / sizeof(names[0]); i++)
        if (strcmp(json_string_value(name), names[i]) == 0)
            return (enum od_compress)i;
    return OD_COMPRESS_NONE;
}

/* Makes a good batch bad in one way; returns its new length. */
static size_t spoil(const char *how, uint8_t *data, size_t len)
{
    struct od_batch_header h;

    if (od_batch_parse(data, len, &h))
        return len;
    if (strcmp(how, "crc") == 0) {
        data[len - 1] ^= 1;
    } else if (strcmp(how, "length") == 0) {
        od_be32_store(data + 8, (uint32_t)h.length + 1);
    } else if (strcmp(how, "magic") == 0) {
        data[16] = 3;
    } else if (strcmp(how, "count") == 0) {
        h.count++;
        od_batch_seal(data, &h);
    } else if (strcmp(how, "offset") == 0) {
        h.last_offset_delta++;
        od_batch_seal(data, &h);
    } else if (strcmp(how, "cut") == 0) {
        return len - 1;
    }
    return len;
}

static size_t build_one(const json_t *from, int64_t now_ms, uint8_t *data, size_t capacity)
{
    struct od_batch_header h = od_batch_plain(number(from, "base_offset", 0), -1);
    int64_t timestamp = now_ms + number(from, "timestamp", 0);
    enum od_compress codec = codec_named(json_object_get(from, "codec"));
    const json_t *how = json_object_get(from, "spoil");
    struct od_batch_builder b;
    size_t len;

    h.attributes = (int16_t)number(from, "attributes", 0);
    h.producer_id = number(from, "producer_id", -1);
    h.producer_epoch = (int16_t)number(from, "producer_epoch", -1);
    h.base_sequence = (int32_t)number(from, "base_sequence", -1);
    od_batch_begin(&b, data, capacity, &h);
    for (int64_t i = 0; i < number(from, "count", 1); i++)
        od_batch_add(&b, timestamp + i * number(from, "step", 0), bytes_named(from, "key", "key"),
                     bytes_named(from, "value", "value"), NULL, 0);
    if (od_batch_end(&b, &len))
        return 0;
    if (codec && 2 * len <= capacity) {
        if (od_batch_repack(codec, 0, (struct od_bytes){ data, len }, data + len, capacity - len,
                            &capacity))
            return 0;
        memmove(data, data + len, capacity);
        len = capacity;
    }
    return how ? spoil(json_string_value(how), data, len) : len;
}

bool records_build(struct od_arena *arena, const json_t *from, int64_t now_ms,
                   struct od_records *out)
{
    size_t count = json_is_array(from) ? json_array_size(from) : 1;
    uint8_t *data;

    if (json_is_string(from)) {
        *out = (struct od_records){ .len = (int64_t)json_string_length(from) };
        data = od_arena_alloc(arena, (size_t)out->len + 1);
        memcpy(data, json_string_value(from), (size_t)out->len);
        out->data = data;
        return true;
    }
    data = od_arena_alloc(arena, RECORDS_BYTES_MAX);
    *out = (struct od_records){ .data = data };
    for (size_t i = 0; i < count; i++) {
        const json_t *one = json_is_array(from) ? json_array_get(from, i) : from;
        size_t len = json_is_object(one) ? build_one(one, now_ms, data + out->len,
                                                     RECORDS_BYTES_MAX - (size_t)out->len)
                                         : 0;

        if (len == 0)
            return false;
        out->len += (int64_t)len;
    }
    return true;
}

/* --- showing ------------------------------------------------------------------------------- */

static uint8_t nibble(char digit)
{
    return (uint8_t)(digit <= '9' ? digit - '0' : digit - 'a' + 10);
}

/* A time of the run as its distance from now, so that two runs compare. */
static json_t *relative(int64_t timestamp, int64_t now_ms)
{
    return json_integer(timestamp < 0 ? timestamp : timestamp - now_ms);
}

static json_t *show_one(const struct od_batch_header *h, const char *payload, size_t digits,
                        int64_t now_ms)
{
    return json_pack("{s:I, s:i, s:i, s:i, s:o, s:o, s:I, s:i, s:i, s:i, s:s%}", "base_offset",
                     (json_int_t)h->base_offset, "leader_epoch", (int)h->leader_epoch, "attributes",
                     (int)h->attributes, "last_offset_delta", (int)h->last_offset_delta,
                     "base_timestamp", relative(h->base_timestamp, now_ms), "max_timestamp",
                     relative(h->max_timestamp, now_ms), "producer_id", (json_int_t)h->producer_id,
                     "producer_epoch", (int)h->producer_epoch, "base_sequence",
                     (int)h->base_sequence, "count", (int)h->count, "payload", payload, digits);
}

json_t *records_show(const char *hex, int64_t now_ms)
{
    size_t len = strlen(hex) / 2, at = 0;
    struct od_arena arena = { 0 };
    uint8_t *data = od_arena_alloc(&arena, len + 1);
    json_t *shown = json_array();
    struct od_batch_header h;

    for (size_t i = 0; i < len; i++)
        data[i] = (uint8_t)(nibble(hex[2 * i]) << 4 | nibble(hex[2 * i + 1]));
    while (at < len && !od_batch_parse(data + at, len - at, &h) && od_batch_bytes(&h) <= len - at) {
        size_t bytes = od_batch_bytes(&h);
        const char *payload = hex + 2 * (at + OD_BATCH_HEADER_BYTES);

        if (od_batch_check(data + at, &h))
            json_array_append_new(shown, json_string("a batch with a wrong checksum"));
        else
            json_array_append_new(
                shown, show_one(&h, payload, 2 * (bytes - OD_BATCH_HEADER_BYTES), now_ms));
        at += bytes;
    }
    if (at < len)
        json_array_append_new(shown, json_pack("s++", "no whole batch: ", "", hex + 2 * at));
    od_arena_reset(&arena);
    return shown;
}
