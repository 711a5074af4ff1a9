/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests as real clients send them, captured by tests/integration/test_captured.sh: each decodes
 * as a whole and encodes again to the same bytes.  CAPTURED names another folder than the kept one.
 *
 * A file tests/data/wire/<api>.hex has comments, and for each request a line "version N [LABEL]"
 * followed by its bytes without the length prefix, in hexadecimal.
 */
#include "test.h"
#include "wire/api/fetch.h"
#include "wire/api/produce.h"
#include "wire/frame.h"
#include "wire/validate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { REQUEST_BYTES_MAX = 16384, RECORDS = 40 };

struct captured {
    int version;
    char label[32];
    uint8_t data[REQUEST_BYTES_MAX];
    size_t len;
};

static void append_hex(struct captured *c, const char *line)
{
    unsigned byte;

    for (; sscanf(line, "%2x", &byte) == 1; line += 2) {
        CHECK(c->len < sizeof(c->data));
        c->data[c->len++] = (uint8_t)byte;
    }
}

/* The next request of the file; false: there is none.  Leaves the file at the one after it. */
static bool next_captured(FILE *f, struct captured *c)
{
    char line[256];
    long pos;

    *c = (struct captured){ .version = -1 };
    for (pos = ftell(f); fgets(line, sizeof(line), f); pos = ftell(f)) {
        if (line[0] == '#')
            continue;
        if (strncmp(line, "version ", 8) != 0) {
            append_hex(c, line);
            continue;
        }
        if (c->version >= 0) {
            fseek(f, pos, SEEK_SET);
            return true;
        }
        CHECK(sscanf(line, "version %d %31s", &c->version, c->label) >= 1);
    }
    return c->version >= 0;
}

static FILE *open_api(const char *api)
{
    const char *folder = getenv("CAPTURED");
    char path[512];
    FILE *f;

    snprintf(path, sizeof(path), "%s/%s.hex", folder ? folder : "tests/data/wire", api);
    f = fopen(path, "r");
    if (!f)
        fail_msg("%s is missing", path);
    return f;
}

/* Decodes head and message; the message lies in the arena and borrows c. */
static void *decode(const struct captured *c, const char *api, struct od_request_frame *head,
                    struct od_arena *arena)
{
    struct od_reader r = od_reader_of(c->data, c->len);
    void *message;

    CHECK_OK(od_frame_read_request(&r, head));
    CHECK_STR(head->api->name, api);
    CHECK_EQ(head->api_version, c->version);
    CHECK(od_str_is(head->client_id, "rdkafka"));
    message = od_arena_alloc(arena, head->api->request->shape->bytes);
    CHECK_OK(head->api->request->decode(&r, head->api_version, arena, message));
    CHECK_EQ(od_reader_left(&r), 0);
    return message;
}

/* Checks all requests of an API; *lowest and *highest are the versions among them. */
static void same_again(const char *api, int lowest, int highest)
{
    FILE *f = open_api(api);
    int min = INT16_MAX, max = -1;
    struct captured c;

    while (next_captured(f, &c)) {
        static uint8_t again[REQUEST_BYTES_MAX];
        struct od_writer w = od_writer_of(again, sizeof(again));
        struct od_request_frame head;
        struct od_arena arena = { 0 };
        const void *message = decode(&c, api, &head, &arena);
        struct od_size size = { 0 };

        CHECK_OK(head.api->request->size(message, head.api_version, &size));
        CHECK_EQ(od_frame_request_bytes(&head) + size.wire, c.len);
        od_frame_write_request(&w, &head);
        CHECK_OK(head.api->request->encode(&w, head.api_version, message));
        CHECK_EQ(od_writer_len(&w), c.len);
        CHECK_MEM(again, c.data, c.len);
        od_arena_reset(&arena);
        min = c.version < min ? c.version : min;
        max = c.version > max ? c.version : max;
    }
    fclose(f);
    CHECK_EQ(min, lowest);
    CHECK_EQ(max, highest);
}

TEST(requests_of_librdkafka_come_out_as_they_went_in)
{
    same_again("api_versions", 0, 3);
    same_again("metadata", 0, 4);
    same_again("create_topics", 0, 4);
    same_again("produce", 3, 7);
    same_again("fetch", 4, 11);
    same_again("list_offsets", 1, 2);
    same_again("find_coordinator", 0, 2);
}

TEST(batches_of_librdkafka_are_valid_in_every_compression)
{
    struct od_validate_rules rules = {
        .compacted = true, /* all have keys */
        .now_ms = INT64_MAX / 2,
        .timestamp_before_max_ms = INT64_MAX,
        .timestamp_after_max_ms = INT64_MAX,
        .limits = { NULL, 1 << 20 },
    };
    bool seen[OD_COMPRESS_ZSTD + 1] = { false };
    FILE *f = open_api("produce");
    struct captured c;

    while (next_captured(f, &c)) {
        static uint8_t batch[REQUEST_BYTES_MAX];
        struct od_validate_result out;
        struct od_request_frame head;
        struct od_arena arena = { 0 };
        const struct od_produce_req *req = decode(&c, "produce", &head, &arena);
        struct od_records records;

        CHECK_EQ(req->acks, -1);
        CHECK_EQ(req->topic_data.n, 1);
        CHECK(od_str_is(req->topic_data.v[0].name, "captured"));
        CHECK_EQ(req->topic_data.v[0].partition_data.n, 1);
        records = req->topic_data.v[0].partition_data.v[0].records;
        memcpy(batch, records.data, (size_t)records.len);
        CHECK_OK(od_validate_batch(batch, (size_t)records.len, &rules, &out));
        CHECK_EQ(out.header.count, RECORDS);
        CHECK_MEM(batch, records.data, (size_t)records.len); /* nothing had to be put right */
        seen[od_batch_compression(&out.header)] = true;
        od_arena_reset(&arena);
    }
    fclose(f);
    for (int codec = OD_COMPRESS_NONE; codec <= OD_COMPRESS_ZSTD; codec++)
        CHECK(seen[codec]);
}

TEST(a_captured_fetch_says_what_kcat_was_asked_for)
{
    FILE *f = open_api("fetch");
    struct captured c;

    while (next_captured(f, &c)) {
        struct od_request_frame head;
        struct od_arena arena = { 0 };
        const struct od_fetch_req *req = decode(&c, "fetch", &head, &arena);

        CHECK_EQ(req->replica_id, -1);
        CHECK_EQ(req->max_wait_ms, 500);
        CHECK_EQ(req->min_bytes, 1);
        CHECK_EQ(req->isolation_level, 1);
        CHECK_EQ(req->session_epoch, -1);
        CHECK_EQ(req->topics.n, 1);
        CHECK(od_str_is(req->topics.v[0].topic, "captured"));
        CHECK_EQ(req->topics.v[0].partitions.n, 1);
        CHECK_EQ(req->topics.v[0].partitions.v[0].fetch_offset, 0);
        CHECK_EQ(req->topics.v[0].partitions.v[0].current_leader_epoch, -1);
        od_arena_reset(&arena);
    }
    fclose(f);
}
