/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Properties of every message in every version, over messages made at random from their shapes
 * (fixed seed) and over damaged encodings of them.
 */
#include "base/mem.h"
#include "test.h"
#include "wire/api/fetch.h"
#include "wire/api/find_coordinator.h"
#include "wire/api/metadata.h"
#include "wire/print.h"
#include "wire/records/partition_change_record.h"
#include "wire/records/topic_record.h"

#include <string.h>

enum { LIST_MAX = 3, TEXT_MAX = 12, MESSAGE_BYTES_MAX = 1 << 16 };

struct maker {
    uint64_t state;
    int16_t version;
    struct od_arena *arena;
};

static uint64_t draw(struct maker *m, uint64_t below)
{
    m->state ^= m->state << 13;
    m->state ^= m->state >> 7;
    m->state ^= m->state << 17;
    return m->state % below;
}

static bool null_allowed(const struct maker *m, const struct od_field *f)
{
    return f->nullable && m->version >= f->null_min && m->version <= f->null_max;
}

static void *make_bytes(struct maker *m, size_t *len)
{
    uint8_t *p;

    *len = draw(m, TEXT_MAX + 1);
    p = od_arena_alloc(m->arena, *len + 1);
    for (size_t i = 0; i < *len; i++)
        p[i] = (uint8_t)draw(m, 256);
    return p;
}

static void make_struct(struct maker *m, const struct od_shape *shape, uint8_t *out);

static void make_scalar(struct maker *m, const struct od_field *f, bool null, void *at)
{
    static const size_t bytes[] = {1, 1, 2, 4, 8, 2, 4, 8, 0, 0, 0, 16};
    size_t len;
    void *data;

    switch ((enum od_field_type)f->type) {
    case OD_FIELD_BOOL:
        *(bool *)at = draw(m, 2);
        return;
    case OD_FIELD_STRING:
        data = null ? NULL : make_bytes(m, &len);
        *(struct od_str *)at = data ? (struct od_str) {data, len} : OD_STR_NULL;
        return;
    case OD_FIELD_BYTES:
        data = null ? NULL : make_bytes(m, &len);
        *(struct od_bytes *)at = (struct od_bytes) {data, data ? len : 0};
        return;
    case OD_FIELD_RECORDS:
        data = null ? NULL : make_bytes(m, &len);
        *(struct od_records *)at = (struct od_records) {data, data ? (int64_t)len : -1, NULL};
        return;
    case OD_FIELD_STRUCT:
        make_struct(m, f->shape, at);
        return;
    default:
        for (size_t i = 0; i < bytes[f->type]; i++)
            ((uint8_t *)at)[i] = (uint8_t)draw(m, 256);
    }
}

static size_t elem_bytes(const struct od_field *f)
{
    static const size_t bytes[] = {1, 1, 2, 4, 8, 2, 4, 8, sizeof(struct od_str), 0, 0, 16};

    return f->type == OD_FIELD_STRUCT ? f->shape->bytes : bytes[f->type];
}

static void make_list(struct maker *m, const struct od_field *f, bool null, uint8_t *at)
{
    struct od_any_list list = {null ? -1 : (int32_t)draw(m, LIST_MAX + 1), NULL};

    if (list.n > 0)
        list.v = od_arena_alloc(m->arena, (size_t)list.n * elem_bytes(f));
    for (int32_t i = 0; i < list.n; i++)
        make_scalar(m, f, false, (uint8_t *)list.v + (size_t)i * elem_bytes(f));
    memcpy(at, &list, sizeof(list));
}

static void make_field(struct maker *m, const struct od_field *f, uint8_t *at)
{
    bool null = null_allowed(m, f) && draw(m, 3) == 0;
    void *object;

    if (f->list) {
        make_list(m, f, null, at);
    } else if (f->type == OD_FIELD_STRUCT && f->nullable) {
        object = null ? NULL : od_arena_alloc(m->arena, f->shape->bytes);
        if (object)
            make_struct(m, f->shape, object);
        memcpy(at, &object, sizeof(object));
    } else {
        make_scalar(m, f, null, at);
    }
}

static void make_struct(struct maker *m, const struct od_shape *shape, uint8_t *out)
{
    shape->defaults(out);
    for (uint32_t i = 0; i < shape->field_count; i++) {
        const struct od_field *f = &shape->fields[i];

        if (m->version < f->version_min || m->version > f->version_max)
            continue;
        if (f->tag < 0 || draw(m, 2) == 0)
            make_field(m, f, out + f->pos);
    }
}

