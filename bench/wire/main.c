/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Codec speed: decode, size and encode of messages as they come, in ns per field and GB/s.  A field
 * is one value on the wire; lists count by their elements.  The best of several rounds is shown.
 *
 * wire [FILE]: FILE holds what another library took for the same bytes, and rows get its figures.
 * wire --dump: the messages themselves, lines NAME|KEY|VERSION|request or response|HEX.
 */
#include "base/arena.h"
#include "base/mem.h"
#include "fail.h"
#include "wire/api/fetch.h"
#include "wire/api/metadata.h"
#include "wire/api/produce.h"
#include "wire/rows.h"

#include <stdio.h>
#include <time.h>

enum { ROUNDS = 20, ROUND_NS = 10000000 };

struct sample {
    const char *what;
    const struct od_codec *codec;
    int16_t version;
    void *message;
};

static int64_t now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

static int64_t count_struct(const struct od_shape *shape, const uint8_t *object, int16_t version);

static int64_t count_field(const struct od_field *f, const uint8_t *at, int16_t version)
{
    struct od_any_list list;
    const void *target = at;
    int64_t n = 1;

    if (f->list) {
        memcpy(&list, at, sizeof(list));
        if (f->type != OD_FIELD_STRUCT)
            return 1 + (list.n > 0 ? list.n : 0);
        for (int32_t i = 0; i < list.n; i++)
            n += count_struct(f->shape, (uint8_t *)list.v + (size_t)i * f->shape->bytes, version);
        return n;
    }
    if (f->type != OD_FIELD_STRUCT)
        return 1;
    if (f->nullable)
        memcpy(&target, at, sizeof(target));
    return target ? count_struct(f->shape, target, version) : 1;
}

/* Tagged fields are left out: here they hold their defaults. */
static int64_t count_struct(const struct od_shape *shape, const uint8_t *object, int16_t version)
{
    int64_t n = 0;

    for (uint32_t i = 0; i < shape->field_count; i++) {
        const struct od_field *f = &shape->fields[i];

        if (f->tag < 0 && version >= f->version_min && version <= f->version_max)
            n += count_field(f, object + f->pos, version);
    }
    return n;
}

static void *make_produce(struct od_arena *a, int32_t partitions, size_t record_bytes)
{
    struct od_produce_req *m = od_arena_alloc(a, sizeof(*m));
    uint8_t *records = od_arena_alloc(a, record_bytes);

    od_produce_req_defaults(m);
    OD_ARENA_LIST(a, m->topic_data, 1);
    m->topic_data.v[0].name = OD_STR("orders");
    OD_ARENA_LIST(a, m->topic_data.v[0].partition_data, partitions);
    for (int32_t i = 0; i < partitions; i++)
        m->topic_data.v[0].partition_data.v[i] = (struct od_produce_req_partition) {
            .index = i, .records = {records, (int64_t)record_bytes, NULL}};
    return m;
}

static void *make_fetch(struct od_arena *a, int32_t partitions)
{
    struct od_fetch_req *m = od_arena_alloc(a, sizeof(*m));

    od_fetch_req_defaults(m);
    OD_ARENA_LIST(a, m->topics, 1);
    m->topics.v[0].topic = OD_STR("orders");
    OD_ARENA_LIST(a, m->topics.v[0].partitions, partitions);
    for (int32_t i = 0; i < partitions; i++) {
        struct od_fetch_req_partition *p = &m->topics.v[0].partitions.v[i];

        od_fetch_req_partition_defaults(p);
        p->partition = i;
        p->partition_max_bytes = 1 << 20;
    }
    return m;
}

static void *make_fetch_answer(struct od_arena *a, int32_t partitions)
{
    struct od_fetch_rsp *m = od_arena_alloc(a, sizeof(*m));

    od_fetch_rsp_defaults(m);
    OD_ARENA_LIST(a, m->responses, 1);
    m->responses.v[0].topic = OD_STR("orders");
    OD_ARENA_LIST(a, m->responses.v[0].partitions, partitions);
    for (int32_t i = 0; i < partitions; i++) {
        struct od_fetch_rsp_partition *p = &m->responses.v[0].partitions.v[i];

        od_fetch_rsp_partition_defaults(p);
        p->partition_index = i;
        p->aborted_transactions.n = -1;
    }
    return m;
}

static void *make_metadata(struct od_arena *a, int32_t topics, int32_t partitions)
{
    struct od_metadata_rsp *m = od_arena_alloc(a, sizeof(*m));

    od_metadata_rsp_defaults(m);
    OD_ARENA_LIST(a, m->topics, topics);
    for (int32_t t = 0; t < topics; t++) {
        struct od_metadata_rsp_topic *topic = &m->topics.v[t];

        od_metadata_rsp_topic_defaults(topic);
        topic->name = OD_STR("a-topic-of-usual-length");
        OD_ARENA_LIST(a, topic->partitions, partitions);
        for (int32_t i = 0; i < partitions; i++) {
            struct od_metadata_rsp_partition *p = &topic->partitions.v[i];

            od_metadata_rsp_partition_defaults(p);
            p->partition_index = i;
            OD_ARENA_LIST(a, p->replica_nodes, 3);
            OD_ARENA_LIST(a, p->isr_nodes, 3);
        }
    }
    return m;
}

