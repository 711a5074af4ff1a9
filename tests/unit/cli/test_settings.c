/* SPDX-License-Identifier: Apache-2.0 */
/* Settings one by one, durations, names of profiles. */
#include "cli/settings.h"
#include "test.h"

#include <string.h>

static const char *set(struct od_settings *s, const char *key, const char *value)
{
    static char out[256];
    struct od_text why = { 0 };
    bool good = od_settings_set(s, od_str_of(key), od_str_of(value), &why);

    snprintf(out, sizeof(out), "%s", good ? "ok" : od_text_get(&why));
    od_text_reset(&why);
    return out;
}

TEST(java_and_librdkafka_names_set_the_same)
{
    struct od_settings s;

    od_settings_init(&s);
    CHECK_STR(s.servers.v[0].host, "localhost");
    CHECK_EQ(s.servers.v[0].port, 9092);
    CHECK_STR(set(&s, "bootstrap.servers", "a:1,b:2"), "ok");
    CHECK_EQ(s.servers.n, 2);
    CHECK_STR(set(&s, "metadata.broker.list", "c:3"), "ok");
    CHECK_STR(s.servers.v[0].host, "c");
    CHECK_STR(set(&s, "client.id", "me"), "ok");
    CHECK_STR(s.client_id, "me");
    CHECK_STR(set(&s, "request.timeout.ms", "5000"), "ok");
    CHECK_EQ(s.timeout_ms, 5000);
    od_settings_deinit(&s);
}

TEST(what_protects_and_is_not_built_in_is_refused)
{
    struct od_settings s;

    od_settings_init(&s);
    CHECK_STR(set(&s, "security.protocol", "PLAINTEXT"), "ok");
    CHECK_STR(set(&s, "security.protocol", "SASL_SSL"),
              "security.protocol: only PLAINTEXT is built in yet, not SASL_SSL");
    CHECK_STR(set(&s, "sasl.mechanism", "PLAIN"),
              "sasl.mechanism: TLS and SASL are not built in yet");
    CHECK_STR(set(&s, "ssl.keystore.location", "x"),
              "ssl.keystore.location: TLS and SASL are not built in yet");
    od_settings_deinit(&s);
}

TEST(names_of_other_clients_have_no_effect)
{
    struct od_settings s;

    od_settings_init(&s);
    CHECK_STR(set(&s, "group.id", "x"), "ok");
    CHECK_STR(set(&s, "key.serializer", "x"), "ok");
    od_settings_deinit(&s);
}

TEST(a_bad_value_names_its_key_and_changes_nothing_else)
{
    struct od_settings s;

    od_settings_init(&s);
    CHECK_STR(set(&s, "bootstrap.servers", "a:x"),
              "bootstrap.servers: \"a:x\" is not host:port with a port from 1 to 65535");
    CHECK_STR(set(&s, "request.timeout.ms", "0"),
              "request.timeout.ms: a time from 1ms to 1h is expected, not \"0\"");
    CHECK_STR(set(&s, "request.timeout.ms", "3600001"),
              "request.timeout.ms: a time from 1ms to 1h is expected, not \"3600001\"");
    CHECK_STR(set(&s, "request.timeout.ms", "3600000"), "ok");
    od_settings_deinit(&s);
}

static int64_t duration(const char *text)
{
    int64_t ms = -1;

    return od_duration_parse(od_str_of(text), &ms) ? ms : -1;
}

TEST(durations_have_units)
{
    CHECK_EQ(duration("0"), 0);
    CHECK_EQ(duration("250"), 250);
    CHECK_EQ(duration("250ms"), 250);
    CHECK_EQ(duration("3s"), 3000);
    CHECK_EQ(duration("2m"), 120000);
    CHECK_EQ(duration("1h"), 3600000);
    CHECK_EQ(duration("2562047788015h"), 2562047788015 * 3600000);
}

TEST(what_is_no_duration_is_refused)
{
    static const char *const bad[] = { "", "s", "ms", "1d", "-1s", "1.5s", "s1", "1 s",
                                       "2562047788016h", "99999999999999999999" };

    for (size_t i = 0; i < OD_COUNT(bad); i++)
        CHECK_EQ(duration(bad[i]), -1);
}

TEST(a_profile_cannot_leave_its_folder)
{
    static const char *const bad[] = { "", ".", "..", "../x", "a/b", ".hidden", "a b", "a\nb" };

    for (size_t i = 0; i < OD_COUNT(bad); i++)
        CHECK(!od_settings_profile_valid(bad[i]));
    CHECK(od_settings_profile_valid("prod-1.eu_west"));
}
