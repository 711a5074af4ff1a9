/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Record batches of format 2, the unit of Kafka's log.  61 bytes of header, big-endian:
 *
 *      0 base offset 8 | 8 length 4, of what follows | 12 leader epoch 4 | 16 magic 1 | 17 crc 4
 *     21 attributes 2 | 23 last offset delta 4 | 27 base timestamp 8 | 35 max timestamp 8
 *     43 producer id 8 | 51 producer epoch 2 | 53 base sequence 4 | 57 record count 4 | 61 records
 *
 * The CRC-32C covers everything from the attributes on; base offset and leader epoch may change
 * without it.  Formats 0 and 1 are recognised and refused.  Timestamps are wall-clock ms.
 */
#pragma once

#include "base/err.h"
#include "wire/compress.h"

enum {
    OD_BATCH_HEADER_BYTES = 61,
    OD_BATCH_PREFIX_BYTES = 12, /* base offset and length, which the length does not count */
    OD_BATCH_MAGIC = 2,
};

enum od_batch_attribute {
    OD_BATCH_COMPRESSION = 0x07, /* enum od_compress */
    OD_BATCH_LOG_APPEND_TIME = 0x08,
    OD_BATCH_TRANSACTIONAL = 0x10,
    OD_BATCH_CONTROL = 0x20,
    OD_BATCH_DELETE_HORIZON = 0x40, /* the base timestamp is a tombstone's time to go */
};

struct od_batch_header {
    int64_t base_offset;
    int32_t length; /* see od_batch_bytes */
    int32_t leader_epoch;
    int8_t magic;
    uint32_t crc;
    int16_t attributes; /* enum od_batch_attribute */
    int32_t last_offset_delta;
    int64_t base_timestamp;
    int64_t max_timestamp;
    int64_t producer_id; /* -1: none */
    int16_t producer_epoch;
    int32_t base_sequence;
    int32_t count;
};

static inline size_t od_batch_bytes(const struct od_batch_header *h) /* of the whole batch */
{
    return (size_t)h->length + OD_BATCH_PREFIX_BYTES;
}

static inline int64_t od_batch_last_offset(const struct od_batch_header *h)
{
    return h->base_offset + h->last_offset_delta;
}

static inline enum od_compress od_batch_compression(const struct od_batch_header *h)
{
    return (enum od_compress)(h->attributes & OD_BATCH_COMPRESSION);
}

/*
 * Reads the header of the batch at data, of which len bytes are there: at least the header, the
 * rest may be missing.  OD_E_TRUNCATED: fewer than OD_BATCH_HEADER_BYTES (for formats 0 and 1: 17).
 * OD_E_CORRUPT: a length, offset or count that cannot be.  OD_UNSUPPORTED_FOR_MESSAGE_FORMAT:
 * format 0 or 1; only base_offset, length and magic are set.
 */
OD_MUST_USE enum od_err od_batch_parse(const uint8_t *data, size_t len,
                                       struct od_batch_header *out);
/* The whole batch's checksum: CORRUPT_MESSAGE if it is wrong. */
OD_MUST_USE enum od_err od_batch_check(const uint8_t *data, const struct od_batch_header *h);

/* In place, in a batch that od_batch_parse accepted. */
void od_batch_set_base_offset(uint8_t *data, int64_t base_offset);
void od_batch_set_leader_epoch(uint8_t *data, int32_t leader_epoch);
/* Kind and value of the max timestamp; renews the checksum, so the whole batch is needed. */
void od_batch_set_max_timestamp(uint8_t *data, bool log_append_time, int64_t max_timestamp);

/* One record; bytes are borrowed, data == NULL is null. */
struct od_record {
    int64_t offset;
    int64_t timestamp;
    struct od_bytes key;
    struct od_bytes value;
    struct od_bytes headers; /* header_count of them, encoded */
    int32_t header_count;
    int32_t index; /* in the batch; after compaction it may differ from the offset's delta */
};

/*
 * The records of one batch, also of a compressed one: whole records are gathered from the windows
 * into a buffer that grows to the largest record, charged to the budget.
 */
struct od_record_stream {
    struct od_batch_header header;
    struct od_expand *expand;
    struct od_expand_limits limits;
    struct od_bytes window; /* not consumed yet */
    uint8_t *buffer;        /* a record that spans windows */
    size_t buffer_bytes;
    int32_t index;
    int32_t last_delta;
};

/* The batch's bytes stay until the close, which must follow in any case. */
OD_MUST_USE enum od_err od_record_stream_open(struct od_record_stream *s, const uint8_t *data,
                                              const struct od_batch_header *h,
                                              const struct od_expand_limits *limits);
/*
 * The next record, borrowed until the next call; OD_E_NOT_FOUND after the last one, which also
 * means that the batch held exactly what its header says.  OD_E_CORRUPT, OD_E_LIMIT,
 * OD_E_NO_MEMORY.
 */
OD_MUST_USE enum od_err od_record_stream_next(struct od_record_stream *s, struct od_record *out);
void od_record_stream_close(struct od_record_stream *s);

struct od_record_header {
    struct od_bytes key; /* never null */
    struct od_bytes value;
};
/* Takes one header off the front of *headers, which came from a record. */
OD_MUST_USE bool od_record_header_next(struct od_bytes *headers, struct od_record_header *out);

/* --- building ------------------------------------------------------------------------------ */

/* Builds an uncompressed batch in the caller's memory: begin, add..., end. */
struct od_batch_builder {
    uint8_t *data;
    size_t capacity;
    size_t len; /* of the batch so far */
    struct od_batch_header header;
    enum od_err err; /* OD_E_FULL sticks */
};

/*
 * The header gives offset, epoch, attributes and producer (see od_batch_plain); the rest is
 * computed.  The first record's timestamp becomes the base.
 */
void od_batch_begin(struct od_batch_builder *b, uint8_t *data, size_t capacity,
                    const struct od_batch_header *header);
/* headers: n of them. */
void od_batch_add(struct od_batch_builder *b, int64_t timestamp, struct od_bytes key,
                  struct od_bytes value, const struct od_record_header *headers, int32_t n);
/* *len is the batch's size.  OD_E_FULL; an empty batch is OD_INVALID_RECORD. */
OD_MUST_USE enum od_err od_batch_end(struct od_batch_builder *b, size_t *len);

/* A header without producer, at this offset. */
struct od_batch_header od_batch_plain(int64_t base_offset, int32_t leader_epoch);
/* No record without headers takes more. */
size_t od_batch_record_bytes_max(struct od_bytes key, struct od_bytes value);
/* Writes all fields of the header, with the checksum of the h->length bytes that are there. */
void od_batch_seal(uint8_t *data, const struct od_batch_header *h);
/* The same records compressed; plain is one whole uncompressed batch. */
OD_MUST_USE enum od_err od_batch_repack(enum od_compress codec, int level, struct od_bytes plain,
                                        uint8_t *out, size_t capacity, size_t *len);
