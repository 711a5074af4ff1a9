/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Request headers: what is read can be written, and reads again as the same; the reader never
 * passes the end, and an unknown key still yields version and correlation id.
 */
#include "base/assert.h"
#include "wire/frame.h"

enum { HEADER_BYTES_MAX = 1 << 16 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t out[2 * HEADER_BYTES_MAX];
    struct od_request_frame first, second;
    struct od_reader r = od_reader_of(data, size);
    struct od_writer w;
    enum od_err err;

    if (size > HEADER_BYTES_MAX)
        return 0;
    err = od_frame_read_request(&r, &first);
    OD_ASSERT(r.p >= data && r.p <= data + size);
    if (err == OD_UNSUPPORTED_VERSION)
        OD_ASSERT(!first.api && r.p == data + 8);
    if (err)
        return 0;
    w = od_writer_of(out, od_frame_request_bytes(&first));
    od_frame_write_request(&w, &first);
    OD_ASSERT(!w.err && w.p == w.end);
    r = od_reader_of(out, od_writer_len(&w));
    OD_ASSERT(!od_frame_read_request(&r, &second) && od_reader_left(&r) == 0);
    OD_ASSERT(first.api == second.api && first.api_version == second.api_version &&
              first.correlation_id == second.correlation_id);
    OD_ASSERT(od_str_eq(first.client_id, second.client_id));
    OD_ASSERT(!first.client_id.data == !second.client_id.data);
    w = od_writer_of(out, od_frame_response_bytes(first.api, first.api_version));
    od_frame_write_response(&w, first.api, first.api_version, first.correlation_id);
    OD_ASSERT(!w.err && w.p == w.end);
    return 0;
}
