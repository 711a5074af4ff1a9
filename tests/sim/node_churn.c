/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Topic churn.  The owner alone creates, grows, trims and deletes its topics, so that it knows what
 * must be so: an id is never used again, a new topic is empty, what was acknowledged is there until
 * it is trimmed or deleted, what was trimmed never comes back.  A bystander sends to and waits on
 * the same topics, whatever becomes of them.
 *
 * A command whose answer was lost may still be carried out later, unless the broker has started
 * anew since: then metadata tells what it did; otherwise the name is given up.
 */
#include "base/mem.h"
#include "batches.h"
#include "node_world.h"
#include "os/clock.h"
#include "wire/api/create_partitions.h"
#include "wire/api/delete_records.h"
#include "wire/api/delete_topics.h"
#include "wire/api/fetch.h"
#include "wire/api/metadata.h"
#include "wire/api/produce.h"

#include <string.h>

enum { FETCH_VERSION = 16, BATCH_MAX = 12, BYSTANDER_FIRST = CHURN_NUMBERS / 2 };

/* --- what is known --------------------------------------------------------------------------- */

static void begin_incarnation(struct node_world *w, struct churn_topic *t, struct od_uuid id,
                              int partitions)
{
    if (od_uuid_eq(t->id, id))
        od_sim_fail("reused-id: %s was made anew and has its old id", t->name);
    t->there = true;
    t->id = id;
    t->partitions = partitions;
    t->serial = ++w->churn_serial;
    t->sent = 0;
    memset(t->p, 0, sizeof(t->p));
}

static void rename_topic(struct node_world *w, struct churn_topic *t)
{
    memset(t, 0, sizeof(*t));
    snprintf(t->name, sizeof(t->name), "churn-%d", w->churn_names++);
}

/* The answer is lost: what the command did is open. */
static void lose(struct churn_topic *t, enum churn_doubt what, int boots)
{
    t->doubt = what;
    t->boots = boots;
}

/* What may pass with time. */
static bool passing(enum od_err err)
{
    switch ((int)err) {
    case OD_NOT_LEADER_OR_FOLLOWER:
    case OD_LEADER_NOT_AVAILABLE:
    case OD_KAFKA_STORAGE_ERROR:
    case OD_NOT_ENOUGH_REPLICAS:
    case OD_NOT_ENOUGH_REPLICAS_AFTER_APPEND:
    case OD_REQUEST_TIMED_OUT:
    case OD_OFFSET_NOT_AVAILABLE:
    case OD_NOT_CONTROLLER:
    case OD_UNKNOWN_SERVER_ERROR:
        return true;
    default:
        return false;
    }
}

static enum od_err describe(struct node_client *c, const struct churn_topic *t,
                            struct od_metadata_rsp_topic *out)
{
    struct od_metadata_req req;
    struct od_metadata_rsp rsp;
    enum od_err err;

    od_metadata_req_defaults(&req);
    req.allow_auto_topic_creation = false;
    OD_ARENA_LIST(&c->arena, req.topics, 1);
    req.topics.v[0].name = od_str_of(t->name);
    err = wire_call(&c->conn, 3, 12, &req, &c->arena, &rsp, NODE_CALL_MS);
    if (err != OD_NONE)
        return err;
    OD_SIM_CHECK(rsp.topics.n == 1);
    *out = rsp.topics.v[0];
    return OD_NONE;
}

/* What metadata says of a topic must be possible after what was done to it. */
static void compare(struct node_world *w, struct churn_topic *t,
                    const struct od_metadata_rsp_topic *seen)
{
    bool there = seen->error_code == OD_NONE;
    bool same = there && od_uuid_eq(seen->topic_id, t->id);

    OD_SIM_CHECK(there || seen->error_code == OD_UNKNOWN_TOPIC_OR_PARTITION);
    if (t->there && !there && t->doubt != CHURN_DELETE)
        od_sim_fail("lost-topic: %s was never deleted", t->name);
    if (there && !same && t->doubt != CHURN_CREATE)
        od_sim_fail("changed-id: %s has become another topic", t->name);
    if (!t->there && same)
        od_sim_fail("undead-topic: %s was deleted and is back", t->name);
    if (same && (seen->partitions.n < t->partitions ||
                 seen->partitions.n > t->partitions + (t->doubt == CHURN_GROW)))
        od_sim_fail("partitions: %s has %d, not %d", t->name, seen->partitions.n, t->partitions);
    if (there && !same)
        begin_incarnation(w, t, seen->topic_id, seen->partitions.n);
    t->there = there;
    if (there)
        t->partitions = seen->partitions.n;
    t->doubt = CHURN_SURE;
}

