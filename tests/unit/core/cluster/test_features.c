/* SPDX-License-Identifier: Apache-2.0 */
/* Feature levels: up freely, down only where nothing is lost, all or nothing. */
#include "fixture.h"

#include <string.h>

static struct od_command_reply *update(struct fixture *f, const char *name, int level, int upgrade)
{
    struct od_feature_update u = { od_str_of(name), (int16_t)level, upgrade };

    return fixture_run(f, (struct od_command){ .kind = OD_COMMAND_UPDATE_FEATURES,
                                               .update_features = { 1, &u, false } });
}

static void check_refused(struct fixture *f, const char *name, int level, int upgrade,
                          const char *why)
{
    struct od_command_reply *r = update(f, name, level, upgrade);

    CHECK_EQ(r->err, OD_INVALID_UPDATE_VERSION);
    CHECK(strstr(r->message, why) != NULL);
    CHECK_EQ(f->records.n, 0);
}

TEST(the_metadata_version_goes_up_to_what_is_known)
{
    struct fixture f = fixture_live(1);

    CHECK_EQ(f.image->metadata_version, OD_METADATA_VERSION);
    CHECK_OK(update(&f, "metadata.version", OD_METADATA_VERSION_MAX, OD_UPGRADE)->err);
    CHECK_EQ(f.image->metadata_version, OD_METADATA_VERSION_MAX);
    CHECK_OK(update(&f, "metadata.version", OD_METADATA_VERSION_MAX, OD_UPGRADE)->err);
    CHECK_EQ(f.records.n, 0); /* it is so already */
    check_refused(&f, "metadata.version", OD_METADATA_VERSION_MAX + 1, OD_UPGRADE,
                  "The local controller only supports versions 17-25");
    CHECK_OK(fixture_topic(&f, "t", 1, 1) ? OD_NONE : OD_UNKNOWN_TOPIC_OR_PARTITION);
    fixture_free(&f);
}

TEST(a_downgrade_says_so_and_loses_nothing)
{
    struct fixture f = fixture_live(1);

    check_refused(&f, "metadata.version", 20, OD_UPGRADE, "without setting the upgrade type");
    CHECK_OK(update(&f, "metadata.version", 20, OD_UPGRADE_SAFE_DOWNGRADE)->err);
    CHECK_EQ(f.image->metadata_version, 20);
    check_refused(&f, "metadata.version", 16, OD_UPGRADE_SAFE_DOWNGRADE, "only supports");
    check_refused(&f, "metadata.version", 21, OD_UPGRADE_SAFE_DOWNGRADE,
                  "Can't downgrade to a newer version.");
    CHECK_OK(update(&f, "metadata.version", 23, OD_UPGRADE)->err);
    check_refused(&f, "metadata.version", 22, OD_UPGRADE_SAFE_DOWNGRADE, "delete metadata");
    check_refused(&f, "metadata.version", 22, OD_UPGRADE_UNSAFE_DOWNGRADE,
                  "Unsafe metadata.version downgrade is not supported");
    fixture_free(&f);
}

TEST(other_features_and_kinds_of_upgrade_are_refused_by_name)
{
    struct fixture f = fixture_live(1);

    check_refused(&f, "share.version", 1, OD_UPGRADE,
                  "Invalid update version 1 for feature share.version. The local controller does "
                  "not support this feature.");
    check_refused(&f, "group.version", 2, OD_UPGRADE, "only supports versions 0-1");
    check_refused(&f, "group.version", 0, OD_UPGRADE, "Can't downgrade the version");
    check_refused(&f, "metadata.version", 22, 0, "given upgrade type");
    check_refused(&f, "metadata.version", 22, 4, "given upgrade type");
    check_refused(&f, "metadata.version", -1, OD_UPGRADE, "less than 0");
    fixture_free(&f);
}

TEST(one_refusal_is_the_whole_request_s)
{
    struct od_feature_update u[] = { { OD_STR("metadata.version"), 22, OD_UPGRADE },
                                     { OD_STR("metadata.version"), 23, OD_UPGRADE } };
    struct od_command c = { .kind = OD_COMMAND_UPDATE_FEATURES,
                            .update_features = { 2, u, false } };
    struct fixture f = fixture_live(1);

    CHECK_EQ(fixture_run(&f, c)->err, OD_INVALID_UPDATE_VERSION);
    CHECK_EQ(f.records.n, 0);
    c.update_features.update_count = 1;
    c.update_features.validate_only = true;
    CHECK_OK(fixture_run(&f, c)->err);
    CHECK_EQ(f.records.n, 0);
    c.update_features.validate_only = false;
    CHECK_OK(fixture_run(&f, c)->err);
    CHECK_EQ(f.image->metadata_version, 22);
    fixture_free(&f);
}
