/* SPDX-License-Identifier: Apache-2.0 */
/* od_config: where settings come from, their bounds, aliases, refusals and defaults. */
#include "config/config.h"
#include "config/key.h"
#include "test.h"

#include <string.h>

struct loaded {
    struct od_config config;
    struct od_text errors, notes;
    enum od_err err;
};

static struct loaded load_input(const struct od_config_input *in)
{
    struct loaded l = { 0 };

    l.err = od_config_load(&l.config, in, &l.errors, &l.notes);
    return l;
}

static struct loaded load(const char *file)
{
    return load_input(&(struct od_config_input){ .file_name = "f",
                                                 .file = od_str_of(file),
                                                 .data_dir = "/data",
                                                 .cores = 4,
                                                 .memory_bytes = INT64_C(1) << 33 });
}

static void unload(struct loaded *l)
{
    od_config_deinit(&l->config);
    od_text_reset(&l->errors);
    od_text_reset(&l->notes);
}

static void check_error(const char *file, const char *message)
{
    struct loaded l = load(file);

    CHECK_EQ(l.err, OD_E_CONFIG);
    CHECK_STR(od_text_get(&l.errors), message);
    unload(&l);
}

static void check_good(const char *file)
{
    struct loaded l = load(file);

    CHECK_STR(od_text_get(&l.errors), "");
    CHECK_OK(l.err);
    unload(&l);
}

TEST(no_name_has_two_rows)
{
    for (int i = 0; i < OD_KEYS; i++) {
        const struct od_key_row *row = od_key_row((enum od_key)i);

        CHECK(row->name || row->topic_name);
        if (row->name)
            CHECK(od_key_find(od_str_of(row->name)) == row);
        if (row->topic_name)
            CHECK(od_key_find_topic(od_str_of(row->topic_name)) == row);
    }
}

TEST(doubles_print_as_java_does)
{
    static const struct {
        double value;
        const char *text;
    } cases[] = { { 0.5, "0.5" }, { 0.1, "0.1" }, { 1, "1.0" }, { 100, "100.0" },
                  { 1.7976931348623157e308, "1.7976931348623157E308" } };

    for (size_t i = 0; i < OD_COUNT(cases); i++) {
        struct od_text text = { 0 };

        od_key_print(od_key_row(OD_KEY_LOG_CLEANER_IO_MAX_BYTES_PER_SECOND), &cases[i].value,
                     &text);
        CHECK_STR(od_text_get(&text), cases[i].text);
        od_text_reset(&text);
    }
}

TEST(every_default_keeps_its_own_bound)
{
    struct loaded l = load("");
    struct od_text text = { 0 }, why = { 0 };

    CHECK_OK(l.err);
    for (int i = 0; i < OD_KEYS; i++) {
        const struct od_key_row *row = od_key_row((enum od_key)i);
        uint64_t scratch[2] = { 0 };

        od_config_print(&l.config, row->key, &text);
        if (row->topic_index >= 0 || !row->unset)
            CHECK(od_key_parse(row, (struct od_str){ od_text_get(&text), text.len }, scratch,
                               &why));
        od_key_free(row, scratch);
        od_text_reset(&text);
    }
    CHECK_STR(od_text_get(&why), "");
    unload(&l);
}

TEST(without_any_configuration_kafkas_defaults_hold)
{
    struct loaded l = load("");
    struct od_config *c = &l.config;

    CHECK_OK(l.err);
    CHECK_STR(od_text_get(&l.notes), "");
    CHECK_EQ(c->num_partitions, 1);
    CHECK(c->auto_create_topics_enable);
    CHECK_EQ(c->topic.segment_bytes, 1073741824);
    CHECK_EQ(c->topic.retention_ms, 604800000);
    CHECK_EQ(c->topic.max_message_bytes, 1048588);
    CHECK_EQ(c->topic.cleanup_policy, OD_CLEANUP_DELETE);
    CHECK_EQ(c->topic.compression_type, OD_COMPRESSION_PRODUCER);
    CHECK_EQ(c->topic.message_timestamp_after_max_ms, 3600000);
    CHECK_EQ(c->topic.odradek_durability, OD_DURABILITY_FSYNC);
    CHECK_EQ(c->socket_request_max_bytes, 104857600);
    CHECK_EQ(c->node_id, -1);
    CHECK_STR(c->log_dirs, "/data");
    unload(&l);
}

