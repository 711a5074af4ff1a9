/* SPDX-License-Identifier: Apache-2.0 */
/* Captures made here, packet by packet, as tcpdump writes them, and what is printed about them. */
#include "base/be.h"
#include "base/mem.h"
#include "cli/debug_capture.h"
#include "test.h"

#include <stdlib.h>
#include <string.h>

enum { CAPTURE_BYTES = 4096, CLIENT_PORT = 1000, SERVER_PORT = 9092, SYN = 2, ACK = 16 };

struct maker {
    uint8_t bytes[CAPTURE_BYTES];
    size_t len;
    bool swapped, v6;
    uint32_t client_seq, server_seq; /* of the next byte */
};

static void put_u32(struct maker *m, uint32_t v)
{
    od_be32_store(m->bytes + m->len, m->swapped ? __builtin_bswap32(v) : v);
    m->len += 4;
}

static void put(struct maker *m, const void *data, size_t len)
{
    CHECK(m->len + len <= sizeof(m->bytes));
    if (len > 0)
        memcpy(m->bytes + m->len, data, len);
    m->len += len;
}

static void put_ip(struct maker *m, bool to_server, size_t payload)
{
    uint8_t v4[20] = { 0x45 }, v6[40] = { 0x60 };
    uint8_t from = to_server ? 1 : 2, to = to_server ? 2 : 1;

    od_be16_store(v4 + 2, (uint16_t)(sizeof(v4) + payload));
    v4[9] = v6[6] = 6;
    v4[12] = v4[16] = 10;
    v4[15] = v6[23] = from;
    v4[19] = v6[39] = to;
    od_be16_store(v6 + 4, (uint16_t)payload);
    if (m->v6)
        put(m, v6, sizeof(v6));
    else
        put(m, v4, sizeof(v4));
}

static void put_packet(struct maker *m, bool to_server, uint8_t flags, uint32_t seq,
                       const void *data, size_t len)
{
    uint8_t ethernet[14] = { 0 }, tcp[20] = { 0 }, padding[3] = { 0 };
    size_t ip = m->v6 ? 40 : 20;
    uint32_t bytes = (uint32_t)(sizeof(ethernet) + ip + sizeof(tcp) + len + sizeof(padding));

    put_u32(m, 0);
    put_u32(m, 0);
    put_u32(m, bytes);
    put_u32(m, bytes);
    put(m, ethernet, sizeof(ethernet));
    put_ip(m, to_server, sizeof(tcp) + len);
    od_be16_store(tcp, to_server ? CLIENT_PORT : SERVER_PORT);
    od_be16_store(tcp + 2, to_server ? SERVER_PORT : CLIENT_PORT);
    od_be32_store(tcp + 4, seq);
    tcp[12] = 5 << 4;
    tcp[13] = flags;
    put(m, tcp, sizeof(tcp));
    put(m, data, len);
    put(m, padding, sizeof(padding));
}

/* The file's header and the handshake; the client's numbers wrap soon. */
static void begin(struct maker *m)
{
    m->client_seq = UINT32_MAX - 10;
    m->server_seq = 500;
    put_u32(m, 0xa1b2c3d4);
    for (int i = 0; i < 4; i++)
        put_u32(m, 0);
    put_u32(m, 1);
    put_packet(m, true, SYN, m->client_seq++, NULL, 0);
    put_packet(m, false, SYN | ACK, m->server_seq++, NULL, 0);
}

static void from_client(struct maker *m, const void *data, size_t len)
{
    put_packet(m, true, ACK, m->client_seq, data, len);
    m->client_seq += (uint32_t)len;
}

static void from_server(struct maker *m, const void *data, size_t len)
{
    put_packet(m, false, ACK, m->server_seq, data, len);
    m->server_seq += (uint32_t)len;
}

/* Metadata 0 of no topics, correlation ids 7 and 8; answers without brokers and topics. */
static const uint8_t ask_7[] = { 0, 0, 0, 15, 0, 3, 0, 0, 0, 0, 0, 7, 0, 1, 'v', 0, 0, 0, 0 };
static const uint8_t ask_8[] = { 0, 0, 0, 15, 0, 3, 0, 0, 0, 0, 0, 8, 0, 1, 'v', 0, 0, 0, 0 };
static const uint8_t answer_7[] = { 0, 0, 0, 12, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0, 0 };
static const uint8_t answer_8[] = { 0, 0, 0, 12, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0 };

#define LINE(client, kind, api, version, id, message)                                              \
    "{\"client\":\"" client "\",\"kind\":\"" kind "\",\"api\":\"" api "\",\"version\":" #version   \
    ",\"correlation_id\":" #id ",\"message\":" message "}\n"
#define ASKED(id) LINE("10.0.0.1:1000", "request", "metadata", 0, id, "{\"topics\":[]}")
#define ANSWERED(id)                                                                               \
    LINE("10.0.0.1:1000", "response", "metadata", 0, id, "{\"brokers\":[],\"topics\":[]}")
#define REMARK(text) "{\"client\":\"10.0.0.1:1000\",\"remark\":\"" text "\"}\n"

