/* SPDX-License-Identifier: Apache-2.0 */
/* od_edit: what records do to an image, what the delta lists, and what is refused. */
#include "core/cluster/edit.h"

#include "core/cluster/cluster.h"
#include "fixture.h"

static struct od_metadata_record topic_record(const char *name, uint8_t id)
{
    struct od_metadata_record r;

    od_metadata_record_init(&r, OD_RECORD_TOPIC, OD_METADATA_VERSION);
    r.topic.name = od_str_of(name);
    r.topic.topic_id = fixture_uuid(id);
    return r;
}

static struct od_metadata_record partition_record(uint8_t id, int32_t index)
{
    static int32_t replicas[] = { 1, 2 };
    struct od_metadata_record r;

    od_metadata_record_init(&r, OD_RECORD_PARTITION, OD_METADATA_VERSION);
    r.partition.topic_id = fixture_uuid(id);
    r.partition.partition_id = index;
    r.partition.replicas.n = r.partition.isr.n = 2;
    r.partition.replicas.v = r.partition.isr.v = replicas;
    r.partition.leader = 1;
    r.partition.leader_epoch = 4;
    r.partition.partition_epoch = 9;
    return r;
}

static struct od_metadata_record change_record(uint8_t id, int32_t index)
{
    struct od_metadata_record r;

    od_metadata_record_init(&r, OD_RECORD_PARTITION_CHANGE, OD_METADATA_VERSION);
    r.partition_change.topic_id = fixture_uuid(id);
    r.partition_change.partition_id = index;
    return r;
}

static struct od_metadata_record config_record(const char *topic, const char *name,
                                               const char *value)
{
    struct od_metadata_record r;

    od_metadata_record_init(&r, OD_RECORD_CONFIG, OD_METADATA_VERSION);
    r.config.resource_type = OD_RESOURCE_TOPIC;
    r.config.resource_name = od_str_of(topic);
    r.config.name = od_str_of(name);
    r.config.value = od_str_of(value);
    return r;
}

static struct od_metadata_record bare_record(enum od_record_type type)
{
    struct od_metadata_record r;

    od_metadata_record_init(&r, type, OD_METADATA_VERSION);
    return r;
}

static void apply(struct od_edit *e, struct od_metadata_record r)
{
    struct od_text why = { 0 };

    CHECK_OK(od_edit_apply(e, &r, &why));
}

static void check_refused(struct od_edit *e, struct od_metadata_record r, enum od_err err,
                          const char *message)
{
    struct od_text why = { 0 };

    CHECK_EQ(od_edit_apply(e, &r, &why), err);
    CHECK_STR(od_text_get(&why), message);
    od_text_reset(&why);
    od_edit_free(e);
}

/* Topic "t" (id 1) with two partitions. */
static struct od_image *image_with_topic(const struct od_image_ops *ops)
{
    struct od_image *empty = od_image_new(ops, 3), *image;
    struct od_edit *e = od_edit_new(empty);
    struct od_image_delta delta;

    apply(e, topic_record("t", 1));
    apply(e, partition_record(1, 0));
    apply(e, partition_record(1, 1));
    image = od_edit_finish(e, 2, 1, &delta);
    CHECK_EQ(delta.topic_count, 1);
    CHECK(!delta.topics[0].before);
    CHECK_EQ(delta.topics[0].partition_count, 2);
    od_image_delta_deinit(&delta);
    od_image_unref(empty);
    return image;
}