TEST(without_listeners_only_this_machine_is_served)
{
    struct loaded l = load("");

    CHECK_EQ(l.config.endpoint_count, 2);
    CHECK_STR(l.config.endpoints[0].host, "127.0.0.1");
    CHECK_STR(l.config.endpoints[1].host, "::1");
    CHECK_EQ(l.config.endpoints[1].port, 9092);
    CHECK_EQ(l.config.advertised_count, 0);
    CHECK(!od_config_is_set(&l.config, OD_KEY_LISTENERS));
    unload(&l);
}

TEST(an_override_beats_the_environment_beats_the_file_beats_the_default)
{
    static const char *const environment[] = { "KAFKA_NUM_PARTITIONS=3", "KAFKA_LOG_DIRS=/e",
                                               "PATH=/bin", NULL };
    static const char *const overrides[] = { "num.partitions=4" };
    struct od_config_input in = {
        .file_name = "f",
        .file = OD_STR("num.partitions=2\nlog.dirs=/f\nfetch.max.bytes=2048\n"),
        .environment = environment,
        .overrides = overrides,
        .override_count = 1,
        .data_dir = "/d",
        .cores = 1,
    };
    struct loaded l = load_input(&in);

    CHECK_OK(l.err);
    CHECK_EQ(l.config.num_partitions, 4);
    CHECK_STR(l.config.log_dirs, "/e");
    CHECK_EQ(l.config.fetch_max_bytes, 2048);
    CHECK_STR(l.config.origins[OD_KEY_NUM_PARTITIONS].place, "--override");
    CHECK_STR(l.config.origins[OD_KEY_LOG_DIRS].place, "KAFKA_LOG_DIRS");
    CHECK_STR(l.config.origins[OD_KEY_FETCH_MAX_BYTES].place, "f:3");
    CHECK(!l.config.origins[OD_KEY_NODE_ID].place);
    unload(&l);
}

TEST(a_weaker_source_may_be_wrong)
{
    static const char *const overrides[] = { "num.partitions=4" };
    struct od_config_input in = { .file_name = "f",
                                  .file = OD_STR("num.partitions=none\n"),
                                  .overrides = overrides,
                                  .override_count = 1,
                                  .data_dir = "/d" };
    struct loaded l = load_input(&in);

    CHECK_OK(l.err);
    unload(&l);
}

TEST(underscores_of_a_variable_are_dot_underscore_and_dash)
{
    static const char *const environment[] = { "KAFKA_A_B__C___D____E=1", "KAFKA_HEAP_OPTS=x",
                                               "KAFKA_=1", "CLUSTER_ID=abc", NULL };
    struct od_config_input in = { .environment = environment, .data_dir = "/d" };
    struct loaded l = load_input(&in);

    CHECK_OK(l.err);
    CHECK_STR(od_text_get(&l.notes),
              "a.b_c-d-.e (KAFKA_A_B__C___D____E): unknown, no effect\n");
    CHECK_STR(l.config.odradek_cluster_id, "abc");
    unload(&l);
}

TEST(the_last_of_two_entries_wins)
{
    struct loaded l = load("num.partitions=2\nnum.partitions=3\nx=1\nx=2");

    CHECK_EQ(l.config.num_partitions, 3);
    CHECK_STR(od_text_get(&l.notes), "x (f:4): unknown, no effect\n");
    unload(&l);
}

