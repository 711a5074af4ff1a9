/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The local store with snapshots after every few records: what was answered is there in the next
 * life, whichever call that changes a file fails, once or for ever, which is a crash between any
 * two steps; the log stays short; a damaged snapshot is not needed.
 */
#include "meta/local.h"

#include "base/mem.h"
#include "meta/controller.h"
#include "meta/local_internal.h"
#include "meta/rules.h"
#include "os/file.h"
#include "storage/storage.h"
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { STEPS = 24, NAMES = 5, SNAPSHOT_BYTES = 400, SEGMENT_BYTES = 500 };

/* --- failing calls --------------------------------------------------------------------------- */

static struct {
    _Atomic int calls;
    int fail_at; /* 0: never */
    bool for_ever;
    _Atomic bool failed;
} fault;

enum od_err __real_od_file_open(const char *name, unsigned flags, struct od_file **out);
enum od_err __wrap_od_file_open(const char *name, unsigned flags, struct od_file **out);
enum od_err __real_od_file_write(struct od_file *f, const struct od_span *spans, int n,
                                 int64_t pos, size_t *put);
enum od_err __wrap_od_file_write(struct od_file *f, const struct od_span *spans, int n,
                                 int64_t pos, size_t *put);
enum od_err __wrap_od_file_sync(struct od_file *f);
enum od_err __wrap_od_dir_sync(const char *name);
enum od_err __real_od_file_truncate(struct od_file *f, int64_t len);
enum od_err __wrap_od_file_truncate(struct od_file *f, int64_t len);
enum od_err __real_od_path_rename(const char *from, const char *to);
enum od_err __wrap_od_path_rename(const char *from, const char *to);
enum od_err __real_od_path_remove(const char *name);
enum od_err __wrap_od_path_remove(const char *name);

static enum od_err next_call(void)
{
    int call = atomic_fetch_add(&fault.calls, 1) + 1;

    if (!fault.fail_at || call < fault.fail_at || (!fault.for_ever && call > fault.fail_at))
        return OD_NONE;
    atomic_store(&fault.failed, true);
    return OD_E_IO;
}

enum od_err __wrap_od_file_open(const char *name, unsigned flags, struct od_file **out)
{
    enum od_err err = flags & OD_FILE_CREATE ? next_call() : OD_NONE;

    return err ? err : __real_od_file_open(name, flags, out);
}

enum od_err __wrap_od_file_write(struct od_file *f, const struct od_span *spans, int n,
                                 int64_t pos, size_t *put)
{
    struct od_span half = { spans[0].data, spans[0].len / 2 };
    enum od_err err = next_call();

    *put = 0;
    if (!err)
        return __real_od_file_write(f, spans, n, pos, put);
    if (half.len)
        CHECK_OK(__real_od_file_write(f, &half, 1, pos, put));
    return err;
}

enum od_err __wrap_od_file_sync(struct od_file *f)
{
    (void)f;
    return next_call();
}

enum od_err __wrap_od_dir_sync(const char *name)
{
    (void)name;
    return next_call();
}

enum od_err __wrap_od_file_truncate(struct od_file *f, int64_t len)
{
    enum od_err err = next_call();

    return err ? err : __real_od_file_truncate(f, len);
}

enum od_err __wrap_od_path_rename(const char *from, const char *to)
{
    enum od_err err = next_call();

    return err ? err : __real_od_path_rename(from, to);
}

enum od_err __wrap_od_path_remove(const char *name)
{
    enum od_err err = next_call();

    return err ? err : __real_od_path_remove(name);
}

/* --- one life -------------------------------------------------------------------------------- */

/* Topics n0 to n4 come and go, one command after the other. */
struct life {
    struct od_config config;
    struct od_meta_rules rules;
    struct od_storage *storage;
    struct od_helpers *helpers;
    struct od_reactor *reactor;
    struct od_meta_store *store;
    struct od_image_holder holder;
    struct od_controller *controller;
    struct od_controller_call call;
    struct od_arena arena;
    struct od_post begin;
    struct od_new_topic topic;
    struct od_topic_ref ref;
    struct od_register_broker broker;
    struct od_timer wait;
    char name[16];
    int step, steps_max, polls;
    int32_t term;
    bool fenced;
};

