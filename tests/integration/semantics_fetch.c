/* SPDX-License-Identifier: Apache-2.0 */
/* What a Fetch returns: whole batches, limits, waiting, and the order of its checks. */
#include "ask.h"

#include "base/mem.h"

#include <unistd.h>

TEST(p8_a_fetch_inside_a_batch_returns_the_whole_batch)
{
    struct raw *c = raw_open();
    struct topic t = ask_create(c, "whole", 1, NULL);
    struct batch first = batch_of(10), second = batch_of(5);
    struct fetch_plan plan = fetch_at(7);
    struct od_records records;

    CHECK_EQ(ask_produce(c, &t, 0, &first).base_offset, 0);
    CHECK_EQ(ask_produce(c, &t, 0, &second).base_offset, 10);
    records = ask_fetch(c, &t, &plan).records;
    CHECK_EQ(batch_count(records), 2);
    CHECK_EQ(od_be64_load(records.data), 0);
    plan = fetch_at(10);
    CHECK(batch_is(ask_fetch(c, &t, &plan).records, &second, 10, 0));
    raw_close(c);
}

TEST(the_end_is_empty_and_beyond_it_is_out_of_range)
{
    struct raw *c = raw_open();
    struct topic t = ask_create(c, "ends", 1, NULL);
    struct batch b = batch_of(10);
    struct fetch_plan plan = fetch_at(10);
    struct od_fetch_rsp_partition out;

    ask_produce(c, &t, 0, &b);
    out = ask_fetch(c, &t, &plan);
    CHECK_EQ(out.error_code, OD_NONE);
    CHECK_EQ(out.records.len, 0);
    CHECK_EQ(out.high_watermark, 10);
    plan = fetch_at(11);
    CHECK_EQ(ask_fetch(c, &t, &plan).error_code, OD_OFFSET_OUT_OF_RANGE);
    plan = fetch_at(-1);
    CHECK_EQ(ask_fetch(c, &t, &plan).error_code, OD_OFFSET_OUT_OF_RANGE);
    raw_close(c);
}

TEST(read_committed_gets_an_empty_list_of_aborted_transactions_and_others_null)
{
    struct raw *c = raw_open();
    struct topic t = ask_create(c, "isolation", 1, NULL);
    struct batch b = batch_of(1);
    struct fetch_plan plan = fetch_at(0);

    ask_produce(c, &t, 0, &b);
    CHECK_EQ(ask_fetch(c, &t, &plan).aborted_transactions.n, -1);
    plan.isolation = 1;
    CHECK_EQ(ask_fetch(c, &t, &plan).aborted_transactions.n, 0);
    raw_close(c);
}

TEST(a_topic_or_partition_that_is_not_there_has_its_code)
{
    struct raw *c = raw_open();
    struct topic t = ask_create(c, "present", 1, NULL);
    struct topic absent = { .name = "absent", .id = { { 7, 7 } } };
    struct fetch_plan plan = fetch_at(0);

    plan.max_wait_ms = RAW_PATIENCE_MS; /* errors do not wait */
    CHECK_EQ(ask_fetch(c, &absent, &plan).error_code, OD_UNKNOWN_TOPIC_ID);
    plan.version = 12;
    CHECK_EQ(ask_fetch(c, &absent, &plan).error_code, OD_UNKNOWN_TOPIC_OR_PARTITION);
    plan.partition = 1;
    CHECK_EQ(ask_fetch(c, &t, &plan).error_code, OD_UNKNOWN_TOPIC_OR_PARTITION);
    plan.version = 13;
    CHECK_EQ(ask_fetch(c, &t, &plan).error_code, OD_UNKNOWN_TOPIC_OR_PARTITION);
    raw_close(c);
}

TEST(a_clients_newer_epoch_is_unknown_before_any_look_at_the_offset)
{
    struct raw *c = raw_open();
    struct topic t = ask_create(c, "epochs", 1, NULL);
    struct fetch_plan plan = fetch_at(1000000);

    plan.epoch = 1;
    CHECK_EQ(ask_fetch(c, &t, &plan).error_code, OD_UNKNOWN_LEADER_EPOCH);
    plan.epoch = 0;
    CHECK_EQ(ask_fetch(c, &t, &plan).error_code, OD_OFFSET_OUT_OF_RANGE);
    raw_close(c);
}

