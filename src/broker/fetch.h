/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Drives a fetch: looks at what its session says is ready, waits for more (long poll), reads, and
 * answers.  On the shard of the call throughout; cold bytes are read ahead by a helper.
 */
#pragma once

#include "broker/call.h"
#include "core/fetch/session.h"
#include "os/helpers.h"
#include "storage/plog.h"
#include "wire/api/fetch.h"

/* In the call's arena. */
struct od_fetch_call {
    struct od_link link; /* in the shard's parked list, while it waits for bytes or the time */
    struct od_call *call;
    struct od_fetch_session *session;
    struct od_timer timeout;
    int32_t min_bytes;
    int64_t bytes_left;
    bool found; /* some records are in the answer */
    bool read_committed;
    bool zstd_allowed; /* Fetch 10 and above */
    bool follower;     /* says that it is a replica; a single node has none */
    /* The cursor being served. */
    struct od_fetch_cursor *cursor;
    struct od_fetch_result result;
    struct od_fetch_rsp_partition out;
    int64_t stable_end; /* last stable offset when the records were looked up */
    struct od_plog_want want;
    int tries;
    struct od_plog_place place;
    struct od_plog_range range;
    enum od_err scan_err;
    struct od_job job;
};

/* The session has been begun, named and admitted; takes the fetch to its answer. */
void od_fetch_start(struct od_fetch_call *f, int32_t max_wait_ms);
/* Answers all parked fetches now; the node stops. */
void od_fetch_release_parked(struct od_shard *shard);
/* od_fetch_config.drop */
void od_fetch_drop_watch(struct od_fetch_cursor *cursor);
