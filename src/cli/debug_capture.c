/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Follows TCP connections through a capture: bytes become frames, requests are remembered by
 * correlation id so that their responses can be read.
 */
#include "cli/debug_capture.h"

#include "base/be.h"
#include "base/mem.h"
#include "cli/pcap.h"
#include "wire/api/api_versions.h"
#include "wire/frame.h"

#include <arpa/inet.h>

enum {
    CONNECTIONS_MAX = 4096,       /* more are not followed */
    PENDING_MAX = 1024,           /* requests without an answer, such as Produce with acks 0 */
    FRAME_BYTES_MAX = 128 << 20,  /* above any broker's limit: not Kafka */
    END_TEXT_BYTES = 64,
};

struct stream {
    uint32_t next_seq;
    bool closed; /* bytes are missing, or it is not Kafka */
    uint8_t *bytes;
    size_t len, capacity;
};

struct asked {
    int32_t correlation_id;
    int16_t version;
    const struct od_api *api; /* NULL: answered */
};

struct connection {
    struct od_pcap_end client, server;
    struct stream requests, responses;
    struct asked asked[PENDING_MAX]; /* a ring */
    uint32_t asked_count;
};

struct follower {
    struct connection **connections;
    int32_t count;
    enum od_print_form form;
    FILE *out;
};

static bool same_end(const struct od_pcap_end *a, const struct od_pcap_end *b)
{
    return a->port == b->port && a->v6 == b->v6 &&
           memcmp(a->address, b->address, sizeof(a->address)) == 0;
}

static void end_text(const struct od_pcap_end *e, char out[END_TEXT_BYTES])
{
    char address[INET6_ADDRSTRLEN];

    inet_ntop(e->v6 ? AF_INET6 : AF_INET, e->address, address, sizeof(address));
    snprintf(out, END_TEXT_BYTES, e->v6 ? "[%s]:%d" : "%s:%d", address, e->port);
}

/* --- messages -------------------------------------------------------------------------------- */

static void remark(struct follower *f, const struct connection *c, const char *text)
{
    char client[END_TEXT_BYTES];

    end_text(&c->client, client);
    fprintf(f->out, f->form == OD_PRINT_JSON ? "{\"client\":\"%s\",\"remark\":\"%s\"}\n"
                                             : "%s: %s\n", client, text);
}

static void print(struct follower *f, const struct connection *c, const struct asked *about,
                  const struct od_codec *codec, struct od_reader *r)
{
    struct od_arena arena = { 0 };
    struct od_text text = { 0 };
    void *message = od_arena_alloc(&arena, codec->shape->bytes);
    const char *kind = codec->kind == OD_CODEC_REQUEST ? "request" : "response";
    char client[END_TEXT_BYTES];
    enum od_err err = codec->decode(r, about->version, &arena, message);

    end_text(&c->client, client);
    if (!err)
        od_print_message(codec, message, about->version, f->form, &text);
    if (f->form == OD_PRINT_JSON)
        fprintf(f->out,
                "{\"client\":\"%s\",\"kind\":\"%s\",\"api\":\"%s\",\"version\":%d,"
                "\"correlation_id\":%d,\"message\":%.*s}\n",
                client, kind, about->api->name, about->version, about->correlation_id,
                err ? 4 : (int)text.len - 1, err ? "null" : od_text_get(&text));
    else
        fprintf(f->out, "%s %s %s version %d correlation %d\n%s\n", client, kind,
                about->api->name, about->version, about->correlation_id, od_text_get(&text));
    if (err)
        remark(f, c, od_err_text(err));
    else if (od_reader_left(r) > 0)
        remark(f, c, "bytes are left over");
    od_text_reset(&text);
    od_arena_reset(&arena);
}

static void on_request(struct follower *f, struct connection *c, const uint8_t *data, size_t len)
{
    struct od_reader r = od_reader_of(data, len);
    struct od_request_frame head;
    struct asked *asked;

    if (od_frame_read_request(&r, &head)) {
        remark(f, c, "not a request");
        c->requests.closed = true;
        return;
    }
    asked = &c->asked[c->asked_count++ % PENDING_MAX];
    *asked = (struct asked) { head.correlation_id, head.api_version, head.api };
    print(f, c, asked, head.api->request, &r);
}

static struct asked *find_asked(struct connection *c, int32_t correlation_id)
{
    for (int i = 0; i < PENDING_MAX; i++)
        if (c->asked[i].api && c->asked[i].correlation_id == correlation_id)
            return &c->asked[i];
    return NULL;
}

