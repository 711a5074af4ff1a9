/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Validation of a produced batch.  Records are walked over a stream of windows and never gathered,
 * so that a compressed batch takes one window whatever its records claim.
 */
#include "wire/validate.h"

#include "wire/batch.h"

struct walk {
    struct od_expand *expand; /* NULL: the window is all */
    struct od_bytes window;
    int64_t left; /* bytes of the current record not read yet */
    enum od_err err;
    const struct od_validate_rules *rules;
    struct od_validate_result *result;
    int64_t max_timestamp;
};

static void fail(struct walk *w, enum od_err err)
{
    if (!w->err)
        w->err = err;
    w->window.len = 0;
}

/* False at the end of the input or after an error. */
static bool refill(struct walk *w)
{
    enum od_err err;

    if (w->err || !w->expand)
        return false;
    err = od_expand_next(w->expand, &w->window);
    if (err)
        fail(w, err);
    else
        w->result->records_bytes += (int64_t)w->window.len;
    return w->window.len > 0;
}

static uint8_t take_byte(struct walk *w)
{
    if (w->window.len == 0 && !refill(w)) {
        fail(w, OD_E_TRUNCATED);
        return 0;
    }
    w->left--;
    w->window.len--;
    return *w->window.data++;
}

static uint64_t take_base128(struct walk *w, unsigned bytes_max)
{
    uint64_t v = 0;

    for (unsigned i = 0; i < bytes_max; i++) {
        uint8_t b = take_byte(w);

        if (i == 9 && b > 1) /* beyond 64 bits */
            break;
        v |= (uint64_t)(b & 0x7f) << (7 * i);
        if (b < 0x80)
            return v;
    }
    fail(w, OD_E_CORRUPT);
    return 0;
}

static int64_t take_varlong(struct walk *w)
{
    uint64_t v = take_base128(w, 10);

    return (int64_t)((v >> 1) ^ (0ull - (v & 1)));
}

static int64_t take_varint(struct walk *w)
{
    uint64_t v = take_base128(w, 5);

    if (v > UINT32_MAX)
        fail(w, OD_E_CORRUPT);
    return (int64_t)((v >> 1) ^ (0ull - (v & 1)));
}

static void skip(struct walk *w, int64_t len)
{
    if (len > w->left) {
        fail(w, OD_E_CORRUPT);
        return;
    }
    w->left -= len;
    while (len > 0) {
        int64_t part;

        if (w->window.len == 0 && !refill(w)) {
            fail(w, OD_E_TRUNCATED);
            return;
        }
        part = len < (int64_t)w->window.len ? len : (int64_t)w->window.len;
        w->window.data += part;
        w->window.len -= (size_t)part;
        len -= part;
    }
}

/* A length and that many bytes; true if not null. */
static bool skip_field(struct walk *w)
{
    int64_t len = take_varint(w);

    if (len < -1)
        fail(w, OD_E_CORRUPT);
    skip(w, len > 0 ? len : 0);
    return len >= 0;
}

static void add_fault(struct walk *w, int32_t index, enum od_err err, const char *text)
{
    struct od_validate_result *out = w->result;

    if (out->fault_count < OD_VALIDATE_FAULTS_MAX)
        out->faults[out->fault_count] = (struct od_validate_fault) {index, err, text};
    out->fault_count++;
}

/* now - timestamp or its opposite lies beyond a limit; the difference may not fit in 64 bits. */
static bool out_of_time(const struct od_validate_rules *rules, int64_t timestamp)
{
    int64_t diff;
    bool past = timestamp < rules->now_ms;

    if (rules->log_append_time || timestamp == -1)
        return false;
    if (past ? __builtin_sub_overflow(rules->now_ms, timestamp, &diff)
             : __builtin_sub_overflow(timestamp, rules->now_ms, &diff))
        diff = INT64_MAX;
    return diff > (past ? rules->timestamp_before_max_ms : rules->timestamp_after_max_ms);
}

/* What the rules ask of a record. */
struct facts {
    int64_t timestamp_delta;
    int64_t offset_delta;
    bool keyed;
};

/* The record's bytes wherever they lie in the windows. */
static void walk_body(struct walk *w, struct facts *out)
{
    int64_t headers;

    take_byte(w);
    out->timestamp_delta = take_varlong(w);
    out->offset_delta = take_varint(w);
    out->keyed = skip_field(w);
    skip_field(w);
    headers = take_varint(w);
    if (headers < 0)
        fail(w, OD_E_CORRUPT);
    for (int64_t i = 0; i < headers && !w->err; i++) {
        if (!skip_field(w))
            fail(w, OD_E_CORRUPT);
        skip_field(w);
    }
    if (w->left != 0)
        fail(w, OD_E_CORRUPT);
}

