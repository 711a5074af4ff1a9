/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stand-in broker that writes down what clients send: the first request of each API, version and
 * label goes into DIR/<api>.hex, as tests/unit/wire/test_captured.c reads it.  What it advertises
 * can be limited, so that a client shows its older versions too.
 * Usage: recorder DIR LABEL [API=MAX]...   The port is printed on the first line of output.
 */
#include "base/mem.h"
#include "wire/api/api_versions.h"
#include "wire/api/create_topics.h"
#include "wire/api/fetch.h"
#include "wire/api/find_coordinator.h"
#include "wire/api/list_offsets.h"
#include "wire/api/metadata.h"
#include "wire/api/produce.h"
#include "wire/frame.h"

#include <netinet/in.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

enum { FRAME_BYTES_MAX = 1 << 20, LINE_BYTES = 32, PARTITIONS = 4, SELF = 1 };

static struct row {
    int16_t key, min, max;
} rows[] = {
    { OD_produce_KEY, 0, 13 },         { OD_fetch_KEY, 4, 18 },
    { OD_list_offsets_KEY, 0, 11 },    { OD_metadata_KEY, 0, 13 },
    { OD_find_coordinator_KEY, 0, 6 }, { OD_api_versions_KEY, 0, 5 },
    { OD_create_topics_KEY, 0, 7 },
};

static const char *dir, *label;
static int port;
static pthread_mutex_t recording = PTHREAD_MUTEX_INITIALIZER;

/* --- writing down -------------------------------------------------------------------------- */

static void print_hex(FILE *f, const uint8_t *data, size_t len)
{
    for (size_t i = 0; i < len; i++)
        fprintf(f, "%02x%s", data[i], (i + 1) % LINE_BYTES == 0 || i + 1 == len ? "\n" : "");
}

static void record(const struct od_request_frame *head, const uint8_t *data, size_t len)
{
    char path[512], title[128], line[256];
    bool known = false;
    FILE *f;

    snprintf(path, sizeof(path), "%s/%s.hex", dir, head->api->name);
    snprintf(title, sizeof(title), "version %d%s%s\n", head->api_version, *label ? " " : "", label);
    pthread_mutex_lock(&recording);
    f = fopen(path, "a+");
    if (!f) {
        perror(path);
        exit(1);
    }
    while (!known && fgets(line, sizeof(line), f))
        known = !strcmp(line, title);
    if (!known) {
        fputs(title, f);
        print_hex(f, data, len);
    }
    fclose(f);
    pthread_mutex_unlock(&recording);
}

/* --- answering ----------------------------------------------------------------------------- */

static const struct row *row_of(int16_t key)
{
    for (size_t i = 0; i < OD_COUNT(rows); i++)
        if (rows[i].key == key)
            return &rows[i];
    return NULL;
}

static void answer_api_versions(struct od_arena *arena, struct od_api_versions_rsp *rsp)
{
    OD_ARENA_LIST(arena, rsp->api_keys, OD_COUNT(rows));
    for (int32_t i = 0; i < rsp->api_keys.n; i++)
        rsp->api_keys.v[i] =
            (struct od_api_versions_rsp_api_version){ rows[i].key, rows[i].min, rows[i].max };
}

static void answer_metadata(struct od_arena *arena, const struct od_metadata_req *req,
                            struct od_metadata_rsp *rsp)
{
    OD_ARENA_LIST(arena, rsp->brokers, 1);
    rsp->brokers.v[0].node_id = SELF;
    rsp->brokers.v[0].host = OD_STR("127.0.0.1");
    rsp->brokers.v[0].port = port;
    rsp->controller_id = SELF;
    rsp->cluster_id = OD_STR("recorded");
    OD_ARENA_LIST(arena, rsp->topics, req->topics.n > 0 ? req->topics.n : 0);
    for (int32_t i = 0; i < rsp->topics.n; i++) {
        struct od_metadata_rsp_topic *t = &rsp->topics.v[i];

        od_metadata_rsp_topic_defaults(t);
        t->name = req->topics.v[i].name;
        OD_ARENA_LIST(arena, t->partitions, PARTITIONS);
        for (int32_t p = 0; p < PARTITIONS; p++) {
            od_metadata_rsp_partition_defaults(&t->partitions.v[p]);
            t->partitions.v[p].partition_index = p;
            t->partitions.v[p].leader_id = SELF;
            OD_ARENA_LIST(arena, t->partitions.v[p].replica_nodes, 1);
            OD_ARENA_LIST(arena, t->partitions.v[p].isr_nodes, 1);
            t->partitions.v[p].replica_nodes.v[0] = t->partitions.v[p].isr_nodes.v[0] = SELF;
        }
    }
}

