/* SPDX-License-Identifier: Apache-2.0 */
/* Two walks over the records of a batch: what stays, and, if that is not all, writing it. */
#include "storage/clean_batch.h"

#include "base/mem.h"
#include "wire/writer.h"

enum { RECORD_HEAD_MAX = 64 }; /* all of a record but key, value and headers */

static const struct od_expand_limits limits = { .total_bytes = OD_CLEAN_EXPANDED_MAX };

/* --- buffers ---------------------------------------------------------------------------------- */

enum od_err od_clean_reserve(struct od_clean_buffer *b, size_t len)
{
    size_t want = b->len + len, capacity;
    uint8_t *bigger;

    if (want <= b->capacity)
        return OD_NONE;
    capacity = b->capacity * 2 > want ? b->capacity * 2 : want;
    bigger = od_alloc_try(capacity);
    if (!bigger)
        return OD_E_NO_MEMORY;
    if (b->len)
        memcpy(bigger, b->data, b->len);
    od_free(b->data);
    b->data = bigger;
    b->capacity = capacity;
    return OD_NONE;
}

void od_clean_buffer_free(struct od_clean_buffer *b)
{
    od_free(b->data);
    *b = (struct od_clean_buffer){ 0 };
}

/* --- walks ------------------------------------------------------------------------------------ */

/* What a walk found to stay. */
struct kept {
    int64_t count;
    int64_t max_timestamp;
    int64_t first_timestamp;
    bool tombstone;
};

/* Calls each for every record; its error ends the walk. */
static enum od_err walk(const uint8_t *data, const struct od_batch_header *h,
                        enum od_err (*each)(void *arg, const struct od_record *record), void *arg)
{
    struct od_record_stream stream;
    struct od_record record;
    enum od_err err = od_record_stream_open(&stream, data, h, &limits);

    while (!err) {
        err = od_record_stream_next(&stream, &record);
        if (!err)
            err = each(arg, &record);
    }
    od_record_stream_close(&stream);
    if (err == OD_E_CORRUPT)
        return OD_CORRUPT_MESSAGE;
    return err == OD_E_NOT_FOUND ? OD_NONE : err;
}

struct sifting {
    const struct od_clean_round *round;
    const struct od_batch_header *header;
    const struct od_clean_verdict *verdict;
    struct kept kept;
    int64_t base_timestamp;      /* the second walk */
    struct od_clean_buffer *out; /* the second walk */
};

static bool stays(const struct sifting *s, const struct od_record *r)
{
    return od_clean_keeps(s->round, s->header, s->verdict, r);
}

static enum od_err count(void *arg, const struct od_record *r)
{
    struct sifting *s = arg;
    struct kept *k = &s->kept;

    if (!stays(s, r))
        return OD_NONE;
    if (!k->count++)
        k->first_timestamp = k->max_timestamp = r->timestamp;
    if (r->timestamp > k->max_timestamp)
        k->max_timestamp = r->timestamp;
    k->tombstone |= !r->value.data;
    return OD_NONE;
}

static size_t field_bytes(struct od_bytes v)
{
    return od_varint_len(v.data ? (int32_t)v.len : -1) + v.len;
}

static void write_field(struct od_writer *w, struct od_bytes v)
{
    od_write_varint(w, v.data ? (int32_t)v.len : -1);
    od_write_raw(w, v.data, v.len);
}

static enum od_err write_record(void *arg, const struct od_record *r)
{
    struct sifting *s = arg;
    int64_t time = (int64_t)((uint64_t)r->timestamp - (uint64_t)s->base_timestamp);
    int32_t delta = (int32_t)(r->offset - s->header->base_offset);
    size_t room = RECORD_HEAD_MAX + r->key.len + r->value.len + r->headers.len;
    size_t body;
    struct od_writer w;
    enum od_err err;

    if (!stays(s, r))
        return OD_NONE;
    err = od_clean_reserve(s->out, room);
    if (err)
        return err;
    body = 1 + od_varlong_len(time) + od_varint_len(delta) + field_bytes(r->key) +
           field_bytes(r->value) + od_varint_len(r->header_count) + r->headers.len;
    w = od_writer_of(s->out->data + s->out->len, room);
    od_write_varint(&w, (int32_t)body);
    od_write_i8(&w, 0);
    od_write_varlong(&w, time);
    od_write_varint(&w, delta);
    write_field(&w, r->key);
    write_field(&w, r->value);
    od_write_varint(&w, r->header_count);
    od_write_raw(&w, r->headers.data, r->headers.len);
    s->out->len += od_writer_len(&w);
    return w.err;
}

/* --- writing ---------------------------------------------------------------------------------- */

static enum od_err put_whole(const uint8_t *data, const struct od_batch_header *h,
                             struct od_clean_buffer *out)
{
    size_t len = od_batch_bytes(h);
    enum od_err err = od_clean_reserve(out, len);

    if (err)
        return err;
    memcpy(out->data + out->len, data, len);
    out->len += len;
    return OD_NONE;
}

/* Seals the batch whose records were written behind room for its header. */
static void seal(struct od_clean_buffer *out, size_t start, struct od_batch_header *h)
{
    h->length = (int32_t)(out->len - start - OD_BATCH_PREFIX_BYTES);
    od_batch_seal(out->data + start, h);
}

