/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptions: which layer counts, what is shown, what is hidden. */
#include "config/describe.h"
#include "test.h"

struct scene {
    struct od_config config;
    struct od_layers layers;
    struct od_topic_config *defaults;
    struct od_live_config *live;
    struct od_arena arena;
    struct od_text errors, notes;
};

static void begin_with(struct scene *s, const char *file, const struct od_setting *brokers, int n)
{
    struct od_config_input in = { .file_name = "f",
                                  .file = od_str_of(file),
                                  .data_dir = "/d",
                                  .cores = 1,
                                  .memory_bytes = 1 << 30 };

    *s = (struct scene){ 0 };
    CHECK_OK(od_config_load(&s->config, &in, &s->errors, &s->notes));
    s->defaults = od_topic_config_resolve(&s->config, brokers, n, NULL, 0);
    s->live = od_live_config_resolve(&s->config, brokers, n);
    s->layers = (struct od_layers){ .config = &s->config,
                                    .live = s->live,
                                    .defaults = s->defaults,
                                    .brokers = brokers,
                                    .brokers_count = n };
}

static void end(struct scene *s)
{
    od_topic_config_unref(s->defaults);
    od_live_config_unref(s->live);
    od_config_deinit(&s->config);
    od_arena_reset(&s->arena);
    od_text_reset(&s->errors);
    od_text_reset(&s->notes);
}

static struct od_description broker_key(struct scene *s, enum od_key key)
{
    struct od_description d;

    CHECK(od_describe_broker_key(&s->layers, od_key_row(key), &s->arena, &d));
    return d;
}

TEST(a_files_value_is_static_and_hides_the_default)
{
    struct scene s;
    struct od_description d;

    begin_with(&s, "num.partitions=7", NULL, 0);
    d = broker_key(&s, OD_KEY_NUM_PARTITIONS);
    CHECK(od_str_is(d.value, "7"));
    CHECK_EQ(d.source, OD_SOURCE_STATIC_BROKER);
    CHECK_EQ(d.synonym_count, 2);
    CHECK_EQ(d.synonyms[1].source, OD_SOURCE_DEFAULT);
    CHECK(od_str_is(d.synonyms[1].value, "1"));
    CHECK(d.read_only);
    CHECK_EQ(d.type, 3);
    end(&s);
}

TEST(an_alias_counts_for_the_topic_and_is_named)
{
    struct scene s;
    struct od_description d;

    begin_with(&s, "log.retention.hours=2", NULL, 0);
    CHECK(od_describe_topic_key(&s.layers, s.defaults, od_key_row(OD_KEY_RETENTION_MS), &s.arena,
                                &d));
    CHECK(od_str_is(d.value, "7200000"));
    CHECK_EQ(d.source, OD_SOURCE_STATIC_BROKER);
    CHECK_STR(d.synonyms[0].name, "log.retention.hours");
    /* The broker's key in milliseconds is not set, as in Kafka. */
    d = broker_key(&s, OD_KEY_RETENTION_MS);
    CHECK(!d.value.data);
    CHECK_EQ(d.source, OD_SOURCE_DEFAULT);
    CHECK_EQ(d.synonym_count, 0);
    d = broker_key(&s, OD_KEY_LOG_RETENTION_HOURS);
    CHECK(od_str_is(d.value, "2"));
    end(&s);
}

TEST(what_was_set_at_run_time_beats_the_file)
{
    static const struct od_setting brokers[] = { { OD_STR("max.connections"), OD_STR("9") } };
    struct scene s;
    struct od_description d;

    begin_with(&s, "max.connections=5", brokers, 1);
    d = broker_key(&s, OD_KEY_MAX_CONNECTIONS);
    CHECK(od_str_is(d.value, "9"));
    CHECK_EQ(d.source, OD_SOURCE_DYNAMIC_DEFAULT_BROKER);
    CHECK_EQ(d.synonym_count, 3);
    CHECK(!d.read_only);
    CHECK(od_describe_brokers_key(&s.layers, od_key_row(OD_KEY_MAX_CONNECTIONS), &s.arena, &d));
    CHECK(od_str_is(d.value, "9"));
    CHECK(!od_describe_brokers_key(&s.layers, od_key_row(OD_KEY_NUM_PARTITIONS), &s.arena, &d));
    end(&s);
}

