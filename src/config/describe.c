/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptions of settings: the value in force and the layers it was looked for in. */
#include "config/describe.h"

#include "config/config_internal.h"

enum { FAMILY_MAX = 3 }; /* names of one setting in different units */

struct family {
    const struct od_key_row *rows[FAMILY_MAX];
    int n;
};

const char *od_config_source_name(enum od_config_source source)
{
    static const char *const names[] = {
        "UNKNOWN",
        "DYNAMIC_TOPIC_CONFIG",
        "DYNAMIC_BROKER_CONFIG",
        "DYNAMIC_DEFAULT_BROKER_CONFIG",
        "STATIC_BROKER_CONFIG",
        "DEFAULT_CONFIG",
        "DYNAMIC_BROKER_LOGGER_CONFIG",
        "DYNAMIC_CLIENT_METRICS_CONFIG",
        "DYNAMIC_GROUP_CONFIG",
    };

    return names[source];
}

static int8_t type_number(enum od_key_type type)
{
    switch (type) {
    case OD_TYPE_BOOL:
        return 1;
    case OD_TYPE_STRING:
    case OD_TYPE_CHOICE:
        return 2;
    case OD_TYPE_INT32:
        return 3;
    case OD_TYPE_SHORT:
        return 4;
    case OD_TYPE_INT64:
        return 5;
    case OD_TYPE_DOUBLE:
        return 6;
    case OD_TYPE_LIST:
    case OD_TYPE_FLAGS:
        return 7;
    case OD_TYPE_CLASS:
        return 8;
    case OD_TYPE_PASSWORD:
        return 9;
    }
    return 0;
}

static void begin(const struct od_key_row *row, const char *name, struct od_description *out)
{
    *out = (struct od_description){ .name = name,
                                    .sensitive = row->type == OD_TYPE_PASSWORD,
                                    .type = type_number(row->type),
                                    .doc = row->doc,
                                    .no_effect = row->honoured };
}

static void add(struct od_description *out, const char *name, struct od_str value,
                enum od_config_source source)
{
    if (!value.data || out->synonym_count == OD_SYNONYMS_MAX)
        return;
    out->synonyms[out->synonym_count++] =
        (struct od_synonym){ name, out->sensitive ? OD_STR_NULL : value, source };
}

static struct od_str find(const struct od_setting *v, int n, const char *name)
{
    for (int i = 0; i < n; i++)
        if (od_str_is(v[i].name, name))
            return v[i].value;
    return OD_STR_NULL;
}

/* Null for a text that is not set. */
static struct od_str print(const struct od_key_row *row, const void *field, struct od_arena *arena)
{
    struct od_text text = { 0 };
    const char *copy;

    if (od_key_is_text(row) && !*(char *const *)field)
        return OD_STR_NULL;
    od_key_print(row, field, &text);
    copy = od_arena_printf(arena, "%s", od_text_get(&text));
    od_text_reset(&text);
    return od_str_of(copy);
}

static struct od_str print_default(const struct od_key_row *row, struct od_arena *arena)
{
    union {
        int64_t number;
        double fraction;
        char *text;
    } value = { 0 };
    struct od_str s;

    od_key_set_default(row, &value);
    s = print(row, &value, arena);
    od_key_free(row, &value);
    return s;
}

/* What the broker would use if nothing were written anywhere; null: nothing. */
static struct od_str broker_default(const struct od_layers *l, const struct od_key_row *row,
                                    struct od_arena *arena)
{
    if (row->unset)
        return OD_STR_NULL;
    if (!row->default_doc)
        return print_default(row, arena);
    if (l->config->origins[row->key].text)
        return OD_STR_NULL; /* it depends on the machine, and was not worked out */
    return print(row, od_config_field(l->config, row), arena);
}

/* Keys that set another one; of one key the finest unit first. */
static const enum od_key aliases[] = { OD_KEY_LOG_RETENTION_MINUTES,
                                       OD_KEY_LOG_RETENTION_HOURS,
                                       OD_KEY_LOG_ROLL_HOURS,
                                       OD_KEY_LOG_ROLL_JITTER_HOURS,
                                       OD_KEY_LOG_FLUSH_SCHEDULER_INTERVAL_MS,
                                       OD_KEY_BROKER_ID,
                                       OD_KEY_LOG_DIR };

static void find_family(const struct od_key_row *row, struct family *f)
{
    *f = (struct family){ .rows = { row }, .n = 1 };
    for (size_t i = 0; i < OD_COUNT(aliases); i++) {
        const struct od_key_row *other = od_key_row(aliases[i]);

        if (other->alias_of == (int)row->key + 1)
            f->rows[f->n++] = other;
    }
}

