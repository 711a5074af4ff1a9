/* SPDX-License-Identifier: Apache-2.0 */
/* Topics with a compression of their own: what is stored, what is told, what is refused. */
#include "ask.h"

#include "os/clock.h"

enum { CODECS = OD_COMPRESS_ZSTD + 1, COUNT = 50 };

static const char *const words[CODECS] = { "uncompressed", "gzip", "snappy", "lz4", "zstd" };

static struct topic create_as(struct raw *c, const char *codec, const char *more)
{
    char settings[200];

    snprintf(settings, sizeof(settings), "compression.type=%s%s", codec, more);
    return ask_create(c, "codec", 1, settings);
}

static struct batch packed(const struct batch *plain, int codec)
{
    return codec == OD_COMPRESS_NONE ? *plain : batch_packed(plain, (enum od_compress)codec);
}

/* The fetched batch has the codec and, expanded, the records of plain. */
static void check_stored(struct raw *c, const struct topic *t, int64_t offset, int codec,
                         const struct batch *plain)
{
    struct fetch_plan plan = fetch_at(offset);
    struct od_records got = ask_fetch(c, t, &plan).records;
    struct od_expand_limits limits = { .total_bytes = 1 << 20 };
    struct od_batch_header stored, sent = batch_header(plain);
    struct od_record_stream a, b;
    struct od_record x, y;

    CHECK_EQ(batch_count(got), 1);
    CHECK_OK(od_batch_parse(got.data, (size_t)got.len, &stored));
    CHECK_EQ(od_batch_compression(&stored), codec);
    CHECK_EQ(stored.base_offset, offset);
    CHECK_EQ(stored.base_timestamp, sent.base_timestamp);
    CHECK_EQ(stored.count, sent.count);
    CHECK_OK(od_record_stream_open(&a, got.data, &stored, &limits));
    CHECK_OK(od_record_stream_open(&b, plain->data, &sent, &limits));
    for (int i = 0; i < sent.count; i++) {
        CHECK_OK(od_record_stream_next(&a, &x));
        CHECK_OK(od_record_stream_next(&b, &y));
        CHECK_EQ(x.offset, offset + y.offset);
        CHECK_EQ(x.timestamp, y.timestamp);
        CHECK_EQ(x.value.len, y.value.len);
        CHECK_MEM(x.value.data, y.value.data, x.value.len);
    }
    od_record_stream_close(&a);
    od_record_stream_close(&b);
}

TEST(a_topic_with_a_compression_stores_every_batch_in_it)
{
    struct raw *c = raw_open();
    struct batch plain = batch_of(COUNT);

    for (int to = 0; to < CODECS; to++) {
        struct topic t = create_as(c, words[to], "");

        for (int from = 0; from < CODECS; from++) {
            struct batch b = packed(&plain, from);

            CHECK_EQ(ask_produce(c, &t, 0, &b).base_offset, from * COUNT);
            check_stored(c, &t, from * COUNT, to, &plain);
        }
    }
    raw_close(c);
}

TEST(a_batch_that_has_the_topics_compression_is_stored_as_it_came)
{
    struct raw *c = raw_open();
    struct topic t = create_as(c, "zstd", ",compression.zstd.level=19");
    struct batch plain = batch_of(COUNT), b = batch_packed(&plain, OD_COMPRESS_ZSTD);
    struct fetch_plan plan = fetch_at(0);

    CHECK_EQ(ask_produce(c, &t, 0, &b).error_code, OD_NONE);
    CHECK(batch_is(ask_fetch(c, &t, &plan).records, &b, 0, 0));
    raw_close(c);
}

static int32_t stored_bytes(struct raw *c, const char *codec, const char *level,
                            const struct batch *plain)
{
    struct topic t = create_as(c, codec, level);
    struct fetch_plan plan = fetch_at(0);

    CHECK_EQ(ask_produce(c, &t, 0, plain).error_code, OD_NONE);
    return (int32_t)ask_fetch(c, &t, &plan).records.len;
}

TEST(the_topics_level_counts)
{
    struct raw *c = raw_open();
    struct batch plain = batch_planned(
        &(struct batch_plan){ .count = 200, .timestamp = od_clock_wall_ms(), .step = 1 });

    CHECK(stored_bytes(c, "gzip", ",compression.gzip.level=9", &plain) <
          stored_bytes(c, "gzip", ",compression.gzip.level=1", &plain));
    CHECK(stored_bytes(c, "lz4", ",compression.lz4.level=12", &plain) <
          stored_bytes(c, "lz4", ",compression.lz4.level=1", &plain));
    CHECK(stored_bytes(c, "zstd", ",compression.zstd.level=3", &plain) <
          stored_bytes(c, "zstd", ",compression.zstd.level=-100", &plain));
    raw_close(c);
}

