/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests of foreign clients, as captured on the wire: header and message decode to the last byte,
 * and what was decoded encodes to the same bytes.
 */
#include "base/mem.h"
#include "test.h"
#include "wire/api/produce.h"
#include "wire/frame.h"
#include "wire/validate.h"

#include <stdio.h>
#include <string.h>

enum { LINE_BYTES = 8192 };

struct capture {
    int key;
    int version;
    uint8_t bytes[LINE_BYTES / 2];
    size_t len;
};

static bool next_capture(FILE *in, struct capture *out)
{
    char line[LINE_BYTES];
    unsigned byte;
    int at;

    do {
        if (!fgets(line, sizeof(line), in))
            return false;
    } while (line[0] == '#');
    CHECK_EQ(sscanf(line, "%d %d %n", &out->key, &out->version, &at), 2);
    out->len = 0;
    for (const char *p = line + at; sscanf(p, "%2x", &byte) == 1; p += 2)
        out->bytes[out->len++] = (uint8_t)byte;
    return true;
}

static int for_each_capture(void (*check)(const struct capture *c))
{
    static const char *const files[] = { "librdkafka", "kafka_python" };
    int n = 0;

    for (size_t i = 0; i < OD_COUNT(files); i++) {
        char path[200];
        struct capture c;
        FILE *in;

        snprintf(path, sizeof(path), "tests/unit/wire/captured/%s.txt", files[i]);
        in = fopen(path, "r");
        CHECK(in != NULL);
        for (; next_capture(in, &c); n++)
            check(&c);
        fclose(in);
    }
    return n;
}

static void check_round_trip(const struct capture *c)
{
    struct od_reader r = od_reader_of(c->bytes, c->len);
    struct od_arena arena = { 0 };
    struct od_request_frame frame;
    struct od_size size;
    uint8_t again[LINE_BYTES / 2];
    struct od_writer w;
    void *message;

    CHECK_OK(od_frame_read_request(&r, &frame));
    CHECK_EQ(frame.api_key, c->key);
    CHECK_EQ(frame.api_version, c->version);
    message = od_arena_alloc(&arena, frame.api->request->shape->bytes);
    CHECK_OK(frame.api->request->decode(&r, frame.api_version, &arena, message));
    CHECK_EQ(od_reader_left(&r), 0);
    CHECK_OK(frame.api->request->size(message, frame.api_version, &size));
    CHECK_EQ(od_frame_request_bytes(&frame) + size.wire, c->len);
    w = od_writer_of(again, c->len);
    od_frame_write_request(&w, &frame);
    CHECK_OK(frame.api->request->encode(&w, frame.api_version, message));
    CHECK_MEM(again, c->bytes, c->len);
    od_arena_reset(&arena);
}

TEST(what_foreign_clients_send_decodes_and_encodes_to_the_same_bytes)
{
    CHECK_EQ(for_each_capture(check_round_trip), 16);
}

static void check_batches(const struct capture *c)
{
    struct od_reader r = od_reader_of(c->bytes, c->len);
    struct od_arena arena = { 0 };
    struct od_request_frame frame;
    struct od_produce_req req;
    const struct od_produce_req_partition *p;
    struct od_validate_rules rules = {
        .compacted = true,
        .timestamp_before_max_ms = INT64_MAX,
        .timestamp_after_max_ms = INT64_MAX,
        .limits = { NULL, 1 << 20 },
    };
    struct od_validate_result result;

    if (c->key != OD_produce_KEY)
        return;
    CHECK_OK(od_frame_read_request(&r, &frame));
    CHECK_OK(od_produce_req_decode(&r, frame.api_version, &arena, &req));
    CHECK_EQ(req.topic_data.n, 1);
    for (int32_t i = 0; i < req.topic_data.v[0].partition_data.n; i++) {
        uint8_t copy[LINE_BYTES / 2];

        p = &req.topic_data.v[0].partition_data.v[i];
        memcpy(copy, p->records.data, (size_t)p->records.len);
        CHECK_OK(od_validate_batch(copy, (size_t)p->records.len, &rules, &result));
        /* These clients leave nothing to correct. */
        CHECK_MEM(copy, p->records.data, (size_t)p->records.len);
    }
    od_arena_reset(&arena);
}

TEST(the_batches_of_foreign_clients_are_valid_as_they_are)
{
    for_each_capture(check_batches);
}
