/* SPDX-License-Identifier: Apache-2.0 */
/* Describing, altering and listing settings: every version, every layer, Kafka's errors. */
#include "ask.h"
#include "wire/api/alter_configs.h"
#include "wire/api/describe_cluster.h"
#include "wire/api/describe_configs.h"
#include "wire/api/incremental_alter_configs.h"
#include "wire/api/list_config_resources.h"

#include <stdio.h>

enum { TOPIC = 2, BROKER = 4, LOGGER = 8, METRICS = 16, GROUP = 32 };
enum { SET, DELETE, APPEND, SUBTRACT };
enum { S_TOPIC = 1, S_BROKER, S_BROKERS, S_STATIC, S_DEFAULT, S_LOGGER, S_METRICS, S_GROUP };

/* --- asking -------------------------------------------------------------------------------- */

static struct od_describe_configs_rsp_result describe_version(struct raw *c, int16_t version,
                                                              int8_t type, const char *name)
{
    struct od_describe_configs_req_resource resource = { .resource_type = type,
                                                         .resource_name = od_str_of(name) };
    struct od_describe_configs_req req;
    struct od_describe_configs_rsp rsp;

    od_describe_configs_req_defaults(&req);
    resource.configuration_keys.n = -1;
    req.resources.n = 1;
    req.resources.v = &resource;
    req.include_synonyms = version >= 1;
    req.include_documentation = version >= 3;
    CHECK_EQ(raw_call(c, OD_describe_configs_KEY, version, &req, &rsp), RAW_ANSWER);
    CHECK_EQ(rsp.results.n, 1);
    CHECK_EQ(rsp.results.v[0].resource_type, type);
    CHECK(od_str_is(rsp.results.v[0].resource_name, name));
    return rsp.results.v[0];
}

static struct od_describe_configs_rsp_result describe(struct raw *c, int8_t type, const char *name)
{
    return describe_version(c, 4, type, name);
}

static const struct od_describe_configs_rsp_config *find(
    const struct od_describe_configs_rsp_result *r, const char *name)
{
    for (int32_t i = 0; i < r->configs.n; i++)
        if (od_str_is(r->configs.v[i].name, name))
            return &r->configs.v[i];
    return NULL;
}

/* The value and source of one setting. */
static void check_setting(struct raw *c, int8_t type, const char *resource, const char *name,
                          const char *value, int source)
{
    struct od_describe_configs_rsp_result r = describe(c, type, resource);
    const struct od_describe_configs_rsp_config *config = find(&r, name);

    CHECK_EQ(r.error_code, OD_NONE);
    CHECK(config != NULL);
    CHECK(od_str_is(config->value, value));
    CHECK_EQ(config->config_source, source);
}

/* The error code; *message, when asked for, borrows the connection. */
static int16_t change_version(struct raw *c, int16_t version, int8_t type, const char *resource,
                              const char *name, int8_t op, const char *value, bool validate_only,
                              struct od_str *message)
{
    struct od_incremental_alter_configs_req_config config = { .name = od_str_of(name),
                                                              .config_operation = op,
                                                              .value = od_str_of(value) };
    struct od_incremental_alter_configs_req_resource in = { .resource_type = type,
                                                            .resource_name = od_str_of(resource) };
    struct od_incremental_alter_configs_req req;
    struct od_incremental_alter_configs_rsp rsp;

    od_incremental_alter_configs_req_defaults(&req);
    in.configs.n = 1;
    in.configs.v = &config;
    req.resources.n = 1;
    req.resources.v = &in;
    req.validate_only = validate_only;
    CHECK_EQ(raw_call(c, OD_incremental_alter_configs_KEY, version, &req, &rsp), RAW_ANSWER);
    CHECK_EQ(rsp.responses.n, 1);
    if (message)
        *message = rsp.responses.v[0].error_message;
    return rsp.responses.v[0].error_code;
}

static int16_t change(struct raw *c, int8_t type, const char *resource, const char *name, int8_t op,
                      const char *value)
{
    return change_version(c, 1, type, resource, name, op, value, false, NULL);
}

