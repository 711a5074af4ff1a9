/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What `produce` reads: lines (or pieces between other delimiters), or JSON objects as `consume
 * -o json` prints them, one in a line.  Pure: bytes in, records out.
 */
#pragma once

#include "client/producer.h"

enum od_input_kind {
    OD_INPUT_LINES,
    OD_INPUT_JSON,
    OD_INPUT_WHOLE, /* all of it is one record */
};

struct od_record_rules {
    enum od_input_kind kind;
    struct od_str delimiter;     /* between records of LINES; not empty */
    struct od_str key_delimiter; /* key before it, value behind; null: no keys */
    struct od_bytes key;         /* of every record that has none; may be null */
    bool empty_is_null;          /* an empty value is a tombstone */
    const struct od_record_header *headers; /* added to every record */
    int32_t header_count;
    int32_t partition;
};

enum { OD_INPUT_HEADERS_MAX = 1000, OD_INPUT_RECORD_BYTES_MAX = 256 << 20 };

/*
 * Finds where the first record of data ends: *len is its length, *used that with the delimiter.
 * False: not within data (at the end of the input the rest is a record, unless it is empty).
 */
bool od_record_input_split(const struct od_record_rules *rules, struct od_str data, size_t *len,
                           size_t *used);
/*
 * One record from its bytes, which it borrows, as it does the arena.  now_ms is the timestamp of
 * records that have none.  False: *why.
 */
OD_MUST_USE bool od_record_input_parse(const struct od_record_rules *rules, struct od_str piece,
                                       int64_t now_ms, struct od_arena *arena,
                                       struct od_produce_record *out, struct od_text *why);
