/* SPDX-License-Identifier: Apache-2.0 */
/* Boots the broker with drawn settings and makes its topics. */
#include "node_world.h"

#include "base/mem.h"
#include "broker/node.h"
#include "config/config.h"

#include <string.h>

enum { OVERRIDES_MAX = 24, VALUE_MAX = 64, TEXT_MAX = 128 };

struct boot {
    struct node_world *world;
    struct od_config config;
    char text[OVERRIDES_MAX][TEXT_MAX];
    const char *overrides[OVERRIDES_MAX];
    int count;
};

static void set(struct boot *b, const char *key, const char *value)
{
    int len = snprintf(b->text[b->count], TEXT_MAX, "%s=%s", key, value);

    OD_SIM_CHECK(b->count < OVERRIDES_MAX && len < TEXT_MAX);
    b->overrides[b->count] = b->text[b->count];
    b->count++;
}

static void ready(void *ctx, struct od_node *node, const struct od_address *bound, int count)
{
    struct boot *b = ctx;

    (void)bound, (void)count;
    b->world->node = node;
    od_sim_note("the broker serves");
}

static void run_broker(void *arg)
{
    struct node_world *w = arg;
    struct boot *b = OD_NEW(struct boot);
    struct od_text errors = { 0 }, notes = { 0 };
    struct od_config_input in = { .data_dir = "/data", .cores = w->reactors,
                                  .memory_bytes = 256 << 20 };
    enum od_err err;
    char text[VALUE_MAX];

    b->world = w;
    snprintf(text, sizeof(text), "PLAINTEXT://%s:%d", w->host, NODE_PORT);
    set(b, "listeners", text);
    set(b, "log.dirs", "/data");
    set(b, "node.id", "1");
    snprintf(text, sizeof(text), "%d", w->reactors);
    set(b, "num.network.threads", text);
    set(b, "background.threads", w->reactors == 1 ? "2" : "3");
    if (w->snapshot_bytes) {
        snprintf(text, sizeof(text), "%d", w->snapshot_bytes);
        set(b, "metadata.log.max.record.bytes.between.snapshots", text);
    }
    snprintf(text, sizeof(text), "%d", w->offsets_partitions);
    set(b, "offsets.topic.num.partitions", text);
    snprintf(text, sizeof(text), "%d", w->rebalance_delay_ms);
    set(b, "group.initial.rebalance.delay.ms", text);
    snprintf(text, sizeof(text), "%d", NODE_SESSION_MS);
    set(b, "group.min.session.timeout.ms", text);
    set(b, "group.consumer.session.timeout.ms", text);
    set(b, "group.consumer.heartbeat.interval.ms", "100");
    if (w->small_dirty || w->replicated) /* where no flush follows an append it matters most */
        set(b, "odradek.max.dirty.bytes", "65536");
    in.overrides = b->overrides;
    in.override_count = b->count;
    err = od_config_load(&b->config, &in, &errors, &notes);
    if (err != OD_NONE)
        od_sim_fail("config: %s", od_text_get(&errors));
    od_text_reset(&notes);
    err = od_node_run(&(struct od_node_options){ .config = &b->config, .ready = ready, .ctx = b });
    w->node = NULL;
    w->ended_err = err;
    od_sim_note("the broker ended: %s", od_err_name(err));
    od_config_deinit(&b->config);
    od_free(b);
}

void node_world_boot(struct node_world *w)
{
    w->node = NULL;
    w->boots++;
    w->lives++;
    od_sim_node_start(w->broker, run_broker, w);
}

void node_world_crash(struct node_world *w, enum od_sim_crash how)
{
    od_sim_node_crash(w->broker, how);
    history_crashed(w->history, how == OD_SIM_POWER ? HISTORY_CRASH_POWER : HISTORY_CRASH_KILL);
    w->node = NULL;
}

static void broken(const char *text)
{
    od_sim_fail("%s", text);
}

void node_world_init(struct node_world *w)
{
    memset(w, 0, sizeof(*w));
    w->host = "10.0.0.1";
    w->broker = od_sim_node_new(w->host);
    w->reactors = 1 + (int)od_sim_random(3);
    w->small_dirty = od_sim_chance(500000);
    if (od_sim_chance(700000)) /* a snapshot of the metadata after a few records, or every record */
        w->snapshot_bytes = 1 + (int)od_sim_random(od_sim_chance(300000) ? 100 : 4000);
    w->offsets_partitions = 1 + (int)od_sim_random(3);
    w->rebalance_delay_ms = (int)od_sim_random(200);
    w->topic_count = 1 + (int)od_sim_random(NODE_TOPICS_MAX);
    for (int t = 0; t < w->topic_count; t++) {
        struct node_topic *topic = &w->topics[t];

        snprintf(topic->name, sizeof(topic->name), "topic-%d", t);
        topic->partitions = 1 + (int)od_sim_random(NODE_PARTITIONS_MAX / NODE_TOPICS_MAX);
        for (int i = 0; i < topic->partitions; i++)
            w->places[w->partitions++] = (struct node_place){ t, i };
    }
    w->history = history_new(w->partitions, NODE_CLIENTS_MAX, broken);
    group_history_init(&w->groups, broken);
}

/* --- clients ----------------------------------------------------------------------------- */

void node_world_client(struct node_world *w, const char *kind, void (*main)(void *client))
{
    struct node_client *c = OD_NEW(struct node_client);
    char name[40];

    OD_SIM_CHECK(w->clients < NODE_CLIENTS_MAX);
    c->world = w;
    c->index = w->clients++;
    c->by_id = od_sim_chance(500000);
    w->clients_left++;
    snprintf(name, sizeof(name), "%s%d", kind, c->index);
    od_sim_node_start(od_sim_node_new(name), main, c);
}

bool node_client_connect(struct node_client *c)
{
    wire_close(&c->conn);
    while (!c->world->stopping || c->unfinished) {
        c->connections++;
        if (wire_open(&c->conn, c->world->host, NODE_PORT, 5000) == OD_NONE)
            return true;
        od_sim_sleep_ms(5 + (int64_t)od_sim_random(100));
    }
    return false;
}

void node_world_producer_id(struct node_world *w, int64_t id)
{
    for (int i = 0; i < w->producer_id_count; i++)
        if (w->producer_ids[i] == id)
            od_sim_fail("producer-id: %lld was given out twice", (long long)id);
    OD_SIM_CHECK(id >= 0 && w->producer_id_count < NODE_PRODUCER_IDS_MAX);
    w->producer_ids[w->producer_id_count++] = id;
}

void node_client_timed(struct node_client *c, bool healthy, int64_t sent_ms, int64_t wait_ms,
                       const char *what)
{
    int64_t took_ms = od_sim_now_ms() - sent_ms;

    if (healthy && c->world->healthy && took_ms > wait_ms + NODE_LATENCY_MS)
        od_sim_fail("liveness: a %s took %lld ms in a healthy world", what, (long long)took_ms);
}

void node_client_end(struct node_client *c)
{
    wire_close(&c->conn);
    od_arena_reset(&c->arena);
    c->world->clients_left--;
    od_free(c);
}
