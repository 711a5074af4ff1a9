/* SPDX-License-Identifier: Apache-2.0 */
/* Answers the load generator's Kafka requests from fixed shapes. */
#include "limits/kafka.h"

#include "base/mem.h"
#include "fail.h"
#include "load/batch.h"
#include "wire/reader.h"
#include "wire/writer.h"

#include <errno.h>

enum { PRODUCE = 0, FETCH = 1, API_VERSIONS = 18, CREATE_TOPICS = 19 };

struct request {
    struct od_reader body;
    int16_t key;
    int32_t id;
};

static void put_no_tags(struct od_writer *w)
{
    od_write_uvarint(w, 0);
}

/* Copies "one topic, one partition" from the request, which has the same form in the answer. */
static void echo_partition(struct od_reader *r, struct od_writer *w)
{
    od_write_uvarint(w, od_read_uvarint(r));
    od_write_str(w, OD_FORM_COMPACT, od_read_str(r, OD_FORM_COMPACT));
    od_write_uvarint(w, od_read_uvarint(r));
    od_write_i32(w, od_read_i32(r));
}

static void answer_api_versions(struct od_writer *w)
{
    static const int16_t served[][3] = {
        {PRODUCE, 9, 9}, {FETCH, 12, 12}, {API_VERSIONS, 0, 0}, {CREATE_TOPICS, 4, 4}};

    od_write_i16(w, 0);
    od_write_i32(w, OD_COUNT(served));
    for (size_t i = 0; i < OD_COUNT(served); i++)
        for (size_t j = 0; j < OD_COUNT(served[i]); j++)
            od_write_i16(w, served[i][j]);
}

static void answer_create_topic(struct od_reader *r, struct od_writer *w)
{
    od_read_i32(r);
    od_write_i32(w, 0);
    od_write_i32(w, 1);
    od_write_str(w, OD_FORM_CLASSIC, od_read_str(r, OD_FORM_CLASSIC));
    od_write_i16(w, 0);
    od_write_i16(w, -1); /* no message */
}

static void answer_produce(struct od_reader *r, struct od_writer *w, struct od_bytes *kept)
{
    struct od_bytes batch;

    put_no_tags(w);
    od_read_uvarint(r);
    od_read_i16(r);
    od_read_i32(r);
    echo_partition(r, w);
    batch = od_read_bytes(r, OD_FORM_COMPACT);
    od_write_i16(w, 0);
    od_write_i64(w, 0);
    od_write_i64(w, -1);
    od_write_i64(w, 0);
    od_write_uvarint(w, 1); /* record errors */
    od_write_uvarint(w, 0); /* message */
    put_no_tags(w);
    put_no_tags(w);
    od_write_i32(w, 0);
    put_no_tags(w);
    if (kept->len == batch.len || r->err != OD_NONE)
        return;
    od_free((void *)kept->data);
    kept->data = memcpy(od_alloc(batch.len), batch.data, batch.len);
    kept->len = batch.len;
}

static void put_records(struct od_writer *w, const struct od_bytes *kept, int64_t offset,
                        int32_t bytes_max)
{
    size_t count = kept->len ? (size_t)bytes_max / kept->len : 0;

    od_write_uvarint(w, (uint32_t)(count * kept->len) + 1);
    for (size_t i = 0; i < count; i++) {
        uint8_t *batch = od_writer_take(w, kept->len);

        if (!batch)
            return;
        memcpy(batch, kept->data, kept->len);
        /* The count is the header's last field. */
        od_be64_store(batch, (uint64_t)offset);
        offset += od_be32_load(batch + OD_BATCH_HEADER_BYTES - 4);
    }
}

static void answer_fetch(struct od_reader *r, struct od_writer *w, const struct od_bytes *kept)
{
    int64_t offset;

    put_no_tags(w);
    od_read_raw(r, 4 + 4 + 4 + 4 + 1 + 4 + 4); /* all before the topics */
    od_write_i32(w, 0);
    od_write_i16(w, 0);
    od_write_i32(w, 0);
    echo_partition(r, w);
    od_read_i32(r);
    offset = od_read_i64(r);
    od_read_i32(r);
    od_read_i64(r);
    od_write_i16(w, 0);
    od_write_i64(w, INT64_MAX);
    od_write_i64(w, INT64_MAX);
    od_write_i64(w, 0);
    od_write_uvarint(w, 0);
    od_write_i32(w, -1);
    put_records(w, kept, offset, od_read_i32(r));
    put_no_tags(w);
    put_no_tags(w);
    put_no_tags(w);
}

static struct request open_request(const uint8_t *frame, size_t len)
{
    struct request q = {.body = od_reader_of(frame, len)};

    od_read_i32(&q.body);
    q.key = od_read_i16(&q.body);
    od_read_i16(&q.body);
    q.id = od_read_i32(&q.body);
    od_read_str(&q.body, OD_FORM_CLASSIC);
    return q;
}

size_t od_limit_kafka_answer(const uint8_t *frame, size_t len, uint8_t *answer, size_t room,
                             struct od_bytes *kept)
{
    struct request q = open_request(frame, len);
    struct od_writer w = od_writer_of(answer, room);

    od_write_i32(&w, 0);
    od_write_i32(&w, q.id);
    if (q.key == PRODUCE || q.key == FETCH)
        od_tags_skip(&q.body);
    if (q.key == API_VERSIONS)
        answer_api_versions(&w);
    else if (q.key == CREATE_TOPICS)
        answer_create_topic(&q.body, &w);
    else if (q.key == PRODUCE)
        answer_produce(&q.body, &w, kept);
    else if (q.key == FETCH)
        answer_fetch(&q.body, &w, kept);
    else
        od_fail("api %d is not known here", q.key);
    errno = 0;
    if (q.body.err != OD_NONE || w.err != OD_NONE)
        od_fail("request of api %d: cannot be read or answered", q.key);
    od_be32_store(answer, (uint32_t)od_writer_len(&w) - 4);
    return od_writer_len(&w);
}
