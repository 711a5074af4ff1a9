/* SPDX-License-Identifier: Apache-2.0 */
/* Attacks on framing: other protocols, impossible lengths, half frames, floods, idle peers. */
#include "hostile.h"

#include "base/mem.h"

#include <errno.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

TEST(http_is_recognised)
{
    static const char get[] = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
    struct raw *c;

    watch_begin();
    c = raw_open();
    CHECK(raw_write(c, get, sizeof(get) - 1));
    closed_and_logged(c, "HTTP", NULL);
    watch_end();
}

TEST(tls_is_recognised)
{
    static const uint8_t hello[] = { 0x16, 0x03, 0x01, 0x00, 0x2f, 0x01,
                                     0x00, 0x00, 0x2b, 0x03, 0x03 };
    struct raw *c;

    watch_begin();
    c = raw_open();
    CHECK(raw_write(c, hello, sizeof(hello)));
    closed_and_logged(c, "TLS", NULL);
    watch_end();
}

TEST(impossible_lengths_are_named_with_the_limit_they_pass)
{
    static const struct {
        uint32_t length;
        const char *phrase, *other;
    } wrong[] = {
        { 0xffffffff, "request of -1 bytes", NULL },
        { 0x80000000, "request of -2147483648 bytes", NULL },
        { 0, "request of 0 bytes", NULL },
        { 7, "request of 7 bytes", NULL },
        { 0x7fffffff, "request of 2147483647 bytes", "socket.request.max.bytes" },
        { 104857601, "request of 104857601 bytes", "socket.request.max.bytes" },
        { 104857600, "request of 104857600 bytes", "queued.max.request.bytes" },
        { 16777217, "request of 16777217 bytes", "queued.max.request.bytes" },
    };

    watch_begin();
    for (size_t i = 0; i < OD_COUNT(wrong); i++) {
        struct raw *c = raw_open();
        uint8_t prefix[4];

        od_be32_store(prefix, wrong[i].length);
        CHECK(raw_write(c, prefix, sizeof(prefix)));
        closed_and_logged(c, wrong[i].phrase, wrong[i].other);
    }
    watch_end();
}

TEST(a_request_cut_off_by_a_close_is_named)
{
    static const size_t lengths[] = { 1, 3, 4, 5, 11, 20 };
    struct od_metadata_req req;
    uint8_t *data;
    size_t len;

    watch_begin();
    od_metadata_req_defaults(&req);
    data = raw_encode(OD_metadata_KEY, 12, 1, &req, &len);
    for (size_t i = 0; i < OD_COUNT(lengths); i++) {
        struct raw *c = raw_open();

        CHECK(lengths[i] < len);
        CHECK(raw_write(c, data, lengths[i]));
        raw_half_close(c);
        closed_and_logged(c, "in the middle of a request", NULL);
    }
    od_free(data);
    watch_end();
}

TEST(a_peer_that_stops_in_mid_request_is_closed_after_the_idle_time)
{
    static const uint8_t beginning[] = { 0, 0, 0, 60, 0, 3, 0, 12 };
    enum { IDLE_MS = 2000 }; /* as the script sets it */
    struct raw *slow[20];
    int64_t start_ms = now_ms();

    watch_begin();
    for (size_t i = 0; i < OD_COUNT(slow); i++) {
        slow[i] = raw_open();
        CHECK(raw_write(slow[i], beginning, i % sizeof(beginning) + 1));
    }
    for (size_t i = 0; i < OD_COUNT(slow); i++)
        closed_and_logged(slow[i], "stopped in the middle of a request", NULL);
    CHECK(now_ms() - start_ms >= IDLE_MS - 200);
    took_at_most(start_ms, IDLE_MS + 2000);
    watch_end();
}

TEST(a_slow_peer_that_goes_on_is_served)
{
    struct od_metadata_req req;
    struct od_metadata_rsp rsp;
    struct raw *c;
    uint8_t *data;
    size_t len;

    watch_begin();
    c = raw_open();
    od_metadata_req_defaults(&req);
    data = raw_encode(OD_metadata_KEY, 12, 1, &req, &len);
    for (size_t i = 0; i < len; i++) {
        CHECK(raw_write(c, data + i, 1));
        usleep(30000);
    }
    CHECK_EQ(raw_receive(c, OD_metadata_KEY, 12, &rsp, RAW_PATIENCE_MS), RAW_ANSWER);
    CHECK_EQ(rsp.brokers.n, 1);
    od_free(data);
    raw_close(c);
    watch_end();
}

/* --- floods -------------------------------------------------------------------------------- */

enum { PIPELINED = 5000 };

static void *send_many(void *arg)
{
    struct raw *c = arg;
    struct od_api_versions_req req;

    od_api_versions_req_defaults(&req);
    for (int i = 0; i < PIPELINED; i++)
        if (!raw_send(c, OD_api_versions_KEY, 0, &req))
            return NULL;
    return c;
}

