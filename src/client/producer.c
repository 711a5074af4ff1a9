/* SPDX-License-Identifier: Apache-2.0 */
/* Batches, sequences, retries. */
#include "client/producer.h"

#include "base/mem.h"
#include "client/partitioner.h"
#include "os/clock.h"
#include "wire/api/init_producer_id.h"
#include "wire/api/produce.h"

enum {
    PAUSE_MS = 100,
    APPEAR_MS_MAX = 10000, /* for a topic that asking creates */
    NS_PER_MS = 1000000,
    FIRST_ROOM = 16 << 10,
};

/* One partition. */
struct lane {
    struct od_batch_builder builder; /* data owned; count 0: nothing pending */
    uint8_t *packed;                 /* compressed, owned; NULL: the builder's is sent */
    size_t packed_room;
    struct od_bytes sealed; /* what is sent; NULL: not sealed */
    int32_t next_sequence;
    enum od_err err; /* of the last attempt */
    struct od_produced produced;
};

struct od_producer {
    struct od_client *client;
    struct od_producer_options options;
    struct lane *lanes; /* by partition */
    int32_t lane_count;
    int32_t sticky; /* where records without key go */
    size_t pending_bytes;
    int64_t producer_id; /* -1: not idempotent */
    int16_t producer_epoch;
    struct od_answer answer;
    struct od_text why;
};

const char *od_producer_why(const struct od_producer *p)
{
    return p->why.len ? od_text_get(&p->why) : od_client_why(p->client);
}

void od_producer_free(struct od_producer *p)
{
    if (!p)
        return;
    for (int32_t i = 0; i < p->lane_count; i++) {
        od_free(p->lanes[i].builder.data);
        od_free(p->lanes[i].packed);
    }
    od_free(p->lanes);
    od_answer_deinit(&p->answer);
    od_text_reset(&p->why);
    od_free(p);
}

/* --- the beginning --------------------------------------------------------------------------- */

static enum od_err topic_error(const struct od_metadata_rsp *rsp)
{
    return rsp->topics.n == 1 ? (enum od_err)rsp->topics.v[0].error_code
                              : OD_UNKNOWN_TOPIC_OR_PARTITION;
}

/* Asking creates the topic where the broker does that; it is there a moment later. */
static enum od_err learn_topic(struct od_producer *p)
{
    int64_t patience_ms = od_client_timeout_ms(p->client);
    int64_t until_ns;
    struct od_metadata_rsp rsp;
    enum od_err err;

    patience_ms = patience_ms < APPEAR_MS_MAX ? patience_ms : APPEAR_MS_MAX;
    until_ns = od_clock_mono_ns() + patience_ms * NS_PER_MS;
    od_text_reset(&p->why);
    for (;;) {
        err = od_client_metadata(p->client, &p->options.topic, 1, true, &p->answer, &rsp);
        if (err)
            return err;
        err = topic_error(&rsp);
        if (!err || !od_err_retriable(err) || od_clock_mono_ns() > until_ns)
            break;
        od_client_pause(p->client, PAUSE_MS);
    }
    if (err)
        od_text_add(&p->why, "topic \"%.*s\": %s (%s)", OD_STR_ARGS(p->options.topic),
                    od_err_text(err), od_err_name(err));
    return err;
}

static enum od_err get_producer_id(struct od_producer *p)
{
    struct od_init_producer_id_req req;
    struct od_init_producer_id_rsp rsp;
    struct od_client_ask ask = { .api = od_api_find(OD_init_producer_id_KEY), .request = &req };
    int64_t until_ns = od_clock_mono_ns() + od_client_timeout_ms(p->client) * NS_PER_MS;
    int16_t version;
    enum od_err err = od_client_version(p->client, &ask, &version);

    p->producer_id = -1;
    p->producer_epoch = -1;
    if (err == OD_UNSUPPORTED_VERSION)
        return OD_NONE;
    od_init_producer_id_req_defaults(&req);
    req.transactional_id = OD_STR_NULL;
    while (!err) {
        err = od_client_call(p->client, &ask, &p->answer, &rsp);
        if (err)
            break;
        err = (enum od_err)rsp.error_code;
        if (!err) {
            p->producer_id = rsp.producer_id;
            p->producer_epoch = rsp.producer_epoch;
            return OD_NONE;
        }
        if (!od_err_retriable(err) || od_clock_mono_ns() > until_ns) {
            od_text_add(&p->why, "no producer id: %s (%s)", od_err_text(err), od_err_name(err));
            break;
        }
        od_client_pause(p->client, PAUSE_MS);
        err = OD_NONE;
    }
    return err;
}