double bench_best_ns(void (*call)(void *context), void *context)
{
    double best = 1e18;
    int64_t calls = 1;

    for (int round = 0; round < ROUNDS; round++) {
        int64_t start = now_ns(), took;

        for (int64_t i = 0; i < calls; i++)
            call(context);
        took = now_ns() - start;
        if ((double)took / (double)calls < best)
            best = (double)took / (double)calls;
        if (took < ROUND_NS)
            calls *= 2;
    }
    return best;
}

struct run {
    const struct sample *sample;
    uint8_t *bytes;
    size_t len;
    void *out;
};

static void decode(void *context)
{
    struct run *run = context;
    const struct sample *s = run->sample;
    struct od_arena arena = {0};
    struct od_reader r = od_reader_of(run->bytes, run->len);

    if (s->codec->decode(&r, s->version, &arena, run->out))
        od_fail("%s does not decode", s->what);
    od_arena_reset(&arena);
}

static void encode(void *context)
{
    struct run *run = context;
    const struct sample *s = run->sample;
    struct od_size size;
    struct od_writer w;

    if (s->codec->size(s->message, s->version, &size))
        od_fail("%s has no size", s->what);
    w = od_writer_of(run->bytes, size.wire);
    if (s->codec->encode(&w, s->version, s->message))
        od_fail("%s does not encode", s->what);
}

static void encode_sample(const struct sample *s, struct run *run)
{
    struct od_size size;

    *run = (struct run) {.sample = s};
    if (s->codec->size(s->message, s->version, &size))
        od_fail("%s has no size", s->what);
    run->len = size.wire;
    run->bytes = od_alloc(size.wire);
    run->out = od_alloc(s->codec->shape->bytes);
    encode(run);
}

static void free_run(struct run *run)
{
    od_free(run->bytes);
    od_free(run->out);
}

static void dump(const struct sample *s)
{
    struct run run;

    encode_sample(s, &run);
    printf("%s|%d|%d|%s|", s->what, s->codec->key, s->version,
           s->codec->kind == OD_CODEC_REQUEST ? "request" : "response");
    for (size_t i = 0; i < run.len; i++)
        printf("%02x", run.bytes[i]);
    putchar('\n');
    free_run(&run);
}

static void show(const struct sample *s, const char *beside)
{
    struct run run;
    struct bench_beside theirs;
    double fields, encode_ns, decode_ns, len;

    encode_sample(s, &run);
    len = (double)run.len;
    fields = (double)count_struct(s->codec->shape, s->message, s->version);
    encode_ns = bench_best_ns(encode, &run);
    decode_ns = bench_best_ns(decode, &run);
    printf("%-34s %8zu %7.0f %9.0f %7.2f %7.2f %9.0f %7.2f %7.2f\n", s->what, run.len, fields,
           decode_ns, decode_ns / fields, len / decode_ns, encode_ns, encode_ns / fields,
           len / encode_ns);
    if (beside && bench_beside_find(beside, s->what, run.len, &theirs))
        printf("%-34s %8s %7s %9.0f %7.2f %7.2f %9.0f %7.2f %7.2f   ratio %.2f, %.2f\n",
               "  franz-go's kmsg", "", "", theirs.decode_ns, theirs.decode_ns / fields,
               len / theirs.decode_ns, theirs.encode_ns, theirs.encode_ns / fields,
               len / theirs.encode_ns, theirs.decode_ns / decode_ns, theirs.encode_ns / encode_ns);
    free_run(&run);
}

int main(int argc, char **argv)
{
    struct od_arena a = {0};
    const struct sample samples[] = {
        {"produce 9, 1 partition, 1 KiB", &od_produce_req_codec, 9, make_produce(&a, 1, 1024)},
        {"produce 9, 100 partitions, 1 KiB", &od_produce_req_codec, 9, make_produce(&a, 100, 1024)},
        {"fetch 12, 1 partition", &od_fetch_req_codec, 12, make_fetch(&a, 1)},
        {"fetch 12, 1000 partitions", &od_fetch_req_codec, 12, make_fetch(&a, 1000)},
        {"fetch answer 12, 1000 partitions", &od_fetch_rsp_codec, 12, make_fetch_answer(&a, 1000)},
        {"metadata answer 9, 100 x 10", &od_metadata_rsp_codec, 9, make_metadata(&a, 100, 10)},
    };
    bool dumping = argc > 1 && strcmp(argv[1], "--dump") == 0;

    if (!dumping)
        printf("%-34s %8s %7s | decode ns, ns/field, GB/s | encode with size: the same\n",
               "message", "bytes", "fields");
    for (size_t i = 0; i < OD_COUNT(samples); i++) {
        if (dumping)
            dump(&samples[i]);
        else
            show(&samples[i], argc > 1 ? argv[1] : NULL);
    }
    if (!dumping)
        bench_validate();
    od_arena_reset(&a);
    return 0;
}
