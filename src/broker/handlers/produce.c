/* SPDX-License-Identifier: Apache-2.0 */
/* Produce (api 0): finds partitions and settings, hands over to the driver, fills the answer. */
#include "broker/handlers.h"

#include "broker/node.h"
#include "broker/produce.h"
#include "broker/shard.h"
#include "os/clock.h"

enum {
    VERSION_MIN = 3,    /* below: batches of formats 0 and 1 */
    VERSION_BY_ID = 13, /* from here on topics are named by their ids */
};

/* --- the answer ------------------------------------------------------------------------------ */

static void fill_faults(struct od_call *call, const struct od_produce_item *it,
                        struct od_produce_rsp_partition *out)
{
    OD_ARENA_LIST(&call->arena, out->record_errors, it->fault_count);
    for (int32_t i = 0; i < it->fault_count; i++) {
        out->record_errors.v[i].batch_index = it->faults[i].index;
        out->record_errors.v[i].batch_index_error_message = od_str_of(it->faults[i].text);
    }
}

static void fill_partition(struct od_call *call, const struct od_produce_item *it, int32_t index,
                           struct od_produce_rsp_partition *out)
{
    const struct od_append *a = &it->append;
    bool appended = a->err == OD_NONE;
    bool deleted = a->err == OD_UNKNOWN_TOPIC_OR_PARTITION && a->partition; /* meanwhile */

    od_produce_rsp_partition_defaults(out);
    out->index = index;
    out->error_code = od_err_to_wire(
        deleted && call->header.api_version >= VERSION_BY_ID ? OD_UNKNOWN_TOPIC_ID : a->err);
    out->error_message = od_str_of(it->message);
    out->base_offset = appended ? a->base_offset : -1;
    out->log_start_offset = appended ? a->log_start : -1;
    if (it->fault_count > 0 && a->partition) /* as Kafka does, for records only */
        out->log_start_offset =
            atomic_load_explicit(&a->partition->start_offset, memory_order_acquire);
    if (appended && it->rules.log_append_time)
        out->log_append_time_ms = a->duplicate ? a->duplicate_timestamp : it->rules.now_ms;
    fill_faults(call, it, out);
}

static void answer(struct od_produce *p)
{
    struct od_call *call = p->call;
    const struct od_produce_req *req = call->request;
    struct od_produce_rsp *rsp = call->response;
    struct od_produce_item *it = p->items;

    call->unanswered = req->acks == 0;
    OD_ARENA_LIST(&call->arena, rsp->responses, req->topic_data.n);
    for (int32_t i = 0; i < req->topic_data.n; i++) {
        const struct od_produce_req_topic *in = &req->topic_data.v[i];
        struct od_produce_rsp_topic *out = &rsp->responses.v[i];

        out->name = in->name;
        out->topic_id = in->topic_id;
        OD_ARENA_LIST(&call->arena, out->partition_responses, in->partition_data.n);
        for (int32_t j = 0; j < in->partition_data.n; j++, it++) {
            fill_partition(call, it, in->partition_data.v[j].index, &out->partition_responses.v[j]);
            od_partition_unref(it->append.partition);
            od_buf_unref(it->stored);
            call->close |= req->acks == 0 && it->append.err; /* so that the client looks again */
        }
    }
    od_call_finish(call);
}

/* --- translating ----------------------------------------------------------------------------- */

static void set_rules(struct od_produce_item *it, struct od_node *node,
                      const struct od_topic_config *c)
{
    it->rules = (struct od_validate_rules){
        .compacted = c->cleanup_policy & OD_CLEANUP_COMPACT,
        .header_only = c->odradek_validate_records == OD_VALIDATE_HEADER,
        .log_append_time = c->message_timestamp_type == OD_TIMESTAMP_LOG_APPEND_TIME,
        .now_ms = od_clock_wall_ms(),
        .timestamp_before_max_ms = c->message_timestamp_before_max_ms,
        .timestamp_after_max_ms = c->message_timestamp_after_max_ms,
        .limits = { .total_bytes = c->odradek_max_uncompressed_bytes, .budget = &node->budget },
    };
}

/* The level as od_compress takes it, where 0 is the library's default. */
static int level_of(const struct od_topic_config *c, enum od_compress codec)
{
    enum { LZ4_DEFAULT = 9 }; /* Kafka's number for its fast compressor */

    switch (codec) {
    case OD_COMPRESS_GZIP:
        return c->compression_gzip_level == -1 ? 0 : c->compression_gzip_level;
    case OD_COMPRESS_LZ4:
        return c->compression_lz4_level == LZ4_DEFAULT ? 0 : c->compression_lz4_level;
    case OD_COMPRESS_ZSTD:
        return c->compression_zstd_level;
    case OD_COMPRESS_NONE:
    case OD_COMPRESS_SNAPPY:
        break;
    }
    return 0;
}

