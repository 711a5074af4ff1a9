/* SPDX-License-Identifier: Apache-2.0 */
/* Explains a setting to people, from the tables alone. */
#include "config/resource_key.h"

/* The owners of a name, which may be of several kinds. */
static const char *owner_of(const struct od_key_row *row, bool topic)
{
    if (topic)
        return "topics";
    return row->live ? "brokers, changeable while they run" : "brokers";
}

static void say_type(const struct od_key_row *row, struct od_text *out)
{
    struct od_text bound = { 0 };

    od_key_say_bound(row, &bound);
    od_text_add(out, "  type: %s%s%s\n", od_key_type_name(row->type), bound.len ? ", " : "",
                od_text_get(&bound));
    od_text_reset(&bound);
}

static void say_default(const struct od_key_row *row, bool topic, struct od_text *out)
{
    struct od_text text = { 0 };
    union {
        int64_t number;
        double fraction;
        char *text;
    } value = { 0 };

    od_key_set_default(row, &value);
    if (row->default_doc && !topic)
        od_text_add(&text, "%s", row->default_doc);
    else if (row->unset && !topic)
        od_text_add(&text, "not set");
    else if (od_key_is_text(row) && (!value.text || !value.text[0]))
        od_text_add(&text, "%s", value.text ? "empty" : "not set");
    else
        od_key_print(row, &value, &text);
    od_key_free(row, &value);
    od_text_add(out, "  default: %s", od_text_get(&text));
    if (topic && row->name)
        od_text_add(out, ", or what the broker's %s says", row->name);
    od_text_add(out, "\n");
    od_text_reset(&text);
}

static void say_change(const struct od_key_row *row, struct od_text *out)
{
    if (od_key_is_dynamic(row))
        od_text_add(out, "  change: at any time, for one broker%s, or in the file\n",
                    row->update == OD_UPDATE_BROKER ? "" : " or for all");
    else
        od_text_add(out, "  change: in the file, with a restart\n");
}

static void say_row(const struct od_key_row *row, bool topic, struct od_text *out)
{
    od_text_add(out, "%s (of %s)\n  %s\n", topic ? row->topic_name : row->name,
                owner_of(row, topic), row->doc);
    say_type(row, out);
    say_default(row, topic, out);
    if (!topic)
        say_change(row, out);
    if (!topic && row->topic_name)
        od_text_add(out, "  topics: the default of their %s\n", row->topic_name);
    if (row->alias_of)
        od_text_add(out, "  sets: %s, where that is not set itself\n",
                    od_key_row((enum od_key)(row->alias_of - 1))->name);
    if (row->honoured)
        od_text_add(out, "  no effect yet: %s\n", row->honoured);
}

static void say_resource_key(const struct od_resource_key *key, const char *owner,
                             struct od_text *out)
{
    od_text_add(out, "%s (of %s)\n  %s\n", key->row.name, owner, key->row.doc);
    say_type(&key->row, out);
    say_default(&key->row, false, out);
    if (key->broker != OD_KEY_NO_KEY)
        od_text_add(out, "  broker: %s gives the default\n",
                    od_key_row((enum od_key)key->broker)->name);
}

bool od_config_explain(struct od_str name, struct od_text *out)
{
    const struct od_key_row *topic = od_key_find_topic(name), *broker = od_key_find(name);
    const struct od_resource_key *group = od_group_key_find(name);
    const struct od_resource_key *metrics = od_metrics_key_find(name);

    if (topic)
        say_row(topic, true, out);
    if (broker)
        say_row(broker, false, out);
    if (group)
        say_resource_key(group, "groups", out);
    if (metrics)
        say_resource_key(metrics, "client metrics subscriptions", out);
    return topic || broker || group || metrics;
}