static void check_refused(struct raw *c, int8_t type, const char *resource, const char *name,
                          int8_t op, const char *value, int16_t code, const char *message)
{
    struct od_str got;

    CHECK_EQ(change_version(c, 1, type, resource, name, op, value, false, &got), code);
    if (!od_str_is(got, message))
        printf("got: %.*s\n", OD_STR_ARGS(got));
    CHECK(od_str_is(got, message));
}

static int16_t replace_version(struct raw *c, int16_t version, int8_t type, const char *resource,
                               const char *name, const char *value)
{
    struct od_alter_configs_req_config config = { .name = od_str_of(name),
                                                  .value = od_str_of(value) };
    struct od_alter_configs_req_resource in = { .resource_type = type,
                                                .resource_name = od_str_of(resource) };
    struct od_alter_configs_req req;
    struct od_alter_configs_rsp rsp;

    od_alter_configs_req_defaults(&req);
    in.configs.n = name ? 1 : 0;
    in.configs.v = &config;
    req.resources.n = 1;
    req.resources.v = &in;
    CHECK_EQ(raw_call(c, OD_alter_configs_KEY, version, &req, &rsp), RAW_ANSWER);
    CHECK_EQ(rsp.responses.n, 1);
    return rsp.responses.v[0].error_code;
}

static const char *our_id(struct raw *c)
{
    static char id[12];
    struct od_metadata_req req;
    struct od_metadata_rsp rsp;

    od_metadata_req_defaults(&req);
    CHECK_EQ(raw_call(c, OD_metadata_KEY, 9, &req, &rsp), RAW_ANSWER);
    snprintf(id, sizeof(id), "%d", rsp.brokers.v[0].node_id);
    return id;
}

/* --- describing ---------------------------------------------------------------------------- */

TEST(p13_a_topic_has_all_of_kafkas_keys_in_every_version)
{
    struct raw *c = raw_open();
    struct topic t = ask_create(c, "all-keys", 1, "retention.ms=1000,cleanup.policy=compact");

    for (int16_t version = 0; version <= 4; version++) {
        struct od_describe_configs_rsp_result r = describe_version(c, version, TOPIC, t.name);

        CHECK_EQ(r.error_code, OD_NONE);
        CHECK_EQ(r.configs.n, 37);
        CHECK(od_str_is(find(&r, "retention.ms")->value, "1000"));
        CHECK(od_str_is(find(&r, "cleanup.policy")->value, "compact"));
        CHECK(od_str_is(find(&r, "segment.bytes")->value, "1073741824"));
        CHECK(!find(&r, "segment.bytes")->read_only);
        CHECK(!find(&r, "odradek.durability"));
        if (version == 0)
            CHECK(find(&r, "segment.bytes")->is_default && !find(&r, "retention.ms")->is_default);
        if (version >= 1)
            CHECK_EQ(find(&r, "retention.ms")->config_source, S_TOPIC);
        if (version >= 3) {
            CHECK_EQ(find(&r, "retention.ms")->config_type, 5);
            CHECK(find(&r, "retention.ms")->documentation.len > 0);
        }
    }
    raw_close(c);
}

TEST(p13_a_broker_has_what_clients_look_for)
{
    static const char *const names[] = { "num.partitions", "default.replication.factor",
                                         "auto.create.topics.enable", "log.cleanup.policy",
                                         "log.retention.hours", "message.max.bytes",
                                         "offsets.topic.replication.factor", "listeners",
                                         "inter.broker.protocol.version", "node.id" };
    struct raw *c = raw_open();
    const char *id = our_id(c);
    struct od_describe_configs_rsp_result r = describe(c, BROKER, id);

    CHECK_EQ(r.error_code, OD_NONE);
    CHECK(r.configs.n > 300);
    for (size_t i = 0; i < OD_COUNT(names); i++)
        CHECK(find(&r, names[i]) != NULL);
    CHECK(od_str_is(find(&r, "node.id")->value, id));
    CHECK(find(&r, "node.id")->read_only);
    CHECK(!find(&r, "max.connections")->read_only);
    CHECK(!find(&r, "message.max.bytes")->read_only);
    CHECK(find(&r, "ssl.keystore.password")->is_sensitive);
    CHECK(!find(&r, "ssl.keystore.password")->value.data);
    CHECK_EQ(find(&r, "ssl.keystore.password")->config_type, 9);
    CHECK_EQ(find(&r, "offsets.topic.replication.factor")->config_type, 4);
    CHECK_EQ(find(&r, "log.dirs")->config_source, S_STATIC); /* as the test starts it */
    raw_close(c);
}

