/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a frame to its handler and back: header, version, decoding, encoding, the chain of an
 * answer.  Nothing here knows an API, except that ApiVersions answers every client.  The external
 * of a records field is a struct od_plog_range.
 */
#include "broker/handlers.h"

#include "base/assert.h"
#include "base/log.h"
#include "base/mem.h"
#include "broker/clients.h"
#include "broker/node.h"
#include "broker/shard.h"
#include "os/file.h"
#include "storage/plog.h"

/* --- the table ------------------------------------------------------------------------------- */

#define OD_API(key, name, version_min)                                                             \
    static enum od_done call_##name(struct od_call *call)                                          \
    {                                                                                              \
        return od_handle_##name(call, call->request, call->response);                              \
    }
#include "broker/apis.def"
#undef OD_API

static const struct {
    int16_t key;
    int16_t version_min;
    enum od_done (*handle)(struct od_call *call);
} rows[] = {
#define OD_API(key, name, version_min) { key, version_min, call_##name },
#include "broker/apis.def"
#undef OD_API
};

bool od_api_row(int index, struct od_api_row *out)
{
    if (index < 0 || index >= OD_API_ROWS)
        return false;
    out->api = od_api_find(rows[index].key);
    out->version_min = rows[index].version_min;
    out->handle = rows[index].handle;
    return true;
}

static bool find_row(int16_t key, struct od_api_row *out)
{
    for (int i = 0; i < OD_API_ROWS; i++)
        if (rows[i].key == key)
            return od_api_row(i, out);
    return false;
}

/* --- answers --------------------------------------------------------------------------------- */

/* One writer: no locked instruction is needed. */
static void count_alive(struct od_shard *shard, int change)
{
    int n = atomic_load_explicit(&shard->calls_alive, memory_order_relaxed);

    atomic_store_explicit(&shard->calls_alive, n + change, memory_order_release);
}

static struct od_call *new_call(struct od_shard *shard, struct od_slice frame)
{
    struct od_call *call = shard->spare_calls;

    od_budget_force(&shard->node->budget, sizeof(*call));
    count_alive(shard, 1);
    if (call) {
        shard->spare_calls = call->next;
        shard->spare_count--;
    } else {
        call = od_alloc(sizeof(*call));
    }
    memset(call, 0, offsetof(struct od_call, memory));
    call->shard = shard;
    call->frame = frame;
    call->arena.budget = &shard->node->budget;
    od_arena_lend(&call->arena, call->memory, sizeof(call->memory));
    return call;
}

static void free_call(struct od_call *call)
{
    struct od_shard *shard = call->shard;

    od_slice_unref(&call->frame);
    od_arena_reset(&call->arena);
    od_budget_give(&shard->node->budget, sizeof(*call));
    count_alive(shard, -1);
    if (shard->spare_count < OD_CALLS_KEPT_MAX) {
        call->next = shard->spare_calls;
        shard->spare_calls = call;
        shard->spare_count++;
    } else {
        od_free(call);
    }
}

void od_calls_free_spare(struct od_shard *shard)
{
    struct od_call *call;

    while ((call = shard->spare_calls)) {
        shard->spare_calls = call->next;
        od_free(call);
    }
}

static void release_range(void *pin)
{
    struct od_plog_range *range = pin;

    od_plog_range_release(range);
    od_free(range);
}

enum { COPIED_BYTES = 4096 }; /* a smaller range is cheaper read than sent from the file */

static void add_range(struct od_chain *chain, const struct od_plog_range *range)
{
    struct od_plog_range *pin;
    uint8_t *copy;
    size_t got = 0;

    if (range->len <= COPIED_BYTES) {
        copy = od_alloc((size_t)range->len);
        if (!od_file_read(range->file, copy, (size_t)range->len, range->pos, &got) &&
            got == (size_t)range->len) {
            od_chain_add_bytes(chain, copy, got);
            pin = (struct od_plog_range *)range;
            od_plog_range_release(pin);
            return;
        }
        od_free(copy);
    }
    pin = OD_NEW(struct od_plog_range);
    *pin = *range;
    od_chain_add_file(chain, pin->file, pin->pos, (size_t)pin->len, release_range, pin);
}

/* The written bytes with the gaps filled by file ranges, in order. */
static void fill_chain(struct od_chain *chain, struct od_buf *buf, const struct od_writer *w)
{
    size_t pos = 0;

    for (int32_t i = 0; i < w->gap_count; i++) {
        const struct od_gap *gap = &w->gaps[i];

        if (gap->pos > pos)
            od_chain_add_slice(chain, od_slice_ref(buf, buf->data + pos, gap->pos - pos));
        pos = gap->pos;
        add_range(chain, gap->external);
    }
    if (od_writer_len(w) > pos)
        od_chain_add_slice(chain, od_slice_ref(buf, buf->data + pos, od_writer_len(w) - pos));
}

static void send_answer(struct od_call *call)
{
    const struct od_api *api = call->row.api;
    int16_t version = call->header.api_version;
    struct od_size size = { 0 };
    struct od_chain chain = { 0 };
    struct od_writer w;
    struct od_buf *buf;
    enum od_err err = api->response->size(call->response, version, &size);
    size_t head = od_frame_response_bytes(api, version);

    OD_ASSERT(!err);
    buf = od_buf_new(head + size.wire - size.gaps, NULL); /* charged by the connection */
    OD_ASSERT(buf);
    w = od_writer_of(buf->data, buf->size);
    w.gap_capacity = call->gap_count;
    w.gaps = od_arena_alloc(&call->arena, sizeof(*w.gaps) * (size_t)w.gap_capacity);
    od_frame_write_response(&w, api, version, call->header.correlation_id);
    err = api->response->encode(&w, version, call->response);
    OD_ASSERT(!err && od_writer_len(&w) == buf->size);
    fill_chain(&chain, buf, &w);
    od_buf_unref(buf);
    od_reply_send(call->reply, &chain);
}