/* A batch that is packed anew is looked into, whatever odradek.validate.records says. */
static void set_codec(struct od_produce_item *it, const struct od_topic_config *c)
{
    struct od_batch_header h;

    it->bytes_max = c->max_message_bytes;
    it->has_codec = c->compression_type != OD_COMPRESSION_PRODUCER;
    if (!it->has_codec)
        return;
    it->codec = (enum od_compress)c->compression_type;
    it->level = level_of(c, it->codec);
    if (!od_batch_parse(it->append.data, it->append.len, &h) &&
        od_batch_compression(&h) != it->codec)
        it->rules.header_only = false;
}

static void refuse(struct od_produce_item *it, enum od_err err, const char *why)
{
    it->append.err = err;
    it->message = why;
}

static bool is_transactional(struct od_bytes records)
{
    struct od_batch_header h;

    return !od_batch_parse(records.data, records.len, &h) &&
           h.attributes & OD_BATCH_TRANSACTIONAL;
}

/* Finds the partition and its settings; whatever is wrong goes into the item. */
static void resolve(struct od_call *call, const struct od_image *image,
                    const struct od_produce_req_topic *topic,
                    const struct od_produce_req_partition *in, struct od_produce_item *it)
{
    struct od_node *node = call->shard->node;
    bool by_id = call->header.api_version >= VERSION_BY_ID;
    const struct od_image_topic *t = by_id ? od_image_topic_by_id(image, topic->topic_id)
                                           : od_image_topic_find(image, topic->name);

    it->append.data = (uint8_t *)in->records.data; /* the frame is ours to patch */
    it->append.len = in->records.len > 0 ? (size_t)in->records.len : 0;
    it->append.base_offset = -1;
    if (!t || in->index < 0 || in->index >= t->partition_count) {
        refuse(it, !t && by_id ? OD_UNKNOWN_TOPIC_ID : OD_UNKNOWN_TOPIC_OR_PARTITION, NULL);
        return;
    }
    it->append.partition = od_partitions_find(&node->partitions, t->id, in->index);
    if (!it->append.partition) {
        refuse(it, OD_NOT_LEADER_OR_FOLLOWER, NULL);
    } else if (it->append.len == 0) {
        refuse(it, OD_INVALID_RECORD, "a partition without a record batch");
    } else if (is_transactional((struct od_bytes){ it->append.data, it->append.len })) {
        /* As for an id that no coordinator knows. */
        refuse(it, OD_INVALID_PRODUCER_ID_MAPPING, "transactions are not served");
    } else if (it->append.len > (size_t)t->config->max_message_bytes) {
        refuse(it, OD_MESSAGE_TOO_LARGE, "the batch is larger than max.message.bytes");
    } else {
        set_rules(it, node, t->config);
        set_codec(it, t->config);
    }
}

/* Transactional batches without the id that may write them: the whole request is refused. */
static bool lacks_transactional_id(const struct od_produce_req *req)
{
    if (req->transactional_id.data)
        return false;
    for (int32_t i = 0; i < req->topic_data.n; i++)
        for (int32_t j = 0; j < req->topic_data.v[i].partition_data.n; j++) {
            struct od_records r = req->topic_data.v[i].partition_data.v[j].records;

            if (r.len > 0 && is_transactional((struct od_bytes){ r.data, (size_t)r.len }))
                return true;
        }
    return false;
}

static int32_t count_items(const struct od_produce_req *req)
{
    int32_t n = 0;

    for (int32_t i = 0; i < req->topic_data.n; i++)
        n += req->topic_data.v[i].partition_data.n;
    return n;
}

static void resolve_all(struct od_produce *p, enum od_err err, const char *why)
{
    const struct od_produce_req *req = p->call->request;
    struct od_image *image = od_image_acquire(&p->call->shard->node->image);
    struct od_produce_item *it = p->items;

    for (int32_t i = 0; i < req->topic_data.n; i++) {
        const struct od_produce_req_topic *topic = &req->topic_data.v[i];

        for (int32_t j = 0; j < topic->partition_data.n; j++, it++) {
            if (err)
                refuse(it, err, why);
            else
                resolve(p->call, image, topic, &topic->partition_data.v[j], it);
        }
    }
    od_image_unref(image);
}

enum od_done od_handle_produce(struct od_call *call, const struct od_produce_req *req,
                               struct od_produce_rsp *rsp)
{
    struct od_produce *p;

    (void)rsp;
    if (call->header.api_version < VERSION_MIN) {
        od_call_refuse(call, "Produce below version 3 is not supported");
        return OD_DONE;
    }
    p = od_arena_alloc(&call->arena, sizeof(*p));
    p->call = call;
    p->answer = answer;
    p->acks = req->acks;
    p->timeout_ms = req->timeout_ms;
    p->item_count = count_items(req);
    p->items = od_arena_try(&call->arena, sizeof(*p->items) * (size_t)p->item_count);
    if (!p->items) {
        od_call_refuse(call, "more partitions than the memory budget allows");
        return OD_DONE;
    }
    if (req->acks < -1 || req->acks > 1)
        resolve_all(p, OD_INVALID_REQUIRED_ACKS, NULL);
    else if (lacks_transactional_id(req))
        resolve_all(p, OD_TRANSACTIONAL_ID_AUTHORIZATION_FAILED, NULL);
    else
        resolve_all(p, OD_NONE, NULL);
    od_produce_start(p);
    return OD_PENDING;
}
