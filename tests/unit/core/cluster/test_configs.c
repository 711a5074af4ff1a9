/* SPDX-License-Identifier: Apache-2.0 */
/* Changing settings: each resource whole or not at all, lists by item, only what differs. */
#include "fixture.h"

static struct od_command alter(const struct od_alter_resource *resources, int n)
{
    return (struct od_command){ .kind = OD_COMMAND_ALTER_CONFIGS,
                                .alter_configs = { n, resources, false } };
}

static struct od_alter_resource topic_ops(const struct od_alter_setting *ops, int n)
{
    return (struct od_alter_resource){ .type = OD_RESOURCE_TOPIC,
                                       .name = OD_STR("t"),
                                       .op_count = n,
                                       .ops = ops };
}

static struct od_item_reply *run(struct fixture *f, const struct od_alter_setting *ops, int n)
{
    struct od_alter_resource r = topic_ops(ops, n);

    return &fixture_run(f, alter(&r, 1))->items[0];
}

static const char *stored(struct fixture *f, const char *name)
{
    struct od_str v = od_image_setting_find(
        od_image_resource_find(f->image, OD_RESOURCE_TOPIC, OD_STR("t")), od_str_of(name));

    return v.data ? od_arena_printf(&f->arena, "%.*s", OD_STR_ARGS(v)) : "-";
}

static struct fixture with_topic(void)
{
    struct fixture f = fixture_live(1);

    fixture_topic(&f, "t", 1, 1);
    return f;
}

TEST(set_stores_delete_removes_and_what_is_so_already_writes_nothing)
{
    struct fixture f = with_topic();
    struct od_alter_setting set = { OD_STR("good"), OD_STR("1"), OD_ALTER_SET };
    struct od_alter_setting del = { OD_STR("good"), OD_STR_NULL, OD_ALTER_DELETE };

    CHECK_OK(run(&f, &set, 1)->err);
    CHECK_STR(stored(&f, "good"), "1");
    CHECK_EQ(f.records.n, 1);
    CHECK_OK(run(&f, &set, 1)->err);
    CHECK_EQ(f.records.n, 0);
    CHECK_OK(run(&f, &del, 1)->err);
    CHECK_STR(stored(&f, "good"), "-");
    CHECK_OK(run(&f, &del, 1)->err);
    CHECK_EQ(f.records.n, 0);
    fixture_free(&f);
}

TEST(lists_change_by_item_from_what_is_in_force)
{
    struct fixture f = with_topic();
    struct od_alter_setting append = { OD_STR("list"), OD_STR("b,a"), OD_ALTER_APPEND };
    struct od_alter_setting subtract = { OD_STR("list"), OD_STR("a,x"), OD_ALTER_SUBTRACT };
    struct od_alter_setting no_list = { OD_STR("good"), OD_STR("1"), OD_ALTER_APPEND };

    CHECK_OK(run(&f, &append, 1)->err);
    CHECK_STR(stored(&f, "list"), "a,b"); /* the default was "a" */
    CHECK_OK(run(&f, &subtract, 1)->err);
    CHECK_STR(stored(&f, "list"), "b");
    subtract.value = OD_STR("b");
    CHECK_OK(run(&f, &subtract, 1)->err);
    CHECK_STR(stored(&f, "list"), "");
    CHECK_OK(run(&f, &append, 1)->err);
    CHECK_STR(stored(&f, "list"), "b,a");
    CHECK_EQ(run(&f, &no_list, 1)->err, OD_INVALID_CONFIG);
    CHECK_STR(f.reply.items[0].message,
              "Can't APPEND to key good because its type is not LIST.");
    append.value = OD_STR_NULL;
    CHECK_EQ(run(&f, &append, 1)->err, OD_INVALID_REQUEST);
    fixture_free(&f);
}

