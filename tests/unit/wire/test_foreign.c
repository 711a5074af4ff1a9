/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages as foreign libraries encode them, in the lowest and highest version of each API: they
 * decode to the last byte, every field arrives, and what was decoded encodes to the same bytes.
 */
#include "base/mem.h"
#include "test.h"
#include "wire/api/stop_replica.h"
#include "wire/api/update_metadata.h"
#include "wire/codec.h"
#include "wire/records/leader_change_message.h"

#include <stdio.h>
#include <string.h>

enum { LINE_BYTES = 4096, LINES_MAX = 2000 };

struct line {
    const struct od_codec *codec;
    int16_t version;
    bool filled; /* every field is set; otherwise the message holds its defaults */
    uint8_t bytes[LINE_BYTES / 2];
    size_t len;
};

static bool next_line(FILE *in, struct line *out)
{
    char text[LINE_BYTES], name[80], kind[8];
    unsigned byte;
    int version, at;

    do {
        if (!fgets(text, sizeof(text), in))
            return false;
    } while (text[0] == '#');
    CHECK_EQ(sscanf(text, "%79s %d %7s %n", name, &version, kind, &at), 3);
    out->codec = od_codec_named(name);
    CHECK(out->codec != NULL);
    out->version = (int16_t)version;
    out->filled = strcmp(kind, "filled") == 0;
    out->len = 0;
    for (const char *p = text + at; sscanf(p, "%2x", &byte) == 1; p += 2)
        out->bytes[out->len++] = (uint8_t)byte;
    return true;
}

static void for_each_line(void (*check)(const struct line *line))
{
    static const char *const files[] = { "kmsg", "kafka_python" };

    for (size_t i = 0; i < OD_COUNT(files); i++) {
        char path[80];
        struct line line;
        FILE *in;

        snprintf(path, sizeof(path), "tests/unit/wire/foreign/%s.txt", files[i]);
        in = fopen(path, "r");
        CHECK(in != NULL);
        while (next_line(in, &line))
            check(&line);
        fclose(in);
    }
}

static void *decode(const struct line *line, struct od_arena *arena)
{
    struct od_reader r = od_reader_of(line->bytes, line->len);
    void *message = od_arena_alloc(arena, line->codec->shape->bytes);

    CHECK_OK(line->codec->decode(&r, line->version, arena, message));
    CHECK_EQ(od_reader_left(&r), 0);
    return message;
}

static void check_round_trip(const struct line *line)
{
    struct od_arena arena = { 0 };
    void *message = decode(line, &arena);
    uint8_t again[LINE_BYTES / 2];
    struct od_writer w = od_writer_of(again, line->len);
    struct od_size size;

    CHECK_OK(line->codec->size(message, line->version, &size));
    CHECK_EQ(size.wire, line->len);
    CHECK_OK(line->codec->encode(&w, line->version, message));
    CHECK_EQ(od_writer_len(&w), line->len);
    CHECK_MEM(again, line->bytes, line->len);
    od_arena_reset(&arena);
}

TEST(what_foreign_libraries_encode_decodes_and_encodes_to_the_same_bytes)
{
    for_each_line(check_round_trip);
}

static void check_truncations(const struct line *line)
{
    for (size_t cut = 0; cut < line->len; cut++) {
        struct od_arena arena = { 0 };
        struct od_reader r = od_reader_of(line->bytes, cut);
        void *message = od_arena_alloc(&arena, line->codec->shape->bytes);

        CHECK(line->codec->decode(&r, line->version, &arena, message) != OD_NONE);
        od_arena_reset(&arena);
    }
}

TEST(every_truncation_of_a_foreign_message_is_refused)
{
    for_each_line(check_truncations);
}

/* --- every field arrives --------------------------------------------------------------------- */

static bool is_filled(const struct od_shape *shape, const uint8_t *object, int16_t version);

enum { OUR_TAGS = 10000 }; /* tags from here on are of our own fields */

