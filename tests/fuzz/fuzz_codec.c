/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every codec: whatever decodes must encode to exactly the bytes that its size says, decode again
 * and encode to the same bytes; one byte less must be refused; memory is bounded by the input.
 * Input: codec (3 bytes, by a hash of its name, so that a new message moves no other), version,
 * message.
 */
#include "base/assert.h"
#include "base/crc32c.h"
#include "wire/print.h"

#include <stdlib.h>

enum { MESSAGE_BYTES_MAX = 1 << 16, HEAD_BYTES = 4, MEMORY_PER_BYTE = 1024 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Decodes; the length of the encoding in out, or -1 if the bytes are refused. */
static int64_t reencode(const struct od_codec *c, int16_t version, const uint8_t *data, size_t len,
                        uint8_t *out, struct od_text *text)
{
    struct od_budget budget;
    struct od_arena arena = {.budget = &budget};
    void *message = malloc(c->shape->bytes);
    struct od_reader r = od_reader_of(data, len);
    struct od_size size;
    struct od_writer w;
    int64_t n = -1;
    enum od_err err;

    od_budget_init(&budget, (1 << 20) + MEMORY_PER_BYTE * (int64_t)len);
    err = c->decode(&r, version, &arena, message);
    OD_ASSERT(err != OD_E_NO_MEMORY);
    if (!err) {
        OD_ASSERT(!c->size(message, version, &size));
        OD_ASSERT(size.gaps == 0 && size.wire <= 2 * MESSAGE_BYTES_MAX);
        w = od_writer_of(out, size.wire);
        OD_ASSERT(!c->encode(&w, version, message));
        OD_ASSERT(od_writer_len(&w) == size.wire);
        n = (int64_t)size.wire;
        if (text)
            od_print_message(c, message, version, OD_PRINT_JSON, text);
    }
    od_arena_reset(&arena);
    OD_ASSERT(budget.used_bytes == 0);
    free(message);
    return n;
}

/* The codec whose hash is the nearest, so that any bytes name one. */
static const struct od_codec *choose(const uint8_t *data)
{
    int32_t wanted = data[0] << 16 | data[1] << 8 | data[2], best = INT32_MAX;
    const struct od_codec *found = od_codecs[0];

    for (int32_t i = 0; i < od_codec_count; i++) {
        const char *name = od_codecs[i]->name;
        int32_t distance = abs((int32_t)(od_crc32c(name, strlen(name)) >> 8) - wanted);

        if (distance < best) {
            best = distance;
            found = od_codecs[i];
        }
    }
    return found;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t first[2 * MESSAGE_BYTES_MAX], second[2 * MESSAGE_BYTES_MAX];
    const struct od_codec *c;
    int16_t version;
    int64_t n;

    if (size < HEAD_BYTES || size > MESSAGE_BYTES_MAX)
        return 0;
    c = choose(data);
    version = (int16_t)(c->version_min + data[3] % (c->version_max - c->version_min + 1));
    n = reencode(c, version, data + HEAD_BYTES, size - HEAD_BYTES, first, NULL);
    if (n >= 0) {
        struct od_text text = {0};

        OD_ASSERT(reencode(c, version, first, (size_t)n, second, &text) == n);
        OD_ASSERT(memcmp(first, second, (size_t)n) == 0);
        OD_ASSERT(n == 0 || reencode(c, version, first, (size_t)n - 1, second, NULL) < 0);
        od_text_reset(&text);
    }
    return 0;
}
