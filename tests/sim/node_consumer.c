/* SPDX-License-Identifier: Apache-2.0 */
/* Consumers that read on and on, an observer of marks, and the final read. */
#include "base/mem.h"
#include "batches.h"
#include "node_world.h"
#include "wire/api/fetch.h"
#include "wire/api/list_offsets.h"
#include "wire/api/metadata.h"

#include <string.h>

struct reader {
    struct node_client *client;
    int64_t positions[NODE_PARTITIONS_MAX]; /* -1: not read */
    bool told[NODE_PARTITIONS_MAX];         /* the session knows this position */
    bool with_session;
    int32_t session_id, session_epoch;
    int16_t version;
    int32_t max_wait_ms, partition_bytes, answer_bytes;
    /* of the answer being walked */
    int partition;
    int64_t high_watermark;
    uint64_t records;
};

static void each_record(void *arg, int64_t offset, uint64_t number)
{
    struct reader *r = arg;
    struct history *h = r->client->world->history;
    int64_t *position = &r->positions[r->partition];

    history_read(h, r->partition, offset, number, r->high_watermark);
    r->records++;
    if (offset < *position)
        return; /* the batch began before it */
    history_polled(h, r->partition, *position, offset);
    *position = offset + 1;
}

/* Whether what was answered may pass with time; anything else is a fault of the broker. */
static bool passing(enum od_err err)
{
    switch ((int)err) {
    case OD_UNKNOWN_TOPIC_OR_PARTITION:
    case OD_UNKNOWN_TOPIC_ID:
    case OD_NOT_LEADER_OR_FOLLOWER:
    case OD_LEADER_NOT_AVAILABLE:
    case OD_REPLICA_NOT_AVAILABLE:
    case OD_KAFKA_STORAGE_ERROR:
    case OD_OFFSET_NOT_AVAILABLE:
    case OD_FETCH_SESSION_ID_NOT_FOUND:
    case OD_INVALID_FETCH_SESSION_EPOCH:
        return true;
    default:
        return false;
    }
}

static void take_partition(struct reader *r, const struct od_fetch_rsp_partition *p)
{
    struct node_client *c = r->client;
    const char *why;

    if (p->error_code != OD_NONE) {
        if (!passing(p->error_code))
            od_sim_fail("fetch of partition %d at %lld: %s", r->partition,
                        (long long)r->positions[r->partition], od_err_name(p->error_code));
        r->session_id = 0; /* begin anew: an error leaves the session's view open */
        return;
    }
    history_marked(c->world->history, c->index, r->partition, HISTORY_HIGH_WATERMARK,
                   p->high_watermark);
    r->high_watermark = p->high_watermark;
    if (p->records.len > 0 &&
        !batch_walk(p->records.data, (size_t)p->records.len, each_record, r, &why))
        od_sim_fail("partition %d, read from %lld: bad %s", r->partition,
                    (long long)r->positions[r->partition], why);
    if (p->records.len > 0)
        r->told[r->partition] = false;
}

static int partition_of(const struct node_world *w, const struct od_fetch_rsp_topic *t,
                        int32_t index, bool by_id)
{
    for (int i = 0; i < w->partitions; i++) {
        const struct node_topic *topic = &w->topics[w->places[i].topic];

        if (w->places[i].index == index &&
            (by_id ? od_uuid_eq(t->topic_id, topic->id) : od_str_is(t->topic, topic->name)))
            return i;
    }
    od_sim_fail("a fetch answer names partition %d, which was not asked for", index);
}

static void fill_request(struct reader *r, struct od_fetch_req *req)
{
    struct node_client *c = r->client;
    const struct node_world *w = c->world;
    bool anew = !r->with_session || r->session_id == 0;
    int n = 0;

    od_fetch_req_defaults(req);
    req->max_wait_ms = r->max_wait_ms;
    req->min_bytes = 1;
    req->max_bytes = r->answer_bytes;
    req->session_id = r->with_session ? r->session_id : 0;
    req->session_epoch = !r->with_session ? -1 : anew ? 0 : r->session_epoch;
    OD_ARENA_LIST(&c->arena, req->topics, w->partitions);
    for (int i = 0; i < w->partitions; i++) {
        struct od_fetch_req_topic *t = &req->topics.v[n];

        if (r->positions[i] < 0 || (!anew && r->told[i]))
            continue;
        od_fetch_req_topic_defaults(t);
        t->topic = od_str_of(w->topics[w->places[i].topic].name);
        t->topic_id = w->topics[w->places[i].topic].id;
        OD_ARENA_LIST(&c->arena, t->partitions, 1);
        od_fetch_req_partition_defaults(&t->partitions.v[0]);
        t->partitions.v[0].partition = w->places[i].index;
        t->partitions.v[0].fetch_offset = r->positions[i];
        t->partitions.v[0].partition_max_bytes = r->partition_bytes;
        r->told[i] = true;
        n++;
    }
    req->topics.n = n;
}

