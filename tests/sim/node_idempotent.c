/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An idempotent producer: an id of its own, sequences, up to five batches in flight to each of its
 * partitions; what is not acknowledged is sent again, in order, until it is.  So each of its
 * records is in the final log exactly once, in the order of the sends (I9).
 *
 * A batch may be out of sequence only behind one that is not acknowledged.  Once everything is
 * acknowledged the producer may raise its epoch, and a zombie then writes under the old one.
 */
#include "base/mem.h"
#include "batches.h"
#include "node_world.h"
#include "os/clock.h"
#include "wire/api/init_producer_id.h"
#include "wire/api/produce.h"

#include <string.h>

enum { LANES_MAX = 2, FLIGHT_MAX = 5, REQUESTS_MAX = LANES_MAX * FLIGHT_MAX, ZOMBIES = 1 << 20 };

/* One batch until every one before it, and it, is acknowledged. */
struct send {
    uint64_t first;
    int count;
    int32_t sequence;
    size_t fill;
    int64_t timestamp;
    bool acked;
};

struct lane {
    int partition;
    int32_t next_sequence;
    bool known; /* the broker has acknowledged something: before that one is sent alone */
    struct send sends[FLIGHT_MAX]; /* oldest first */
    int count;
    int out_from, out_to; /* sends[out_from..out_to) wait for their answers on this connection */
    bool retry;           /* when nothing is out, begin again */
};

struct producer {
    struct node_client *client;
    int64_t id; /* -1: none yet */
    int16_t epoch;
    struct lane lanes[LANES_MAX];
    int lane_count;
    int requests[REQUESTS_MAX]; /* lanes of what is in flight, oldest first */
    int request_count;
    int think_ms, records_max, fill_max, flight;
};

