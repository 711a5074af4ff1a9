/* SPDX-License-Identifier: Apache-2.0 */
/* DeleteRecords: how far, what then is earliest, what is refused. */
#include "admin.h"

static struct topic filled(struct raw *c, int batches, const char *settings)
{
    struct topic t = ask_create(c, "trimmed", 1, settings);
    struct batch b = batch_of(10);

    for (int i = 0; i < batches; i++)
        CHECK_EQ(ask_produce(c, &t, 0, &b).base_offset, i * 10);
    return t;
}

TEST(every_version_of_delete_records_moves_the_start)
{
    struct raw *c = raw_open();
    struct topic t = filled(c, 5, NULL);
    struct fetch_plan plan;

    for (int16_t version = 0; version <= 2; version++) {
        int64_t start = version * 7 + 3;
        struct od_delete_records_rsp_partition out = ask_delete_records(c, version, &t, 0, start);

        CHECK_EQ(out.error_code, OD_NONE);
        CHECK_EQ(out.low_watermark, start);
        CHECK_EQ(ask_offset(c, 0, &t, 0, -2).offset, start);
        plan = fetch_at(start - 1);
        CHECK_EQ(ask_fetch(c, &t, &plan).error_code, OD_OFFSET_OUT_OF_RANGE);
        plan = fetch_at(start);
        CHECK_EQ(ask_fetch(c, &t, &plan).error_code, OD_NONE);
        CHECK_EQ(ask_fetch(c, &t, &plan).log_start_offset, start);
    }
    raw_close(c);
}

TEST(minus_one_deletes_up_to_the_high_watermark_and_appends_go_on)
{
    struct raw *c = raw_open();
    struct topic t = filled(c, 3, NULL);
    struct batch b = batch_of(4);
    struct od_delete_records_rsp_partition out = ask_delete_records(c, 2, &t, 0, -1);

    CHECK_EQ(out.error_code, OD_NONE);
    CHECK_EQ(out.low_watermark, 30);
    CHECK_EQ(ask_offset(c, 0, &t, 0, -2).offset, 30);
    CHECK_EQ(ask_produce(c, &t, 0, &b).base_offset, 30);
    CHECK_EQ(ask_end(c, &t), 34);
    raw_close(c);
}

TEST(a_start_that_was_passed_already_stays)
{
    struct raw *c = raw_open();
    struct topic t = filled(c, 2, NULL);

    CHECK_EQ(ask_delete_records(c, 2, &t, 0, 15).low_watermark, 15);
    CHECK_EQ(ask_delete_records(c, 2, &t, 0, 5).error_code, OD_NONE);
    CHECK_EQ(ask_delete_records(c, 2, &t, 0, 5).low_watermark, 15);
    CHECK_EQ(ask_delete_records(c, 2, &t, 0, 20).low_watermark, 20); /* the end itself */
    raw_close(c);
}

TEST(what_cannot_be_deleted_has_its_code)
{
    struct raw *c = raw_open();
    struct topic t = filled(c, 1, NULL), unknown = { .name = "never-was" };
    struct topic compact = ask_create(c, "kept", 1, "cleanup.policy=compact");
    struct topic both = ask_create_named(c, "kept-a-while", 1, "cleanup.policy", "compact,delete");
    struct od_delete_records_rsp_partition out = ask_delete_records(c, 2, &t, 0, 11);

    CHECK_EQ(out.error_code, OD_OFFSET_OUT_OF_RANGE); /* beyond the high watermark */
    CHECK_EQ(out.low_watermark, -1);
    CHECK_EQ(ask_delete_records(c, 2, &t, 0, -2).error_code, OD_OFFSET_OUT_OF_RANGE);
    CHECK_EQ(ask_delete_records(c, 2, &t, 1, 0).error_code, OD_UNKNOWN_TOPIC_OR_PARTITION);
    CHECK_EQ(ask_delete_records(c, 2, &t, -1, 0).error_code, OD_UNKNOWN_TOPIC_OR_PARTITION);
    CHECK_EQ(ask_delete_records(c, 2, &unknown, 0, 0).error_code, OD_UNKNOWN_TOPIC_OR_PARTITION);
    CHECK_EQ(ask_delete_records(c, 2, &compact, 0, 0).error_code, OD_POLICY_VIOLATION);
    CHECK_EQ(ask_delete_records(c, 2, &both, 0, 0).error_code, OD_NONE);
    CHECK_EQ(ask_offset(c, 0, &t, 0, -2).offset, 0);
    raw_close(c);
}

TEST(partitions_of_one_request_are_answered_each_for_itself)
{
    struct raw *c = raw_open();
    struct topic t = filled(c, 2, NULL);
    struct od_delete_records_req_partition p[3] = { { 0, 4 }, { 3, 4 }, { 0, 99 } };
    struct od_delete_records_req_topic topic = { .name = od_str_of(t.name),
                                                 .partitions = { .n = 3, .v = p } };
    struct od_delete_records_req req;
    struct od_delete_records_rsp rsp;

    od_delete_records_req_defaults(&req);
    req.topics.n = 1;
    req.topics.v = &topic;
    CHECK_EQ(raw_call(c, OD_delete_records_KEY, 2, &req, &rsp), RAW_ANSWER);
    CHECK_EQ(rsp.topics.v[0].partitions.n, 3);
    CHECK_EQ(rsp.topics.v[0].partitions.v[0].error_code, OD_NONE);
    CHECK_EQ(rsp.topics.v[0].partitions.v[1].error_code, OD_UNKNOWN_TOPIC_OR_PARTITION);
    CHECK_EQ(rsp.topics.v[0].partitions.v[2].error_code, OD_OFFSET_OUT_OF_RANGE);
    raw_close(c);
}