TEST(an_error_names_key_value_bound_and_place)
{
    check_error("\nlog.segment.bytes=1048575",
                "log.segment.bytes = 1048575 (f:2): must be at least 1048576\n");
    check_error("num.partitions=0", "num.partitions = 0 (f:1): must be at least 1\n");
    check_error("num.partitions=2147483648",
                "num.partitions = 2147483648 (f:1): must be at least 1\n");
    check_error("compression.gzip.level=0",
                "compression.gzip.level = 0 (f:1): must be from 1 to 9, or -1\n");
    check_error("delete.topic.enable=yes",
                "delete.topic.enable = yes (f:1): must be true or false\n");
    check_error("odradek.durability=maybe",
                "odradek.durability = maybe (f:1): must be one of fsync,replicated\n");
    check_error("log.cleanup.policy=delete,shred",
                "log.cleanup.policy = delete,shred (f:1): must be empty, or some of "
                "delete,compact\n");
    check_error("log.cleaner.min.cleanable.ratio=1.01",
                "log.cleaner.min.cleanable.ratio = 1.01 (f:1): must be from 0 to 1\n");
    check_error("log.dirs=/a,/b", "log.dirs = /a,/b (f:1): several data directories are not built "
                                  "yet; name one\n");
    check_error("a=\\u1", "f: line 1: \\u needs four hexadecimal digits\n");
}

TEST(the_bound_itself_is_good)
{
    check_good("log.segment.bytes=1048576");
    check_good("compression.gzip.level=-1");
    check_good("compression.gzip.level=9");
    check_good("log.cleaner.min.cleanable.ratio=1.0");
    check_good("log.cleanup.policy= compact , delete ");
    check_good("queued.max.request.bytes=16777216");
    check_good("delete.topic.enable= TRUE ");
}

TEST(all_errors_are_told_at_once)
{
    check_error("num.partitions=0\nnode.id=-2\n",
                "num.partitions = 0 (f:1): must be at least 1\n"
                "node.id = -2 (f:2): must be at least 0, or -1\n");
}

TEST(an_override_without_a_key_is_an_error)
{
    static const char *const overrides[] = { "num.partitions", "=3" };
    struct od_config_input in = { .overrides = overrides, .override_count = 2, .data_dir = "/d" };
    struct loaded l = load_input(&in);

    CHECK_EQ(l.err, OD_E_CONFIG);
    CHECK_STR(od_text_get(&l.errors), "--override num.partitions: must have the form key=value\n"
                                      "--override =3: must have the form key=value\n");
    unload(&l);
}

TEST(the_finest_unit_decides_and_the_key_itself_beats_it)
{
    struct loaded l = load("log.retention.hours=2\nlog.roll.hours=1\n");

    CHECK_EQ(l.config.topic.retention_ms, 7200000);
    CHECK_EQ(l.config.topic.segment_ms, 3600000);
    CHECK(od_config_is_set(&l.config, OD_KEY_RETENTION_MS));
    unload(&l);
    l = load("log.retention.hours=2\nlog.retention.minutes=3\n");
    CHECK_EQ(l.config.topic.retention_ms, 180000);
    unload(&l);
    l = load("log.retention.minutes=3\nlog.retention.ms=5\n");
    CHECK_EQ(l.config.topic.retention_ms, 5);
    unload(&l);
    l = load("log.retention.hours=-1\n");
    CHECK_EQ(l.config.topic.retention_ms, -1);
    unload(&l);
    l = load("broker.id=7\nlog.dir=/x\nlog.flush.scheduler.interval.ms=9");
    CHECK_EQ(l.config.node_id, 7);
    CHECK_STR(l.config.log_dirs, "/x");
    CHECK_EQ(l.config.topic.flush_ms, 9);
    unload(&l);
}