enum od_err od_producer_open(struct od_client *client, const struct od_producer_options *options,
                             struct od_producer **out)
{
    struct od_producer *p = OD_NEW(struct od_producer);
    enum od_err err;

    *out = p;
    p->client = client;
    p->options = *options;
    p->producer_id = -1;
    err = learn_topic(p);
    if (err)
        return err;
    p->lane_count = od_view_topic(od_client_view(client), options->topic)->partition_count;
    if (p->lane_count == 0) {
        od_text_add(&p->why, "topic \"%.*s\" has no partitions", OD_STR_ARGS(options->topic));
        return OD_UNKNOWN_TOPIC_OR_PARTITION;
    }
    p->lanes = od_zalloc(sizeof(*p->lanes) * (size_t)p->lane_count);
    for (int32_t i = 0; i < p->lane_count; i++)
        p->lanes[i].produced = (struct od_produced){ i, 0, -1, -1 };
    p->sticky = (int32_t)(od_random_u64() % (uint64_t)p->lane_count);
    return options->idempotent && options->acks == -1 ? get_producer_id(p) : OD_NONE;
}

/* --- adding ---------------------------------------------------------------------------------- */

static size_t record_bytes_max(const struct od_produce_record *r)
{
    size_t bytes = od_batch_record_bytes_max(r->key, r->value);

    for (int32_t i = 0; i < r->header_count; i++)
        bytes += od_batch_record_bytes_max(r->headers[i].key, r->headers[i].value);
    return bytes;
}

static void make_room(struct lane *l, size_t bytes)
{
    size_t capacity = l->builder.capacity ? l->builder.capacity : FIRST_ROOM;

    while (capacity < l->builder.len + bytes)
        capacity *= 2;
    if (capacity == l->builder.capacity)
        return;
    l->builder.data = od_realloc(l->builder.data, capacity);
    l->builder.capacity = capacity;
}

static void begin_batch(struct od_producer *p, struct lane *l, size_t bytes)
{
    struct od_batch_header head = od_batch_plain(0, -1);
    size_t room;

    head.producer_id = p->producer_id;
    head.producer_epoch = p->producer_epoch;
    head.base_sequence = p->producer_id < 0 ? -1 : l->next_sequence;
    l->builder.len = OD_BATCH_HEADER_BYTES;
    make_room(l, bytes);
    room = l->builder.capacity;
    od_batch_begin(&l->builder, l->builder.data, room, &head);
}

static int32_t choose(const struct od_producer *p, const struct od_produce_record *r)
{
    if (r->partition != OD_PRODUCER_ANY_PARTITION)
        return r->partition;
    return r->key.data ? od_partition_of_key(r->key, p->lane_count) : p->sticky;
}

enum od_err od_producer_add(struct od_producer *p, const struct od_produce_record *r)
{
    size_t bytes = record_bytes_max(r);
    int32_t partition = choose(p, r);
    struct lane *l;
    enum od_err err = OD_NONE;

    if (partition < 0 || partition >= p->lane_count) {
        od_text_reset(&p->why);
        od_text_add(&p->why, "topic \"%.*s\" has partitions 0 to %d, not %d",
                    OD_STR_ARGS(p->options.topic), p->lane_count - 1, partition);
        return OD_E_LIMIT;
    }
    l = &p->lanes[partition];
    if (p->pending_bytes + bytes > OD_PRODUCER_PENDING_BYTES ||
        (l->builder.header.count && l->builder.len + bytes > p->options.batch_bytes))
        err = od_producer_flush(p);
    if (err)
        return err;
    if (l->builder.header.count == 0)
        begin_batch(p, l, bytes);
    else
        make_room(l, bytes);
    od_batch_add(&l->builder, r->timestamp, r->key, r->value, r->headers, r->header_count);
    p->pending_bytes += bytes;
    if (l->builder.err) {
        od_text_reset(&p->why);
        od_text_add(&p->why, "a record is too large for a batch");
        return l->builder.err;
    }
    return OD_NONE;
}

/* --- sending --------------------------------------------------------------------------------- */

static enum od_err seal(struct od_producer *p, struct lane *l)
{
    size_t len, bound;
    enum od_err err = od_batch_end(&l->builder, &len);

