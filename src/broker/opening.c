/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening, changing and closing local partitions as metadata says.  Logs are opened by a helper,
 * which recovers them where that is needed; then, on reactor 0, each partition learns who leads it.
 */
#include "broker/node_internal.h"

#include "base/assert.h"
#include "base/log.h"
#include "base/mem.h"
#include "broker/coordinator.h"
#include "broker/live.h"
#include "broker/partition.h"
#include "os/helpers.h"

struct opened {
    struct od_partition *partition; /* owns a reference */
    const struct od_image_topic *topic;
    const struct od_image_partition *state;
    struct od_plog *plog;
    enum od_err err;
};

/* The logs of deleted partitions: renamed with the opening, removed later. */
struct removal {
    struct od_job job;
    struct od_node *node;
    struct od_plog_trash *trash;
    size_t count, capacity;
};

enum { SLICE = 256 }; /* partitions taken over in one turn */
enum cause { CHANGE, START, AGAIN }; /* for which waits: the controller, the start, nobody */

/* One image's worth of changes; at most one is out at a time. */

struct od_opening {
    struct od_job job;
    struct od_node *node;
    struct od_image *image; /* owns a reference; topics and states borrow it */
    struct opened *items;
    size_t count, capacity;
    size_t taken;        /* of the items, in slices, so that others get their turns */
    struct od_post more; /* the next slice */
    struct removal *removal;     /* NULL: no partition was deleted */
    enum cause cause;
    void (*loaded)(struct od_node *n); /* of a start */
};

static struct opened *add(struct od_opening *o)
{
    if (o->count == o->capacity) {
        o->capacity = o->capacity ? o->capacity * 2 : 16;
        o->items = od_realloc(o->items, o->capacity * sizeof(*o->items));
    }
    o->items[o->count] = (struct opened){ 0 };
    return &o->items[o->count++];
}

static bool is_local(const struct od_node *n, const struct od_image_partition *p)
{
    for (int32_t i = 0; i < p->replica_count; i++)
        if (p->replicas[i] == n->id)
            return true;
    return false;
}

/* Notes what has to happen to one partition of a topic that is in the image. */
static void add_partition(struct od_opening *o, const struct od_image_topic *topic, int32_t index)
{
    struct od_node *n = o->node;
    const struct od_image_partition *state = od_image_partition_find(topic, index);
    struct opened *item;

    if (!state || !is_local(n, state))
        return;
    item = add(o);
    item->topic = topic;
    item->state = state;
    item->partition = od_partitions_find(&n->partitions, topic->id, index);
    if (!item->partition)
        item->partition = od_partition_new(n, topic, index, ++n->incarnations);
}

static enum od_err open_log(const struct od_opening *o, struct opened *item)
{
    struct od_plog_config config = od_partition_log_config(item->topic);
    struct od_storage *storage = o->node->storage;
    struct od_str name = item->topic->name;
    enum od_err err = od_plog_open(storage, name, item->state->index, item->topic->id, &config,
                                   true, &item->plog);

    if (err != OD_INCONSISTENT_TOPIC_ID)
        return err;
    err = od_plog_set_aside(storage, name, item->state->index);
    return err ? err
               : od_plog_open(storage, name, item->state->index, item->topic->id, &config, true,
                              &item->plog);
}

static void run_open(struct od_job *job)
{
    struct od_opening *o = OD_CONTAINER(job, struct od_opening, job);

    /* First, as a new topic may have the name of a deleted one. */
    if (o->removal && od_plog_trash_rename(o->removal->trash, o->removal->count))
        od_log(OD_LOG_WARN, "broker", "deleted partitions keep their names until the next start");
    for (size_t i = 0; i < o->count; i++) {
        struct opened *item = &o->items[i];

        if (!item->partition->plog) /* else it is open, and only reactor 0 closes it */
            item->err = open_log(o, item);
    }
}

/* --- removing the files of deleted partitions ------------------------------------------------ */

static void run_removal(struct od_job *job)
{
    struct removal *r = OD_CONTAINER(job, struct removal, job);

    for (size_t i = 0; i < r->count; i++)
        if (od_plog_trash_run(&r->trash[i]))
            od_log(OD_LOG_WARN, "broker", "a deleted partition's files stay until the next start");
}