/* Codes after which the same batch is sent again. */
static bool again(enum od_err err)
{
    switch ((int)err) {
    case OD_NOT_ENOUGH_REPLICAS:
    case OD_NOT_ENOUGH_REPLICAS_AFTER_APPEND:
    case OD_REQUEST_TIMED_OUT:
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

static enum od_err take_id(struct producer *p)
{
    struct node_client *c = p->client;
    struct od_init_producer_id_req req;
    struct od_init_producer_id_rsp rsp;
    enum od_err err;

    od_init_producer_id_req_defaults(&req);
    req.transactional_id = OD_STR_NULL;
    err = wire_call(&c->conn, 22, (int16_t)od_sim_random(6), &req, &c->arena, &rsp, NODE_CALL_MS);
    if (err)
        return err;
    if (rsp.error_code == OD_COORDINATOR_LOAD_IN_PROGRESS) {
        od_sim_sleep_ms(50);
        return OD_NONE;
    }
    if (rsp.error_code)
        od_sim_fail("init producer id: %s", od_err_name(rsp.error_code));
    node_world_producer_id(c->world, rsp.producer_id);
    p->id = rsp.producer_id;
    p->epoch = rsp.producer_epoch;
    return OD_NONE;
}

static enum od_err send_batch(struct producer *p, int partition, const struct send *s,
                              int16_t epoch)
{
    struct node_client *c = p->client;
    const struct node_world *w = c->world;
    struct node_place place = w->places[partition];
    int16_t version = c->by_id ? 13 : (int16_t)(3 + od_sim_random(10));
    struct od_produce_req_topic topic;
    struct od_produce_req_partition at;
    struct od_produce_req req;
    uint8_t *out = od_arena_alloc(&c->arena, batch_bytes_max(s->count, s->fill));

    od_produce_req_partition_defaults(&at);
    at.index = place.index;
    at.records.data = out;
    at.records.len = (int64_t)batch_build(out, s->first, s->count, s->fill, s->timestamp);
    batch_identify(out, (size_t)at.records.len, p->id, epoch, s->sequence);
    od_produce_req_topic_defaults(&topic);
    topic.name = od_str_of(w->topics[place.topic].name);
    topic.topic_id = w->topics[place.topic].id;
    topic.partition_data.n = 1;
    topic.partition_data.v = &at;
    od_produce_req_defaults(&req);
    req.acks = -1;
    req.timeout_ms = 1000 + (int32_t)od_sim_random(30000);
    req.topic_data.n = 1;
    req.topic_data.v = &topic;
    return wire_send(&c->conn, 0, version, &req, true, NODE_CALL_MS);
}

static struct send draw(struct producer *p, int partition, int connection, int32_t sequence)
{
    struct node_client *c = p->client;
    struct send s = { .count = 1 + (int)od_sim_random((uint64_t)p->records_max),
                      .sequence = sequence,
                      .fill = (size_t)od_sim_random((uint64_t)p->fill_max + 1),
                      .timestamp = od_clock_wall_ms() };

    for (int i = 0; i < s.count; i++) {
        uint64_t number = history_sent(c->world->history, c->index, connection, partition, -1);

        if (i == 0)
            s.first = number;
    }
    return s;
}

/* Sends the next batch of the lane, old or new; false: there is none to send now. */
static bool send_next(struct producer *p, int index, enum od_err *err)
{
    struct lane *l = &p->lanes[index];

    *err = OD_NONE;
    if (l->retry && l->out_from == l->out_to) {
        l->retry = false;
        l->out_from = l->out_to = 0;
        od_sim_sleep_ms((int64_t)od_sim_random(50));
    }
    if (l->retry)
        return false;
    while (l->out_to < l->count && l->sends[l->out_to].acked && l->out_from == l->out_to)
        l->out_from = ++l->out_to;
    if (l->out_to == l->count) {
        if (p->client->world->stopping || l->count == (l->known ? p->flight : 1))
            return false;
        l->sends[l->count] = draw(p, l->partition, p->epoch + 1, l->next_sequence);
        l->next_sequence += l->sends[l->count++].count;
    }
    *err = send_batch(p, l->partition, &l->sends[l->out_to++], p->epoch);
    p->requests[p->request_count++] = index;
    return true;
}

static void drop_acked(struct lane *l)
{
    while (l->count > 0 && l->sends[0].acked && l->out_from > 0) {
        memmove(&l->sends[0], &l->sends[1], (size_t)--l->count * sizeof(l->sends[0]));
        l->out_from--;
        l->out_to--;
    }
}

static void answered(struct producer *p, struct lane *l, const struct od_produce_rsp_partition *r)
{
    struct history *h = p->client->world->history;
    struct send *s = &l->sends[l->out_from];
    bool first = true;

    for (int i = 0; i < l->out_from; i++)
        first &= l->sends[i].acked;
    l->out_from++;
    if (r->error_code == OD_NONE) {
        OD_SIM_CHECK(r->base_offset >= 0);
        for (int i = 0; i < s->count; i++)
            history_ended(h, s->first + (uint64_t)i, HISTORY_ACKED, r->base_offset + i);
        s->acked = l->known = true;
    } else if (again(r->error_code) ||
               (r->error_code == OD_OUT_OF_ORDER_SEQUENCE_NUMBER && !first)) {
        l->retry = true;
    } else {
        od_sim_fail("sequence: partition %d, producer %lld, sequence %d: %s%s", l->partition,
                    (long long)p->id, s->sequence, od_err_name(r->error_code),
                    first ? ", the oldest" : "");
    }
    drop_acked(l);
}

static enum od_err receive(struct producer *p)
{
    struct node_client *c = p->client;
    int lane = p->requests[0];
    struct od_produce_rsp rsp;
    enum od_err err = wire_receive(&c->conn, &c->arena, &rsp, NODE_CALL_MS);

    if (err)
        return err;
    memmove(&p->requests[0], &p->requests[1], (size_t)--p->request_count * sizeof(int));
    OD_SIM_CHECK(rsp.responses.n == 1 && rsp.responses.v[0].partition_responses.n == 1);
    answered(p, &p->lanes[lane], &rsp.responses.v[0].partition_responses.v[0]);
    return OD_NONE;
}

/* --- epochs ---------------------------------------------------------------------------------- */

/* Somebody with the epoch before: fenced wherever the new one was seen. */
static enum od_err write_as_zombie(struct producer *p, struct lane *l)
{
    struct node_client *c = p->client;
    struct send s = draw(p, l->partition, ZOMBIES + p->epoch, 1 + (int32_t)od_sim_random(100));
    struct od_produce_rsp rsp;
    enum od_err err = send_batch(p, l->partition, &s, (int16_t)(p->epoch - 1)), code;

    if (!err)
        err = wire_receive(&c->conn, &c->arena, &rsp, NODE_CALL_MS);
    if (err)
        return err;
    code = (enum od_err)rsp.responses.v[0].partition_responses.v[0].error_code;
    if (code != OD_INVALID_PRODUCER_EPOCH && !again(code))
        od_sim_fail("fenced: epoch %d after %d of producer %lld: %s", p->epoch - 1, p->epoch,
                    (long long)p->id, od_err_name(code));
    for (int i = 0; i < s.count && code == OD_INVALID_PRODUCER_EPOCH; i++)
        history_ended(c->world->history, s.first + (uint64_t)i, HISTORY_REFUSED, -1);
    return OD_NONE;
}

static bool idle(const struct producer *p)
{
    for (int i = 0; i < p->lane_count; i++)
        if (p->lanes[i].count > 0)
            return false;
    return p->request_count == 0;
}

static enum od_err change_epoch(struct producer *p)
{
    struct lane *l = &p->lanes[0];

    if (l->known && p->epoch > 0 && od_sim_chance(500000))
        return write_as_zombie(p, l);
    if (p->epoch == 0 || l->known) {
        p->epoch++;
        for (int i = 0; i < p->lane_count; i++) {
            p->lanes[i].next_sequence = 0;
            p->lanes[i].known = false;
        }
    }
    return OD_NONE;
}

/* --- the run --------------------------------------------------------------------------------- */

static enum od_err step(struct producer *p)
{
    int first = (int)od_sim_random((uint64_t)p->lane_count);
    enum od_err err;

    if (p->id < 0)
        return take_id(p);
    if (idle(p) && !p->client->world->stopping && od_sim_chance(50000))
        return change_epoch(p);
    for (int i = 0; i < p->lane_count && !(p->request_count && od_sim_chance(300000)); i++)
        if (send_next(p, (first + i) % p->lane_count, &err)) {
            if (od_sim_chance(250000))
                od_sim_sleep_ms((int64_t)od_sim_random(4 * (uint64_t)p->think_ms));
            return err;
        }
    if (p->request_count && od_sim_chance(20000))
        return OD_E_CLOSED; /* an impatient client: the answers are lost to it */
    return p->request_count ? receive(p) : OD_NONE;
}

static void lose_connection(struct producer *p)
{
    wire_close(&p->client->conn);
    p->request_count = 0;
    for (int i = 0; i < p->lane_count; i++) {
        p->lanes[i].out_from = p->lanes[i].out_to = 0;
        p->lanes[i].retry = false;
    }
}

void node_produce_idempotent(void *client)
{
    struct producer p = { .client = client, .id = -1 };
    struct node_world *w = p.client->world;

    p.think_ms = 2 + (int)od_sim_random(40);
    p.records_max = 1 + (int)od_sim_random(10);
    p.fill_max = (int)od_sim_random(1000);
    p.flight = 1 + (int)od_sim_random(FLIGHT_MAX);
    p.lane_count = w->partitions > 1 ? LANES_MAX : 1;
    for (int i = 0; i < p.lane_count; i++)
        p.lanes[i].partition = (p.client->index + i) % w->partitions;
    while (!w->stopping || !idle(&p)) {
        enum od_err err;

        p.client->unfinished = !idle(&p);
        if (!p.client->conn.socket && !node_client_connect(p.client))
            break;
        err = step(&p);
        od_arena_reset(&p.client->arena);
        if (err)
            lose_connection(&p);
        else if (p.request_count == 0)
            od_sim_sleep_ms(1);
    }
    node_client_end(p.client);
}
