/* SPDX-License-Identifier: Apache-2.0 */
/* Requests to bytes, bytes to answers. */
#include "client/exchange.h"

#include "base/be.h"
#include "base/mem.h"
#include "wire/api/api_versions.h"
#include "wire/frame.h"

#include <string.h>

enum {
    LENGTH_BYTES = 4,
    ANSWER_BYTES_MIN = 4,   /* a correlation id */
    FIRST_ROOM = 64 << 10,
    LENIENT_BYTES_MIN = 6,  /* correlation id and error code */
};

enum od_err od_exchange_encode(const struct od_exchange *x, struct od_str client_id,
                               const void *request, uint8_t **data, size_t *len)
{
    struct od_request_frame head = { .api = x->api,
                                     .api_key = x->api->key,
                                     .api_version = x->version,
                                     .correlation_id = x->correlation_id,
                                     .client_id = client_id };
    struct od_size size = { 0 };
    struct od_writer w;
    size_t head_bytes = od_frame_request_bytes(&head);
    enum od_err err = x->api->request->size(request, x->version, &size);

    if (err)
        return err;
    if (size.wire > INT32_MAX - head_bytes || size.gaps)
        return OD_E_LIMIT;
    *len = LENGTH_BYTES + head_bytes + size.wire;
    *data = od_alloc_try(*len);
    if (!*data)
        return OD_E_NO_MEMORY;
    w = od_writer_of(*data, *len);
    od_write_i32(&w, (int32_t)(*len - LENGTH_BYTES));
    od_frame_write_request(&w, &head);
    err = x->api->request->encode(&w, x->version, request);
    if (!err)
        err = w.err;
    if (err) {
        od_free(*data);
        *data = NULL;
    }
    return err;
}

/* Kafka answers an ApiVersions it does not know in the layout of version 0. */
static bool refused_version(const struct od_exchange *x, const uint8_t *data, size_t len)
{
    return x->api->key == OD_api_versions_KEY && len >= LENIENT_BYTES_MIN &&
           (int16_t)od_be16_load(data + 4) == OD_UNSUPPORTED_VERSION;
}

enum od_err od_exchange_decode(const struct od_exchange *x, const uint8_t *data, size_t len,
                               struct od_arena *arena, void *response)
{
    struct od_reader r = od_reader_of(data, len);
    int16_t version = refused_version(x, data, len) ? 0 : x->version;
    int32_t correlation_id = od_read_i32(&r);
    enum od_err err;

    if (!r.err && correlation_id != x->correlation_id)
        return OD_E_STALE;
    if (od_frame_response_version(x->api, version) == 1)
        od_tags_skip(&r);
    if (r.err)
        return r.err;
    err = x->api->response->decode(&r, version, arena, response);
    if (!err)
        err = r.err;
    return !err && od_reader_left(&r) > 0 ? OD_E_CORRUPT : err;
}

void od_answer_begin(struct od_answer *a)
{
    a->len = 0;
    od_arena_reset(&a->arena);
}

void od_answer_deinit(struct od_answer *a)
{
    od_arena_reset(&a->arena);
    od_free(a->data);
    a->data = NULL;
    a->len = a->capacity = 0;
}

int64_t od_answer_length(const struct od_answer *a)
{
    return a->len < LENGTH_BYTES ? -1 : (int64_t)od_be32_load(a->data);
}

uint8_t *od_answer_room(struct od_answer *a, size_t *room)
{
    int64_t length = od_answer_length(a);
    size_t end = length < 0 ? LENGTH_BYTES : LENGTH_BYTES + (size_t)length;

    if (a->len == a->capacity) {
        a->capacity = a->capacity ? 2 * a->capacity : FIRST_ROOM;
        a->data = od_realloc(a->data, a->capacity);
    }
    *room = (end < a->capacity ? end : a->capacity) - a->len;
    return a->data + a->len;
}

enum od_err od_answer_got(struct od_answer *a, size_t n)
{
    int64_t length;

    a->len += n;
    length = od_answer_length(a);
    if (length < 0)
        return OD_E_AGAIN;
    if (length < ANSWER_BYTES_MIN)
        return OD_E_CORRUPT;
    if ((uint64_t)length > a->limit_bytes)
        return OD_E_LIMIT;
    return a->len < LENGTH_BYTES + (size_t)length ? OD_E_AGAIN : OD_NONE;
}

struct od_bytes od_answer_frame(const struct od_answer *a)
{
    return (struct od_bytes){ a->data + LENGTH_BYTES, a->len - LENGTH_BYTES };
}
