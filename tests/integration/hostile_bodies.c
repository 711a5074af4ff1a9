/* SPDX-License-Identifier: Apache-2.0 */
/* Attacks on messages: impossible counts, floods of tags, unknown keys, garbage everywhere. */
#include "hostile.h"

#include "base/mem.h"

static const int16_t served[] = { OD_produce_KEY,          OD_fetch_KEY,
                                  OD_list_offsets_KEY,     OD_metadata_KEY,
                                  OD_find_coordinator_KEY, OD_api_versions_KEY,
                                  OD_create_topics_KEY };

/* --- counts and tags ----------------------------------------------------------------------- */

TEST(counts_beyond_what_was_sent_are_refused_before_memory_is_taken)
{
    static const struct {
        int16_t key, version;
        const char *body; /* up to the count, which follows */
        size_t len;
        bool compact;
    } attacks[] = {
        { OD_metadata_KEY, 1, "", 0, false },
        { OD_metadata_KEY, 12, "", 0, true },
        { OD_produce_KEY, 3, "\xff\xff\0\1\0\0\0\1", 8, false },
        { OD_produce_KEY, 13, "\0\0\1\0\0\0\1", 7, true },
        { OD_fetch_KEY, 4, "\xff\xff\xff\xff\0\0\0\1\0\0\0\1\0\0\0\1\0", 17, false },
        { OD_fetch_KEY, 17, "\0\0\0\1\0\0\0\1\0\0\0\1\0\0\0\0\0\xff\xff\xff\xff", 21, true },
        { OD_list_offsets_KEY, 1, "\xff\xff\xff\xff", 4, false },
        { OD_list_offsets_KEY, 7, "\xff\xff\xff\xff\0", 5, true },
        { OD_create_topics_KEY, 2, "", 0, false },
        { OD_create_topics_KEY, 7, "", 0, true },
        { OD_find_coordinator_KEY, 4, "\0", 1, true },
    };
    static const uint8_t classic[] = { 0x7f, 0xff, 0xff, 0xff };
    static const uint8_t compact[] = { 0x80, 0x80, 0x80, 0x80, 0x08 }; /* 2^31: 2^31-1 elements */

    watch_begin();
    for (size_t i = 0; i < OD_COUNT(attacks); i++) {
        struct raw *c = raw_open();
        uint8_t body[64];
        size_t len = attacks[i].len;
        char api[32];

        memcpy(body, attacks[i].body, len);
        if (attacks[i].compact)
            memcpy(body + len, compact, sizeof(compact));
        else
            memcpy(body + len, classic, sizeof(classic));
        len += attacks[i].compact ? sizeof(compact) : sizeof(classic);
        CHECK(raw_send_body(c, attacks[i].key, attacks[i].version, body, len));
        snprintf(api, sizeof(api), "api %d version %d", attacks[i].key, attacks[i].version);
        closed_and_logged(c, api, NULL);
    }
    watch_end();
}

TEST(a_million_and_one_elements_are_too_many_even_when_they_are_there)
{
    enum { COUNT = 1000001 };
    uint8_t *body = od_zalloc(4 + 2 * COUNT); /* empty names */
    struct raw *c;

    watch_begin();
    c = raw_open();
    od_be32_store(body, COUNT);
    CHECK(raw_send_body(c, OD_metadata_KEY, 1, body, 4 + 2 * COUNT));
    closed_and_logged(c, "api 3 version 1", NULL);
    od_free(body);
    watch_end();
}

/* An ApiVersions 3 whose header is followed by these bytes instead of its tagged fields. */
static void tag_attack(const uint8_t *tags, size_t len)
{
    static const uint8_t head[] = { 0, OD_api_versions_KEY, 0, 3, 0, 0, 0, 9, 0, 1, 'x' };
    struct raw *c = raw_open();
    uint8_t *frame = od_alloc(4 + sizeof(head) + len);

    od_be32_store(frame, (uint32_t)(sizeof(head) + len));
    memcpy(frame + 4, head, sizeof(head));
    memcpy(frame + 4 + sizeof(head), tags, len);
    CHECK(raw_write(c, frame, 4 + sizeof(head) + len));
    closed_and_logged(c, "api 18 version 3", NULL);
    od_free(frame);
}

