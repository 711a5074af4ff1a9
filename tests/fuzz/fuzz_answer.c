/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a client hears: an answer that arrives in pieces takes memory by what has arrived, never by
 * what it claims; one that decodes was used whole; a view learned from Metadata routes only to
 * brokers that it has.  Input: API index, version, size of the pieces, stream of bytes.
 */
#include "base/assert.h"
#include "client/exchange.h"
#include "client/view.h"
#include "wire/frame.h"

#include <string.h>

enum { INPUT_BYTES_MAX = 1 << 16, DECODED_BYTES_MAX = 64 << 20, LIMIT_BYTES = 1 << 20, HEAD = 3 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_view(const struct od_metadata_rsp *rsp)
{
    struct od_view view;

    od_view_init(&view, 1);
    if (!od_view_learn(&view, rsp)) {
        for (int32_t t = 0; t < rsp->topics.n; t++) {
            for (int32_t p = -1; p <= rsp->topics.v[t].partitions.n; p++) {
                int32_t node = -1;

                if (rsp->topics.v[t].name.data &&
                    !od_view_leader(&view, rsp->topics.v[t].name, p, &node))
                    OD_ASSERT(od_view_broker(&view, node)->port > 0);
            }
        }
    }
    od_view_deinit(&view);
}

static void check_answer(const struct od_exchange *x, struct od_answer *answer)
{
    struct od_bytes frame = od_answer_frame(answer);
    struct od_reader r = od_reader_of(frame.data, frame.len);
    struct od_exchange same = *x;
    void *message = od_arena_alloc(&answer->arena, x->api->response->shape->bytes);

    same.correlation_id = od_read_i32(&r);
    if (od_exchange_decode(&same, frame.data, frame.len, &answer->arena, message))
        return;
    same.correlation_id++;
    OD_ASSERT(od_exchange_decode(&same, frame.data, frame.len, &answer->arena, message) ==
              OD_E_STALE);
    if (x->api->key == OD_metadata_KEY)
        check_view(message);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct od_budget budget;
    struct od_answer answer = { .limit_bytes = LIMIT_BYTES, .arena.budget = &budget };
    struct od_exchange x = { 0 };
    enum od_err err = OD_E_AGAIN;

    if (size < HEAD || size > INPUT_BYTES_MAX)
        return 0;
    od_budget_init(&budget, DECODED_BYTES_MAX);
    x.api = &od_apis[data[0] % od_api_count];
    x.version = (int16_t)(x.api->version_min +
                          data[1] % (x.api->version_max - x.api->version_min + 1));
    for (size_t pos = HEAD; pos < size && err == OD_E_AGAIN;) {
        size_t room, n;
        uint8_t *at = od_answer_room(&answer, &room);

        n = room < (size_t)data[2] + 1 ? room : (size_t)data[2] + 1;
        n = n < size - pos ? n : size - pos;
        memcpy(at, data + pos, n);
        pos += n;
        err = od_answer_got(&answer, n);
        OD_ASSERT(answer.capacity <= 2 * answer.len + (64 << 10));
    }
    if (!err)
        check_answer(&x, &answer);
    od_answer_deinit(&answer);
    OD_ASSERT(budget.used_bytes == 0);
    return 0;
}
