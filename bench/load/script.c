/* SPDX-License-Identifier: Apache-2.0 */
/* Prebuilt requests in both framings, and the check of their answers. */
#include "load/script.h"

#include "base/be.h"
#include "base/mem.h"
#include "fail.h"
#include "load/batch.h"
#include "plain.h"

#include <errno.h>

/* Neighbouring connections start far from each other. */
enum { START_STRIDE = 37 };

static struct od_kafka_lane lane_of(const struct od_script *script, uint32_t lane)
{
    return (struct od_kafka_lane) {script->settings.topic, (int32_t)lane};
}

static void put_kafka(struct od_script *script, struct od_writer *w, uint32_t lane_index,
                      uint32_t slot)
{
    struct od_kafka_lane lane = lane_of(script, lane_index);
    struct od_bytes batch = {script->batch, script->settings.batch_bytes};

    switch (script->settings.work) {
    case OD_SCRIPT_PING:
        od_kafka_put_api_versions(w, (int32_t)slot);
        return;
    case OD_SCRIPT_PRODUCE:
        od_kafka_put_produce(w, (int32_t)slot, &lane, 1, batch);
        return;
    case OD_SCRIPT_FETCH:
        script->fetch_offset_at =
            od_kafka_put_fetch(w, (int32_t)slot, &lane, (int32_t)script->settings.answer_bytes);
        return;
    }
}

/* A produce frame keeps the size and the payload's place that it has in Kafka's framing. */
static void put_plain(struct od_script *script, struct od_writer *w, uint32_t lane, uint32_t slot)
{
    uint8_t *frame = w->start;
    size_t payload_at = 0;

    if (script->settings.work == OD_SCRIPT_PRODUCE) {
        put_kafka(script, w, lane, slot);
        payload_at = od_writer_len(w) - 3 - script->settings.batch_bytes; /* three tag sections */
    } else {
        uint8_t *bytes = od_writer_take(w, OD_PLAIN_FETCH_BYTES);

        memset(bytes, 0, OD_PLAIN_FETCH_BYTES);
    }
    od_be32_store(frame + OD_PLAIN_LENGTH_AT, (uint32_t)od_writer_len(w) - 4);
    od_be32_store(frame + OD_PLAIN_ID_AT, slot);
    od_be32_store(frame + OD_PLAIN_PAYLOAD_AT, (uint32_t)payload_at);
}

static uint8_t *build_ring(struct od_script *script, uint32_t lane)
{
    const struct od_script_settings *s = &script->settings;
    size_t room = OD_KAFKA_ENVELOPE_MAX + s->batch_bytes;
    uint8_t *ring = od_alloc(s->depth * room);
    size_t len = 0;

    for (uint32_t slot = 0; slot < s->depth; slot++) {
        struct od_writer w = od_writer_of(ring + len, room);

        if (s->plain)
            put_plain(script, &w, lane, slot);
        else
            put_kafka(script, &w, lane, slot);
        errno = 0;
        if (w.err != OD_NONE)
            od_fail("a request does not fit into %zu bytes", room);
        len += od_writer_len(&w);
        script->frame_bytes = (uint32_t)od_writer_len(&w);
    }
    return od_realloc(ring, len);
}

void od_script_open(struct od_script *script, const struct od_script_settings *settings)
{
    *script = (struct od_script) {.settings = *settings};
    script->batch = od_alloc(settings->batch_bytes);
    script->batch_records = od_batch_build(script->batch, settings->batch_bytes,
                                           settings->value_bytes, settings->now_ms);
    errno = 0;
    if (script->batch_records == 0)
        od_fail("no batch has exactly %u bytes; take one more", settings->batch_bytes);
    script->batch_crc = od_be32_load(script->batch + OD_BATCH_CRC_AT);
    script->rings = od_zalloc(settings->lanes * sizeof(*script->rings));
    for (uint32_t lane = 0; lane < settings->lanes; lane++)
        script->rings[lane] = build_ring(script, lane);
}