TEST(only_the_keys_asked_for_are_described)
{
    struct raw *c = raw_open();
    struct topic t = ask_create(c, "two-keys", 1, NULL);
    struct od_str keys[] = { OD_STR("retention.ms"), OD_STR("nonsense") };
    struct od_describe_configs_req_resource in = { .resource_type = TOPIC,
                                                   .resource_name = od_str_of(t.name) };
    struct od_describe_configs_req req;
    struct od_describe_configs_rsp rsp;

    od_describe_configs_req_defaults(&req);
    in.configuration_keys.n = 2;
    in.configuration_keys.v = keys;
    req.resources.n = 1;
    req.resources.v = &in;
    CHECK_EQ(raw_call(c, OD_describe_configs_KEY, 4, &req, &rsp), RAW_ANSWER);
    CHECK_EQ(rsp.results.v[0].configs.n, 1);
    CHECK_EQ(rsp.results.v[0].configs.v[0].synonyms.n, 0);
    CHECK(!rsp.results.v[0].configs.v[0].documentation.data);
    raw_close(c);
}

TEST(what_cannot_be_described_says_why)
{
    static const struct {
        int8_t type;
        const char *name;
        int16_t code;
        const char *message; /* NULL: none */
    } cases[] = {
        { TOPIC, "no-such-topic", OD_UNKNOWN_TOPIC_OR_PARTITION, NULL },
        { BROKER, "4711", OD_INVALID_REQUEST,
          "Unexpected broker id, expected 1, but received 4711" },
        { BROKER, "x", OD_INVALID_REQUEST, "Broker id must be an integer, but it is: x" },
        { LOGGER, "", OD_INVALID_REQUEST, "Broker id must not be empty" },
        { METRICS, "", OD_INVALID_REQUEST, "Client metrics subscription name must not be empty" },
        { GROUP, "", OD_INVALID_REQUEST, "Group name must not be empty" },
        { 77, "x", OD_INVALID_REQUEST, "Unexpected resource type 77 for resource x" },
    };
    struct raw *c = raw_open();

    for (size_t i = 0; i < OD_COUNT(cases); i++) {
        struct od_describe_configs_rsp_result r = describe(c, cases[i].type, cases[i].name);

        CHECK_EQ(r.error_code, cases[i].code);
        CHECK_EQ(r.configs.n, 0);
        CHECK(cases[i].message ? od_str_is(r.error_message, cases[i].message)
                               : !r.error_message.data);
    }
    CHECK_EQ(describe(c, TOPIC, "no/topic").error_code, OD_INVALID_TOPIC_EXCEPTION);
    raw_close(c);
}

TEST(synonyms_name_every_layer_the_strongest_first)
{
    static const int sources[] = { S_TOPIC, S_BROKER, S_BROKERS, S_DEFAULT };
    static const char *const values[] = { "4", "3", "2", "1048588" };
    struct raw *c = raw_open();
    const char *id = our_id(c);
    struct topic t = ask_create(c, "layers", 1, NULL);
    struct od_describe_configs_rsp_result r;
    const struct od_describe_configs_rsp_config *config;

    CHECK_EQ(change(c, BROKER, "", "message.max.bytes", SET, "2"), OD_NONE);
    CHECK_EQ(change(c, BROKER, id, "message.max.bytes", SET, "3"), OD_NONE);
    CHECK_EQ(change(c, TOPIC, t.name, "max.message.bytes", SET, "4"), OD_NONE);
    r = describe(c, TOPIC, t.name);
    config = find(&r, "max.message.bytes");
    CHECK(od_str_is(config->value, "4"));
    CHECK_EQ(config->synonyms.n, 4);
    for (int i = 0; i < 4; i++) {
        CHECK_EQ(config->synonyms.v[i].source, sources[i]);
        CHECK(od_str_is(config->synonyms.v[i].value, values[i]));
        CHECK(od_str_is(config->synonyms.v[i].name,
                        i == 0 ? "max.message.bytes" : "message.max.bytes"));
    }
    check_setting(c, BROKER, id, "message.max.bytes", "3", S_BROKER);
    check_setting(c, BROKER, "", "message.max.bytes", "2", S_BROKERS);
    CHECK_EQ(change(c, TOPIC, t.name, "max.message.bytes", DELETE, NULL), OD_NONE);
    check_setting(c, TOPIC, t.name, "max.message.bytes", "3", S_BROKER);
    CHECK_EQ(change(c, BROKER, id, "message.max.bytes", DELETE, NULL), OD_NONE);
    check_setting(c, TOPIC, t.name, "max.message.bytes", "2", S_BROKERS);
    CHECK_EQ(change(c, BROKER, "", "message.max.bytes", DELETE, NULL), OD_NONE);
    check_setting(c, TOPIC, t.name, "max.message.bytes", "1048588", S_DEFAULT);
    CHECK_EQ(describe(c, BROKER, "").configs.n, 0);
    raw_close(c);
}