TEST(a_password_is_never_shown)
{
    struct scene s;
    struct od_description d;

    begin_with(&s, "ssl.key.password=secret", NULL, 0);
    d = broker_key(&s, OD_KEY_SSL_KEY_PASSWORD);
    CHECK(d.sensitive);
    CHECK(!d.value.data);
    CHECK_EQ(d.synonym_count, 1);
    CHECK(!d.synonyms[0].value.data);
    CHECK_EQ(d.source, OD_SOURCE_STATIC_BROKER);
    end(&s);
}

TEST(our_own_keys_are_shown_only_where_they_are_set)
{
    struct scene s;
    struct od_description d;
    const struct od_key_row *row = od_key_row(OD_KEY_ODRADEK_DURABILITY);

    begin_with(&s, "", NULL, 0);
    CHECK(!od_describe_broker_key(&s.layers, row, &s.arena, &d));
    CHECK(!od_describe_topic_key(&s.layers, s.defaults, row, &s.arena, &d));
    end(&s);
    begin_with(&s, "odradek.durability=replicated", NULL, 0);
    CHECK(od_describe_broker_key(&s.layers, row, &s.arena, &d));
    CHECK(od_describe_topic_key(&s.layers, s.defaults, row, &s.arena, &d));
    CHECK(od_str_is(d.value, "replicated"));
    end(&s);
}

TEST(what_the_machine_decides_is_shown_as_the_default)
{
    struct scene s;
    struct od_description d;

    begin_with(&s, "", NULL, 0);
    d = broker_key(&s, OD_KEY_NUM_NETWORK_THREADS);
    CHECK(od_str_is(d.value, "1"));
    CHECK_EQ(d.source, OD_SOURCE_DEFAULT);
    CHECK_EQ(d.synonym_count, 1);
    end(&s);
}

TEST(every_alias_of_the_table_is_a_synonym)
{
    struct scene s;

    begin_with(&s, "", NULL, 0);
    for (int i = 0; i < OD_KEYS; i++) {
        const struct od_key_row *row = od_key_row((enum od_key)i);
        struct od_setting set = { od_str_of(row->name), OD_STR("1") };
        struct od_description d;

        if (!row->alias_of || od_key_row((enum od_key)(row->alias_of - 1))->topic_index < 0)
            continue;
        s.layers.brokers = &set;
        s.layers.brokers_count = 1;
        CHECK(od_describe_topic_key(&s.layers, s.defaults,
                                    od_key_row((enum od_key)(row->alias_of - 1)), &s.arena, &d));
        CHECK_STR(d.synonyms[0].name, row->name);
    }
    end(&s);
}

TEST(a_group_takes_the_brokers_value_until_it_has_its_own)
{
    static const struct od_setting own = { OD_STR("consumer.session.timeout.ms"),
                                           OD_STR("50000") };
    const struct od_resource_key *key = od_group_key_find(own.name);
    struct scene s;
    struct od_description d;

    begin_with(&s, "group.consumer.session.timeout.ms=46000", NULL, 0);
    CHECK(od_describe_group_key(&s.layers, key, &s.arena, &d));
    CHECK(od_str_is(d.value, "46000"));
    CHECK_EQ(d.source, OD_SOURCE_STATIC_BROKER);
    s.layers.own = &own;
    s.layers.own_count = 1;
    CHECK(od_describe_group_key(&s.layers, key, &s.arena, &d));
    CHECK(od_str_is(d.value, "50000"));
    CHECK_EQ(d.source, OD_SOURCE_GROUP);
    CHECK_EQ(d.synonym_count, 3);
    end(&s);
}

TEST(settings_of_groups_and_metrics_keep_their_bounds_and_order)
{
    const struct od_resource_key *key, *previous = NULL;

    for (int i = 0; (key = od_group_key(i)); previous = key, i++) {
        uint64_t scratch[2] = { 0 };

        CHECK(!previous || strcmp(previous->row.name, key->row.name) < 0);
        od_key_set_default(&key->row, scratch);
        od_key_free(&key->row, scratch);
        if (key->broker != OD_KEY_NO_KEY)
            CHECK_EQ(od_key_row((enum od_key)key->broker)->type, key->row.type);
    }
    CHECK(od_metrics_key(3) == NULL);
    CHECK(od_metrics_key(2) != NULL);
}
