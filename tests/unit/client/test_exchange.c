/* SPDX-License-Identifier: Apache-2.0 */
/* Requests to bytes and bytes to answers, whole, cut, mixed up and hostile. */
#include "base/be.h"
#include "base/mem.h"
#include "client/exchange.h"
#include "test.h"
#include "wire/api/api_versions.h"
#include "wire/api/list_offsets.h"
#include "wire/api/metadata.h"
#include "wire/frame.h"

#include <string.h>

static struct od_exchange asked(int16_t key, int16_t version, int32_t id)
{
    return (struct od_exchange){ od_api_find(key), version, id };
}

/* An answer as a broker writes it, without the length. */
static size_t answer_bytes(const struct od_exchange *x, int32_t id, const void *message,
                           uint8_t *out, size_t room)
{
    struct od_writer w = od_writer_of(out, room);

    od_frame_write_response(&w, x->api, x->version, id);
    CHECK_OK(x->api->response->encode(&w, x->version, message));
    CHECK_OK(w.err);
    return od_writer_len(&w);
}

TEST(a_request_begins_with_its_length_and_header)
{
    struct od_exchange x = asked(OD_metadata_KEY, 9, 77);
    struct od_request_frame head;
    struct od_metadata_req req;
    struct od_reader r;
    uint8_t *data;
    size_t len;

    od_metadata_req_defaults(&req);
    CHECK_OK(od_exchange_encode(&x, OD_STR("me"), &req, &data, &len));
    CHECK_EQ(od_be32_load(data), len - 4);
    r = od_reader_of(data + 4, len - 4);
    CHECK_OK(od_frame_read_request(&r, &head));
    CHECK_EQ(head.api_key, OD_metadata_KEY);
    CHECK_EQ(head.api_version, 9);
    CHECK_EQ(head.correlation_id, 77);
    CHECK(od_str_is(head.client_id, "me"));
    od_free(data);
}

TEST(what_the_version_cannot_carry_is_refused)
{
    struct od_exchange x = asked(OD_list_offsets_KEY, 1, 1);
    struct od_list_offsets_req req;
    uint8_t *data;
    size_t len;

    od_list_offsets_req_defaults(&req);
    req.isolation_level = 1;
    CHECK_EQ(od_exchange_encode(&x, OD_STR("me"), &req, &data, &len), OD_UNSUPPORTED_VERSION);
}

TEST(an_answer_is_decoded_when_it_answers_this_request)
{
    struct od_exchange x = asked(OD_metadata_KEY, 12, 5);
    struct od_metadata_rsp in, out;
    struct od_arena arena = { 0 };
    uint8_t bytes[256];
    size_t len;

    od_metadata_rsp_defaults(&in);
    in.cluster_id = OD_STR("abc");
    in.controller_id = 9;
    len = answer_bytes(&x, 5, &in, bytes, sizeof(bytes));
    CHECK_OK(od_exchange_decode(&x, bytes, len, &arena, &out));
    CHECK_EQ(out.controller_id, 9);
    CHECK(od_str_is(out.cluster_id, "abc"));

    x.correlation_id = 6;
    CHECK_EQ(od_exchange_decode(&x, bytes, len, &arena, &out), OD_E_STALE);
    od_arena_reset(&arena);
}

TEST(every_cut_of_an_answer_is_refused)
{
    struct od_exchange x = asked(OD_metadata_KEY, 12, 5);
    struct od_metadata_rsp_broker broker = { .node_id = 1, .host = OD_STR("host"), .port = 9092 };
    struct od_metadata_rsp in, out;
    struct od_arena arena = { 0 };
    uint8_t bytes[256];
    size_t len;

    od_metadata_rsp_defaults(&in);
    in.brokers.n = 1;
    in.brokers.v = &broker;
    len = answer_bytes(&x, 5, &in, bytes, sizeof(bytes));
    for (size_t cut = 0; cut < len; cut++) {
        uint8_t *exact = od_alloc(cut ? cut : 1);

        memcpy(exact, bytes, cut);
        CHECK(od_exchange_decode(&x, exact, cut, &arena, &out) != OD_NONE);
        od_free(exact);
    }
    CHECK_OK(od_exchange_decode(&x, bytes, len, &arena, &out));
    bytes[len] = 0;
    CHECK_EQ(od_exchange_decode(&x, bytes, len + 1, &arena, &out), OD_E_CORRUPT);
    od_arena_reset(&arena);
}