/* --- altering ------------------------------------------------------------------------------ */

TEST(p14_the_four_operations_do_what_they_say_in_both_versions)
{
    struct raw *c = raw_open();
    struct topic t = ask_create(c, "operations-on", 1, NULL);

    for (int16_t version = 0; version <= 1; version++) {
        CHECK_EQ(change_version(c, version, TOPIC, t.name, "cleanup.policy", APPEND, "compact",
                                false, NULL),
                 OD_NONE);
        check_setting(c, TOPIC, t.name, "cleanup.policy", "delete,compact", S_TOPIC);
        CHECK_EQ(change_version(c, version, TOPIC, t.name, "cleanup.policy", SUBTRACT, "delete",
                                false, NULL),
                 OD_NONE);
        check_setting(c, TOPIC, t.name, "cleanup.policy", "compact", S_TOPIC);
        CHECK_EQ(change_version(c, version, TOPIC, t.name, "cleanup.policy", SET, "delete", false,
                                NULL),
                 OD_NONE);
        check_setting(c, TOPIC, t.name, "cleanup.policy", "delete", S_TOPIC);
        CHECK_EQ(change_version(c, version, TOPIC, t.name, "cleanup.policy", DELETE, NULL, false,
                                NULL),
                 OD_NONE);
        check_setting(c, TOPIC, t.name, "cleanup.policy", "delete", S_DEFAULT);
        /* Of what is not there: no mistake. */
        CHECK_EQ(change_version(c, version, TOPIC, t.name, "cleanup.policy", DELETE, NULL, false,
                                NULL),
                 OD_NONE);
    }
    raw_close(c);
}

TEST(p14_the_old_alter_resets_what_it_does_not_name)
{
    struct raw *c = raw_open();
    struct topic t = ask_create(c, "replaced", 1, "retention.ms=5,segment.ms=6");

    for (int16_t version = 0; version <= 2; version++) {
        CHECK_EQ(change(c, TOPIC, t.name, "segment.ms", SET, "6"), OD_NONE);
        CHECK_EQ(replace_version(c, version, TOPIC, t.name, "retention.ms", "7"), OD_NONE);
        check_setting(c, TOPIC, t.name, "retention.ms", "7", S_TOPIC);
        check_setting(c, TOPIC, t.name, "segment.ms", "604800000", S_DEFAULT);
    }
    CHECK_EQ(replace_version(c, 2, TOPIC, t.name, NULL, NULL), OD_NONE);
    check_setting(c, TOPIC, t.name, "retention.ms", "604800000", S_DEFAULT);
    CHECK_EQ(replace_version(c, 2, LOGGER, "1", "broker", "INFO"), OD_INVALID_REQUEST);
    raw_close(c);
}

TEST(p14_validate_only_changes_nothing)
{
    struct raw *c = raw_open();
    struct topic t = ask_create(c, "validated", 1, NULL);

    CHECK_EQ(change_version(c, 1, TOPIC, t.name, "retention.ms", SET, "5", true, NULL), OD_NONE);
    check_setting(c, TOPIC, t.name, "retention.ms", "604800000", S_DEFAULT);
    CHECK_EQ(change_version(c, 1, TOPIC, t.name, "retention.ms", SET, "-2", true, NULL),
             OD_INVALID_CONFIG);
    CHECK_EQ(change_version(c, 1, LOGGER, our_id(c), "broker", SET, "ERROR", true, NULL), OD_NONE);
    check_setting(c, LOGGER, our_id(c), "broker", "INFO", S_LOGGER);
    raw_close(c);
}

