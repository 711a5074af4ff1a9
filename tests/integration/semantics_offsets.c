/* SPDX-License-Identifier: Apache-2.0 */
/* ListOffsets: both ends, times, special timestamps and the version each came with. */
#include "ask.h"

enum { T0 = 1000000000 };

/* Ten records in two batches, the second one compressed, at T0, T0+10, ... T0+90. */
static struct topic timed(struct raw *c)
{
    struct topic t = ask_create(c, "timed", 1, NULL);
    struct batch first =
        batch_planned(&(struct batch_plan){ .count = 5, .timestamp = T0, .step = 10 });
    struct batch second =
        batch_planned(&(struct batch_plan){ .count = 5, .timestamp = T0 + 50, .step = 10 });

    second = batch_packed(&second, OD_COMPRESS_LZ4);
    CHECK_EQ(ask_produce(c, &t, 0, &first).base_offset, 0);
    CHECK_EQ(ask_produce(c, &t, 0, &second).base_offset, 5);
    return t;
}

static void found(struct raw *c, const struct topic *t, int64_t asked, int64_t offset,
                  int64_t timestamp, int32_t epoch)
{
    struct od_list_offsets_rsp_partition out = ask_offset(c, 0, t, 0, asked);

    CHECK_EQ(out.error_code, OD_NONE);
    CHECK_EQ(out.offset, offset);
    CHECK_EQ(out.timestamp, timestamp);
    CHECK_EQ(out.leader_epoch, epoch);
}

TEST(p19_a_time_finds_the_first_record_not_older_than_it)
{
    struct raw *c = raw_open();
    struct topic t = timed(c);

    found(c, &t, 0, 0, T0, 0);
    found(c, &t, T0, 0, T0, 0);
    found(c, &t, T0 + 1, 1, T0 + 10, 0);
    found(c, &t, T0 + 40, 4, T0 + 40, 0);
    found(c, &t, T0 + 41, 5, T0 + 50, 0);
    found(c, &t, T0 + 75, 8, T0 + 80, 0); /* inside the compressed batch */
    found(c, &t, T0 + 90, 9, T0 + 90, 0);
    raw_close(c);
}

TEST(a_time_after_all_records_finds_nothing_and_that_is_no_error)
{
    struct raw *c = raw_open();
    struct topic t = timed(c), empty = ask_create(c, "empty", 1, NULL);

    found(c, &t, T0 + 91, -1, -1, -1);
    found(c, &empty, 0, -1, -1, -1);
    raw_close(c);
}

TEST(p19_special_timestamps_have_their_answers)
{
    struct raw *c = raw_open();
    struct topic t = timed(c), empty = ask_create(c, "empty", 1, NULL);

    found(c, &t, -1, 10, -1, 0);
    found(c, &t, -2, 0, -1, 0);
    found(c, &t, -3, 9, T0 + 90, 0);
    found(c, &t, -4, 0, -1, 0);
    found(c, &t, -5, -1, -1, -1);
    found(c, &empty, -1, 0, -1, 0);
    found(c, &empty, -3, -1, -1, -1);
    CHECK_EQ(ask_offset(c, 0, &empty, 0, -2).offset, 0);
    raw_close(c);
}

TEST(the_greatest_timestamp_may_lie_before_the_end)
{
    struct raw *c = raw_open();
    struct topic t = ask_create(c, "falling", 1, NULL);
    struct batch high =
        batch_planned(&(struct batch_plan){ .count = 3, .timestamp = T0, .step = -7 });
    struct batch low = batch_planned(&(struct batch_plan){ .count = 3, .timestamp = 5, .step = 1 });

    CHECK_EQ(ask_produce(c, &t, 0, &low).error_code, OD_NONE);
    CHECK_EQ(ask_produce(c, &t, 0, &high).error_code, OD_NONE);
    CHECK_EQ(ask_produce(c, &t, 0, &low).error_code, OD_NONE);
    found(c, &t, -3, 3, T0, 0);
    found(c, &t, T0 - 10, 3, T0, 0);
    found(c, &t, 6, 1, 6, 0);
    raw_close(c);
}