static enum od_err resolve(struct node_client *c, struct churn_topic *t)
{
    struct od_metadata_rsp_topic seen;
    enum od_err err;

    if (t->boots == c->world->boots) {
        rename_topic(c->world, t);
        return OD_NONE;
    }
    err = describe(c, t, &seen);
    if (err == OD_NONE)
        compare(c->world, t, &seen);
    return err;
}

/* --- the owner's commands -------------------------------------------------------------------- */

static enum od_err create(struct node_client *c, struct churn_topic *t)
{
    struct node_topic made = { .partitions = 1 + (int)od_sim_random(3) };
    int boots = c->world->boots;
    enum od_err err;

    memcpy(made.name, t->name, sizeof(made.name));
    err = node_create_topic(c, &made);
    if (err == OD_TOPIC_ALREADY_EXISTS)
        od_sim_fail("undead-topic: %s was deleted and cannot be made again", t->name);
    if (err == OD_NONE)
        begin_incarnation(c->world, t, made.id, made.partitions);
    else
        lose(t, CHURN_CREATE, boots);
    return err;
}

static enum od_err delete(struct node_client *c, struct churn_topic *t)
{
    bool by_id = od_sim_chance(500000);
    int boots = c->world->boots;
    struct od_delete_topics_req req;
    struct od_delete_topics_rsp rsp;
    enum od_err err;

    od_delete_topics_req_defaults(&req);
    req.timeout_ms = 30000;
    OD_ARENA_LIST(&c->arena, req.topics, 1);
    req.topics.v[0].name = by_id ? OD_STR_NULL : od_str_of(t->name);
    req.topics.v[0].topic_id = by_id ? t->id : OD_UUID_ZERO;
    err = wire_call(&c->conn, 20, 6, &req, &c->arena, &rsp, NODE_CALL_MS);
    if (err == OD_NONE) {
        OD_SIM_CHECK(rsp.responses.n == 1);
        err = rsp.responses.v[0].error_code;
    }
    if (err == OD_UNKNOWN_TOPIC_OR_PARTITION || err == OD_UNKNOWN_TOPIC_ID)
        od_sim_fail("lost-topic: %s is not there to be deleted", t->name);
    if (err == OD_NONE)
        t->there = false;
    else
        lose(t, CHURN_DELETE, boots);
    return err;
}

static enum od_err grow(struct node_client *c, struct churn_topic *t)
{
    int boots = c->world->boots;
    struct od_create_partitions_req req;
    struct od_create_partitions_rsp rsp;
    enum od_err err;

    if (t->partitions == CHURN_PARTITIONS_MAX)
        return OD_NONE;
    od_create_partitions_req_defaults(&req);
    req.timeout_ms = 30000;
    OD_ARENA_LIST(&c->arena, req.topics, 1);
    od_create_partitions_req_topic_defaults(&req.topics.v[0]);
    req.topics.v[0].name = od_str_of(t->name);
    req.topics.v[0].count = t->partitions + 1;
    req.topics.v[0].assignments.n = -1;
    err = wire_call(&c->conn, 37, 3, &req, &c->arena, &rsp, NODE_CALL_MS);
    if (err == OD_NONE) {
        OD_SIM_CHECK(rsp.results.n == 1);
        err = rsp.results.v[0].error_code;
    }
    if (err == OD_INVALID_PARTITIONS || err == OD_UNKNOWN_TOPIC_OR_PARTITION)
        od_sim_fail("grow: %s of %d partitions: %s", t->name, t->partitions, od_err_name(err));
    if (err == OD_NONE)
        t->partitions++;
    else
        lose(t, CHURN_GROW, boots);
    return err;
}

static enum od_err trim(struct node_client *c, struct churn_topic *t, int index)
{
    struct churn_partition *p = &t->p[index];
    int64_t to = p->trimmed + (int64_t)od_sim_random((uint64_t)(p->acked_end - p->trimmed) + 1);
    struct od_delete_records_req req;
    struct od_delete_records_rsp rsp;
    const struct od_delete_records_rsp_partition *out;
    enum od_err err;

