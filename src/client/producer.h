/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes records to one topic, in batches, idempotently where the brokers serve that.  Blocking,
 * one thread, for tools.  A batch that may have been written is sent again only when its sequence
 * numbers make that harmless, for as long as the client's timeout; otherwise the error says that
 * nobody knows.  Times in ms since 1970.
 */
#pragma once

#include "client/client.h"
#include "wire/batch.h"

struct od_producer;

struct od_producer_options {
    struct od_str topic; /* borrowed until the free */
    int16_t acks;        /* -1: all, 1, 0 */
    enum od_compress codec;
    bool idempotent;     /* wish; needs acks=-1 and a broker that serves InitProducerId */
    size_t batch_bytes;  /* before compression; a record above goes alone */
};

enum {
    OD_PRODUCER_BATCH_BYTES = 512 << 10, /* well below Kafka's default max.message.bytes */
    OD_PRODUCER_PENDING_BYTES = 32 << 20, /* over all partitions; then everything is sent */
    OD_PRODUCER_ANY_PARTITION = -1,
};

struct od_produce_record {
    int32_t partition; /* ANY: by the key, else one partition per batch in turn */
    int64_t timestamp;
    struct od_bytes key, value; /* NULL: null */
    const struct od_record_header *headers;
    int32_t header_count;
};

/* What was acknowledged, by partition. */
struct od_produced {
    int32_t partition;
    int64_t count;
    int64_t first_offset, last_offset; /* -1: not told (acks=0) */
};

/*
 * Learns the topic, waiting a while for one that is created by asking, and gets a producer id.
 * *out is set also after an error, for od_producer_why.
 */
OD_MUST_USE enum od_err od_producer_open(struct od_client *client,
                                         const struct od_producer_options *options,
                                         struct od_producer **out);
void od_producer_free(struct od_producer *p); /* accepts NULL; drops what was not flushed */
/* May send.  After an error, here or in the flush, nothing more can be written.  OD_E_LIMIT: there
 * is no such partition. */
OD_MUST_USE enum od_err od_producer_add(struct od_producer *p, const struct od_produce_record *r);
OD_MUST_USE enum od_err od_producer_flush(struct od_producer *p);
const char *od_producer_why(const struct od_producer *p);
/* The i-th partition to which something was written; false past the last. */
bool od_producer_produced(const struct od_producer *p, int i, struct od_produced *out);