/* Our own fields; the one tagged field that it lacks; LeaderChangeMessage's version, its own. */
static bool is_unknown_to_kmsg(const struct od_shape *shape, const struct od_field *f)
{
    if (f->tag >= OUR_TAGS)
        return true;
    return (shape == od_update_metadata_req_codec.shape && strcmp(f->name, "type") == 0) ||
           (shape == od_leader_change_message_codec.shape && strcmp(f->name, "version") == 0);
}

static bool is_set(const struct od_field *f, const uint8_t *at, int16_t version)
{
    static const size_t widths[] = { 1, 1, 2, 4, 8, 2, 4, 8, 0, 0, 0, 16 };
    static const uint8_t zeros[16] = { 0 };
    const void *target = at;
    size_t len;

    switch ((enum od_field_type)f->type) {
    case OD_FIELD_STRING:
        len = ((const struct od_str *)at)->len;
        return len > 0;
    case OD_FIELD_BYTES:
        len = ((const struct od_bytes *)at)->len;
        return len > 0;
    case OD_FIELD_RECORDS:
        return ((const struct od_records *)at)->len > 0;
    case OD_FIELD_STRUCT:
        if (f->nullable && !f->list)
            memcpy(&target, at, sizeof(target));
        return target && is_filled(f->shape, target, version);
    default:
        return memcmp(at, zeros, widths[f->type]) != 0;
    }
}

static bool is_filled(const struct od_shape *shape, const uint8_t *object, int16_t version)
{
    bool filled = true;

    for (uint32_t i = 0; i < shape->field_count; i++) {
        const struct od_field *f = &shape->fields[i];
        const uint8_t *at = object + f->pos;
        struct od_any_list list;

        if (version < f->version_min || version > f->version_max)
            continue;
        if (f->list) {
            memcpy(&list, at, sizeof(list));
            at = list.n > 0 ? list.v : NULL;
        }
        if ((at && is_set(f, at, version)) || is_unknown_to_kmsg(shape, f))
            continue;
        printf("%s %d: %s is not set\n", shape->name, version, f->name);
        filled = false;
    }
    return filled;
}

static void check_filled(const struct line *line)
{
    struct od_arena arena = { 0 };
    const void *message = decode(line, &arena);

    if (line->filled)
        CHECK(is_filled(line->codec->shape, message, line->version));
    od_arena_reset(&arena);
}

TEST(every_field_that_a_foreign_library_sets_arrives)
{
    for_each_line(check_filled);
}

/* --- the file is whole ----------------------------------------------------------------------- */

struct seen {
    const struct od_codec *codec;
    int16_t version;
};

static int read_all(struct seen *out)
{
    FILE *in = fopen("tests/unit/wire/foreign/kmsg.txt", "r");
    struct line line;
    int n = 0;

    CHECK(in != NULL);
    for (; next_line(in, &line); n++) {
        CHECK(n < LINES_MAX);
        out[n] = (struct seen) { line.codec, line.version };
    }
    fclose(in);
    return n;
}

static int count(const struct seen *seen, int n, const struct od_codec *codec, int16_t version)
{
    int found = 0;

    for (int i = 0; i < n; i++)
        found += seen[i].codec == codec && seen[i].version == version;
    return found;
}

/* In StopReplica 4 kmsg has a field in another place than Kafka. */
static int16_t highest_of(const struct od_api *api)
{
    return (int16_t)(api->version_max - (api->key == OD_stop_replica_KEY));
}

TEST(each_api_is_there_in_its_lowest_and_highest_version)
{
    struct seen seen[LINES_MAX];
    int n = read_all(seen);

    for (int32_t i = 0; i < od_api_count; i++) {
        const struct od_api *api = &od_apis[i];

        CHECK_EQ(count(seen, n, api->request, api->version_min), 2);
        CHECK_EQ(count(seen, n, api->request, highest_of(api)), 2);
        CHECK_EQ(count(seen, n, api->response, api->version_min), 2);
        CHECK_EQ(count(seen, n, api->response, api->version_max), 2);
    }
}