static enum od_err poll_once(struct reader *r)
{
    struct node_client *c = r->client;
    struct od_fetch_req req;
    struct od_fetch_rsp rsp;
    bool healthy = c->world->healthy;
    int64_t sent_ms = od_sim_now_ms();
    enum od_err err;

    fill_request(r, &req);
    err = wire_call(&c->conn, 1, r->version, &req, &c->arena, &rsp, NODE_CALL_MS);
    node_client_timed(c, healthy, sent_ms, r->max_wait_ms, "fetch");
    if (err != OD_NONE)
        return err;
    if (rsp.error_code != OD_NONE) {
        if (!passing(rsp.error_code))
            od_sim_fail("fetch: %s", od_err_name(rsp.error_code));
        r->session_id = 0;
        return OD_NONE;
    }
    if (r->with_session) {
        OD_SIM_CHECK(r->session_id == 0 || rsp.session_id == r->session_id);
        r->session_epoch = r->session_id == 0 ? 1 : r->session_epoch + 1;
        r->session_id = rsp.session_id;
    }
    for (int32_t i = 0; i < rsp.responses.n; i++)
        for (int32_t j = 0; j < rsp.responses.v[i].partitions.n; j++) {
            const struct od_fetch_rsp_partition *p = &rsp.responses.v[i].partitions.v[j];

            r->partition = partition_of(c->world, &rsp.responses.v[i], p->partition_index,
                                        r->version >= 13);
            take_partition(r, p);
        }
    return OD_NONE;
}

static void begin_reader(struct reader *r, void *client)
{
    memset(r, 0, sizeof(*r));
    r->client = client;
    r->version = r->client->by_id ? (int16_t)(13 + od_sim_random(5))
                                  : (int16_t)(4 + od_sim_random(9));
    r->with_session = r->version >= 7 && od_sim_chance(600000);
    r->max_wait_ms = (int32_t)od_sim_random(600);
    r->answer_bytes = 1 + (int32_t)od_sim_random(od_sim_chance(500000) ? 3000 : 50 << 20);
    r->partition_bytes = 1 + (int32_t)od_sim_random(od_sim_chance(300000) ? 300 : 100000);
}

static void reconnected(struct reader *r)
{
    r->session_id = 0;
    memset(r->told, 0, sizeof(r->told));
}

static bool behind(const struct reader *r)
{
    const struct node_world *w = r->client->world;

    for (int i = 0; i < w->partitions; i++)
        if (r->positions[i] >= 0 && r->positions[i] < history_settled(w->history, i))
            return true;
    return false;
}

/* Goes on until it has seen all that is known to be there. */
void node_consume(void *client)
{
    struct reader r;

    begin_reader(&r, client);
    r.client->unfinished = true;
    for (int i = 0; i < r.client->world->partitions; i++)
        r.positions[i] = od_sim_chance(700000) ? 0 : -1;
    while (!r.client->world->stopping || behind(&r)) {
        if (!r.client->conn.socket) {
            reconnected(&r);
            if (!node_client_connect(r.client))
                break;
        }
        if (r.client->world->stopping)
            r.partition_bytes = r.answer_bytes = 1 << 20; /* a slow reader comes to its end */
        if (poll_once(&r) != OD_NONE)
            wire_close(&r.client->conn);
        od_arena_reset(&r.client->arena);
        if (od_sim_chance(100000))
            od_sim_sleep_ms((int64_t)od_sim_random(300));
    }
    node_client_end(r.client);
}

/* --- marks ------------------------------------------------------------------------------- */

/* The offset, or -1 when it is not to be had now. */
static enum od_err list_offset(struct node_client *c, int partition, int64_t timestamp,
                               int64_t *offset)
{
    struct node_place place = c->world->places[partition];
    struct od_list_offsets_req req;
    struct od_list_offsets_rsp rsp;
    enum od_err err;

    *offset = -1;
    od_list_offsets_req_defaults(&req);
    req.replica_id = -1;
    OD_ARENA_LIST(&c->arena, req.topics, 1);
    req.topics.v[0].name = od_str_of(c->world->topics[place.topic].name);
    OD_ARENA_LIST(&c->arena, req.topics.v[0].partitions, 1);
    od_list_offsets_req_partition_defaults(&req.topics.v[0].partitions.v[0]);
    req.topics.v[0].partitions.v[0].partition_index = place.index;
    req.topics.v[0].partitions.v[0].timestamp = timestamp;
    err = wire_call(&c->conn, 2, (int16_t)(1 + od_sim_random(7)), &req, &c->arena, &rsp,
                    NODE_CALL_MS);
    if (err != OD_NONE)
        return err;
    OD_SIM_CHECK(rsp.topics.n == 1 && rsp.topics.v[0].partitions.n == 1);
    if (rsp.topics.v[0].partitions.v[0].error_code == OD_NONE)
        *offset = rsp.topics.v[0].partitions.v[0].offset;
    else
        OD_SIM_CHECK(passing(rsp.topics.v[0].partitions.v[0].error_code));
    return OD_NONE;
}