TEST(p19_a_special_timestamp_is_unsupported_below_its_version)
{
    static const struct {
        int64_t timestamp;
        int16_t since;
    } specials[] = { { -3, 7 }, { -4, 8 }, { -5, 9 }, { -6, 11 } };
    struct raw *c = raw_open();
    struct topic t = timed(c);

    for (size_t i = 0; i < OD_COUNT(specials); i++) {
        int16_t since = specials[i].since;

        CHECK_EQ(ask_offset(c, (int16_t)(since - 1), &t, 0, specials[i].timestamp).error_code,
                 OD_UNSUPPORTED_VERSION);
        CHECK_EQ(ask_offset(c, since, &t, 0, specials[i].timestamp).error_code, OD_NONE);
    }
    CHECK_EQ(ask_offset(c, 11, &t, 0, -7).error_code, OD_UNSUPPORTED_VERSION);
    raw_close(c);
}

TEST(what_is_not_there_has_its_code)
{
    struct raw *c = raw_open();
    struct topic t = timed(c), absent = { .name = "absent" };

    CHECK_EQ(ask_offset(c, 0, &absent, 0, -1).error_code, OD_UNKNOWN_TOPIC_OR_PARTITION);
    CHECK_EQ(ask_offset(c, 0, &t, 1, -1).error_code, OD_UNKNOWN_TOPIC_OR_PARTITION);
    raw_close(c);
}

TEST(p19_a_partition_named_twice_is_an_invalid_request)
{
    struct raw *c = raw_open();
    struct topic t = timed(c);
    struct od_list_offsets_req_partition p[3];
    struct od_list_offsets_req_topic topic = { .name = od_str_of(t.name),
                                               .partitions = { .n = 3, .v = p } };
    struct od_list_offsets_req req;
    struct od_list_offsets_rsp rsp;

    od_list_offsets_req_defaults(&req);
    for (int i = 0; i < 3; i++) {
        od_list_offsets_req_partition_defaults(&p[i]);
        p[i].timestamp = -1;
    }
    p[2].partition_index = 7;
    req.replica_id = -1;
    req.topics.n = 1;
    req.topics.v = &topic;
    CHECK_EQ(raw_call(c, OD_list_offsets_KEY, 11, &req, &rsp), RAW_ANSWER);
    CHECK_EQ(rsp.topics.n, 1);
    for (int32_t i = 0; i < rsp.topics.v[0].partitions.n; i++) {
        const struct od_list_offsets_rsp_partition *out = &rsp.topics.v[0].partitions.v[i];

        CHECK_EQ(out->error_code,
                 out->partition_index == 0 ? OD_INVALID_REQUEST : OD_UNKNOWN_TOPIC_OR_PARTITION);
    }
    raw_close(c);
}

TEST(a_newer_leader_epoch_than_ours_is_unknown)
{
    struct raw *c = raw_open();
    struct topic t = timed(c);
    struct od_list_offsets_req_partition p;
    struct od_list_offsets_req_topic topic = { .name = od_str_of(t.name),
                                               .partitions = { .n = 1, .v = &p } };
    struct od_list_offsets_req req;
    struct od_list_offsets_rsp rsp;

    od_list_offsets_req_defaults(&req);
    od_list_offsets_req_partition_defaults(&p);
    p.timestamp = -1;
    p.current_leader_epoch = 3;
    req.replica_id = -1;
    req.topics.n = 1;
    req.topics.v = &topic;
    CHECK_EQ(raw_call(c, OD_list_offsets_KEY, 11, &req, &rsp), RAW_ANSWER);
    CHECK_EQ(rsp.topics.v[0].partitions.v[0].error_code, OD_UNKNOWN_LEADER_EPOCH);
    raw_close(c);
}

