/* SPDX-License-Identifier: Apache-2.0 */
/* Finalized feature levels. */
#include "core/cluster/cluster_internal.h"

enum { LEVEL_ELR = 23 }; /* from here on partition records have another version */

const struct od_image_feature od_features_known[OD_FEATURES_KNOWN] = {
    { { "group.version", 13 }, 0, 1 }, /* 1: consumer groups of KIP-848 */
    { { "metadata.version", 16 }, OD_METADATA_VERSION_MIN, OD_METADATA_VERSION_MAX },
};

bool od_feature_levels(struct od_str name, struct od_image_feature *out)
{
    for (int i = 0; i < OD_FEATURES_KNOWN; i++)
        if (od_str_eq(od_features_known[i].name, name)) {
            *out = od_features_known[i];
            return true;
        }
    return false;
}

static void refuse(struct od_step *s, const struct od_feature_update *in, const char *why)
{
    od_step_refuse_all(s, OD_INVALID_UPDATE_VERSION,
                       "Invalid update version %d for feature %.*s. %s", in->level,
                       OD_STR_ARGS(in->name), why);
}

static const char *refuse_downgrade(int16_t from, const struct od_feature_update *in)
{
    if (in->upgrade == OD_UPGRADE)
        return "Can't downgrade the version of this feature without setting the upgrade type to "
               "either safe or unsafe downgrade.";
    if (!od_str_is(in->name, "metadata.version") || from < LEVEL_ELR || in->level >= LEVEL_ELR)
        return NULL;
    if (in->upgrade == OD_UPGRADE_UNSAFE_DOWNGRADE)
        return "Unsafe metadata.version downgrade is not supported in this version.";
    return "Refusing to perform the requested downgrade because it might delete metadata "
           "information.";
}

/* NULL: the update is in order. */
static const char *check(struct od_step *s, const struct od_feature_update *in)
{
    int16_t level = od_image_feature_level(s->image, in->name);
    struct od_image_feature known;

    if (in->upgrade < OD_UPGRADE || in->upgrade > OD_UPGRADE_UNSAFE_DOWNGRADE)
        return "The controller does not support the given upgrade type.";
    if (in->level < 0)
        return "A feature version cannot be less than 0.";
    if (!od_feature_levels(in->name, &known))
        return "The local controller does not support this feature.";
    if (in->level < known.min || in->level > known.max)
        return od_arena_printf(s->arena, "The local controller only supports versions %d-%d",
                               known.min, known.max);
    if (in->level < level)
        return refuse_downgrade(level, in);
    if (in->level > level && in->upgrade != OD_UPGRADE)
        return "Can't downgrade to a newer version.";
    return NULL;
}

/* Every registered broker has to know the level, or says nothing of it. */
static const char *check_brokers(struct od_step *s, const struct od_feature_update *in)
{
    struct od_pmap_walk walk = { 0 };
    const struct od_image_broker *b;

    while ((b = od_image_broker_next(s->image, &walk)))
        for (int i = 0; i < b->feature_count; i++)
            if (od_str_eq(b->features[i].name, in->name) &&
                (in->level < b->features[i].min || in->level > b->features[i].max))
                return od_arena_printf(s->arena, "Broker %d only supports versions %d-%d", b->id,
                                       b->features[i].min, b->features[i].max);
    return NULL;
}

static bool named_before(const struct od_update_features *c, int i)
{
    for (int j = 0; j < i; j++)
        if (od_str_eq(c->updates[j].name, c->updates[i].name))
            return true;
    return false;
}

void od_step_update_features(struct od_step *s, const struct od_update_features *c)
{
    for (int i = 0; i < c->update_count; i++) {
        const struct od_feature_update *in = &c->updates[i];
        const char *why = check(s, in);

        if (!why)
            why = check_brokers(s, in);
        if (!why && named_before(c, i))
            why = "The request names this feature twice.";
        if (why) {
            s->records->n = 0;
            refuse(s, in, why);
            return;
        }
        if (!c->validate_only && in->level != od_image_feature_level(s->image, in->name)) {
            struct od_feature_level_record *r =
                &od_step_add(s, OD_RECORD_FEATURE_LEVEL)->feature_level;

            r->name = in->name;
            r->feature_level = in->level;
        }
    }
}
