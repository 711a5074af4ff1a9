/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A node's disk: a tree of inodes with two pictures of everything, the live one that processes see
 * and the durable one that survives a power cut, and between them the operations not yet synced.
 *
 * Invariants.
 * 1. live = durable with all pending operations applied in order, except after a failed sync.
 * 2. A sync covers what was pending when it began; what comes later may or may not be covered.
 * 3. A failed sync drops pending operations: the page is clean, the platter does not have it, and
 *    the next sync succeeds.  Whoever retries, loses.
 * 4. A name is durable only after a sync of its directory; syncing the file does not help.
 */
#pragma once

#include "os/sim/world.h"

struct od_inode;

struct od_entry {
    char *name;
    struct od_inode *inode;
};

struct od_entries {
    struct od_entry *v;
    int count, capacity;
};

struct od_content {
    uint8_t *data;
    int64_t len, capacity;
};

/* A write, or a truncation when data is NULL (to pos). */
struct od_file_op {
    uint8_t *data;
    int64_t pos;
    size_t len;
    uint64_t seq;
};

struct od_inode {
    uint32_t id;
    bool is_dir;
    int links;             /* live names */
    const void *locked_by; /* the handle that od_dir_lock gave out */
    struct od_content live, durable;
    int64_t modified_ms; /* wall clock */
    int64_t room; /* bytes of the disk that it has: its length, or more when preallocated */
    struct od_file_op *ops;
    int op_count, op_capacity;
    uint64_t op_seq;
    struct od_entries names, durable_names; /* of a directory */
};

/* name in dir becomes inode, or goes when that is NULL; a rename has both halves. */
struct od_name_op {
    struct od_inode *dir, *from_dir;
    char *name, *from_name;
    struct od_inode *inode;
};

struct od_disk_nth {
    uint64_t countdown; /* 0: none */
    enum od_err err;
    char part[64];
};

struct od_disk {
    struct od_inode *root;
    struct od_inode **inodes; /* all that ever were */
    uint32_t inode_count, inode_capacity;
    struct od_name_op *names; /* pending, in order */
    int name_count, name_capacity;
    int64_t used, capacity;
    int open_files;
    struct od_sim_disk_faults faults;
    struct od_disk_nth nth[OD_SIM_DISK_CALLS];
};

struct od_inode *od_disk_inode_new(struct od_disk *d, bool is_dir);
/* NULL: none.  With last, the last component's directory and its name instead. */
struct od_inode *od_disk_find(struct od_disk *d, const char *path);
struct od_inode *od_disk_parent(struct od_disk *d, const char *path, const char **last);
struct od_inode *od_disk_lookup(struct od_inode *dir, const char *name);
/* Changes the live names and remembers the operation.  inode NULL: removes the name. */
void od_disk_name(struct od_disk *d, struct od_inode *dir, const char *name,
                  struct od_inode *inode);
void od_disk_rename(struct od_disk *d, struct od_inode *from_dir, const char *from,
                    struct od_inode *dir, const char *name);
void od_disk_sync_names(struct od_disk *d, struct od_inode *dir);

void od_inode_write(struct od_disk *d, struct od_inode *f, const void *data, size_t len,
                    int64_t pos);
void od_inode_truncate(struct od_disk *d, struct od_inode *f, int64_t len);
/* Takes room up to len; false: the disk is full. */
bool od_inode_reserve(struct od_disk *d, struct od_inode *f, int64_t len);
void od_inode_sync(struct od_inode *f, uint64_t up_to_seq);
void od_inode_fail_sync(struct od_inode *f, uint64_t up_to_seq);

/* --- fault.c --- */
/* Each file call begins here: the error to fail with, and perhaps the end of the node. */
OD_MUST_USE enum od_err od_disk_begin(enum od_sim_disk_call call, const char *path);
/* Each file call ends here: returns err after logging it. */
enum od_err od_disk_end(enum od_err err, const char *what, const char *path);
void od_disk_take_us(int64_t us); /* the call keeps its fiber on the processor */
void od_disk_wait_us(int64_t us); /* others run */