static uint32_t lane_steps(const struct od_script_settings *s)
{
    uint64_t bytes = (uint64_t)s->lane_batches * s->batch_bytes;

    return (uint32_t)(bytes / s->answer_bytes);
}

void od_script_begin(const struct od_script *script, uint32_t conn_index,
                     struct od_script_cursor *cursor)
{
    const struct od_script_settings *s = &script->settings;
    uint8_t *ring = script->rings[conn_index % s->lanes];
    size_t len = (size_t)s->depth * script->frame_bytes;

    *cursor = (struct od_script_cursor) {.ring = ring};
    if (s->plain || s->work != OD_SCRIPT_FETCH)
        return;
    cursor->ring = memcpy(od_alloc(len), ring, len);
    cursor->owns_ring = true;
    cursor->step = conn_index / s->lanes * START_STRIDE % lane_steps(s);
    cursor->expected = od_zalloc(s->depth * sizeof(*cursor->expected));
}

void od_script_end(struct od_script_cursor *cursor)
{
    if (cursor->owns_ring)
        od_free(cursor->ring);
    od_free(cursor->expected);
}

void od_script_prepare(const struct od_script *script, struct od_script_cursor *cursor,
                       uint32_t slot)
{
    const struct od_script_settings *s = &script->settings;
    uint32_t answer_batches;
    int64_t offset;

    if (!cursor->expected)
        return;
    answer_batches = s->answer_bytes / s->batch_bytes;
    offset = (int64_t)cursor->step * answer_batches * script->batch_records;
    cursor->expected[slot] = offset;
    cursor->step = (cursor->step + 1) % lane_steps(s);
    od_be64_store(cursor->ring + (size_t)slot * script->frame_bytes + script->fetch_offset_at,
                  (uint64_t)offset);
}

static int64_t check_plain(const struct od_script_settings *s, uint32_t slot, struct od_bytes head,
                           uint32_t frame_bytes)
{
    uint32_t body;

    if (head.len < OD_PLAIN_HEADER_MIN || od_be32_load(head.data + OD_PLAIN_ID_AT) != slot ||
        od_be32_load(head.data + OD_PLAIN_STATUS_AT) != 0)
        return -1;
    if (s->work != OD_SCRIPT_FETCH)
        return 0;
    body = od_be32_load(head.data + OD_PLAIN_BODY_AT);
    if (body != s->answer_bytes || frame_bytes != OD_PLAIN_FETCH_HEADER_BYTES + body)
        return -1;
    return body;
}

static int64_t check_fetch(const struct od_script *script, const struct od_script_cursor *cursor,
                           uint32_t slot, const struct od_kafka_answer *answer,
                           uint32_t frame_bytes)
{
    if (answer->records_len != script->settings.answer_bytes || answer->records_len > frame_bytes ||
        answer->batch_crc != script->batch_crc || answer->base_offset != cursor->expected[slot])
        return -1;
    return answer->records_len;
}

int64_t od_script_check(const struct od_script *script, const struct od_script_cursor *cursor,
                        uint32_t slot, struct od_bytes head, uint32_t frame_bytes)
{
    const struct od_script_settings *s = &script->settings;
    struct od_kafka_answer answer = {0};
    bool understood = false;

    if (s->plain)
        return check_plain(s, slot, head, frame_bytes);
    switch (s->work) {
    case OD_SCRIPT_PING:
        understood = od_kafka_get_api_versions(head, &answer);
        break;
    case OD_SCRIPT_PRODUCE:
        understood = od_kafka_get_produce(head, &answer);
        break;
    case OD_SCRIPT_FETCH:
        understood = od_kafka_get_fetch(head, &answer);
        break;
    }
    if (!understood || answer.id != (int32_t)slot || answer.error)
        return -1;
    return s->work == OD_SCRIPT_FETCH ? check_fetch(script, cursor, slot, &answer, frame_bytes) : 0;
}
