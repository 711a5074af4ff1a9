/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compares our message files with Kafka's:
 *     schema_compare EXCEPTIONS DIR FILE.msg...
 * Each of our versions is compared with the newest tree in DIR that has it, field by field and in
 * both directions.  What is not on the wire (default, ignorable, entity) counts as in the newest
 * tree that has the field at all.  EXCEPTIONS holds "difference -- reason" lines; one that nothing
 * matches is an error, so that the list only shrinks.
 */
#include "schema.h"
#include "schema_kafka.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_BYTES = 512, VALUE_BYTES = 96, LINES_MAX = 10000 };

static const char *const type_names[] = {
    [TYPE_BOOL] = "bool",     [TYPE_INT8] = "int8",       [TYPE_INT16] = "int16",
    [TYPE_INT32] = "int32",   [TYPE_INT64] = "int64",     [TYPE_UINT16] = "uint16",
    [TYPE_UINT32] = "uint32", [TYPE_FLOAT64] = "float64", [TYPE_STRING] = "string",
    [TYPE_BYTES] = "bytes",   [TYPE_RECORDS] = "records", [TYPE_UUID] = "uuid",
    [TYPE_STRUCT] = "struct",
};

static const char *const sections[] = { " request", " response" };

struct line {
    char text[TEXT_BYTES];
    int first, last; /* versions; -1: of no version */
};

struct exception {
    char text[2 * TEXT_BYTES]; /* as printed, then the reason */
    const char *reason;
    bool used;
};

struct compare {
    struct kafka_files files;
    struct line *lines;
    size_t line_count;
    struct exception *exceptions;
    size_t exception_count;
    long messages, fields;
    /* What is being compared: */
    const struct schema_message *ours;
    int section;                        /* 0 request, 1 response; 0 in others */
    const struct kafka_message *kafka;  /* has the version */
    const struct kafka_message *newest; /* of the same name */
    int version;
    int kafka_version;
};

/* The fields of a struct in the two trees. */
struct level {
    json_t *fields;
    json_t *newest;
};

static const char *section_text(const struct compare *c)
{
    return c->ours->kind == KIND_API ? sections[c->section] : "";
}

/* Notes a difference; the same one in the next version widens its range. */
__attribute__((format(printf, 3, 4))) static void add_line(struct compare *c, int version,
                                                           const char *format, ...)
{
    char text[TEXT_BYTES];
    struct line *l = c->lines;
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    for (; l < c->lines + c->line_count; l++) {
        if (strcmp(l->text, text) == 0 && version <= l->last + 1) {
            l->last = version;
            return;
        }
    }
    if (c->line_count == LINES_MAX) {
        fprintf(stderr, "more than %d differences\n", LINES_MAX);
        exit(1);
    }
    snprintf(l->text, sizeof(l->text), "%s", text);
    l->first = l->last = version;
    c->line_count++;
}

static void check(struct compare *c, const char *path, const char *what, const char *ours,
                  const char *kafka)
{
    if (strcmp(ours, kafka) != 0)
        add_line(c, c->version, "%s%s%s: %s is '%s', Kafka's '%s'", c->ours->name,
                 section_text(c), path, what, ours, kafka);
}

static const char *yes(bool value)
{
    return value ? "yes" : "no";
}

static const char *text_of(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));

    return text ? text : "";
}

/* A field may have tagged versions only. */
static bool is_present(const json_t *field, int version)
{
    const json_t *versions = json_object_get(field, "versions");

    if (!versions)
        versions = json_object_get(field, "taggedVersions");
    return schema_range_has(kafka_range(versions), version);
}

static bool has_version(const json_t *field, const char *attribute, int version)
{
    return schema_range_has(kafka_range(json_object_get(field, attribute)), version);
}

/* The field called name that exists in the version, or in any when it is -1. */
static json_t *find_field(json_t *fields, const char *name, int version)
{
    size_t i;
    json_t *field;

    json_array_foreach(fields, i, field) {
        if (kafka_name_is(text_of(field, "name"), name) &&
            (version < 0 || is_present(field, version)))
            return field;
    }
    return NULL;
}

