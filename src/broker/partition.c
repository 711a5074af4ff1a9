/* SPDX-License-Identifier: Apache-2.0 */
/* Entering and leaving a partition, and carrying out what its machine decides. */
#include "broker/partition_internal.h"

#include "base/assert.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/mutant.h"
#include "broker/auto_create.h"
#include "broker/node.h"
#include "broker/shard.h"
#include "os/clock.h"

struct od_plog_config od_partition_log_config(const struct od_image_topic *topic)
{
    const struct od_topic_config *c = topic->config;

    bool compacted = c->cleanup_policy & OD_CLEANUP_COMPACT;

    return (struct od_plog_config){
        .segment_bytes = c->segment_bytes,
        .segment_index_bytes = c->segment_index_bytes,
        .index_interval_bytes = c->index_interval_bytes,
        /* What must be compacted in time must leave the active segment in time. */
        .segment_ms = compacted && c->max_compaction_lag_ms < c->segment_ms
                          ? c->max_compaction_lag_ms
                          : c->segment_ms,
        .segment_jitter_ms = c->segment_jitter_ms,
        .preallocate_bytes = c->preallocate ? c->segment_bytes : 0,
        .gaps_allowed = compacted,
        .vital = od_topic_is_internal(topic->name),
    };
}

struct od_partition *od_partition_new(struct od_node *node, const struct od_image_topic *topic,
                                      int32_t index, uint64_t incarnation)
{
    struct od_partition *p = OD_NEW(struct od_partition);

    od_lock_init(&p->lock, OD_LOCK_PARTITION);
    atomic_init(&p->refs, 1);
    p->node = node;
    p->topic_id = topic->id;
    p->topic = od_str_dup(topic->name);
    p->index = index;
    p->incarnation = incarnation;
    p->config = od_topic_config_ref(topic->config);
    od_mpsc_init(&p->appends);
    od_replica_init(&p->replica, node->id);
    od_list_init(&p->pending);
    od_list_init(&p->watchers);
    p->absent_err = OD_NOT_LEADER_OR_FOLLOWER;
    atomic_init(&p->leader_epoch, -1);
    return p;
}

struct od_partition *od_partition_ref(struct od_partition *p)
{
    atomic_fetch_add_explicit(&p->refs, 1, memory_order_relaxed);
    return p;
}

void od_partition_unref(struct od_partition *p)
{
    if (!p || atomic_fetch_sub_explicit(&p->refs, 1, memory_order_acq_rel) != 1)
        return;
    OD_ASSERT(!p->plog && od_mpsc_empty(&p->appends));
    OD_ASSERT(od_list_empty(&p->pending) && od_list_empty(&p->watchers));
    od_free(od_replica_reserve(&p->replica, NULL, 0));
    od_topic_config_unref(p->config);
    od_lock_deinit(&p->lock);
    od_free(p->topic);
    od_free(p);
}

static void begin(struct od_effects *fx)
{
    *fx = (struct od_effects){ 0 };
    od_list_init(&fx->finished);
}

void od_partition_enter(struct od_partition *p, struct od_effects *fx)
{
    begin(fx);
    od_lock_take(&p->lock);
}

static void run_done(struct od_post *post)
{
    struct od_append *a = OD_CONTAINER(post, struct od_append, post);

    a->done(a);
}

/* With the lock free.  Order matters only within finished: answers of one connection. */
static void carry_out(struct od_effects *fx, struct od_shard *shard)
{
    struct od_link *n;

    while (fx->wake) {
        struct od_watcher *w = fx->wake;

        fx->wake = w->wake_next;
        od_reactor_post(w->home->reactor, &w->post);
    }
    while ((n = od_list_pop(&fx->finished))) {
        struct od_append *a = OD_CONTAINER(n, struct od_append, link);

        a->post.run = run_done;
        if (a->home == shard)
            a->done(a);
        else
            od_reactor_post(a->home->reactor, &a->post);
    }
    if (fx->flush)
        od_flush_submit(fx->flush, shard);
    if (fx->write_back)
        od_write_back_submit(fx->write_back, shard);
}

void od_partition_leave(struct od_partition *p, struct od_effects *fx, struct od_shard *shard)
{
    od_partition_ref(p); /* what is carried out may drop the caller's */
    od_lock_drop(&p->lock);
    carry_out(fx, shard);
    /* Pairs with the fence in od_partition_append: either we see the append or they see the lock.
     */
    atomic_thread_fence(memory_order_seq_cst);
    if (!od_mpsc_empty(&p->appends) && !OD_MUTANT(broker_append_forgotten))
        od_partition_drain(p, shard);
    od_partition_unref(p);
}

