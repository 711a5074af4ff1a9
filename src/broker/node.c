/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of a node.  What blocks is done before the reactors run (storage, metadata log) or by
 * helpers (partitions).  Then, on reactor 0: register, open the partitions, unfence, listen, ready;
 * and backwards: stop listening, drain, close.
 */
#include "broker/node_internal.h"

#include "base/log.h"
#include "base/mem.h"
#include "broker/call.h"
#include "broker/clients.h"
#include "broker/fetch.h"
#include "broker/live.h"
#include "broker/partition.h"
#include "meta/local.h"
#include "net/listener.h"
#include "os/clock.h"
#include "os/thread.h"

/* --- connections ----------------------------------------------------------------------------- */

static enum od_verdict got_frame(struct od_conn *c, struct od_slice frame)
{
    return od_call_begin(od_conn_owner(c), c, frame);
}

static const struct od_net_handlers handlers = { od_client_open, got_frame, od_client_close };

/* Who may not be idle for long may not stop in mid request for long either. */
static int64_t stall_ms(const struct od_config *c)
{
    int64_t idle_ms = c->connections_max_idle_ms;

    return idle_ms >= 0 && idle_ms < OD_NET_STALL_MS ? idle_ms : OD_NET_STALL_MS;
}

/* Kafka's default of 100 KB halves the rate of large messages: unset, the system tunes it. */
static int buffer_bytes(const struct od_config *c, enum od_key key, int32_t value)
{
    return od_config_is_set(c, key) ? value : -1;
}

static void make_net(struct od_shard *s)
{
    const struct od_config *c = &s->node->config;
    struct od_net_settings settings = {
        .send_buffer_bytes =
            buffer_bytes(c, OD_KEY_SOCKET_SEND_BUFFER_BYTES, c->socket_send_buffer_bytes),
        .receive_buffer_bytes =
            buffer_bytes(c, OD_KEY_SOCKET_RECEIVE_BUFFER_BYTES, c->socket_receive_buffer_bytes),
        .idle_ms = c->connections_max_idle_ms,
        .stall_ms = stall_ms(c),
        .request_bytes_max = c->socket_request_max_bytes,
        .in_flight_max = OD_NET_IN_FLIGHT_MAX,
    };

    s->net = od_net_new(s->reactor, &settings, &handlers, &s->node->budget, s);
}

/* --- shards ---------------------------------------------------------------------------------- */

static void run_shard(void *arg)
{
    od_reactor_run(((struct od_shard *)arg)->reactor);
}

static enum od_err make_shards(struct od_node *n)
{
    n->shard_count = n->config.num_network_threads;
    for (int i = 0; i < n->shard_count; i++) {
        struct od_shard *s = &n->shards[i];
        struct od_fetch_config fetches = {
            .slots = (uint32_t)n->config.max_incremental_fetch_session_cache_slots /
                     (uint32_t)n->shard_count,
            .shard = (uint32_t)i,
            .shards = (uint32_t)n->shard_count,
            .seed = od_random_u64(),
            .budget = &n->budget,
            .drop = od_fetch_drop_watch,
        };
        enum od_err err;

        od_shard_init(s, n, i);
        od_fetch_cache_init(&s->fetches, &fetches);
        err = od_reactor_new(i, &s->reactor);
        if (err)
            return err;
        make_net(s);
    }
    return OD_NONE;
}

/* Sessions watch partitions: they go first, the reactors after the partitions. */
static void free_connections(struct od_node *n)
{
    for (int i = 0; i < n->shard_count; i++) {
        struct od_shard *s = &n->shards[i];

        if (s->net)
            od_net_free(s->net);
        if (s->fetches.config.shards)
            od_fetch_cache_deinit(&s->fetches);
    }
}

static void free_reactors(struct od_node *n)
{
    for (int i = 0; i < n->shard_count; i++) {
        if (n->shards[i].reactor)
            od_reactor_free(n->shards[i].reactor);
        od_free(n->shards[i].touched);
        od_coordinators_deinit(&n->shards[i].coordinators);
        od_calls_free_spare(&n->shards[i]);
    }
}

static enum od_err start_threads(struct od_node *n)
{
    for (int i = 1; i < n->shard_count; i++) {
        enum od_err err =
            od_thread_start("reactor", run_shard, &n->shards[i], &n->shards[i].thread);

        if (err)
            return err;
    }
    return OD_NONE;
}

static void join_threads(struct od_node *n)
{
    for (int i = 1; i < n->shard_count; i++)
        if (n->shards[i].thread) {
            od_reactor_stop(n->shards[i].reactor);
            od_thread_join(n->shards[i].thread);
        }
}

/* --- listening ------------------------------------------------------------------------------- */

static enum od_err listen_on(struct od_node *n, const struct od_endpoint *e,
                             struct od_address *bound)
{
    struct od_net *nets[OD_NODE_SHARDS_MAX];
    struct od_listener_settings settings = {
        .host = e->host,
        .port = e->port,
        .backlog = n->config.socket_listen_backlog_size,
        .admission = n->admission,
        .connections_max = e->max_connections,
        .per_second_max = e->max_connection_creation_rate,
        .nets = nets,
        .net_count = n->shard_count,
        .tag = (void *)e,
    };

