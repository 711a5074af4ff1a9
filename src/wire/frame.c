/* SPDX-License-Identifier: Apache-2.0 */
/* Request and response headers around a message. */
#include "wire/frame.h"

#include "wire/api/api_versions.h"
#include "wire/records/request_header.h"

static bool is_flexible(const struct od_api *api, int16_t api_version)
{
    return api_version >= api->flexible_min;
}

int16_t od_frame_request_version(const struct od_api *api, int16_t api_version)
{
    return is_flexible(api, api_version) ? 2 : 1;
}

int16_t od_frame_response_version(const struct od_api *api, int16_t api_version)
{
    return is_flexible(api, api_version) && api->key != OD_api_versions_KEY ? 1 : 0;
}

enum od_err od_frame_read_request(struct od_reader *r, struct od_request_frame *out)
{
    *out = (struct od_request_frame) {0};
    out->api_key = od_read_i16(r);
    out->api_version = od_read_i16(r);
    out->correlation_id = od_read_i32(r);
    if (r->err)
        return r->err;
    out->api = od_api_find(out->api_key);
    if (!out->api)
        return OD_UNSUPPORTED_VERSION;
    /* The client id keeps its old form in every version. */
    out->client_id = od_read_str(r, OD_FORM_CLASSIC | OD_FORM_NULLABLE);
    if (is_flexible(out->api, out->api_version))
        od_tags_skip(r);
    return r->err;
}

size_t od_frame_response_bytes(const struct od_api *api, int16_t api_version)
{
    return od_frame_response_version(api, api_version) == 1 ? 5 : 4;
}

void od_frame_write_response(struct od_writer *w, const struct od_api *api, int16_t api_version,
                             int32_t correlation_id)
{
    od_write_i32(w, correlation_id);
    if (od_frame_response_version(api, api_version) == 1)
        od_write_i8(w, 0);
}

static struct od_request_header header_of(const struct od_request_frame *head)
{
    return (struct od_request_header) {
        .request_api_key = head->api_key,
        .request_api_version = head->api_version,
        .correlation_id = head->correlation_id,
        .client_id = head->client_id,
    };
}

void od_frame_write_request(struct od_writer *w, const struct od_request_frame *head)
{
    struct od_request_header header = header_of(head);
    enum od_err err = od_request_header_encode(
        w, od_frame_request_version(head->api, head->api_version), &header);

    (void)err; /* sticks to the writer */
}

size_t od_frame_request_bytes(const struct od_request_frame *head)
{
    struct od_request_header header = header_of(head);
    struct od_size size;

    return od_request_header_size(&header, od_frame_request_version(head->api, head->api_version),
                                  &size)
               ? 0
               : size.wire;
}
