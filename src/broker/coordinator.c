/* SPDX-License-Identifier: Apache-2.0 */
/* Running a coordinator: steps, turns, appends, and who is told when. */
#include "broker/coordinator_internal.h"

#include "base/assert.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/mutant.h"
#include "broker/call.h"
#include "os/clock.h"
#include "wire/batch.h"

enum { BATCH_BYTES = 512 << 10 }; /* a turn with more records makes several batches */

/* One batch on its way, and the answers that wait for it. */
struct group_append {
    struct od_append append;
    struct od_link link;
    struct od_coordinator *coordinator;
    struct od_list held; /* od_group_call.link */
    uint8_t data[];
};

bool od_topic_is_offsets(struct od_str name)
{
    return od_str_is(name, "__consumer_offsets");
}

/* --- answers -- */

static void run_done(struct od_post *post)
{
    struct od_group_ask *ask = OD_CONTAINER(post, struct od_group_ask, post);

    ask->done(ask);
}

static void finish_ask(struct od_shard *here, struct od_group_ask *ask)
{
    if (ask->from->shard == here) {
        ask->done(ask);
        return;
    }
    ask->post.run = run_done;
    od_reactor_post(ask->from->shard->reactor, &ask->post);
}

static void finish_all(struct od_shard *here, struct od_list *answered, enum od_err err)
{
    struct od_link *link;

    while ((link = od_list_pop(answered))) {
        struct od_group_call *call = OD_CONTAINER(link, struct od_group_call, link);

        if (err)
            od_group_call_fail(call, err);
        finish_ask(here, OD_CONTAINER(call, struct od_group_ask, call));
    }
}

/* What a client is told when a record of its answer is lost: whom to ask now. */
static enum od_err lost(enum od_err err)
{
    switch (err) {
    case OD_NOT_ENOUGH_REPLICAS:
    case OD_NOT_ENOUGH_REPLICAS_AFTER_APPEND:
    case OD_REQUEST_TIMED_OUT:
    case OD_UNKNOWN_TOPIC_OR_PARTITION:
        return OD_COORDINATOR_NOT_AVAILABLE;
    default:
        return OD_NOT_COORDINATOR;
    }
}

/* --- the turn -- */

static bool find_topic(void *ctx, struct od_str name, struct od_uuid *id, int32_t *partitions)
{
    const struct od_image_topic *topic = od_image_topic_find(ctx, name);

    if (!topic)
        return false;
    *id = topic->id;
    *partitions = topic->partition_count;
    return true;
}

static struct od_str name_of_topic(void *ctx, struct od_uuid id)
{
    const struct od_image_topic *topic = od_image_topic_by_id(ctx, id);

    return topic ? topic->name : OD_STR_NULL;
}

static void each_topic(void *ctx, void (*tell)(void *arg, struct od_str name), void *arg)
{
    struct od_pmap_walk walk = { 0 };
    const struct od_image_topic *topic;

    while ((topic = od_image_topic_next(ctx, &walk)))
        tell(arg, topic->name);
}

/* In a turn. */
static struct od_group_event event_of(struct od_coordinator *c)
{
    const struct od_config *config = &c->home->node->config;

    c->rules = (struct od_group_rules){
        .session_timeout_ms_min = config->group_min_session_timeout_ms,
        .session_timeout_ms_max = config->group_max_session_timeout_ms,
        .initial_rebalance_delay_ms = config->group_initial_rebalance_delay_ms,
        .size_max = config->group_max_size,
        .metadata_bytes_max = config->offset_metadata_max_bytes,
        .offsets_retention_ms = (int64_t)config->offsets_retention_minutes * 60000,
        .consumer_session_timeout_ms = config->group_consumer_session_timeout_ms,
        .consumer_heartbeat_interval_ms = config->group_consumer_heartbeat_interval_ms,
        .consumer_size_max = config->group_consumer_max_size,
        .consumer_assignor = od_config_item(config->group_consumer_assignors, 0),
    };
    c->topics = (struct od_group_topics){ .ctx = c->image,
                                          .version = c->image->offset,
                                          .find = find_topic,
                                          .name_of = name_of_topic,
                                          .each = each_topic };
    return (struct od_group_event){ .rules = &c->rules,
                                    .topics = &c->topics,
                                    .now_ms = od_reactor_now_ms(c->home->reactor),
                                    .wall_ms = od_clock_wall_ms(),
                                    .random = { od_random_u64(), od_random_u64() } };
}

