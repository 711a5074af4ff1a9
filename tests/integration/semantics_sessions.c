/* SPDX-License-Identifier: Apache-2.0 */
/* Incremental fetch sessions (KIP-227): what an answer leaves out and what it must not. */
#include "ask.h"

/* A session over partitions 0 and 1 of one topic, on one connection. */
struct session {
    struct raw *c;
    struct topic t;
    int16_t version;
    int32_t id;
    int32_t epoch; /* of the next request */
};

static void name_partition(struct od_fetch_req_partition *p, int32_t partition, int64_t offset)
{
    od_fetch_req_partition_defaults(p);
    p->partition = partition;
    p->fetch_offset = offset;
    p->partition_max_bytes = 1 << 20;
}

/* Sends what is named, forgets what is named, in the session. */
static struct od_fetch_rsp ask(struct session *s, int n, struct od_fetch_req_partition *partitions,
                               int forgotten_count, int32_t *forgotten)
{
    struct od_fetch_req_topic topic;
    struct od_fetch_req_forgotten_topic gone;
    struct od_fetch_req req;
    struct od_fetch_rsp rsp;

    od_fetch_req_defaults(&req);
    od_fetch_req_topic_defaults(&topic);
    od_fetch_req_forgotten_topic_defaults(&gone);
    topic.topic = gone.topic = od_str_of(s->t.name);
    topic.topic_id = gone.topic_id = s->t.id;
    topic.partitions.n = n;
    topic.partitions.v = partitions;
    gone.partitions.n = forgotten_count;
    gone.partitions.v = forgotten;
    req.min_bytes = 1;
    req.max_bytes = 1 << 20;
    req.session_id = s->id;
    req.session_epoch = s->epoch;
    req.topics.n = n > 0 ? 1 : 0;
    req.topics.v = &topic;
    req.forgotten_topics_data.n = forgotten_count > 0 ? 1 : 0;
    req.forgotten_topics_data.v = &gone;
    CHECK_EQ(raw_call(s->c, OD_fetch_KEY, s->version, &req, &rsp), RAW_ANSWER);
    return rsp;
}

/* The next incremental request; it succeeds. */
static struct od_fetch_rsp next(struct session *s, int n, struct od_fetch_req_partition *partitions)
{
    struct od_fetch_rsp rsp = ask(s, n, partitions, 0, NULL);

    CHECK_EQ(rsp.error_code, OD_NONE);
    CHECK_EQ(rsp.session_id, s->id);
    s->epoch++;
    return rsp;
}

static struct session open_session(int16_t version)
{
    struct session s = { .c = raw_open(), .version = version };
    struct od_fetch_req_partition both[2];
    struct od_fetch_rsp rsp;

    s.t = ask_create(s.c, "session", 2, NULL);
    name_partition(&both[0], 0, 0);
    name_partition(&both[1], 1, 0);
    rsp = ask(&s, 2, both, 0, NULL);
    CHECK_EQ(rsp.error_code, OD_NONE);
    CHECK(rsp.session_id != 0);
    CHECK_EQ(rsp.responses.n, 1);
    CHECK_EQ(rsp.responses.v[0].partitions.n, 2); /* a full answer names everything */
    s.id = rsp.session_id;
    s.epoch = 1;
    return s;
}

static void unchanged_then_data_then_unchanged(int16_t version)
{
    struct session s = open_session(version);
    struct od_fetch_req_partition moved;
    struct batch b = batch_of(4);
    struct od_fetch_rsp rsp;

    CHECK_EQ(next(&s, 0, NULL).responses.n, 0);
    CHECK_EQ(ask_produce(s.c, &s.t, 1, &b).error_code, OD_NONE);
    rsp = next(&s, 0, NULL);
    CHECK_EQ(fetch_only(&rsp).partition_index, 1);
    CHECK(batch_is(fetch_only(&rsp).records, &b, 0, 0));
    rsp = next(&s, 0, NULL); /* the client did not move on: the same again */
    CHECK(batch_is(fetch_only(&rsp).records, &b, 0, 0));
    name_partition(&moved, 1, 4);
    CHECK_EQ(next(&s, 1, &moved).responses.n, 0);
    CHECK_EQ(next(&s, 0, NULL).responses.n, 0);
    raw_close(s.c);
}

TEST(an_incremental_answer_leaves_out_what_did_not_change_by_name)
{
    unchanged_then_data_then_unchanged(7);
    unchanged_then_data_then_unchanged(12);
}

