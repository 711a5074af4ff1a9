/* SPDX-License-Identifier: Apache-2.0 */
/* The local store: its log and commits (local.c), its snapshots (local_snapshot.c). */
#pragma once

#include "meta/local.h"
#include "meta/metasnapshot.h"
#include "os/reactor.h"
#include "storage/plog.h"

/* One snapshot at a time: written by a helper, then what it makes superfluous is removed. */
struct od_local_snapshots {
    struct od_metasnapshot_id kept[OD_METASNAPSHOTS_KEPT]; /* newest first */
    int kept_count;
    int64_t fresh_bytes; /* committed since the newest */
    int64_t fresh_ms;    /* reactor's time of the first of them; 0: none */
    bool prefix_due;     /* the log is to begin at the older snapshot, once no flush is out */
    bool out;            /* a job is with a helper */
    bool stopped;        /* no further one is begun */
    struct od_timer timer;
    struct od_job job;
    struct od_image *image;     /* being written; owns a reference */
    struct od_metasnapshot_id gone; /* to be removed; end_offset -1: none */
    struct od_plog_trash trash;
    enum od_err err; /* of the job */
};

struct od_local {
    struct od_meta_store store;
    struct od_local_options o;
    struct od_plog *log;
    char *dir; /* of the partition */
    int32_t term;
    bool abort_pending; /* the log ends inside a metadata transaction */
    /* The commit in flight, or NULL. */
    struct od_meta_commit *commit;
    int64_t commit_end;
    int64_t commit_bytes;
    struct od_plog_flush flush;
    struct od_job job;
    struct od_timer retry;
    struct od_local_snapshots snapshots;
};

/*
 * Blocking.  Applies the newest snapshot that is whole to *edit, an edit of `empty`; *position: how
 * far.  None, and the log begins at 0: position.offset is -1.
 */
OD_MUST_USE enum od_err od_local_load_snapshot(struct od_local *s, struct od_image *empty,
                                               struct od_edit **edit,
                                               struct od_meta_position *position);
/* After a commit of so many bytes; no flush is out. */
void od_local_note_commit(struct od_local *s, int64_t bytes);
void od_local_init_snapshots(struct od_local *s);
