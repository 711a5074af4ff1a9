/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Short forms of what most tests say through a raw client: one topic, one partition, one batch.
 * What an answer points to borrows the connection.  Functions named ask_* stop the test when there
 * is no answer.
 */
#pragma once

#include "raw.h"
#include "test.h"
#include "wire/api/api_versions.h"
#include "wire/api/create_topics.h"
#include "wire/api/fetch.h"
#include "wire/api/find_coordinator.h"
#include "wire/api/list_offsets.h"
#include "wire/api/metadata.h"
#include "wire/api/produce.h"
#include "wire/batch.h"

enum { BATCH_BYTES_MAX = 16384 };

/* --- batches ------------------------------------------------------------------------------- */

struct batch {
    uint8_t data[BATCH_BYTES_MAX];
    size_t len;
};

struct batch_plan {
    int count;
    int64_t timestamp; /* of the first record */
    int64_t step;      /* from one record's timestamp to the next one's */
    bool keyless;
    int value_bytes; /* 0: short values that tell the record's number */
};

struct batch batch_planned(const struct batch_plan *plan);
struct batch batch_of(int count); /* keyed records stamped with the present */
struct batch batch_packed(const struct batch *plain, enum od_compress codec);
struct batch batch_packed_xerial(const struct batch *plain); /* snappy as Java frames it */
struct od_batch_header batch_header(const struct batch *b);
/* With another header and the checksum that makes it whole. */
struct batch batch_with_header(const struct batch *b, const struct od_batch_header *h);
/* True if the fetched bytes are this batch as appended at base_offset under leader_epoch. */
bool batch_is(struct od_records records, const struct batch *b, int64_t base_offset,
              int32_t leader_epoch);
/* The fetched bytes are whole batches with right checksums; the count of them, or -1. */
int batch_count(struct od_records records);

/* The same records of an idempotent producer. */
struct batch batch_of_producer(const struct batch *b, int64_t producer_id, int16_t epoch,
                               int32_t sequence);

/* --- topics -------------------------------------------------------------------------------- */

struct topic {
    char name[64];
    struct od_uuid id;
};

/* A topic whose name begins with stem and was not there before.  settings: "key=value,...". */
struct topic ask_create(struct raw *c, const char *stem, int32_t partitions, const char *settings);
/* One topic; false: not known or without leaders yet. */
bool ask_topic(struct raw *c, const char *name, struct od_metadata_rsp_topic *out);

/* --- produce ------------------------------------------------------------------------------- */

/* A request for one batch; lives in this struct. */
struct produce_one {
    struct od_produce_req req;
    struct od_produce_req_topic topic;
    struct od_produce_req_partition partition;
};

const struct od_produce_req *produce_one(struct produce_one *p, const struct topic *t,
                                         int32_t partition, int16_t acks, const void *data,
                                         size_t len);
struct od_produce_rsp_partition ask_produce_version(struct raw *c, int16_t version,
                                                    const struct topic *t, int32_t partition,
                                                    int16_t acks, const struct batch *b);
/* In the highest version, with acks=all. */
struct od_produce_rsp_partition ask_produce(struct raw *c, const struct topic *t, int32_t partition,
                                            const struct batch *b);

/* --- fetch --------------------------------------------------------------------------------- */

struct fetch_plan {
    int16_t version;
    int32_t partition;
    int64_t offset;
    int32_t epoch;
    int32_t max_wait_ms, min_bytes, max_bytes, partition_max_bytes;
    int8_t isolation;
};

struct fetch_one {
    struct od_fetch_req req;
    struct od_fetch_req_topic topic;
    struct od_fetch_req_partition partition;
};

/* Partition 0, highest version, no waiting, no small limits. */
struct fetch_plan fetch_at(int64_t offset);
const struct od_fetch_req *fetch_one(struct fetch_one *f, const struct topic *t,
                                     const struct fetch_plan *plan);
struct od_fetch_rsp_partition ask_fetch(struct raw *c, const struct topic *t,
                                        const struct fetch_plan *plan);
/* The only partition of an answer. */
struct od_fetch_rsp_partition fetch_only(const struct od_fetch_rsp *rsp);

/* --- offsets, time ------------------------------------------------------------------------- */

/* version 0: the highest. */
struct od_list_offsets_rsp_partition ask_offset(struct raw *c, int16_t version,
                                                const struct topic *t, int32_t partition,
                                                int64_t timestamp);
int64_t ask_end(struct raw *c, const struct topic *t); /* latest offset of partition 0 */
int64_t now_ms(void);                                  /* monotonic */
/* Ends the test if more than so many ms have passed since start_ms. */
void took_at_most(int64_t start_ms, int64_t ms);