/* A record that lies whole in the window, the usual case: no refills, so three times as fast. */
struct body {
    const uint8_t *p;
    const uint8_t *end; /* equals p after a failure */
    bool bad;
};

static int64_t body_fail(struct body *b)
{
    b->bad = true;
    b->p = b->end;
    return 0;
}

static int64_t body_varlong_long(struct body *b, unsigned bytes_max)
{
    uint64_t v = 0;

    for (unsigned i = 0; i < bytes_max && b->p < b->end; i++) {
        uint8_t byte = *b->p++;

        if (i == 9 && byte > 1)
            break;
        v |= (uint64_t)(byte & 0x7f) << (7 * i);
        if (byte < 0x80)
            return (int64_t)((v >> 1) ^ (0ull - (v & 1)));
    }
    return body_fail(b);
}

/* One or two bytes without a loop; in a record nearly all are. */
static inline bool body_short(struct body *b, int64_t *out)
{
    int32_t v;

    if (b->end - b->p < 2)
        return false;
    v = b->p[0];
    if (v < 0x80) {
        b->p += 1;
    } else {
        if (b->p[1] >= 0x80)
            return false;
        v = (v & 0x7f) | b->p[1] << 7;
        b->p += 2;
    }
    *out = (v >> 1) ^ -(v & 1);
    return true;
}

static inline int64_t body_varlong(struct body *b)
{
    int64_t v;

    return body_short(b, &v) ? v : body_varlong_long(b, 10);
}

static inline int64_t body_varint(struct body *b)
{
    int64_t v;

    if (body_short(b, &v))
        return v;
    v = body_varlong_long(b, 5);
    return v == (int32_t)v ? v : body_fail(b);
}

static inline bool body_field(struct body *b)
{
    int64_t len = body_varint(b);

    if (len < 0) {
        if (len < -1)
            body_fail(b);
        return false;
    }
    if (len > b->end - b->p) {
        body_fail(b);
        return false;
    }
    b->p += len;
    return true;
}

static void walk_window(struct walk *w, int64_t size, struct facts *out)
{
    struct body b = {w->window.data, w->window.data + size, size == 0};
    int64_t headers;

    b.p += !b.bad; /* attributes */
    out->timestamp_delta = body_varlong(&b);
    out->offset_delta = body_varint(&b);
    out->keyed = body_field(&b);
    body_field(&b);
    headers = body_varint(&b);
    for (int64_t i = 0; i < headers && !b.bad; i++) {
        if (!body_field(&b))
            body_fail(&b);
        body_field(&b);
    }
    w->window.data += size;
    w->window.len -= (size_t)size;
    if (b.bad || headers < 0 || b.p != b.end)
        fail(w, OD_E_CORRUPT);
}

/* The size in front of a record, which it does not count. */
static int64_t take_size(struct walk *w)
{
    struct body b = {w->window.data, w->window.data, false};
    int64_t size;

    if (w->window.len > 0) /* before the first window there is no data to point at */
        b.end += w->window.len;
    if (!body_short(&b, &size)) {
        w->left = INT64_MAX;
        return take_varint(w);
    }
    w->window.data = b.p;
    w->window.len = (size_t)(b.end - b.p);
    return size;
}

static void walk_record(struct walk *w, int32_t index)
{
    struct facts facts = {0};
    int64_t timestamp;

    w->left = take_size(w);
    if (w->left < 0)
        fail(w, OD_E_CORRUPT);
    else if (!w->err && w->left <= (int64_t)w->window.len)
        walk_window(w, w->left, &facts);
    else
        walk_body(w, &facts);
    if (facts.offset_delta != index)
        fail(w, OD_E_CORRUPT);
    if (w->err)
        return;
    timestamp =
        (int64_t)((uint64_t)w->result->header.base_timestamp + (uint64_t)facts.timestamp_delta);
    if (w->rules->compacted && !facts.keyed)
        add_fault(w, index, OD_INVALID_RECORD, "a record of a compacted topic needs a key");
    else if (out_of_time(w->rules, timestamp))
        add_fault(w, index, OD_INVALID_TIMESTAMP, "the timestamp is out of range");
    if (timestamp > w->max_timestamp || index == 0) {
        w->max_timestamp = timestamp;
        w->result->max_timestamp_delta = index;
    }
}

static enum od_err refuse(struct od_validate_result *out, enum od_err err, const char *text)
{
    out->text = text;
    return err;
}

static enum od_err check_header(const uint8_t *data, size_t len, struct od_validate_result *out)
{
    struct od_batch_header *h = &out->header;
    enum od_err err = od_batch_parse(data, len, h);