void od_partition_drain(struct od_partition *p, struct od_shard *shard)
{
    struct od_effects fx;

    /* Another holder leaves after us and looks at the list again. */
    while (!od_mpsc_empty(&p->appends) && od_lock_try(&p->lock)) {
        begin(&fx);
        od_partition_drain_locked(p, &fx);
        od_lock_drop(&p->lock);
        carry_out(&fx, shard);
        atomic_thread_fence(memory_order_seq_cst);
    }
}

void od_partition_append(struct od_append *a)
{
    struct od_partition *p = a->partition;
    bool first = od_mpsc_push(&p->appends, &a->node);

    atomic_thread_fence(memory_order_seq_cst);
    if (first)
        od_shard_touch(a->home, od_partition_ref(p));
}

int64_t od_partition_now_ms(void)
{
    return od_clock_mono_ns() / 1000000;
}

void od_partition_wake(struct od_partition *p, struct od_effects *fx)
{
    OD_LIST_EACH(&p->watchers, link) {
        struct od_watcher *w = OD_CONTAINER(link, struct od_watcher, link);

        if (atomic_exchange_explicit(&w->posted, true, memory_order_acq_rel) ||
            OD_MUTANT(broker_waiter_forgotten))
            continue;
        w->wake_next = fx->wake;
        fx->wake = w;
    }
}

void od_partition_settle_pending(struct od_partition *p, struct od_effects *fx)
{
    OD_LIST_EACH(&p->pending, link) {
        struct od_append *a = OD_CONTAINER(link, struct od_append, link);

        if (od_replica_ack_state(&p->replica, a->leader_epoch, a->base_offset + a->record_count - 1,
                                 &a->err) == OD_REPLICA_ACK_WAIT)
            break; /* by offset: those behind wait too */
        od_link_remove(link);
        od_list_push(&fx->finished, link);
    }
}

int64_t od_partition_stable_end(const struct od_partition *p)
{
    int64_t high_watermark = od_replica_high_watermark(&p->replica);
    int64_t unstable = p->plog ? od_plog_first_unstable(p->plog) : INT64_MAX;

    return unstable < high_watermark ? unstable : high_watermark;
}

void od_partition_publish(struct od_partition *p)
{
    if (!p->plog)
        return;
    atomic_store_explicit(&p->start_offset, od_plog_start_offset(p->plog), memory_order_release);
    atomic_store_explicit(&p->end_offset, od_plog_end_offset(p->plog), memory_order_release);
    atomic_store_explicit(&p->high_watermark, od_replica_high_watermark(&p->replica),
                          memory_order_release);
    atomic_store_explicit(&p->size_bytes, od_plog_size_bytes(p->plog), memory_order_release);
    atomic_store_explicit(&p->last_stable_offset, od_partition_stable_end(p),
                          memory_order_release);
    atomic_store_explicit(&p->leader_epoch, p->replica.leader_epoch, memory_order_release);
}

/* True: the action asks for another step, given in *next. */
static bool carry_out_action(struct od_partition *p, const struct od_replica_action *action,
                             struct od_replica_event *next, struct od_effects *fx)
{
    switch (action->kind) {
    case OD_REPLICA_ACT_HIGH_WATERMARK:
        od_plog_set_high_watermark(p->plog, action->offset);
        od_partition_wake(p, fx);
        return false;
    case OD_REPLICA_ACT_STEP_DOWN:
        od_partition_wake(p, fx);
        return false;
    case OD_REPLICA_ACT_START_EPOCH:
        /* The log keeps it durable before any batch of that epoch. */
        od_plog_epoch_start(p->plog, action->epoch, action->offset);
        *next = (struct od_replica_event){ .kind = OD_REPLICA_EV_EPOCH_RECORDED,
                                           .now_ms = od_partition_now_ms(),
                                           .start_epoch = action->epoch };
        return true;
    case OD_REPLICA_ACT_PROPOSE_ISR:
    case OD_REPLICA_ACT_REJECT:
    case OD_REPLICA_ACT_DIVERGING:
    case OD_REPLICA_ACT_FETCH:
    case OD_REPLICA_ACT_APPEND:
    case OD_REPLICA_ACT_TRUNCATE:
    case OD_REPLICA_ACT_RESTART_LOG:
        /* One node: no follower exists, and the controller names no second replica. */
        OD_ASSERT(false && "a replication action without other replicas");
    }
    return false;
}

void od_partition_step(struct od_partition *p, const struct od_replica_event *ev,
                       struct od_effects *fx)
{
    struct od_replica_actions actions;
    struct od_replica_event next;
    bool again;

    do {
        od_replica_step(&p->replica, ev, &actions);
        again = false;
        for (int i = 0; i < actions.n; i++)
            again |= carry_out_action(p, &actions.v[i], &next, fx);
        ev = &next;
    } while (again);
    od_partition_settle_pending(p, fx);
    od_partition_publish(p);
}