TEST(the_limit_of_a_batch_holds_for_what_is_stored_too)
{
    struct raw *c = raw_open();
    struct topic t = create_as(c, "uncompressed", ",max.message.bytes=1000");
    struct batch plain =
        batch_planned(&(struct batch_plan){ .count = 1, .timestamp = 1, .value_bytes = 2000 });
    struct batch b = batch_packed(&plain, OD_COMPRESS_LZ4), small = batch_of(1);

    CHECK(b.len < 1000);
    CHECK_EQ(ask_produce(c, &t, 0, &b).error_code, OD_MESSAGE_TOO_LARGE);
    CHECK_EQ(ask_end(c, &t), 0);
    small = batch_packed(&small, OD_COMPRESS_GZIP);
    CHECK_EQ(ask_produce(c, &t, 0, &small).base_offset, 0);
    raw_close(c);
}

TEST(log_append_time_and_another_compression_go_together)
{
    struct raw *c = raw_open();
    struct topic t = create_as(c, "lz4", ",message.timestamp.type=LogAppendTime");
    struct batch plain =
        batch_planned(&(struct batch_plan){ .count = 3, .timestamp = 5, .step = 1 });
    struct od_produce_rsp_partition out = ask_produce(c, &t, 0, &plain);
    struct fetch_plan plan = fetch_at(0);
    struct od_batch_header h;
    struct od_records got;

    CHECK_EQ(out.error_code, OD_NONE);
    CHECK(out.log_append_time_ms > 5);
    got = ask_fetch(c, &t, &plan).records;
    CHECK_EQ(batch_count(got), 1);
    CHECK_OK(od_batch_parse(got.data, (size_t)got.len, &h));
    CHECK_EQ(h.max_timestamp, out.log_append_time_ms);
    CHECK(h.attributes & OD_BATCH_LOG_APPEND_TIME);
    CHECK_EQ(od_batch_compression(&h), OD_COMPRESS_LZ4);
    raw_close(c);
}

TEST(p20_bad_records_are_named_before_anything_is_packed_anew)
{
    struct raw *c = raw_open();
    struct topic t =
        create_as(c, "zstd", ",cleanup.policy=compact,odradek.validate.records=header");
    struct batch plain = batch_planned(
        &(struct batch_plan){ .count = 3, .timestamp = od_clock_wall_ms(), .keyless = true });
    struct batch b = batch_packed(&plain, OD_COMPRESS_GZIP);
    struct od_produce_rsp_partition out = ask_produce(c, &t, 0, &b);

    CHECK_EQ(out.error_code, OD_INVALID_RECORD);
    CHECK_EQ(out.record_errors.n, 3);
    CHECK_EQ(out.record_errors.v[2].batch_index, 2);
    CHECK_EQ(out.log_start_offset, 0);
    CHECK_EQ(ask_end(c, &t), 0);
    raw_close(c);
}

TEST(pipelined_batches_keep_their_order_when_each_is_packed_anew)
{
    enum { REQUESTS = 20 };
    struct raw *c = raw_open();
    struct topic t = create_as(c, "gzip", "");
    struct batch plain = batch_of(7), lz4 = batch_packed(&plain, OD_COMPRESS_LZ4);
    struct batch same = batch_packed(&plain, OD_COMPRESS_GZIP);
    struct od_produce_rsp rsp;
    struct produce_one one;

    for (int i = 0; i < REQUESTS; i++) {
        const struct batch *b = i % 3 == 0 ? &same : i % 3 == 1 ? &lz4 : &plain;

        CHECK(raw_send(c, OD_produce_KEY, 13, produce_one(&one, &t, 0, 1, b->data, b->len)));
    }
    for (int i = 0; i < REQUESTS; i++) {
        CHECK_EQ(raw_receive(c, OD_produce_KEY, 13, &rsp, RAW_PATIENCE_MS), RAW_ANSWER);
        CHECK_EQ(rsp.responses.v[0].partition_responses.v[0].base_offset, i * 7);
    }
    raw_close(c);
}