static void expect(const struct maker *m, const char *lines)
{
    char *text = NULL;
    size_t len;
    FILE *out = open_memstream(&text, &len);

    CHECK_OK(od_cli_debug_capture(m->bytes, m->len, OD_PRINT_JSON, out));
    fclose(out);
    CHECK_STR(text, lines);
    free(text);
}

TEST(requests_and_responses_meet_by_correlation_id)
{
    struct maker m = { 0 };

    begin(&m);
    from_client(&m, ask_7, sizeof(ask_7));
    from_client(&m, ask_8, sizeof(ask_8));
    from_server(&m, answer_7, sizeof(answer_7));
    from_server(&m, answer_8, sizeof(answer_8));
    expect(&m, ASKED(7) ASKED(8) ANSWERED(7) ANSWERED(8));
}

TEST(a_frame_may_come_in_pieces_and_twice)
{
    struct maker m = { 0 };

    begin(&m);
    from_client(&m, ask_7, 3);
    from_client(&m, ask_7 + 3, 9);
    put_packet(&m, true, ACK, m.client_seq - 9, ask_7 + 3, 9);
    put_packet(&m, true, ACK, m.client_seq - 4, ask_7 + 8, sizeof(ask_7) - 8);
    from_server(&m, answer_7, sizeof(answer_7));
    expect(&m, ASKED(7) ANSWERED(7));
}

TEST(a_missing_piece_is_said_and_ends_that_direction_only)
{
    struct maker m = { 0 };

    begin(&m);
    from_client(&m, ask_7, sizeof(ask_7));
    m.client_seq++;
    from_client(&m, ask_8, sizeof(ask_8));
    from_client(&m, ask_8, sizeof(ask_8));
    from_server(&m, answer_7, sizeof(answer_7));
    from_server(&m, answer_8, sizeof(answer_8));
    expect(&m, ASKED(7) REMARK("bytes of requests are missing") ANSWERED(7)
                   REMARK("a response to no request that was seen"));
}

TEST(a_version_of_ApiVersions_that_the_broker_lacks_is_answered_as_version_0)
{
    static const uint8_t ask[] = { 0, 0, 0, 22,  0, 18,  0, 5,   0, 0,    0,    9,    0,
                                   1, 'v', 0, 2, 'n', 2, 'v', 0, 0xff, 0xff, 0xff, 0xff, 0 };
    static const uint8_t answer[] = { 0, 0, 0, 10, 0, 0, 0, 9, 0, 35, 0, 0, 0, 0 };
    struct maker m = { 0 };
    char *text = NULL;
    size_t len;
    FILE *out = open_memstream(&text, &len);

    begin(&m);
    from_client(&m, ask, sizeof(ask));
    from_server(&m, answer, sizeof(answer));
    CHECK_OK(od_cli_debug_capture(m.bytes, m.len, OD_PRINT_JSON, out));
    fclose(out);
    CHECK(strstr(text, "remark") == NULL);
    CHECK(strstr(text, LINE("10.0.0.1:1000", "response", "api_versions", 0, 9,
                            "{\"error_code\":35,\"api_keys\":[]}")) != NULL);
    free(text);
}

TEST(IPv6_and_the_other_byte_order_are_read_too)
{
    struct maker m = { .swapped = true, .v6 = true };

    begin(&m);
    from_client(&m, ask_7, sizeof(ask_7));
    expect(&m, LINE("[::1]:1000", "request", "metadata", 0, 7, "{\"topics\":[]}"));
}

TEST(what_is_not_Kafka_is_said)
{
    static const uint8_t huge[] = { 0x7f, 0xff, 0xff, 0xff };
    static const uint8_t strange[] = { 0, 0, 0, 2, 0xff, 0xff };
    struct maker m = { 0 };

    begin(&m);
    from_client(&m, strange, sizeof(strange));
    from_client(&m, ask_7, sizeof(ask_7));
    from_server(&m, huge, sizeof(huge));
    from_server(&m, answer_7, sizeof(answer_7));
    expect(&m, REMARK("not a request") REMARK("not a frame"));
}

TEST(a_file_cut_anywhere_yields_its_whole_packets)
{
    struct maker m = { 0 };
    char *text = NULL;
    size_t len;

    begin(&m);
    from_client(&m, ask_7, sizeof(ask_7));
    from_server(&m, answer_7, sizeof(answer_7));
    for (size_t cut = 0; cut < m.len; cut++) {
        uint8_t *exact = od_alloc(cut + 1);
        FILE *out = open_memstream(&text, &len);
        enum od_err err;

        memcpy(exact, m.bytes, cut);
        err = od_cli_debug_capture(exact, cut, OD_PRINT_JSON, out);
        fclose(out);
        CHECK_EQ(err, cut < 24 ? OD_E_CORRUPT : OD_NONE);
        CHECK(strncmp(text, ASKED(7) ANSWERED(7), len) == 0);
        CHECK(strstr(text, "response") == NULL);
        free(text);
        od_free(exact);
    }
}

TEST(another_file_is_refused)
{
    static const uint8_t zeros[24] = { 0 };

    CHECK_EQ(od_cli_debug_capture(zeros, sizeof(zeros), OD_PRINT_TEXT, stdout), OD_E_CORRUPT);
}