void od_partition_want_flush(struct od_partition *p, struct od_effects *fx)
{
    if (!p->flushing && !fx->flush && p->plog && od_replica_needs_flush(&p->replica) &&
        p->replica.config.durability == OD_REPLICA_FSYNC)
        fx->flush = od_flush_begin(p);
}

void od_partition_flush(struct od_partition *p, struct od_shard *shard)
{
    struct od_effects fx;

    od_partition_enter(p, &fx);
    if (p->plog && !p->flushing)
        fx.flush = od_flush_begin(p);
    od_partition_leave(p, &fx, shard);
}

bool od_partition_give_up(struct od_append *a)
{
    struct od_partition *p = a->partition;
    bool waiting = false;
    struct od_effects fx;

    od_partition_enter(p, &fx);
    /* In the pending list, and not on its way out. */
    OD_LIST_EACH(&p->pending, link)
        waiting |= link == &a->link;
    if (waiting)
        od_link_remove(&a->link);
    od_partition_leave(p, &fx, a->home);
    return waiting;
}

/* Internal topics are on the disk before they are answered, whatever the setting says. */
static enum od_replica_durability durability_of(const struct od_image_topic *topic)
{
    return topic->config->odradek_durability == OD_DURABILITY_FSYNC ||
                   od_topic_is_internal(topic->name)
               ? OD_REPLICA_FSYNC
               : OD_REPLICA_REPLICATED;
}

void od_partition_assign(struct od_partition *p, struct od_shard *shard,
                         const struct od_image_topic *topic, const struct od_image_partition *state,
                         struct od_plog *opened)
{
    const struct od_config *config = &p->node->config;
    struct od_replica_assignment to = {
        .leader = state->leader,
        .leader_epoch = state->leader_epoch,
        .partition_epoch = state->partition_epoch,
        .count = 1,
        .members = { { .broker = p->node->id,
                       .broker_epoch = p->node->broker_epoch,
                       .in_isr = state->isr_count > 0,
                       .eligible = true } },
        .config = { .min_isr = topic->config->min_insync_replicas,
                    .lag_time_max_ms = config->replica_lag_time_max_ms,
                    .durability = durability_of(topic) },
    };
    struct od_effects fx;

    od_partition_enter(p, &fx);
    if (opened)
        p->plog = opened;
    od_topic_config_unref(p->config);
    p->config = od_topic_config_ref(topic->config);
    if (p->plog) {
        struct od_plog_config log = od_partition_log_config(topic);
        int32_t found;
        int64_t end;
        struct od_replica_event ev = {
            .kind = state->leader == p->node->id ? OD_REPLICA_EV_LEAD : OD_REPLICA_EV_STOP,
            .now_ms = od_partition_now_ms(),
            .assignment = &to,
            .log = { .end = od_plog_end_offset(p->plog),
                     .durable_end = od_plog_durable_end(p->plog),
                     .high_watermark = od_plog_high_watermark(p->plog),
                     .last_epoch = od_plog_epoch_latest(p->plog),
                     .epoch_start = -1 },
        };

        od_plog_configure(p->plog, &log);
        od_plog_epoch_end(p->plog, state->leader_epoch - 1, &found, &end);
        if (od_plog_epoch_latest(p->plog) == state->leader_epoch)
            ev.log.epoch_start = end >= 0 ? end : od_plog_start_offset(p->plog);
        od_partition_step(p, &ev, &fx);
        od_partition_want_flush(p, &fx);
    }
    od_partition_leave(p, &fx, shard);
}

/* Of a deleted topic nothing is left, acknowledged or not. */
static void refuse_pending(struct od_partition *p, enum od_err why, struct od_effects *fx)
{
    OD_LIST_EACH(&p->pending, link) {
        OD_CONTAINER(link, struct od_append, link)->err = why;
        od_link_remove(link);
        od_list_push(&fx->finished, link);
    }
}

struct od_plog *od_partition_close(struct od_partition *p, struct od_shard *shard, enum od_err why)
{
    struct od_plog *plog;
    struct od_effects fx;

    od_partition_enter(p, &fx);
    od_partition_drain_locked(p, &fx);
    if (why == OD_UNKNOWN_TOPIC_OR_PARTITION)
        refuse_pending(p, why, &fx);
    p->absent_err = why;
    od_partition_step(p, &(struct od_replica_event){ .kind = OD_REPLICA_EV_STOP }, &fx);
    od_partition_wake(p, &fx);
    plog = p->plog;
    p->plog = NULL;
    od_dirty_remove(&p->node->dirty, p);
    od_partition_leave(p, &fx, shard);
    return plog;
}