    if (od_sim_chance(200000))
        to = -1;
    od_delete_records_req_defaults(&req);
    req.timeout_ms = 30000;
    OD_ARENA_LIST(&c->arena, req.topics, 1);
    req.topics.v[0].name = od_str_of(t->name);
    OD_ARENA_LIST(&c->arena, req.topics.v[0].partitions, 1);
    req.topics.v[0].partitions.v[0].partition_index = index;
    req.topics.v[0].partitions.v[0].offset = to;
    p->trimmed_maybe = to < 0 || p->trimmed_maybe == INT64_MAX ? INT64_MAX
                       : to > p->trimmed_maybe                ? to
                                                              : p->trimmed_maybe;
    err = wire_call(&c->conn, 21, 2, &req, &c->arena, &rsp, NODE_CALL_MS);
    if (err != OD_NONE)
        return err;
    out = &rsp.topics.v[0].partitions.v[0];
    if (out->error_code == OD_NONE) {
        OD_SIM_CHECK(out->low_watermark >= to && out->low_watermark >= p->trimmed);
        p->trimmed = p->trimmed_maybe = out->low_watermark;
    } else if (!passing(out->error_code) && out->error_code != OD_OFFSET_OUT_OF_RANGE) {
        od_sim_fail("trim of %s-%d: %s", t->name, index, od_err_name(out->error_code));
    }
    return OD_NONE;
}

/* --- records --------------------------------------------------------------------------------- */

/* One batch of records numbered from first, to a topic by id. */
static enum od_err send(struct node_client *c, struct od_uuid id, int index, uint64_t first,
                        int count, struct od_produce_rsp_partition *out)
{
    struct od_produce_req req;
    struct od_produce_rsp rsp;
    bool healthy = c->world->healthy;
    int64_t sent_ms = od_sim_now_ms();
    uint8_t *data = od_arena_alloc(&c->arena, batch_bytes_max(count, 40));
    enum od_err err;

    od_produce_req_defaults(&req);
    req.acks = -1;
    req.timeout_ms = 30000;
    OD_ARENA_LIST(&c->arena, req.topic_data, 1);
    req.topic_data.v[0].topic_id = id;
    OD_ARENA_LIST(&c->arena, req.topic_data.v[0].partition_data, 1);
    req.topic_data.v[0].partition_data.v[0].index = index;
    req.topic_data.v[0].partition_data.v[0].records.data = data;
    req.topic_data.v[0].partition_data.v[0].records.len =
        (int64_t)batch_build(data, first, count, 40, od_clock_wall_ms());
    err = wire_call(&c->conn, 0, 13, &req, &c->arena, &rsp, NODE_CALL_MS);
    node_client_timed(c, healthy, sent_ms, 0, "produce to a churned topic");
    if (err == OD_NONE)
        *out = rsp.responses.v[0].partition_responses.v[0];
    return err;
}

static enum od_err produce(struct node_client *c, struct churn_topic *t, int index)
{
    struct churn_partition *p = &t->p[index];
    int count = 1 + (int)od_sim_random(BATCH_MAX);
    uint64_t first = (uint64_t)t->serial * CHURN_NUMBERS + t->sent;
    struct od_produce_rsp_partition out;
    enum od_err err;

    if (p->acked_end + count > CHURN_RECORDS_MAX || t->sent + (uint32_t)count > BYSTANDER_FIRST)
        return OD_NONE;
    t->sent += (uint32_t)count;
    err = send(c, t->id, index, first, count, &out);
    if (err != OD_NONE)
        return err;
    if (out.error_code != OD_NONE) {
        if (!passing(out.error_code))
            od_sim_fail("produce to %s-%d: %s", t->name, index, od_err_name(out.error_code));
        return OD_NONE;
    }
    if (out.base_offset < p->acked_end)
        od_sim_fail("lost-write: %s-%d gives offset %lld, %lld was acknowledged", t->name, index,
                    (long long)out.base_offset, (long long)p->acked_end - 1);
    p->acked_end = out.base_offset + count;
    for (int i = 0; i < count && out.base_offset + i < CHURN_RECORDS_MAX; i++)
        p->numbers[out.base_offset + i] = (uint32_t)(first + (uint64_t)i);
    return OD_NONE;
}

struct reading {
    const char *name;
    uint32_t serial;
    const struct churn_partition *p; /* NULL: a bystander's */
    int64_t next;
};

