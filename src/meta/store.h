/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A metadata store keeps the metadata records of the cluster.  Used by the controller, on its
 * reactor, except open and load, which block and come before it runs.
 */
#pragma once

#include "base/arena.h"
#include "core/cluster/cluster.h"

struct od_meta_store;

struct od_meta_position {
    int64_t offset; /* of the last record; -1: none */
    int32_t term;   /* KRaft's leader epoch */
};

enum od_commit_outcome {
    OD_COMMIT_COMMITTED,
    OD_COMMIT_FENCED,  /* another leader writes; nothing was committed */
    OD_COMMIT_NO_ROOM, /* nothing was written; may work later */
    OD_COMMIT_UNKNOWN, /* may or may not be committed: publish nothing, lead again and load */
};

/* Lies in the caller's object, which lives until done is called on the controller's reactor. */
struct od_meta_commit {
    int32_t term;
    const struct od_record_list *records; /* all or nothing; borrowed until done */
    void (*done)(struct od_meta_commit *c);
    enum od_commit_outcome outcome;
    struct od_meta_position position; /* of the last record, when committed */
};

struct od_meta_store_ops {
    /* Applies every committed record to *image, replacing it.  *position: how far. */
    enum od_err (*load)(struct od_meta_store *s, struct od_image **image,
                        struct od_meta_position *position);
    /* Begins a term of our own.  OD_NOT_CONTROLLER: another leads. */
    enum od_err (*lead)(struct od_meta_store *s, int32_t *term, int64_t *next_offset);
    /* One at a time. */
    void (*commit)(struct od_meta_store *s, struct od_meta_commit *c);
    /* Begins nothing of its own any more; true: nothing is out.  On the controller's reactor, when
     * no commit follows. */
    bool (*quiesce)(struct od_meta_store *s);
    void (*close)(struct od_meta_store *s); /* quiet, or the helpers are gone */
};

struct od_meta_store {
    const struct od_meta_store_ops *ops;
};