static const char *element_type(const json_t *field, bool *array)
{
    const char *type = text_of(field, "type");

    *array = strncmp(type, "[]", 2) == 0;
    return *array ? type + 2 : type;
}

/* "[int32]", "string", "[struct]". */
static void write_type(char *out, bool array, const char *type)
{
    bool known = false;

    for (int i = 0; i < TYPE_STRUCT; i++)
        known |= strcmp(type, type_names[i]) == 0;
    if (!known)
        type = type_names[TYPE_STRUCT];
    snprintf(out, VALUE_BYTES, array ? "[%s]" : "%s", type);
}

/* Empty when it is zero, false or empty. */
static void write_default(char *out, const json_t *field)
{
    const json_t *value = json_object_get(field, "default");
    const char *text = json_string_value(value);
    bool is_text = strcmp(text_of(field, "type"), "string") == 0;
    char *end;
    long long n;

    out[0] = '\0';
    if (!value || json_is_false(value) || (text && (!*text || strcmp(text, "false") == 0)))
        return;
    if (json_is_null(value) || json_is_true(value)) {
        snprintf(out, VALUE_BYTES, "%s", json_is_null(value) ? "null" : "true");
        return;
    }
    n = text ? strtoll(text, &end, 0) : json_integer_value(value);
    if (text && (is_text || *end))
        snprintf(out, VALUE_BYTES, "%s", text);
    else if (n != 0)
        snprintf(out, VALUE_BYTES, "%lld", n);
}

static const char *our_default(const struct schema_field *f)
{
    if (f->default_kind == DEFAULT_NULL)
        return "null";
    if (f->default_kind == DEFAULT_NONE || strcmp(f->default_text, "false") == 0)
        return "";
    return f->default_text;
}

/* What Kafka's files say about a field must be something that is compared or known to be moot. */
static void check_attributes(struct compare *c, const char *path, json_t *field)
{
    static const char *const known[] = { "name",    "type",       "versions",   "nullableVersions",
                                         "tag",     "default",    "ignorable",  "taggedVersions",
                                         "about",   "entityType", "fields",     "flexibleVersions",
                                         "mapKey",  "zeroCopy" };
    const char *name;
    json_t *value;

    json_object_foreach(field, name, value) {
        bool found = false;

        for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
            found |= strcmp(name, known[i]) == 0;
        if (!found)
            add_line(c, c->version, "%s%s%s: unknown attribute %s", c->ours->name,
                     section_text(c), path, name);
    }
}

/* tag; and "classic", Kafka's field that is not flexible in a flexible version. */
static void write_form(char *out, int tag, bool classic)
{
    if (tag >= 0)
        snprintf(out, VALUE_BYTES, "tag %d", tag);
    else
        snprintf(out, VALUE_BYTES, "%s", classic ? "classic" : "plain");
}

static int kafka_tag(const json_t *field, int version)
{
    const json_t *tag = json_object_get(field, "tag");

    if (!tag || !has_version(field, "taggedVersions", version))
        return -1;
    return json_is_string(tag) ? (int)strtol(json_string_value(tag), NULL, 10)
                               : (int)json_integer_value(tag);
}