/* Thousands of small files: in memory, where that can be had. */
__attribute__((constructor)) static void prefer_memory(void)
{
    if (access("/dev/shm", W_OK) == 0)
        setenv("TMPDIR", "/dev/shm", 0);
}

/* What is known of each name: created or deleted for certain, or in doubt. */
static struct {
    bool there, doubtful;
    struct od_uuid id;
} known[NAMES];

static char dir[300];
static int number;

static void open_nothing(void *ctx, const struct od_image *image,
                         const struct od_image_delta *delta)
{
    struct life *l = ctx;

    (void)image, (void)delta;
    od_controller_opened(l->controller);
}

static void on_idle(struct od_timer *t)
{
    struct life *l = OD_CONTAINER(t, struct life, wait);

    if (od_controller_idle(l->controller) && l->store->ops->quiesce(l->store))
        od_reactor_stop(l->reactor);
    else
        od_timer_set(l->reactor, t, od_reactor_now_ms(l->reactor) + 1);
}

static void end_life(struct life *l)
{
    l->wait.fire = on_idle;
    od_timer_set(l->reactor, &l->wait, 0);
}

static void on_fenced(void *ctx, enum od_err err)
{
    (void)err;
    ((struct life *)ctx)->fenced = true;
}

static void next_step(struct life *l);

/* Each step waits for the snapshot that the one before it made due: always the same history. */
static void on_settled(struct od_timer *t)
{
    enum { POLLS_MAX = 1000000 };
    struct life *l = OD_CONTAINER(t, struct life, wait);
    const struct od_local *s = OD_CONTAINER(l->store, struct od_local, store);
    bool due = s->snapshots.fresh_bytes >= SNAPSHOT_BYTES && !od_storage_fenced(l->storage);

    if ((s->snapshots.out || due) && l->polls++ < POLLS_MAX)
        od_timer_set(l->reactor, t, od_reactor_now_ms(l->reactor));
    else
        next_step(l);
}

static void on_done(struct od_controller_call *call)
{
    struct life *l = OD_CONTAINER(call, struct life, call);
    int n = l->step % NAMES;

    if (call->reply.err) { /* fenced: it may be in the log or not */
        known[n].doubtful = true;
        end_life(l);
        return;
    }
    CHECK_OK(call->reply.items[0].err);
    known[n].there = call->command.kind == OD_COMMAND_CREATE_TOPICS;
    known[n].id = call->reply.items[0].topic_id;
    od_arena_reset(&l->arena);
    l->step++;
    l->wait.fire = on_settled;
    l->polls = 0;
    on_settled(&l->wait);
}

static void next_step(struct life *l)
{
    int n = l->step % NAMES;

    if (l->step == l->steps_max) {
        end_life(l);
        return;
    }
    snprintf(l->name, sizeof(l->name), "n%d", n);
    l->topic = (struct od_new_topic){ .name = od_str_of(l->name), .partitions = 2,
                                      .replication_factor = 1 };
    l->ref = (struct od_topic_ref){ .name = od_str_of(l->name) };
    if (known[n].there)
        l->call.command = (struct od_command){ .kind = OD_COMMAND_DELETE_TOPICS,
                                               .delete_topics = { 1, &l->ref, true } };
    else
        l->call.command = (struct od_command){ .kind = OD_COMMAND_CREATE_TOPICS,
                                               .create_topics = { .topic_count = 1,
                                                                  .topics = &l->topic } };
    l->call.done = on_done;
    od_controller_submit(l->controller, &l->call);
}

static void on_up(struct od_controller_call *call)
{
    struct life *l = OD_CONTAINER(call, struct life, call);

    od_arena_reset(&l->arena);
    if (call->reply.err)
        end_life(l);
    else
        next_step(l);
}