    l->sealed = (struct od_bytes){ l->builder.data, len };
    if (err || p->options.codec == OD_COMPRESS_NONE)
        return err;
    bound = od_compress_bound(p->options.codec, len) + OD_BATCH_HEADER_BYTES;
    if (bound > l->packed_room) {
        l->packed = od_realloc(l->packed, bound);
        l->packed_room = bound;
    }
    err = od_batch_repack(p->options.codec, 0, l->sealed, l->packed, l->packed_room, &len);
    l->sealed = (struct od_bytes){ l->packed, len };
    return err;
}

static enum od_err seal_all(struct od_producer *p)
{
    enum od_err err = OD_NONE;

    for (int32_t i = 0; i < p->lane_count && !err; i++)
        if (p->lanes[i].builder.header.count)
            err = seal(p, &p->lanes[i]);
    if (err) {
        od_text_reset(&p->why);
        od_text_add(&p->why, "a batch cannot be made: %s", od_err_text(err));
    }
    return err;
}

static void settle(struct lane *l, int64_t base_offset)
{
    int32_t count = l->builder.header.count;

    l->next_sequence = (int32_t)(((int64_t)l->next_sequence + count) & INT32_MAX);
    l->produced.count += count;
    if (base_offset >= 0) {
        if (l->produced.first_offset < 0)
            l->produced.first_offset = base_offset;
        l->produced.last_offset = base_offset + count - 1;
    }
    l->builder.header.count = 0;
    l->sealed = (struct od_bytes){ 0 };
    l->err = OD_NONE;
}

/* Errors after which nothing was appended, so that sending again is harmless. */
static bool nothing_appended(enum od_err err)
{
    return err == OD_NOT_LEADER_OR_FOLLOWER || err == OD_KAFKA_STORAGE_ERROR ||
           err == OD_LEADER_NOT_AVAILABLE || err == OD_UNKNOWN_TOPIC_OR_PARTITION ||
           err == OD_UNKNOWN_TOPIC_ID || err == OD_NOT_ENOUGH_REPLICAS ||
           err == OD_THROTTLING_QUOTA_EXCEEDED;
}

static bool worth_again(const struct od_producer *p, enum od_err err)
{
    return nothing_appended(err) || (p->producer_id >= 0 && od_err_retriable(err));
}

static void explain(struct od_producer *p, const struct lane *l,
                    const struct od_produce_rsp_partition *in, enum od_err err)
{
    struct od_str first = in && in->record_errors.n > 0
                              ? in->record_errors.v[0].batch_index_error_message
                              : OD_STR_NULL;

    od_text_reset(&p->why);
    od_text_add(&p->why, "topic \"%.*s\", partition %d: %s (%s)", OD_STR_ARGS(p->options.topic),
                l->produced.partition, od_err_text(err), od_err_name(err));
    if (in && in->error_message.len)
        od_text_add(&p->why, ": %.*s", OD_STR_ARGS(in->error_message));
    if (first.len)
        od_text_add(&p->why, ": record %d: %.*s", in->record_errors.v[0].batch_index,
                    OD_STR_ARGS(first));
}

/* OD_NONE: settled, or to be sent again. */
static enum od_err take_partition(struct od_producer *p, struct lane *l,
                                  const struct od_produce_rsp_partition *in)
{
    enum od_err err = (enum od_err)in->error_code;

    /* Written by an earlier attempt whose answer was lost. */
    if (!err || (err == OD_DUPLICATE_SEQUENCE_NUMBER && p->producer_id >= 0)) {
        settle(l, err ? -1 : in->base_offset);
        return OD_NONE;
    }
    explain(p, l, in, err);
    l->err = err;
    return worth_again(p, err) ? OD_NONE : err;
}

static enum od_err take_answer(struct od_producer *p, const struct od_produce_rsp *rsp)
{
    enum od_err err = OD_NONE;

    for (int32_t t = 0; t < rsp->responses.n && !err; t++) {
        for (int32_t i = 0; i < rsp->responses.v[t].partition_responses.n && !err; i++) {
            const struct od_produce_rsp_partition *in =
                &rsp->responses.v[t].partition_responses.v[i];

            /* An answer about what was not asked is passed over. */
            if (in->index >= 0 && in->index < p->lane_count && p->lanes[in->index].sealed.data)
                err = take_partition(p, &p->lanes[in->index], in);
        }
    }
    return err;
}

static bool leads(const struct od_producer *p, int32_t node, const struct lane *l)
{
    int32_t leader;

    return l->sealed.data &&
           !od_view_leader(od_client_view(p->client), p->options.topic, l->produced.partition,
                           &leader) &&
           leader == node;
}

