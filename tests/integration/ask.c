/* SPDX-License-Identifier: Apache-2.0 */
/* Short forms of what most tests say through a raw client. */
#include "ask.h"

#include "base/mem.h"
#include "os/clock.h"

#include <unistd.h>

int64_t now_ms(void)
{
    return od_clock_mono_ns() / 1000000;
}

void took_at_most(int64_t start_ms, int64_t ms)
{
    assert_in_range(now_ms() - start_ms, 0, ms);
}

/* --- batches ------------------------------------------------------------------------------- */

struct batch batch_planned(const struct batch_plan *plan)
{
    struct od_batch_header h = od_batch_plain(0, -1);
    struct od_batch_builder builder;
    struct batch b = { .len = 0 };
    char key[16], value[BATCH_BYTES_MAX / 2];

    od_batch_begin(&builder, b.data, sizeof(b.data), &h);
    for (int i = 0; i < plan->count; i++) {
        struct od_bytes k = { (uint8_t *)key, (size_t)snprintf(key, sizeof(key), "k%d", i) };
        struct od_bytes v = { (uint8_t *)value, 0 };

        v.len = (size_t)snprintf(value, sizeof(value), "value %d ", i);
        if (plan->value_bytes > 0) {
            memset(value + v.len, 'a' + i % 26, (size_t)plan->value_bytes);
            v.len = (size_t)plan->value_bytes;
        }
        od_batch_add(&builder, plan->timestamp + i * plan->step,
                     plan->keyless ? (struct od_bytes){ NULL, 0 } : k, v, NULL, 0);
    }
    CHECK_OK(od_batch_end(&builder, &b.len));
    return b;
}

struct batch batch_of(int count)
{
    return batch_planned(&(struct batch_plan){ .count = count, .timestamp = od_clock_wall_ms() });
}

struct od_batch_header batch_header(const struct batch *b)
{
    struct od_batch_header h;

    CHECK_OK(od_batch_parse(b->data, b->len, &h));
    return h;
}

struct batch batch_packed(const struct batch *plain, enum od_compress codec)
{
    struct batch b = { .len = 0 };

    CHECK_OK(od_batch_repack(codec, 0, (struct od_bytes){ plain->data, plain->len }, b.data,
                             sizeof(b.data), &b.len));
    return b;
}

/* Java's stream: a magic, version 1, compatible from 1, then blocks with their length. */
struct batch batch_packed_xerial(const struct batch *plain)
{
    static const uint8_t magic[16] = {
        0x82, 'S', 'N', 'A', 'P', 'P', 'Y', 0, 0, 0, 0, 1, 0, 0, 0, 1
    };
    struct batch b = batch_packed(plain, OD_COMPRESS_SNAPPY);
    struct od_batch_header h = batch_header(&b);
    size_t raw = b.len - OD_BATCH_HEADER_BYTES;
    uint8_t *p = b.data + OD_BATCH_HEADER_BYTES;

    memmove(p + sizeof(magic) + 4, p, raw);
    memcpy(p, magic, sizeof(magic));
    od_be32_store(p + sizeof(magic), (uint32_t)raw);
    b.len += sizeof(magic) + 4;
    h.length = (int32_t)(b.len - OD_BATCH_PREFIX_BYTES);
    od_batch_seal(b.data, &h);
    return b;
}

struct batch batch_of_producer(const struct batch *b, int64_t producer_id, int16_t epoch,
                               int32_t sequence)
{
    struct od_batch_header h = batch_header(b);

    h.producer_id = producer_id;
    h.producer_epoch = epoch;
    h.base_sequence = sequence;
    return batch_with_header(b, &h);
}

struct batch batch_with_header(const struct batch *b, const struct od_batch_header *h)
{
    struct batch changed = *b;

    od_batch_seal(changed.data, h);
    return changed;
}

bool batch_is(struct od_records records, const struct batch *b, int64_t base_offset,
              int32_t leader_epoch)
{
    struct batch expected = *b;

    od_batch_set_base_offset(expected.data, base_offset);
    od_batch_set_leader_epoch(expected.data, leader_epoch);
    return records.len == (int64_t)b->len && memcmp(records.data, expected.data, b->len) == 0;
}

