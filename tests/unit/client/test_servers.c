/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of servers as people write them. */
#include "client/servers.h"
#include "test.h"

static const char *parsed(const char *text)
{
    static char out[512];
    struct od_text why = { 0 }, all = { 0 };
    struct od_servers s;

    if (od_servers_parse(od_str_of(text), &s, &why)) {
        snprintf(out, sizeof(out), "error: %s", od_text_get(&why));
    } else {
        for (int i = 0; i < s.n; i++) {
            od_text_add(&all, i ? " " : "");
            od_server_print(s.v[i].host, s.v[i].port, &all);
        }
        snprintf(out, sizeof(out), "%s", od_text_get(&all));
    }
    od_text_reset(&why);
    od_text_reset(&all);
    return out;
}

TEST(hosts_ports_and_addresses_are_taken_apart)
{
    CHECK_STR(parsed("a:1"), "a:1");
    CHECK_STR(parsed("a"), "a:9092");
    CHECK_STR(parsed("a:1, b:65535 ,c"), "a:1 b:65535 c:9092");
    CHECK_STR(parsed("[::1]:7"), "[::1]:7");
    CHECK_STR(parsed("[::1]"), "[::1]:9092");
    CHECK_STR(parsed("::1"), "[::1]:9092");
    CHECK_STR(parsed("PLAINTEXT://a:1,SSL://[::2]:3"), "a:1 [::2]:3");
    CHECK_STR(parsed(",a:1,,"), "a:1");
}

TEST(what_is_no_server_is_named)
{
    CHECK_STR(parsed("a:0"), "error: \"a:0\" is not host:port with a port from 1 to 65535");
    CHECK_STR(parsed("a:65536"), "error: \"a:65536\" is not host:port with a port from 1 to 65535");
    CHECK_STR(parsed("a:"), "error: \"a:\" is not host:port with a port from 1 to 65535");
    CHECK_STR(parsed(":1"), "error: \":1\" is not host:port with a port from 1 to 65535");
    CHECK_STR(parsed("[::1"), "error: \"[::1\" is not host:port with a port from 1 to 65535");
    CHECK_STR(parsed("[::1]x1"), "error: \"[::1]x1\" is not host:port with a port from 1 to 65535");
    CHECK_STR(parsed(""), "error: no server is named; host:port is expected");
    CHECK_STR(parsed(" , "), "error: no server is named; host:port is expected");
}

TEST(the_longest_host_fits_and_one_more_byte_does_not)
{
    char host[OD_SERVER_HOST_MAX + 2];
    struct od_text why = { 0 };
    struct od_servers s;

    memset(host, 'h', sizeof(host));
    CHECK_OK(od_servers_parse((struct od_str){ host, OD_SERVER_HOST_MAX }, &s, &why));
    CHECK_EQ(od_servers_parse((struct od_str){ host, OD_SERVER_HOST_MAX + 1 }, &s, &why),
             OD_E_CONFIG);
    od_text_reset(&why);
}

TEST(as_many_servers_as_fit_and_no_more)
{
    struct od_text list = { 0 }, why = { 0 };
    struct od_servers s;

    for (int i = 0; i < OD_SERVERS_MAX; i++)
        od_text_add(&list, "h%d,", i);
    CHECK_OK(od_servers_parse((struct od_str){ list.data, list.len }, &s, &why));
    CHECK_EQ(s.n, OD_SERVERS_MAX);
    od_text_add(&list, "more");
    CHECK_EQ(od_servers_parse((struct od_str){ list.data, list.len }, &s, &why), OD_E_CONFIG);
    od_text_reset(&list);
    od_text_reset(&why);
}