TEST(reactors_and_budget_follow_the_machine)
{
    static const struct {
        int cores;
        int64_t memory;
        int threads;
        int64_t budget, dirty;
    } cases[] = {
        { 1, 0, 1, 16 << 20, 64 << 20 },
        { 2, (INT64_C(64) << 20) + 4, 1, (16 << 20) + 1, 64 << 20 },
        { 3, (INT64_C(1) << 30) + 16, 2, (256 << 20) + 4, (64 << 20) + 1 },
        { 9, INT64_C(1) << 32, 8, 1 << 30, 256 << 20 },
        { 64, INT64_C(1) << 40, 8, 1 << 30, 1 << 30 },
    };

    for (size_t i = 0; i < OD_COUNT(cases); i++) {
        struct loaded l = load_input(&(struct od_config_input){ .data_dir = "/d",
                                                                .cores = cases[i].cores,
                                                                .memory_bytes = cases[i].memory });

        CHECK_EQ(l.config.num_network_threads, cases[i].threads);
        CHECK_EQ(l.config.queued_max_request_bytes, cases[i].budget);
        CHECK_EQ(l.config.odradek_max_dirty_bytes, cases[i].dirty);
        unload(&l);
    }
}

TEST(a_listener_may_have_limits_of_its_own)
{
    struct loaded l = load("listeners=INSIDE://:1,OUTSIDE://:2\n"
                           "listener.security.protocol.map=INSIDE:PLAINTEXT,OUTSIDE:PLAINTEXT\n"
                           "listener.name.outside.max.connections=7\n"
                           "listener.name.outside.max.connection.creation.rate=8\n");

    CHECK_OK(l.err);
    CHECK_EQ(l.config.endpoints[0].max_connections, 0);
    CHECK_EQ(l.config.endpoints[1].max_connections, 7);
    CHECK_EQ(l.config.endpoints[1].max_connection_creation_rate, 8);
    unload(&l);
    check_error("listener.name.x.max.connections=-1",
                "listener.name.x.max.connections = -1 (f:1): must be at least 0\n");
}

TEST(overrides_of_addresses_have_a_form)
{
    check_good("max.connections.per.ip.overrides=127.0.0.1:5,::1:6");
    check_error("max.connections.per.ip.overrides=127.0.0.1",
                "max.connections.per.ip.overrides = 127.0.0.1 (f:1): must be "
                "address:number,address:number\n");
}

TEST(every_key_of_kafkas_sample_files_is_known)
{
    /* What Kafka 3.9 and 4.4 ship beside the listeners; the metadata of 3.9's other file lies in
     * ZooKeeper. */
    static const char sample[] = "process.roles=broker,controller\n"
                                 "node.id=1\n"
                                 "controller.quorum.bootstrap.servers=localhost:9093\n"
                                 "num.network.threads=3\n"
                                 "num.io.threads=8\n"
                                 "socket.send.buffer.bytes=102400\n"
                                 "socket.receive.buffer.bytes=102400\n"
                                 "socket.request.max.bytes=104857600\n"
                                 "log.dirs=/tmp/kraft-combined-logs\n"
                                 "num.partitions=1\n"
                                 "num.recovery.threads.per.data.dir=2\n"
                                 "offsets.topic.replication.factor=1\n"
                                 "share.coordinator.state.topic.replication.factor=1\n"
                                 "share.coordinator.state.topic.min.isr=1\n"
                                 "transaction.state.log.replication.factor=1\n"
                                 "transaction.state.log.min.isr=1\n"
                                 "log.retention.hours=168\n"
                                 "log.segment.bytes=1073741824\n"
                                 "log.retention.check.interval.ms=300000\n"
                                 "group.initial.rebalance.delay.ms=0\n";
    struct loaded l = load(sample);
    struct od_text old = { 0 };

    CHECK_OK(l.err);
    CHECK(!strstr(od_text_get(&l.notes), "unknown"));
    unload(&l);
    od_text_add(&old, "broker.id=0\nzookeeper.connect=localhost:2181\n"
                      "zookeeper.connection.timeout.ms=18000\n%s",
                strchr(strchr(sample, '\n') + 1, '\n') + 1);
    l = load(od_text_get(&old));
    CHECK_EQ(l.err, OD_E_CONFIG);
    CHECK(od_str_starts(od_str_of(od_text_get(&l.errors)), "zookeeper.connect (f:2): "));
    CHECK(!strstr(strchr(od_text_get(&l.errors), '\n') + 1, "\n"));
    unload(&l);
    od_text_reset(&old);
}

