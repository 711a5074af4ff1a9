/* SPDX-License-Identifier: Apache-2.0 */
/* Answers from memory and files, read fast, slowly or not at all. */
#include "server.h"

#include "net/net_internal.h"

enum { MIB = 1 << 20, FILE_BYTES = 3 * MIB };

static uint8_t file_byte(size_t pos)
{
    return (uint8_t)(pos * 5 + pos / 241);
}

static void give_file(struct server *s)
{
    uint8_t *bytes = od_alloc(FILE_BYTES);
    struct od_span span = { bytes, FILE_BYTES };
    char path[512];
    size_t put_bytes;

    for (size_t i = 0; i < FILE_BYTES; i++)
        bytes[i] = file_byte(i);
    snprintf(path, sizeof(path), "%s/ranges", test_dir());
    CHECK_OK(od_file_open(path, OD_FILE_WRITE | OD_FILE_CREATE, &s->file));
    CHECK_OK(od_file_write(s->file, &span, 1, 0, &put_bytes));
    od_free(bytes);
}

static void expect_range(int fd, uint8_t *in, size_t len)
{
    bool equal = true;

    take(fd, in, 4 + len + 2);
    CHECK_EQ(od_be32_load(in), len + 2);
    CHECK_EQ(in[4], '<');
    for (size_t i = 0; i < len; i++)
        equal &= in[5 + i] == file_byte(i);
    CHECK(equal);
    CHECK_EQ(in[5 + len], '>');
}

TEST(file_ranges_lie_between_their_neighbours)
{
    struct od_net_settings settings = usual_settings();
    struct server *s = start(&settings, BUDGET_BYTES);
    uint8_t *in = od_alloc(FILE_BYTES + 6);
    int fd = dial(s);

    give_file(s);
    ask(fd, ECHO, 1, 0);
    ask(fd, FILE_RANGE, 0, 1);
    ask(fd, FILE_RANGE, 0, OD_NET_TURN_BYTES);
    ask(fd, ECHO, 2, 0);
    ask(fd, FILE_RANGE, 0, FILE_BYTES);
    ask(fd, FILE_RANGE, 0, 0);
    ask(fd, ECHO, 3, 0);
    expect_echo(fd, ECHO, 1);
    expect_range(fd, in, 1);
    expect_range(fd, in, OD_NET_TURN_BYTES);
    expect_echo(fd, ECHO, 2);
    expect_range(fd, in, FILE_BYTES);
    expect_range(fd, in, 0);
    expect_echo(fd, ECHO, 3);
    od_free(in);
    close(fd);
    finish(s);
}

TEST(a_slow_reader_of_large_answers_does_not_hold_up_others)
{
    struct od_net_settings settings = usual_settings();
    struct server *s;
    uint8_t *in = od_alloc(FILE_BYTES + 6);
    int slow, other;

    settings.send_buffer_bytes = 8192;
    s = start(&settings, BUDGET_BYTES);
    give_file(s);
    slow = dial(s);
    other = dial(s);
    ask(slow, FILE_RANGE, 0, FILE_BYTES);
    ask(slow, BIG, 0, MIB);
    ask(slow, FILE_RANGE, 0, 100000);
    for (uint32_t i = 0; i < 20; i++) {
        ask(other, ECHO, i, 0);
        expect_echo(other, ECHO, i);
    }
    expect_range(slow, in, FILE_BYTES);
    take(slow, in, 4 + MIB);
    CHECK_EQ(od_be32_load(in), MIB);
    expect_range(slow, in, 100000);
    od_free(in);
    close(slow);
    close(other);
    finish(s);
}

