/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Admission by dirty bytes: while the log directory has more of them than its limit, producers are
 * not read from; a connection is stopped after the Produce that finds it so.  What was received
 * before that is appended still: at most the memory budget on top of the limit.
 *
 * Nobody waits for ever: dirty bytes are those of a flush or write-back that is out, of a flush
 * that follows it, or of partitions noted here, which are written back as soon as producers are
 * stopped.  A fenced directory stops nobody: its producers are to learn that.
 */
#pragma once

#include "base/list.h"
#include "os/lock.h"
#include "os/reactor.h"

struct od_call;
struct od_partition;
struct od_shard;

struct od_dirty {
    struct od_lock lock;  /* LEAF */
    struct od_list noted; /* od_partition.dirty: with dirty bytes that no flush will take */
    int64_t limit_bytes;
    int64_t resume_bytes;
    int64_t step_bytes;     /* of a partition, at which a write-back of it begins */
    _Atomic uint64_t stops; /* connections stopped so far */
};

void od_dirty_init(struct od_dirty *d, int64_t limit_bytes);
void od_dirty_deinit(struct od_dirty *d); /* every partition was closed */
/* Under the partition's lock: notes it, or takes it out. */
void od_dirty_add(struct od_dirty *d, struct od_partition *p);
void od_dirty_remove(struct od_dirty *d, struct od_partition *p);
/* A Produce is about to append: stops its connection when there is too much already. */
void od_dirty_admit(struct od_shard *shard, const struct od_call *call);
void od_dirty_look(struct od_timer *t); /* od_shard.dirty */