static void on_registered(struct od_controller_call *call)
{
    struct life *l = OD_CONTAINER(call, struct life, call);

    l->call.command =
        (struct od_command){ .kind = OD_COMMAND_HEARTBEAT,
                             .heartbeat = { .id = 1,
                                            .broker_epoch = call->reply.broker_epoch,
                                            .applied_offset = INT64_MAX } };
    l->call.done = on_up;
    if (call->reply.err)
        end_life(l);
    else
        od_controller_submit(l->controller, &l->call);
}

static void begin(struct od_post *post)
{
    struct life *l = OD_CONTAINER(post, struct life, begin);

    l->broker = (struct od_register_broker){ .id = 1, .previous_epoch = -1 };
    l->call.arena = &l->arena;
    l->call.command = (struct od_command){ .kind = OD_COMMAND_REGISTER_BROKER,
                                           .register_broker = l->broker };
    l->call.done = on_registered;
    od_controller_submit(l->controller, &l->call);
}

static enum od_err open_store(struct life *l, int64_t *next_offset)
{
    struct od_local_options o = { .storage = l->storage,
                                  .helpers = l->helpers,
                                  .node_id = 1,
                                  .image_ops = &l->rules.ops,
                                  .seed = 4,
                                  .holder = &l->holder,
                                  .snapshot_bytes = SNAPSHOT_BYTES,
                                  .segment_bytes = SEGMENT_BYTES };
    struct od_meta_position position;
    struct od_image *image = NULL;
    enum od_err err = od_local_open(&o, &l->store);

    if (!err)
        err = l->store->ops->load(l->store, &image, &position);
    od_image_holder_init(&l->holder, image ? image : od_image_new(&l->rules.ops, 4));
    if (!err)
        err = l->store->ops->lead(l->store, &l->term, next_offset);
    return err;
}

/* Runs steps_max commands, or until something fails; false: not even the start worked. */
static bool live(struct life *l, int steps_max)
{
    struct od_config_input in = { .data_dir = dir };
    struct od_text errors = { 0 }, notes = { 0 };
    struct od_storage_options storage = { .path = dir, .node_id = 1 };
    struct od_controller_options o = { .open = open_nothing, .fenced = on_fenced, .ctx = l };
    enum od_err err;

    *l = (struct life){ .begin.run = begin, .steps_max = steps_max };
    CHECK_OK(od_config_load(&l->config, &in, &errors, &notes));
    od_meta_rules_init(&l->rules, &l->config, 1);
    CHECK_OK(od_helpers_new(2, &l->helpers));
    CHECK_OK(od_reactor_new(0, &l->reactor));
    err = od_storage_open(&storage, &l->storage);
    if (err) {
        od_image_holder_init(&l->holder, od_image_new(NULL, 4));
        return false;
    }
    if (open_store(l, &o.next_offset))
        return false;
    o.reactor = l->reactor;
    o.store = l->store;
    o.holder = &l->holder;
    o.rules = &l->rules.rules;
    o.term = l->term;
    l->controller = od_controller_new(&o);
    od_reactor_post(l->reactor, &l->begin);
    od_reactor_run(l->reactor);
    return true;
}

static void bury(struct life *l)
{
    if (l->controller)
        od_controller_free(l->controller);
    od_helpers_free(l->helpers);
    if (l->store)
        l->store->ops->close(l->store);
    od_reactor_free(l->reactor);
    od_image_holder_deinit(&l->holder);
    od_storage_abandon(l->storage);
    od_meta_rules_deinit(&l->rules);
    od_config_deinit(&l->config);
    od_arena_reset(&l->arena);
}

static void check_known(struct life *l)
{
    struct od_image *image = od_image_acquire(&l->holder);
    char name[16];

    for (int i = 0; i < NAMES; i++) {
        const struct od_image_topic *t;

        snprintf(name, sizeof(name), "n%d", i);
        t = od_image_topic_find(image, od_str_of(name));
        if (known[i].doubtful)
            continue;
        CHECK_EQ(t != NULL, known[i].there);
        if (t)
            CHECK(od_uuid_eq(t->id, known[i].id));
        if (t)
            CHECK_EQ(t->partition_count, 2);
    }
    od_image_unref(image);
}