TEST(what_a_topic_may_not_have_is_refused_in_kafkas_words)
{
    struct raw *c = raw_open();
    struct topic t = ask_create(c, "refusing", 1, NULL);

    check_refused(c, TOPIC, t.name, "nonsense", SET, "1", OD_INVALID_CONFIG,
                  "Unknown topic config name: nonsense");
    check_refused(c, TOPIC, t.name, "retention.ms", SET, "soon", OD_INVALID_CONFIG,
                  "Invalid value soon for configuration retention.ms: must be at least -1");
    check_refused(c, TOPIC, t.name, "retention.ms", APPEND, "1", OD_INVALID_CONFIG,
                  "Can't APPEND to key retention.ms because its type is not LIST.");
    check_refused(c, TOPIC, t.name, "retention.ms", SET, NULL, OD_INVALID_REQUEST,
                  "Null value not supported for : retention.ms");
    check_refused(c, TOPIC, t.name, "retention.ms", 9, "1", OD_INVALID_REQUEST,
                  "Unknown operations type 9");
    check_refused(c, TOPIC, t.name, "remote.storage.enable", SET, "true", OD_INVALID_CONFIG,
                  "Tiered Storage functionality is disabled in the broker. Topic cannot be "
                  "configured with remote log storage.");
    check_refused(c, TOPIC, "no-such-topic", "retention.ms", SET, "1",
                  OD_UNKNOWN_TOPIC_OR_PARTITION, "The topic 'no-such-topic' does not exist.");
    check_refused(c, TOPIC, "", "retention.ms", SET, "1", OD_INVALID_REQUEST,
                  "Default topic resources are not allowed.");
    CHECK_EQ(change(c, TOPIC, t.name, "max.compaction.lag.ms", SET, "9"), OD_NONE);
    CHECK_EQ(change(c, TOPIC, t.name, "min.compaction.lag.ms", SET, "9"), OD_NONE);
    check_refused(c, TOPIC, t.name, "min.compaction.lag.ms", SET, "10", OD_INVALID_CONFIG,
                  "conflict topic config setting min.compaction.lag.ms (10) > "
                  "max.compaction.lag.ms (9)");
    raw_close(c);
}

TEST(what_a_broker_may_not_have_is_refused_in_kafkas_words)
{
    struct raw *c = raw_open();
    const char *id = our_id(c);

    check_refused(c, BROKER, "4711", "max.connections", SET, "1", OD_INVALID_REQUEST,
                  "Unexpected broker id, expected 1, but received 4711");
    check_refused(c, BROKER, "x", "max.connections", SET, "1", OD_INVALID_REQUEST,
                  "Node id must be an integer, but it is: x");
    check_refused(c, BROKER, id, "num.partitions", SET, "1", OD_INVALID_REQUEST,
                  "Cannot update these configs dynamically: [num.partitions]; set it in the "
                  "broker's file and restart");
    check_refused(c, BROKER, id, "max.connections", SET, "-1", OD_INVALID_REQUEST,
                  "Invalid value -1 for configuration max.connections: must be at least 0");
    raw_close(c);
}

TEST(p15_reassignment_tools_may_set_their_throttles)
{
    struct raw *c = raw_open();
    const char *id = our_id(c);
    struct topic t = ask_create(c, "throttled", 1, NULL);

    CHECK_EQ(change(c, BROKER, id, "leader.replication.throttled.rate", SET, "1000"), OD_NONE);
    CHECK_EQ(change(c, BROKER, id, "follower.replication.throttled.rate", SET, "1000"), OD_NONE);
    check_setting(c, BROKER, id, "leader.replication.throttled.rate", "1000", S_BROKER);
    CHECK_EQ(change(c, TOPIC, t.name, "leader.replication.throttled.replicas", APPEND, "0:1"),
             OD_NONE);
    check_setting(c, TOPIC, t.name, "leader.replication.throttled.replicas", "0:1", S_TOPIC);
    CHECK_EQ(change(c, BROKER, id, "leader.replication.throttled.rate", DELETE, NULL), OD_NONE);
    CHECK_EQ(change(c, BROKER, id, "follower.replication.throttled.rate", DELETE, NULL), OD_NONE);
    raw_close(c);
}