TEST(kafkas_own_server_properties_start)
{
    struct loaded l = load("process.roles=broker,controller\nnode.id=1\n"
                           "controller.quorum.bootstrap.servers=localhost:9093\n"
                           "listeners=PLAINTEXT://:9092,CONTROLLER://:9093\n"
                           "inter.broker.listener.name=PLAINTEXT\n"
                           "advertised.listeners=PLAINTEXT://localhost:9092,"
                           "CONTROLLER://localhost:9093\n"
                           "controller.listener.names=CONTROLLER\n"
                           "listener.security.protocol.map=CONTROLLER:PLAINTEXT,"
                           "PLAINTEXT:PLAINTEXT,SSL:SSL\n"
                           "num.network.threads=3\nlog.dirs=/tmp/kraft-combined-logs\n"
                           "num.partitions=1\nlog.retention.hours=168\n");

    CHECK_STR(od_text_get(&l.errors), "");
    CHECK_OK(l.err);
    CHECK_EQ(l.config.endpoint_count, 1);
    CHECK_STR(l.config.endpoints[0].host, "");
    CHECK_EQ(l.config.endpoints[0].port, 9092);
    CHECK_EQ(l.config.advertised_count, 1);
    CHECK_STR(l.config.advertised[0].host, "localhost");
    CHECK_EQ(l.config.num_network_threads, 3);
    unload(&l);
}

TEST(listeners_take_names_hosts_and_ipv6)
{
    struct loaded l = load("listeners=in-1://[::1]:0,out://h.example:65535\n"
                           "listener.security.protocol.map=IN-1:PLAINTEXT,OUT:PLAINTEXT");

    CHECK_STR(od_text_get(&l.errors), "");
    CHECK_EQ(l.config.endpoint_count, 2);
    CHECK_STR(l.config.endpoints[0].name, "IN-1");
    CHECK_STR(l.config.endpoints[0].host, "::1");
    CHECK_EQ(l.config.endpoints[0].port, 0);
    CHECK_STR(l.config.endpoints[1].host, "h.example");
    CHECK_EQ(l.config.endpoints[1].port, 65535);
    unload(&l);
    check_good("listeners=PLAINTEXT://1.2.3.4:1,PLAINTEXT://[::1]:1");
}

TEST(a_listener_that_cannot_be_is_refused)
{
    static const char form[] = "each item must have the form NAME://host:port, with a port from 0 "
                               "to 65535\n";
    static const char *const wrong[] = {
        "PLAINTEXT://h:65536", "PLAINTEXT://h", "h:9092", "://h:1", "PLAINTEXT://h h:1",
        "PLAINTEXT://:-1",     "P/://h:1",
    };
    struct od_text file = { 0 }, message = { 0 };

    for (size_t i = 0; i < OD_COUNT(wrong); i++) {
        od_text_add(&file, "listeners=%s", wrong[i]);
        od_text_add(&message, "listeners = %s (f:1): %s", wrong[i], form);
        check_error(file.data, message.data);
        od_text_reset(&file);
        od_text_reset(&message);
    }
    check_error("listeners=", "listeners =  (f:1): must name at least one listener\n");
    check_error("listeners=PLAINTEXT://:1,PLAINTEXT://:2",
                "listeners = PLAINTEXT://:1,PLAINTEXT://:2 (f:1): a name may stand twice only for "
                "an IPv4 and an IPv6 address with one port\n");
    check_error("advertised.listeners=X://h:1", "advertised.listeners = X://h:1 (f:1): each name "
                                                "must be one of listeners\n");
    check_error("advertised.listeners=PLAINTEXT://0.0.0.0:1",
                "advertised.listeners = PLAINTEXT://0.0.0.0:1 (f:1): clients cannot connect to all "
                "addresses; name the one they use\n");
    check_error("inter.broker.listener.name=X",
                "inter.broker.listener.name = X (f:1): must be one of listeners\n");
}

