/* SPDX-License-Identifier: Apache-2.0 */
/* The load generator's handwritten frames against the generated codecs, in both directions. */
#include "load/kafka.h"

#include "base/arena.h"
#include "load/batch.h"
#include "test.h"
#include "wire/api/api_versions.h"
#include "wire/api/create_topics.h"
#include "wire/api/fetch.h"
#include "wire/api/produce.h"
#include "wire/frame.h"

enum { ROOM = 2048, BATCH_BYTES = 170 };

static const struct od_kafka_lane lane = {{"topic-x", 7}, 3};

/* Checks length and header; the reader then stands at the message. */
static struct od_reader open_request(const struct od_writer *w, int16_t key, int16_t version)
{
    struct od_reader r = od_reader_of(w->start, od_writer_len(w));
    struct od_request_frame head;

    CHECK_OK(w->err);
    CHECK_EQ(od_read_i32(&r), od_writer_len(w) - 4);
    CHECK_OK(od_frame_read_request(&r, &head));
    CHECK_EQ(head.api_key, key);
    CHECK_EQ(head.api_version, version);
    CHECK_EQ(head.correlation_id, 42);
    return r;
}

/* An answer to correlation id 42 as a broker would send it. */
static struct od_bytes answer_of(uint8_t *room, int16_t key, int16_t version, const void *message)
{
    struct od_writer w = od_writer_of(room, ROOM);
    const struct od_api *api = od_api_find(key);

    od_write_i32(&w, 0);
    od_frame_write_response(&w, api, version, 42);
    CHECK_OK(api->response->encode(&w, version, message));
    od_be32_store(room, (uint32_t)od_writer_len(&w) - 4);
    return (struct od_bytes) {room, od_writer_len(&w)};
}

TEST(api_versions_has_an_empty_body)
{
    uint8_t room[ROOM];
    struct od_writer w = od_writer_of(room, ROOM);
    struct od_reader r;

    od_kafka_put_api_versions(&w, 42);
    r = open_request(&w, OD_api_versions_KEY, 0);
    CHECK_EQ(od_reader_left(&r), 0);
}

TEST(create_topics_decodes_to_what_was_meant)
{
    uint8_t room[ROOM];
    struct od_writer w = od_writer_of(room, ROOM);
    struct od_arena arena = {0};
    struct od_create_topics_req m;
    struct od_reader r;

    od_kafka_put_create_topic(&w, 42, lane.topic, 12);
    r = open_request(&w, OD_create_topics_KEY, 4);
    CHECK_OK(od_create_topics_req_decode(&r, 4, &arena, &m));
    CHECK_EQ(od_reader_left(&r), 0);
    CHECK_EQ(m.topics.n, 1);
    CHECK(od_str_is(m.topics.v[0].name, "topic-x"));
    CHECK_EQ(m.topics.v[0].num_partitions, 12);
    CHECK_EQ(m.topics.v[0].replication_factor, 1);
    CHECK_EQ(m.topics.v[0].configs.n, 0);
    CHECK(!m.validate_only);
    od_arena_reset(&arena);
}

TEST(produce_decodes_to_what_was_meant)
{
    uint8_t room[ROOM];
    uint8_t batch[BATCH_BYTES];
    struct od_writer w = od_writer_of(room, ROOM);
    struct od_arena arena = {0};
    struct od_produce_req m;
    struct od_reader r;

    CHECK_EQ(od_batch_build(batch, BATCH_BYTES, 100, 0), 1);
    od_kafka_put_produce(&w, 42, &lane, 1, (struct od_bytes) {batch, BATCH_BYTES});
    r = open_request(&w, OD_produce_KEY, 9);
    CHECK_OK(od_produce_req_decode(&r, 9, &arena, &m));
    CHECK_EQ(od_reader_left(&r), 0);
    CHECK(!m.transactional_id.data);
    CHECK_EQ(m.acks, 1);
    CHECK_EQ(m.topic_data.n, 1);
    CHECK(od_str_is(m.topic_data.v[0].name, "topic-x"));
    CHECK_EQ(m.topic_data.v[0].partition_data.n, 1);
    CHECK_EQ(m.topic_data.v[0].partition_data.v[0].index, 3);
    CHECK_EQ(m.topic_data.v[0].partition_data.v[0].records.len, BATCH_BYTES);
    CHECK_MEM(m.topic_data.v[0].partition_data.v[0].records.data, batch, BATCH_BYTES);
    od_arena_reset(&arena);
}

TEST(fetch_decodes_to_what_was_meant_and_says_where_its_offset_is)
{
    uint8_t room[ROOM];
    struct od_writer w = od_writer_of(room, ROOM);
    struct od_arena arena = {0};
    struct od_fetch_req m;
    struct od_fetch_req_partition *p;
    struct od_reader r;
    size_t offset_at = od_kafka_put_fetch(&w, 42, &lane, 65536);

    od_be64_store(room + offset_at, 123456789);
    r = open_request(&w, OD_fetch_KEY, 12);
    CHECK_OK(od_fetch_req_decode(&r, 12, &arena, &m));
    CHECK_EQ(od_reader_left(&r), 0);
    CHECK_EQ(m.replica_id, -1);
    CHECK_EQ(m.min_bytes, 1);
    CHECK_EQ(m.max_bytes, 65536);
    CHECK_EQ(m.session_id, 0);
    CHECK_EQ(m.session_epoch, -1);
    CHECK_EQ(m.topics.n, 1);
    CHECK(od_str_is(m.topics.v[0].topic, "topic-x"));
    CHECK_EQ(m.topics.v[0].partitions.n, 1);
    p = m.topics.v[0].partitions.v;
    CHECK_EQ(p->partition, 3);
    CHECK_EQ(p->fetch_offset, 123456789);
    CHECK_EQ(p->partition_max_bytes, 65536);
    CHECK_EQ(m.forgotten_topics_data.n, 0);
    od_arena_reset(&arena);
}

