/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Seeded bugs.  OD_MUTANT(name) is true in a build made with -DOD_MUTANT_ON=name and false in
 * every other one, where the compiler drops it.  A simulation that misses a mutant is blind.
 */
#pragma once

#define OD_MUTANTS(ROW)                                                                            \
    ROW(none)                                                                                      \
    ROW(replica_truncate_to_hw)        /* a follower cuts by its own high watermark */             \
    ROW(replica_hw_from_isr)           /* the mark ignores the pending in-sync set */              \
    ROW(replica_stale_broker_epoch)    /* a fetch of a former life counts for admission */         \
    ROW(replica_no_fetch_epoch)        /* a follower's leader epoch is not compared */             \
    ROW(replica_early_reads)           /* a new leader answers before its mark is known */         \
    ROW(replica_ack_after_demotion)    /* success without looking at leadership again */           \
    ROW(replica_hw_below_min_isr)      /* the mark moves with too few in-sync replicas */          \
    ROW(replica_hw_from_log_end)       /* the mark counts what no disk has */                      \
    ROW(storage_no_sync)               /* a flush syncs no segment */                              \
    ROW(storage_sync_retried)          /* a failed sync is tried again and believed */             \
    ROW(storage_no_dir_sync)           /* a new segment has no durable name */                     \
    ROW(storage_point_ahead)           /* the durable end names what no sync covered */            \
    ROW(storage_recovery_no_sync)      /* recovered bytes count as durable unsynced */             \
    ROW(storage_tail_unchecked)        /* recovery believes batches without their CRC */           \
    ROW(producer_window_lost)          /* a restart forgets all but the last batch */              \
    ROW(producer_gap_accepted)         /* any sequence follows the last one */                     \
    ROW(producer_epoch_unchecked)      /* a fenced producer's batch is appended */                 \
    ROW(clean_no_sync)                 /* a cleaned segment takes its place unsynced */            \
    ROW(clean_swap_forgotten)          /* a start does not end an interrupted swap */              \
    ROW(clean_tombstone_early)         /* a tombstone goes with the first clean */                 \
    ROW(clean_last_dropped)            /* some last records of a key go */                         \
    ROW(clean_same_path)               /* a reader opens a replaced segment by its name */         \
    ROW(broker_early_ack)              /* acks=all is answered at the append */                    \
    ROW(broker_duplicate_early)        /* a duplicate is answered before it is durable */          \
    ROW(broker_offset_twice)           /* batches of one gather get one base offset */             \
    ROW(broker_append_forgotten)       /* what came while the lock was held stays */               \
    ROW(broker_waiter_forgotten)       /* the high watermark wakes no fetch */                     \
    ROW(broker_dirty_forgotten)        /* stopped producers wait for what nobody writes back */    \
    ROW(broker_fetch_beyond)           /* a consumer reads above the high watermark */             \
    ROW(broker_start_in_memory)        /* a new log start is told before it is durable */          \
    ROW(net_answers_swapped)           /* an answer overtakes the one before it */                 \
    ROW(meta_early_commit)             /* a command is answered before its records are durable */  \
    ROW(meta_log_cut_short)            /* the log begins above the snapshot that is to cover it */ \
    ROW(meta_reserve_kept)             /* a full disk does not make the reserve go */              \
    ROW(fetch_rest_forgotten)          /* partitions a full answer did not reach are dropped */    \
    ROW(group_commit_answered_early)   /* a commit is answered before its record is durable */     \
    ROW(group_read_early)              /* an offset is read before its record is durable */        \
    ROW(group_failure_ignored)         /* groups go on with what the log does not have */          \
    ROW(group_generation_kept)         /* a rebalance keeps the generation's number */             \
    ROW(group_owner_forgotten)         /* a partition is told while another member has it */       \
    ROW(group_parked_forgotten)        /* groups that are dropped leave parked calls unanswered */

#define OD_MUTANT_ROW(name) OD_MUTANT_##name,
enum od_mutant { OD_MUTANTS(OD_MUTANT_ROW) };
#undef OD_MUTANT_ROW

#ifndef OD_MUTANT_ON
#define OD_MUTANT_ON none
#endif
#define OD_MUTANT_JOIN(name) OD_MUTANT_##name
#define OD_MUTANT_CHOSEN(name) OD_MUTANT_JOIN(name)
#define OD_MUTANT(name) (OD_MUTANT_##name == OD_MUTANT_CHOSEN(OD_MUTANT_ON))