static void each_record(void *arg, int64_t offset, uint64_t number)
{
    struct reading *r = arg;

    if (number / CHURN_NUMBERS != r->serial)
        od_sim_fail("old-data: %s, incarnation %u, has %llu at offset %lld", r->name, r->serial,
                    (unsigned long long)number, (long long)offset);
    if (r->p && offset < CHURN_RECORDS_MAX && r->p->numbers[offset] &&
        r->p->numbers[offset] != number)
        od_sim_fail("inconsistent-offsets: %s at %lld: %llu, %u was acknowledged", r->name,
                    (long long)offset, (unsigned long long)number, r->p->numbers[offset]);
    if (offset > r->next)
        od_sim_fail("poll-skip: %s goes from %lld to %lld", r->name, (long long)r->next,
                    (long long)offset);
    if (offset == r->next)
        r->next++;
}

static enum od_err fetch(struct node_client *c, struct od_uuid id, int index, int64_t offset,
                         int32_t wait_ms, struct od_fetch_rsp_partition *out)
{
    struct od_fetch_req req;
    struct od_fetch_rsp rsp;
    bool healthy = c->world->healthy;
    int64_t sent_ms = od_sim_now_ms();
    enum od_err err;

    od_fetch_req_defaults(&req);
    req.max_wait_ms = wait_ms;
    req.min_bytes = 1;
    req.max_bytes = 1 << 20;
    req.session_epoch = -1;
    OD_ARENA_LIST(&c->arena, req.topics, 1);
    od_fetch_req_topic_defaults(&req.topics.v[0]);
    req.topics.v[0].topic_id = id;
    OD_ARENA_LIST(&c->arena, req.topics.v[0].partitions, 1);
    od_fetch_req_partition_defaults(&req.topics.v[0].partitions.v[0]);
    req.topics.v[0].partitions.v[0].partition = index;
    req.topics.v[0].partitions.v[0].fetch_offset = offset;
    req.topics.v[0].partitions.v[0].partition_max_bytes = 1 << 20;
    err = wire_call(&c->conn, 1, FETCH_VERSION, &req, &c->arena, &rsp, NODE_CALL_MS);
    node_client_timed(c, healthy, sent_ms, wait_ms, "fetch of a churned topic");
    if (err != OD_NONE)
        return err;
    OD_SIM_CHECK(rsp.error_code == OD_NONE && rsp.responses.n == 1);
    *out = rsp.responses.v[0].partitions.v[0];
    return OD_NONE;
}

static void walk(struct reading *r, const struct od_fetch_rsp_partition *out)
{
    const char *why;

    if (out->records.len > 0 &&
        !batch_walk(out->records.data, (size_t)out->records.len, each_record, r, &why))
        od_sim_fail("%s: bad %s", r->name, why);
}

/* Reads from *next on, and moves it; what is trimmed must stay so. */
static enum od_err read(struct node_client *c, const struct churn_topic *t, int index,
                        int64_t *next)
{
    const struct churn_partition *p = &t->p[index];
    struct reading r = { t->name, t->serial, p, *next };
    struct od_fetch_rsp_partition out;
    enum od_err err = fetch(c, t->id, index, *next, 0, &out);

    if (err != OD_NONE)
        return err;
    if (out.error_code == OD_OFFSET_OUT_OF_RANGE && p->trimmed_maybe > *next) {
        *next = p->trimmed_maybe == INT64_MAX ? p->acked_end : p->trimmed_maybe;
        return OD_NONE;
    }
    if (out.error_code != OD_NONE) {
        if (!passing(out.error_code))
            od_sim_fail("fetch of %s-%d at %lld: %s", t->name, index, (long long)*next,
                        od_err_name(out.error_code));
        return OD_NONE;
    }
    if (out.log_start_offset < p->trimmed || out.log_start_offset > p->trimmed_maybe)
        od_sim_fail("untrimmed: %s-%d begins at %lld, not between %lld and %lld", t->name, index,
                    (long long)out.log_start_offset, (long long)p->trimmed,
                    (long long)p->trimmed_maybe);
    walk(&r, &out);
    *next = r.next;
    return OD_NONE;
}

/* --- the clients ----------------------------------------------------------------------------- */

static enum od_err step(struct node_client *c, struct churn_topic *t)
{
    int index = t->partitions ? (int)od_sim_random((uint64_t)t->partitions) : 0;
    int64_t next = t->p[index].trimmed;