static void on_response(struct follower *f, struct connection *c, const uint8_t *data, size_t len)
{
    struct od_reader r = od_reader_of(data, len);
    struct asked *asked = find_asked(c, od_read_i32(&r));

    if (!asked) {
        remark(f, c, "a response to no request that was seen");
        return;
    }
    if (od_frame_response_version(asked->api, asked->version) == 1)
        od_tags_skip(&r);
    /* A version of ApiVersions that the broker lacks is answered in the layout of version 0. */
    if (asked->api->key == OD_api_versions_KEY && od_reader_left(&r) >= 2 &&
        od_be16_load(r.p) == OD_UNSUPPORTED_VERSION)
        asked->version = 0;
    print(f, c, asked, asked->api->response, &r);
    asked->api = NULL;
}

/* --- streams --------------------------------------------------------------------------------- */

static void append(struct stream *s, const uint8_t *data, size_t len)
{
    if (s->len + len > s->capacity) {
        s->capacity = 2 * (s->len + len);
        s->bytes = od_realloc(s->bytes, s->capacity);
    }
    memcpy(s->bytes + s->len, data, len);
    s->len += len;
}

static void take_frames(struct follower *f, struct connection *c, struct stream *s)
{
    size_t pos = 0;

    while (s->len - pos >= 4 && !s->closed) {
        size_t len = od_be32_load(s->bytes + pos);

        if (len > FRAME_BYTES_MAX) {
            remark(f, c, "not a frame");
            s->closed = true;
        } else if (s->len - pos - 4 < len) {
            break;
        } else if (s == &c->requests) {
            on_request(f, c, s->bytes + pos + 4, len);
        } else {
            on_response(f, c, s->bytes + pos + 4, len);
        }
        pos += 4 + len;
    }
    if (s->closed)
        pos = s->len;
    s->len -= pos;
    if (pos > 0)
        memmove(s->bytes, s->bytes + pos, s->len);
}

/* What came before is sent again sometimes; what comes too early means that bytes are missing. */
static void on_data(struct follower *f, struct connection *c, struct stream *s,
                    const struct od_pcap_segment *seg)
{
    uint32_t known = s->next_seq - seg->seq;

    if (s->closed || seg->len == 0)
        return;
    if ((int32_t)known < 0) {
        remark(f, c, s == &c->requests ? "bytes of requests are missing"
                                       : "bytes of responses are missing");
        s->closed = true;
        return;
    }
    if (known >= seg->len)
        return;
    append(s, seg->data + known, seg->len - known);
    s->next_seq += (uint32_t)(seg->len - known);
    take_frames(f, c, s);
}

/* --- connections ----------------------------------------------------------------------------- */

static struct connection *find(const struct follower *f, const struct od_pcap_end *client,
                               const struct od_pcap_end *server)
{
    /* From the newest: a port is used again. */
    for (int32_t i = f->count - 1; i >= 0; i--)
        if (same_end(&f->connections[i]->client, client) &&
            same_end(&f->connections[i]->server, server))
            return f->connections[i];
    return NULL;
}

static void on_segment(struct follower *f, const struct od_pcap_segment *seg)
{
    struct connection *c;

    if (seg->syn && !seg->ack) {
        if (f->count == CONNECTIONS_MAX)
            return;
        c = find(f, &seg->from, &seg->to);
        if (c && c->requests.next_seq == seg->seq + 1)
            return; /* sent again */
        c = OD_NEW(struct connection);
        c->client = seg->from;
        c->server = seg->to;
        c->requests.next_seq = seg->seq + 1;
        f->connections[f->count++] = c;
    } else if ((c = find(f, &seg->from, &seg->to))) {
        on_data(f, c, &c->requests, seg);
    } else if ((c = find(f, &seg->to, &seg->from))) {
        if (seg->syn)
            c->responses.next_seq = seg->seq + 1;
        else
            on_data(f, c, &c->responses, seg);
    }
}

enum od_err od_cli_debug_capture(const uint8_t *data, size_t len, enum od_print_form form,
                                 FILE *out)
{
    struct follower f = { .form = form, .out = out };
    struct od_pcap capture;
    struct od_pcap_segment seg;
    enum od_err err = od_pcap_open(&capture, data, len);

    if (err)
        return err;
    f.connections = od_alloc(CONNECTIONS_MAX * sizeof(struct connection *));
    while (od_pcap_next(&capture, &seg))
        on_segment(&f, &seg);
    for (int32_t i = 0; i < f.count; i++) {
        od_free(f.connections[i]->requests.bytes);
        od_free(f.connections[i]->responses.bytes);
        od_free(f.connections[i]);
    }
    od_free(f.connections);
    return OD_NONE;
}