TEST(a_zstd_topic_needs_version_10)
{
    struct raw *c = raw_open();
    struct topic t = ask_create(c, "zstd-topic", 1, "compression.type=zstd");
    struct fetch_plan plan = fetch_at(0);

    plan.version = 9;
    CHECK_EQ(ask_fetch(c, &t, &plan).error_code, OD_UNSUPPORTED_COMPRESSION_TYPE);
    plan.version = 10;
    CHECK_EQ(ask_fetch(c, &t, &plan).error_code, OD_NONE);
    raw_close(c);
}

/* --- limits -------------------------------------------------------------------------------- */

/* A topic of two partitions with ten batches of about 1,100 bytes each. */
static struct topic filled(struct raw *c, struct batch *b)
{
    struct topic t = ask_create(c, "filled", 2, NULL);

    *b = batch_planned(&(struct batch_plan){ .count = 1, .timestamp = 1000, .value_bytes = 1024 });
    for (int i = 0; i < 10; i++) {
        CHECK_EQ(ask_produce(c, &t, 0, b).base_offset, i);
        CHECK_EQ(ask_produce(c, &t, 1, b).base_offset, i);
    }
    return t;
}

TEST(partition_max_bytes_limits_and_one_batch_comes_whatever_it_says)
{
    struct raw *c = raw_open();
    struct batch b;
    struct topic t = filled(c, &b);
    struct fetch_plan plan = fetch_at(2);
    struct od_records records;

    plan.partition_max_bytes = 1;
    CHECK(batch_is(ask_fetch(c, &t, &plan).records, &b, 2, 0));
    plan.partition_max_bytes = (int32_t)(3 * b.len);
    records = ask_fetch(c, &t, &plan).records;
    CHECK_EQ(records.len, (int64_t)(3 * b.len));
    CHECK_EQ(batch_count(records), 3);
    plan.partition_max_bytes = 1 << 20;
    CHECK_EQ(batch_count(ask_fetch(c, &t, &plan).records), 8);
    raw_close(c);
}

/* Both partitions from the start; *out are theirs. */
static void fetch_both(struct raw *c, const struct topic *t, int32_t max_bytes,
                       struct od_fetch_rsp_partition out[2])
{
    struct od_fetch_req_partition partitions[2];
    struct fetch_plan plan = fetch_at(0);
    struct od_fetch_rsp rsp;
    struct fetch_one one;

    plan.max_bytes = max_bytes;
    fetch_one(&one, t, &plan);
    partitions[0] = partitions[1] = one.partition;
    partitions[1].partition = 1;
    one.topic.partitions.n = 2;
    one.topic.partitions.v = partitions;
    CHECK_EQ(raw_call(c, OD_fetch_KEY, plan.version, &one.req, &rsp), RAW_ANSWER);
    out[0].records = out[1].records = (struct od_records){ .len = 0 };
    for (int32_t i = 0; i < rsp.responses.n; i++)
        for (int32_t j = 0; j < rsp.responses.v[i].partitions.n; j++) {
            const struct od_fetch_rsp_partition *p = &rsp.responses.v[i].partitions.v[j];

            CHECK_EQ(p->error_code, OD_NONE);
            CHECK(p->partition_index == 0 || p->partition_index == 1);
            out[p->partition_index] = *p;
        }
}

TEST(max_bytes_limits_all_partitions_together_but_not_the_first_batch)
{
    struct raw *c = raw_open();
    struct batch b;
    struct topic t = filled(c, &b);
    struct od_fetch_rsp_partition out[2];

    fetch_both(c, &t, 1, out);
    CHECK_EQ(out[0].records.len + out[1].records.len, (int64_t)b.len);
    fetch_both(c, &t, (int32_t)(13 * b.len), out);
    CHECK_EQ(batch_count(out[0].records), 10);
    CHECK_EQ(batch_count(out[1].records), 3);
    fetch_both(c, &t, 1 << 20, out);
    CHECK_EQ(batch_count(out[0].records) + batch_count(out[1].records), 20);
    raw_close(c);
}

/* --- waiting ------------------------------------------------------------------------------- */

