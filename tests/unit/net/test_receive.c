/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes that are no request, large requests, and a memory budget that is too small. */
#include "server.h"

#include "net/net_internal.h"

enum { MIB = 1 << 20 };

static void is_rejected(const void *bytes, size_t len)
{
    struct od_net_settings settings = usual_settings();
    struct server *s = start(&settings, BUDGET_BYTES);
    struct od_net_stats stats;
    int bad = dial(s), good = dial(s);

    put(bad, bytes, len);
    CHECK(is_closed(bad));
    ask(good, ECHO, 1, 0);
    expect_echo(good, ECHO, 1);
    close(bad);
    close(good);
    stats = finish(s);
    CHECK_EQ(stats.rejected, 1);
    CHECK_EQ(stats.frames, 1);
}

static void length_is_rejected(int32_t len)
{
    uint8_t prefix[4];

    od_be32_store(prefix, (uint32_t)len);
    is_rejected(prefix, sizeof(prefix));
}

TEST(http_and_tls_close_that_connection_only)
{
    is_rejected("GET / HTTP/1.1\r\n\r\n", 18);
    is_rejected("POST /topics HTTP/1.1\r\n\r\n", 25);
    is_rejected("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11);
}

TEST(lengths_out_of_bounds_close_that_connection_only)
{
    length_is_rejected(-1);
    length_is_rejected(INT32_MIN);
    length_is_rejected(0);
    length_is_rejected(OD_NET_REQUEST_BYTES_MIN - 1);
    length_is_rejected((100 << 20) + 1);
    length_is_rejected(INT32_MAX);
    length_is_rejected(BUDGET_BYTES + 1); /* allowed by the settings, but never to fit */
}

TEST(the_smallest_request_is_handed_up)
{
    struct od_net_settings settings = usual_settings();
    struct server *s = start(&settings, BUDGET_BYTES);
    uint8_t request[4 + OD_NET_REQUEST_BYTES_MIN] = { 0, 0, 0, OD_NET_REQUEST_BYTES_MIN, ECHO };
    uint8_t in[sizeof(request)];
    int fd = dial(s);

    put(fd, request, sizeof(request));
    take(fd, in, sizeof(in));
    CHECK_MEM(in, request, sizeof(in));
    close(fd);
    finish(s);
}

TEST(a_request_that_ends_early_is_told)
{
    struct od_net_settings settings = usual_settings();
    struct server *s = start(&settings, BUDGET_BYTES);
    static uint8_t out[100000];
    struct od_net_stats stats;
    int small = dial(s), large = dial(s), prefix = dial(s);

    build(out, ECHO, 1, 0);
    put(prefix, out, 3);
    put(small, out, 10);
    od_be32_store(out, 1000000);
    put(large, out, sizeof(out));
    shutdown(prefix, SHUT_WR);
    shutdown(small, SHUT_WR);
    shutdown(large, SHUT_WR);
    CHECK(is_closed(prefix));
    CHECK(is_closed(small));
    CHECK(is_closed(large));
    close(prefix);
    close(small);
    close(large);
    stats = finish(s);
    CHECK_EQ(stats.rejected, 3);
}

struct echo {
    int fd;
    uint8_t *bytes;
    size_t len;
};

static void send_bytes(void *arg)
{
    struct echo *e = arg;
    ssize_t n = 0;

    for (size_t done = 0; done < e->len && n >= 0; done += (size_t)n)
        n = send(e->fd, e->bytes + done, e->len - done, MSG_NOSIGNAL);
}

/* A request of len bytes whose content can be told from others. */
static uint8_t *large_request(size_t len, uint8_t seed)
{
    uint8_t *out = od_alloc(4 + len);

    od_be32_store(out, (uint32_t)len);
    for (size_t i = 0; i < len; i++)
        out[4 + i] = (uint8_t)(i * 7 + i / 251 + seed);
    out[4] = ECHO;
    return out;
}

TEST(requests_of_every_size_class_come_back_whole)
{
    static const size_t sizes[] = {
        OD_NET_SMALL_BYTES - 1, OD_NET_SMALL_BYTES,     OD_NET_SMALL_BYTES + 1,
        OD_NET_CHUNK_BYTES - 5, OD_NET_CHUNK_BYTES - 4, OD_NET_CHUNK_BYTES - 3,
        OD_NET_FIRST_BYTES,     OD_NET_FIRST_BYTES + 1, MIB, 3 * MIB + 1, 8, 9,
    };
    struct od_net_settings settings = usual_settings();
    struct server *s = start(&settings, BUDGET_BYTES);
    uint8_t *in = od_alloc(4 * MIB);
    int fd = dial(s);

    for (size_t i = 0; i < OD_COUNT(sizes); i++) {
        struct echo e = { fd, large_request(sizes[i], (uint8_t)i), 4 + sizes[i] };
        struct od_thread *sender;

        CHECK_OK(od_thread_start("sender", send_bytes, &e, &sender));
        take(fd, in, e.len);
        od_thread_join(sender);
        CHECK(memcmp(in, e.bytes, e.len) == 0);
        od_free(e.bytes);
    }
    od_free(in);
    close(fd);
    finish(s);
}

TEST(large_and_small_requests_may_follow_each_other_without_a_pause)
{
    static const size_t sizes[] = { 100, 70000, 16, 16385, 65536, 9, 200000, 8, 16384, 30000, 12 };
    struct od_net_settings settings = usual_settings();
    struct server *s = start(&settings, BUDGET_BYTES);
    struct echo e = { .fd = dial(s), .bytes = od_alloc(4 * MIB) };
    uint8_t *in = od_alloc(4 * MIB);
    struct od_thread *sender;

    for (int round = 0; round < 5; round++)
        for (size_t i = 0; i < OD_COUNT(sizes); i++) {
            uint8_t *one = large_request(sizes[i], (uint8_t)(round * 16 + (int)i));

            memcpy(e.bytes + e.len, one, 4 + sizes[i]);
            e.len += 4 + sizes[i];
            od_free(one);
        }
    CHECK_OK(od_thread_start("sender", send_bytes, &e, &sender));
    take(e.fd, in, e.len);
    od_thread_join(sender);
    CHECK(memcmp(in, e.bytes, e.len) == 0);
    od_free(in);
    od_free(e.bytes);
    close(e.fd);
    finish(s);
}

static int64_t budget_used(struct server *s)
{
    return atomic_load_explicit(&s->budget.used_bytes, memory_order_relaxed);
}

enum { ANNOUNCERS = 100 };

TEST(announcing_100_mib_takes_no_memory_for_what_does_not_come)
{
    struct od_net_settings settings = usual_settings();
    struct server *s = start(&settings, 256 << 20);
    uint8_t prefix[4 + 8] = { 0 };
    int fds[ANNOUNCERS], good = dial(s);

    od_be32_store(prefix, 100 << 20);
    for (int i = 0; i < ANNOUNCERS; i++) {
        fds[i] = dial(s);
        put(fds[i], prefix, sizeof(prefix));
    }
    for (uint32_t i = 0; i < 10; i++) {
        ask(good, ECHO, i, 0);
        expect_echo(good, ECHO, i);
    }
    CHECK(budget_used(s) <= (ANNOUNCERS + 2) * OD_NET_CHUNK_BYTES);
    for (int i = 0; i < ANNOUNCERS; i++)
        close(fds[i]);
    close(good);
    finish(s);
}

enum { SENDERS = 24, HEAD_BYTES = 70000 };

/* 24 senders of 1 MiB share 4 MiB, where two have room beside the first steps of all. */
TEST(more_large_requests_than_the_budget_holds_are_all_served_one_after_the_other)
{
    struct od_net_settings settings = usual_settings();
    struct server *s = start(&settings, 4 * MIB);
    struct od_thread *threads[SENDERS];
    struct echo rest[SENDERS];
    uint8_t *requests[SENDERS];
    uint8_t *in = od_alloc(MIB + 4);
    struct od_net_stats stats;

    for (int i = 0; i < SENDERS; i++) {
        requests[i] = large_request(MIB, (uint8_t)i);
        rest[i] = (struct echo){ dial(s), requests[i] + HEAD_BYTES, MIB + 4 - HEAD_BYTES };
        put(rest[i].fd, requests[i], HEAD_BYTES);
    }
    for (int i = 0; i < SENDERS; i++)
        CHECK_OK(od_thread_start("sender", send_bytes, &rest[i], &threads[i]));
    for (int i = 0; i < SENDERS; i++) {
        take(rest[i].fd, in, MIB + 4);
        od_thread_join(threads[i]);
        CHECK(memcmp(in, requests[i], MIB + 4) == 0);
        od_free(requests[i]);
        close(rest[i].fd);
    }
    od_free(in);
    stats = finish(s);
    CHECK(stats.starved > 0);
    CHECK_EQ(stats.frames, SENDERS);
}

TEST(who_waits_for_the_budget_goes_on_when_bytes_are_given_back)
{
    struct od_net_settings settings = usual_settings();
    struct server *s = start(&settings, 4 * MIB);
    uint8_t *out = large_request(MIB, 1), *in = od_alloc(MIB + 4);
    struct od_buf *hog = od_buf_new(3 * MIB + 512 * 1024, &s->budget);
    struct echo e = { dial(s), out, MIB + 4 };
    struct od_thread *sender;
    int other = dial(s);

    CHECK(hog);
    CHECK_OK(od_thread_start("sender", send_bytes, &e, &sender));
    ask(other, ECHO, 1, 0);
    expect_echo(other, ECHO, 1);
    od_buf_unref(hog);
    take(e.fd, in, MIB + 4);
    od_thread_join(sender);
    CHECK(memcmp(in, out, MIB + 4) == 0);
    od_free(in);
    od_free(out);
    close(e.fd);
    close(other);
    finish(s);
}

static void stalls(const void *bytes, size_t len, int64_t budget)
{
    struct od_net_settings settings = usual_settings();
    struct od_net_stats stats;
    struct server *s;
    int fd;

    settings.stall_ms = 40;
    s = start(&settings, budget);
    fd = dial(s);
    put(fd, bytes, len);
    CHECK(is_closed(fd));
    close(fd);
    stats = finish(s);
    CHECK_EQ(stats.stalled, 1);
}

TEST(a_request_that_does_not_go_on_is_closed_after_its_time)
{
    uint8_t out[4 + SMALL_LEN];

    build(out, ECHO, 1, 0);
    stalls(out, 2, BUDGET_BYTES);
    stalls(out, 4 + SMALL_LEN - 1, BUDGET_BYTES);
    od_be32_store(out, 1000000);
    stalls(out, 10, BUDGET_BYTES);
}

TEST(a_request_that_never_finds_memory_is_closed_after_its_time)
{
    uint8_t out[4 + SMALL_LEN];

    build(out, ECHO, 1, 0);
    od_be32_store(out, 80000);
    stalls(out, sizeof(out), 100000); /* a chunk fits, the request does not beside it */
}