TEST(unread_answers_are_charged_stop_reading_and_end_the_connection)
{
    struct od_net_settings settings = usual_settings();
    struct od_net_stats stats;
    struct server *s;
    int deaf, other;

    settings.stall_ms = 60;
    settings.send_buffer_bytes = 8192;
    s = start(&settings, BUDGET_BYTES);
    deaf = dial(s);
    other = dial(s);
    for (uint32_t i = 0; i < 50; i++)
        ask(deaf, BIG, 0, 4 * MIB);
    ask(other, ECHO, 1, 0);
    expect_echo(other, ECHO, 1);
    CHECK(atomic_load(&s->budget.used_bytes) >= 4 * MIB);
    while (od_net_connections(s->net) > 1) {
        ask(other, ECHO, 2, 0);
        expect_echo(other, ECHO, 2);
    }
    CHECK(atomic_load(&s->budget.used_bytes) <= 4 * OD_NET_CHUNK_BYTES);
    close(deaf);
    close(other);
    stats = finish(s);
    CHECK_EQ(stats.stalled, 1);
    CHECK(stats.frames < 50 + 2 || stats.sent_bytes < 50ull * 4 * MIB);
}

TEST(a_file_shorter_than_its_range_ends_the_connection_and_frees_the_range)
{
    struct od_net_settings settings = usual_settings();
    struct server *s = start(&settings, BUDGET_BYTES);
    uint8_t *in = od_alloc(FILE_BYTES + 6);
    int fd = dial(s), other = dial(s);

    give_file(s);
    ask(fd, FILE_RANGE, 0, FILE_BYTES + 1);
    take(fd, in, 5 + FILE_BYTES);
    CHECK(is_closed(fd));
    ask(other, ECHO, 1, 0);
    expect_echo(other, ECHO, 1);
    CHECK_EQ(atomic_load(&s->released_files), 1);
    od_free(in);
    close(fd);
    close(other);
    finish(s);
}

TEST(a_peer_that_leaves_in_the_middle_of_an_answer_frees_the_rest)
{
    struct od_net_settings settings = usual_settings();
    struct server *s;
    uint8_t in[1000];
    int fd, other;

    settings.send_buffer_bytes = 8192;
    s = start(&settings, BUDGET_BYTES);
    give_file(s);
    fd = dial(s);
    other = dial(s);
    ask(fd, FILE_RANGE, 0, FILE_BYTES);
    ask(fd, FILE_RANGE, 0, FILE_BYTES);
    ask(fd, BIG, 0, MIB);
    take(fd, in, sizeof(in));
    close(fd);
    while (od_net_connections(s->net) > 1) {
        ask(other, ECHO, 1, 0);
        expect_echo(other, ECHO, 1);
    }
    CHECK_EQ(atomic_load(&s->released_files), 2);
    close(other);
    finish(s);
}

TEST(a_slice_of_a_buffer_without_a_budget_counts_as_owned)
{
    struct od_buf *buf = od_buf_new(100, NULL);
    struct od_chain chain = { 0 };

    CHECK(buf);
    od_chain_add_slice(&chain, od_slice_ref(buf, buf->data + 10, 60));
    CHECK_EQ(chain.owned_bytes, 60);
    od_chain_reset(&chain);
    od_buf_unref(buf);
}

static int released;

static void count(void *pin)
{
    released += *(int *)pin;
}

TEST(a_chain_owns_its_parts_and_leaves_out_empty_ones)
{
    struct od_budget budget;
    struct od_chain chain = { 0 };
    struct od_buf *buf;
    int pin = 1;

    od_budget_init(&budget, 1000);
    buf = od_buf_new(100, &budget);
    CHECK(buf);
    for (int i = 0; i < 10; i++)
        od_chain_add_copy(&chain, "abc", 3);
    od_chain_add_copy(&chain, "", 0);
    od_chain_add_bytes(&chain, od_alloc(1), 0);
    od_chain_add_slice(&chain, od_slice_ref(buf, buf->data + 90, 10));
    od_chain_add_slice(&chain, od_slice_ref(buf, buf->data, 0));
    od_chain_add_file(&chain, NULL, 5, 7, count, &pin);
    od_chain_add_file(&chain, NULL, 5, 0, count, &pin);
    CHECK_EQ(released, 1);
    CHECK_EQ(chain.count, 12);
    CHECK_EQ(chain.len, 30 + 10 + 7);
    CHECK_EQ(chain.owned_bytes, 30);
    od_buf_unref(buf);
    CHECK_EQ(budget.used_bytes, 100);
    od_chain_reset(&chain);
    CHECK_EQ(budget.used_bytes, 0);
    CHECK_EQ(released, 2);
}