int batch_count(struct od_records records)
{
    const uint8_t *p = records.data;
    size_t left = records.len > 0 ? (size_t)records.len : 0;
    struct od_batch_header h;
    int n = 0;

    for (; left > 0; n++, p += od_batch_bytes(&h), left -= od_batch_bytes(&h))
        if (od_batch_parse(p, left, &h) || od_batch_bytes(&h) > left || od_batch_check(p, &h))
            return -1;
    return n;
}

/* --- topics -------------------------------------------------------------------------------- */

enum { SETTINGS_MAX = 4 };

/* Takes "key=value,..." apart in place. */
static int split_settings(char *text, struct od_create_topics_req_config *out)
{
    int n = 0;

    while (n < SETTINGS_MAX && *text) {
        char *equals = strchr(text, '='), *end = strchr(text, ',');

        *equals = '\0';
        if (end)
            *end = '\0';
        out[n].name = od_str_of(text);
        out[n++].value = od_str_of(equals + 1);
        text = end ? end + 1 : equals + 1 + strlen(equals + 1);
    }
    return n;
}

struct topic ask_create(struct raw *c, const char *stem, int32_t partitions, const char *settings)
{
    static int made;
    struct od_create_topics_req req;
    struct od_create_topics_rsp rsp;
    struct od_create_topics_req_topic topic;
    struct od_create_topics_req_config configs[SETTINGS_MAX];
    struct topic t = { .id = OD_UUID_ZERO };
    char text[256];

    snprintf(t.name, sizeof(t.name), "%s-%d-%d", stem, (int)getpid(), made++);
    snprintf(text, sizeof(text), "%s", settings ? settings : "");
    od_create_topics_req_defaults(&req);
    od_create_topics_req_topic_defaults(&topic);
    topic.name = od_str_of(t.name);
    topic.num_partitions = partitions;
    topic.replication_factor = -1;
    topic.configs.n = split_settings(text, configs);
    topic.configs.v = configs;
    req.topics.n = 1;
    req.topics.v = &topic;
    CHECK_EQ(raw_call(c, OD_create_topics_KEY, OD_create_topics_VERSION_MAX, &req, &rsp),
             RAW_ANSWER);
    CHECK_EQ(rsp.topics.n, 1);
    CHECK_EQ(rsp.topics.v[0].error_code, OD_NONE);
    t.id = rsp.topics.v[0].topic_id;
    return t;
}

bool ask_topic(struct raw *c, const char *name, struct od_metadata_rsp_topic *out)
{
    struct od_metadata_req_topic topic;
    struct od_metadata_req req;
    struct od_metadata_rsp rsp;

    od_metadata_req_defaults(&req);
    od_metadata_req_topic_defaults(&topic);
    topic.name = od_str_of(name);
    req.topics.n = 1;
    req.topics.v = &topic;
    req.allow_auto_topic_creation = false;
    CHECK_EQ(raw_call(c, OD_metadata_KEY, OD_metadata_VERSION_MAX, &req, &rsp), RAW_ANSWER);
    CHECK_EQ(rsp.topics.n, 1);
    *out = rsp.topics.v[0];
    for (int32_t i = 0; i < out->partitions.n; i++)
        if (out->partitions.v[i].error_code || out->partitions.v[i].leader_id < 0)
            return false;
    return out->error_code == OD_NONE;
}

/* --- produce ------------------------------------------------------------------------------- */

const struct od_produce_req *produce_one(struct produce_one *p, const struct topic *t,
                                         int32_t partition, int16_t acks, const void *data,
                                         size_t len)
{
    od_produce_req_defaults(&p->req);
    od_produce_req_topic_defaults(&p->topic);
    p->partition = (struct od_produce_req_partition){
        .index = partition,
        .records = { .data = data, .len = (int64_t)len },
    };
    p->topic.name = od_str_of(t->name);
    p->topic.topic_id = t->id;
    p->topic.partition_data.n = 1;
    p->topic.partition_data.v = &p->partition;
    p->req.acks = acks;
    p->req.timeout_ms = RAW_PATIENCE_MS;
    p->req.topic_data.n = 1;
    p->req.topic_data.v = &p->topic;
    return &p->req;
}

