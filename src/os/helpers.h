/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Helper threads take what can block.  A job owns references to what it touches (a file, never a
 * partition), runs on a helper, and comes back by value to the reactor that submitted it.
 * Queues are bounded per class; FLUSH and READ have threads reserved to them.
 */
#pragma once

#include "os/reactor.h"

enum od_job_class {
    OD_JOB_FLUSH,  /* fsync */
    OD_JOB_WRITE_BACK, /* early write-back: waits for the disk, nobody waits for it */
    OD_JOB_READ,   /* cold reads, read-ahead */
    OD_JOB_DELETE, /* unlink, truncate */
    OD_JOB_CLEAN,  /* compaction, index rebuild */
    OD_JOB_CPU,    /* large checks, recompression */
    OD_JOB_CLASSES
};

struct od_job {
    enum od_job_class class;
    void (*run)(struct od_job *job);  /* on a helper thread */
    void (*done)(struct od_job *job); /* on the submitter's reactor; owns the job again */
    struct od_job *next;              /* the rest: helpers only */
    struct od_reactor *home;
    struct od_post post;
};

struct od_helpers;

struct od_helpers_stats {
    uint64_t completed[OD_JOB_CLASSES];
    uint64_t refused[OD_JOB_CLASSES];
};

enum { OD_HELPERS_QUEUE_MAX = 4096 }; /* jobs waiting per class */

/* threads >= 2: one is reserved to FLUSH, one to READ before others. */
OD_MUST_USE enum od_err od_helpers_new(int threads, struct od_helpers **out);
void od_helpers_free(struct od_helpers *h); /* runs what is queued, then joins; no new submits */
/* From a reactor's thread.  OD_E_FULL: the class's queue is full and nothing was taken. */
OD_MUST_USE enum od_err od_helpers_submit(struct od_helpers *h, struct od_job *job);
void od_helpers_stats(const struct od_helpers *h, struct od_helpers_stats *out);