TEST(a_change_leaves_the_old_image_as_it_was)
{
    struct od_image *old = image_with_topic(NULL), *now;
    struct od_edit *e = od_edit_new(old);
    struct od_image_delta delta;
    struct od_metadata_record change = change_record(1, 1);
    const struct od_image_topic *before = od_image_topic_find(old, OD_STR("t"));
    const struct od_image_topic *after;

    change.partition_change.leader = 2;
    apply(e, change);
    now = od_edit_finish(e, 3, 1, &delta);
    after = od_image_topic_find(now, OD_STR("t"));
    CHECK_EQ(od_image_partition_find(before, 1)->leader, 1);
    CHECK_EQ(od_image_partition_find(before, 1)->leader_epoch, 4);
    CHECK_EQ(od_image_partition_find(after, 1)->leader, 2);
    CHECK_EQ(od_image_partition_find(after, 1)->leader_epoch, 5);
    CHECK_EQ(od_image_partition_find(after, 1)->partition_epoch, 10);
    CHECK_EQ(od_image_partition_find(after, 1)->isr_count, 2);
    CHECK(od_image_partition_find(after, 0) == od_image_partition_find(before, 0));
    CHECK(od_image_topic_by_id(now, fixture_uuid(1)) == after);
    CHECK_EQ(now->offset, 3);
    CHECK_EQ(delta.topic_count, 1);
    CHECK(delta.topics[0].before == before);
    CHECK(delta.topics[0].after == after);
    CHECK_EQ(delta.topics[0].partition_count, 1);
    CHECK_EQ(delta.topics[0].partitions[0], 1);
    CHECK(!delta.topics[0].config_changed);
    od_image_delta_deinit(&delta);
    od_image_unref(old);
    CHECK_EQ(od_image_partition_find(after, 0)->leader, 1);
    od_image_unref(now);
}

TEST(without_a_leader_change_the_leader_epoch_stays)
{
    static int32_t isr[] = { 1 };
    struct od_image *image = image_with_topic(NULL);
    struct od_edit *e = od_edit_new(image);
    struct od_metadata_record change = change_record(1, 0);
    const struct od_image_partition *p;

    change.partition_change.isr.n = 1;
    change.partition_change.isr.v = isr;
    apply(e, change);
    p = od_image_partition_find(od_image_topic_find(od_edit_image(e), OD_STR("t")), 0);
    CHECK_EQ(p->leader_epoch, 4);
    CHECK_EQ(p->partition_epoch, 10);
    CHECK_EQ(p->isr_count, 1);
    CHECK_EQ(p->replica_count, 2);
    od_edit_free(e);
    od_image_unref(image);
}

TEST(a_removed_topic_is_gone_under_name_and_id_with_its_settings)
{
    struct od_image *old = image_with_topic(NULL), *now;
    struct od_edit *e = od_edit_new(old);
    struct od_image_delta delta;
    struct od_metadata_record remove = bare_record(OD_RECORD_REMOVE_TOPIC);

    apply(e, config_record("t", "a", "1"));
    remove.remove_topic.topic_id = fixture_uuid(1);
    apply(e, remove);
    apply(e, topic_record("t", 2)); /* at once anew, with another id */
    now = od_edit_finish(e, 5, 1, &delta);
    CHECK(!od_image_topic_by_id(now, fixture_uuid(1)));
    CHECK(od_uuid_eq(od_image_topic_find(now, OD_STR("t"))->id, fixture_uuid(2)));
    CHECK(!od_image_resource_find(now, OD_RESOURCE_TOPIC, OD_STR("t")));
    CHECK_EQ(now->partition_count, 0);
    CHECK_EQ(delta.topic_count, 2);
    CHECK(!delta.topics[0].after);
    CHECK(!delta.topics[1].before);
    CHECK_EQ(old->partition_count, 2);
    od_image_delta_deinit(&delta);
    od_image_unref(old);
    od_image_unref(now);
}

TEST(a_topic_made_and_removed_in_one_edit_leaves_no_trace)
{
    struct od_image *old = image_with_topic(NULL), *now;
    struct od_edit *e = od_edit_new(old);
    struct od_image_delta delta;
    struct od_metadata_record remove = bare_record(OD_RECORD_REMOVE_TOPIC);

    apply(e, topic_record("u", 2));
    apply(e, partition_record(2, 0));
    remove.remove_topic.topic_id = fixture_uuid(2);
    apply(e, remove);
    now = od_edit_finish(e, 5, 1, &delta);
    CHECK_EQ(delta.topic_count, 0);
    CHECK_EQ(now->partition_count, 2);
    od_image_delta_deinit(&delta);
    od_image_unref(old);
    od_image_unref(now);
}

