/* SPDX-License-Identifier: Apache-2.0 */
/* Offsets of a topic's partitions by time, or the first and last, asked of the leaders. */
#pragma once

#include "client/client.h"

enum { /* timestamps with a meaning */
    OD_OFFSETS_END = -1,
    OD_OFFSETS_START = -2,
};

struct od_offset_of {
    int32_t partition; /* in */
    int64_t timestamp; /* in: ms since 1970, or one with a meaning; out: the record's, or -1 */
    int64_t offset;    /* -1: no record is that late */
    enum od_err err;
};

/*
 * Fills each of n entries.  The topic must have been learned by od_client_metadata.  Partitions
 * whose leader moves are asked again, at most OD_CLIENT_TRIES_MAX times.  The result is that of
 * reaching brokers (od_client_why); each entry has its own error.
 */
OD_MUST_USE enum od_err od_client_offsets(struct od_client *c, struct od_str topic,
                                          bool read_committed, struct od_offset_of *of, int n);
