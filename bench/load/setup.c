/* SPDX-License-Identifier: Apache-2.0 */
/* Blocking conversation over one connection that prepares a measurement. */
#include "load/setup.h"

#include "base/be.h"
#include "base/crc32c.h"
#include "base/mem.h"
#include "fail.h"
#include "load/batch.h"
#include "load/engine.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    LENGTH_BYTES = 4,
    ANSWER_BYTES_MAX = 64 << 20,
    TOPIC_ALREADY_EXISTS = 36,
    FILL_BYTES_IN_FLIGHT = 4 << 20,
    FILL_BATCHES_IN_FLIGHT = 256,
};

static void send_frame(int fd, const uint8_t *frame, size_t len)
{
    while (len > 0) {
        ssize_t n = send(fd, frame, len, MSG_NOSIGNAL);

        if (n < 0)
            od_fail("send while preparing");
        frame += n;
        len -= (size_t)n;
    }
}

static void receive_bytes(int fd, uint8_t *bytes, size_t len)
{
    ssize_t n = recv(fd, bytes, len, MSG_WAITALL);

    if (n == (ssize_t)len)
        return;
    errno = n < 0 ? errno : 0;
    od_fail("the server closed the connection while preparing");
}

/* A whole answer; the caller frees its data. */
static struct od_bytes receive_answer(int fd)
{
    uint8_t length[LENGTH_BYTES];
    uint32_t rest;
    uint8_t *frame;

    receive_bytes(fd, length, LENGTH_BYTES);
    rest = od_be32_load(length);
    errno = 0;
    if (rest > ANSWER_BYTES_MAX)
        od_fail("an answer of %u bytes", rest);
    frame = od_alloc(LENGTH_BYTES + (size_t)rest);
    memcpy(frame, length, LENGTH_BYTES);
    receive_bytes(fd, frame + LENGTH_BYTES, rest);
    return (struct od_bytes) {frame, LENGTH_BYTES + (size_t)rest};
}

static void expect(bool understood, const struct od_kafka_answer *answer, const char *what)
{
    errno = 0;
    if (!understood)
        od_fail("%s: the answer cannot be understood", what);
    if (answer->error && answer->error != TOPIC_ALREADY_EXISTS)
        od_fail("%s: error code %d", what, answer->error);
}

static void make_topic(int fd, const struct od_script *script)
{
    uint8_t frame[OD_KAFKA_ENVELOPE_MAX];
    struct od_writer w = od_writer_of(frame, sizeof(frame));
    struct od_kafka_answer answer;
    struct od_bytes bytes;

    od_kafka_put_api_versions(&w, 1);
    send_frame(fd, frame, od_writer_len(&w));
    bytes = receive_answer(fd);
    expect(od_kafka_get_api_versions(bytes, &answer), &answer, "ApiVersions");
    od_free((void *)bytes.data);

    w = od_writer_of(frame, sizeof(frame));
    od_kafka_put_create_topic(&w, 2, script->settings.topic, (int32_t)script->settings.lanes);
    send_frame(fd, frame, od_writer_len(&w));
    bytes = receive_answer(fd);
    expect(od_kafka_get_create_topic(bytes, &answer), &answer, "CreateTopics");
    od_free((void *)bytes.data);
}

static void receive_produced(int fd, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        struct od_bytes bytes = receive_answer(fd);
        struct od_kafka_answer answer;

        expect(od_kafka_get_produce(bytes, &answer), &answer, "Produce");
        od_free((void *)bytes.data);
    }
}

static void fill_lane(int fd, const struct od_script *script, uint32_t lane_index)
{
    const struct od_script_settings *s = &script->settings;
    struct od_kafka_lane lane = {s->topic, (int32_t)lane_index};
    struct od_bytes batch = {script->batch, s->batch_bytes};
    size_t room = OD_KAFKA_ENVELOPE_MAX + s->batch_bytes;
    uint8_t *frame = od_alloc(room);
    struct od_writer w = od_writer_of(frame, room);
    uint32_t at_once = FILL_BYTES_IN_FLIGHT / s->batch_bytes;
    uint32_t left = s->lane_batches;

    od_kafka_put_produce(&w, 3, &lane, 1, batch);
    at_once = at_once > FILL_BATCHES_IN_FLIGHT ? FILL_BATCHES_IN_FLIGHT : at_once;
    while (left > 0) {
        uint32_t n = left < at_once ? left : at_once;

        for (uint32_t i = 0; i < n; i++)
            send_frame(fd, frame, od_writer_len(&w));
        receive_produced(fd, n);
        left -= n;
    }
    od_free(frame);
}

/* The first answer of lane 0 must be exactly the batches that were produced. */
static void check_records(int fd, const struct od_script *script)
{
    struct od_script_cursor cursor;
    struct od_bytes answer;
    const uint8_t *batch;
    uint32_t len = script->settings.batch_bytes;
    uint32_t after_crc = OD_BATCH_CRC_AT + 4;

    od_script_begin(script, 0, &cursor);
    od_script_prepare(script, &cursor, 0);
    send_frame(fd, cursor.ring, script->frame_bytes);
    answer = receive_answer(fd);
    errno = 0;
    if (od_script_check(script, &cursor, 0, answer, (uint32_t)answer.len) < 0)
        od_fail("fetch: not the %u bytes from offset 0 that were asked for",
                script->settings.answer_bytes);
    /* The records are followed by three tag sections. */
    batch = answer.data + answer.len - 3 - script->settings.answer_bytes;
    for (uint32_t pos = 0; pos < script->settings.answer_bytes; pos += len)
        if (od_crc32c(batch + pos + after_crc, len - after_crc) != script->batch_crc)
            od_fail("fetch: a batch came back damaged");
    od_free((void *)answer.data);
    od_script_end(&cursor);
}

void od_setup_run(int port, const struct od_script *script)
{
    int fd = od_engine_connect(port);

    make_topic(fd, script);
    if (script->settings.work == OD_SCRIPT_FETCH) {
        for (uint32_t lane = 0; lane < script->settings.lanes; lane++)
            fill_lane(fd, script, lane);
        check_records(fd, script);
    }
    close(fd);
}