struct od_produce_rsp_partition ask_produce_version(struct raw *c, int16_t version,
                                                    const struct topic *t, int32_t partition,
                                                    int16_t acks, const struct batch *b)
{
    struct produce_one one;
    struct od_produce_rsp rsp;

    produce_one(&one, t, partition, acks, b->data, b->len);
    CHECK_EQ(raw_call(c, OD_produce_KEY, version, &one.req, &rsp), RAW_ANSWER);
    CHECK_EQ(rsp.responses.n, 1);
    CHECK_EQ(rsp.responses.v[0].partition_responses.n, 1);
    CHECK_EQ(rsp.responses.v[0].partition_responses.v[0].index, partition);
    return rsp.responses.v[0].partition_responses.v[0];
}

struct od_produce_rsp_partition ask_produce(struct raw *c, const struct topic *t, int32_t partition,
                                            const struct batch *b)
{
    return ask_produce_version(c, OD_produce_VERSION_MAX, t, partition, -1, b);
}

/* --- fetch --------------------------------------------------------------------------------- */

struct fetch_plan fetch_at(int64_t offset)
{
    return (struct fetch_plan){
        .version = OD_fetch_VERSION_MAX,
        .offset = offset,
        .epoch = -1,
        .min_bytes = 1,
        .max_bytes = 50 << 20,
        .partition_max_bytes = 1 << 20,
    };
}

const struct od_fetch_req *fetch_one(struct fetch_one *f, const struct topic *t,
                                     const struct fetch_plan *plan)
{
    od_fetch_req_defaults(&f->req);
    od_fetch_req_topic_defaults(&f->topic);
    od_fetch_req_partition_defaults(&f->partition);
    f->partition.partition = plan->partition;
    f->partition.fetch_offset = plan->offset;
    f->partition.current_leader_epoch = plan->epoch;
    f->partition.partition_max_bytes = plan->partition_max_bytes;
    f->topic.topic = od_str_of(t->name);
    f->topic.topic_id = t->id;
    f->topic.partitions.n = 1;
    f->topic.partitions.v = &f->partition;
    f->req.max_wait_ms = plan->max_wait_ms;
    f->req.min_bytes = plan->min_bytes;
    f->req.max_bytes = plan->max_bytes;
    f->req.isolation_level = plan->isolation;
    f->req.topics.n = 1;
    f->req.topics.v = &f->topic;
    return &f->req;
}

struct od_fetch_rsp_partition fetch_only(const struct od_fetch_rsp *rsp)
{
    CHECK_EQ(rsp->error_code, OD_NONE);
    CHECK_EQ(rsp->responses.n, 1);
    CHECK_EQ(rsp->responses.v[0].partitions.n, 1);
    return rsp->responses.v[0].partitions.v[0];
}

struct od_fetch_rsp_partition ask_fetch(struct raw *c, const struct topic *t,
                                        const struct fetch_plan *plan)
{
    struct fetch_one one;
    struct od_fetch_rsp rsp;

    fetch_one(&one, t, plan);
    CHECK_EQ(raw_call(c, OD_fetch_KEY, plan->version, &one.req, &rsp), RAW_ANSWER);
    return fetch_only(&rsp);
}

/* --- offsets ------------------------------------------------------------------------------- */

struct od_list_offsets_rsp_partition ask_offset(struct raw *c, int16_t version,
                                                const struct topic *t, int32_t partition,
                                                int64_t timestamp)
{
    struct od_list_offsets_req_partition p;
    struct od_list_offsets_req_topic topic = { .name = od_str_of(t->name),
                                               .partitions = { .n = 1, .v = &p } };
    struct od_list_offsets_req req;
    struct od_list_offsets_rsp rsp;

    od_list_offsets_req_defaults(&req);
    od_list_offsets_req_partition_defaults(&p);
    p.partition_index = partition;
    p.timestamp = timestamp;
    req.replica_id = -1;
    req.topics.n = 1;
    req.topics.v = &topic;
    CHECK_EQ(raw_call(c, OD_list_offsets_KEY, version ? version : OD_list_offsets_VERSION_MAX, &req,
                      &rsp),
             RAW_ANSWER);
    CHECK_EQ(rsp.topics.n, 1);
    CHECK_EQ(rsp.topics.v[0].partitions.n, 1);
    CHECK_EQ(rsp.topics.v[0].partitions.v[0].partition_index, partition);
    return rsp.topics.v[0].partitions.v[0];
}

int64_t ask_end(struct raw *c, const struct topic *t)
{
    return ask_offset(c, 0, t, 0, -1).offset;
}