    if (err == OD_UNSUPPORTED_FOR_MESSAGE_FORMAT)
        return refuse(out, OD_INVALID_RECORD, "record formats 0 and 1 are not accepted");
    if (err == OD_E_TRUNCATED || (!err && od_batch_bytes(h) != len))
        return refuse(out, OD_INVALID_RECORD, "exactly one whole record batch is expected");
    if (err)
        return refuse(out, OD_CORRUPT_MESSAGE, "the batch header is malformed");
    if (od_batch_check(data, h))
        return refuse(out, OD_CORRUPT_MESSAGE, "the batch's checksum is wrong");
    if (h->count == 0 || h->last_offset_delta != h->count - 1)
        return refuse(out, OD_INVALID_RECORD, "record count and offset range disagree");
    if (h->base_offset != 0)
        return refuse(out, OD_INVALID_RECORD, "a producer counts offsets from 0");
    if (h->attributes & OD_BATCH_CONTROL)
        return refuse(out, OD_INVALID_RECORD, "clients may not write control records");
    if (h->producer_id >= 0 && h->base_sequence < 0)
        return refuse(out, OD_INVALID_RECORD, "a producer id needs a sequence");
    if (h->attributes & OD_BATCH_LOG_APPEND_TIME)
        return refuse(out, OD_INVALID_TIMESTAMP, "producers may not claim log append time");
    if (od_batch_compression(h) > OD_COMPRESS_ZSTD)
        return refuse(out, OD_UNSUPPORTED_COMPRESSION_TYPE, "unknown compression");
    return OD_NONE;
}

/* Broken contents would be sent again and again if the error were retriable. */
static enum od_err to_record_error(struct od_validate_result *out, enum od_err err)
{
    if (err == OD_E_NO_MEMORY)
        return err;
    out->too_large = err == OD_E_LIMIT;
    return refuse(out, OD_INVALID_RECORD,
                  err == OD_E_LIMIT ? "the batch expands beyond the limit"
                                    : "the records are malformed");
}

static enum od_err walk_records(const uint8_t *data, const struct od_validate_rules *rules,
                                struct od_validate_result *out, int64_t *max_timestamp)
{
    const struct od_batch_header *h = &out->header;
    size_t len = od_batch_bytes(h) - OD_BATCH_HEADER_BYTES;
    struct walk w = {.rules = rules, .result = out};

    data += OD_BATCH_HEADER_BYTES;
    if (od_batch_compression(h) == OD_COMPRESS_NONE) {
        w.window = (struct od_bytes) {data, len};
        out->records_bytes = (int64_t)len;
    } else {
        w.err = od_expand_open(od_batch_compression(h), data, len, &rules->limits, &w.expand);
    }
    for (int32_t i = 0; i < h->count && !w.err; i++)
        walk_record(&w, i);
    if (!w.err && (w.window.len > 0 || refill(&w)))
        fail(&w, OD_E_CORRUPT);
    od_expand_close(w.expand);
    *max_timestamp = w.max_timestamp;
    return w.err ? to_record_error(out, w.err) : OD_NONE;
}

static enum od_err error_of_faults(struct od_validate_result *out)
{
    int32_t kept =
        out->fault_count < OD_VALIDATE_FAULTS_MAX ? out->fault_count : OD_VALIDATE_FAULTS_MAX;

    if (kept == 0)
        return OD_NONE;
    for (int32_t i = 0; i < kept; i++)
        if (out->faults[i].err == OD_INVALID_TIMESTAMP)
            return refuse(out, OD_INVALID_TIMESTAMP, "some timestamps are out of range");
    return refuse(out, OD_INVALID_RECORD, "some records are not acceptable");
}

enum od_err od_validate_batch(uint8_t *data, size_t len, const struct od_validate_rules *rules,
                              struct od_validate_result *out)
{
    struct od_batch_header *h = &out->header;
    int64_t max_timestamp;
    enum od_err err;

    *out = (struct od_validate_result) {0};
    err = check_header(data, len, out);
    if (err)
        return err;
    if (rules->header_only && od_batch_compression(h) != OD_COMPRESS_NONE) {
        max_timestamp = h->max_timestamp;
        out->max_timestamp_delta = h->last_offset_delta;
        if (out_of_time(rules, h->base_timestamp) || out_of_time(rules, max_timestamp))
            return refuse(out, OD_INVALID_TIMESTAMP, "the batch's timestamps are out of range");
    } else {
        err = walk_records(data, rules, out, &max_timestamp);
        if (!err)
            err = error_of_faults(out);
        if (err)
            return err;
    }
    if (rules->log_append_time) {
        max_timestamp = rules->now_ms;
        out->max_timestamp_delta = h->last_offset_delta;
    }
    if (rules->log_append_time || max_timestamp != h->max_timestamp) {
        od_batch_set_max_timestamp(data, rules->log_append_time, max_timestamp);
        err = od_batch_parse(data, len, h);
    }
    return err;
}
