/* SPDX-License-Identifier: Apache-2.0 */
/* The load generator's requests and the judgement of answers, without a broker. */
#include "load/script.h"

#include "base/be.h"
#include "base/mem.h"
#include "limits/kafka.h"
#include "plain.h"
#include "test.h"

enum { ANSWER_BYTES = 1 << 20 };

static struct od_script script_of(enum od_script_work work, bool plain)
{
    struct od_script script;

    od_script_open(&script, &(struct od_script_settings) {
                                .work = work,
                                .plain = plain,
                                .depth = 3,
                                .lanes = 2,
                                .topic = OD_STR("t"),
                                .batch_bytes = 1000,
                                .value_bytes = 100,
                                .answer_bytes = 2000,
                                .lane_batches = 6,
                                .now_ms = 1700000000000,
                            });
    return script;
}

static void close_script(struct od_script *script)
{
    for (uint32_t i = 0; i < script->settings.lanes; i++)
        od_free(script->rings[i]);
    od_free(script->rings);
    od_free(script->batch);
}

static const uint8_t *slot_of(const struct od_script *script, const struct od_script_cursor *cursor,
                              uint32_t slot)
{
    return cursor->ring + (size_t)slot * script->frame_bytes;
}

/* What the load generator sees of the answer to a slot. */
static int64_t exchange(const struct od_script *script, const struct od_script_cursor *cursor,
                        uint32_t slot, struct od_bytes *kept)
{
    uint8_t *answer = od_alloc(ANSWER_BYTES);
    size_t len = od_limit_kafka_answer(slot_of(script, cursor, slot), script->frame_bytes, answer,
                                       ANSWER_BYTES, kept);
    size_t head = len < OD_KAFKA_HEAD_BYTES ? len : OD_KAFKA_HEAD_BYTES;
    int64_t payload =
        od_script_check(script, cursor, slot, (struct od_bytes) {answer, head}, (uint32_t)len);

    CHECK_EQ(od_be32_load(answer), len - 4);
    od_free(answer);
    return payload;
}

TEST(every_slot_is_a_whole_frame_with_its_index_as_id)
{
    struct od_script script = script_of(OD_SCRIPT_PRODUCE, false);
    struct od_script_cursor cursor;

    od_script_begin(&script, 1, &cursor);
    for (uint32_t slot = 0; slot < 3; slot++) {
        const uint8_t *frame = slot_of(&script, &cursor, slot);

        CHECK_EQ(od_be32_load(frame), script.frame_bytes - 4);
        CHECK_EQ(od_be16_load(frame + 4), 0);
        CHECK_EQ(od_be16_load(frame + 6), 9);
        CHECK_EQ(od_be32_load(frame + 8), slot);
    }
    od_script_end(&cursor);
    close_script(&script);
}

TEST(a_produce_answer_is_accepted_for_its_own_slot_only)
{
    struct od_script script = script_of(OD_SCRIPT_PRODUCE, false);
    struct od_script_cursor cursor;
    struct od_bytes kept = {NULL, 0};
    uint8_t answer[256];
    size_t len;

    od_script_begin(&script, 0, &cursor);
    len = od_limit_kafka_answer(slot_of(&script, &cursor, 1), script.frame_bytes, answer,
                                sizeof(answer), &kept);
    CHECK_EQ(od_script_check(&script, &cursor, 1, (struct od_bytes) {answer, len}, 0), 0);
    CHECK_EQ(od_script_check(&script, &cursor, 2, (struct od_bytes) {answer, len}, 0), -1);
    CHECK_EQ(od_script_check(&script, &cursor, 1, (struct od_bytes) {answer, 20}, 0), -1);
    od_free((void *)kept.data);
    close_script(&script);
}

