/* SPDX-License-Identifier: Apache-2.0 */
/* Frames over a simulated socket. */
#include "wire_conn.h"

#include "base/be.h"
#include "base/mem.h"
#include "os/sim/sim.h"

#include <string.h>

enum { READ_BYTES = 64 * 1024, FRAME_BYTES_MAX = 64 << 20 };

static unsigned wait_for(struct wire_conn *c, unsigned want, int64_t deadline_ms)
{
    struct od_poll_event e = { 0 };
    int64_t left_ms = deadline_ms - od_sim_now_ms();

    od_poll_change(c->poll, c->socket, want, c);
    if (left_ms <= 0 || od_poll_wait(c->poll, &e, 1, left_ms) == 0)
        return 0;
    return e.ready;
}

enum od_err wire_open(struct wire_conn *c, const char *host, uint16_t port, int64_t timeout_ms)
{
    int64_t deadline_ms = od_sim_now_ms() + timeout_ms;
    unsigned ready = 0;

    memset(c, 0, sizeof(*c));
    if (od_socket_connect(host, port, &c->socket) != OD_NONE)
        return OD_E_CLOSED;
    OD_SIM_CHECK(od_poll_new(&c->poll) == OD_NONE);
    OD_SIM_CHECK(od_poll_add(c->poll, c->socket, OD_POLL_OUT, c) == OD_NONE);
    while (!ready && od_sim_now_ms() < deadline_ms)
        ready = wait_for(c, OD_POLL_OUT, deadline_ms);
    if (ready && !(ready & OD_POLL_HANGUP))
        return OD_NONE;
    wire_close(c);
    return ready ? OD_E_CLOSED : OD_REQUEST_TIMED_OUT;
}

void wire_close(struct wire_conn *c)
{
    if (!c->socket)
        return;
    od_poll_remove(c->poll, c->socket);
    od_socket_close(c->socket);
    od_poll_free(c->poll);
    od_free(c->in);
    memset(c, 0, sizeof(*c));
}

static enum od_err read_some(struct wire_conn *c)
{
    size_t got;
    enum od_err err;

    if (c->in_capacity - c->in_len < READ_BYTES) {
        c->in_capacity = c->in_len + READ_BYTES * 2;
        c->in = od_realloc(c->in, c->in_capacity);
    }
    err = od_socket_recv(c->socket, c->in + c->in_len, READ_BYTES, &got);
    c->in_len += got;
    return err;
}

static uint8_t *encode(struct wire_conn *c, const struct od_api *api, int16_t version,
                       const void *request, size_t *len)
{
    static const char client_id[] = "model";
    struct od_size size = { 0 };
    bool flexible = version >= api->flexible_min;
    struct od_writer w;
    uint8_t *frame;

    OD_SIM_CHECK(api->request->size(request, version, &size) == OD_NONE);
    *len = 4 + 8 + 2 + sizeof(client_id) - 1 + flexible + size.wire;
    frame = od_alloc(*len);
    w = od_writer_of(frame, *len);
    od_write_i32(&w, (int32_t)(*len - 4));
    od_write_i16(&w, api->key);
    od_write_i16(&w, version);
    od_write_i32(&w, c->next_correlation);
    od_write_str(&w, OD_FORM_CLASSIC | OD_FORM_NULLABLE, od_str_of(client_id));
    if (flexible)
        od_write_i8(&w, 0); /* no tagged fields in the header */
    OD_SIM_CHECK(api->request->encode(&w, version, request) == OD_NONE);
    OD_SIM_CHECK(w.err == OD_NONE && od_writer_len(&w) == *len);
    return frame;
}

