/* SPDX-License-Identifier: Apache-2.0 */
/* The controller over the local store: what is answered is durable, published and found again. */
#include "meta/controller.h"

#include "base/mem.h"
#include "meta/life.h"
#include "meta/local.h"
#include "meta/rules.h"
#include "storage/storage.h"
#include "test.h"

#include <stdio.h>
#include <string.h>

/* One node on reactor 0, from open to close. */
struct node {
    struct od_config config;
    struct od_meta_rules rules;
    struct od_storage *storage;
    struct od_helpers *helpers;
    struct od_reactor *reactor;
    struct od_meta_store *store;
    struct od_image_holder holder;
    struct od_controller *controller;
    struct od_broker_life life;
    struct od_post begin;
    int32_t term;
    int opens;
    int32_t opened_partitions;
    enum od_err fenced;
    void (*after)(struct node *n); /* the broker is up: what the test does */
};

static void open_partitions(void *ctx, const struct od_image *image,
                            const struct od_image_delta *delta)
{
    struct node *n = ctx;
    struct od_image *newest = od_image_acquire(&n->holder);

    CHECK(newest == image); /* published before it is opened */
    od_image_unref(newest);
    n->opens++;
    for (int i = 0; i < delta->topic_count; i++)
        n->opened_partitions += delta->topics[i].partition_count;
    od_controller_opened(n->controller);
}

static void on_fenced(void *ctx, enum od_err err)
{
    ((struct node *)ctx)->fenced = err;
}

static void on_up(struct od_broker_life *life, enum od_err err, const char *message)
{
    struct node *n = OD_CONTAINER(life, struct node, life);

    CHECK_STR(message ? message : "", "");
    CHECK_OK(err);
    n->after(n);
}

static void begin(struct od_post *post)
{
    static const struct od_image_endpoint endpoint = { { "PLAINTEXT", 9 }, { "h", 1 }, 9092, 0 };
    struct node *n = OD_CONTAINER(post, struct node, begin);
    static struct od_uuid directory;
    struct od_register_broker r = { .id = 1,
                                    .incarnation = { { 9 } },
                                    .endpoint_count = 1,
                                    .endpoints = &endpoint,
                                    .directory_count = 1,
                                    .directories = &directory,
                                    .previous_epoch = od_storage_last_broker_epoch(n->storage) };

    directory = od_storage_directory_id(n->storage);
    od_broker_life_start(&n->life, n->controller, &n->holder, &r, on_up);
}

static void start(struct node *n, const char *path, void (*after)(struct node *))
{
    struct od_config_input in = { .data_dir = path };
    struct od_text errors = { 0 }, notes = { 0 };
    struct od_storage_options storage = { .path = path, .node_id = 1 };
    struct od_meta_position position;
    struct od_image *image;
    struct od_controller_options o = { .open = open_partitions, .fenced = on_fenced, .ctx = n };

    *n = (struct node){ .after = after, .begin.run = begin };
    CHECK_OK(od_config_load(&n->config, &in, &errors, &notes));
    od_meta_rules_init(&n->rules, &n->config, 1);
    CHECK_OK(od_storage_open(&storage, &n->storage));
    CHECK_OK(od_helpers_new(2, &n->helpers));
    CHECK_OK(od_reactor_new(0, &n->reactor));
    CHECK_OK(od_local_open(&(struct od_local_options){ .storage = n->storage,
                                                       .helpers = n->helpers,
                                                       .node_id = 1,
                                                       .image_ops = &n->rules.ops,
                                                       .seed = 4 },
                           &n->store));
    CHECK_OK(n->store->ops->load(n->store, &image, &position));
    od_image_holder_init(&n->holder, image);
    CHECK_OK(n->store->ops->lead(n->store, &n->term, &o.next_offset));
    o.reactor = n->reactor;
    o.store = n->store;
    o.holder = &n->holder;
    o.rules = &n->rules.rules;
    o.term = n->term;
    n->controller = od_controller_new(&o);
    od_reactor_post(n->reactor, &n->begin);
    od_reactor_run(n->reactor);
}

/* clean: with the marker, as after the controlled stop; else as a crash leaves it. */
static void stop(struct node *n, bool clean)
{
    od_controller_free(n->controller);
    od_helpers_free(n->helpers);
    n->store->ops->close(n->store);
    od_reactor_free(n->reactor);
    od_image_holder_deinit(&n->holder);
    if (clean)
        CHECK_OK(od_storage_close(n->storage, n->life.epoch));
    else
        od_storage_abandon(n->storage);
    od_meta_rules_deinit(&n->rules);
    od_config_deinit(&n->config);
}

static void on_down(struct od_broker_life *life, enum od_err err, const char *message)
{
    CHECK_STR(message ? message : "", "");
    CHECK_OK(err);
    od_reactor_stop(OD_CONTAINER(life, struct node, life)->reactor);
}

