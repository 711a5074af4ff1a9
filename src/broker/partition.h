/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A partition on this broker: its lock, replica machine, log and whoever waits for them.
 *
 * Shared by all shards.  Fields marked "locked" are touched under the partition's lock only, which
 * is taken with od_partition_enter and given back with od_partition_leave, never otherwise: leave
 * carries out what the machine decided meanwhile, after the lock is free, and drains appends that
 * found it taken.
 *
 * Appends enter a lock-free list first.  Whoever finds the lock taken goes away: the holder looks
 * at the list again after it has left, so no append is forgotten.
 */
#pragma once

#include "base/list.h"
#include "base/mpsc.h"
#include "base/uuid.h"
#include "config/topic_config.h"
#include "core/cluster/image.h"
#include "core/producer/producer.h"
#include "core/replica/replica.h"
#include "os/lock.h"
#include "os/reactor.h"
#include "storage/plog.h"

struct od_shard;
struct od_node;
struct od_flush_job;
struct od_write_back_job;

struct od_partition {
    struct od_lock lock;
    _Atomic uint32_t refs;
    struct od_node *node;
    struct od_uuid topic_id;
    char *topic; /* owned */
    int32_t index;
    uint64_t incarnation; /* differs each time a partition is opened */

    struct od_mpsc appends; /* of struct od_append; bounded by the memory budget of their frames */

    struct od_replica replica;      /* locked */
    struct od_plog *plog;           /* locked; NULL: closed for good */
    struct od_topic_config *config; /* locked; owns a reference */
    struct od_list pending;  /* locked; od_append.link, by last offset: waiting for acks=all */
    struct od_list watchers; /* locked; od_watcher.link */
    bool flushing;           /* locked; a flush job is out */
    bool has_dirty;          /* locked; in node->dirty, or on its way out of it */
    struct od_link dirty;    /* node->dirty's lock; owns a reference */
    bool cleaning;           /* locked; a clean is out */
    bool uncleanable;        /* locked; compaction failed on it */
    enum od_err absent_err;  /* locked; what to answer while plog is NULL */

    /* Published under the lock, read by anyone. */
    _Atomic int64_t start_offset;
    _Atomic int64_t end_offset;
    _Atomic int64_t high_watermark;
    _Atomic int64_t size_bytes; /* of the log */
    _Atomic int64_t last_stable_offset; /* below it every transaction is decided */
    _Atomic int32_t leader_epoch;
};

/* One batch on its way into the log.  Lies in its call's arena. */
struct od_append {
    struct od_mpsc_node node;
    struct od_link link;
    struct od_partition *partition; /* owns a reference; NULL: err was known without one */
    struct od_shard *home;
    struct od_post post;
    void (*done)(struct od_append *a); /* on home, exactly once */
    uint8_t *data; /* one whole, checked batch in the call's frame, patched in place */
    size_t len;
    int32_t record_count; /* last offset = base offset + count - 1 */
    int64_t max_timestamp;
    int16_t acks;
    bool timed_out;  /* home only */
    bool idempotent; /* producer counts; its offsets are set in the partition */
    struct od_producer_batch producer;
    struct od_append *original; /* in the same gather; the partition's */
    /* results */
    enum od_err err;
    int64_t base_offset; /* -1: not appended */
    int64_t log_start;
    int32_t leader_epoch; /* it was appended under */
    bool duplicate;       /* it was in the log before, at base_offset */
    int64_t duplicate_timestamp; /* the greatest of the original */
};

/* Someone who wants to know when the high watermark moves or the partition closes. */
struct od_watcher {
    struct od_link link;
    struct od_partition *partition; /* owns a reference */
    struct od_shard *home;
    struct od_post post;
    struct od_watcher *wake_next;
    _Atomic bool posted;                /* post is in the inbox, or about to be */
    bool dead;                          /* home only: freed when the post comes back */
    void (*wake)(struct od_watcher *w); /* on home; may free the watcher */
    void *owner;                        /* the waker's */
    void *context;                      /* the waker's */
};

/* What is to be done once the lock is free. */
struct od_effects {
    struct od_list finished; /* od_append.link */
    struct od_watcher *wake;
    struct od_flush_job *flush;
    struct od_write_back_job *write_back;
};

/* What a topic's settings mean for its logs. */
struct od_plog_config od_partition_log_config(const struct od_image_topic *topic);
/* A partition without log or leadership; one reference. */
struct od_partition *od_partition_new(struct od_node *node, const struct od_image_topic *topic,
                                      int32_t index, uint64_t incarnation);
struct od_partition *od_partition_ref(struct od_partition *p);
void od_partition_unref(struct od_partition *p); /* accepts NULL; any thread */

/* Takes the lock and begins a list of effects. */
void od_partition_enter(struct od_partition *p, struct od_effects *fx);
/* Drops the lock, carries out the effects, and drains appends that came meanwhile. */
void od_partition_leave(struct od_partition *p, struct od_effects *fx, struct od_shard *shard);

/* Any shard: queues the append; it is drained at the end of the shard's turn. */
void od_partition_append(struct od_append *a);
/* With the partition entered: what a reader sees up to; replicas and debuggers read on. */
int64_t od_partition_stable_end(const struct od_partition *p);
/* Tries to drain the append list; called at the end of a turn. */
void od_partition_drain(struct od_partition *p, struct od_shard *shard);
/* The wait of an acks=all append is over by time; false: it is finished already or will be now. */
bool od_partition_give_up(struct od_append *a);

/* Metadata says who leads.  Blocking work (open, recovery) was done before. */
void od_partition_assign(struct od_partition *p, struct od_shard *shard,
                         const struct od_image_topic *topic, const struct od_image_partition *state,
                         struct od_plog *opened);
/*
 * The topic is gone (UNKNOWN_TOPIC_OR_PARTITION), or the node stops (NOT_LEADER_OR_FOLLOWER):
 * everyone who waits is told, later comers get why; the log is handed back.
 */
struct od_plog *od_partition_close(struct od_partition *p, struct od_shard *shard, enum od_err why);

/* Starts a flush if there is anything to flush; for timers. */
void od_partition_flush(struct od_partition *p, struct od_shard *shard);

/* Starts the write-back of whatever is dirty and has nobody to flush it; from node->dirty. */
void od_partition_write_back(struct od_partition *p, struct od_shard *shard);

/* Deletes the segments that retention gives up, or that lie below the start. */
void od_partition_retain(struct od_partition *p, struct od_shard *shard);

enum { OD_PARTITION_ALL = -1 }; /* up to the high watermark */
/*
 * Moves the log start up to offset, memory only: *moved says that od_storage_checkpoint is to make
 * it durable.  POLICY_VIOLATION on a topic that is compacted only, OFFSET_OUT_OF_RANGE above the
 * high watermark.
 */
OD_MUST_USE enum od_err od_partition_delete_records(struct od_partition *p, struct od_shard *shard,
                                                    int64_t offset, int64_t *start, bool *moved);
/* Forgets the producers that wrote nothing for so long. */
void od_partition_expire_producers(struct od_partition *p, struct od_shard *shard,
                                   int64_t expiration_ms);

void od_watcher_add(struct od_watcher *w, struct od_partition *p);
/* On home; frees the watcher now or when its post comes back. */
void od_watcher_free(struct od_watcher *w);