static void fresh(void)
{
    snprintf(dir, sizeof(dir), "%s/l%d", test_dir(), number++);
    memset(known, 0, sizeof(known));
    memset(&fault, 0, sizeof(fault));
}

static struct od_metasnapshot_list snapshots(void)
{
    struct od_metasnapshot_list list;
    char path[400];

    snprintf(path, sizeof(path), "%s/__cluster_metadata-0", dir);
    CHECK_OK(od_metasnapshots_find(path, &list));
    return list;
}

static enum od_err count_log(void *arg, const char *name, bool is_dir)
{
    (void)is_dir;
    *(int *)arg += strstr(name, ".log") && strlen(name) == 24;
    return OD_NONE;
}

static int segments(void)
{
    char path[400];
    int n = 0;

    snprintf(path, sizeof(path), "%s/__cluster_metadata-0", dir);
    CHECK_OK(od_dir_list(path, count_log, &n));
    return n;
}

/* --- the claims ------------------------------------------------------------------------------ */

TEST(two_snapshots_and_a_short_log_are_enough_for_the_next_life)
{
    struct od_metasnapshot_list list;
    struct life l;

    fresh();
    CHECK(live(&l, STEPS));
    CHECK_EQ(l.step, STEPS);
    bury(&l);
    list = snapshots();
    CHECK_EQ(list.n, 2);
    CHECK(list.v[1].end_offset > 10);
    CHECK(segments() <= 4); /* of the eight or so that were written */
    od_metasnapshots_deinit(&list);
    for (int i = 0; i < 3; i++) {
        CHECK(live(&l, 0));
        check_known(&l);
        CHECK_EQ(l.term, i + 2);
        bury(&l);
    }
}

TEST(a_damaged_snapshot_is_passed_over_for_the_one_before_it_and_the_log)
{
    struct od_metasnapshot_list list;
    char path[400];
    struct life l;

    fresh();
    CHECK(live(&l, STEPS));
    bury(&l);
    list = snapshots();
    snprintf(path, sizeof(path), "%s/__cluster_metadata-0/%020lld-%010d.checkpoint", dir,
             (long long)list.v[0].end_offset, list.v[0].epoch);
    CHECK_EQ(truncate(path, 100), 0);
    CHECK(live(&l, 0));
    check_known(&l);
    bury(&l);
    /* Both: nothing tells what was before the log. */
    snprintf(path, sizeof(path), "%s/__cluster_metadata-0/%020lld-%010d.checkpoint", dir,
             (long long)list.v[1].end_offset, list.v[1].epoch);
    if (access(path, F_OK) == 0) {
        struct od_metasnapshot_list left;

        od_metasnapshots_deinit(&list);
        left = snapshots();
        for (int i = 0; i < left.n; i++) {
            snprintf(path, sizeof(path), "%s/__cluster_metadata-0/%020lld-%010d.checkpoint", dir,
                     (long long)left.v[i].end_offset, left.v[i].epoch);
            CHECK_EQ(truncate(path, 100), 0);
        }
        od_metasnapshots_deinit(&left);
        CHECK(!live(&l, 0));
        bury(&l);
    }
}

static int fail_each(bool for_ever)
{
    int n = 1;

    for (;; n++) {
        struct life l;

        fresh();
        fault.fail_at = n;
        fault.for_ever = for_ever;
        (void)live(&l, STEPS);
        if (l.controller && !l.fenced && !for_ever)
            CHECK_EQ(l.step, STEPS); /* what did not fence the directory did not matter */
        bury(&l);
        if (!fault.failed)
            break;
        fault.fail_at = 0;
        CHECK(live(&l, 0));
        check_known(&l);
        bury(&l);
    }
    return n;
}

TEST(one_failing_call_loses_nothing)
{
    CHECK(fail_each(false) > 100);
}

TEST(a_crash_between_any_two_steps_loses_nothing)
{
    CHECK(fail_each(true) > 100);
}