static void begin_turn(struct od_coordinator *c)
{
    if (c->in_turn)
        return;
    c->in_turn = true;
    c->image = od_image_acquire(&c->home->node->image);
    od_group_out_init(&c->out, &c->arena);
    od_reactor_at_turn_end(c->home->reactor, &c->turn_end);
}

static struct od_group_event begin_step(struct od_coordinator *c)
{
    begin_turn(c);
    return event_of(c);
}

static size_t bytes_of(const struct od_group_out *out)
{
    size_t bytes = OD_BATCH_HEADER_BYTES;

    for (int32_t i = 0; i < out->record_count; i++)
        bytes += od_batch_record_bytes_max(out->records[i].key, out->records[i].value);
    return bytes;
}

static void set_deadline(struct od_coordinator *c)
{
    int64_t due_ms = od_group_shard_deadline_ms(c->groups);

    if (due_ms == INT64_MAX)
        od_timer_cancel(c->home->reactor, &c->deadline);
    else
        od_timer_set(c->home->reactor, &c->deadline, due_ms);
}

/* The groups hold what the log does not: parked calls are refused, and all is loaded again. */
static void drop_groups(struct od_coordinator *c, enum od_err err)
{
    struct od_arena arena = { 0 };
    struct od_group_out out;

    od_group_out_init(&out, &arena);
    od_group_shard_drop(c->groups, err, &out);
    od_timer_cancel(c->home->reactor, &c->deadline);
    od_timer_cancel(c->home->reactor, &c->expiry);
    if (!OD_MUTANT(group_parked_forgotten))
        finish_all(c->home, &out.answered, err);
    od_arena_reset(&arena);
}

/* Not within a turn: what it has gathered belongs to the groups that were dropped. */
static void load_if_failed(struct od_coordinator *c)
{
    if (c->state == OD_COORDINATOR_FAILED && !c->in_turn && od_list_empty(&c->in_flight))
        od_coordinator_load(c);
}

static void append_done(struct od_append *a)
{
    struct group_append *g = OD_CONTAINER(a, struct group_append, append);
    struct od_coordinator *c = g->coordinator;
    enum od_err err = a->err;

    od_link_remove(&g->link);
    if (c->state == OD_COORDINATOR_FAILED && !err)
        err = OD_NOT_ENOUGH_REPLICAS_AFTER_APPEND; /* what came before it is lost */
    if (err && c->state == OD_COORDINATOR_READY && !OD_MUTANT(group_failure_ignored)) {
        od_log(OD_LOG_WARN, "broker", "groups of %s-%d are loaded again: an append failed: %s",
               c->partition->topic, c->partition->index, od_err_text(err));
        c->state = OD_COORDINATOR_FAILED;
        drop_groups(c, lost(err));
    }
    finish_all(c->home, &g->held, err ? lost(err) : OD_NONE);
    od_partition_unref(a->partition);
    od_free(g);
    if (!od_coordinator_free_if_idle(c))
        load_if_failed(c);
}

static void append_records(struct od_coordinator *c)
{
    size_t capacity = bytes_of(&c->out), len = 0;
    struct group_append *g = od_zalloc(sizeof(*g) + capacity);
    struct od_batch_header header = od_batch_plain(0, 0);
    struct od_batch_builder b;
    int64_t wall_ms = od_clock_wall_ms();
    enum od_err err;

    od_batch_begin(&b, g->data, capacity, &header);
    for (int32_t i = 0; i < c->out.record_count; i++)
        od_batch_add(&b, wall_ms, c->out.records[i].key, c->out.records[i].value, NULL, 0);
    err = od_batch_end(&b, &len);
    OD_ASSERT(!err);
    g->coordinator = c;
    od_list_init(&g->held);
    od_list_append(&g->held, &c->out.answered);
    od_list_push(&c->in_flight, &g->link);
    g->append = (struct od_append){ .partition = od_partition_ref(c->partition),
                                    .home = c->home,
                                    .done = append_done,
                                    .data = g->data,
                                    .len = len,
                                    .record_count = c->out.record_count,
                                    .max_timestamp = wall_ms,
                                    .acks = -1 };
    od_partition_append(&g->append);
}