static int32_t fill(struct od_producer *p, int32_t node, struct od_arena *arena,
                    struct od_produce_req *req)
{
    const struct od_view_topic *known = od_view_topic(od_client_view(p->client), p->options.topic);
    struct od_produce_req_topic *t;

    od_produce_req_defaults(req);
    req->acks = p->options.acks;
    req->timeout_ms = (int32_t)od_client_timeout_ms(p->client);
    OD_ARENA_LIST(arena, req->topic_data, 1);
    t = &req->topic_data.v[0];
    t->name = p->options.topic;
    t->topic_id = known ? known->id : OD_UUID_ZERO;
    OD_ARENA_LIST(arena, t->partition_data, p->lane_count);
    t->partition_data.n = 0;
    for (int32_t i = 0; i < p->lane_count; i++) {
        struct od_produce_req_partition *out = &t->partition_data.v[t->partition_data.n];

        if (!leads(p, node, &p->lanes[i]))
            continue;
        out->index = i;
        out->records = (struct od_records){ p->lanes[i].sealed.data,
                                            (int64_t)p->lanes[i].sealed.len, NULL };
        t->partition_data.n++;
    }
    return t->partition_data.n;
}

static enum od_err send_to(struct od_producer *p, int32_t node)
{
    struct od_arena arena = { 0 };
    struct od_produce_req req;
    struct od_produce_rsp rsp;
    struct od_client_ask ask = { .api = od_api_find(OD_produce_KEY),
                                 .request = &req,
                                 .to = OD_CLIENT_NODE,
                                 .node = node,
                                 .version_max = 12,
                                 .changes = p->producer_id < 0 };
    enum od_err err = OD_NONE;

    if (fill(p, node, &arena, &req) > 0) {
        ask.version_bound = od_uuid_is_zero(req.topic_data.v[0].topic_id);
        if (p->options.acks == 0) {
            err = od_client_send(p->client, &ask);
            for (int32_t i = 0; i < p->lane_count && !err; i++)
                if (leads(p, node, &p->lanes[i]))
                    settle(&p->lanes[i], -1);
        } else {
            err = od_client_call(p->client, &ask, &p->answer, &rsp);
            if (err)
                od_text_reset(&p->why);
            else
                err = take_answer(p, &rsp);
        }
    }
    od_arena_reset(&arena);
    return err;
}

static bool any_pending(const struct od_producer *p)
{
    for (int32_t i = 0; i < p->lane_count; i++)
        if (p->lanes[i].sealed.data)
            return true;
    return false;
}

static enum od_err look_again(struct od_producer *p)
{
    struct od_metadata_rsp rsp;

    od_client_pause(p->client, PAUSE_MS);
    return od_client_metadata(p->client, &p->options.topic, 1, false, &p->answer, &rsp);
}

/* A broker that is away may come back; sequences make it harmless to send once more. */
static bool may_come_back(const struct od_producer *p, enum od_err err, int64_t until_ns)
{
    return err == OD_E_CLOSED && p->producer_id >= 0 && od_clock_mono_ns() < until_ns;
}

enum od_err od_producer_flush(struct od_producer *p)
{
    int64_t until_ns = od_clock_mono_ns() + od_client_timeout_ms(p->client) * NS_PER_MS;
    const struct od_view *view = od_client_view(p->client);
    enum od_err err = seal_all(p);

    while (!err && any_pending(p)) {
        for (int i = 0; i < view->broker_count && !err; i++)
            err = send_to(p, view->brokers[i].id);
        if (may_come_back(p, err, until_ns))
            err = OD_NONE;
        if (err || !any_pending(p))
            break;
        if (od_clock_mono_ns() > until_ns) {
            if (!p->why.len)
                od_text_add(&p->why, "topic \"%.*s\": a partition has no leader",
                            OD_STR_ARGS(p->options.topic));
            return OD_REQUEST_TIMED_OUT;
        }
        err = look_again(p);
        if (may_come_back(p, err, until_ns))
            err = OD_NONE;
    }
    if (!err) {
        p->pending_bytes = 0;
        p->sticky = (p->sticky + 1) % p->lane_count;
    }
    return err;
}

bool od_producer_produced(const struct od_producer *p, int i, struct od_produced *out)
{
    for (int32_t k = 0; k < p->lane_count; k++) {
        if (p->lanes[k].produced.count == 0 || i-- > 0)
            continue;
        *out = p->lanes[k].produced;
        return true;
    }
    return false;
}
