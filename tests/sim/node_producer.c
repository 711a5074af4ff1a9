/* SPDX-License-Identifier: Apache-2.0 */
/* A producer: unique numbers, pipelined, to partitions that others write to as well. */
#include "base/mem.h"
#include "batches.h"
#include "node_world.h"
#include "os/clock.h"
#include "wire/api/produce.h"

#include <string.h>

enum { WINDOW_MAX = 8, ITEMS_MAX = 3 };

struct item {
    int partition, count;
    uint64_t first;
};

struct request {
    int acks, item_count;
    int64_t sent_ms;
    bool healthy;
    struct item items[ITEMS_MAX];
};

struct producer {
    struct node_client *client;
    struct request requests[WINDOW_MAX]; /* in flight, oldest first */
    int request_count, window;
    int think_ms, records_max, fill_max;
    int acks; /* 2: any */
};

/* The numbers' sends are told to the history before a byte leaves. */
static struct od_records make_batch(struct producer *p, struct item *item, int acks)
{
    struct node_client *c = p->client;
    size_t fill = (size_t)od_sim_random((uint64_t)p->fill_max + 1);
    struct od_records records;
    uint8_t *out;

    item->count = 1 + (int)od_sim_random((uint64_t)p->records_max);
    for (int i = 0; i < item->count; i++) {
        uint64_t number =
            history_sent(c->world->history, c->index, c->connections, item->partition, acks);

        if (i == 0)
            item->first = number;
    }
    out = od_arena_alloc(&c->arena, batch_bytes_max(item->count, fill));
    records.data = out;
    records.len = (int64_t)batch_build(out, item->first, item->count, fill, od_clock_wall_ms());
    records.external = NULL;
    return records;
}

static void draw_partitions(struct producer *p, struct request *r)
{
    const struct node_world *w = p->client->world;
    int n = 1 + (int)od_sim_random(ITEMS_MAX), first = (int)od_sim_random((uint64_t)w->partitions);

    r->item_count = n < w->partitions ? n : w->partitions;
    for (int i = 0; i < r->item_count; i++)
        r->items[i].partition = (first + i) % w->partitions;
}

static enum od_err send_request(struct producer *p, struct request *r)
{
    struct node_client *c = p->client;
    struct node_world *w = c->world;
    int16_t version = c->by_id ? 13 : (int16_t)(3 + od_sim_random(10));
    struct od_produce_req req;

    r->sent_ms = od_sim_now_ms();
    r->healthy = w->healthy;
    od_produce_req_defaults(&req);
    req.acks = (int16_t)r->acks;
    req.timeout_ms = 30000;
    OD_ARENA_LIST(&c->arena, req.topic_data, r->item_count);
    for (int i = 0; i < r->item_count; i++) {
        struct node_place place = w->places[r->items[i].partition];
        struct od_produce_req_topic *t = &req.topic_data.v[i];

        od_produce_req_topic_defaults(t);
        t->name = od_str_of(w->topics[place.topic].name);
        t->topic_id = w->topics[place.topic].id;
        OD_ARENA_LIST(&c->arena, t->partition_data, 1);
        t->partition_data.v[0].index = place.index;
        t->partition_data.v[0].records = make_batch(p, &r->items[i], r->acks);
    }
    return wire_send(&c->conn, 0, version, &req, r->acks != 0, NODE_CALL_MS);
}

/*
 * Codes that promise that nothing was appended.  The batches are sound and small, so that every
 * other code than these and the unknown ends below is a fault of the broker.
 */
static bool refused(enum od_err err)
{
    switch ((int)err) {
    case OD_NOT_ENOUGH_REPLICAS:
    case OD_UNKNOWN_TOPIC_OR_PARTITION:
    case OD_UNKNOWN_TOPIC_ID:
    case OD_NOT_LEADER_OR_FOLLOWER:
    case OD_LEADER_NOT_AVAILABLE:
    case OD_KAFKA_STORAGE_ERROR:
        return true;
    default:
        return false;
    }
}

static bool unknown(enum od_err err)
{
    return err == OD_NOT_ENOUGH_REPLICAS_AFTER_APPEND || err == OD_REQUEST_TIMED_OUT;
}

