/* SPDX-License-Identifier: Apache-2.0 */
/* What Produce accepts, how it answers, and what it refuses with which code. */
#include "ask.h"

#include "os/clock.h"

/* --- accepted ------------------------------------------------------------------------------ */

TEST(offsets_are_given_in_order_whatever_the_acks)
{
    struct raw *c = raw_open();
    struct topic t = ask_create(c, "acks", 1, NULL);
    struct batch b = batch_of(3);
    struct produce_one one;

    CHECK_EQ(ask_produce_version(c, 13, &t, 0, 1, &b).base_offset, 0);
    CHECK_EQ(ask_produce_version(c, 13, &t, 0, -1, &b).base_offset, 3);
    CHECK(raw_send(c, OD_produce_KEY, 13, produce_one(&one, &t, 0, 0, b.data, b.len)));
    CHECK_EQ(ask_produce_version(c, 13, &t, 0, -1, &b).base_offset, 9); /* no answer before it */
    raw_close(c);
}

TEST(min_insync_replicas_above_the_replication_factor_counts_as_the_factor)
{
    struct raw *c = raw_open();
    struct topic t = ask_create(c, "min-isr", 1, "min.insync.replicas=2");
    struct batch b = batch_of(1);

    CHECK_EQ(ask_produce_version(c, 13, &t, 0, 1, &b).error_code, OD_NONE);
    CHECK_EQ(ask_produce_version(c, 13, &t, 0, -1, &b).error_code, OD_NONE);
    CHECK_EQ(ask_end(c, &t), 2);
    raw_close(c);
}

/* Codec 5 stands for snappy in Java's framing. */
static struct batch packed(const struct batch *plain, int codec)
{
    return codec == 5 ? batch_packed_xerial(plain) : batch_packed(plain, (enum od_compress)codec);
}

TEST(p25_each_codec_is_stored_and_read_as_it_was_sent)
{
    struct raw *c = raw_open();
    struct topic t = ask_create(c, "codecs", 1, NULL);
    struct batch plain = batch_of(100);
    int64_t end = 0;

    for (int codec = OD_COMPRESS_NONE; codec <= 5; codec++, end += 100) {
        struct batch b = packed(&plain, codec);
        struct fetch_plan plan = fetch_at(end + 50);

        CHECK_EQ(ask_produce(c, &t, 0, &b).base_offset, end);
        CHECK(batch_is(ask_fetch(c, &t, &plan).records, &b, end, 0));
    }
    raw_close(c);
}

TEST(partitions_of_one_request_succeed_and_fail_each_for_itself)
{
    struct raw *c = raw_open();
    struct topic t = ask_create(c, "mixed", 2, NULL);
    struct batch good = batch_of(2), bad = batch_of(2);
    struct od_produce_req_partition partitions[3] = {
        { 1, { .data = good.data, .len = (int64_t)good.len } },
        { 0, { .data = bad.data, .len = (int64_t)bad.len } },
        { 2, { .data = good.data, .len = (int64_t)good.len } },
    };
    struct produce_one one;
    struct od_produce_rsp rsp;

    bad.data[bad.len - 1] ^= 1;
    produce_one(&one, &t, 0, -1, NULL, 0);
    one.topic.partition_data.n = 3;
    one.topic.partition_data.v = partitions;
    CHECK_EQ(raw_call(c, OD_produce_KEY, 13, &one.req, &rsp), RAW_ANSWER);
    CHECK_EQ(rsp.responses.n, 1);
    CHECK_EQ(rsp.responses.v[0].partition_responses.n, 3);
    for (int32_t i = 0; i < 3; i++) {
        static const enum od_err expected[3] = { OD_CORRUPT_MESSAGE, OD_NONE,
                                                 OD_UNKNOWN_TOPIC_OR_PARTITION };
        const struct od_produce_rsp_partition *out = &rsp.responses.v[0].partition_responses.v[i];

        CHECK_EQ(out->error_code, expected[out->index]);
        CHECK_EQ(out->base_offset, expected[out->index] ? -1 : 0);
    }
    CHECK_EQ(ask_end(c, &t), 0);
    raw_close(c);
}