TEST(tagged_fields_are_bounded_in_number_and_length)
{
    enum { TAGS = 10001 };
    static const uint8_t count[] = { 0xff, 0xff, 0xff, 0xff, 0x0f };
    static const uint8_t long_count[] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1 };
    static const uint8_t length[] = { 1, 0, 0xff, 0xff, 0xff, 0xff, 0x0f };
    static const uint8_t falling[] = { 2, 5, 0, 4, 0, 4, 'n', 'a', 'm', 4, '1', '.', '0', 0 };
    uint8_t *many = od_alloc(TAGS * 5 + 2);
    struct od_writer w = od_writer_of(many, TAGS * 5 + 2);

    watch_begin();
    tag_attack(count, sizeof(count));
    tag_attack(long_count, sizeof(long_count));
    tag_attack(length, sizeof(length));
    tag_attack(falling, sizeof(falling));
    od_write_uvarint(&w, TAGS);
    for (uint32_t i = 0; i < TAGS; i++) {
        od_write_uvarint(&w, i + 1);
        od_write_uvarint(&w, 0);
    }
    CHECK_OK(w.err);
    tag_attack(many, od_writer_len(&w));
    od_free(many);
    watch_end();
}

TEST(unknown_keys_and_versions_are_named)
{
    static const struct {
        int16_t key, version;
        const char *phrase;
    } unknown[] = { { 9999, 0, "api 9999 version 0" },
                    { -5, 1, "api -5 version 1" },
                    { OD_fetch_KEY, 99, "api 1 version 99" },
                    { OD_fetch_KEY, 0, "api 1 version 0" },
                    { OD_metadata_KEY, -1, "api 3 version -1" } };

    watch_begin();
    for (size_t i = 0; i < OD_COUNT(unknown); i++) {
        struct raw *c = raw_open();

        CHECK(raw_send_body(c, unknown[i].key, unknown[i].version, "\0\0\0\0\0\0", 6));
        closed_and_logged(c, unknown[i].phrase, NULL);
    }
    watch_end();
}

/* --- garbage ------------------------------------------------------------------------------- */

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

TEST(random_bytes_in_every_version_are_answered_or_refused)
{
    enum { ROUNDS = 6, BODY_BYTES = 200 };
    uint64_t seed = 20240607;

    watch_begin();
    for (size_t i = 0; i < OD_COUNT(served); i++) {
        const struct od_api *api = od_api_find(served[i]);

        for (int16_t version = api->version_min; version <= api->version_max; version++)
            for (int round = 0; round < ROUNDS; round++) {
                struct raw *c = raw_open();
                uint8_t body[BODY_BYTES];
                enum raw_outcome outcome;

                for (size_t j = 0; j < sizeof(body); j++)
                    body[j] = (uint8_t)(next_random(&seed) >> 32);
                CHECK(raw_send_body(c, api->key, version, body,
                                    (size_t)next_random(&seed) % sizeof(body)));
                outcome = raw_read(c, RAW_PATIENCE_MS);
                CHECK(outcome == RAW_CLOSED || outcome == RAW_ANSWER);
                raw_close(c);
            }
    }
    watch_end();
}

/* A good request with some bytes changed behind its header.  A changed Fetch may wait and a changed
 * Produce may want no answer, so silence is fine as long as the broker lives on. */
static void send_mutated(int16_t key, int16_t version, const void *req, uint64_t *state)
{
    enum { HEAD_BYTES = 18 };
    struct raw *c = raw_open();
    size_t len;
    uint8_t *data = raw_encode(key, version, 1, req, &len);
    int changes = 1 + (int)(next_random(state) % 4);

    for (int i = 0; i < changes && len > HEAD_BYTES; i++)
        data[HEAD_BYTES + next_random(state) % (len - HEAD_BYTES)] = (uint8_t)next_random(state);
    raw_write(c, data, len);
    CHECK(raw_read(c, key == OD_fetch_KEY || key == OD_produce_KEY ? 5 : RAW_PATIENCE_MS) !=
          RAW_MALFORMED);
    od_free(data);
    raw_close(c);
}

TEST(good_requests_with_changed_bytes_harm_nobody)
{
    enum { ROUNDS = 40 };
    static const int16_t produce_versions[] = { 3, 8, 13 }, fetch_versions[] = { 4, 11, 18 };
    uint64_t seed = 987654321;
    struct batch b = batch_of(5);
    struct fetch_plan plan = fetch_at(0);
    struct raw *maker;
    struct topic t;

    watch_begin();
    maker = raw_open();
    t = ask_create(maker, "mutated", 1, NULL);
    raw_close(maker);
    for (int round = 0; round < ROUNDS; round++) {
        struct produce_one produce;
        struct fetch_one fetch;
        struct od_api_versions_req versions;

        produce_one(&produce, &t, 0, 1, b.data, b.len);
        send_mutated(OD_produce_KEY, produce_versions[round % 3], &produce.req, &seed);
        fetch_one(&fetch, &t, &plan);
        send_mutated(OD_fetch_KEY, fetch_versions[round % 3], &fetch.req, &seed);
        od_api_versions_req_defaults(&versions);
        versions.client_software_name = versions.client_software_version = OD_STR("x");
        send_mutated(OD_api_versions_KEY, 3, &versions, &seed);
    }
    watch_end();
}