/* --- version 0, which tells where segments begin ---------------------------------------------- */

struct old_asked {
    int64_t timestamp;
    int32_t most;
};

static struct od_list_offsets_rsp_partition ask_old(struct raw *c, const struct topic *t,
                                                    int32_t partition, struct old_asked asked)
{
    struct od_list_offsets_req_partition p[2];
    struct od_list_offsets_req_topic topic = { .name = od_str_of(t->name),
                                               .partitions = { .n = 2, .v = p } };
    struct od_list_offsets_req req;
    struct od_list_offsets_rsp rsp;
    struct od_list_offsets_rsp_partition *out;

    od_list_offsets_req_defaults(&req);
    for (int i = 0; i < 2; i++) {
        od_list_offsets_req_partition_defaults(&p[i]);
        p[i].partition_index = partition;
        p[i].timestamp = asked.timestamp;
        p[i].max_num_offsets = asked.most;
    }
    req.replica_id = -1;
    req.topics.n = 1;
    req.topics.v = &topic;
    CHECK_EQ(raw_call(c, OD_list_offsets_KEY, 0, &req, &rsp), RAW_ANSWER);
    CHECK_EQ(rsp.topics.v[0].partitions.n, 2); /* named twice, answered twice */
    out = rsp.topics.v[0].partitions.v;
    CHECK_EQ(out[0].error_code, out[1].error_code);
    CHECK_EQ(out[0].old_style_offsets.n, out[1].old_style_offsets.n);
    return out[0];
}

static void old_is(struct raw *c, const struct topic *t, struct old_asked asked, int32_t n,
                   int64_t first, int64_t second)
{
    struct od_list_offsets_rsp_partition out = ask_old(c, t, 0, asked);

    CHECK_EQ(out.error_code, OD_NONE);
    CHECK_EQ(out.old_style_offsets.n, n);
    if (n > 0)
        CHECK_EQ(out.old_style_offsets.v[0], first);
    if (n > 1)
        CHECK_EQ(out.old_style_offsets.v[1], second);
}

TEST(version_0_tells_the_end_and_where_segments_begin_newest_first)
{
    struct raw *c = raw_open();
    struct topic t = timed(c), empty = ask_create(c, "empty", 1, NULL);

    old_is(c, &t, (struct old_asked){ -1, 1 }, 1, 10, 0);
    old_is(c, &t, (struct old_asked){ -1, 9 }, 2, 10, 0);
    old_is(c, &t, (struct old_asked){ -1, 0 }, 0, 0, 0);
    old_is(c, &t, (struct old_asked){ -2, 9 }, 1, 0, 0);
    old_is(c, &t, (struct old_asked){ INT64_MAX, 9 }, 2, 10, 0);
    old_is(c, &t, (struct old_asked){ T0, 9 }, 0, 0, 0); /* files change later than their records */
    CHECK_EQ(ask_old(c, &t, 0, (struct old_asked){ -3, 9 }).error_code, OD_UNSUPPORTED_VERSION);
    old_is(c, &empty, (struct old_asked){ -1, 9 }, 1, 0, 0);
    old_is(c, &empty, (struct old_asked){ INT64_MAX, 9 }, 1, 0, 0);
    raw_close(c);
}

TEST(version_0_has_error_codes_too)
{
    struct raw *c = raw_open();
    struct topic t = timed(c), absent = { .name = "absent" };

    CHECK_EQ(ask_old(c, &absent, 0, (struct old_asked){ -1, 1 }).error_code,
             OD_UNKNOWN_TOPIC_OR_PARTITION);
    CHECK_EQ(ask_old(c, &t, 1, (struct old_asked){ -1, 1 }).error_code,
             OD_UNKNOWN_TOPIC_OR_PARTITION);
    CHECK_EQ(ask_old(c, &t, 0, (struct old_asked){ -1, -1 }).error_code, OD_INVALID_REQUEST);
    raw_close(c);
}