static void shut_down(struct node *n)
{
    od_broker_life_stop(&n->life, on_down);
}

static void just_stop(struct node *n)
{
    od_reactor_stop(n->reactor);
}

static const char *fresh_dir(const char *name)
{
    static char path[512];

    snprintf(path, sizeof(path), "%s/%s", test_dir(), name);
    return path;
}

/* --- creating topics ------------------------------------------------------------------------- */

enum { CALLS = 20 };

static struct od_controller_call calls[CALLS];
static struct od_arena arenas[CALLS];
static struct od_new_topic topics[CALLS];
static char names[CALLS][16];
static int answered;
static bool all_readable;

static void on_created(struct od_controller_call *call)
{
    struct node *n = (struct node *)(void *)call->command.create_topics.topics->settings;
    struct od_image *image = od_image_acquire(&n->holder);

    all_readable &= call->reply.err == OD_NONE && call->reply.items[0].err == OD_NONE &&
                    od_image_topic_find(image, call->command.create_topics.topics->name) != NULL;
    od_image_unref(image);
    if (++answered == CALLS)
        shut_down(n);
}

static void create_many(struct node *n)
{
    answered = 0;
    all_readable = true;
    for (int i = 0; i < CALLS; i++) {
        snprintf(names[i], sizeof(names[i]), "t%d", i);
        topics[i] = (struct od_new_topic){ .name = od_str_of(names[i]),
                                           .partitions = 3,
                                           .replication_factor = 1,
                                           .settings = (const void *)n };
        arenas[i] = (struct od_arena){ 0 };
        calls[i] = (struct od_controller_call){
            .command = { .kind = OD_COMMAND_CREATE_TOPICS,
                         .create_topics = { .topic_count = 1, .topics = &topics[i] } },
            .arena = &arenas[i],
            .done = on_created,
        };
        od_controller_submit(n->controller, &calls[i]);
    }
}

static struct od_uuid id_of(struct node *n, const char *name)
{
    struct od_image *image = od_image_acquire(&n->holder);
    const struct od_image_topic *t = od_image_topic_find(image, od_str_of(name));
    struct od_uuid id = t ? t->id : OD_UUID_ZERO;

    od_image_unref(image);
    return id;
}

static int32_t leader_epoch_of(struct node *n, const char *name)
{
    struct od_image *image = od_image_acquire(&n->holder);
    const struct od_image_topic *t = od_image_topic_find(image, od_str_of(name));
    int32_t epoch = od_image_partition_find(t, 0)->leader_epoch;

    od_image_unref(image);
    return epoch;
}

static void free_arenas(void)
{
    for (int i = 0; i < CALLS; i++)
        od_arena_reset(&arenas[i]);
}

TEST(what_was_answered_is_readable_and_survives_clean_and_unclean_stops)
{
    const char *path = fresh_dir("topics");
    static struct node n;
    struct od_uuid id;

    start(&n, path, create_many);
    CHECK(all_readable);
    CHECK_EQ(n.term, 1);
    CHECK_EQ(n.opened_partitions, 3 * CALLS);
    CHECK_EQ(n.opens, 4); /* registration, unfencing, all topics in one batch, shutdown */
    id = id_of(&n, "t7");
    stop(&n, true);
    free_arenas();

    start(&n, path, just_stop);
    CHECK_EQ(n.term, 2);
    CHECK(od_uuid_eq(id_of(&n, "t7"), id));
    CHECK_EQ(leader_epoch_of(&n, "t7"), 0); /* after a clean stop the old epoch goes on */
    CHECK_EQ(n.opened_partitions, 0);
    stop(&n, false);

    start(&n, path, just_stop);
    CHECK_EQ(n.term, 3);
    CHECK(od_uuid_eq(id_of(&n, "t7"), id));
    CHECK_EQ(leader_epoch_of(&n, "t7"), 1); /* after an unclean one it does not */
    CHECK_EQ(n.opened_partitions, 3 * CALLS);
    stop(&n, false);
}

/* --- failures -------------------------------------------------------------------------------- */

/* A store whose commits end as the test says. */
struct fake_store {
    struct od_meta_store store;
    enum od_commit_outcome outcome;
    struct od_meta_commit *commit;
};

struct lone {
    struct od_reactor *reactor;
    struct od_config config;
    struct od_meta_rules rules;
    struct od_image_holder holder;
    struct fake_store store;
    struct od_controller *controller;
    struct od_post post;
    struct od_controller_call first, second;
    struct od_arena arena;
    int answers, commits;
    enum od_err fenced;
};

static struct lone lone;

static void fake_commit(struct od_meta_store *s, struct od_meta_commit *c)
{
    (void)s;
    lone.store.commit = c;
    od_reactor_post(lone.reactor, &lone.post);
}

static const struct od_meta_store_ops fake_ops = { .commit = fake_commit };

