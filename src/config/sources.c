/* SPDX-License-Identifier: Apache-2.0 */
/* Where settings are written: the file, the environment and the command line. */
#include "base/map.h"
#include "base/mem.h"
#include "config/config_internal.h"
#include "config/properties.h"

/* Variables of Kafka's start scripts and images that are no settings. */
static const char *const no_settings[] = {
    "KAFKA_CLUSTER_ID",   "KAFKA_DEBUG",
    "KAFKA_GC_LOG_OPTS",  "KAFKA_HEAP_OPTS",
    "KAFKA_JMX_HOSTNAME", "KAFKA_JMX_OPTS",
    "KAFKA_JMX_PORT",     "KAFKA_JVM_PERFORMANCE_OPTS",
    "KAFKA_LOG4J_OPTS",   "KAFKA_LOG4J_LOGGERS",
    "KAFKA_OPTS",         "KAFKA_LOG4J_ROOT_LOGLEVEL",
    "KAFKA_VERSION",      "KAFKA_TOOLS_LOG4J_LOGLEVEL",
    "KAFKA_HOME",         "KAFKA_MODE",
};

struct collector {
    struct od_found_list *list;
    struct od_map by_name; /* to index + 1 in the list */
};

/* Takes over place. */
static void put(struct collector *c, struct od_str name, struct od_str value,
                enum od_origin_kind kind, char *place)
{
    struct od_found_list *l = c->list;
    struct od_found *f;
    uintptr_t known = (uintptr_t)od_map_get(&c->by_name, name.data, name.len);

    if (known) {
        f = &l->v[known - 1];
        od_free(f->origin.text);
        od_free(f->origin.place);
    } else {
        if (l->n == l->capacity) {
            l->capacity = l->capacity ? l->capacity * 2 : 32;
            l->v = od_realloc(l->v, (size_t)l->capacity * sizeof(*l->v));
        }
        f = &l->v[l->n++];
        f->name = od_str_dup(name);
        od_map_put(&c->by_name, f->name, name.len, (void *)(uintptr_t)l->n);
    }
    f->origin = (struct od_origin){ kind, od_str_dup(value), place };
}

static bool collect_file(struct collector *c, const struct od_config_input *in,
                         struct od_text *errors)
{
    struct od_properties p;
    struct od_text text = { 0 };
    bool good = od_properties_parse(in->file, &p, &text);

    if (!good)
        od_text_add(errors, "%s: %s\n", in->file_name, od_text_get(&text));
    od_text_reset(&text);
    for (int i = 0; good && i < p.n; i++) {
        od_text_add(&text, "%s:%d", in->file_name, p.v[i].line);
        put(c, p.v[i].key, p.v[i].value, OD_ORIGIN_FILE, text.data);
        text = (struct od_text){ 0 };
    }
    od_properties_deinit(&p);
    return good;
}

/* KAFKA_A_B gives a.b, A__B a_b and A___B a-b, in lower case, as Kafka's images have it. */
static void map_variable(struct od_str rest, struct od_text *name)
{
    static const char marks[] = { '.', '_', '-' };
    size_t i = 0;

    while (i < rest.len) {
        char c = rest.data[i];
        size_t run = 0;

        while (run < 3 && i + run < rest.len && rest.data[i + run] == '_')
            run++;
        if (run > 0)
            c = marks[run - 1];
        else if (c >= 'A' && c <= 'Z')
            c = (char)(c - 'A' + 'a');
        od_text_add_str(name, (struct od_str){ &c, 1 });
        i += run ? run : 1;
    }
}

static bool is_no_setting(struct od_str variable)
{
    for (size_t i = 0; i < OD_COUNT(no_settings); i++)
        if (od_str_is(variable, no_settings[i]))
            return true;
    return false;
}

static void collect_environment(struct collector *c, const char *const *environment)
{
    for (; environment && *environment; environment++) {
        const char *equals = strchr(*environment, '=');
        struct od_str variable, value;
        struct od_text name = { 0 };

        if (!equals)
            continue;
        variable = (struct od_str){ *environment, (size_t)(equals - *environment) };
        value = od_str_of(equals + 1);
        if (od_str_is(variable, "CLUSTER_ID"))
            od_text_add(&name, "odradek.cluster.id");
        else if (od_str_starts(variable, "KAFKA_") && variable.len > 6 && !is_no_setting(variable))
            map_variable((struct od_str){ variable.data + 6, variable.len - 6 }, &name);
        if (name.len)
            put(c, (struct od_str){ name.data, name.len }, value, OD_ORIGIN_ENVIRONMENT,
                od_str_dup(variable));
        od_text_reset(&name);
    }
}

static bool collect_overrides(struct collector *c, const struct od_config_input *in,
                              struct od_text *errors)
{
    bool good = true;

    for (int i = 0; i < in->override_count; i++) {
        const char *equals = strchr(in->overrides[i], '=');

        if (equals && equals > in->overrides[i]) {
            put(c, (struct od_str){ in->overrides[i], (size_t)(equals - in->overrides[i]) },
                od_str_of(equals + 1), OD_ORIGIN_OVERRIDE, od_strdup("--override"));
            continue;
        }
        od_text_add(errors, "--override %s: must have the form key=value\n", in->overrides[i]);
        good = false;
    }
    return good;
}

bool od_sources_collect(const struct od_config_input *in, struct od_found_list *out,
                        struct od_text *errors)
{
    struct collector c = { .list = out };
    bool good = true;

    *out = (struct od_found_list){ 0 };
    od_map_init(&c.by_name, 0); /* the operator's own names: nobody chooses collisions */
    if (in->file_name && !collect_file(&c, in, errors))
        good = false;
    collect_environment(&c, in->environment);
    if (!collect_overrides(&c, in, errors))
        good = false;
    od_map_deinit(&c.by_name);
    return good;
}

void od_found_list_deinit(struct od_found_list *list)
{
    for (int i = 0; i < list->n; i++) {
        od_free(list->v[i].name);
        od_free(list->v[i].origin.text);
        od_free(list->v[i].origin.place);
    }
    od_free(list->v);
    *list = (struct od_found_list){ 0 };
}
