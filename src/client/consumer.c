/* SPDX-License-Identifier: Apache-2.0 */
/* Fetches without sessions, batch by batch. */
#include "client/consumer.h"

#include "base/mem.h"
#include "client/aborted.h"
#include "os/clock.h"
#include "wire/api/fetch.h"

enum {
    FETCH_BYTES_MAX = 16 << 20,
    PARTITION_BYTES_MAX = 1 << 20,
    EXPANDED_BYTES_MAX = 1 << 30, /* of one batch */
    PAUSE_MS = 200,
    WAIT_MS_OF_MANY = 50, /* where several leaders are asked one after the other */
    NS_PER_MS = 1000000,
};

struct part {
    char *topic; /* owned */
    int32_t partition;
    int64_t offset; /* of the next record */
    int64_t stop;
    struct od_aborted aborted;
};

struct od_consumer {
    struct od_client *client;
    struct od_consumer_options options;
    struct part *parts;
    int part_count;
    int first;          /* who stands first in the next request: each in its turn */
    int64_t trouble_ns; /* since when answers ask to try again; 0: they do not */
    bool ended;         /* each() has had enough */
    struct od_answer answer;
    struct od_text why;
};

struct od_consumer *od_consumer_new(struct od_client *client,
                                    const struct od_consumer_options *options)
{
    struct od_consumer *c = OD_NEW(struct od_consumer);

    c->client = client;
    c->options = *options;
    return c;
}

void od_consumer_free(struct od_consumer *c)
{
    if (!c)
        return;
    for (int i = 0; i < c->part_count; i++) {
        od_free(c->parts[i].topic);
        od_aborted_deinit(&c->parts[i].aborted);
    }
    od_free(c->parts);
    od_answer_deinit(&c->answer);
    od_text_reset(&c->why);
    od_free(c);
}

void od_consumer_add(struct od_consumer *c, struct od_str topic, int32_t partition,
                     int64_t offset, int64_t stop)
{
    c->parts = od_realloc(c->parts, sizeof(*c->parts) * ((size_t)c->part_count + 1));
    c->parts[c->part_count++] = (struct part){
        .topic = od_str_dup(topic), .partition = partition, .offset = offset, .stop = stop
    };
}

const char *od_consumer_why(const struct od_consumer *c)
{
    return c->why.len ? od_text_get(&c->why) : od_client_why(c->client);
}

static bool at_stop(const struct part *p)
{
    return p->stop != OD_CONSUMER_NO_STOP && p->offset >= p->stop;
}

bool od_consumer_finished(const struct od_consumer *c)
{
    for (int i = 0; i < c->part_count; i++)
        if (!at_stop(&c->parts[i]))
            return false;
    return true;
}

static enum od_err fail(struct od_consumer *c, const struct part *p, enum od_err err,
                        const char *text)
{
    od_text_reset(&c->why);
    od_text_add(&c->why, "topic \"%s\", partition %d, offset %lld: %s (%s)", p->topic,
                p->partition, (long long)p->offset, text, od_err_name(err));
    return err;
}

/* --- records --------------------------------------------------------------------------------- */

static enum od_err give_records(struct od_consumer *c, struct part *p, const uint8_t *data,
                                const struct od_batch_header *h,
                                bool (*each)(void *user, const struct od_consumed *r), void *user)
{
    struct od_expand_limits limits = { .total_bytes = EXPANDED_BYTES_MAX };
    struct od_record_stream stream;
    struct od_record record;
    struct od_consumed out = { .topic = od_str_of(p->topic),
                               .partition = p->partition,
                               .record = &record,
                               .log_append_time = h->attributes & OD_BATCH_LOG_APPEND_TIME };
    enum od_err err = od_record_stream_open(&stream, data, h, &limits);

    while (!err && !c->ended) {
        err = od_record_stream_next(&stream, &record);
        if (err || record.offset < p->offset)
            continue;
        if (p->stop != OD_CONSUMER_NO_STOP && record.offset >= p->stop)
            break;
        p->offset = record.offset + 1;
        c->ended = !each(user, &out);
    }
    od_record_stream_close(&stream);
    if (!err || err == OD_E_NOT_FOUND)
        return OD_NONE;
    return fail(c, p, err, "the records of a batch cannot be read");
}