static void answer_produce(struct od_arena *arena, const struct od_produce_req *req,
                           struct od_produce_rsp *rsp)
{
    OD_ARENA_LIST(arena, rsp->responses, req->topic_data.n);
    for (int32_t i = 0; i < rsp->responses.n; i++) {
        rsp->responses.v[i].name = req->topic_data.v[i].name;
        OD_ARENA_LIST(arena, rsp->responses.v[i].partition_responses,
                      req->topic_data.v[i].partition_data.n);
        for (int32_t j = 0; j < rsp->responses.v[i].partition_responses.n; j++) {
            struct od_produce_rsp_partition *p = &rsp->responses.v[i].partition_responses.v[j];

            od_produce_rsp_partition_defaults(p);
            p->index = req->topic_data.v[i].partition_data.v[j].index;
        }
    }
}

/* Every partition is empty. */
static void answer_fetch(struct od_arena *arena, const struct od_fetch_req *req,
                         struct od_fetch_rsp *rsp)
{
    usleep(5000);
    OD_ARENA_LIST(arena, rsp->responses, req->topics.n);
    for (int32_t i = 0; i < rsp->responses.n; i++) {
        rsp->responses.v[i].topic = req->topics.v[i].topic;
        OD_ARENA_LIST(arena, rsp->responses.v[i].partitions, req->topics.v[i].partitions.n);
        for (int32_t j = 0; j < rsp->responses.v[i].partitions.n; j++) {
            struct od_fetch_rsp_partition *p = &rsp->responses.v[i].partitions.v[j];

            od_fetch_rsp_partition_defaults(p);
            p->partition_index = req->topics.v[i].partitions.v[j].partition;
            p->records = (struct od_records){ .data = (const uint8_t *)"" };
        }
    }
}

static void answer_list_offsets(struct od_arena *arena, const struct od_list_offsets_req *req,
                                struct od_list_offsets_rsp *rsp)
{
    OD_ARENA_LIST(arena, rsp->topics, req->topics.n);
    for (int32_t i = 0; i < rsp->topics.n; i++) {
        rsp->topics.v[i].name = req->topics.v[i].name;
        OD_ARENA_LIST(arena, rsp->topics.v[i].partitions, req->topics.v[i].partitions.n);
        for (int32_t j = 0; j < rsp->topics.v[i].partitions.n; j++) {
            struct od_list_offsets_rsp_partition *p = &rsp->topics.v[i].partitions.v[j];

            od_list_offsets_rsp_partition_defaults(p);
            p->partition_index = req->topics.v[i].partitions.v[j].partition_index;
            p->offset = 0;
        }
    }
}

static void answer_create_topics(struct od_arena *arena, const struct od_create_topics_req *req,
                                 struct od_create_topics_rsp *rsp)
{
    OD_ARENA_LIST(arena, rsp->topics, req->topics.n);
    for (int32_t i = 0; i < rsp->topics.n; i++) {
        od_create_topics_rsp_topic_defaults(&rsp->topics.v[i]);
        rsp->topics.v[i].name = req->topics.v[i].name;
    }
}

static void answer(int16_t key, struct od_arena *arena, const void *req, void *rsp)
{
    switch (key) {
    case OD_api_versions_KEY:
        answer_api_versions(arena, rsp);
        break;
    case OD_metadata_KEY:
        answer_metadata(arena, req, rsp);
        break;
    case OD_produce_KEY:
        answer_produce(arena, req, rsp);
        break;
    case OD_fetch_KEY:
        answer_fetch(arena, req, rsp);
        break;
    case OD_list_offsets_KEY:
        answer_list_offsets(arena, req, rsp);
        break;
    case OD_create_topics_KEY:
        answer_create_topics(arena, req, rsp);
        break;
    case OD_find_coordinator_KEY:
        ((struct od_find_coordinator_rsp *)rsp)->error_code = OD_INVALID_REQUEST;
        ((struct od_find_coordinator_rsp *)rsp)->host = OD_STR("");
        break;
    }
}