/* Records are sent on; answers wait for them, or for the last ones that are on their way. */
static void settle(struct od_coordinator *c)
{
    struct od_list answered;

    od_list_init(&answered);
    if (OD_MUTANT(group_commit_answered_early))
        od_list_append(&answered, &c->out.answered);
    if (c->out.record_count > 0) {
        append_records(c);
    } else if (!od_list_empty(&c->in_flight) && !OD_MUTANT(group_read_early)) {
        struct od_link *last = c->in_flight.head.prev;

        od_list_append(&OD_CONTAINER(last, struct group_append, link)->held, &c->out.answered);
    } else {
        od_list_append(&answered, &c->out.answered);
    }
    od_arena_reset(&c->arena);
    od_group_out_init(&c->out, &c->arena);
    finish_all(c->home, &answered, OD_NONE);
}

static void end_turn(struct od_post *post)
{
    struct od_coordinator *c = OD_CONTAINER(post, struct od_coordinator, turn_end);

    c->in_turn = false;
    od_image_unref(c->image);
    if (c->state == OD_COORDINATOR_READY) {
        set_deadline(c);
        settle(c);
    } else { /* it failed or was closed within the turn */
        c->out.record_count = 0;
        finish_all(c->home, &c->out.answered, OD_NOT_COORDINATOR);
        od_arena_reset(&c->arena);
        if (!od_coordinator_free_if_idle(c))
            load_if_failed(c);
    }
}

static void end_step(struct od_coordinator *c)
{
    if (c->out.record_count > 0 && bytes_of(&c->out) > BATCH_BYTES)
        settle(c);
}

static void step_call(struct od_coordinator *c, struct od_group_ask *ask)
{
    struct od_group_event ev = begin_step(c);

    od_group_shard_call(c->groups, &ev, &ask->call, &c->out);
    /* Parked: what it still needs was copied.  Nobody else touches a call that is out. */
    if (!od_link_used(&ask->call.link))
        od_slice_unref(&ask->from->frame);
    end_step(c);
}

static void on_deadline(struct od_timer *t)
{
    struct od_coordinator *c = OD_CONTAINER(t, struct od_coordinator, deadline);
    struct od_group_event ev = begin_step(c);

    od_group_shard_tick(c->groups, &ev, &c->out);
    end_step(c);
}

static void on_expiry(struct od_timer *t)
{
    struct od_coordinator *c = OD_CONTAINER(t, struct od_coordinator, expiry);
    struct od_group_event ev = begin_step(c);

    od_group_shard_expire(c->groups, &ev, &c->out);
    end_step(c);
    od_timer_set(c->home->reactor, t,
                 ev.now_ms + c->home->node->config.offsets_retention_check_interval_ms);
}

void od_coordinator_loaded(struct od_coordinator *c)
{
    struct od_group_event ev = begin_step(c);

    c->state = OD_COORDINATOR_READY;
    od_group_shard_loaded(c->groups, &ev, &c->out);
    end_step(c);
    od_timer_set(c->home->reactor, &c->expiry,
                 ev.now_ms + c->home->node->config.offsets_retention_check_interval_ms);
}

/* --- opening and closing -- */

static void open_coordinator(struct od_shard *shard, struct od_partition *p)
{
    struct od_coordinator *c = OD_NEW(struct od_coordinator);

    c->home = shard;
    c->partition = od_partition_ref(p);
    c->turn_end.run = end_turn;
    c->deadline.fire = on_deadline;
    c->expiry.fire = on_expiry;
    od_list_init(&c->in_flight);
    shard->coordinators.v[p->index] = c;
    atomic_fetch_add(&shard->node->jobs_out, 1);
    od_coordinator_load(c);
}

