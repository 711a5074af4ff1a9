/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Request and response headers.  Their version follows from the API's version: flexible versions
 * have tagged fields, except that ApiVersions always answers with version 0, so that a client of
 * any age can read it.
 */
#pragma once

#include "wire/codec.h"

struct od_request_frame {
    const struct od_api *api; /* NULL: unknown key */
    int16_t api_key;
    int16_t api_version; /* not checked against the API's range */
    int32_t correlation_id;
    struct od_str client_id; /* borrowed; may be null */
};

/*
 * Reads the header; the reader then stands at the message.  UNSUPPORTED_VERSION for an unknown key,
 * with key, version and correlation id filled in.
 */
OD_MUST_USE enum od_err od_frame_read_request(struct od_reader *r, struct od_request_frame *out);
int16_t od_frame_request_version(const struct od_api *api, int16_t api_version);  /* 1 or 2 */
int16_t od_frame_response_version(const struct od_api *api, int16_t api_version); /* 0 or 1 */
size_t od_frame_response_bytes(const struct od_api *api, int16_t api_version);    /* 4 or 5 */
void od_frame_write_response(struct od_writer *w, const struct od_api *api, int16_t api_version,
                             int32_t correlation_id);
/* For clients: the header of a request. */
void od_frame_write_request(struct od_writer *w, const struct od_request_frame *head);
size_t od_frame_request_bytes(const struct od_request_frame *head);
