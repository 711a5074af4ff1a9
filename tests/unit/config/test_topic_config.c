/* SPDX-License-Identifier: Apache-2.0 */
/* od_topic_config: overrides over the broker's values, and what may be set. */
#include "config/key.h"
#include "config/topic_config.h"
#include "test.h"

static void load(struct od_config *c, const char *file)
{
    struct od_config_input in = { .file_name = "f", .file = od_str_of(file), .data_dir = "/d" };
    struct od_text errors = { 0 }, notes = { 0 };

    CHECK_OK(od_config_load(c, &in, &errors, &notes));
    od_text_reset(&notes);
}

static void check_refused(const char *name, struct od_str value, const char *message)
{
    struct od_text why = { 0 };
    bool ignored;

    CHECK_EQ(od_topic_config_check(od_str_of(name), value, &ignored, &why), OD_INVALID_CONFIG);
    CHECK_STR(od_text_get(&why), message);
    od_text_reset(&why);
}

TEST(an_override_beats_the_brokers_value_which_beats_the_default)
{
    struct od_setting overrides[] = {
        { OD_STR("segment.bytes"), OD_STR("2097152") },
        { OD_STR("cleanup.policy"), OD_STR("compact") },
        { OD_STR("leader.replication.throttled.replicas"), OD_STR("*") },
    };
    struct od_config c;
    struct od_topic_config *t;

    load(&c, "log.segment.bytes=1048576\nlog.roll.hours=1\n");
    t = od_topic_config_resolve(&c, NULL, 0, overrides, 3);
    CHECK_EQ(t->segment_bytes, 2097152);
    CHECK_EQ(t->segment_ms, 3600000);
    CHECK_EQ(t->cleanup_policy, OD_CLEANUP_COMPACT);
    CHECK_EQ(t->index_interval_bytes, 4096);
    CHECK_STR(t->leader_replication_throttled_replicas, "*");
    CHECK(od_topic_config_overrides(t, OD_KEY_SEGMENT_BYTES));
    CHECK(!od_topic_config_overrides(t, OD_KEY_SEGMENT_MS));
    CHECK(!od_topic_config_overrides(t, OD_KEY_NODE_ID));
    CHECK_STR(c.topic.leader_replication_throttled_replicas, "");
    od_config_deinit(&c); /* what was resolved stands alone */
    CHECK_STR(t->follower_replication_throttled_replicas, "");
    od_topic_config_unref(od_topic_config_ref(t));
    CHECK_EQ(t->segment_bytes, 2097152);
    od_topic_config_unref(t);
}

TEST(what_no_longer_parses_leaves_the_brokers_value)
{
    struct od_setting overrides[] = {
        { OD_STR("segment.bytes"), OD_STR("1") },
        { OD_STR("of.another.version"), OD_STR("1") },
        { OD_STR("segment.ms"), OD_STR_NULL },
    };
    struct od_config c;
    struct od_topic_config *t;

    load(&c, "");
    t = od_topic_config_resolve(&c, NULL, 0, overrides, 3);
    CHECK_EQ(t->segment_bytes, 1 << 30);
    CHECK_EQ(t->overridden, 0);
    od_topic_config_unref(t);
    od_config_deinit(&c);
}

TEST(a_wrong_override_is_refused_with_key_value_and_bound)
{
    check_refused("segment.bytes", OD_STR("1048575"),
                  "Invalid value 1048575 for configuration segment.bytes: must be at least "
                  "1048576");
    check_refused("cleanup.policy", OD_STR("delete\0x"),
                  "Invalid value delete for configuration cleanup.policy: must be no zero bytes");
    check_refused("nonsense", OD_STR("1"), "Unknown topic config name: nonsense");
    check_refused("log.retention.ms", OD_STR("1"),
                  "Unknown topic config name: log.retention.ms; for a topic it is called "
                  "retention.ms");
    check_refused("segment.bytes", OD_STR_NULL,
                  "Null value not supported for topic configs: segment.bytes");
}

TEST(a_right_override_passes_and_a_dropped_key_is_ignored)
{
    struct od_text why = { 0 };
    bool ignored;

    CHECK_OK(od_topic_config_check(OD_STR("segment.bytes"), OD_STR("1048576"), &ignored, &why));
    CHECK(!ignored);
    CHECK_OK(od_topic_config_check(OD_STR("leader.replication.throttled.replicas"),
                                   OD_STR("0:1,1:1"), &ignored, &why));
    CHECK_OK(od_topic_config_check(OD_STR("message.format.version"), OD_STR("2.0"), &ignored,
                                   &why));
    CHECK(ignored);
    CHECK_STR(od_text_get(&why), "");
}
