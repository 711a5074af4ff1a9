/* SPDX-License-Identifier: Apache-2.0 */
/* Building and applying batches of the metadata log. */
#include "meta/metabatch.h"

#include "base/be.h"
#include "base/mem.h"
#include "wire/records/leader_change_message.h"
#include "wire/records/snapshot_footer_record.h"
#include "wire/records/snapshot_header_record.h"

/* Room for the batch of these records; 0: over the limit. */
static size_t measure(const struct od_record_list *records, size_t *largest)
{
    size_t total = OD_BATCH_HEADER_BYTES;

    *largest = 0;
    for (int i = 0; i < records->n; i++) {
        size_t len;

        if (od_metadata_record_size(&records->v[i], &len))
            return 0;
        total += od_batch_record_bytes_max((struct od_bytes){ NULL, 0 },
                                           (struct od_bytes){ NULL, len });
        if (len > *largest)
            *largest = len;
        if (total > OD_METABATCH_BYTES_MAX)
            return 0;
    }
    return total;
}

enum od_err od_metabatch_build(struct od_metabatch *b, const struct od_record_list *records,
                               int64_t base_offset, int32_t term, int64_t timestamp)
{
    struct od_batch_header header = od_batch_plain(base_offset, term);
    struct od_batch_builder builder;
    size_t largest, capacity = measure(records, &largest);
    uint8_t *frame;
    enum od_err err = OD_NONE;

    if (!capacity)
        return OD_E_LIMIT;
    *b = (struct od_metabatch){ od_alloc(capacity), 0, base_offset, timestamp, records->n };
    frame = od_alloc(largest);
    od_batch_begin(&builder, b->data, capacity, &header);
    for (int i = 0; !err && i < records->n; i++) {
        struct od_writer w = od_writer_of(frame, largest);

        err = od_metadata_record_encode(&records->v[i], &w);
        od_batch_add(&builder, timestamp, (struct od_bytes){ NULL, 0 },
                     (struct od_bytes){ frame, od_writer_len(&w) }, NULL, 0);
    }
    od_free(frame);
    return err ? err : od_batch_end(&builder, &b->len);
}

/* A batch of one control record. */
static enum od_err build_control(struct od_metabatch *b, int type, struct od_bytes value,
                                 int64_t base_offset, int32_t term)
{
    enum { BATCH_BYTES = 256 };
    const uint8_t key[] = { 0, 0, 0, (uint8_t)type }; /* version 0, type */
    struct od_batch_header header = od_batch_plain(base_offset, term);
    struct od_batch_builder builder;

    b->data = od_alloc(BATCH_BYTES);
    b->base_offset = base_offset;
    b->count = 1;
    header.attributes = OD_BATCH_CONTROL;
    od_batch_begin(&builder, b->data, BATCH_BYTES, &header);
    od_batch_add(&builder, b->timestamp, (struct od_bytes){ key, sizeof(key) }, value, NULL, 0);
    return od_batch_end(&builder, &b->len);
}

enum { CONTROL_BYTES = 64 }; /* of a control record's value, at most */

enum od_err od_metabatch_leader_change(struct od_metabatch *b, int32_t leader, int64_t base_offset,
                                       int32_t term, int64_t timestamp)
{
    struct od_leader_change_message_voter voter = { .voter_id = leader };
    struct od_leader_change_message m;
    uint8_t value[CONTROL_BYTES];
    struct od_writer w = od_writer_of(value, sizeof(value));
    enum od_err err;

    od_leader_change_message_defaults(&m);
    m.leader_id = leader;
    m.voters.n = m.granting_voters.n = 1;
    m.voters.v = m.granting_voters.v = &voter;
    *b = (struct od_metabatch){ .timestamp = timestamp };
    err = od_leader_change_message_encode(&w, 0, &m);
    return err ? err
               : build_control(b, OD_CONTROL_LEADER_CHANGE,
                               (struct od_bytes){ value, od_writer_len(&w) }, base_offset, term);
}

enum od_err od_metabatch_snapshot_header(struct od_metabatch *b, int64_t base_offset,
                                         int32_t epoch, int64_t timestamp)
{
    struct od_snapshot_header_record m = { .last_contained_log_timestamp = timestamp };
    uint8_t value[CONTROL_BYTES];
    struct od_writer w = od_writer_of(value, sizeof(value));
    enum od_err err = od_snapshot_header_record_encode(&w, 0, &m);

    *b = (struct od_metabatch){ .timestamp = timestamp };
    return err ? err
               : build_control(b, OD_CONTROL_SNAPSHOT_HEADER,
                               (struct od_bytes){ value, od_writer_len(&w) }, base_offset, epoch);
}

enum od_err od_metabatch_snapshot_footer(struct od_metabatch *b, int64_t base_offset,
                                         int32_t epoch, int64_t timestamp)
{
    struct od_snapshot_footer_record m = { 0 };
    uint8_t value[CONTROL_BYTES];
    struct od_writer w = od_writer_of(value, sizeof(value));
    enum od_err err = od_snapshot_footer_record_encode(&w, 0, &m);

    *b = (struct od_metabatch){ .timestamp = timestamp };
    return err ? err
               : build_control(b, OD_CONTROL_SNAPSHOT_FOOTER,
                               (struct od_bytes){ value, od_writer_len(&w) }, base_offset, epoch);
}

enum od_err od_metabatch_control_type(const uint8_t *data, const struct od_batch_header *h,
                                      int *type)
{
    struct od_expand_limits limits = { NULL, OD_METABATCH_BYTES_MAX };
    struct od_record_stream stream;
    struct od_record record;
    enum od_err err = od_record_stream_open(&stream, data, h, &limits);

    if (!err)
        err = od_record_stream_next(&stream, &record);
    if (!err && record.key.len < 4)
        err = OD_E_CORRUPT;
    if (!err)
        *type = od_be16_load(record.key.data + 2);
    od_record_stream_close(&stream);
    return err == OD_E_NOT_FOUND ? OD_E_CORRUPT : err;
}

void od_metabatch_deinit(struct od_metabatch *b)
{
    od_free(b->data);
    *b = (struct od_metabatch){ 0 };
}

static enum od_err apply_record(const struct od_record *record, struct od_edit *edit,
                                struct od_text *why)
{
    struct od_metadata_record decoded;
    struct od_arena arena = { 0 };
    enum od_err err = od_metadata_record_decode(record->value, &arena, &decoded, why);

    if (!err)
        err = od_edit_apply(edit, &decoded, why);
    od_arena_reset(&arena);
    return err;
}

enum od_err od_metabatch_apply(const uint8_t *data, const struct od_batch_header *h,
                               struct od_edit *edit, struct od_text *why)
{
    struct od_expand_limits limits = { NULL, OD_METABATCH_BYTES_MAX };
    struct od_record_stream stream;
    struct od_record record;
    enum od_err err;

    if (h->attributes & OD_BATCH_CONTROL)
        return OD_NONE;
    err = od_record_stream_open(&stream, data, h, &limits);
    while (!err) {
        err = od_record_stream_next(&stream, &record);
        if (!err)
            err = apply_record(&record, edit, why);
    }
    od_record_stream_close(&stream);
    return err == OD_E_NOT_FOUND ? OD_NONE : err;
}