TEST(answers_to_api_versions_and_create_topics_are_understood)
{
    uint8_t room[ROOM];
    struct od_kafka_answer a;
    struct od_api_versions_rsp versions;
    struct od_create_topics_rsp topics;
    struct od_create_topics_rsp_topic topic;

    od_api_versions_rsp_defaults(&versions);
    versions.error_code = OD_UNSUPPORTED_VERSION;
    CHECK(od_kafka_get_api_versions(answer_of(room, OD_api_versions_KEY, 0, &versions), &a));
    CHECK_EQ(a.id, 42);
    CHECK_EQ(a.error, OD_UNSUPPORTED_VERSION);

    od_create_topics_rsp_topic_defaults(&topic);
    topic.name = lane.topic;
    topic.error_code = OD_TOPIC_ALREADY_EXISTS;
    topic.error_message = OD_STR("it does");
    od_create_topics_rsp_defaults(&topics);
    topics.topics.n = 1;
    topics.topics.v = &topic;
    CHECK(od_kafka_get_create_topic(answer_of(room, OD_create_topics_KEY, 4, &topics), &a));
    CHECK_EQ(a.error, OD_TOPIC_ALREADY_EXISTS);
}

TEST(a_produce_answer_is_understood)
{
    uint8_t room[ROOM];
    struct od_kafka_answer a;
    struct od_produce_rsp_partition partition;
    struct od_produce_rsp_topic topic;
    struct od_produce_rsp m;

    od_produce_rsp_partition_defaults(&partition);
    partition.index = 3;
    partition.error_code = OD_NOT_LEADER_OR_FOLLOWER;
    partition.base_offset = 77;
    od_produce_rsp_topic_defaults(&topic);
    topic.name = lane.topic;
    topic.partition_responses.n = 1;
    topic.partition_responses.v = &partition;
    od_produce_rsp_defaults(&m);
    m.responses.n = 1;
    m.responses.v = &topic;
    CHECK(od_kafka_get_produce(answer_of(room, OD_produce_KEY, 9, &m), &a));
    CHECK_EQ(a.id, 42);
    CHECK_EQ(a.error, OD_NOT_LEADER_OR_FOLLOWER);
    CHECK_EQ(a.base_offset, 77);
}

/* A fetch answer with one partition; returns what the load generator read from it. */
static struct od_kafka_answer fetched(int16_t error, int16_t partition_error,
                                      struct od_records records)
{
    uint8_t room[ROOM];
    struct od_kafka_answer a;
    struct od_fetch_rsp_partition partition;
    struct od_fetch_rsp_topic topic;
    struct od_fetch_rsp m;

    od_fetch_rsp_partition_defaults(&partition);
    partition.partition_index = 3;
    partition.error_code = partition_error;
    partition.records = records;
    od_fetch_rsp_topic_defaults(&topic);
    topic.topic = lane.topic;
    topic.partitions.n = 1;
    topic.partitions.v = &partition;
    od_fetch_rsp_defaults(&m);
    m.error_code = error;
    m.responses.n = 1;
    m.responses.v = &topic;
    CHECK(od_kafka_get_fetch(answer_of(room, OD_fetch_KEY, 12, &m), &a));
    return a;
}

TEST(a_fetch_answer_is_understood)
{
    uint8_t batch[BATCH_BYTES];
    struct od_records records = {batch, BATCH_BYTES, NULL};
    struct od_kafka_answer a;

    CHECK_EQ(od_batch_build(batch, BATCH_BYTES, 100, 0), 1);
    od_be64_store(batch, 9000);
    a = fetched(0, 0, records);
    CHECK_EQ(a.id, 42);
    CHECK_EQ(a.error, 0);
    CHECK_EQ(a.records_len, BATCH_BYTES);
    CHECK_EQ(a.base_offset, 9000);
    CHECK_EQ(a.batch_crc, od_be32_load(batch + OD_BATCH_CRC_AT));
}

TEST(errors_of_a_fetch_answer_are_seen_at_both_levels)
{
    struct od_records empty = {(const uint8_t *)"", 0, NULL};

    CHECK_EQ(fetched(0, OD_OFFSET_OUT_OF_RANGE, empty).error, OD_OFFSET_OUT_OF_RANGE);
    CHECK_EQ(fetched(OD_FETCH_SESSION_ID_NOT_FOUND, 0, empty).error, OD_FETCH_SESSION_ID_NOT_FOUND);
    CHECK_EQ(fetched(0, 0, empty).records_len, 0);
    CHECK_EQ(fetched(0, 0, OD_RECORDS_NULL).records_len, 0);
}