static void lone_open(void *ctx, const struct od_image *image, const struct od_image_delta *delta)
{
    (void)ctx, (void)image, (void)delta;
}

static void lone_fenced(void *ctx, enum od_err err)
{
    ((struct lone *)ctx)->fenced = err;
}

static void lone_done(struct od_controller_call *call)
{
    (void)call;
    if (++lone.answers == 2)
        od_reactor_stop(lone.reactor);
}

static void end_commit(struct od_post *post)
{
    struct od_meta_commit *c = lone.store.commit;

    (void)post;
    c->outcome = lone.store.outcome;
    c->position = (struct od_meta_position){ c->records->n - 1, 1 };
    c->done(c);
    if (c->outcome == OD_COMMIT_COMMITTED) {
        CHECK_EQ(lone.answers, 0); /* nothing is answered before its partitions are open */
        od_controller_opened(lone.controller);
    }
    if (lone.commits++ == 0)
        od_controller_submit(lone.controller, &lone.second);
}

static void lone_begin(struct od_post *post)
{
    lone.first.command = (struct od_command){ .kind = OD_COMMAND_REGISTER_BROKER };
    lone.second.command = (struct od_command){ .kind = OD_COMMAND_HEARTBEAT,
                                               .heartbeat.id = 77 };
    lone.first.done = lone.second.done = lone_done;
    lone.first.arena = lone.second.arena = &lone.arena;
    od_controller_submit(lone.controller, &lone.first);
    post->run = end_commit; /* posted by the commit */
}

static void run_lone(enum od_commit_outcome outcome)
{
    struct od_config_input in = { .data_dir = "/d" };
    struct od_text errors = { 0 }, notes = { 0 };
    struct od_controller_options o = { .open = lone_open, .fenced = lone_fenced, .ctx = &lone };

    lone = (struct lone){ .store = { { &fake_ops }, outcome, NULL }, .post.run = lone_begin };
    CHECK_OK(od_config_load(&lone.config, &in, &errors, &notes));
    od_meta_rules_init(&lone.rules, &lone.config, 0);
    CHECK_OK(od_reactor_new(0, &lone.reactor));
    od_image_holder_init(&lone.holder, od_image_new(&lone.rules.ops, 1));
    o.reactor = lone.reactor;
    o.store = &lone.store.store;
    o.holder = &lone.holder;
    o.rules = &lone.rules.rules;
    o.term = 1;
    lone.controller = od_controller_new(&o);
    od_reactor_post(lone.reactor, &lone.post);
    od_reactor_run(lone.reactor);
}

static void free_lone(void)
{
    od_controller_free(lone.controller);
    od_reactor_free(lone.reactor);
    od_image_holder_deinit(&lone.holder);
    od_meta_rules_deinit(&lone.rules);
    od_config_deinit(&lone.config);
    od_arena_reset(&lone.arena);
}

TEST(an_unknown_outcome_publishes_nothing_and_stops_the_controller)
{
    run_lone(OD_COMMIT_UNKNOWN);
    CHECK_EQ(lone.first.reply.err, OD_REQUEST_TIMED_OUT);
    CHECK_EQ(lone.second.reply.err, OD_NOT_CONTROLLER);
    CHECK_EQ(lone.fenced, OD_REQUEST_TIMED_OUT);
    CHECK_EQ(lone.holder.image->offset, -1);
    free_lone();
}

TEST(a_commit_without_room_is_refused_and_the_controller_goes_on)
{
    run_lone(OD_COMMIT_NO_ROOM);
    CHECK_EQ(lone.first.reply.err, OD_KAFKA_STORAGE_ERROR);
    CHECK_EQ(lone.second.reply.err, OD_KAFKA_STORAGE_ERROR); /* asked, not told off */
    CHECK_EQ(lone.fenced, OD_NONE);
    CHECK_EQ(lone.holder.image->offset, -1);
    free_lone();
}

TEST(a_fenced_commit_answers_not_controller)
{
    run_lone(OD_COMMIT_FENCED);
    CHECK_EQ(lone.first.reply.err, OD_NOT_CONTROLLER);
    CHECK_EQ(lone.second.reply.err, OD_NOT_CONTROLLER);
    CHECK_EQ(lone.holder.image->offset, -1);
    free_lone();
}

TEST(a_new_log_begins_with_its_level_in_the_first_batch)
{
    run_lone(OD_COMMIT_COMMITTED);
    CHECK_OK(lone.first.reply.err);
    CHECK_EQ(lone.first.reply.broker_epoch, 2);
    CHECK_EQ(lone.second.reply.err, OD_BROKER_ID_NOT_REGISTERED);
    CHECK_EQ(lone.holder.image->metadata_version, OD_METADATA_VERSION);
    CHECK_EQ(lone.holder.image->offset, 2);
    CHECK_EQ(lone.fenced, OD_NONE);
    free_lone();
}