TEST(a_resource_or_key_named_twice_is_refused)
{
    struct raw *c = raw_open();
    struct topic t = ask_create(c, "twice", 1, NULL);
    struct od_incremental_alter_configs_req_config configs[2] = {
        { .name = OD_STR("segment.ms"), .value = OD_STR("5") },
        { .name = OD_STR("segment.ms"), .value = OD_STR("6") },
    };
    struct od_incremental_alter_configs_req_resource in[2] = {
        { .resource_type = TOPIC, .resource_name = od_str_of(t.name) },
        { .resource_type = TOPIC, .resource_name = od_str_of(t.name) },
    };
    struct od_incremental_alter_configs_req req;
    struct od_incremental_alter_configs_rsp rsp;

    od_incremental_alter_configs_req_defaults(&req);
    in[0].configs.n = 2;
    in[0].configs.v = configs;
    req.resources.n = 1;
    req.resources.v = in;
    CHECK_EQ(raw_call(c, OD_incremental_alter_configs_KEY, 1, &req, &rsp), RAW_ANSWER);
    CHECK_EQ(rsp.responses.v[0].error_code, OD_INVALID_REQUEST);
    CHECK(od_str_is(rsp.responses.v[0].error_message, "Error due to duplicate config keys"));
    in[0].configs.n = 1;
    req.resources.n = 2;
    CHECK_EQ(raw_call(c, OD_incremental_alter_configs_KEY, 1, &req, &rsp), RAW_ANSWER);
    CHECK_EQ(rsp.responses.n, 2);
    for (int i = 0; i < 2; i++) {
        CHECK_EQ(rsp.responses.v[i].error_code, OD_INVALID_REQUEST);
        CHECK(od_str_is(rsp.responses.v[i].error_message,
                        "Each resource must appear at most once."));
    }
    check_setting(c, TOPIC, t.name, "segment.ms", "604800000", S_DEFAULT);
    raw_close(c);
}

/* --- living -------------------------------------------------------------------------------- */

TEST(a_topics_new_limit_counts_for_the_next_produce)
{
    struct raw *c = raw_open();
    struct topic t = ask_create(c, "limited", 1, NULL);
    struct batch b = batch_of(3);

    CHECK_EQ(ask_produce(c, &t, 0, &b).error_code, OD_NONE);
    CHECK_EQ(change(c, TOPIC, t.name, "max.message.bytes", SET, "10"), OD_NONE);
    CHECK_EQ(ask_produce(c, &t, 0, &b).error_code, OD_MESSAGE_TOO_LARGE);
    CHECK_EQ(change(c, TOPIC, t.name, "max.message.bytes", DELETE, NULL), OD_NONE);
    CHECK_EQ(ask_produce(c, &t, 0, &b).error_code, OD_NONE);
    raw_close(c);
}

TEST(a_brokers_new_default_counts_for_topics_without_their_own)
{
    struct raw *c = raw_open();
    struct topic own = ask_create(c, "own-limit", 1, "max.message.bytes=100000");
    struct topic plain = ask_create(c, "no-limit", 1, NULL);
    struct batch b = batch_of(3);

    CHECK_EQ(change(c, BROKER, "", "message.max.bytes", SET, "10"), OD_NONE);
    CHECK_EQ(ask_produce(c, &plain, 0, &b).error_code, OD_MESSAGE_TOO_LARGE);
    CHECK_EQ(ask_produce(c, &own, 0, &b).error_code, OD_NONE);
    CHECK_EQ(change(c, BROKER, "", "message.max.bytes", DELETE, NULL), OD_NONE);
    CHECK_EQ(ask_produce(c, &plain, 0, &b).error_code, OD_NONE);
    raw_close(c);
}

static bool is_served_within(struct raw *c, int timeout_ms)
{
    struct od_metadata_rsp rsp;

    return raw_receive(c, OD_metadata_KEY, 9, &rsp, timeout_ms) == RAW_ANSWER;
}

