/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Drives the machine: steps what waits, commits the records as one batch, applies and publishes,
 * and answers.
 *
 *      IDLE --commands--> COMMITTING --durable--> OPENING --opened--> IDLE
 *        |                    |
 *        +---- fenced, stopped +--> FENCED: every command fails
 */
#include "meta/controller.h"

#include "base/assert.h"
#include "base/log.h"
#include "base/mem.h"
#include "os/clock.h"

enum state { IDLE, COMMITTING, OPENING, FENCED };

struct call_list {
    struct od_controller_call *first, *last;
    int n;
};

struct od_controller {
    struct od_controller_options o;
    enum state state;
    bool turn_end_set;
    struct od_post turn_end;
    struct call_list waiting;
    struct call_list flying; /* stepped, to be answered when the batch is open */
    struct od_arena arena;   /* of the batch's list of records */
    struct od_record_list records;
    struct od_edit *edit;
    struct od_image_delta delta;
    struct od_meta_commit commit;
    int64_t next_offset;
};

static void push(struct call_list *l, struct od_controller_call *call)
{
    call->next = NULL;
    if (l->last)
        l->last->next = call;
    else
        l->first = call;
    l->last = call;
    l->n++;
}

static struct od_controller_call *pop(struct call_list *l)
{
    struct od_controller_call *call = l->first;

    if (!call)
        return NULL;
    l->first = call->next;
    if (!l->first)
        l->last = NULL;
    l->n--;
    return call;
}

static void deliver(struct od_post *post)
{
    struct od_controller_call *call = OD_CONTAINER(post, struct od_controller_call, post);

    call->done(call);
}

static void answer(struct od_controller_call *call)
{
    call->post.run = deliver;
    od_reactor_post(call->home, &call->post);
}

static void refuse(struct od_controller_call *call, enum od_err err)
{
    call->reply = (struct od_command_reply){ .err = err, .broker_epoch = -1 };
    answer(call);
}

static void answer_all(struct call_list *l)
{
    struct od_controller_call *call;

    while ((call = pop(l)))
        answer(call);
}

static void refuse_all(struct call_list *l, enum od_err err)
{
    struct od_controller_call *call;

    while ((call = pop(l)))
        refuse(call, err);
}

static void drop_batch(struct od_controller *c)
{
    od_edit_free(c->edit);
    c->edit = NULL;
    c->records = (struct od_record_list){ 0 };
    od_arena_reset(&c->arena);
}

/* err: what became of the commands in flight. */
static void fence(struct od_controller *c, enum od_err err)
{
    c->state = FENCED;
    drop_batch(c);
    refuse_all(&c->flying, err);
    refuse_all(&c->waiting, OD_NOT_CONTROLLER);
    c->o.fenced(c->o.ctx, err);
}

static void add_record(struct od_controller *c, const struct od_metadata_record *r)
{
    struct od_record_list *l = &c->records;

    if (l->n == l->capacity) {
        int capacity = l->capacity ? l->capacity * 2 : 64;
        struct od_metadata_record *v = od_arena_alloc(&c->arena, (size_t)capacity * sizeof(*v));

        if (l->n)
            memcpy(v, l->v, (size_t)l->n * sizeof(*v));
        l->v = v;
        l->capacity = capacity;
    }
    l->v[l->n++] = *r;
}

/* Applies what one command decided, so that the next one sees it. */
static bool take_records(struct od_controller *c, const struct od_record_list *records)
{
    struct od_text why = { 0 };

    for (int i = 0; i < records->n; i++) {
        if (od_edit_apply(c->edit, &records->v[i], &why)) {
            od_log(OD_LOG_ERROR, "meta", "controller stops: %s", od_text_get(&why));
            od_text_reset(&why);
            return false;
        }
        add_record(c, &records->v[i]);
    }
    return true;
}

static bool is_late(const struct od_controller *c, const struct od_controller_call *call)
{
    return call->timeout_ms > 0 && od_reactor_now_ms(c->o.reactor) > call->deadline_ms;
}

static bool step(struct od_controller *c, struct od_controller_call *call)
{
    struct od_record_list records = { 0 };
    struct od_cluster_event event = { .next_offset = c->next_offset + c->records.n,
                                      .random = { od_random_u64(), od_random_u64() } };

    od_cluster_step(c->o.rules, od_edit_image(c->edit), &call->command, &event, call->arena,
                    &call->reply, &records);
    return take_records(c, &records);
}