TEST(one_wrong_setting_leaves_the_resource_as_it_was_and_the_others_change)
{
    struct fixture f = with_topic();
    struct od_alter_setting ops[] = { { OD_STR("good"), OD_STR("1"), OD_ALTER_SET },
                                      { OD_STR("list"), OD_STR("bad"), OD_ALTER_SET } };
    struct od_alter_setting broker_op = { OD_STR("good"), OD_STR("2"), OD_ALTER_SET };
    struct od_alter_resource resources[] = {
        topic_ops(ops, 2),
        { .type = OD_RESOURCE_BROKER, .name = OD_STR(""), .op_count = 1, .ops = &broker_op },
    };

    fixture_run(&f, alter(resources, 2));
    CHECK_EQ(f.reply.items[0].err, OD_INVALID_CONFIG);
    CHECK_STR(f.reply.items[0].message, "list may not be bad");
    CHECK_OK(f.reply.items[1].err);
    CHECK_STR(stored(&f, "good"), "-");
    CHECK(od_image_resource_find(f.image, OD_RESOURCE_BROKER, OD_STR("")) != NULL);
    CHECK(f.delta.broker_configs_changed);
    fixture_free(&f);
}

TEST(replacing_deletes_what_is_not_named)
{
    struct fixture f = with_topic();
    struct od_alter_setting both[] = { { OD_STR("good"), OD_STR("1"), OD_ALTER_SET },
                                       { OD_STR("list"), OD_STR("1"), OD_ALTER_SET } };
    struct od_alter_resource r = topic_ops(both, 1);

    CHECK_OK(run(&f, both, 2)->err);
    r.replace = true;
    CHECK_OK(fixture_run(&f, alter(&r, 1))->items[0].err);
    CHECK_STR(stored(&f, "good"), "1");
    CHECK_STR(stored(&f, "list"), "-");
    CHECK_EQ(f.records.n, 1);
    fixture_free(&f);
}

TEST(what_names_nothing_or_twice_is_refused)
{
    struct fixture f = with_topic();
    struct od_alter_setting twice[] = { { OD_STR("good"), OD_STR("1"), OD_ALTER_SET },
                                        { OD_STR("good"), OD_STR_NULL, OD_ALTER_DELETE } };
    struct od_alter_resource same[] = { topic_ops(twice, 1), topic_ops(twice, 1) };
    struct od_alter_resource odd[] = { topic_ops(twice, 1), topic_ops(twice, 1),
                                       topic_ops(twice, 1) };

    CHECK_EQ(run(&f, twice, 2)->err, OD_INVALID_REQUEST);
    CHECK_STR(f.reply.items[0].message, "Error due to duplicate config keys");
    fixture_run(&f, alter(same, 2));
    CHECK_EQ(f.reply.items[0].err, OD_INVALID_REQUEST);
    CHECK_EQ(f.reply.items[1].err, OD_INVALID_REQUEST);
    odd[0].name = OD_STR("none");
    odd[1].type = OD_RESOURCE_BROKER; /* "t" is no number */
    odd[2].type = OD_RESOURCE_GROUP;
    odd[2].name = OD_STR("");
    fixture_run(&f, alter(odd, 3));
    CHECK_EQ(f.reply.items[0].err, OD_UNKNOWN_TOPIC_OR_PARTITION);
    CHECK_EQ(f.reply.items[1].err, OD_INVALID_REQUEST);
    CHECK_EQ(f.reply.items[2].err, OD_INVALID_REQUEST);
    CHECK_STR(stored(&f, "good"), "-");
    fixture_free(&f);
}

TEST(validate_only_changes_nothing)
{
    struct fixture f = with_topic();
    struct od_alter_setting set = { OD_STR("good"), OD_STR("1"), OD_ALTER_SET };
    struct od_alter_resource r = topic_ops(&set, 1);
    struct od_command c = alter(&r, 1);

    c.alter_configs.validate_only = true;
    CHECK_OK(fixture_run(&f, c)->items[0].err);
    CHECK_EQ(f.records.n, 0);
    fixture_free(&f);
}