TEST(an_incremental_answer_leaves_out_what_did_not_change_by_id)
{
    unchanged_then_data_then_unchanged(13);
    unchanged_then_data_then_unchanged(18);
}

TEST(a_forgotten_partition_is_not_answered_any_more)
{
    struct session s = open_session(18);
    struct batch b = batch_of(1);
    int32_t one = 1;
    struct od_fetch_rsp rsp = ask(&s, 0, NULL, 1, &one);

    CHECK_EQ(rsp.error_code, OD_NONE);
    s.epoch++;
    CHECK_EQ(ask_produce(s.c, &s.t, 0, &b).error_code, OD_NONE);
    CHECK_EQ(ask_produce(s.c, &s.t, 1, &b).error_code, OD_NONE);
    rsp = next(&s, 0, NULL);
    CHECK_EQ(fetch_only(&rsp).partition_index, 0);
    raw_close(s.c);
}

TEST(a_partition_with_an_error_is_named_each_time_and_its_recovery_too)
{
    struct session s = open_session(18);
    struct od_fetch_req_partition p;
    struct od_fetch_rsp rsp;

    name_partition(&p, 1, 99);
    rsp = next(&s, 1, &p);
    CHECK_EQ(fetch_only(&rsp).error_code, OD_OFFSET_OUT_OF_RANGE);
    rsp = next(&s, 0, NULL);
    CHECK_EQ(fetch_only(&rsp).error_code, OD_OFFSET_OUT_OF_RANGE);
    name_partition(&p, 1, 0);
    rsp = next(&s, 1, &p); /* the error made the session forget the high watermark it told */
    CHECK_EQ(fetch_only(&rsp).error_code, OD_NONE);
    CHECK_EQ(fetch_only(&rsp).partition_index, 1);
    CHECK_EQ(next(&s, 0, NULL).responses.n, 0);
    raw_close(s.c);
}

TEST(a_wrong_epoch_and_an_unknown_id_are_told_at_the_top)
{
    struct session s = open_session(18);
    struct session lost = s;
    struct od_fetch_rsp rsp;

    s.epoch = 5;
    rsp = ask(&s, 0, NULL, 0, NULL);
    CHECK_EQ(rsp.error_code, OD_INVALID_FETCH_SESSION_EPOCH);
    CHECK_EQ(rsp.responses.n, 0);
    lost.id ^= 0x40000000;
    CHECK_EQ(ask(&lost, 0, NULL, 0, NULL).error_code, OD_FETCH_SESSION_ID_NOT_FOUND);
    s.epoch = 1;
    CHECK_EQ(next(&s, 0, NULL).responses.n, 0); /* it lives on */
    raw_close(s.c);
}

TEST(epoch_minus_one_closes_the_session_and_answers_in_full)
{
    struct session s = open_session(18);
    struct od_fetch_req_partition p;
    struct od_fetch_rsp rsp;

    name_partition(&p, 0, 0);
    s.epoch = -1;
    rsp = ask(&s, 1, &p, 0, NULL);
    CHECK_EQ(rsp.session_id, 0);
    CHECK_EQ(fetch_only(&rsp).partition_index, 0);
    s.epoch = 1;
    CHECK_EQ(ask(&s, 0, NULL, 0, NULL).error_code, OD_FETCH_SESSION_ID_NOT_FOUND);
    raw_close(s.c);
}

TEST(a_session_opened_by_name_does_not_go_on_by_id)
{
    struct session s = open_session(12);

    s.version = 13;
    CHECK_EQ(ask(&s, 0, NULL, 0, NULL).error_code, OD_FETCH_SESSION_TOPIC_ID_ERROR);
    raw_close(s.c);
}

TEST(an_unknown_topic_id_is_named_in_every_incremental_answer)
{
    struct session s = open_session(18);
    struct topic real = s.t;
    struct od_fetch_req_partition p;
    struct od_fetch_rsp rsp;

    name_partition(&p, 0, 0);
    s.t.id = (struct od_uuid){ { 5, 5, 5 } };
    rsp = next(&s, 1, &p);
    CHECK_EQ(fetch_only(&rsp).error_code, OD_UNKNOWN_TOPIC_ID);
    s.t = real;
    rsp = next(&s, 0, NULL);
    CHECK_EQ(fetch_only(&rsp).error_code, OD_UNKNOWN_TOPIC_ID);
    raw_close(s.c);
}