TEST(settings_stay_sorted_are_replaced_and_removed)
{
    struct od_image *image = image_with_topic(NULL);
    struct od_edit *e = od_edit_new(image);
    const struct od_image_resource *r;

    apply(e, config_record("t", "b", "1"));
    apply(e, config_record("t", "a", "2"));
    apply(e, config_record("t", "c", "3"));
    apply(e, config_record("t", "b", "4"));
    apply(e, config_record("t", "d", NULL)); /* was never there */
    r = od_image_resource_find(od_edit_image(e), OD_RESOURCE_TOPIC, OD_STR("t"));
    CHECK_EQ(r->count, 3);
    CHECK(od_str_is(r->settings[0].name, "a"));
    CHECK(od_str_is(od_image_setting_find(r, OD_STR("b")), "4"));
    CHECK(!od_image_setting_find(r, OD_STR("d")).data);
    apply(e, config_record("t", "a", NULL));
    apply(e, config_record("t", "b", NULL));
    apply(e, config_record("t", "c", NULL));
    CHECK(!od_image_resource_find(od_edit_image(e), OD_RESOURCE_TOPIC, OD_STR("t")));
    CHECK(!od_image_resource_find(od_edit_image(e), OD_RESOURCE_BROKER, OD_STR("t")));
    od_edit_free(e);
    od_image_unref(image);
}

/* Resolved settings that only count: one object per resolution. */
struct od_topic_config {
    int refs;
    int layers;
};

static struct od_topic_config resolved[16];
static int resolved_count;

static struct od_topic_config *resolve(void *ctx, const struct od_image_resource *own,
                                       const struct od_image_resource *broker,
                                       const struct od_image_resource *brokers)
{
    struct od_topic_config *t = &resolved[resolved_count++];

    (void)ctx;
    t->refs = 1;
    t->layers = (own ? 1 : 0) + (broker ? 2 : 0) + (brokers ? 4 : 0);
    return t;
}

static struct od_topic_config *ref_config(struct od_topic_config *t)
{
    t->refs++;
    return t;
}

static void unref_config(struct od_topic_config *t)
{
    t->refs--;
}

TEST(settings_are_resolved_when_a_layer_changes_and_shared_otherwise)
{
    static const struct od_image_ops ops = { NULL, { "1", 1 }, resolve, ref_config, unref_config,
                                              NULL, NULL, NULL, NULL };
    struct od_image *old, *now;
    struct od_image_delta delta;
    struct od_edit *e;
    struct od_metadata_record all = config_record("", "x", "1");
    struct od_metadata_record mine = config_record("1", "x", "1");
    struct od_metadata_record other = config_record("2", "x", "1");

    resolved_count = 0;
    old = image_with_topic(&ops);
    CHECK_EQ(resolved_count, 1);
    CHECK(od_image_topic_find(old, OD_STR("t"))->config == old->plain_config);
    e = od_edit_new(old);
    apply(e, config_record("t", "a", "1"));
    all.config.resource_type = mine.config.resource_type = other.config.resource_type =
        OD_RESOURCE_BROKER;
    apply(e, other);
    CHECK_EQ(resolved_count, 2);
    apply(e, all);
    apply(e, mine);
    now = od_edit_finish(e, 9, 1, &delta);
    CHECK_EQ(od_image_topic_find(now, OD_STR("t"))->config->layers, 7);
    CHECK_EQ(now->plain_config->layers, 6);
    CHECK_EQ(od_image_topic_find(old, OD_STR("t"))->config->layers, 0);
    CHECK(delta.topics[0].config_changed);
    CHECK(delta.broker_configs_changed);
    CHECK_EQ(delta.topics[0].partition_count, 0);
    od_image_delta_deinit(&delta);
    od_image_unref(old);
    od_image_unref(now);
    for (int i = 0; i < resolved_count; i++)
        CHECK_EQ(resolved[i].refs, 0);
}