/* --- refused ------------------------------------------------------------------------------- */

/* The batch is refused with this code, and nothing is appended. */
static void refused(struct raw *c, const struct topic *t, const struct batch *b, enum od_err err)
{
    int64_t end = ask_end(c, t);
    struct od_produce_rsp_partition out = ask_produce(c, t, 0, b);

    CHECK_EQ(out.error_code, err);
    CHECK_EQ(out.base_offset, -1);
    CHECK_EQ(ask_end(c, t), end);
}

TEST(topics_and_partitions_that_are_not_there_have_their_codes)
{
    struct raw *c = raw_open();
    struct topic t = ask_create(c, "there", 1, NULL);
    struct topic absent = { .name = "never-made", .id = { { 9, 9, 9 } } };
    struct batch b = batch_of(1);

    CHECK_EQ(ask_produce_version(c, 12, &absent, 0, -1, &b).error_code,
             OD_UNKNOWN_TOPIC_OR_PARTITION);
    CHECK_EQ(ask_produce_version(c, 13, &absent, 0, -1, &b).error_code, OD_UNKNOWN_TOPIC_ID);
    CHECK_EQ(ask_produce_version(c, 12, &t, 1, -1, &b).error_code, OD_UNKNOWN_TOPIC_OR_PARTITION);
    CHECK_EQ(ask_produce_version(c, 13, &t, 1, -1, &b).error_code, OD_UNKNOWN_TOPIC_OR_PARTITION);
    CHECK_EQ(ask_produce_version(c, 13, &t, -1, -1, &b).error_code, OD_UNKNOWN_TOPIC_OR_PARTITION);
    raw_close(c);
}

TEST(acks_other_than_0_1_and_all_are_refused)
{
    struct raw *c = raw_open();
    struct topic t = ask_create(c, "strange-acks", 1, NULL);
    struct batch b = batch_of(1);

    CHECK_EQ(ask_produce_version(c, 13, &t, 0, 2, &b).error_code, OD_INVALID_REQUIRED_ACKS);
    CHECK_EQ(ask_produce_version(c, 13, &t, 0, -2, &b).error_code, OD_INVALID_REQUIRED_ACKS);
    CHECK_EQ(ask_end(c, &t), 0);
    raw_close(c);
}

TEST(p20_a_wrong_checksum_is_a_corrupt_message)
{
    struct raw *c = raw_open();
    struct topic t = ask_create(c, "checksum", 1, NULL);
    struct batch b = batch_of(5);

    b.data[b.len / 2] ^= 0x10;
    refused(c, &t, &b, OD_CORRUPT_MESSAGE);
    raw_close(c);
}

TEST(p20_a_batch_of_exactly_max_message_bytes_fits_and_one_more_byte_does_not)
{
    struct raw *c = raw_open();
    struct batch b = batch_of(20);
    char setting[64];
    struct topic fits, tight;

    snprintf(setting, sizeof(setting), "max.message.bytes=%zu", b.len);
    fits = ask_create(c, "fits", 1, setting);
    snprintf(setting, sizeof(setting), "max.message.bytes=%zu", b.len - 1);
    tight = ask_create(c, "tight", 1, setting);
    CHECK_EQ(ask_produce(c, &fits, 0, &b).error_code, OD_NONE);
    refused(c, &tight, &b, OD_MESSAGE_TOO_LARGE);
    raw_close(c);
}

TEST(exactly_one_whole_batch_is_expected)
{
    struct raw *c = raw_open();
    struct topic t = ask_create(c, "one-batch", 1, NULL);
    struct batch b = batch_of(2), two = b, none = { .len = 0 }, cut = b;

    memcpy(two.data + b.len, b.data, b.len);
    two.len = 2 * b.len;
    refused(c, &t, &two, OD_INVALID_RECORD);
    refused(c, &t, &none, OD_INVALID_RECORD);
    cut.len--;
    CHECK(ask_produce(c, &t, 0, &cut).error_code != OD_NONE);
    CHECK_EQ(ask_end(c, &t), 0);
    raw_close(c);
}

