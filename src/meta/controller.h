/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The controller of one node, in-process: a shard owned by reactor 0.  Commands come from any
 * reactor; those that wait are batched into one append, one append in flight.  A command is
 * answered on its submitter's reactor after its records are durable, applied, published, and
 * `opened` has told the broker, so that the submitter reads its own write.
 */
#pragma once

#include "core/cluster/cluster.h"
#include "core/cluster/edit.h"
#include "meta/image.h"
#include "meta/store.h"
#include "os/reactor.h"

struct od_controller;

/*
 * One command.  Embedded in the submitter's object, which with everything the command borrows lives
 * until done; the arena is the controller's in between.
 */
struct od_controller_call {
    struct od_command command;
    struct od_command_reply reply; /* in the arena */
    struct od_arena *arena;        /* of the submitter's call */
    void (*done)(struct od_controller_call *call); /* on the submitter's reactor */
    int32_t timeout_ms; /* REQUEST_TIMED_OUT, and nothing done, after so long a wait; 0: none */
    /* The rest is the controller's. */
    int64_t deadline_ms;
    struct od_reactor *home;
    struct od_controller *controller;
    struct od_post post;
    struct od_controller_call *next;
};

struct od_controller_options {
    struct od_reactor *reactor; /* reactor 0 */
    struct od_meta_store *store; /* loaded and leading; outlives the controller */
    struct od_image_holder *holder; /* holds the loaded image */
    const struct od_cluster_rules *rules;
    int32_t term;        /* from lead */
    int64_t next_offset; /* from lead */
    /*
     * The image is published: open, change and close the local partitions, then call
     * od_controller_opened, at once or later, from reactor 0.  The delta is valid until then.
     */
    void (*open)(void *ctx, const struct od_image *image, const struct od_image_delta *delta);
    /* A commit has failed: nothing of it is published, every later command fails. */
    void (*fenced)(void *ctx, enum od_err err);
    void *ctx;
};

struct od_controller *od_controller_new(const struct od_controller_options *options);
/* Only while idle, with all reactors stopped or no submitter left. */
void od_controller_free(struct od_controller *c);
bool od_controller_idle(const struct od_controller *c); /* nothing waits, nothing is in flight */
/*
 * From any reactor.  Never refuses; reply.err is OD_NOT_CONTROLLER after the controller has
 * stopped or was fenced, OD_THROTTLING_QUOTA_EXCEEDED with OD_CONTROLLER_QUEUE_MAX waiting.
 */
void od_controller_submit(struct od_controller *c, struct od_controller_call *call);
void od_controller_opened(struct od_controller *c);

enum {
    OD_CONTROLLER_QUEUE_MAX = 10000, /* commands waiting: one per connection */
    OD_CONTROLLER_BATCH_RECORDS = 10000, /* a batch takes further commands below this */
};