TEST(an_aborted_transaction_leaves_nothing_and_a_committed_one_all)
{
    struct od_image *old = image_with_topic(NULL), *now;
    struct od_edit *e = od_edit_new(old);
    struct od_image_delta delta;
    struct od_metadata_record change = change_record(1, 0);
    const struct od_image_topic *t;

    change.partition_change.leader = 2;
    apply(e, change);
    apply(e, bare_record(OD_RECORD_BEGIN_TRANSACTION));
    CHECK(od_edit_in_transaction(e));
    apply(e, change);
    apply(e, topic_record("u", 2));
    apply(e, bare_record(OD_RECORD_ABORT_TRANSACTION));
    CHECK(!od_edit_in_transaction(e));
    apply(e, bare_record(OD_RECORD_BEGIN_TRANSACTION));
    apply(e, topic_record("v", 3));
    apply(e, bare_record(OD_RECORD_END_TRANSACTION));
    now = od_edit_finish(e, 9, 1, &delta);
    t = od_image_topic_find(now, OD_STR("t"));
    CHECK_EQ(od_image_partition_find(t, 0)->leader_epoch, 5); /* the change before it stays */
    CHECK(!od_image_topic_find(now, OD_STR("u")));
    CHECK(od_image_topic_find(now, OD_STR("v")) != NULL);
    CHECK_EQ(delta.topic_count, 2);
    od_image_delta_deinit(&delta);
    od_image_unref(old);
    od_image_unref(now);
}

TEST(a_record_that_contradicts_the_image_is_refused)
{
    static int32_t stranger[] = { 9 };
    struct od_image *image = image_with_topic(NULL);
    struct od_metadata_record gap = partition_record(1, 3), change = change_record(1, 2);
    struct od_metadata_record fence = bare_record(OD_RECORD_FENCE_BROKER);
    struct od_metadata_record isr = change_record(1, 0), level;

    check_refused(od_edit_new(image), topic_record("t", 2), OD_E_CORRUPT,
                  "metadata record contradicts the image: a new topic has the name or the id of "
                  "an old one");
    check_refused(od_edit_new(image), partition_record(2, 0), OD_E_CORRUPT,
                  "metadata record contradicts the image: a partition of an unknown topic");
    check_refused(od_edit_new(image), gap, OD_E_CORRUPT,
                  "metadata record contradicts the image: a partition index leaves a gap");
    check_refused(od_edit_new(image), change, OD_E_CORRUPT,
                  "metadata record contradicts the image: a change of an unknown partition");
    check_refused(od_edit_new(image), fence, OD_E_CORRUPT,
                  "metadata record contradicts the image: a change of a registration that is not "
                  "there");
    isr.partition_change.isr.n = 1;
    isr.partition_change.isr.v = stranger;
    check_refused(od_edit_new(image), isr, OD_E_CORRUPT,
                  "metadata record contradicts the image: an in-sync replica that is no replica");
    check_refused(od_edit_new(image), bare_record(OD_RECORD_END_TRANSACTION), OD_E_CORRUPT,
                  "metadata record contradicts the image: a metadata transaction ends that has "
                  "not begun");
    level = bare_record(OD_RECORD_FEATURE_LEVEL);
    level.feature_level.name = OD_STR("metadata.version");
    level.feature_level.feature_level = OD_METADATA_VERSION_MAX + 1;
    check_refused(od_edit_new(image), level, OD_UNSUPPORTED_VERSION,
                  "metadata.version 26 is not among those read here, 17 to 25");
    od_image_unref(image);
}

TEST(names_that_differ_in_dot_and_underscore_collide)
{
    struct od_image *empty = od_image_new(NULL, 3);
    struct od_edit *e = od_edit_new(empty);

    apply(e, topic_record("a.b_c", 1));
    apply(e, topic_record("a_b.c", 2)); /* a log that holds both is read */
    CHECK(od_uuid_eq(od_image_topic_find(od_edit_image(e), OD_STR("a.b_c"))->id, fixture_uuid(1)));
    CHECK(od_uuid_eq(od_image_topic_find(od_edit_image(e), OD_STR("a_b.c"))->id, fixture_uuid(2)));
    CHECK(od_image_topic_colliding(od_edit_image(e), OD_STR("a.b.c")) != NULL);
    CHECK(!od_image_topic_colliding(od_edit_image(e), OD_STR("a-b.c")));
    od_edit_free(e);
    od_image_unref(empty);
}