TEST(old_record_formats_are_invalid_records_from_version_3_on)
{
    struct raw *c = raw_open();
    struct topic t = ask_create(c, "old-format", 1, NULL);
    struct batch b = batch_of(1);

    for (uint8_t magic = 0; magic < 2; magic++) {
        b.data[16] = magic;
        refused(c, &t, &b, OD_INVALID_RECORD);
    }
    raw_close(c);
}

TEST(p20_counts_that_contradict_each_other_are_invalid_records)
{
    struct raw *c = raw_open();
    struct topic t = ask_create(c, "counts", 1, NULL);
    struct batch b = batch_of(4);
    struct od_batch_header h = batch_header(&b);
    struct batch wrong;

    h.count = 5;
    wrong = batch_with_header(&b, &h);
    refused(c, &t, &wrong, OD_INVALID_RECORD);
    h.last_offset_delta = 4;
    wrong = batch_with_header(&b, &h);
    refused(c, &t, &wrong, OD_INVALID_RECORD);
    h.count = 3;
    h.last_offset_delta = 2;
    wrong = batch_with_header(&b, &h);
    refused(c, &t, &wrong, OD_INVALID_RECORD);
    h.count = 0;
    h.last_offset_delta = 0;
    wrong = batch_with_header(&b, &h);
    refused(c, &t, &wrong, OD_INVALID_RECORD);
    raw_close(c);
}

TEST(a_producer_counts_offsets_from_0)
{
    struct raw *c = raw_open();
    struct topic t = ask_create(c, "base-offset", 1, NULL);
    struct batch b = batch_of(1);

    od_batch_set_base_offset(b.data, 1);
    refused(c, &t, &b, OD_INVALID_RECORD);
    raw_close(c);
}

TEST(control_batches_are_not_for_clients)
{
    struct raw *c = raw_open();
    struct topic t = ask_create(c, "control", 1, NULL);
    struct batch b = batch_of(1);
    struct od_batch_header h = batch_header(&b);

    h.attributes |= OD_BATCH_CONTROL;
    b = batch_with_header(&b, &h);
    refused(c, &t, &b, OD_INVALID_RECORD);
    raw_close(c);
}

TEST(broken_compressed_records_are_refused_for_good)
{
    struct raw *c = raw_open();
    struct topic t = ask_create(c, "broken-pack", 1, NULL);
    struct batch plain = batch_of(50);

    for (int codec = OD_COMPRESS_GZIP; codec <= 5; codec++) {
        struct batch b = packed(&plain, codec);
        struct od_batch_header h = batch_header(&b);

        memset(b.data + OD_BATCH_HEADER_BYTES, 0x5a, 24);
        b = batch_with_header(&b, &h);
        refused(c, &t, &b, OD_INVALID_RECORD);
    }
    raw_close(c);
}

TEST(unknown_codecs_and_zstd_below_version_7_are_unsupported)
{
    struct raw *c = raw_open();
    struct topic t = ask_create(c, "no-codec", 1, NULL);
    struct batch plain = batch_of(50), zstd = batch_packed(&plain, OD_COMPRESS_ZSTD);
    struct od_batch_header h = batch_header(&plain);

    for (int16_t version = 3; version <= 6; version++)
        CHECK_EQ(ask_produce_version(c, version, &t, 0, -1, &zstd).error_code,
                 OD_UNSUPPORTED_COMPRESSION_TYPE);
    CHECK_EQ(ask_produce_version(c, 7, &t, 0, -1, &zstd).error_code, OD_NONE);
    h.attributes |= 5;
    plain = batch_with_header(&plain, &h);
    refused(c, &t, &plain, OD_UNSUPPORTED_COMPRESSION_TYPE);
    raw_close(c);
}