void od_call_finish(struct od_call *call)
{
    struct od_conn *conn = od_reply_conn(call->reply);

    if (call->close && conn)
        od_conn_close(conn);
    if (call->close || call->unanswered)
        od_reply_skip(call->reply);
    else
        send_answer(call);
    free_call(call);
}

void od_call_refuse(struct od_call *call, const char *why)
{
    struct od_conn *conn = od_reply_conn(call->reply);

    od_log(OD_LOG_WARN, "broker", "closing the connection of %s:%d: %s version %d: %s",
           conn ? od_conn_peer(conn)->host : "?", conn ? od_conn_peer(conn)->port : 0,
           call->row.api->name, call->header.api_version, why);
    call->close = true;
}

void od_call_grow(struct od_call *call, void *list, int32_t n, size_t element_bytes)
{
    void **v = list;
    void *wider;

    if (n > 0 && (n & (n - 1)))
        return; /* grows at powers of two */
    wider = od_arena_alloc(&call->arena, (size_t)(n ? n * 2 : 1) * element_bytes);
    if (n)
        memcpy(wider, *v, (size_t)n * element_bytes);
    *v = wider;
}

void od_call_endpoint(const struct od_call *call, struct od_str *host, int32_t *port)
{
    const struct od_config *config = &call->shard->node->config;
    struct od_conn *conn = od_reply_conn(call->reply);
    struct od_address *local;

    *host = OD_STR("");
    *port = -1;
    if (!conn)
        return;
    if (config->advertised_count > 0) {
        const struct od_endpoint *e = od_conn_listener(conn);

        for (int i = 0; i < config->advertised_count; i++)
            if (!strcmp(config->advertised[i].name, e->name)) {
                *host = od_str_of(config->advertised[i].host);
                *port = config->advertised[i].port;
                return;
            }
    }
    local = od_arena_alloc((struct od_arena *)&call->arena, sizeof(*local));
    od_conn_local(conn, local);
    *host = od_str_of(local->host);
    *port = local->port;
}

/* --- requests -------------------------------------------------------------------------------- */

static void log_refused(const struct od_call *call, const struct od_conn *conn, const char *why)
{
    od_log(OD_LOG_WARN, "broker",
           "closing the connection of %s:%d: request of api %d version %d, %s",
           od_conn_peer(conn)->host, od_conn_peer(conn)->port, call->header.api_key,
           call->header.api_version, why);
}

/* KIP-511: any version is answered in the layout of version 0, with the range that is known. */
static void answer_unknown_api_versions(struct od_call *call)
{
    struct od_api_versions_rsp *rsp = call->response;

    call->header.api_version = 0;
    rsp->error_code = OD_UNSUPPORTED_VERSION;
    OD_ARENA_LIST(&call->arena, rsp->api_keys, 1);
    rsp->api_keys.v[0].api_key = call->row.api->key;
    rsp->api_keys.v[0].min_version = call->row.version_min;
    rsp->api_keys.v[0].max_version = call->row.api->version_max;
    od_call_finish(call);
}

/* Bytes after the message are ignored, as by Kafka: librdkafka 2.12 sends some with Metadata. */
static const char *decode(struct od_call *call, struct od_reader *r)
{
    const struct od_codec *codec = call->row.api->request;
    enum od_err err;

    call->request = od_arena_try(&call->arena, codec->shape->bytes);
    if (!call->request)
        return od_err_text(OD_E_NO_MEMORY);
    err = codec->decode(r, call->header.api_version, &call->arena, call->request);
    return err ? od_err_text(err) : NULL;
}

/* Finds the row and makes the response; false: the connection is to be closed, as was logged. */
static bool begin(struct od_call *call, struct od_reader *r, struct od_conn *conn)
{
    enum od_err err = od_frame_read_request(r, &call->header);
    const struct od_codec *response;

    if (!find_row(call->header.api_key, &call->row)) {
        log_refused(call, conn, "which is not served");
        return false;
    }
    if (err && err != OD_UNSUPPORTED_VERSION) {
        log_refused(call, conn, od_err_text(err));
        return false;
    }
    od_client_note(conn, call->header.api_key, call->header.api_version, call->header.client_id);
    response = call->row.api->response;
    call->response = od_arena_alloc(&call->arena, response->shape->bytes);
    response->shape->defaults(call->response);
    return true;
}

static void run(struct od_call *call, struct od_reader *r, struct od_conn *conn)
{
    const struct od_api *api = call->row.api;
    const char *why;

    call->reply = od_conn_expect(conn);
    if (call->header.api_version < call->row.version_min ||
        call->header.api_version > api->version_max) {
        if (call->row.handle == call_api_versions) {
            answer_unknown_api_versions(call);
            return;
        }
        why = "a version that is not served";
    } else {
        why = decode(call, r);
    }
    if (why) {
        log_refused(call, conn, why);
        call->close = true;
        od_call_finish(call);
        return;
    }
    od_reactor_call(call->shard->reactor, api->name);
    if (call->row.handle(call) == OD_DONE)
        od_call_finish(call);
}

enum od_verdict od_call_begin(struct od_shard *shard, struct od_conn *conn, struct od_slice frame)
{
    struct od_call *call = new_call(shard, frame);
    struct od_reader r = od_reader_of(frame.data, frame.len);

    if (!begin(call, &r, conn)) {
        free_call(call);
        return OD_VERDICT_CLOSE;
    }
    run(call, &r, conn);
    return OD_VERDICT_GO_ON;
}