/* Until the connections of earlier tests are gone. */
static void await_alone(struct raw *c)
{
    int64_t start_ms = now_ms();
    struct od_describe_cluster_req req;
    struct od_describe_cluster_rsp rsp;

    od_describe_cluster_req_defaults(&req);
    req.include_clients = true;
    do {
        took_at_most(start_ms, RAW_PATIENCE_MS);
        CHECK_EQ(raw_call(c, OD_describe_cluster_KEY, 2, &req, &rsp), RAW_ANSWER);
    } while (rsp.clients.n > 1);
}

TEST(who_comes_when_max_connections_is_reached_waits_until_there_is_room)
{
    struct raw *c = raw_open(), *waits;
    struct od_metadata_req req;

    await_alone(c);
    CHECK_EQ(change(c, BROKER, "", "max.connections", SET, "1"), OD_NONE);
    waits = raw_open(); /* in the backlog */
    od_metadata_req_defaults(&req);
    CHECK(raw_send(waits, OD_metadata_KEY, 9, &req));
    CHECK(!is_served_within(waits, 150));
    CHECK_EQ(change(c, BROKER, "", "max.connections", DELETE, NULL), OD_NONE);
    CHECK(is_served_within(waits, RAW_PATIENCE_MS));
    raw_close(waits);
    raw_close(c);
}

TEST(who_comes_from_an_address_that_has_its_share_is_closed)
{
    struct raw *c = raw_open(), *over;
    const char *id = our_id(c);
    struct od_metadata_req req;
    struct od_metadata_rsp rsp;

    CHECK_EQ(change(c, BROKER, id, "max.connections.per.ip.overrides", SET, "127.0.0.1:1"),
             OD_NONE);
    over = raw_open();
    od_metadata_req_defaults(&req);
    raw_send(over, OD_metadata_KEY, 9, &req);
    CHECK_EQ(raw_receive(over, OD_metadata_KEY, 9, &rsp, RAW_PATIENCE_MS), RAW_CLOSED);
    CHECK_EQ(change(c, BROKER, id, "max.connections.per.ip.overrides", DELETE, NULL), OD_NONE);
    raw_close(over);
    raw_close(c);
}

TEST(log_levels_are_settings_of_a_broker)
{
    struct raw *c = raw_open();
    const char *id = our_id(c);

    check_setting(c, LOGGER, id, "net", "INFO", S_LOGGER);
    CHECK_EQ(change(c, LOGGER, id, "net", SET, "ERROR"), OD_NONE);
    check_setting(c, LOGGER, id, "net", "ERROR", S_LOGGER);
    check_setting(c, LOGGER, id, "broker", "INFO", S_LOGGER);
    CHECK_EQ(change(c, LOGGER, id, "net", DELETE, NULL), OD_NONE);
    check_setting(c, LOGGER, id, "net", "INFO", S_LOGGER);
    check_refused(c, LOGGER, id, "kafka.server", SET, "INFO", OD_INVALID_CONFIG,
                  "Logger kafka.server does not exist!");
    CHECK_EQ(change(c, LOGGER, id, "net", SET, "LOUD"), OD_INVALID_CONFIG);
    CHECK_EQ(change(c, LOGGER, id, "net", APPEND, "INFO"), OD_INVALID_REQUEST);
    check_refused(c, LOGGER, id, "root", DELETE, NULL, OD_INVALID_REQUEST,
                  "Removing the log level of the root logger is not allowed");
    raw_close(c);
}

/* --- groups, client metrics, lists --------------------------------------------------------- */

TEST(a_groups_settings_lie_between_the_brokers_bounds)
{
    struct raw *c = raw_open();
    struct od_describe_configs_rsp_result r = describe(c, GROUP, "g");

    CHECK_EQ(r.configs.n, 21);
    check_setting(c, GROUP, "g", "consumer.session.timeout.ms", "45000", S_DEFAULT);
    CHECK_EQ(change(c, GROUP, "g", "consumer.session.timeout.ms", SET, "60000"), OD_NONE);
    check_setting(c, GROUP, "g", "consumer.session.timeout.ms", "60000", S_GROUP);
    check_refused(c, GROUP, "g", "consumer.session.timeout.ms", SET, "60001", OD_INVALID_CONFIG,
                  "consumer.session.timeout.ms must be less than or equal to "
                  "group.consumer.max.session.timeout.ms");
    check_refused(c, GROUP, "g", "consumer.session.timeout.ms", SET, "44999", OD_INVALID_CONFIG,
                  "consumer.session.timeout.ms must be greater than or equal to "
                  "group.consumer.min.session.timeout.ms");
    check_refused(c, GROUP, "g", "nonsense", SET, "1", OD_INVALID_CONFIG,
                  "Unknown group config name: nonsense");
    check_refused(c, GROUP, "", "consumer.session.timeout.ms", SET, "50000", OD_INVALID_REQUEST,
                  "Default group resources are not allowed.");
    CHECK_EQ(change(c, GROUP, "g", "consumer.session.timeout.ms", DELETE, NULL), OD_NONE);
    raw_close(c);
}