TEST(what_protects_and_is_not_built_stops_the_start)
{
    check_error("listeners=SSL://:9093",
                "listeners = SSL://:9093 (f:1): the listener SSL has the security protocol SSL, "
                "and only PLAINTEXT is built so far; remove the listener, or give it PLAINTEXT in "
                "listener.security.protocol.map\n");
    check_error("zookeeper.connect=z:2181",
                "zookeeper.connect (f:1): metadata in ZooKeeper is not built yet; remove the key, "
                "and this node keeps its metadata in its own data directory\n");
    check_error("sasl.jaas.config=secret",
                "sasl.jaas.config (f:1): SASL authentication is not built yet; remove the sasl "
                "keys, knowing that clients are then not authenticated\n");
    check_error("ssl.client.auth=required",
                "ssl.client.auth (f:1): TLS is not built yet; remove the key\n");
    check_error("security.inter.broker.protocol=SSL",
                "security.inter.broker.protocol (f:1): only PLAINTEXT is built so far; remove the "
                "key\n");
    check_error("process.roles=broker", "process.roles = broker (f:1): only broker,controller is "
                                        "built so far; remove the key\n");
    check_error("controller.quorum.voters=1@a:1,2@b:1",
                "controller.quorum.voters = 1@a:1,2@b:1 (f:1): a quorum of several controllers is "
                "not built yet; name this node only, or remove the key\n");
    for (const char *const *key = (const char *const[]){ "authorizer.class.name",
                                                         "listener.name.x.max.connections",
                                                         "create.topic.policy.class.name", NULL };
         *key; key++) {
        struct od_text file = { 0 };
        struct loaded l;

        od_text_add(&file, "%s=x", *key);
        l = load(file.data);
        CHECK_EQ(l.err, OD_E_CONFIG);
        CHECK(od_str_starts((struct od_str){ l.errors.data, l.errors.len }, *key));
        od_text_reset(&file);
        unload(&l);
    }
}

TEST(a_protecting_key_with_its_harmless_value_passes)
{
    check_good("security.inter.broker.protocol=PLAINTEXT\nssl.client.auth=none\n"
               "authorizer.class.name=\nremote.log.storage.system.enable=false\n");
}

TEST(what_has_no_effect_is_noted_without_its_value)
{
    struct loaded l = load("ssl.keystore.password=secret\nretention.ms=5\nnum.io.threads=8\n");

    CHECK_OK(l.err);
    CHECK_STR(od_text_get(&l.notes),
              "ssl.keystore.password (f:1): no effect: TLS is not built yet\n"
              "retention.ms (f:2): is a setting of topics; the broker's is log.retention.ms\n"
              "num.io.threads (f:3): no effect: requests run on the threads that "
              "num.network.threads counts\n");
    unload(&l);
}

TEST(the_data_directory_is_the_systems_or_the_users)
{
    static const char *const both[] = { "HOME=/h", "XDG_STATE_HOME=/s", NULL };
    static const char *const home[] = { "HOME=/h", "XDG_STATE_HOME=", NULL };
    struct od_text t = { 0 };

    od_config_data_dir(both, true, &t);
    od_config_data_dir(both, false, &t);
    od_config_data_dir(home, false, &t);
    od_config_data_dir(NULL, false, &t);
    CHECK_STR(t.data, "/var/lib/odradek/s/odradek/h/.local/state/odradek/var/lib/odradek");
    od_text_reset(&t);
}