/* The batches of an answer; a cut one at the end is left for the next fetch. */
static enum od_err give_batches(struct od_consumer *c, struct part *p,
                                const struct od_fetch_rsp_partition *answer,
                                bool (*each)(void *user, const struct od_consumed *r), void *user)
{
    const uint8_t *data = answer->records.data;
    size_t left = answer->records.len > 0 && data ? (size_t)answer->records.len : 0;
    struct od_batch_header h;

    od_aborted_begin(&p->aborted, answer);
    while (left > 0 && !c->ended && !at_stop(p)) {
        enum od_err err = od_batch_parse(data, left, &h);

        if (err == OD_E_TRUNCATED || (!err && od_batch_bytes(&h) > left))
            return OD_NONE;
        if (!err)
            err = od_batch_check(data, &h);
        if (err)
            return fail(c, p, err, "a batch cannot be read");
        if (!od_aborted_hides(&p->aborted, &h) && od_batch_last_offset(&h) >= p->offset) {
            err = give_records(c, p, data, &h, each, user);
            if (err)
                return err;
        }
        if (!c->ended && od_batch_last_offset(&h) >= p->offset)
            p->offset = od_batch_last_offset(&h) + 1;
        data += od_batch_bytes(&h);
        left -= od_batch_bytes(&h);
    }
    return OD_NONE;
}

/* --- answers --------------------------------------------------------------------------------- */

static struct part *find_part(struct od_consumer *c, const struct od_fetch_rsp_topic *t,
                              int32_t partition)
{
    for (int i = 0; i < c->part_count; i++) {
        const struct od_view_topic *known =
            od_view_topic(od_client_view(c->client), od_str_of(c->parts[i].topic));
        bool same = t->topic.len ? od_str_is(t->topic, c->parts[i].topic)
                                 : known && od_uuid_eq(known->id, t->topic_id);

        if (same && c->parts[i].partition == partition)
            return &c->parts[i];
    }
    return NULL;
}

static enum od_err take_partition(struct od_consumer *c, struct part *p,
                                  const struct od_fetch_rsp_partition *answer, bool *again,
                                  bool (*each)(void *user, const struct od_consumed *r),
                                  void *user)
{
    enum od_err err = (enum od_err)answer->error_code;
    struct od_text text = { 0 };

    if (!err)
        return give_batches(c, p, answer, each, user);
    if (od_err_retriable(err) && err != OD_CORRUPT_MESSAGE) {
        *again = true;
        fail(c, p, err, od_err_text(err));
        return OD_NONE;
    }
    if (err == OD_OFFSET_OUT_OF_RANGE && answer->log_start_offset >= 0 &&
        p->offset < answer->log_start_offset)
        od_text_add(&text, "the log begins at %lld", (long long)answer->log_start_offset);
    else if (err == OD_OFFSET_OUT_OF_RANGE)
        od_text_add(&text, "the log does not reach that far");
    err = fail(c, p, err, text.len ? od_text_get(&text) : od_err_text(err));
    od_text_reset(&text);
    return err;
}

static enum od_err take_answer(struct od_consumer *c, const struct od_fetch_rsp *rsp, bool *again,
                               bool (*each)(void *user, const struct od_consumed *r), void *user)
{
    enum od_err err = (enum od_err)rsp->error_code;

    if (err && od_err_retriable(err)) {
        *again = true;
        od_text_reset(&c->why);
        od_text_add(&c->why, "the broker answers %s", od_err_name(err));
        return OD_NONE;
    }
    if (err) {
        od_text_reset(&c->why);
        od_text_add(&c->why, "the broker refuses to be read from: %s (%s)", od_err_text(err),
                    od_err_name(err));
        return err;
    }
    for (int32_t t = 0; t < rsp->responses.n && !err; t++) {
        const struct od_fetch_rsp_topic *topic = &rsp->responses.v[t];

        for (int32_t i = 0; i < topic->partitions.n && !err && !c->ended; i++) {
            struct part *p = find_part(c, topic, topic->partitions.v[i].partition_index);

            if (p)
                err = take_partition(c, p, &topic->partitions.v[i], again, each, user);
        }
    }
    return err;
}

/* --- requests -------------------------------------------------------------------------------- */

