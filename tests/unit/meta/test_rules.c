/* SPDX-License-Identifier: Apache-2.0 */
/* Settings as the controller checks and resolves them, in layers. */
#include "meta/rules.h"

#include "test.h"

struct rules {
    struct od_config config;
    struct od_meta_rules m;
};

static void begin(struct rules *r)
{
    struct od_config_input in = { .file_name = "f",
                                  .file = OD_STR("log.segment.bytes=3000000\n"),
                                  .data_dir = "/d" };
    struct od_text errors = { 0 }, notes = { 0 };

    CHECK_OK(od_config_load(&r->config, &in, &errors, &notes));
    od_meta_rules_init(&r->m, &r->config, 12);
}

static void end(struct rules *r)
{
    od_meta_rules_deinit(&r->m);
    od_config_deinit(&r->config);
}

TEST(the_topic_beats_the_broker_beats_all_brokers_beats_the_file)
{
    struct rules r;
    struct od_image_setting own = { OD_STR("retention.ms"), OD_STR("5") };
    struct od_image_setting mine[] = { { OD_STR("log.retention.ms"), OD_STR("6") },
                                       { OD_STR("message.max.bytes"), OD_STR("60") } };
    struct od_image_setting all[] = { { OD_STR("log.retention.ms"), OD_STR("7") },
                                      { OD_STR("message.max.bytes"), OD_STR("70") },
                                      { OD_STR("min.insync.replicas"), OD_STR("2") } };
    struct od_image_resource topic = { .count = 1, .settings = &own };
    struct od_image_resource broker = { .count = 2, .settings = mine };
    struct od_image_resource brokers = { .count = 3, .settings = all };
    struct od_topic_config *t;

    begin(&r);
    CHECK(od_str_is(r.m.ops.node, "12"));
    t = r.m.ops.resolve(r.m.ops.ctx, &topic, &broker, &brokers);
    CHECK_EQ(t->retention_ms, 5);
    CHECK_EQ(t->max_message_bytes, 60);
    CHECK_EQ(t->min_insync_replicas, 2);
    CHECK_EQ(t->segment_bytes, 3000000);
    CHECK_EQ(t->segment_ms, 604800000);
    CHECK(od_topic_config_overrides(t, OD_KEY_RETENTION_MS));
    CHECK(!od_topic_config_overrides(t, OD_KEY_MAX_MESSAGE_BYTES));
    r.m.ops.unref(t);
    end(&r);
}

static void check(struct rules *r, enum od_resource_type type, const char *name, const char *value,
                  enum od_err err, const char *message)
{
    struct od_text why = { 0 };
    bool ignored;

    CHECK_EQ(r->m.rules.check_setting(r->m.rules.ctx, type, od_str_of(name), od_str_of(value),
                                      &ignored, &why),
             err);
    CHECK_STR(od_text_get(&why), message);
    od_text_reset(&why);
}

TEST(what_a_running_broker_cannot_change_is_refused)
{
    struct rules r;

    begin(&r);
    check(&r, OD_RESOURCE_BROKER, "log.retention.ms", "1", OD_NONE, "");
    check(&r, OD_RESOURCE_BROKER, "log.retention.ms", "-2", OD_INVALID_REQUEST,
          "Invalid value -2 for configuration log.retention.ms: must be at least -1");
    check(&r, OD_RESOURCE_BROKER, "node.id", "1", OD_INVALID_REQUEST,
          "Cannot update these configs dynamically: [node.id]; set it in the broker's file and "
          "restart");
    check(&r, OD_RESOURCE_BROKER, "nonsense", "1", OD_INVALID_REQUEST,
          "Cannot update these configs dynamically: [nonsense]; no broker setting has this name");
    check(&r, OD_RESOURCE_TOPIC, "retention.ms", "1", OD_NONE, "");
    end(&r);
}

TEST(lists_begin_with_what_is_in_force)
{
    struct rules r;
    struct od_str current;

    begin(&r);
    CHECK(r.m.rules.is_list(r.m.rules.ctx, OD_RESOURCE_TOPIC, OD_STR("cleanup.policy"), &current));
    CHECK(od_str_is(current, "delete"));
    CHECK(r.m.rules.is_list(r.m.rules.ctx, OD_RESOURCE_BROKER, OD_STR("log.cleanup.policy"),
                            &current));
    CHECK(!r.m.rules.is_list(r.m.rules.ctx, OD_RESOURCE_TOPIC, OD_STR("retention.ms"), &current));
    CHECK(!r.m.rules.is_list(r.m.rules.ctx, OD_RESOURCE_BROKER, OD_STR("num.partitions"),
                             &current));
    end(&r);
}