/* The length of the message's encoding; every way to size and write it must agree. */
static size_t encode(const struct od_codec *c, int16_t version, const void *message, uint8_t *out)
{
    struct od_size size;
    struct od_writer w;

    CHECK_OK(c->size(message, version, &size));
    CHECK(size.wire <= MESSAGE_BYTES_MAX);
    CHECK_EQ(size.gaps, 0);
    w = od_writer_of(out, size.wire);
    CHECK_OK(c->encode(&w, version, message));
    CHECK_EQ(od_writer_len(&w), size.wire);
    if (size.wire > 0) {
        w = od_writer_of(out, size.wire - 1);
        CHECK_EQ(c->encode(&w, version, message), OD_E_FULL);
        w = od_writer_of(out, size.wire);
        CHECK_OK(c->encode(&w, version, message));
    }
    return size.wire;
}

static enum od_err decode(const struct od_codec *c, int16_t version, struct od_arena *arena,
                          const uint8_t *data, size_t len, void *message)
{
    /* A copy of just this length, so that a sanitizer sees one byte too many. */
    uint8_t *exact = od_arena_alloc(arena, len + 1);
    struct od_reader r;
    enum od_err err;

    memcpy(exact, data, len);
    r = od_reader_of(exact, len);
    err = c->decode(&r, version, arena, message);
    if (!err)
        CHECK_EQ(od_reader_left(&r), 0);
    return err;
}

static void for_each_message(void (*check)(const struct od_codec *c, int16_t version,
                                           struct maker *m, const uint8_t *data, size_t len))
{
    static uint8_t data[MESSAGE_BYTES_MAX];

    for (int32_t i = 0; i < od_codec_count; i++) {
        const struct od_codec *c = od_codecs[i];

        for (int16_t v = c->version_min; v <= c->version_max; v++) {
            for (int round = 0; round < 3; round++) {
                struct od_arena arena = {0};
                struct maker m = {
                    .state = 88172645463325252ull + (uint64_t)round, .version = v, .arena = &arena};
                void *message = od_arena_alloc(&arena, c->shape->bytes);

                make_struct(&m, c->shape, message);
                check(c, v, &m, data, encode(c, v, message, data));
                od_arena_reset(&arena);
            }
        }
    }
}

static void check_round_trip(const struct od_codec *c, int16_t version, struct maker *m,
                             const uint8_t *data, size_t len)
{
    static uint8_t again[MESSAGE_BYTES_MAX];
    void *message = od_arena_alloc(m->arena, c->shape->bytes);

    CHECK_OK(decode(c, version, m->arena, data, len, message));
    CHECK_EQ(encode(c, version, message, again), len);
    CHECK_MEM(again, data, len);
}

TEST(what_is_encoded_decodes_and_encodes_to_the_same_bytes)
{
    for_each_message(check_round_trip);
}

static void check_truncations(const struct od_codec *c, int16_t version, struct maker *m,
                              const uint8_t *data, size_t len)
{
    void *message = od_arena_alloc(m->arena, c->shape->bytes);
    size_t step = len / 64 + 1;

    for (size_t cut = 0; cut < len; cut += cut + 8 < len && cut > 8 ? step : 1)
        CHECK(decode(c, version, m->arena, data, cut, message) != OD_NONE);
}

TEST(every_truncation_is_refused)
{
    for_each_message(check_truncations);
}

/* Damaged bytes either fail or reach a fixpoint after one pass. */
static void check_damage(const struct od_codec *c, int16_t version, struct maker *m,
                         const uint8_t *data, size_t len)
{
    static uint8_t damaged[MESSAGE_BYTES_MAX], first[MESSAGE_BYTES_MAX], second[MESSAGE_BYTES_MAX];
    void *message = od_arena_alloc(m->arena, c->shape->bytes);

    for (int round = 0; len > 0 && round < 20; round++) {
        struct od_reader r;
        size_t n;

        memcpy(damaged, data, len);
        damaged[draw(m, len)] = (uint8_t)draw(m, 256);
        r = od_reader_of(damaged, len);
        if (c->decode(&r, version, m->arena, message))
            continue;
        n = encode(c, version, message, first);
        CHECK_OK(decode(c, version, m->arena, first, n, message));
        CHECK_EQ(encode(c, version, message, second), n);
        CHECK_MEM(first, second, n);
    }
}

TEST(what_decodes_from_damaged_bytes_reaches_a_fixpoint)
{
    for_each_message(check_damage);
}

