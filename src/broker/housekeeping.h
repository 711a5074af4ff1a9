/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a node does now and then: flushes what nobody waits for, deletes segments that retention
 * gives up, writes the manifest, looks for room again after the disk was full, and once after the
 * start removes what an earlier life left half deleted.  On reactor 0, a slice of the partitions
 * per millisecond.
 */
#pragma once

#include "os/helpers.h"

struct od_node;
struct od_partition;

struct od_housekeeping {
    struct od_node *node;
    struct od_timer timer;
    struct od_partition **all; /* of the round at hand, each a reference; NULL: between rounds */
    size_t count, next;
    int64_t retain_ms; /* when retention is looked at next */
    bool retaining;    /* in this round */
    int64_t expire_ms; /* when silent producers are looked for next */
    bool expiring;     /* in this round */
    int64_t expiration_ms; /* producer.id.expiration.ms of the round */
    struct od_job job; /* sweep or checkpoint */
    bool out;          /* the job is */
    struct od_timer room; /* looks now and then whether the disk is full */
    struct od_job make_room;
    bool making_room; /* that job is out */
    bool stopped;
};

void od_housekeeping_start(struct od_housekeeping *h, struct od_node *node);
void od_housekeeping_stop(struct od_housekeeping *h);       /* accepts one that was not started */
bool od_housekeeping_idle(const struct od_housekeeping *h); /* no job is out */