TEST(an_error_code_in_a_produce_answer_is_seen)
{
    struct od_script script = script_of(OD_SCRIPT_PRODUCE, false);
    struct od_script_cursor cursor;
    struct od_bytes kept = {NULL, 0};
    uint8_t answer[256];
    size_t len;

    od_script_begin(&script, 0, &cursor);
    len = od_limit_kafka_answer(slot_of(&script, &cursor, 0), script.frame_bytes, answer,
                                sizeof(answer), &kept);
    /* length, id, tags, count, "t", count, partition, then the code */
    od_be16_store(answer + 4 + 4 + 1 + 1 + 2 + 1 + 4, 6);
    CHECK_EQ(od_script_check(&script, &cursor, 0, (struct od_bytes) {answer, len}, 0), -1);
    od_free((void *)kept.data);
    close_script(&script);
}

TEST(fetches_walk_their_lane_and_begin_again)
{
    struct od_script produce = script_of(OD_SCRIPT_PRODUCE, false);
    struct od_script fetch = script_of(OD_SCRIPT_FETCH, false);
    struct od_script_cursor cursor;
    struct od_bytes kept = {NULL, 0};
    int64_t step = 2 * (int64_t)fetch.batch_records;

    od_script_begin(&produce, 0, &cursor);
    CHECK_EQ(exchange(&produce, &cursor, 0, &kept), 0);
    od_script_begin(&fetch, 0, &cursor);
    for (uint32_t i = 0; i < 7; i++) {
        uint32_t slot = i % 3;

        od_script_prepare(&fetch, &cursor, slot);
        CHECK_EQ(od_be64_load(slot_of(&fetch, &cursor, slot) + fetch.fetch_offset_at),
                 i % 3 * step);
        CHECK_EQ(exchange(&fetch, &cursor, slot, &kept), 2000);
    }
    od_script_end(&cursor);
    od_free((void *)kept.data);
    close_script(&produce);
    close_script(&fetch);
}

TEST(an_empty_fetch_answer_is_an_error)
{
    struct od_script fetch = script_of(OD_SCRIPT_FETCH, false);
    struct od_script_cursor cursor;
    struct od_bytes nothing = {NULL, 0};

    od_script_begin(&fetch, 0, &cursor);
    od_script_prepare(&fetch, &cursor, 0);
    CHECK_EQ(exchange(&fetch, &cursor, 0, &nothing), -1);
    od_script_end(&cursor);
    close_script(&fetch);
}

TEST(a_plain_produce_frame_has_the_size_and_the_payload_of_kafkas)
{
    struct od_script kafka = script_of(OD_SCRIPT_PRODUCE, false);
    struct od_script plain = script_of(OD_SCRIPT_PRODUCE, true);
    const uint8_t *frame = plain.rings[1];
    uint32_t payload_at = od_be32_load(frame + OD_PLAIN_PAYLOAD_AT);

    CHECK_EQ(plain.frame_bytes, kafka.frame_bytes);
    CHECK_EQ(payload_at, plain.frame_bytes - 1000 - 3);
    CHECK_MEM(frame + payload_at, plain.batch, 1000);
    close_script(&kafka);
    close_script(&plain);
}

TEST(a_plain_answer_with_too_few_bytes_is_an_error)
{
    struct od_script script = script_of(OD_SCRIPT_FETCH, true);
    struct od_script_cursor cursor;
    uint8_t header[OD_PLAIN_FETCH_HEADER_BYTES] = {0};
    struct od_bytes head = {header, sizeof(header)};

    od_script_begin(&script, 0, &cursor);
    od_be32_store(header + OD_PLAIN_ID_AT, 2);
    od_be32_store(header + OD_PLAIN_BODY_AT, 2000);
    CHECK_EQ(od_script_check(&script, &cursor, 2, head, sizeof(header) + 2000), 2000);
    CHECK_EQ(od_script_check(&script, &cursor, 2, head, sizeof(header) + 1999), -1);
    od_be32_store(header + OD_PLAIN_BODY_AT, 1999);
    CHECK_EQ(od_script_check(&script, &cursor, 2, head, sizeof(header) + 1999), -1);
    close_script(&script);
}
