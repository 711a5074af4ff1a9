/* SPDX-License-Identifier: Apache-2.0 */
/* Resolving the settings of topics. */
#include "config/topic_config.h"

#include "base/mem.h"
#include "config/key.h"

/* Kafka 3's topic keys that 4 has dropped and whose loss changes nothing. */
static const char *const dropped[] = {
    "message.downconversion.enable",
    "message.format.version",
    "message.timestamp.difference.max.ms",
};

static void *field_of(const struct od_topic_config *t, const struct od_key_row *row)
{
    return (char *)t + row->at;
}

/* Texts are copied, as each object owns its own. */
static void copy_values(struct od_topic_config *to, const struct od_topic_config *from)
{
    memcpy(to, from, sizeof(*to));
    for (int i = 0; i < OD_KEYS; i++) {
        const struct od_key_row *row = od_key_row((enum od_key)i);
        char **text;

        if (row->topic_index < 0 || !od_key_is_text(row))
            continue;
        text = field_of(to, row);
        if (*text)
            *text = od_strdup(*text);
    }
}

/* False: the value does not parse, and the field stays as it was. */
static bool try_value(struct od_topic_config *t, const struct od_key_row *row, struct od_str value)
{
    struct od_text why = { 0 };
    bool good = value.data && od_key_parse(row, value, field_of(t, row), &why);

    od_text_reset(&why);
    return good;
}

struct od_topic_config *od_topic_config_resolve(const struct od_config *broker,
                                                const struct od_setting *dynamic,
                                                int dynamic_count,
                                                const struct od_setting *overrides, int n)
{
    struct od_topic_config *t = OD_NEW(struct od_topic_config);

    copy_values(t, &broker->topic);
    atomic_init(&t->refs, 1);
    t->overridden = 0;
    for (int i = 0; i < dynamic_count; i++) {
        const struct od_key_row *row = od_key_find(dynamic[i].name);

        if (row && row->topic_index >= 0)
            try_value(t, row, dynamic[i].value);
    }
    for (int i = 0; i < n; i++) {
        const struct od_key_row *row = od_key_find_topic(overrides[i].name);

        if (row && try_value(t, row, overrides[i].value))
            t->overridden |= UINT64_C(1) << row->topic_index;
    }
    return t;
}

struct od_topic_config *od_topic_config_resolve_over(const struct od_topic_config *defaults,
                                                     const struct od_setting *overrides, int n)
{
    struct od_topic_config *t = OD_NEW(struct od_topic_config);

    copy_values(t, defaults);
    atomic_init(&t->refs, 1);
    t->overridden = 0;
    for (int i = 0; i < n; i++) {
        const struct od_key_row *row = od_key_find_topic(overrides[i].name);

        if (row && try_value(t, row, overrides[i].value))
            t->overridden |= UINT64_C(1) << row->topic_index;
    }
    return t;
}

struct od_topic_config *od_topic_config_ref(struct od_topic_config *t)
{
    atomic_fetch_add_explicit(&t->refs, 1, memory_order_relaxed);
    return t;
}

void od_topic_config_unref(struct od_topic_config *t)
{
    if (!t || atomic_fetch_sub_explicit(&t->refs, 1, memory_order_acq_rel) != 1)
        return;
    for (int i = 0; i < OD_KEYS; i++) {
        const struct od_key_row *row = od_key_row((enum od_key)i);

        if (row->topic_index >= 0)
            od_key_free(row, field_of(t, row));
    }
    od_free(t);
}

static bool is_dropped(struct od_str name)
{
    for (size_t i = 0; i < OD_COUNT(dropped); i++)
        if (od_str_is(name, dropped[i]))
            return true;
    return false;
}

enum od_err od_topic_config_check(struct od_str name, struct od_str value, bool *ignored,
                                  struct od_text *why)
{
    const struct od_key_row *row = od_key_find_topic(name);

    *ignored = !row && is_dropped(name);
    if (*ignored)
        return OD_NONE;
    if (!row) {
        const struct od_key_row *broker = od_key_find(name);

        od_text_add(why, "Unknown topic config name: %.*s", OD_STR_ARGS(name));
        if (broker && broker->topic_name)
            od_text_add(why, "; for a topic it is called %s", broker->topic_name);
        return OD_INVALID_CONFIG;
    }
    if (!value.data) {
        od_text_add(why, "Null value not supported for topic configs: %s", row->topic_name);
        return OD_INVALID_CONFIG;
    }
    if (!od_key_check(row, row->topic_name, value, why))
        return OD_INVALID_CONFIG;
    if (row->key == OD_KEY_REMOTE_STORAGE_ENABLE && od_str_starts(value, "t")) {
        od_text_add(why, "Tiered Storage functionality is disabled in the broker. Topic cannot be "
                         "configured with remote log storage.");
        return OD_INVALID_CONFIG;
    }
    return OD_NONE;
}

/* The number a topic would have, had it these settings. */
static int64_t number_in(const struct od_config *broker, enum od_key key,
                         const struct od_setting *settings, int n)
{
    const struct od_key_row *row = od_key_row(key);
    int64_t number = *(const int64_t *)field_of(&broker->topic, row);
    struct od_text why = { 0 };

    for (int i = 0; i < n; i++)
        if (od_str_is(settings[i].name, row->topic_name) &&
            !od_key_parse(row, settings[i].value, &number, &why))
            od_text_reset(&why);
    return number;
}

enum od_err od_topic_config_check_all(const struct od_config *broker,
                                      const struct od_setting *settings, int n,
                                      struct od_text *why)
{
    int64_t low_ms = number_in(broker, OD_KEY_MIN_COMPACTION_LAG_MS, settings, n);
    int64_t high_ms = number_in(broker, OD_KEY_MAX_COMPACTION_LAG_MS, settings, n);

    if (low_ms <= high_ms)
        return OD_NONE;
    od_text_add(why,
                "conflict topic config setting min.compaction.lag.ms (%lld) > "
                "max.compaction.lag.ms (%lld)",
                (long long)low_ms, (long long)high_ms);
    return OD_INVALID_CONFIG;
}

void od_topic_config_print(const struct od_topic_config *t, enum od_key key, struct od_text *out)
{
    const struct od_key_row *row = od_key_row(key);

    od_key_print(row, field_of(t, row), out);
}

bool od_topic_config_overrides(const struct od_topic_config *t, enum od_key key)
{
    int index = od_key_row(key)->topic_index;

    return index >= 0 && t->overridden >> index & 1;
}
