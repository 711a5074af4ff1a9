/* SPDX-License-Identifier: Apache-2.0 */
/* A batch's producer fields, and what a marker's one record says. */
#include "core/producer/producer.h"
#include "wire/batch.h"
#include "wire/reader.h"

enum { TYPE_ABORT = 0, TYPE_COMMIT = 1, KEY_BYTES = 4, VALUE_BYTES = 6 };

/* The first record of a control batch: key {version i16, type i16}, value {version i16, i32}. */
static bool read_marker(const struct od_batch_header *h, const uint8_t *data, size_t len,
                        struct od_producer_batch *out)
{
    struct od_reader r = od_reader_of(data + OD_BATCH_HEADER_BYTES, len - OD_BATCH_HEADER_BYTES);
    int16_t type;

    (void)od_read_varint(&r); /* the record's size */
    (void)od_read_i8(&r);     /* attributes */
    out->timestamp = h->base_timestamp + od_read_varlong(&r);
    (void)od_read_varint(&r); /* offset delta */
    if (od_read_varint(&r) != KEY_BYTES)
        return false;
    (void)od_read_i16(&r);
    type = od_read_i16(&r);
    if (od_read_varint(&r) < VALUE_BYTES)
        return false;
    (void)od_read_i16(&r);
    out->coordinator_epoch = od_read_i32(&r);
    out->marker = true;
    out->commit = type == TYPE_COMMIT;
    return !r.err && (type == TYPE_ABORT || type == TYPE_COMMIT);
}

bool od_producer_batch_read(const uint8_t *data, size_t len, struct od_producer_batch *out)
{
    struct od_batch_header h;

    if (od_batch_parse(data, len, &h) || h.producer_id < 0)
        return false;
    if (len > od_batch_bytes(&h))
        len = od_batch_bytes(&h);
    *out = (struct od_producer_batch){ .producer_id = h.producer_id,
                                       .base_offset = h.base_offset,
                                       .last_offset = od_batch_last_offset(&h),
                                       .timestamp = h.max_timestamp,
                                       .first_sequence = h.base_sequence,
                                       .last_sequence = -1,
                                       .epoch = h.producer_epoch,
                                       .transactional = h.attributes & OD_BATCH_TRANSACTIONAL };
    if (h.base_sequence >= 0)
        out->last_sequence = od_sequence_after(h.base_sequence, h.last_offset_delta);
    if (h.attributes & OD_BATCH_CONTROL) /* without records: the cleaner left it for its offset */
        return h.count > 0 && read_marker(&h, data, len, out);
    return true;
}