static void removal_done(struct od_job *job)
{
    struct removal *r = OD_CONTAINER(job, struct removal, job);

    atomic_fetch_sub(&r->node->jobs_out, 1);
    od_free(r->trash);
    od_free(r);
}

static void submit_removal(struct removal *r)
{
    if (!r)
        return;
    r->job = (struct od_job){ .class = OD_JOB_DELETE, .run = run_removal, .done = removal_done };
    atomic_fetch_add(&r->node->jobs_out, 1);
    if (od_helpers_submit(r->node->helpers, &r->job)) {
        run_removal(&r->job); /* the queue is full of removals: this one cannot wait for ever */
        removal_done(&r->job);
    }
}

static struct od_plog_trash *add_trash(struct od_opening *o)
{
    struct removal *r = o->removal;

    if (!r) {
        r = o->removal = OD_NEW(struct removal);
        r->node = o->node;
    }
    if (r->count == r->capacity) {
        r->capacity = r->capacity ? r->capacity * 2 : 16;
        r->trash = od_realloc(r->trash, r->capacity * sizeof(*r->trash));
    }
    return &r->trash[r->count++];
}

/* --- opening, continued ---------------------------------------------------------------------- */

static void take_over(struct od_node *n, struct opened *item)
{
    struct od_partition *p = item->partition;
    bool known = p->plog != NULL;

    if (item->err) {
        od_log(OD_LOG_ERROR, "broker", "partition %s-%d cannot be opened: %s", p->topic, p->index,
               od_err_text(item->err));
        p->absent_err = OD_KAFKA_STORAGE_ERROR;
    }
    n->unopened += item->err == OD_E_NO_SPACE;
    od_partition_assign(p, &n->shards[0], item->topic, item->state, item->plog);
    if (!known) {
        struct od_partition *old = od_partitions_remove(&n->partitions, p->topic_id, p->index);

        od_partition_unref(old); /* one that could not be opened before */
        od_partitions_add(&n->partitions, p);
    }
    if (od_topic_is_offsets(item->topic->name) && item->state->leader == n->id && p->plog)
        od_coordinators_assigned(n, p);
}

/* The change that came while others were tried again. */
static void open_next(struct od_node *n)
{
    struct od_image *image = n->next_image;

    n->next_image = NULL;
    if (!image)
        return;
    od_node_open(n, image, n->next_delta);
    od_image_unref(image);
}

static void end_opening(struct od_opening *o)
{
    struct od_node *n = o->node;
    struct od_opening over = *o;

    od_image_unref(o->image);
    submit_removal(o->removal);
    od_free(o->items);
    od_free(o);
    n->opening = NULL;
    switch (over.cause) {
    case CHANGE:
        od_controller_opened(n->controller);
        break;
    case START:
        over.loaded(n);
        break;
    case AGAIN:
        open_next(n);
        break;
    }
}

/* A new default of all brokers touches every partition there is. */
static void take_slice(struct od_post *post)
{
    struct od_opening *o = OD_CONTAINER(post, struct od_opening, more);

    for (int i = 0; i < SLICE && o->taken < o->count; i++) {
        struct opened *item = &o->items[o->taken++];

        take_over(o->node, item);
        od_partition_unref(item->partition);
    }
    if (o->taken < o->count)
        od_reactor_post(o->node->shards[0].reactor, &o->more);
    else
        end_opening(o);
}

static void open_done(struct od_job *job)
{
    struct od_opening *o = OD_CONTAINER(job, struct od_opening, job);

    o->more.run = take_slice;
    take_slice(&o->more);
}

static void close_partition(struct od_opening *o, struct od_uuid topic_id, int32_t index)
{
    struct od_node *n = o->node;
    struct od_partition *p = od_partitions_remove(&n->partitions, topic_id, index);
    struct od_plog *plog =
        p ? od_partition_close(p, &n->shards[0], OD_UNKNOWN_TOPIC_OR_PARTITION) : NULL;

    if (p && od_topic_is_offsets(od_str_of(p->topic)))
        od_coordinators_lost(n, p);
    if (plog)
        od_plog_delete(plog, add_trash(o));
    od_partition_unref(p);
}