static void check_print(const struct od_codec *c, int16_t version, struct maker *m,
                        const uint8_t *data, size_t len)
{
    void *message = od_arena_alloc(m->arena, c->shape->bytes);
    struct od_text text = {0};
    int depth = 0;

    CHECK_OK(decode(c, version, m->arena, data, len, message));
    od_print_message(c, message, version, OD_PRINT_JSON, &text);
    for (const char *p = od_text_get(&text); *p; p++) {
        if (*p == '"') {
            for (p++; *p != '"'; p++)
                p += *p == '\\';
        }
        depth += (*p == '{' || *p == '[') - (*p == '}' || *p == ']');
        CHECK(depth >= 0 && (depth > 0 || p[1] == '\n' || *p == '\n'));
    }
    CHECK_EQ(depth, 0);
    od_text_reset(&text);
}

TEST(json_closes_everything_it_opens)
{
    for_each_message(check_print);
}

TEST(unknown_versions_are_refused_everywhere)
{
    for (int32_t i = 0; i < od_codec_count; i++) {
        const struct od_codec *c = od_codecs[i];
        struct od_arena arena = {0};
        void *message = od_arena_alloc(&arena, c->shape->bytes);
        struct od_size size;

        for (int k = 0; k < 2; k++) {
            int16_t version = (int16_t)(k ? c->version_max + 1 : c->version_min - 1);
            struct od_reader r = od_reader_of("", 0);

            CHECK_EQ(c->decode(&r, version, &arena, message), OD_UNSUPPORTED_VERSION);
            CHECK_EQ(c->size(message, version, &size), OD_UNSUPPORTED_VERSION);
        }
        od_arena_reset(&arena);
    }
}

/* --- bytes checked by hand ----------------------------------------------------------------- */

TEST(metadata_keeps_null_and_empty_topics_apart)
{
    static const uint8_t null_v1[] = {0xff, 0xff, 0xff, 0xff}, empty_v1[] = {0, 0, 0, 0};
    struct od_metadata_req req;
    struct od_arena arena = {0};
    struct od_reader r = od_reader_of(null_v1, 4);

    CHECK_OK(od_metadata_req_decode(&r, 1, &arena, &req));
    CHECK_EQ(req.topics.n, -1);
    CHECK(req.allow_auto_topic_creation);
    r = od_reader_of(empty_v1, 4);
    CHECK_OK(od_metadata_req_decode(&r, 1, &arena, &req));
    CHECK_EQ(req.topics.n, 0);
    r = od_reader_of(null_v1, 4);
    CHECK_EQ(od_metadata_req_decode(&r, 0, &arena, &req), OD_E_CORRUPT);
    od_arena_reset(&arena);
}

TEST(a_topic_record_is_these_bytes)
{
    static const uint8_t expected[] = {2, 't', 1,  2,  3,  4,  5,  6,  7, 8,
                                       9, 10,  11, 12, 13, 14, 15, 16, 0};
    struct od_topic_record record;
    uint8_t out[sizeof(expected)];
    struct od_writer w = od_writer_of(out, sizeof(out));

    od_topic_record_defaults(&record);
    record.name = OD_STR("t");
    for (int i = 0; i < 16; i++)
        record.topic_id.bytes[i] = (uint8_t)(i + 1);
    CHECK_OK(od_topic_record_encode(&w, 0, &record));
    CHECK_EQ(od_writer_len(&w), sizeof(expected));
    CHECK_MEM(out, expected, sizeof(expected));
}

TEST(only_changed_fields_of_a_partition_change_are_written_and_unknown_ones_survive)
{
    /* Tags 0 (isr [2, 3]) and 1 (leader 2), then the unknown tag 100 with two bytes. */
    static const uint8_t bytes[] = {0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0,   0, 0, 0,
                                    0, 0, 0, 0, 0, 0, 3, 0, 9, 3, 0,   0, 0, 2,
                                    0, 0, 0, 3, 1, 4, 0, 0, 0, 2, 100, 2, 7, 8};
    struct od_partition_change_record record;
    struct od_arena arena = {0};
    struct od_reader r = od_reader_of(bytes, sizeof(bytes));
    uint8_t out[sizeof(bytes)];
    struct od_writer w = od_writer_of(out, sizeof(out));

    CHECK_OK(od_partition_change_record_decode(&r, 0, &arena, &record));
    CHECK_EQ(record.partition_id, 5);
    CHECK_EQ(record.isr.n, 2);
    CHECK_EQ(record.isr.v[1], 3);
    CHECK_EQ(record.leader, 2);
    CHECK_EQ(record.replicas.n, -1);
    CHECK_EQ(record.unknown_tags.n, 1);
    CHECK_EQ(record.unknown_tags.v[0].tag, 100);
    CHECK_OK(od_partition_change_record_encode(&w, 0, &record));
    CHECK_EQ(od_writer_len(&w), sizeof(bytes));
    CHECK_MEM(out, bytes, sizeof(bytes));
    record.eligible_leader_replicas.n = 0;
    w = od_writer_of(out, sizeof(out));
    CHECK_EQ(od_partition_change_record_encode(&w, 1, &record), OD_UNSUPPORTED_VERSION);
    od_arena_reset(&arena);
}

