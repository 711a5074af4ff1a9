/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The framing that the limit programs speak: what is left of a request when nothing has to be
 * understood.  All integers are big-endian.
 *
 *   request:  length of the rest, id, where the payload begins (counted from the frame's start);
 *             the payload ends with the frame
 *   answer:   length of the rest, id, 0, bytes that follow the header as payload
 */
#pragma once

#include <stdint.h>

enum {
    OD_PLAIN_LENGTH_AT = 0,
    OD_PLAIN_ID_AT = 4,
    OD_PLAIN_PAYLOAD_AT = 8, /* request */
    OD_PLAIN_STATUS_AT = 8,  /* answer */
    OD_PLAIN_BODY_AT = 12,   /* answer */
    OD_PLAIN_HEADER_MIN = 16,
    OD_PLAIN_PING_BYTES = 64,         /* request and answer of a round trip */
    OD_PLAIN_ACK_BYTES = 40,          /* answer to a produce request */
    OD_PLAIN_FETCH_BYTES = 64,        /* request */
    OD_PLAIN_FETCH_HEADER_BYTES = 64, /* in front of the fetched bytes */
};
