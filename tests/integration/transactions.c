/* SPDX-License-Identifier: Apache-2.0 */
/* What readers see of the transactions that plant.c wrote to the topic that PLANTED names. */
#include "ask.h"

#include "wire/api/describe_producers.h"

static struct topic planted(struct raw *c)
{
    struct od_metadata_rsp_topic known;
    struct topic t;

    snprintf(t.name, sizeof(t.name), "%s", getenv("PLANTED"));
    CHECK(ask_topic(c, t.name, &known));
    t.id = known.topic_id;
    return t;
}

static struct od_fetch_rsp_partition fetch(struct raw *c, const struct topic *t, int64_t offset,
                                           int8_t isolation, int16_t version)
{
    struct fetch_plan plan = fetch_at(offset);

    plan.isolation = isolation;
    plan.version = version;
    return ask_fetch(c, t, &plan);
}

/* The offset after the last batch; -1: none. */
static int64_t end_of(struct od_records records)
{
    int64_t end = -1;

    for (const uint8_t *p = records.data; p < records.data + records.len;) {
        struct od_batch_header h;

        CHECK_OK(od_batch_parse(p, (size_t)(records.data + records.len - p), &h));
        end = od_batch_last_offset(&h) + 1;
        p += od_batch_bytes(&h);
    }
    return end;
}

TEST(p9_read_committed_ends_at_the_last_stable_offset_and_names_what_was_aborted)
{
    struct raw *c = raw_open();
    struct topic t = planted(c);

    for (int16_t version = 4; version <= 18; version++) {
        struct od_fetch_rsp_partition out = fetch(c, &t, 0, 1, version);

        CHECK_EQ(out.error_code, OD_NONE);
        CHECK_EQ(out.high_watermark, 15);
        CHECK_EQ(out.last_stable_offset, 10);
        CHECK_EQ(end_of(out.records), 10);
        CHECK_EQ(out.aborted_transactions.n, 1);
        CHECK_EQ(out.aborted_transactions.v[0].producer_id, 7001);
        CHECK_EQ(out.aborted_transactions.v[0].first_offset, 0);
    }
    raw_close(c);
}

TEST(read_uncommitted_sees_everything_and_no_list)
{
    struct raw *c = raw_open();
    struct topic t = planted(c);
    struct od_fetch_rsp_partition out = fetch(c, &t, 0, 0, 18);

    CHECK_EQ(end_of(out.records), 15);
    CHECK_EQ(out.last_stable_offset, 10);
    CHECK_EQ(out.aborted_transactions.n, -1);
    raw_close(c);
}

TEST(a_transaction_begun_before_the_fetch_offset_is_in_the_list_until_its_marker)
{
    struct raw *c = raw_open();
    struct topic t = planted(c);

    CHECK_EQ(fetch(c, &t, 1, 1, 18).aborted_transactions.n, 1);
    CHECK_EQ(fetch(c, &t, 6, 1, 18).aborted_transactions.n, 1);
    CHECK_EQ(fetch(c, &t, 7, 1, 18).aborted_transactions.n, 0);
    raw_close(c);
}

TEST(above_the_last_stable_offset_a_committed_read_is_empty)
{
    struct raw *c = raw_open();
    struct topic t = planted(c);

    for (int64_t offset = 10; offset <= 15; offset++) {
        struct od_fetch_rsp_partition out = fetch(c, &t, offset, 1, 18);

        CHECK_EQ(out.error_code, OD_NONE);
        CHECK_EQ(out.records.len, 0);
    }
    CHECK_EQ(fetch(c, &t, 16, 1, 18).error_code, OD_OFFSET_OUT_OF_RANGE);
    raw_close(c);
}

static int64_t latest(struct raw *c, const struct topic *t, int8_t isolation)
{
    struct od_list_offsets_req_partition partition;
    struct od_list_offsets_req_topic topic = { od_str_of(t->name), { 1, &partition } };
    struct od_list_offsets_req req;
    struct od_list_offsets_rsp rsp;

    od_list_offsets_req_partition_defaults(&partition);
    partition.timestamp = -1;
    od_list_offsets_req_defaults(&req);
    req.replica_id = -1;
    req.isolation_level = isolation;
    req.topics.n = 1;
    req.topics.v = &topic;
    CHECK_EQ(raw_call(c, OD_list_offsets_KEY, 5, &req, &rsp), RAW_ANSWER);
    CHECK_EQ(rsp.topics.v[0].partitions.v[0].error_code, OD_NONE);
    return rsp.topics.v[0].partitions.v[0].offset;
}

TEST(p19_the_latest_committed_offset_is_the_last_stable_one)
{
    struct raw *c = raw_open();
    struct topic t = planted(c);

    CHECK_EQ(latest(c, &t, 1), 10);
    CHECK_EQ(latest(c, &t, 0), 15);
    raw_close(c);
}

TEST(the_undecided_transaction_is_described_and_plain_batches_of_its_producer_are_refused)
{
    struct raw *c = raw_open();
    struct topic t = planted(c);
    int32_t index = 0;
    struct od_describe_producers_req_topic topic = { od_str_of(t.name), { 1, &index } };
    struct od_describe_producers_req req = { { 1, &topic } };
    struct od_describe_producers_rsp rsp;
    struct batch plain = batch_of(1), b = batch_of_producer(&plain, 7003, 0, 3);
    int open = 0;

    CHECK_EQ(raw_call(c, OD_describe_producers_KEY, 0, &req, &rsp), RAW_ANSWER);
    CHECK_EQ(rsp.topics.v[0].partitions.v[0].active_producers.n, 3);
    for (int i = 0; i < 3; i++) {
        const struct od_describe_producers_rsp_producer *p =
            &rsp.topics.v[0].partitions.v[0].active_producers.v[i];

        open += p->current_txn_start_offset >= 0;
        CHECK_EQ(p->current_txn_start_offset, p->producer_id == 7003 ? 10 : -1);
        CHECK_EQ(p->coordinator_epoch, p->producer_id == 7003 ? -1 : 0);
    }
    CHECK_EQ(open, 1);
    CHECK_EQ(ask_produce(c, &t, 0, &b).error_code, OD_INVALID_TXN_STATE);
    raw_close(c);
}