    if (t->doubt != CHURN_SURE)
        return resolve(c, t);
    if (!t->there)
        return create(c, t);
    switch (od_sim_random(12)) {
    case 0: case 1:
        return delete(c, t);
    case 2:
        return grow(c, t);
    case 3: case 4:
        return trim(c, t, index);
    case 5: case 6: case 7:
        return read(c, t, index, &next);
    default:
        return produce(c, t, index);
    }
}

void node_churn(void *client)
{
    struct node_client *c = client;
    struct node_world *w = c->world;
    int think_ms = 5 + (int)od_sim_random(150);

    for (int i = 0; i < CHURN_TOPICS; i++)
        rename_topic(w, &w->churn[i]);
    while (!w->stopping) {
        struct churn_topic *t = &w->churn[od_sim_random(CHURN_TOPICS)];

        if (!c->conn.socket && !node_client_connect(c))
            break;
        switch ((int)step(c, t)) {
        case OD_E_CLOSED: case OD_REQUEST_TIMED_OUT:
            wire_close(&c->conn);
        }
        od_arena_reset(&c->arena);
        od_sim_sleep_ms((int64_t)od_sim_random((uint64_t)think_ms));
    }
    node_client_end(c);
}

/* To a topic that its owner may delete at any moment. */
static enum od_err disturb_topic(struct node_client *c, const struct churn_topic *t, uint32_t *sent)
{
    struct reading r = { t->name, t->serial, NULL, 0 };
    struct od_uuid id = t->id;
    int index = (int)od_sim_random(CHURN_PARTITIONS_MAX);
    struct od_fetch_rsp_partition fetched;
    struct od_produce_rsp_partition produced;
    enum od_err err, told;

    if (od_sim_chance(600000)) {
        uint64_t first = (uint64_t)t->serial * CHURN_NUMBERS + BYSTANDER_FIRST + *sent % 40000;

        *sent += 2;
        err = send(c, id, index, first, 2, &produced);
        told = err ? OD_NONE : produced.error_code;
    } else {
        err = fetch(c, id, index, 0, (int32_t)od_sim_random(600), &fetched);
        told = err ? OD_NONE : fetched.error_code;
        if (!err && !told) {
            r.next = fetched.log_start_offset;
            walk(&r, &fetched);
        }
    }
    if (told && !passing(told) && told != OD_UNKNOWN_TOPIC_ID &&
        told != OD_UNKNOWN_TOPIC_OR_PARTITION && told != OD_OFFSET_OUT_OF_RANGE)
        od_sim_fail("bystander of %s: %s", t->name, od_err_name(told));
    return err;
}

void node_disturb_churn(void *client)
{
    struct node_client *c = client;
    struct node_world *w = c->world;
    int think_ms = 5 + (int)od_sim_random(100);
    uint32_t sent = 0;

    while (!w->stopping) {
        struct churn_topic *t = &w->churn[od_sim_random(CHURN_TOPICS)];

        if (!c->conn.socket && !node_client_connect(c))
            break;
        if (t->serial && disturb_topic(c, t, &sent) != OD_NONE)
            wire_close(&c->conn);
        od_arena_reset(&c->arena);
        od_sim_sleep_ms((int64_t)od_sim_random((uint64_t)think_ms));
    }
    node_client_end(c);
}

/* --- at the end ------------------------------------------------------------------------------ */

static enum od_err check_topic(struct node_client *c, struct churn_topic *t)
{
    struct od_metadata_rsp_topic seen;
    enum od_err err = describe(c, t, &seen);

    if (err != OD_NONE)
        return err;
    compare(c->world, t, &seen);
    for (int i = 0; t->there && i < t->partitions; i++) {
        int64_t next = t->p[i].trimmed;

        while (next < t->p[i].acked_end) {
            int64_t before = next;

            err = read(c, t, i, &next);
            od_arena_reset(&c->arena);
            if (err != OD_NONE)
                return err;
            if (next == before)
                od_sim_sleep_ms(50);
        }
    }
    return OD_NONE;
}

void node_check_churn(void *client)
{
    struct node_client *c = client;
    struct node_world *w = c->world;

    for (int i = 0; i < CHURN_TOPICS;) {
        OD_SIM_CHECK(c->conn.socket || node_client_connect(c));
        if (w->churn[i].doubt != CHURN_SURE || check_topic(c, &w->churn[i]) == OD_NONE)
            i++;
        else
            wire_close(&c->conn);
        od_arena_reset(&c->arena);
    }
    node_client_end(c);
}