TEST(five_thousand_pipelined_requests_are_answered_in_order)
{
    struct od_api_versions_rsp rsp;
    pthread_t sender;
    struct raw *c;
    void *sent;

    watch_begin();
    c = raw_open();
    CHECK_EQ(pthread_create(&sender, NULL, send_many, c), 0);
    for (int i = 0; i < PIPELINED; i++) {
        CHECK_EQ(raw_receive(c, OD_api_versions_KEY, 0, &rsp, RAW_PATIENCE_MS), RAW_ANSWER);
        CHECK_EQ(c->correlation_id, i + 1);
    }
    pthread_join(sender, &sent);
    CHECK(sent);
    raw_close(c);
    watch_end();
}

TEST(connections_that_come_and_go_in_a_storm_leave_nothing_behind)
{
    enum { ROUNDS = 20, AT_ONCE = 40 };

    watch_begin();
    for (int round = 0; round < ROUNDS; round++) {
        struct raw *crowd[AT_ONCE];

        for (int i = 0; i < AT_ONCE; i++)
            crowd[i] = raw_open();
        for (int i = 0; i < AT_ONCE; i++) {
            if (i % 4 == 1)
                raw_write(crowd[i], "\0\0", 2);
            if (i % 4 == 2)
                raw_send_body(crowd[i], OD_metadata_KEY, 1, "\0\0\0", 4);
            if (i % 2)
                raw_reset(crowd[i]);
            else
                raw_close(crowd[i]);
        }
    }
    watch_end();
}

/* Sends what the socket takes at once; false: closed. */
static bool push(struct raw *c, const uint8_t *data, size_t len, size_t *sent)
{
    ssize_t n = send(c->fd, data + *sent, len - *sent, MSG_NOSIGNAL | MSG_DONTWAIT);

    if (n > 0)
        *sent += (size_t)n;
    return n > 0 || errno == EAGAIN;
}

TEST(large_requests_of_many_peers_share_the_budget)
{
    enum { PEERS = 12, BYTES = 6 << 20 }; /* more than four times the budget */
    struct raw *peers[PEERS];
    size_t sent[PEERS] = { 0 };
    uint8_t *data = od_zalloc(BYTES);
    int answered = 0;
    int64_t start_ms = now_ms();

    watch_begin();
    /* ApiVersions 0 with much behind it: answered when it is whole. */
    od_be32_store(data, BYTES - 4);
    data[5] = OD_api_versions_KEY;
    for (int i = 0; i < PEERS; i++)
        peers[i] = raw_open();
    while (answered < PEERS) {
        took_at_most(start_ms, 20000);
        for (int i = 0; i < PEERS; i++) {
            if (!peers[i])
                continue;
            if (sent[i] < BYTES && !push(peers[i], data, BYTES, &sent[i]))
                sent[i] = BYTES;
            if (sent[i] == BYTES && raw_read(peers[i], 1) == RAW_ANSWER) {
                raw_close(peers[i]);
                peers[i] = NULL;
                answered++;
            }
        }
        usleep(1000);
    }
    od_free(data);
    watch_end();
}

TEST(announced_bytes_that_never_come_take_no_memory_from_others)
{
    enum { PEERS = 100 };
    struct raw *peers[PEERS];
    uint8_t beginning[64] = { 0 };

    watch_begin();
    od_be32_store(beginning, 16 << 20);
    beginning[5] = OD_produce_KEY;
    for (int i = 0; i < PEERS; i++) {
        peers[i] = raw_open();
        CHECK(raw_write(peers[i], beginning, sizeof(beginning)));
    }
    usleep(300000);
    watch_end();
    for (int i = 0; i < PEERS; i++)
        raw_close(peers[i]);
}

TEST(a_peer_that_does_not_read_is_not_read_from_and_then_closed)
{
    enum { BATCHES = 40, REQUESTS = 200 };
    struct batch b =
        batch_planned(&(struct batch_plan){ .count = 1, .timestamp = 1000, .value_bytes = 8000 });
    struct fetch_plan plan = fetch_at(0);
    struct fetch_one one;
    struct topic t;
    struct raw *c;

    watch_begin();
    c = raw_open_narrow(4096);
    t = ask_create(c, "unread", 1, NULL);
    for (int i = 0; i < BATCHES; i++)
        CHECK_EQ(ask_produce(c, &t, 0, &b).error_code, OD_NONE);
    fetch_one(&one, &t, &plan);
    for (int i = 0; i < REQUESTS; i++) { /* 64 MB of answers */
        size_t len, sent = 0;
        uint8_t *data = raw_encode(OD_fetch_KEY, plan.version, i, &one.req, &len);

        push(c, data, len, &sent);
        od_free(data);
    }
    logged_once(local_port(c), "does not read its answers", NULL);
    raw_close(c);
    watch_end();
}