bool od_coordinator_free_if_idle(struct od_coordinator *c)
{
    if (c->state != OD_COORDINATOR_CLOSED || c->load_out || c->in_turn ||
        !od_list_empty(&c->in_flight))
        return false;
    atomic_fetch_sub(&c->home->node->jobs_out, 1);
    od_group_shard_free(c->groups);
    od_partition_unref(c->partition);
    od_arena_reset(&c->arena);
    od_free(c);
    return true;
}

static void close_coordinator(struct od_coordinator *c, enum od_err err)
{
    c->home->coordinators.v[c->partition->index] = NULL;
    od_timer_cancel(c->home->reactor, &c->retry);
    if (c->state == OD_COORDINATOR_READY)
        drop_groups(c, err);
    c->state = OD_COORDINATOR_CLOSED;
    (void)od_coordinator_free_if_idle(c);
}

static struct od_coordinator **slot(struct od_coordinators *cs, int32_t partition)
{
    if (partition >= cs->count) {
        int32_t count = partition + 1;

        cs->v = od_realloc(cs->v, sizeof(struct od_coordinator *) * (size_t)count);
        for (int32_t i = cs->count; i < count; i++)
            cs->v[i] = NULL;
        cs->count = count;
    }
    return &cs->v[partition];
}

void od_coordinators_close(struct od_shard *shard)
{
    struct od_coordinators *cs = &shard->coordinators;

    cs->closing = true;
    for (int32_t i = 0; i < cs->count; i++)
        if (cs->v[i])
            close_coordinator(cs->v[i], OD_COORDINATOR_NOT_AVAILABLE);
}

void od_coordinators_deinit(struct od_coordinators *cs)
{
    for (int32_t i = 0; i < cs->count; i++)
        OD_ASSERT(!cs->v[i]);
    od_free(cs->v);
    *cs = (struct od_coordinators){ 0 };
}

/* --- what metadata says -- */

/* From reactor 0 to the owner. */
struct notice {
    struct od_post post;
    struct od_shard *shard;
    struct od_partition *partition; /* owns a reference; NULL: topic */
    char *topic;                    /* owned; deleted */
};

static void send_notice(struct od_node *node, int shard, struct od_partition *p,
                        struct od_str topic, void (*run)(struct od_post *post))
{
    struct notice *n = OD_NEW(struct notice);

    n->shard = &node->shards[shard];
    n->partition = p ? od_partition_ref(p) : NULL;
    n->topic = topic.data ? od_str_dup(topic) : NULL;
    n->post.run = run;
    od_reactor_post(n->shard->reactor, &n->post);
}

static void free_notice(struct notice *n)
{
    od_partition_unref(n->partition);
    od_free(n->topic);
    od_free(n);
}

static void run_assigned(struct od_post *post)
{
    struct notice *n = OD_CONTAINER(post, struct notice, post);
    struct od_coordinator **c = slot(&n->shard->coordinators, n->partition->index);

    /* A new object or leader epoch: what is in memory may not be what the log says. */
    if (*c && ((*c)->partition != n->partition ||
               (*c)->leader_epoch != atomic_load(&n->partition->leader_epoch)))
        close_coordinator(*c, OD_NOT_COORDINATOR);
    if (!*c && !n->shard->coordinators.closing)
        open_coordinator(n->shard, n->partition);
    free_notice(n);
}

static void run_lost(struct od_post *post)
{
    struct notice *n = OD_CONTAINER(post, struct notice, post);
    struct od_coordinator **c = slot(&n->shard->coordinators, n->partition->index);

    if (*c && (*c)->partition == n->partition)
        close_coordinator(*c, OD_NOT_COORDINATOR);
    free_notice(n);
}