static void compare_field(struct compare *c, const char *path, const struct schema_field *f,
                          json_t *field, json_t *newest)
{
    int v = c->kafka_version;
    bool flexible = schema_flexible(c->ours, c->version);
    char ours[VALUE_BYTES], kafka[VALUE_BYTES], entity[VALUE_BYTES] = "";
    const char *type;
    bool array;

    check_attributes(c, path, field);
    type = element_type(field, &array);
    write_type(ours, f->array, type_names[f->type]);
    write_type(kafka, array, type);
    check(c, path, "type", ours, kafka);
    check(c, path, "nullable", yes(schema_range_has(f->nulls, c->version)),
          yes(has_version(field, "nullableVersions", v)));
    write_form(ours, f->tag, flexible && f->classic);
    write_form(kafka, kafka_tag(field, v),
               flexible && json_object_get(field, "flexibleVersions") &&
                   !has_version(field, "flexibleVersions", v));
    check(c, path, "form", ours, kafka);
    write_default(kafka, newest);
    check(c, path, "default", our_default(f), kafka);
    check(c, path, "ignorable", yes(f->ignorable),
          yes(json_is_true(json_object_get(newest, "ignorable"))));
    if (kafka_name_is(text_of(newest, "entityType"), f->entity))
        snprintf(entity, sizeof(entity), "%s", f->entity);
    else
        snprintf(entity, sizeof(entity), "%s", text_of(newest, "entityType"));
    check(c, path, "entity", f->entity, entity);
}

/* A struct's fields stand below the field, or among the common structs. */
static json_t *fields_of(const struct kafka_message *k, const json_t *field)
{
    json_t *fields = json_object_get(field, "fields");
    bool array;
    const char *type = element_type(field, &array);
    size_t i;
    json_t *common;

    if (fields)
        return fields;
    json_array_foreach(k->structs, i, common) {
        if (strcmp(text_of(common, "name"), type) == 0)
            return json_object_get(common, "fields");
    }
    return NULL;
}

/* Kafka's fields that we lack, and its order of those that are not tagged. */
static void compare_names(struct compare *c, const char *path, const struct schema_struct *s,
                          json_t *fields)
{
    const struct schema_field *expected = s->fields;
    size_t i;
    json_t *field;

    json_array_foreach(fields, i, field) {
        const struct schema_field *f = s->fields;

        if (!is_present(field, c->kafka_version))
            continue;
        while (f && !(schema_range_has(f->range, c->version) &&
                      kafka_name_is(text_of(field, "name"), f->name)))
            f = f->next;
        if (!f) {
            add_line(c, c->version, "%s%s%s: lacks %s", c->ours->name, section_text(c), path,
                     text_of(field, "name"));
            continue;
        }
        if (f->tag >= 0)
            continue;
        while (expected && (expected->tag >= 0 || !schema_range_has(expected->range, c->version)))
            expected = expected->next;
        check(c, path, "the next field", expected ? expected->name : "", f->name);
        expected = f->next;
    }
}

static void compare_struct(struct compare *c, const char *path, const struct schema_struct *s,
                           struct level level)
{
    compare_names(c, path, s, level.fields);
    for (const struct schema_field *f = s->fields; f; f = f->next) {
        char sub[TEXT_BYTES];
        json_t *field, *newest;

        if (!schema_range_has(f->range, c->version))
            continue;
        snprintf(sub, sizeof(sub), "%s%c%s", path, *path ? '.' : ' ', f->name);
        field = find_field(level.fields, f->name, c->kafka_version);
        if (!field) {
            add_line(c, c->version, "%s%s%s: not in Kafka", c->ours->name, section_text(c), sub);
            continue;
        }
        newest = find_field(level.newest, f->name, -1);
        compare_field(c, sub, f, field, newest ? newest : field);
        if (f->type == TYPE_STRUCT)
            compare_struct(c, sub, f->target,
                           (struct level){ fields_of(c->kafka, field),
                                           newest ? fields_of(c->newest, newest) : NULL });
    }
}

static bool is_ours(const struct compare *c, const struct kafka_message *k)
{
    if (c->ours->kind == KIND_API)
        return kafka_is_api(k) && k->key == c->ours->key &&
               kafka_is_request(k) == (c->section == 0);
    return !kafka_is_api(k) && kafka_name_is(k->name, c->ours->name);
}

/* Before 4.0 the key of a coordinator record had its type as its version. */
static bool has_type_as_version(const struct compare *c, const struct kafka_message *k)
{
    return c->ours->kind == KIND_KEY && strcmp(k->type, "data") == 0;
}