static void end_item(struct producer *p, const struct item *item,
                     const struct od_produce_rsp_partition *r)
{
    struct history *h = p->client->world->history;
    bool acked = r->error_code == OD_NONE, no = refused(r->error_code);

    if (!acked && !no && !unknown(r->error_code))
        od_sim_fail("produce to partition %d: %s", item->partition, od_err_name(r->error_code));
    OD_SIM_CHECK(!acked || r->base_offset >= 0);
    for (int i = 0; i < item->count && (acked || no); i++)
        history_ended(h, item->first + (uint64_t)i, acked ? HISTORY_ACKED : HISTORY_REFUSED,
                      r->base_offset + i);
}

static const struct od_produce_rsp_partition *answer_to(const struct producer *p,
                                                        const struct od_produce_rsp *rsp,
                                                        int partition, bool by_id)
{
    const struct node_world *w = p->client->world;
    struct node_place place = w->places[partition];
    const struct node_topic *topic = &w->topics[place.topic];

    for (int32_t i = 0; i < rsp->responses.n; i++) {
        const struct od_produce_rsp_topic *t = &rsp->responses.v[i];

        if (by_id ? !od_uuid_eq(t->topic_id, topic->id) : !od_str_is(t->name, topic->name))
            continue;
        for (int32_t j = 0; j < t->partition_responses.n; j++)
            if (t->partition_responses.v[j].index == place.index)
                return &t->partition_responses.v[j];
    }
    od_sim_fail("a produce answer lacks partition %d", partition);
}

static enum od_err receive(struct producer *p)
{
    struct node_client *c = p->client;
    struct request r = p->requests[0];
    struct od_produce_rsp rsp;
    enum od_err err = wire_receive(&c->conn, &c->arena, &rsp, NODE_CALL_MS);

    node_client_timed(c, r.healthy, r.sent_ms, 0, "produce");
    if (err != OD_NONE)
        return err;
    memmove(&p->requests[0], &p->requests[1], (size_t)--p->request_count * sizeof(r));
    for (int i = 0; i < r.item_count; i++)
        end_item(p, &r.items[i], answer_to(p, &rsp, r.items[i].partition, c->by_id));
    return OD_NONE;
}

static enum od_err step(struct producer *p)
{
    struct node_client *c = p->client;
    struct request r = { .acks = p->acks == 2 ? (int)od_sim_random(3) - 1 : p->acks };
    bool room = p->request_count < p->window && !c->world->stopping;
    enum od_err err;

    if (p->request_count > 0 && (!room || od_sim_chance(300000)))
        return receive(p);
    draw_partitions(p, &r);
    err = send_request(p, &r);
    if (r.acks != 0)
        p->requests[p->request_count++] = r;
    if (od_sim_chance(250000)) /* bursts, so that others wait for the lock */
        od_sim_sleep_ms((int64_t)od_sim_random(4 * (uint64_t)p->think_ms));
    return err;
}

void node_produce(void *client)
{
    static const int acks[] = { -1, -1, -1, 1, 2, 2, 0 };
    struct producer p = { .client = client };

    p.window = 1 + (int)od_sim_random(WINDOW_MAX);
    p.think_ms = 2 + (int)od_sim_random(60);
    p.records_max = 1 + (int)od_sim_random(20);
    p.fill_max = od_sim_chance(100000) ? BATCH_FILL_MAX : (int)od_sim_random(1000);
    p.acks = acks[od_sim_random(OD_COUNT(acks))];
    while (!p.client->world->stopping || p.request_count > 0) {
        enum od_err err;

        if (!p.client->conn.socket && !node_client_connect(p.client))
            break;
        err = step(&p);
        od_arena_reset(&p.client->arena);
        if (err == OD_NONE)
            continue;
        wire_close(&p.client->conn); /* what is in flight stays unknown */
        p.request_count = 0;
    }
    node_client_end(p.client);
}

/* --- at the end -------------------------------------------------------------------------- */

void node_check_writes(void *client)
{
    struct producer p = { .client = client, .window = 1, .records_max = 1, .fill_max = 10 };
    struct node_world *w = p.client->world;

    for (int i = 0; i < w->partitions; i++) {
        uint64_t acked = history_acked(w->history);

        while (history_acked(w->history) == acked) {
            struct request r = { .acks = -1, .item_count = 1, .items = { { .partition = i } } };
            enum od_err err = OD_NONE;

            if (!p.client->conn.socket && !node_client_connect(p.client))
                break;
            err = send_request(&p, &r);
            p.requests[0] = r;
            p.request_count = 1;
            if (err == OD_NONE)
                err = receive(&p);
            if (err != OD_NONE)
                wire_close(&p.client->conn);
            if (history_acked(w->history) == acked)
                od_sim_sleep_ms(50);
        }
    }
    node_client_end(p.client);
}
