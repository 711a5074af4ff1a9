/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Drives a produce: checks each batch in place, on a helper where that is long or the topic has a
 * compression of its own, appends them all, and calls answer when the acks rule holds for each or
 * the time is over.  On the shard of the call throughout.  While a helper has a batch the
 * connection is paused, so that its batches keep their order.
 */
#pragma once

#include "base/buf.h"
#include "broker/call.h"
#include "broker/partition.h"
#include "os/helpers.h"
#include "wire/validate.h"

struct od_produce_item {
    struct od_append append;
    struct od_produce *produce;
    struct od_validate_rules rules;
    int32_t bytes_max; /* of the batch as it is stored */
    bool has_codec;    /* stored under the topic's compression, not the producer's */
    enum od_compress codec;
    int level;
    struct od_buf *stored; /* what recompression made; the answerer's to drop; or NULL */
    const char *message; /* why; NULL: the code says it */
    int32_t fault_count; /* records that were found wrong */
    struct od_validate_fault *faults;
    bool finished;
};

/* In the call's arena; the handler fills it up to item_count. */
struct od_produce {
    struct od_call *call;
    void (*answer)(struct od_produce *p); /* every item has its err */
    int16_t acks;
    int32_t timeout_ms;
    struct od_produce_item *items; /* append.err set: already refused */
    int32_t item_count;
    /* The rest is the driver's. */
    int32_t next;                      /* to be prepared */
    int32_t outstanding;               /* appended and not finished */
    struct od_job job;                 /* checks items[next] */
    struct od_validate_result checked; /* of items[next] */
    enum od_err check_err;
    struct od_timer timeout;
    bool paused;
};

/* Takes the produce to its answer, perhaps at once. */
void od_produce_start(struct od_produce *p);