static enum od_err send_all(struct wire_conn *c, const uint8_t *data, size_t len,
                            int64_t deadline_ms)
{
    struct od_span span = { data, len };

    while (span.len > 0) {
        size_t sent;
        enum od_err err = od_socket_send(c->socket, &span, 1, false, &sent);
        unsigned ready;

        if (err != OD_NONE && err != OD_E_AGAIN)
            return OD_E_CLOSED;
        span.data = (const uint8_t *)span.data + sent;
        span.len -= sent;
        if (sent > 0)
            continue;
        ready = wait_for(c, OD_POLL_OUT | OD_POLL_IN, deadline_ms);
        if (!ready && od_sim_now_ms() >= deadline_ms)
            return OD_REQUEST_TIMED_OUT;
        /* Answers are taken meanwhile, or both sides might wait for room for ever. */
        if ((ready & OD_POLL_IN) && read_some(c) == OD_E_CLOSED)
            return OD_E_CLOSED;
    }
    return OD_NONE;
}

enum od_err wire_send(struct wire_conn *c, int16_t key, int16_t version, const void *request,
                      bool answered, int64_t timeout_ms)
{
    const struct od_api *api = od_api_find(key);
    size_t len;
    uint8_t *frame;
    enum od_err err;

    OD_SIM_CHECK(c->socket && c->call_count < WIRE_IN_FLIGHT_MAX);
    c->next_correlation++;
    frame = encode(c, api, version, request, &len);
    if (answered)
        c->calls[c->call_count++] = (struct wire_call){ api, version, c->next_correlation };
    err = send_all(c, frame, len, od_sim_now_ms() + timeout_ms);
    od_free(frame);
    return err;
}

/* The length of the whole frame that begins the input; 0: not there yet. */
static size_t whole_frame(const struct wire_conn *c)
{
    uint32_t len;

    if (c->in_len < 4)
        return 0;
    len = od_be32_load(c->in);
    if (len < 4 || len > FRAME_BYTES_MAX)
        od_sim_fail("an answer of %u bytes", len);
    return c->in_len >= 4 + len ? 4 + len : 0;
}

static enum od_err decode(struct wire_conn *c, size_t len, struct od_arena *arena, void *response)
{
    struct wire_call call = c->calls[0];
    struct od_reader r = od_reader_of(c->in + 4, len - 4);
    int32_t correlation = od_read_i32(&r);
    enum od_err err;

    if (correlation != call.correlation)
        od_sim_fail("answer %d, but %d (api %d) is due: order within a connection is broken",
                    correlation, call.correlation, call.api->key);
    memmove(&c->calls[0], &c->calls[1], (size_t)--c->call_count * sizeof(call));
    if (call.version >= call.api->flexible_min && call.api->key != 18)
        od_tags_skip(&r);
    err = call.api->response->decode(&r, call.version, arena, response);
    if (err != OD_NONE || od_reader_left(&r) != 0)
        od_sim_fail("answer of api %d version %d does not decode: %s, %zu bytes left",
                    call.api->key, call.version, od_err_name(err), od_reader_left(&r));
    return OD_NONE;
}

enum od_err wire_receive(struct wire_conn *c, struct od_arena *arena, void *response,
                         int64_t timeout_ms)
{
    int64_t deadline_ms = od_sim_now_ms() + timeout_ms;
    size_t len;

    OD_SIM_CHECK(c->socket && c->call_count > 0);
    c->in_len -= c->in_taken;
    if (c->in_len > 0)
        memmove(c->in, c->in + c->in_taken, c->in_len);
    c->in_taken = 0;
    while ((len = whole_frame(c)) == 0) {
        enum od_err err = read_some(c);

        if (err == OD_E_CLOSED)
            return OD_E_CLOSED;
        if (err == OD_E_AGAIN && !wait_for(c, OD_POLL_IN, deadline_ms) &&
            od_sim_now_ms() >= deadline_ms)
            return OD_REQUEST_TIMED_OUT;
    }
    c->in_taken = len;
    return decode(c, len, arena, response);
}

enum od_err wire_call(struct wire_conn *c, int16_t key, int16_t version, const void *request,
                      struct od_arena *arena, void *response, int64_t timeout_ms)
{
    enum od_err err = wire_send(c, key, version, request, true, timeout_ms);

    OD_SIM_CHECK(c->call_count == 1);
    return err == OD_NONE ? wire_receive(c, arena, response, timeout_ms) : err;
}