static enum od_err look_at_metadata(struct node_client *c)
{
    const struct node_world *w = c->world;
    const struct node_topic *topic = &w->topics[od_sim_random((uint64_t)w->topic_count)];
    struct od_metadata_req req;
    struct od_metadata_rsp rsp;
    enum od_err err;

    od_metadata_req_defaults(&req);
    req.allow_auto_topic_creation = false;
    OD_ARENA_LIST(&c->arena, req.topics, 1);
    req.topics.v[0].name = od_str_of(topic->name);
    err = wire_call(&c->conn, 3, 12, &req, &c->arena, &rsp, NODE_CALL_MS);
    if (err != OD_NONE)
        return err;
    OD_SIM_CHECK(rsp.topics.n == 1);
    if (rsp.topics.v[0].error_code != OD_NONE) {
        OD_SIM_CHECK(passing(rsp.topics.v[0].error_code));
        return OD_NONE;
    }
    OD_SIM_CHECK(od_uuid_eq(rsp.topics.v[0].topic_id, topic->id));
    OD_SIM_CHECK(rsp.topics.v[0].partitions.n == topic->partitions);
    return OD_NONE;
}

static enum od_err observe_once(struct node_client *c)
{
    int partition = (int)od_sim_random((uint64_t)c->world->partitions);
    int64_t offset;
    enum od_err err = list_offset(c, partition, -1, &offset);

    if (err == OD_NONE && offset >= 0)
        history_marked(c->world->history, c->index, partition, HISTORY_LATEST, offset);
    if (err == OD_NONE)
        err = list_offset(c, partition, -2, &offset);
    if (err == OD_NONE && offset >= 0)
        history_marked(c->world->history, c->index, partition, HISTORY_EARLIEST, offset);
    return err == OD_NONE ? look_at_metadata(c) : err;
}

void node_observe(void *client)
{
    struct node_client *c = client;

    while (!c->world->stopping) {
        if (!c->conn.socket && !node_client_connect(c))
            break;
        if (observe_once(c) != OD_NONE)
            wire_close(&c->conn);
        od_arena_reset(&c->arena);
        od_sim_sleep_ms((int64_t)od_sim_random(100));
    }
    node_client_end(c);
}

/* --- at the end -------------------------------------------------------------------------- */

static void must_connect(struct node_client *c)
{
    if (!c->conn.socket)
        OD_SIM_CHECK(node_client_connect(c));
}

static int64_t latest(struct node_client *c, int partition)
{
    int64_t offset = -1;

    while (offset < 0) {
        must_connect(c);
        if (list_offset(c, partition, -1, &offset) != OD_NONE)
            wire_close(&c->conn);
        od_arena_reset(&c->arena);
        if (offset < 0)
            od_sim_sleep_ms(20);
    }
    return offset;
}

void node_read_all(void *client)
{
    struct reader r;
    struct node_world *w;

    begin_reader(&r, client);
    w = r.client->world;
    r.with_session = false;
    r.partition_bytes = 1 << 20;
    history_final_begin(w->history);
    for (int i = 0; i < w->partitions; i++) {
        int64_t end = latest(r.client, i);

        for (int j = 0; j < w->partitions; j++)
            r.positions[j] = -1;
        r.positions[i] = 0;
        while (r.positions[i] < end) {
            must_connect(r.client);
            if (poll_once(&r) != OD_NONE)
                wire_close(&r.client->conn);
            od_arena_reset(&r.client->arena);
        }
    }
    history_final_end(w->history);
    node_client_end(r.client);
}

/* At the end of a partition; a write comes a second later, from another client. */
void node_check_long_poll(void *client)
{
    enum { WAIT_MS = 30000, WOKEN_MS = 5000 };
    struct reader r;
    int64_t began_ms;

    begin_reader(&r, client);
    r.with_session = false;
    r.max_wait_ms = WAIT_MS;
    for (int i = 1; i < r.client->world->partitions; i++)
        r.positions[i] = -1;
    r.positions[0] = latest(r.client, 0);
    began_ms = od_sim_now_ms();
    while (r.records == 0) {
        must_connect(r.client);
        if (poll_once(&r) != OD_NONE)
            wire_close(&r.client->conn);
        od_arena_reset(&r.client->arena);
    }
    if (od_sim_now_ms() - began_ms > WOKEN_MS)
        od_sim_fail("a fetch that waited for a record was woken after %lld ms",
                    (long long)(od_sim_now_ms() - began_ms));
    node_client_end(r.client);
}
