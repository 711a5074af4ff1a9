/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The records are expanded into a plain batch and packed anew.  They stay as they are, byte for
 * byte: neither their offset deltas nor their timestamps depend on the compression.
 */
#include "wire/recompress.h"

#include <string.h>

static enum od_err expand_into(const struct od_recompress *r, const uint8_t *data,
                               const struct od_batch_header *h, uint8_t *to)
{
    struct od_expand_limits limits = {.budget = r->budget, .total_bytes = r->records_bytes};
    int64_t left = r->records_bytes;
    struct od_expand *e;
    struct od_bytes window;
    enum od_err err =
        od_expand_open(od_batch_compression(h), data + OD_BATCH_HEADER_BYTES,
                       od_batch_bytes(h) - OD_BATCH_HEADER_BYTES, &limits, &e);

    while (!err && !(err = od_expand_next(e, &window)) && window.len > 0) {
        if ((int64_t)window.len > left) {
            err = OD_E_CORRUPT;
            break;
        }
        memcpy(to, window.data, window.len);
        to += window.len;
        left -= (int64_t)window.len;
    }
    od_expand_close(e);
    return err ? err : left ? OD_E_CORRUPT : OD_NONE;
}

/* The batch without compression. */
static enum od_err make_plain(const uint8_t *data, const struct od_batch_header *h,
                              const struct od_recompress *r, struct od_buf **out)
{
    struct od_batch_header plain = *h;
    enum od_err err;

    if (r->records_bytes > INT32_MAX - OD_BATCH_HEADER_BYTES)
        return OD_E_NO_MEMORY;
    *out = od_buf_new(OD_BATCH_HEADER_BYTES + (size_t)r->records_bytes, r->budget);
    if (!*out)
        return OD_E_NO_MEMORY;
    err = expand_into(r, data, h, (*out)->data + OD_BATCH_HEADER_BYTES);
    plain.attributes = (int16_t)(plain.attributes & ~OD_BATCH_COMPRESSION);
    plain.length = (int32_t)((*out)->size - OD_BATCH_PREFIX_BYTES);
    od_batch_seal((*out)->data, &plain);
    return err;
}

static enum od_err pack(struct od_bytes plain, const struct od_recompress *r, struct od_buf **out,
                        size_t *len)
{
    size_t room = OD_BATCH_HEADER_BYTES +
                  od_compress_bound(r->codec, plain.len - OD_BATCH_HEADER_BYTES);
    enum od_err err;

    *out = od_buf_new(room, r->budget);
    if (!*out)
        return OD_E_NO_MEMORY;
    err = od_batch_repack(r->codec, r->level, plain, (*out)->data, room, len);
    return err;
}

enum od_err od_batch_recompress(const uint8_t *data, const struct od_batch_header *h,
                                const struct od_recompress *r, struct od_buf **out, size_t *len)
{
    struct od_bytes source = {(uint8_t *)(uintptr_t)data, od_batch_bytes(h)};
    struct od_buf *plain = NULL;
    enum od_err err = OD_NONE;

    *out = NULL;
    *len = 0;
    if (od_batch_compression(h) != OD_COMPRESS_NONE) {
        err = make_plain(data, h, r, &plain);
        if (plain)
            source = (struct od_bytes){plain->data, plain->size};
    }
    if (!err && r->codec == OD_COMPRESS_NONE) {
        *out = plain;
        *len = plain->size;
        return OD_NONE;
    }
    if (!err)
        err = pack(source, r, out, len);
    od_buf_unref(plain);
    if (err) {
        od_buf_unref(*out);
        *out = NULL;
    }
    return err;
}