    for (int i = 0; i < n->shard_count; i++)
        nets[i] = n->shards[i].net;
    return od_listener_open(n->shards[0].reactor, &settings, &n->listeners[n->listener_count++],
                            bound);
}

/* Unset listeners mean both loopbacks; a machine without IPv6 is served on the other one. */
static enum od_err listen_all(struct od_node *n, struct od_address *bound)
{
    bool fallback = !od_config_is_set(&n->config, OD_KEY_LISTENERS);
    int count = 0;

    for (int i = 0; i < n->config.endpoint_count && i < OD_NODE_LISTENERS_MAX; i++) {
        enum od_err err = listen_on(n, &n->config.endpoints[i], &bound[count]);

        if (!err) {
            count++;
            continue;
        }
        n->listener_count--;
        if (!fallback || (count == 0 && i + 1 == n->config.endpoint_count)) {
            od_log(OD_LOG_ERROR, "broker", "cannot listen on %s:%d (listeners)",
                   n->config.endpoints[i].host, n->config.endpoints[i].port);
            return OD_E_BUSY;
        }
    }
    n->listener_count = count;
    return OD_NONE;
}

void od_node_close_listeners(struct od_node *n)
{
    while (n->listener_count > 0)
        od_listener_close(n->listeners[--n->listener_count]);
}

/* --- the way up, on reactor 0 ---------------------------------------------------------------- */

static void give_up_start(struct od_node *n, enum od_err err)
{
    n->result = err;
    od_node_stop(n);
}

static void serve(struct od_node *n)
{
    struct od_address bound[OD_NODE_LISTENERS_MAX];
    enum od_err err = listen_all(n, bound);

    if (err) {
        give_up_start(n, err);
        return;
    }
    n->state = OD_NODE_SERVING;
    od_housekeeping_start(&n->life->housekeeping, n);
    od_cleaner_start(&n->life->cleaner, n);
    if (n->options.ready)
        n->options.ready(n->options.ctx, n, bound, n->listener_count);
}

static void registered(struct od_broker_life *bl, enum od_err err, const char *message)
{
    struct od_node_life *life = OD_CONTAINER(bl, struct od_node_life, broker);
    struct od_node *n = life->node;

    if (err) {
        od_log(OD_LOG_ERROR, "broker", "cannot register: %s: %s", od_err_name(err),
               message ? message : od_err_text(err));
        give_up_start(n, err);
        return;
    }
    n->broker_epoch = bl->epoch;
    life->registered = true;
    od_node_open_loaded(n, serve);
}

static void register_broker(struct od_node *n)
{
    struct od_node_life *life = n->life;

    life->directory = od_storage_directory_id(n->storage);
    life->registration = (struct od_register_broker){
        .id = n->id,
        .incarnation = od_uuid_from_random(od_random_u64(), od_random_u64()),
        .rack = od_str_of(n->config.broker_rack),
        .feature_count = OD_FEATURES_KNOWN,
        .features = od_features_known,
        .directory_count = 1,
        .directories = &life->directory,
        .previous_epoch =
            od_storage_was_clean(n->storage) ? od_storage_last_broker_epoch(n->storage) : -1,
    };
    od_broker_life_start(&life->broker, n->controller, &n->image, &life->registration, registered);
}

static void begin(struct od_post *post)
{
    struct od_node_life *life = OD_CONTAINER(post, struct od_node_life, begin);

    register_broker(life->node);
}

static void fenced(void *ctx, enum od_err err)
{
    struct od_node *n = ctx;

    od_log(OD_LOG_ERROR, "broker",
           "the metadata log cannot be written, its directory is fenced: stopping");
    give_up_start(n, err);
}

/* --- the way down, after the threads have ended --------------------------------------------- */

static enum od_err close_storage(struct od_node *n)
{
    od_node_close_partitions(n);
    if (n->store)
        n->store->ops->close(n->store);
    if (!n->storage)
        return OD_NONE;
    if (n->life->registered && !od_storage_fenced(n->storage))
        return od_storage_close(n->storage, n->broker_epoch);
    od_storage_abandon(n->storage);
    return OD_NONE;
}

/* What the watchdog saw: a turn over 10 ms kept every client of that reactor waiting.  The threads
 * have ended.  The tests fail on busy turns in calls that tests/integration/busy_turns does not
 * list. */
static void log_slow_turns(const struct od_node *n)
{
    for (int i = 0; i < n->shard_count; i++) {
        struct od_reactor_stats stats;

        if (!n->shards[i].reactor)
            continue;
        od_reactor_stats(n->shards[i].reactor, &stats);
        if (stats.slow_turns)
            od_log(OD_LOG_INFO, "broker",
                   "reactor %d: %llu of %llu turns took over 10 ms, the longest %lld us in %s", i,
                   (unsigned long long)stats.slow_turns, (unsigned long long)stats.turns,
                   (long long)stats.slowest_turn_us, stats.slowest_call ? stats.slowest_call : "?");
        for (int j = 0; j < stats.busy_count; j++)
            od_log(OD_LOG_INFO, "broker",
                   "reactor %d: busy turns in %s: %llu, the longest with %lld us of its own", i,
                   stats.busy[j].call ? stats.busy[j].call : "?",
                   (unsigned long long)stats.busy[j].turns, (long long)stats.busy[j].longest_us);
    }
}