static enum od_err put_empty(const struct od_batch_header *h, struct od_clean_buffer *out)
{
    struct od_batch_header e = *h;
    size_t start = out->len;
    enum od_err err = od_clean_reserve(out, OD_BATCH_HEADER_BYTES);

    if (err)
        return err;
    out->len += OD_BATCH_HEADER_BYTES;
    e.attributes &= OD_BATCH_LOG_APPEND_TIME | OD_BATCH_TRANSACTIONAL | OD_BATCH_CONTROL;
    e.base_timestamp = -1;
    e.count = 0;
    seal(out, start, &e);
    return OD_NONE;
}

/* The records in scratch, compressed, to the end of out. */
static enum od_err put_records(enum od_compress codec, const struct od_clean_buffer *scratch,
                               struct od_clean_buffer *out)
{
    struct od_bytes plain = { scratch->data, scratch->len };
    size_t room = od_compress_bound(codec, plain.len), len = 0;
    enum od_err err = od_clean_reserve(out, room);

    if (!err)
        err = od_compress(codec, 0, plain, out->data + out->len, room, &len);
    if (!err)
        out->len += len;
    return err;
}

static enum od_err put_rest(struct sifting *s, const uint8_t *data, int64_t horizon,
                            struct od_clean_buffer *scratch, struct od_clean_buffer *out)
{
    struct od_batch_header h = *s->header;
    enum od_compress codec = od_batch_compression(&h);
    size_t start = out->len;
    enum od_err err = od_clean_reserve(out, OD_BATCH_HEADER_BYTES);

    if (err)
        return err;
    out->len += OD_BATCH_HEADER_BYTES;
    s->base_timestamp = horizon >= 0 ? horizon : s->kept.first_timestamp;
    s->out = codec == OD_COMPRESS_NONE ? out : scratch;
    scratch->len = 0;
    err = walk(data, s->header, write_record, s);
    if (!err && codec != OD_COMPRESS_NONE)
        err = put_records(codec, scratch, out);
    if (!err && out->len - start > INT32_MAX)
        err = OD_E_LIMIT;
    if (err) {
        out->len = start;
        return err;
    }
    h.base_timestamp = s->base_timestamp;
    if (horizon >= 0)
        h.attributes |= OD_BATCH_DELETE_HORIZON;
    if (!(h.attributes & OD_BATCH_LOG_APPEND_TIME))
        h.max_timestamp = s->kept.max_timestamp;
    h.count = (int32_t)s->kept.count;
    seal(out, start, &h);
    return OD_NONE;
}

static int64_t horizon_from(const struct od_clean_round *r)
{
    return r->now_ms > INT64_MAX - r->delete_retention_ms ? INT64_MAX
                                                          : r->now_ms + r->delete_retention_ms;
}

enum od_err od_clean_batch(const struct od_clean_round *round, const uint8_t *data,
                           const struct od_batch_header *h, const struct od_clean_verdict *v,
                           struct od_clean_buffer *scratch, struct od_clean_buffer *out,
                           struct od_clean_tally *tally)
{
    struct sifting s = { .round = round, .header = h, .verdict = v };
    int64_t horizon = od_clean_horizon(h);
    bool all, begins;
    enum od_err err = v->drop_records ? OD_NONE : walk(data, h, count, &s);

    if (err)
        return err;
    tally->records_read += h->count;
    tally->records_kept += s.kept.count;
    if (!s.kept.count)
        return v->keep_empty ? put_empty(h, out) : OD_NONE;
    all = s.kept.count == h->count;
    /* The horizon is the whole batch's: it begins when no record of it is above the map. */
    begins = s.kept.tombstone && od_batch_last_offset(h) <= round->latest_offset;
    begins = horizon < 0 && (begins || v->marker_to_go);
    if (begins)
        horizon = horizon_from(round);
    if (horizon >= 0 && horizon > round->now_ms && horizon < tally->horizon_min)
        tally->horizon_min = horizon;
    return all && !begins ? put_whole(data, h, out) : put_rest(&s, data, horizon, scratch, out);
}

/* --- looking in ------------------------------------------------------------------------------- */

static enum od_err take_marker(void *arg, const struct od_record *r)
{
    *(enum od_clean_marker *)arg = od_clean_marker_of(r->key);
    return OD_NONE;
}

enum od_err od_clean_batch_marker(const uint8_t *data, const struct od_batch_header *h,
                                  enum od_clean_marker *out)
{
    *out = OD_CLEAN_NO_MARKER;
    return h->attributes & OD_BATCH_CONTROL ? walk(data, h, take_marker, out) : OD_NONE;
}

struct noting {
    struct od_clean_map *map;
    int64_t first_offset;
    int64_t *latest;
};

static enum od_err note_key(void *arg, const struct od_record *r)
{
    struct noting *n = arg;

    if (r->offset >= n->first_offset && r->key.data) {
        if (!od_clean_map_put(n->map, r->key, r->offset))
            return OD_E_FULL;
        *n->latest = r->offset;
    }
    return OD_NONE;
}

enum od_err od_clean_batch_keys(struct od_clean_map *map, const uint8_t *data,
                                const struct od_batch_header *h, int64_t first_offset,
                                int64_t *latest, bool *full)
{
    struct noting n = { map, first_offset, latest };
    enum od_err err = walk(data, h, note_key, &n);

    *full = err == OD_E_FULL;
    if (!err && od_batch_last_offset(h) > *latest)
        *latest = od_batch_last_offset(h);
    return *full ? OD_NONE : err;
}