static int version_in(const struct compare *c, const struct kafka_message *k, int version)
{
    return has_type_as_version(c, k) ? c->ours->key : version;
}

static void compare_version(struct compare *c, int version)
{
    const struct schema_struct *root = c->ours->roots[c->section];

    c->version = version;
    c->kafka = NULL;
    for (size_t i = 0; i < c->files.count && !c->kafka; i++) {
        struct kafka_message *k = &c->files.messages[i];

        if (is_ours(c, k) && schema_range_has(k->valid, version_in(c, k, version)))
            c->kafka = k;
    }
    if (!c->kafka) {
        add_line(c, version, "%s%s: in no version of Kafka", c->ours->name, section_text(c));
        return;
    }
    c->kafka_version = version_in(c, c->kafka, version);
    check(c, "", "flexible", yes(schema_flexible(c->ours, version)),
          yes(schema_range_has(c->kafka->flexible, c->kafka_version)));
    compare_struct(c, "", root, (struct level){ c->kafka->fields, c->newest->fields });
}

/* What stands in the first line of our file. */
static void compare_head(struct compare *c)
{
    static const char *const types[] = { [KIND_RECORD] = "metadata",
                                         [KIND_KEY] = "coordinator-key",
                                         [KIND_VALUE] = "coordinator-value",
                                         [KIND_DATA] = "data" };
    char ours[VALUE_BYTES + 16], kafka[VALUE_BYTES];
    const char *type = c->newest->type;

    if (c->ours->kind == KIND_API) {
        snprintf(ours, sizeof(ours), "%s_%s", c->ours->name, sections[c->section] + 1);
        if (!kafka_name_is(c->newest->name, ours))
            check(c, "", "name", ours, c->newest->name);
        return;
    }
    check(c, "", "kind", types[c->ours->kind], strcmp(type, "header") == 0 ? "data" : type);
    snprintf(ours, sizeof(ours), "%d", c->ours->key);
    snprintf(kafka, sizeof(kafka), "%d", c->newest->key);
    check(c, "", "type", ours, kafka);
}

/* Says so in its request, for the response too. */
static bool is_unstable(const struct compare *c, const struct kafka_message *k, int version)
{
    for (size_t i = 0; i < c->files.count; i++) {
        const struct kafka_message *r = &c->files.messages[i];

        if (r->unstable && version == r->valid.max && strcmp(r->tree, k->tree) == 0 &&
            (r == k || (kafka_is_api(k) && kafka_is_request(r) && r->key == k->key)))
            return true;
    }
    return false;
}

/* Kafka's versions that we lack. */
static void compare_versions(struct compare *c, struct kafka_message *k)
{
    k->matched = true;
    for (int v = k->valid.min; v <= k->valid.max; v++) {
        if (has_type_as_version(c, k) ? v == c->ours->key
                                      : schema_range_has(c->ours->versions, v))
            continue;
        if (is_unstable(c, k, v))
            printf("left out: %s%s %d of %s, unstable\n", c->ours->name, section_text(c), v,
                   k->tree);
        else
            add_line(c, v, "%s%s: missing of %s", c->ours->name, section_text(c), k->tree);
    }
}

static long count_fields(const struct schema_struct *s)
{
    long n = 0;

    for (const struct schema_field *f = s->fields; f; f = f->next)
        n += 1 + (f->type == TYPE_STRUCT ? count_fields(f->target) : 0);
    return n;
}

static void compare_message(struct compare *c, const struct schema_message *m, int section)
{
    c->ours = m;
    c->section = section;
    c->newest = NULL;
    c->messages++;
    c->fields += count_fields(m->roots[section]);
    for (size_t i = 0; i < c->files.count; i++) {
        struct kafka_message *k = &c->files.messages[i];

        if (!is_ours(c, k))
            continue;
        if (!c->newest && k->fields)
            c->newest = k;
        compare_versions(c, k);
    }
    if (c->newest) {
        c->version = -1;
        compare_head(c);
    }
    for (int v = m->versions.min; v <= m->versions.max; v++)
        compare_version(c, v);
}