TEST(max_wait_is_waited_and_not_much_longer)
{
    struct raw *c = raw_open();
    struct topic t = ask_create(c, "wait", 1, NULL);
    struct fetch_plan plan = fetch_at(0);
    int64_t start_ms = now_ms();

    plan.max_wait_ms = 150;
    CHECK_EQ(ask_fetch(c, &t, &plan).records.len, 0);
    CHECK(now_ms() - start_ms >= 145);
    took_at_most(start_ms, 1000);
    start_ms = now_ms();
    plan.min_bytes = 0; /* nothing to wait for */
    plan.max_wait_ms = RAW_PATIENCE_MS;
    CHECK_EQ(ask_fetch(c, &t, &plan).records.len, 0);
    took_at_most(start_ms, 1000);
    raw_close(c);
}

TEST(a_waiting_fetch_wakes_at_once_when_records_come)
{
    struct raw *reader = raw_open(), *writer = raw_open();
    struct topic t = ask_create(writer, "wake", 1, NULL);
    struct fetch_plan plan = fetch_at(0);
    struct batch b = batch_of(3);
    struct od_fetch_rsp rsp;
    struct fetch_one one;
    int64_t produced_ms;

    plan.max_wait_ms = RAW_PATIENCE_MS;
    CHECK(raw_send(reader, OD_fetch_KEY, plan.version, fetch_one(&one, &t, &plan)));
    CHECK_EQ(raw_read(reader, 50), RAW_SILENCE);
    CHECK_EQ(ask_produce(writer, &t, 0, &b).error_code, OD_NONE);
    produced_ms = now_ms();
    CHECK_EQ(raw_receive(reader, OD_fetch_KEY, plan.version, &rsp, RAW_PATIENCE_MS), RAW_ANSWER);
    took_at_most(produced_ms, 250);
    CHECK(batch_is(fetch_only(&rsp).records, &b, 0, 0));
    raw_close(reader);
    raw_close(writer);
}

TEST(min_bytes_are_waited_for)
{
    struct raw *reader = raw_open(), *writer = raw_open();
    struct topic t = ask_create(writer, "min-bytes", 1, NULL);
    struct fetch_plan plan = fetch_at(0);
    struct batch b = batch_of(3);
    struct od_fetch_rsp rsp;
    struct fetch_one one;

    plan.max_wait_ms = RAW_PATIENCE_MS;
    plan.min_bytes = (int32_t)(2 * b.len);
    CHECK(raw_send(reader, OD_fetch_KEY, plan.version, fetch_one(&one, &t, &plan)));
    CHECK_EQ(ask_produce(writer, &t, 0, &b).error_code, OD_NONE);
    CHECK_EQ(raw_read(reader, 50), RAW_SILENCE);
    CHECK_EQ(ask_produce(writer, &t, 0, &b).error_code, OD_NONE);
    CHECK_EQ(raw_receive(reader, OD_fetch_KEY, plan.version, &rsp, 1000), RAW_ANSWER);
    CHECK_EQ(batch_count(fetch_only(&rsp).records), 2);
    raw_close(reader);
    raw_close(writer);
}

TEST(many_waiting_fetches_all_wake)
{
    enum { READERS = 50 };
    struct raw *writer = raw_open(), *readers[READERS];
    struct topic t = ask_create(writer, "crowd", 1, NULL);
    struct fetch_plan plan = fetch_at(0);
    struct batch b = batch_of(1);
    struct od_fetch_rsp rsp;
    struct fetch_one one;

    plan.max_wait_ms = RAW_PATIENCE_MS;
    fetch_one(&one, &t, &plan);
    for (int i = 0; i < READERS; i++) {
        readers[i] = raw_open();
        CHECK(raw_send(readers[i], OD_fetch_KEY, plan.version, &one.req));
    }
    usleep(20000);
    CHECK_EQ(ask_produce(writer, &t, 0, &b).error_code, OD_NONE);
    for (int i = 0; i < READERS; i++) {
        CHECK_EQ(raw_receive(readers[i], OD_fetch_KEY, plan.version, &rsp, 2000), RAW_ANSWER);
        CHECK(batch_is(fetch_only(&rsp).records, &b, 0, 0));
        raw_close(readers[i]);
    }
    raw_close(writer);
}