static void add_broker_layers(const struct od_layers *l, const struct family *f,
                              struct od_arena *arena, struct od_description *out)
{
    for (int i = 0; i < f->n; i++)
        add(out, f->rows[i]->name, find(l->broker, l->broker_count, f->rows[i]->name),
            OD_SOURCE_DYNAMIC_BROKER);
    for (int i = 0; i < f->n; i++)
        add(out, f->rows[i]->name, find(l->brokers, l->brokers_count, f->rows[i]->name),
            OD_SOURCE_DYNAMIC_DEFAULT_BROKER);
    for (int i = 0; i < f->n; i++)
        add(out, f->rows[i]->name, od_str_of(l->config->origins[f->rows[i]->key].text),
            OD_SOURCE_STATIC_BROKER);
    /* Kafka tells the default of the key itself only. */
    add(out, f->rows[0]->name, broker_default(l, f->rows[0], arena), OD_SOURCE_DEFAULT);
}

/* Kafka drops what comes before the key's own name. */
static void drop_others_first(struct od_description *out)
{
    int skip = 0;

    while (skip < out->synonym_count && strcmp(out->synonyms[skip].name, out->name))
        skip++;
    out->synonym_count -= skip;
    memmove(out->synonyms, out->synonyms + skip,
            sizeof(*out->synonyms) * (size_t)out->synonym_count);
}

static void end(struct od_description *out)
{
    out->source = out->synonym_count ? out->synonyms[0].source : OD_SOURCE_DEFAULT;
}

static const void *field_in_force(const struct od_layers *l, const struct od_key_row *row)
{
    if (row->topic_index >= 0)
        return (const char *)l->defaults + row->at;
    return row->live ? (const char *)l->live + row->at : od_config_field(l->config, row);
}

/* Our own keys are shown only where somebody set them. */
static bool is_our_own(const char *name)
{
    return od_str_starts(od_str_of(name), "odradek.");
}

bool od_describe_broker_key(const struct od_layers *l, const struct od_key_row *row,
                            struct od_arena *arena, struct od_description *out)
{
    struct family f;

    if (!row->name)
        return false;
    begin(row, row->name, out);
    find_family(row, &f);
    add_broker_layers(l, &f, arena, out);
    drop_others_first(out);
    end(out);
    out->read_only = !od_key_is_dynamic(row);
    if (is_our_own(row->name) && out->source == OD_SOURCE_DEFAULT)
        return false;
    if (!out->sensitive && !(row->unset && out->synonym_count == 0))
        out->value = print(row, field_in_force(l, row), arena);
    return true;
}

bool od_describe_brokers_key(const struct od_layers *l, const struct od_key_row *row,
                             struct od_arena *arena, struct od_description *out)
{
    struct od_str set = row->name ? find(l->brokers, l->brokers_count, row->name) : OD_STR_NULL;

    (void)arena;
    if (!set.data)
        return false;
    begin(row, row->name, out);
    add(out, row->name, set, OD_SOURCE_DYNAMIC_DEFAULT_BROKER);
    end(out);
    out->read_only = !od_key_is_dynamic(row);
    out->value = out->synonyms[0].value;
    return true;
}

bool od_describe_topic_key(const struct od_layers *l, const struct od_topic_config *t,
                           const struct od_key_row *row, struct od_arena *arena,
                           struct od_description *out)
{
    struct family f;

    begin(row, row->topic_name, out);
    add(out, row->topic_name, find(l->own, l->own_count, row->topic_name), OD_SOURCE_TOPIC);
    if (row->name) {
        find_family(row, &f);
        add_broker_layers(l, &f, arena, out);
    }
    end(out);
    out->value = print(row, (const char *)t + row->at, arena);
    return !is_our_own(row->topic_name) || out->source != OD_SOURCE_DEFAULT;
}

bool od_describe_group_key(const struct od_layers *l, const struct od_resource_key *key,
                           struct od_arena *arena, struct od_description *out)
{
    struct od_str own = find(l->own, l->own_count, key->row.name);
    struct od_group_config g;
    struct family f;

    begin(&key->row, key->row.name, out);
    add(out, key->row.name, own, OD_SOURCE_GROUP);
    if (key->broker != OD_KEY_NO_KEY) {
        find_family(od_key_row((enum od_key)key->broker), &f);
        add_broker_layers(l, &f, arena, out);
    } else {
        add(out, key->row.name, print_default(&key->row, arena), OD_SOURCE_DEFAULT);
    }
    end(out);
    od_group_config_resolve(&g, l->config, l->live, l->own, l->own_count);
    out->value = print(&key->row, (char *)&g + key->row.at, arena);
    od_group_config_deinit(&g);
    return !key->row.unset || own.data;
}

bool od_describe_metrics_key(const struct od_layers *l, const struct od_resource_key *key,
                             struct od_arena *arena, struct od_description *out)
{
    struct od_str own = find(l->own, l->own_count, key->row.name);

    begin(&key->row, key->row.name, out);
    add(out, key->row.name, own, OD_SOURCE_CLIENT_METRICS);
    end(out);
    out->value = own.data ? own : print_default(&key->row, arena);
    return true;
}
