/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the partition share: stepping the machine and draining, under the lock. */
#pragma once

#include "broker/partition.h"

/* Steps the replica machine and carries out what it says; the rest is noted in fx. */
void od_partition_step(struct od_partition *p, const struct od_replica_event *ev,
                       struct od_effects *fx);
/* Shows the marks to those who read them without the lock. */
void od_partition_publish(struct od_partition *p);
void od_partition_wake(struct od_partition *p, struct od_effects *fx); /* its watchers */
int64_t od_partition_now_ms(void); /* for the machine's events */
/* Moves out who waited for the high watermark, or for leadership that is gone. */
void od_partition_settle_pending(struct od_partition *p, struct od_effects *fx);
void od_partition_drain_locked(struct od_partition *p, struct od_effects *fx);
/* Begins a flush if the durability contract asks for one and none is out. */
void od_partition_want_flush(struct od_partition *p, struct od_effects *fx);
/* Begins a write-back when enough is dirty; notes it when less is, and no flush comes. */
void od_partition_want_write_back(struct od_partition *p, struct od_effects *fx);
void od_write_back_submit(struct od_write_back_job *job, struct od_shard *shard);
struct od_write_back_job *od_write_back_begin(struct od_partition *p, int64_t min_bytes);
/* After the lock is free: hands the flush to a helper. */
void od_flush_submit(struct od_flush_job *job, struct od_shard *shard);
struct od_flush_job *od_flush_begin(struct od_partition *p);