static void list_missing(struct compare *c)
{
    for (size_t i = 0; i < c->files.count; i++) {
        const struct kafka_message *k = &c->files.messages[i];

        if (!k->matched && k->valid.min <= k->valid.max)
            add_line(c, -1, "%s: missing of %s", k->name, k->tree);
    }
}

static bool load_exceptions(struct compare *c, const char *path)
{
    FILE *in = fopen(path, "r");
    char text[2 * TEXT_BYTES];
    bool ok = in != NULL;

    if (!in)
        perror(path);
    while (ok && fgets(text, sizeof(text), in)) {
        struct exception *e = &c->exceptions[c->exception_count];
        char *reason = strstr(text, " -- ");

        text[strcspn(text, "\n")] = '\0';
        if (*text == '#' || !*text)
            continue;
        if (!reason || !reason[4] || c->exception_count == LINES_MAX) {
            fprintf(stderr, "%s: '%s' gives no reason, or too many lines\n", path, text);
            ok = false;
            break;
        }
        *reason = '\0';
        memcpy(e->text, text, sizeof(text));
        e->reason = e->text + (reason - text) + 4;
        c->exception_count++;
    }
    if (in)
        fclose(in);
    return ok;
}

static const char *explain(struct compare *c, const char *text)
{
    for (size_t i = 0; i < c->exception_count; i++) {
        struct exception *e = &c->exceptions[i];

        if (strcmp(e->text, text) == 0) {
            e->used = true;
            return e->reason;
        }
    }
    return NULL;
}

/* Prints every difference and the totals; true: nothing is unexplained. */
static bool report(struct compare *c)
{
    long unexplained = 0, stale = 0;

    for (size_t i = 0; i < c->line_count; i++) {
        const struct line *l = &c->lines[i];
        char text[TEXT_BYTES + VALUE_BYTES], versions[VALUE_BYTES] = "";
        const char *reason;

        if (l->first >= 0 && l->first == l->last)
            snprintf(versions, sizeof(versions), " (version %d)", l->first);
        else if (l->first >= 0)
            snprintf(versions, sizeof(versions), " (versions %d-%d)", l->first, l->last);
        snprintf(text, sizeof(text), "%s%s", l->text, versions);
        reason = explain(c, text);
        unexplained += !reason;
        printf("%s: %s%s%s\n", reason ? "explained" : "difference", text, reason ? " -- " : "",
               reason ? reason : "");
    }
    for (size_t i = 0; i < c->exception_count; i++) {
        if (!c->exceptions[i].used) {
            stale++;
            printf("exception without a difference: %s\n", c->exceptions[i].text);
        }
    }
    printf("%ld messages, %ld fields, %ld differences (%zu explained)\n", c->messages, c->fields,
           unexplained, c->line_count - (size_t)unexplained);
    return unexplained == 0 && stale == 0;
}

int main(int argc, char **argv)
{
    struct compare c = { 0 };

    if (argc < 4) {
        fprintf(stderr, "usage: schema_compare EXCEPTIONS DIR FILE.msg...\n");
        return 2;
    }
    c.lines = calloc(LINES_MAX + 1, sizeof(*c.lines));
    c.exceptions = calloc(LINES_MAX + 1, sizeof(*c.exceptions));
    if (!c.lines || !c.exceptions || !load_exceptions(&c, argv[1]) ||
        !kafka_load(argv[2], &c.files))
        return 2;
    for (int i = 3; i < argc; i++) {
        struct schema_message m;

        if (!schema_parse(argv[i], &m))
            return 2;
        compare_message(&c, &m, 0);
        if (m.kind == KIND_API)
            compare_message(&c, &m, 1);
    }
    list_missing(&c);
    return report(&c) ? 0 : 1;
}