static void log_stops(const struct od_node *n)
{
    unsigned long long stops = atomic_load(&n->dirty.stops);

    if (stops)
        od_log(OD_LOG_INFO, "broker",
               "producers were not read from %llu times, for more dirty bytes than "
               "odradek.max.dirty.bytes=%lld",
               stops, (long long)n->dirty.limit_bytes);
}

/* --- the whole ------------------------------------------------------------------------------- */

/* Segments no larger than what lies between two snapshots, or they would outlive their use. */
static void set_snapshots(const struct od_config *c, struct od_local_options *local)
{
    enum { SEGMENT_BYTES_MIN = 4096 };
    int64_t between = c->metadata_log_max_record_bytes_between_snapshots;

    local->snapshot_bytes = between;
    local->snapshot_interval_ms = c->metadata_log_max_snapshot_interval_ms;
    local->segment_bytes = c->metadata_log_segment_bytes;
    if (between < local->segment_bytes)
        local->segment_bytes = between > SEGMENT_BYTES_MIN ? (int32_t)between : SEGMENT_BYTES_MIN;
}

static enum od_err open_metadata(struct od_node *n)
{
    struct od_local_options local = { .storage = n->storage,
                                      .helpers = n->helpers,
                                      .node_id = n->id,
                                      .image_ops = &n->rules.ops,
                                      .seed = od_random_u64(),
                                      .holder = &n->image };
    struct od_controller_options options = { .reactor = n->shards[0].reactor,
                                             .holder = &n->image,
                                             .rules = &n->rules.rules,
                                             .open = od_node_open,
                                             .fenced = fenced,
                                             .ctx = n };
    struct od_image *image = NULL;
    struct od_meta_position position;
    enum od_err err;

    set_snapshots(&n->config, &local);
    err = od_local_open(&local, &n->store);
    if (!err)
        err = n->store->ops->load(n->store, &image, &position);
    if (!image) /* it could not be loaded: an empty one, for an orderly end */
        image = od_image_new(&n->rules.ops, od_random_u64());
    od_image_holder_init(&n->image, image);
    if (!err)
        err = n->store->ops->lead(n->store, &options.term, &options.next_offset);
    options.store = n->store;
    if (!err)
        n->controller = od_controller_new(&options);
    return err;
}

static enum od_err start(struct od_node *n)
{
    struct od_storage_options storage = {
        .node_id = n->config.node_id,
        .cluster_id = od_str_of(n->config.odradek_cluster_id),
        .reserve_bytes = OD_STORAGE_RESERVE_BYTES,
    };
    char *dir = od_str_dup(od_config_item(n->config.log_dirs, 0));
    enum od_err err;

    storage.path = dir;
    err = od_storage_open(&storage, &n->storage);
    od_free(dir);
    if (err)
        return err;
    n->id = od_storage_node_id(n->storage);
    n->config.node_id = n->config.broker_id = n->id; /* as it is told to those who ask */
    n->cluster_id = od_storage_cluster_id(n->storage);
    od_meta_rules_init(&n->rules, &n->config, n->id);
    err = od_helpers_new(n->config.background_threads, &n->helpers);
    if (!err)
        err = make_shards(n);
    if (!err)
        err = open_metadata(n);
    if (!err)
        err = start_threads(n);
    return err;
}

static void run(struct od_node *n)
{
    struct od_node_life *life = n->life;
    struct od_reactor *r = n->shards[0].reactor;

    life->begin.run = begin;
    od_reactor_post(r, &life->begin);
    od_reactor_run(r);
}

enum od_err od_node_run(const struct od_node_options *options)
{
    struct od_node *n = OD_NEW(struct od_node);
    struct od_node_life *life = OD_NEW(struct od_node_life);
    enum od_err err, close_err;

    n->options = *options;
    n->config = *options->config;
    n->life = life;
    life->node = n;
    od_budget_init(&n->budget, n->config.queued_max_request_bytes);
    od_partitions_init(&n->partitions, od_random_u64());
    od_dirty_init(&n->dirty, n->config.odradek_max_dirty_bytes);
    n->admission = od_live_admission(&n->config.live);
    err = start(n);
    if (!err) {
        run(n);
        err = n->result;
    }
    join_threads(n);
    log_slow_turns(n);
    log_stops(n);
    od_node_close_listeners(n);
    if (n->helpers)
        od_helpers_free(n->helpers);
    if (n->controller)
        od_controller_free(n->controller);
    free_connections(n);
    close_err = close_storage(n);
    free_reactors(n);
    od_admission_free(n->admission);
    od_image_holder_deinit(&n->image);
    od_meta_rules_deinit(&n->rules);
    od_dirty_deinit(&n->dirty);
    od_partitions_deinit(&n->partitions);
    od_free(life);
    od_free(n);
    return err ? err : close_err;
}