TEST(an_unknown_version_of_api_versions_is_answered_in_version_0)
{
    struct od_exchange x = asked(OD_api_versions_KEY, 5, 3), zero = asked(18, 0, 3);
    struct od_api_versions_rsp_api_version row = { 18, 0, 3 };
    struct od_api_versions_rsp in, out;
    struct od_arena arena = { 0 };
    uint8_t bytes[64];
    size_t len;

    od_api_versions_rsp_defaults(&in);
    in.error_code = OD_UNSUPPORTED_VERSION;
    in.api_keys.n = 1;
    in.api_keys.v = &row;
    len = answer_bytes(&zero, 3, &in, bytes, sizeof(bytes));
    CHECK_OK(od_exchange_decode(&x, bytes, len, &arena, &out));
    CHECK_EQ(out.error_code, OD_UNSUPPORTED_VERSION);
    CHECK_EQ(out.api_keys.n, 1);
    CHECK_EQ(out.api_keys.v[0].max_version, 3);
    od_arena_reset(&arena);
}

/* Gives the bytes to the answer in pieces; stops at anything but OD_E_AGAIN. */
static enum od_err fed(struct od_answer *a, const uint8_t *data, size_t len, size_t piece)
{
    enum od_err err = OD_E_AGAIN;

    od_answer_begin(a);
    for (size_t pos = 0; pos < len && err == OD_E_AGAIN;) {
        size_t room, n;
        uint8_t *at = od_answer_room(a, &room);

        CHECK(room > 0);
        n = room < piece ? room : piece;
        n = n < len - pos ? n : len - pos;
        memcpy(at, data + pos, n);
        pos += n;
        err = od_answer_got(a, n);
    }
    return err;
}

TEST(an_answer_is_whole_after_exactly_its_length_in_any_pieces)
{
    struct od_answer a = { .limit_bytes = 1000 };
    uint8_t bytes[104];

    memset(bytes, 7, sizeof(bytes));
    od_be32_store(bytes, 100);
    for (size_t piece = 1; piece <= sizeof(bytes); piece++) {
        CHECK_EQ(fed(&a, bytes, sizeof(bytes) - 1, piece), OD_E_AGAIN);
        CHECK_OK(fed(&a, bytes, sizeof(bytes), piece));
        CHECK_EQ(od_answer_frame(&a).len, 100);
        CHECK_MEM(od_answer_frame(&a).data, bytes + 4, 100);
    }
    od_answer_deinit(&a);
}

TEST(lengths_above_the_limit_or_below_a_header_are_refused)
{
    struct od_answer a = { .limit_bytes = 1000 };
    uint8_t bytes[8] = { 0 };

    od_be32_store(bytes, 1001);
    CHECK_EQ(fed(&a, bytes, 4, 4), OD_E_LIMIT);
    od_be32_store(bytes, 1000);
    CHECK_EQ(fed(&a, bytes, 4, 4), OD_E_AGAIN);
    od_be32_store(bytes, 3);
    CHECK_EQ(fed(&a, bytes, 4, 4), OD_E_CORRUPT);
    od_be32_store(bytes, UINT32_MAX);
    CHECK_EQ(fed(&a, bytes, 4, 4), OD_E_LIMIT);
    od_answer_deinit(&a);
}

TEST(a_claimed_length_takes_no_memory)
{
    struct od_answer a = { .limit_bytes = 1 << 30 };
    uint8_t bytes[4];
    size_t room;

    od_be32_store(bytes, 1 << 30);
    CHECK_EQ(fed(&a, bytes, 4, 4), OD_E_AGAIN);
    od_answer_room(&a, &room);
    CHECK(a.capacity <= 128 << 10);
    od_answer_deinit(&a);
}
