/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A broker that lies: `liar LIE AT` prints its port and answers each connection's first AT requests
 * truthfully, as a broker with the topic "t" of one empty partition, and the next one with the lie.
 */
#include "base/be.h"
#include "base/mem.h"
#include "wire/api/api_versions.h"
#include "wire/api/list_offsets.h"
#include "wire/api/metadata.h"
#include "wire/frame.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { FRAME_BYTES_MAX = 1 << 20, BACKLOG = 8, HALF = 2 };

static uint16_t port;

static bool read_all(int fd, uint8_t *data, size_t len)
{
    for (size_t got = 0; got < len;) {
        ssize_t n = read(fd, data + got, len - got);

        if (n <= 0)
            return false;
        got += (size_t)n;
    }
    return true;
}

static void put(int fd, const void *data, size_t len)
{
    ssize_t n = send(fd, data, len, MSG_NOSIGNAL);

    (void)n; /* who hears a lie may have gone */
}

static size_t true_body(const struct od_request_frame *head, uint8_t *out)
{
    static struct od_api_versions_rsp_api_version served[] = {
        { 0, 3, 13 }, { 1, 4, 18 }, { 2, 1, 11 }, { 3, 0, 13 }, { 18, 0, 5 }, { 19, 0, 7 },
    };
    struct od_writer w = od_writer_of(out, FRAME_BYTES_MAX);
    struct od_api_versions_rsp versions;
    struct od_metadata_rsp metadata;
    struct od_metadata_rsp_broker broker;
    struct od_metadata_rsp_topic topic;
    struct od_metadata_rsp_partition partition;
    struct od_list_offsets_rsp offsets;
    struct od_list_offsets_rsp_topic offset_topic;
    struct od_list_offsets_rsp_partition offset;
    int32_t one = 1;

    od_frame_write_response(&w, head->api, head->api_version, head->correlation_id);
    switch (head->api_key) {
    case OD_api_versions_KEY:
        od_api_versions_rsp_defaults(&versions);
        versions.api_keys.n = OD_COUNT(served);
        versions.api_keys.v = served;
        if (od_api_versions_rsp_encode(&w, head->api_version, &versions))
            exit(1);
        break;
    case OD_list_offsets_KEY:
        od_list_offsets_rsp_defaults(&offsets);
        od_list_offsets_rsp_topic_defaults(&offset_topic);
        od_list_offsets_rsp_partition_defaults(&offset);
        offset.offset = 0;
        offset_topic.name = OD_STR("t");
        offset_topic.partitions.n = offsets.topics.n = 1;
        offset_topic.partitions.v = &offset;
        offsets.topics.v = &offset_topic;
        if (od_list_offsets_rsp_encode(&w, head->api_version, &offsets))
            exit(1);
        break;
    default:
        od_metadata_rsp_defaults(&metadata);
        od_metadata_rsp_broker_defaults(&broker);
        od_metadata_rsp_topic_defaults(&topic);
        od_metadata_rsp_partition_defaults(&partition);
        broker.node_id = partition.leader_id = metadata.controller_id = 1;
        broker.host = OD_STR("127.0.0.1");
        broker.port = port;
        partition.replica_nodes.n = partition.isr_nodes.n = 1;
        partition.replica_nodes.v = partition.isr_nodes.v = &one;
        topic.name = OD_STR("t");
        topic.topic_id.bytes[3] = 1;
        topic.partitions.n = metadata.topics.n = metadata.brokers.n = 1;
        topic.partitions.v = &partition;
        metadata.topics.v = &topic;
        metadata.brokers.v = &broker;
        if (od_metadata_rsp_encode(&w, head->api_version, &metadata))
            exit(1);
        break;
    }
    return od_writer_len(&w);
}

static void answer(int fd, uint8_t *body, size_t len)
{
    uint8_t length[4];

    od_be32_store(length, (uint32_t)len);
    put(fd, length, sizeof(length));
    put(fd, body, len);
}

/* The body is that of a true answer, to be spoilt. */
static void lie(int fd, const char *kind, uint8_t *body, size_t len)
{
    uint8_t length[4];

    if (!strcmp(kind, "close"))
        return;
    if (!strcmp(kind, "silence")) {
        pause();
    } else if (!strcmp(kind, "huge") || !strcmp(kind, "negative") || !strcmp(kind, "tiny")) {
        od_be32_store(length, kind[0] == 'h' ? INT32_MAX : kind[0] == 'n' ? UINT32_MAX : 3);
        put(fd, length, sizeof(length));
        put(fd, body, len);
    } else if (!strcmp(kind, "other-id")) {
        body[3]++;
        answer(fd, body, len);
    } else if (!strcmp(kind, "cut")) {
        answer(fd, body, len / HALF);
    } else if (!strcmp(kind, "half")) {
        od_be32_store(length, (uint32_t)len);
        put(fd, length, sizeof(length));
        put(fd, body, len / HALF);
    } else if (!strcmp(kind, "more")) {
        memset(body + len, 0, 8);
        answer(fd, body, len + 8);
    } else if (!strcmp(kind, "ones")) {
        memset(body + 4, 0xff, len - 4);
        answer(fd, body, len);
    } else if (!strcmp(kind, "counts")) {
        memset(body + 4, 0x7f, len - 4);
        answer(fd, body, len);
    } else {
        put(fd, "HTTP/1.1 400 Bad Request\r\n\r\n", 28);
    }
}

static void serve(int fd, const char *kind, int at)
{
    uint8_t *request = od_alloc(FRAME_BYTES_MAX), *body = od_alloc(FRAME_BYTES_MAX + 16);
    bool lied = false;

    for (int i = 0; !lied; i++) {
        struct od_request_frame head;
        struct od_reader r;
        uint8_t length[4];
        size_t len;

        if (!read_all(fd, length, 4) || od_be32_load(length) > FRAME_BYTES_MAX ||
            !read_all(fd, request, od_be32_load(length)))
            break;
        r = od_reader_of(request, od_be32_load(length));
        if (od_frame_read_request(&r, &head))
            break;
        len = true_body(&head, body);
        lied = i >= at;
        if (lied)
            lie(fd, kind, body, len);
        else
            answer(fd, body, len);
    }
    od_free(request);
    od_free(body);
    close(fd);
}

int main(int argc, char **argv)
{
    struct sockaddr_in address = { .sin_family = AF_INET };
    socklen_t len = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (argc != 3)
        return 2;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (bind(fd, (struct sockaddr *)&address, len) || listen(fd, BACKLOG) ||
        getsockname(fd, (struct sockaddr *)&address, &len))
        return 1;
    port = ntohs(address.sin_port);
    printf("%d\n", port);
    fflush(stdout);
    for (;;) {
        int one = accept4(fd, NULL, NULL, SOCK_CLOEXEC);

        if (one >= 0)
            serve(one, argv[1], (int)strtol(argv[2], NULL, 10));
    }
}