static void run_topic_deleted(struct od_post *post)
{
    struct notice *n = OD_CONTAINER(post, struct notice, post);
    struct od_coordinators *cs = &n->shard->coordinators;

    for (int32_t i = 0; i < cs->count; i++) {
        struct od_coordinator *c = cs->v[i];

        if (!c || c->state != OD_COORDINATOR_READY)
            continue;
        begin_turn(c);
        od_group_shard_topic_deleted(c->groups, od_str_of(n->topic), &c->out);
        end_step(c);
    }
    free_notice(n);
}

void od_coordinators_assigned(struct od_node *node, struct od_partition *p)
{
    send_notice(node, p->index % node->shard_count, p, OD_STR_NULL, run_assigned);
}

void od_coordinators_lost(struct od_node *node, struct od_partition *p)
{
    send_notice(node, p->index % node->shard_count, p, OD_STR_NULL, run_lost);
}

void od_coordinators_topic_deleted(struct od_node *node, struct od_str topic)
{
    for (int i = 0; i < node->shard_count; i++)
        send_notice(node, i, NULL, topic, run_topic_deleted);
}

/* --- calls -- */

static enum od_err find_ready(struct od_shard *shard, int32_t partition,
                              struct od_coordinator **out)
{
    struct od_coordinators *cs = &shard->coordinators;

    *out = partition < cs->count ? cs->v[partition] : NULL;
    if (cs->closing)
        return OD_COORDINATOR_NOT_AVAILABLE;
    if (!*out)
        return OD_NOT_COORDINATOR;
    switch ((*out)->state) {
    case OD_COORDINATOR_LOADING:
    case OD_COORDINATOR_FAILED:
        return OD_COORDINATOR_LOAD_IN_PROGRESS;
    case OD_COORDINATOR_READY:
        return OD_NONE;
    case OD_COORDINATOR_CLOSED:
        return OD_NOT_COORDINATOR;
    }
    return OD_NONE;
}

struct od_group_shard *od_coordinator_groups(struct od_shard *shard, int32_t partition,
                                             enum od_err *err)
{
    struct od_coordinator *c;

    *err = find_ready(shard, partition, &c);
    return *err ? NULL : c->groups;
}

static void refuse(struct od_shard *here, struct od_group_ask *ask, enum od_err err)
{
    od_group_call_fail(&ask->call, err);
    finish_ask(here, ask);
}

static void take(struct od_shard *shard, struct od_group_ask *ask)
{
    struct od_coordinator *c;
    enum od_err err = find_ready(shard, ask->partition, &c);

    if (err) /* we lead it: if the coordinator is not there, the partition is being opened */
        refuse(shard, ask, err == OD_NOT_COORDINATOR ? OD_COORDINATOR_LOAD_IN_PROGRESS : err);
    else
        step_call(c, ask);
}

static void run_take(struct od_post *post)
{
    struct od_group_ask *ask = OD_CONTAINER(post, struct od_group_ask, post);
    struct od_node *node = ask->from->shard->node;

    take(&node->shards[ask->partition % node->shard_count], ask);
}

/* The partition of the group, if this broker leads it. */
static enum od_err locate(const struct od_node *node, const struct od_image *image,
                          struct od_str group_id, int32_t *partition)
{
    const struct od_image_topic *topic = od_image_topic_find(image, OD_STR("__consumer_offsets"));
    const struct od_image_partition *p;

    if (!topic)
        return OD_COORDINATOR_NOT_AVAILABLE;
    *partition = od_group_partition(group_id, topic->partition_count);
    p = od_image_partition_find(topic, *partition);
    return p && p->leader == node->id ? OD_NONE : OD_NOT_COORDINATOR;
}

void od_group_ask_send(struct od_group_ask *ask, struct od_str group_id)
{
    struct od_shard *here = ask->from->shard;
    struct od_node *node = here->node;
    struct od_image *image = od_image_acquire(&node->image);
    enum od_err err = locate(node, image, group_id, &ask->partition);
    struct od_shard *owner;

    od_image_unref(image);
    if (err) {
        refuse(here, ask, err);
        return;
    }
    owner = &node->shards[ask->partition % node->shard_count];
    if (owner == here) {
        take(here, ask);
        return;
    }
    ask->post.run = run_take;
    od_reactor_post(owner->reactor, &ask->post);
}