TEST(client_metrics_subscriptions_are_kept_and_listed)
{
    struct raw *c = raw_open();
    struct od_list_config_resources_req req;
    struct od_list_config_resources_rsp rsp;

    CHECK_EQ(change(c, METRICS, "subscription", "interval.ms", SET, "100"), OD_NONE);
    CHECK_EQ(change(c, METRICS, "subscription", "match", SET, "client_id=a.*"), OD_NONE);
    check_setting(c, METRICS, "subscription", "interval.ms", "100", S_METRICS);
    check_setting(c, METRICS, "subscription", "metrics", "", S_DEFAULT);
    check_refused(c, METRICS, "subscription", "interval.ms", SET, "99", OD_INVALID_REQUEST,
                  "Invalid value 99 for interval.ms, interval must be between 100 and 3600000 "
                  "(1 hour)");
    check_refused(c, METRICS, "subscription", "match", SET, "colour=red", OD_INVALID_CONFIG,
                  "Illegal client matching pattern: colour=red");
    check_refused(c, METRICS, "subscription", "nonsense", SET, "1", OD_INVALID_REQUEST,
                  "Unknown client metrics configuration: nonsense");
    od_list_config_resources_req_defaults(&req);
    CHECK_EQ(raw_call(c, OD_list_config_resources_KEY, 0, &req, &rsp), RAW_ANSWER);
    CHECK_EQ(rsp.error_code, OD_NONE);
    CHECK_EQ(rsp.config_resources.n, 1);
    CHECK(od_str_is(rsp.config_resources.v[0].resource_name, "subscription"));
    CHECK_EQ(change(c, METRICS, "subscription", "interval.ms", DELETE, NULL), OD_NONE);
    CHECK_EQ(change(c, METRICS, "subscription", "match", DELETE, NULL), OD_NONE);
    CHECK_EQ(raw_call(c, OD_list_config_resources_KEY, 0, &req, &rsp), RAW_ANSWER);
    CHECK_EQ(rsp.config_resources.n, 0);
    raw_close(c);
}

TEST(resources_are_listed_by_type_from_version_1_on)
{
    static const int8_t broker[] = { BROKER };
    static const int8_t wrong[] = { BROKER, 77 };
    struct raw *c = raw_open();
    struct topic t = ask_create(c, "listed", 1, NULL);
    struct od_list_config_resources_req req;
    struct od_list_config_resources_rsp rsp;
    bool found = false;

    od_list_config_resources_req_defaults(&req);
    CHECK_EQ(raw_call(c, OD_list_config_resources_KEY, 1, &req, &rsp), RAW_ANSWER);
    for (int32_t i = 0; i < rsp.config_resources.n; i++)
        found |= rsp.config_resources.v[i].resource_type == TOPIC &&
                 od_str_is(rsp.config_resources.v[i].resource_name, t.name);
    CHECK(found);
    req.resource_types.n = 1;
    req.resource_types.v = (int8_t *)broker;
    CHECK_EQ(raw_call(c, OD_list_config_resources_KEY, 1, &req, &rsp), RAW_ANSWER);
    CHECK_EQ(rsp.config_resources.n, 1);
    CHECK_EQ(rsp.config_resources.v[0].resource_type, BROKER);
    req.resource_types.n = 2;
    req.resource_types.v = (int8_t *)wrong;
    CHECK_EQ(raw_call(c, OD_list_config_resources_KEY, 1, &req, &rsp), RAW_ANSWER);
    CHECK_EQ(rsp.error_code, OD_UNSUPPORTED_VERSION);
    raw_close(c);
}
