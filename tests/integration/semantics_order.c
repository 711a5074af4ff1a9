/* SPDX-License-Identifier: Apache-2.0 */
/* Answers leave a connection in the order of its requests, however long each one takes. */
#include "ask.h"

#include "base/mem.h"

static const struct od_metadata_req *no_topics(struct od_metadata_req *req)
{
    od_metadata_req_defaults(req);
    req->topics.n = 0;
    return req;
}

TEST(what_is_answered_early_waits_for_what_was_asked_before)
{
    struct raw *c = raw_open();
    struct topic t = ask_create(c, "order", 1, NULL), other = ask_create(c, "other", 1, NULL);
    struct fetch_plan plan = fetch_at(0);
    struct batch b = batch_of(1);
    struct od_metadata_req metadata;
    struct od_api_versions_req versions;
    struct produce_one produce;
    struct fetch_one fetch;
    union {
        struct od_fetch_rsp fetch;
        struct od_metadata_rsp metadata;
        struct od_api_versions_rsp versions;
    } rsp;
    int32_t id = c->next_id;
    int64_t start_ms = now_ms();

    od_api_versions_req_defaults(&versions);
    plan.max_wait_ms = 500;
    CHECK(raw_send(c, OD_fetch_KEY, 12, fetch_one(&fetch, &t, &plan)));
    CHECK(raw_send(c, OD_metadata_KEY, 9, no_topics(&metadata)));
    CHECK(raw_send(c, OD_produce_KEY, 9, produce_one(&produce, &other, 0, 0, b.data, b.len)));
    CHECK(raw_send(c, OD_api_versions_KEY, 0, &versions));
    CHECK_EQ(raw_receive(c, OD_fetch_KEY, 12, &rsp.fetch, RAW_PATIENCE_MS), RAW_ANSWER);
    CHECK_EQ(c->correlation_id, id);
    CHECK(now_ms() - start_ms >= 495);
    CHECK_EQ(raw_receive(c, OD_metadata_KEY, 9, &rsp.metadata, RAW_PATIENCE_MS), RAW_ANSWER);
    CHECK_EQ(c->correlation_id, id + 1);
    CHECK_EQ(raw_receive(c, OD_api_versions_KEY, 0, &rsp.versions, RAW_PATIENCE_MS), RAW_ANSWER);
    CHECK_EQ(c->correlation_id, id + 3);
    CHECK_EQ(ask_end(c, &other), 1);
    raw_close(c);
}

TEST(p36_an_error_with_acks_0_closes_the_connection)
{
    struct raw *c = raw_open(), *beside = raw_open();
    struct topic t = ask_create(beside, "acks-0", 1, NULL);
    struct batch b = batch_of(1);
    struct produce_one one;

    CHECK(raw_send(c, OD_produce_KEY, 13, produce_one(&one, &t, 5, 0, b.data, b.len)));
    CHECK_EQ(raw_read(c, RAW_PATIENCE_MS), RAW_CLOSED);
    raw_close(c);
    c = raw_open();
    b.data[b.len - 1] ^= 1;
    CHECK(raw_send(c, OD_produce_KEY, 13, produce_one(&one, &t, 0, 0, b.data, b.len)));
    CHECK_EQ(raw_read(c, RAW_PATIENCE_MS), RAW_CLOSED);
    CHECK_EQ(ask_end(beside, &t), 0);
    raw_close(c);
    raw_close(beside);
}

TEST(pipelined_batches_of_one_connection_keep_their_order)
{
    enum { BATCHES = 200 };
    static const enum od_compress codecs[] = { OD_COMPRESS_NONE, OD_COMPRESS_ZSTD, OD_COMPRESS_NONE,
                                               OD_COMPRESS_GZIP };
    struct raw *c = raw_open();
    struct topic t = ask_create(c, "pipelined", 1, NULL);
    struct batch plain =
        batch_planned(&(struct batch_plan){ .count = 10, .timestamp = 1000, .value_bytes = 1000 });
    int32_t id = c->next_id;
    struct od_produce_rsp rsp;
    struct produce_one one;

    for (int i = 0; i < BATCHES; i++) {
        struct batch b = codecs[i % 4] ? batch_packed(&plain, codecs[i % 4]) : plain;

        produce_one(&one, &t, 0, i % 3 == 0 ? 1 : -1, b.data, b.len);
        CHECK(raw_send(c, OD_produce_KEY, 13, &one.req));
    }
    for (int i = 0; i < BATCHES; i++) {
        CHECK_EQ(raw_receive(c, OD_produce_KEY, 13, &rsp, RAW_PATIENCE_MS), RAW_ANSWER);
        CHECK_EQ(c->correlation_id, id + i);
        CHECK_EQ(rsp.responses.v[0].partition_responses.v[0].error_code, OD_NONE);
        CHECK_EQ(rsp.responses.v[0].partition_responses.v[0].base_offset, i * 10);
    }
    raw_close(c);
}

TEST(requests_sent_before_a_half_close_are_answered)
{
    enum { REQUESTS = 20 };
    struct raw *c = raw_open();
    struct od_metadata_req metadata;
    struct od_metadata_rsp rsp;

    for (int i = 0; i < REQUESTS; i++)
        CHECK(raw_send(c, OD_metadata_KEY, 9, no_topics(&metadata)));
    raw_half_close(c);
    for (int i = 0; i < REQUESTS; i++)
        CHECK_EQ(raw_receive(c, OD_metadata_KEY, 9, &rsp, RAW_PATIENCE_MS), RAW_ANSWER);
    CHECK_EQ(raw_read(c, RAW_PATIENCE_MS), RAW_CLOSED);
    raw_close(c);
}

TEST(a_request_in_pieces_is_the_same_request)
{
    struct raw *c = raw_open();
    struct od_metadata_req metadata;
    struct od_metadata_rsp rsp;
    size_t len;
    uint8_t *data = raw_encode(OD_metadata_KEY, 12, 77, no_topics(&metadata), &len);

    for (size_t i = 0; i < len; i++)
        CHECK(raw_write(c, data + i, 1));
    CHECK_EQ(raw_receive(c, OD_metadata_KEY, 12, &rsp, RAW_PATIENCE_MS), RAW_ANSWER);
    CHECK_EQ(c->correlation_id, 77);
    CHECK_EQ(rsp.brokers.n, 1);
    od_free(data);
    raw_close(c);
}