static struct od_opening *new_opening(struct od_node *n, const struct od_image *image,
                                      enum cause cause)
{
    struct od_opening *o = OD_NEW(struct od_opening);

    o->node = n;
    o->cause = cause;
    o->image = od_image_ref((struct od_image *)image);
    n->opening = o;
    return o;
}

static void submit(struct od_opening *o)
{
    o->job = (struct od_job){ .class = OD_JOB_READ, .run = run_open, .done = open_done };
    if (o->count == 0 && !o->removal)
        open_done(&o->job);
    else if (od_helpers_submit(o->node->helpers, &o->job)) {
        run_open(&o->job); /* no helper is free, and metadata must go on */
        open_done(&o->job);
    }
}

void od_node_open(void *ctx, const struct od_image *image, const struct od_image_delta *delta)
{
    struct od_node *n = ctx;
    struct od_opening *o;

    if (n->opening) {
        OD_ASSERT(n->opening->cause == AGAIN && !n->next_image);
        n->next_image = od_image_ref((struct od_image *)image);
        n->next_delta = delta;
        return;
    }
    o = new_opening(n, image, CHANGE);
    if (delta->broker_configs_changed)
        od_live_apply(n, image);
    for (int i = 0; i < delta->topic_count; i++) {
        const struct od_topic_delta *t = &delta->topics[i];

        if (!t->after) {
            for (int32_t j = 0; j < t->before->partition_count; j++)
                close_partition(o, t->before->id, j);
            od_coordinators_topic_deleted(n, t->before->name);
        } else if (t->config_changed) {
            for (int32_t j = 0; j < t->after->partition_count; j++)
                add_partition(o, t->after, j);
        } else {
            for (int32_t j = 0; j < t->partition_count; j++)
                add_partition(o, t->after, t->partitions[j]);
        }
    }
    submit(o);
}

/* Registration may have opened it already, with a new leader epoch. */
static void add_missing(struct od_opening *o, const struct od_image_topic *topic, int32_t index)
{
    struct od_partition *p = od_partitions_find(&o->node->partitions, topic->id, index);

    if (!p)
        add_partition(o, topic, index);
    od_partition_unref(p);
}

void od_node_open_loaded(struct od_node *n, void (*opened)(struct od_node *n))
{
    struct od_image *image = od_image_acquire(&n->image);
    struct od_opening *o = new_opening(n, image, START);
    const struct od_image_topic *topic;
    struct od_pmap_walk walk = { 0 };

    od_live_apply(n, image);
    o->loaded = opened;
    while ((topic = od_image_topic_next(image, &walk)))
        for (int32_t i = 0; i < topic->partition_count; i++)
            add_missing(o, topic, i);
    od_image_unref(image);
    submit(o);
}

static void add_failed(struct od_opening *o, const struct od_image_topic *topic, int32_t index)
{
    struct od_partition *p = od_partitions_find(&o->node->partitions, topic->id, index);

    if (p && !p->plog)
        add_partition(o, topic, index);
    od_partition_unref(p);
}

void od_node_open_again(struct od_node *n)
{
    struct od_pmap_walk walk = { 0 };
    const struct od_image_topic *topic;
    struct od_image *image;
    struct od_opening *o;

    if (n->unopened == 0 || n->opening)
        return;
    n->unopened = 0;
    image = od_image_acquire(&n->image);
    o = new_opening(n, image, AGAIN);
    while ((topic = od_image_topic_next(image, &walk)))
        for (int32_t i = 0; i < topic->partition_count; i++)
            add_failed(o, topic, i);
    od_image_unref(image);
    submit(o);
}

bool od_node_opening(const struct od_node *n)
{
    return n->opening != NULL;
}

void od_node_close_partitions(struct od_node *n)
{
    struct od_partition **all;
    size_t count;

    all = od_partitions_all(&n->partitions, &count);
    for (size_t i = 0; i < count; i++) {
        struct od_plog *plog =
            od_partition_close(all[i], &n->shards[0], OD_NOT_LEADER_OR_FOLLOWER);

        if (plog)
            od_plog_close(plog);
        od_partition_unref(od_partitions_remove(&n->partitions, all[i]->topic_id, all[i]->index));
        od_partition_unref(all[i]);
    }
    od_free(all);
}
