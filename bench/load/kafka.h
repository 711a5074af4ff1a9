/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The few Kafka requests that the load generator sends, written by hand from the protocol, and
 * what it looks at in their answers.  Every request frame begins with its 4-byte length.  Versions
 * are fixed: ApiVersions 0, CreateTopics 4, Produce 9, Fetch 12 without a session.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "wire/writer.h"

enum {
    OD_KAFKA_HEAD_BYTES = 256,   /* of an answer: enough for every field that is looked at */
    OD_KAFKA_ENVELOPE_MAX = 512, /* a request without its records */
    OD_KAFKA_TOPIC_BYTES_MAX = 64,
};

struct od_kafka_lane {
    struct od_str topic;
    int32_t partition;
};

/* What an answer said. */
struct od_kafka_answer {
    int32_t id;
    int error;            /* Kafka's error code; 0 is success */
    int64_t base_offset;  /* produce: given to the batch; fetch: of the first batch, as stored */
    uint32_t records_len; /* fetch */
    uint32_t batch_crc;   /* fetch: of the first batch, as stored; 0 if there is none */
};

void od_kafka_put_api_versions(struct od_writer *w, int32_t id);
void od_kafka_put_create_topic(struct od_writer *w, int32_t id, struct od_str topic,
                               int32_t partitions);
void od_kafka_put_produce(struct od_writer *w, int32_t id, const struct od_kafka_lane *lane,
                          int16_t acks, struct od_bytes batch);
/* Returns where in the frame the 8 bytes of the fetch offset stand. */
size_t od_kafka_put_fetch(struct od_writer *w, int32_t id, const struct od_kafka_lane *lane,
                          int32_t bytes_max);

/* Each takes the first bytes of an answer, its length field included: OD_KAFKA_HEAD_BYTES or the
 * whole of it.  False when it cannot be understood. */
bool od_kafka_get_api_versions(struct od_bytes head, struct od_kafka_answer *out);
bool od_kafka_get_create_topic(struct od_bytes head, struct od_kafka_answer *out);
bool od_kafka_get_produce(struct od_bytes head, struct od_kafka_answer *out);
bool od_kafka_get_fetch(struct od_bytes head, struct od_kafka_answer *out);
