/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the connections send, prebuilt, and what has to come back.  A connection sends the slots of
 * a ring in turn; the slot's index is the request's id.  Rings are shared by all connections of a
 * lane (a partition) unless a request changes from one sending to the next, as a fetch does.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "load/kafka.h"

enum od_script_work {
    OD_SCRIPT_PING,    /* the smallest request: ApiVersions, or 64 bytes */
    OD_SCRIPT_PRODUCE, /* acks=1 */
    OD_SCRIPT_FETCH,   /* from the lane's offsets in order, each connection starting elsewhere */
};

struct od_script_settings {
    enum od_script_work work;
    bool plain;            /* the limit programs' framing instead of Kafka's */
    uint32_t depth;        /* slots of a ring */
    uint32_t lanes;        /* partitions */
    struct od_str topic;   /* at most OD_KAFKA_TOPIC_BYTES_MAX */
    uint32_t batch_bytes;  /* OD_BATCH_BYTES_MIN to 1 MiB */
    uint32_t value_bytes;  /* of each record in a batch */
    uint32_t answer_bytes; /* fetch: a multiple of batch_bytes */
    uint32_t lane_batches; /* fetch: batches that a lane holds */
    int64_t now_ms;        /* wall clock, for the records */
};

struct od_script {
    struct od_script_settings settings;
    uint32_t frame_bytes; /* of every request */
    uint32_t batch_records;
    uint32_t batch_crc;
    size_t fetch_offset_at; /* in a frame */
    uint8_t *batch;
    uint8_t **rings; /* one per lane */
};

/* A connection's place in the script. */
struct od_script_cursor {
    uint8_t *ring; /* slot i begins at i * frame_bytes */
    bool owns_ring;
    uint32_t step;     /* fetch: the next request's position in the lane, in answers */
    int64_t *expected; /* fetch: per slot, the offset asked for; else NULL */
};

/* Prebuilds everything; lives until the process ends. */
void od_script_open(struct od_script *script, const struct od_script_settings *settings);
void od_script_begin(const struct od_script *script, uint32_t conn_index,
                     struct od_script_cursor *cursor);
void od_script_end(struct od_script_cursor *cursor);
/* Puts what changes into a slot that is about to be sent. */
void od_script_prepare(const struct od_script *script, struct od_script_cursor *cursor,
                       uint32_t slot);
/*
 * Judges an answer by its first bytes (OD_KAFKA_HEAD_BYTES or all) against the oldest slot not
 * answered.  frame_bytes is the answer's whole size.  Returns the payload bytes it brought; -1
 * when it is an error or not what was asked for.
 */
int64_t od_script_check(const struct od_script *script, const struct od_script_cursor *cursor,
                        uint32_t slot, struct od_bytes head, uint32_t frame_bytes);
