/* SPDX-License-Identifier: Apache-2.0 */
/* Kafka's frames, as far as load is concerned. */
#include "load/kafka.h"

#include "load/batch.h"
#include "wire/reader.h"

enum { PRODUCE = 0, FETCH = 1, API_VERSIONS = 18, CREATE_TOPICS = 19 };
enum { TIMEOUT_MS = 30000, WAIT_MS = 500, NO_SESSION_EPOCH = -1 };

static const struct od_str client = OD_STR("bench");

/* Room for the length, then the header; flexible versions end it with an empty tag section. */
static void begin(struct od_writer *w, int16_t key, int16_t version, int32_t id)
{
    od_write_i32(w, 0);
    od_write_i16(w, key);
    od_write_i16(w, version);
    od_write_i32(w, id);
    od_write_str(w, OD_FORM_CLASSIC, client);
}

static void end(struct od_writer *w)
{
    od_be32_store(w->start, (uint32_t)od_writer_len(w) - 4);
}

static void put_no_tags(struct od_writer *w)
{
    od_write_uvarint(w, 0);
}

void od_kafka_put_api_versions(struct od_writer *w, int32_t id)
{
    begin(w, API_VERSIONS, 0, id);
    end(w);
}

void od_kafka_put_create_topic(struct od_writer *w, int32_t id, struct od_str topic,
                               int32_t partitions)
{
    begin(w, CREATE_TOPICS, 4, id);
    od_write_i32(w, 1);
    od_write_str(w, OD_FORM_CLASSIC, topic);
    od_write_i32(w, partitions);
    od_write_i16(w, 1); /* replicas */
    od_write_i32(w, 0); /* assignments */
    od_write_i32(w, 0); /* configs */
    od_write_i32(w, TIMEOUT_MS);
    od_write_bool(w, false);
    end(w);
}

void od_kafka_put_produce(struct od_writer *w, int32_t id, const struct od_kafka_lane *lane,
                          int16_t acks, struct od_bytes batch)
{
    begin(w, PRODUCE, 9, id);
    put_no_tags(w);
    od_write_uvarint(w, 0); /* no transactional id */
    od_write_i16(w, acks);
    od_write_i32(w, TIMEOUT_MS);
    od_write_count(w, OD_FORM_COMPACT, 1);
    od_write_str(w, OD_FORM_COMPACT, lane->topic);
    od_write_count(w, OD_FORM_COMPACT, 1);
    od_write_i32(w, lane->partition);
    od_write_bytes(w, OD_FORM_COMPACT, batch);
    put_no_tags(w);
    put_no_tags(w);
    put_no_tags(w);
    end(w);
}

size_t od_kafka_put_fetch(struct od_writer *w, int32_t id, const struct od_kafka_lane *lane,
                          int32_t bytes_max)
{
    size_t offset_at;

    begin(w, FETCH, 12, id);
    put_no_tags(w);
    od_write_i32(w, -1); /* not a replica */
    od_write_i32(w, WAIT_MS);
    od_write_i32(w, 1);
    od_write_i32(w, bytes_max);
    od_write_i8(w, 0); /* read uncommitted */
    od_write_i32(w, 0);
    od_write_i32(w, NO_SESSION_EPOCH);
    od_write_count(w, OD_FORM_COMPACT, 1);
    od_write_str(w, OD_FORM_COMPACT, lane->topic);
    od_write_count(w, OD_FORM_COMPACT, 1);
    od_write_i32(w, lane->partition);
    od_write_i32(w, -1); /* current leader epoch */
    offset_at = od_writer_len(w);
    od_write_i64(w, 0);
    od_write_i32(w, -1); /* last fetched epoch */
    od_write_i64(w, -1); /* log start, for followers */
    od_write_i32(w, bytes_max);
    put_no_tags(w);
    put_no_tags(w);
    od_write_count(w, OD_FORM_COMPACT, 0);
    od_write_str(w, OD_FORM_COMPACT, OD_STR(""));
    put_no_tags(w);
    end(w);
    return offset_at;
}

static struct od_reader open_answer(struct od_bytes head, struct od_kafka_answer *out)
{
    struct od_reader r = od_reader_of(head.data, head.len);

    *out = (struct od_kafka_answer) {0};
    od_read_i32(&r);
    out->id = od_read_i32(&r);
    return r;
}

bool od_kafka_get_api_versions(struct od_bytes head, struct od_kafka_answer *out)
{
    struct od_reader r = open_answer(head, out);

    out->error = od_read_i16(&r);
    return r.err == OD_NONE;
}

bool od_kafka_get_create_topic(struct od_bytes head, struct od_kafka_answer *out)
{
    struct od_reader r = open_answer(head, out);
    int32_t topics;

    od_read_i32(&r); /* throttle time */
    topics = od_read_i32(&r);
    od_read_str(&r, OD_FORM_CLASSIC);
    out->error = od_read_i16(&r);
    return r.err == OD_NONE && topics == 1;
}

/* One topic with one partition: reads up to the partition's number and checks the counts. */
static bool open_single_partition(struct od_reader *r)
{
    uint32_t topics = od_read_uvarint(r);
    uint32_t partitions;

    od_read_str(r, OD_FORM_COMPACT);
    partitions = od_read_uvarint(r);
    od_read_i32(r);
    return topics == 2 && partitions == 2;
}

bool od_kafka_get_produce(struct od_bytes head, struct od_kafka_answer *out)
{
    struct od_reader r = open_answer(head, out);
    bool single;

    od_tags_skip(&r);
    single = open_single_partition(&r);
    out->error = od_read_i16(&r);
    out->base_offset = od_read_i64(&r);
    return r.err == OD_NONE && single;
}

bool od_kafka_get_fetch(struct od_bytes head, struct od_kafka_answer *out)
{
    struct od_reader r = open_answer(head, out);
    bool single;
    int error;
    uint32_t aborted;
    uint32_t len;

    od_tags_skip(&r);
    od_read_i32(&r); /* throttle time */
    error = od_read_i16(&r);
    od_read_i32(&r); /* session */
    single = open_single_partition(&r);
    out->error = od_read_i16(&r);
    if (error)
        out->error = error;
    od_read_i64(&r); /* high watermark */
    od_read_i64(&r); /* last stable offset */
    od_read_i64(&r); /* log start */
    aborted = od_read_uvarint(&r);
    od_read_i32(&r); /* preferred replica */
    len = od_read_uvarint(&r);
    if (r.err != OD_NONE || !single || aborted > 1)
        return false;
    out->records_len = len ? len - 1 : 0;
    if (out->records_len < OD_BATCH_HEADER_BYTES)
        return true;
    if (od_reader_left(&r) < OD_BATCH_HEADER_BYTES)
        return false;
    out->base_offset = (int64_t)od_be64_load(r.p);
    out->batch_crc = od_be32_load(r.p + OD_BATCH_CRC_AT);
    return true;
}