/* Partitions led by node, as one topic each: simple, and a tool reads few. */
static int32_t fill(struct od_consumer *c, int32_t node, struct od_arena *arena,
                    struct od_fetch_req *req)
{
    OD_ARENA_LIST(arena, req->topics, c->part_count);
    req->topics.n = 0;
    for (int k = 0; k < c->part_count; k++) {
        const struct part *p = &c->parts[(c->first + k) % c->part_count];
        struct od_str name = od_str_of(p->topic);
        const struct od_view_topic *known = od_view_topic(od_client_view(c->client), name);
        struct od_fetch_req_topic *t = &req->topics.v[req->topics.n];
        int32_t leader;

        if (at_stop(p) || !known ||
            od_view_leader(od_client_view(c->client), name, p->partition, &leader) ||
            leader != node)
            continue;
        od_fetch_req_topic_defaults(t);
        t->topic = name;
        t->topic_id = known->id;
        OD_ARENA_LIST(arena, t->partitions, 1);
        od_fetch_req_partition_defaults(&t->partitions.v[0]);
        t->partitions.v[0].partition = p->partition;
        t->partitions.v[0].fetch_offset = p->offset;
        t->partitions.v[0].partition_max_bytes = PARTITION_BYTES_MAX;
        req->topics.n++;
    }
    return req->topics.n;
}

static bool ids_known(const struct od_fetch_req *req)
{
    for (int32_t i = 0; i < req->topics.n; i++)
        if (od_uuid_is_zero(req->topics.v[i].topic_id))
            return false;
    return true;
}

static enum od_err poll_node(struct od_consumer *c, int32_t node, bool *again,
                             bool (*each)(void *user, const struct od_consumed *r), void *user)
{
    struct od_arena arena = { 0 };
    struct od_fetch_req req;
    struct od_fetch_rsp rsp;
    struct od_client_ask ask = { .api = od_api_find(OD_fetch_KEY),
                                 .request = &req,
                                 .to = OD_CLIENT_NODE,
                                 .node = node,
                                 .version_max = 12,
                                 .wait_ms = c->options.max_wait_ms };
    bool many = od_client_view(c->client)->broker_count > 1;
    enum od_err err = OD_NONE;

    od_fetch_req_defaults(&req);
    req.max_wait_ms = many ? WAIT_MS_OF_MANY : c->options.max_wait_ms;
    req.min_bytes = 1;
    req.max_bytes = FETCH_BYTES_MAX;
    req.isolation_level = c->options.read_committed;
    if (fill(c, node, &arena, &req) > 0) {
        ask.version_bound = !ids_known(&req);
        err = od_client_call(c->client, &ask, &c->answer, &rsp);
        if (!err)
            err = take_answer(c, &rsp, again, each, user);
    }
    od_arena_reset(&arena);
    return err;
}

/* A leader has moved, a broker is busy or away: looks again, but not for ever. */
static enum od_err look_again(struct od_consumer *c)
{
    struct od_answer answer = { 0 };
    struct od_metadata_rsp rsp;
    struct od_str *names;
    int64_t now = od_clock_mono_ns();
    enum od_err err;

    if (c->trouble_ns == 0)
        c->trouble_ns = now;
    if (now - c->trouble_ns > od_client_timeout_ms(c->client) * NS_PER_MS)
        return OD_REQUEST_TIMED_OUT;
    od_client_pause(c->client, PAUSE_MS);
    names = od_alloc(sizeof(*names) * (size_t)c->part_count);
    for (int i = 0; i < c->part_count; i++)
        names[i] = od_str_of(c->parts[i].topic);
    /* The same name more than once does no harm. */
    err = od_client_metadata(c->client, names, c->part_count, false, &answer, &rsp);
    od_free(names);
    od_answer_deinit(&answer);
    return err == OD_E_CLOSED ? OD_NONE : err; /* a broker that is away may come back */
}

static bool any_leaderless(const struct od_consumer *c)
{
    int32_t node;

    for (int i = 0; i < c->part_count; i++)
        if (!at_stop(&c->parts[i]) &&
            od_view_leader(od_client_view(c->client), od_str_of(c->parts[i].topic),
                           c->parts[i].partition, &node))
            return true;
    return false;
}

enum od_err od_consumer_poll(struct od_consumer *c,
                             bool (*each)(void *user, const struct od_consumed *r), void *user)
{
    const struct od_view *view = od_client_view(c->client);
    bool again = any_leaderless(c);
    enum od_err err = OD_NONE;

    c->ended = false;
    od_text_reset(&c->why);
    if (again)
        od_text_add(&c->why, "a partition has no leader");
    for (int i = 0; i < view->broker_count && !err && !c->ended; i++)
        err = poll_node(c, view->brokers[i].id, &again, each, user);
    if (err == OD_E_CLOSED) {
        again = true;
        err = OD_NONE;
    }
    c->first = c->part_count ? (c->first + 1) % c->part_count : 0;
    if (err || c->ended)
        return err;
    if (again)
        return look_again(c);
    c->trouble_ns = 0;
    return OD_NONE;
}