TEST(a_field_that_the_version_lacks_is_dropped_if_ignorable_and_refused_otherwise)
{
    struct od_find_coordinator_req req;
    struct od_fetch_req fetch;
    struct od_size size;

    od_find_coordinator_req_defaults(&req);
    CHECK_OK(od_find_coordinator_req_size(&req, 0, &size));
    CHECK_EQ(size.wire, 2);
    req.key_type = 1;
    CHECK_EQ(od_find_coordinator_req_size(&req, 0, &size), OD_UNSUPPORTED_VERSION);
    CHECK_OK(od_find_coordinator_req_size(&req, 1, &size));
    req.coordinator_keys.n = 1;
    req.coordinator_keys.v = &OD_STR("g");
    CHECK_EQ(od_find_coordinator_req_size(&req, 3, &size), OD_UNSUPPORTED_VERSION);
    od_fetch_req_defaults(&fetch);
    fetch.rack_id = OD_STR("rack");
    CHECK_OK(od_fetch_req_size(&fetch, 4, &size));
    fetch.replica_state.replica_id = 1;
    CHECK_EQ(od_fetch_req_size(&fetch, 14, &size), OD_UNSUPPORTED_VERSION);
    CHECK_OK(od_fetch_req_size(&fetch, 15, &size));
}

TEST(records_elsewhere_leave_a_gap_that_all_sizes_count)
{
    struct od_fetch_rsp rsp;
    struct od_fetch_rsp_topic topic;
    struct od_fetch_rsp_partition partitions[2];
    struct od_gap gaps[1];
    struct od_size size;
    uint8_t out[512];
    struct od_writer w = od_writer_of(out, sizeof(out));
    int marker;

    od_fetch_rsp_defaults(&rsp);
    od_fetch_rsp_topic_defaults(&topic);
    for (int i = 0; i < 2; i++)
        od_fetch_rsp_partition_defaults(&partitions[i]);
    rsp.responses.n = 1;
    rsp.responses.v = &topic;
    topic.partitions.n = 2;
    topic.partitions.v = partitions;
    partitions[0].records = (struct od_records) {NULL, 1000, &marker};
    partitions[1].records = (struct od_records) {(const uint8_t *)"abc", 3, NULL};
    CHECK_OK(od_fetch_rsp_size(&rsp, 12, &size));
    CHECK_EQ(size.gaps, 1000);
    CHECK_EQ(od_fetch_rsp_encode(&w, 12, &rsp), OD_E_FULL);
    w = od_writer_of(out, size.wire - size.gaps);
    w.gaps = gaps;
    w.gap_capacity = 1;
    CHECK_OK(od_fetch_rsp_encode(&w, 12, &rsp));
    CHECK_EQ(od_writer_len(&w) + 1000, size.wire);
    CHECK_EQ(w.gap_count, 1);
    CHECK_EQ(gaps[0].len, 1000);
    CHECK(gaps[0].external == &marker);
    /* In front of the gap lies its length, 1001 as a varint. */
    CHECK_EQ(out[gaps[0].pos - 2], 0xe9);
    CHECK_EQ(out[gaps[0].pos - 1], 0x07);
}

TEST(a_count_is_refused_when_its_elements_cannot_fit)
{
    /* Fetch 12: 1000 topics claimed, each takes at least 3 bytes. */
    uint8_t bytes[64] = {0};
    struct od_fetch_req req;
    struct od_arena arena = {0};
    struct od_reader r = od_reader_of(bytes, sizeof(bytes));

    bytes[25] = 0xe9;
    bytes[26] = 0x07;
    CHECK_EQ(od_fetch_req_decode(&r, 12, &arena, &req), OD_E_TRUNCATED);
    CHECK(!arena.chunks);
    od_arena_reset(&arena);
}