TEST(p20_records_without_key_on_a_compacted_topic_are_named_one_by_one)
{
    struct raw *c = raw_open();
    struct topic t = ask_create(c, "compacted", 1, "cleanup.policy=compact");
    struct batch keyed = batch_of(3);
    struct batch keyless = batch_planned(
        &(struct batch_plan){ .count = 3, .timestamp = od_clock_wall_ms(), .keyless = true });
    struct od_produce_rsp_partition out;

    CHECK_EQ(ask_produce(c, &t, 0, &keyed).error_code, OD_NONE);
    for (int packing = 0; packing < 2; packing++) {
        struct batch b = packing ? batch_packed(&keyless, OD_COMPRESS_LZ4) : keyless;

        out = ask_produce(c, &t, 0, &b);
        CHECK_EQ(out.error_code, OD_INVALID_RECORD);
        CHECK_EQ(out.record_errors.n, 3);
        for (int32_t i = 0; i < 3; i++)
            CHECK_EQ(out.record_errors.v[i].batch_index, i);
        CHECK_EQ(ask_end(c, &t), 3);
    }
    raw_close(c);
}

/* --- timestamps ---------------------------------------------------------------------------- */

TEST(log_append_time_is_told_and_stamped)
{
    struct raw *c = raw_open();
    struct topic t = ask_create(c, "append-time", 1, "message.timestamp.type=LogAppendTime");
    struct batch b = batch_planned(&(struct batch_plan){ .count = 3, .timestamp = 1000 });
    int64_t before = od_clock_wall_ms();
    struct od_produce_rsp_partition out = ask_produce(c, &t, 0, &b);
    struct fetch_plan plan = fetch_at(0);
    struct od_batch_header h;
    struct od_records records;

    CHECK_EQ(out.error_code, OD_NONE);
    CHECK(out.log_append_time_ms >= before && out.log_append_time_ms <= od_clock_wall_ms());
    records = ask_fetch(c, &t, &plan).records;
    CHECK_EQ(batch_count(records), 1);
    CHECK_OK(od_batch_parse(records.data, (size_t)records.len, &h));
    CHECK(h.attributes & OD_BATCH_LOG_APPEND_TIME);
    CHECK_EQ(h.max_timestamp, out.log_append_time_ms);
    raw_close(c);
}

TEST(p20_timestamps_out_of_range_are_named_and_the_limits_are_exact_enough)
{
    enum { HOUR = 3600000 };
    struct raw *c = raw_open();
    struct topic t = ask_create(c, "in-time", 1, "message.timestamp.before.max.ms=3600000");
    int64_t now = od_clock_wall_ms();
    struct batch old = batch_planned(
        &(struct batch_plan){ .count = 2, .timestamp = now - HOUR - 5000, .step = 10000 });
    struct batch future =
        batch_planned(&(struct batch_plan){ .count = 1, .timestamp = now + HOUR + 60000 });
    struct batch good = batch_planned(&(struct batch_plan){
        .count = 2, .timestamp = now - HOUR + 60000, .step = 2 * HOUR - 120000 });
    struct od_produce_rsp_partition out = ask_produce(c, &t, 0, &old);

    CHECK_EQ(out.error_code, OD_INVALID_TIMESTAMP);
    CHECK_EQ(out.record_errors.n, 1);
    CHECK_EQ(out.record_errors.v[0].batch_index, 0);
    refused(c, &t, &future, OD_INVALID_TIMESTAMP);
    CHECK_EQ(ask_produce(c, &t, 0, &good).error_code, OD_NONE);
    raw_close(c);
}

TEST(a_wrong_max_timestamp_is_put_right)
{
    struct raw *c = raw_open();
    struct topic t = ask_create(c, "max-timestamp", 1, NULL);
    struct batch b =
        batch_planned(&(struct batch_plan){ .count = 3, .timestamp = 1000000, .step = 10 });
    struct od_batch_header h = batch_header(&b);
    struct fetch_plan plan = fetch_at(0);
    struct od_records records;
    struct batch wrong;

    h.max_timestamp = 5;
    wrong = batch_with_header(&b, &h);
    CHECK_EQ(ask_produce(c, &t, 0, &wrong).error_code, OD_NONE);
    records = ask_fetch(c, &t, &plan).records;
    CHECK(batch_is(records, &b, 0, 0));
    CHECK_EQ(ask_offset(c, 0, &t, 0, 1000015).offset, 2);
    raw_close(c);
}