static void step_all(struct od_controller *c)
{
    struct od_controller_call *call;
    struct od_record_list bootstrap = { 0 };
    struct od_image *image = od_image_acquire(c->o.holder);

    c->edit = od_edit_new(image);
    od_image_unref(image);
    if (od_edit_image(c->edit)->metadata_version == 0) {
        od_cluster_bootstrap(&c->arena, &bootstrap);
        if (!take_records(c, &bootstrap)) {
            fence(c, OD_UNKNOWN_SERVER_ERROR);
            return;
        }
    }
    while (c->records.n < OD_CONTROLLER_BATCH_RECORDS && (call = pop(&c->waiting))) {
        if (is_late(c, call)) {
            refuse(call, OD_REQUEST_TIMED_OUT);
            continue;
        }
        push(&c->flying, call);
        if (!step(c, call)) {
            fence(c, OD_UNKNOWN_SERVER_ERROR);
            return;
        }
    }
}

static void run_batches(struct od_controller *c)
{
    while (c->state == IDLE && c->waiting.n > 0) {
        step_all(c);
        if (c->state == FENCED)
            return;
        if (c->records.n == 0) { /* refusals and what was so already */
            drop_batch(c);
            answer_all(&c->flying);
            continue;
        }
        c->state = COMMITTING;
        c->commit.records = &c->records;
        c->o.store->ops->commit(c->o.store, &c->commit);
    }
}

static void on_turn_end(struct od_post *post)
{
    struct od_controller *c = OD_CONTAINER(post, struct od_controller, turn_end);

    c->turn_end_set = false;
    od_reactor_call(c->o.reactor, "controller");
    run_batches(c);
}

/* The disk is full, and the last reserve is used up: what comes next may find room. */
static void decline(struct od_controller *c)
{
    drop_batch(c);
    refuse_all(&c->flying, OD_KAFKA_STORAGE_ERROR);
    c->state = IDLE;
    if (c->waiting.n && !c->turn_end_set) {
        c->turn_end_set = true;
        od_reactor_at_turn_end(c->o.reactor, &c->turn_end);
    }
}

static void on_committed(struct od_meta_commit *commit)
{
    struct od_controller *c = OD_CONTAINER(commit, struct od_controller, commit);
    struct od_image *image;

    if (commit->outcome == OD_COMMIT_NO_ROOM) {
        decline(c);
        return;
    }
    if (commit->outcome != OD_COMMIT_COMMITTED) {
        fence(c, commit->outcome == OD_COMMIT_FENCED ? OD_NOT_CONTROLLER : OD_REQUEST_TIMED_OUT);
        return;
    }
    OD_ASSERT(commit->position.offset == c->next_offset + c->records.n - 1);
    c->next_offset = commit->position.offset + 1;
    od_reactor_call(c->o.reactor, "controller");
    image = od_edit_finish(c->edit, commit->position.offset, commit->position.term, &c->delta);
    c->edit = NULL;
    drop_batch(c);
    c->state = OPENING;
    od_image_publish(c->o.holder, od_image_ref(image));
    c->o.open(c->o.ctx, image, &c->delta);
    od_image_unref(image);
}

void od_controller_opened(struct od_controller *c)
{
    OD_ASSERT(c->state == OPENING);
    od_image_delta_deinit(&c->delta);
    answer_all(&c->flying);
    c->state = IDLE;
    if (c->waiting.n && !c->turn_end_set) {
        c->turn_end_set = true;
        od_reactor_at_turn_end(c->o.reactor, &c->turn_end);
    }
}

static void on_submit(struct od_post *post)
{
    struct od_controller_call *call = OD_CONTAINER(post, struct od_controller_call, post);
    struct od_controller *c = call->controller;

    if (c->state == FENCED) {
        refuse(call, OD_NOT_CONTROLLER);
        return;
    }
    if (c->waiting.n == OD_CONTROLLER_QUEUE_MAX) {
        refuse(call, OD_THROTTLING_QUOTA_EXCEEDED);
        return;
    }
    push(&c->waiting, call);
    if (c->state == IDLE && !c->turn_end_set) {
        c->turn_end_set = true; /* so that the commands of one turn share an append */
        od_reactor_at_turn_end(c->o.reactor, &c->turn_end);
    }
}

void od_controller_submit(struct od_controller *c, struct od_controller_call *call)
{
    call->controller = c;
    call->home = od_reactor_current();
    call->deadline_ms = od_reactor_now_ms(call->home) + call->timeout_ms;
    call->post.run = on_submit;
    od_reactor_post(c->o.reactor, &call->post);
}

struct od_controller *od_controller_new(const struct od_controller_options *options)
{
    struct od_controller *c = OD_NEW(struct od_controller);

    c->o = *options;
    c->next_offset = options->next_offset;
    c->commit.term = options->term;
    c->commit.done = on_committed;
    c->turn_end.run = on_turn_end;
    return c;
}

bool od_controller_idle(const struct od_controller *c)
{
    return (c->state == IDLE || c->state == FENCED) && c->waiting.n == 0 && !c->turn_end_set;
}

void od_controller_free(struct od_controller *c)
{
    OD_ASSERT(od_controller_idle(c));
    od_free(c);
}