static bool send_answer(int fd, const struct od_request_frame *head, int16_t version,
                        const void *rsp)
{
    const struct od_codec *codec = head->api->response;
    struct od_size size = { 0 };
    struct od_writer w;
    uint8_t *data;
    size_t len;
    bool sent;

    if (codec->size(rsp, version, &size))
        return false;
    len = 4 + od_frame_response_bytes(head->api, version) + size.wire;
    data = od_alloc(len);
    w = od_writer_of(data, len);
    od_write_i32(&w, (int32_t)len - 4);
    od_frame_write_response(&w, head->api, version, head->correlation_id);
    sent = !codec->encode(&w, version, rsp) && send(fd, data, len, MSG_NOSIGNAL) == (ssize_t)len;
    od_free(data);
    return sent;
}

static bool serve_frame(int fd, const uint8_t *data, size_t len)
{
    struct od_reader r = od_reader_of(data, len);
    struct od_arena arena = { 0 };
    struct od_request_frame head;
    const struct row *row;
    int16_t version;
    void *req, *rsp;
    bool sent = false;

    if (od_frame_read_request(&r, &head) || !(row = row_of(head.api_key)))
        return false;
    record(&head, data, len);
    version = head.api_version;
    req = od_arena_alloc(&arena, head.api->request->shape->bytes);
    rsp = od_arena_alloc(&arena, head.api->response->shape->bytes);
    head.api->response->shape->defaults(rsp);
    if (version > row->max) {
        version = 0;
        ((struct od_api_versions_rsp *)rsp)->error_code = OD_UNSUPPORTED_VERSION;
        if (head.api_key == OD_api_versions_KEY)
            sent = send_answer(fd, &head, version, rsp);
    } else if (!head.api->request->decode(&r, version, &arena, req)) {
        answer(head.api_key, &arena, req, rsp);
        sent = send_answer(fd, &head, version, rsp);
    }
    od_arena_reset(&arena);
    return sent;
}

static void *serve(void *arg)
{
    int fd = (int)(intptr_t)arg;
    uint8_t *data = od_alloc(FRAME_BYTES_MAX), prefix[4];

    while (recv(fd, prefix, sizeof(prefix), MSG_WAITALL) == sizeof(prefix)) {
        size_t len = od_be32_load(prefix);

        if (len > FRAME_BYTES_MAX || recv(fd, data, len, MSG_WAITALL) != (ssize_t)len ||
            !serve_frame(fd, data, len))
            break;
    }
    close(fd);
    od_free(data);
    return NULL;
}

static bool limit(const char *text)
{
    const char *equals = strchr(text, '=');
    const struct od_api *api;
    char name[64];

    if (!equals)
        return false;
    snprintf(name, sizeof(name), "%.*s", (int)(equals - text), text);
    api = od_api_named(name);
    for (size_t i = 0; api && i < OD_COUNT(rows); i++)
        if (rows[i].key == api->key) {
            rows[i].max = (int16_t)strtol(equals + 1, NULL, 10);
            return true;
        }
    return false;
}

int main(int argc, char **argv)
{
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    for (int i = 3; i < argc; i++)
        if (!limit(argv[i]))
            argc = 0;
    if (argc < 3) {
        fprintf(stderr, "usage: recorder DIR LABEL [API=MAX]...\n");
        return 2;
    }
    dir = argv[1];
    label = argv[2];
    if (bind(fd, (struct sockaddr *)&address, len) || listen(fd, 64) ||
        getsockname(fd, (struct sockaddr *)&address, &len)) {
        perror("listen");
        return 1;
    }
    port = ntohs(address.sin_port);
    printf("%d\n", port);
    fflush(stdout);
    for (;;) {
        int client = accept(fd, NULL, NULL);
        pthread_t thread;

        if (client >= 0 && !pthread_create(&thread, NULL, serve, (void *)(intptr_t)client))
            pthread_detach(thread);
    }
}
