/* SPDX-License-Identifier: Apache-2.0 */
/* The key table, and reading and printing one value by its row. */
#include "config/key.h"

#include "base/mem.h"

#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <strings.h>


/* Position of each topic key among them. */
enum topic_index {
#define OD_KEY(id, type, field, ...)
#define OD_LIVE_KEY(id, type, field, ...)
#define OD_TOPIC_KEY(id, type, field, ...) TOPIC_##id,
#include "config/keys.def"
#undef OD_KEY
#undef OD_LIVE_KEY
#undef OD_TOPIC_KEY
    TOPIC_KEYS
};

_Static_assert((int)TOPIC_KEYS <= (int)OD_TOPIC_KEYS_MAX,
               "od_topic_config.overridden has a bit for each");

static const struct od_key_row rows[] = {
#define OD_KEY(id, value_type, field, ...)                                                         \
    [OD_KEY_##id] = { .key = OD_KEY_##id,                                                          \
                      .type = OD_TYPE_##value_type,                                                \
                      .topic_index = -1,                                                           \
                      .at = offsetof(struct od_config, field),                                     \
                      __VA_ARGS__ },
#define OD_LIVE_KEY(id, value_type, field, ...)                                                    \
    [OD_KEY_##id] = { .key = OD_KEY_##id,                                                          \
                      .type = OD_TYPE_##value_type,                                                \
                      .topic_index = -1,                                                           \
                      .live = true,                                                                \
                      .at = offsetof(struct od_live_config, field),                                \
                      __VA_ARGS__ },
#define OD_TOPIC_KEY(id, value_type, field, ...)                                                   \
    [OD_KEY_##id] = { .key = OD_KEY_##id,                                                          \
                      .type = OD_TYPE_##value_type,                                                \
                      .topic_index = TOPIC_##id,                                                   \
                      .at = offsetof(struct od_topic_config, field),                               \
                      __VA_ARGS__ },
#include "config/keys.def"
#undef OD_KEY
#undef OD_LIVE_KEY
#undef OD_TOPIC_KEY
};

const struct od_key_row *od_key_row(enum od_key key)
{
    return &rows[key];
}

const struct od_key_row *od_key_find(struct od_str name)
{
    for (size_t i = 0; i < OD_COUNT(rows); i++)
        if (rows[i].name && od_str_is(name, rows[i].name))
            return &rows[i];
    return NULL;
}

const struct od_key_row *od_key_find_topic(struct od_str name)
{
    for (size_t i = 0; i < OD_COUNT(rows); i++)
        if (rows[i].topic_name && od_str_is(name, rows[i].topic_name))
            return &rows[i];
    return NULL;
}

const char *od_key_type_name(enum od_key_type type)
{
    switch (type) {
    case OD_TYPE_BOOL:
        return "boolean";
    case OD_TYPE_SHORT:
        return "short";
    case OD_TYPE_INT32:
        return "int";
    case OD_TYPE_INT64:
        return "long";
    case OD_TYPE_DOUBLE:
        return "double";
    case OD_TYPE_STRING:
    case OD_TYPE_CHOICE:
        return "string";
    case OD_TYPE_CLASS:
        return "class";
    case OD_TYPE_PASSWORD:
        return "password";
    case OD_TYPE_LIST:
    case OD_TYPE_FLAGS:
        return "list";
    }
    return "";
}

bool od_key_is_text(const struct od_key_row *row)
{
    return row->type == OD_TYPE_STRING || row->type == OD_TYPE_CLASS ||
           row->type == OD_TYPE_PASSWORD || row->type == OD_TYPE_LIST;
}

bool od_key_is_dynamic(const struct od_key_row *row)
{
    if (row->topic_index >= 0)
        return row->name != NULL;
    return row->live && row->update != OD_UPDATE_NO && (!row->honoured || row->accepted);
}

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static struct od_str trim(struct od_str s)
{
    while (s.len && is_blank(s.data[0])) {
        s.data++;
        s.len--;
    }
    while (s.len && is_blank(s.data[s.len - 1]))
        s.len--;
    return s;
}

struct od_str od_config_item(const char *list, int i)
{
    const char *p = list, *end;

    if (!list || !list[0])
        return OD_STR_NULL;
    while (i-- > 0) {
        p = strchr(p, ',');
        if (!p)
            return OD_STR_NULL;
        p++;
    }
    end = strchrnul(p, ',');
    return trim((struct od_str){ p, (size_t)(end - p) });
}

/* The number of the word, or -1. */
static int word_index(const char *words, struct od_str word)
{
    struct od_str w;

    for (int i = 0; (w = od_config_item(words, i)).data; i++)
        if (od_str_eq(w, word))
            return i;
    return -1;
}

static void say_range(const struct od_key_row *row, struct od_text *out)
{
    int64_t top = INT64_MAX, bottom = INT64_MIN;

    if (row->type == OD_TYPE_INT32) {
        top = INT32_MAX;
        bottom = INT32_MIN;
    } else if (row->type == OD_TYPE_SHORT) {
        top = INT16_MAX;
        bottom = INT16_MIN;
    }
    if (row->min == bottom)
        od_text_add(out, "any number");
    else if (row->max == top)
        od_text_add(out, "at least %" PRId64, row->min);
    else
        od_text_add(out, "from %" PRId64 " to %" PRId64, row->min, row->max);
    if (row->also_set)
        od_text_add(out, ", or %" PRId64, row->also);
}

void od_key_say_bound(const struct od_key_row *row, struct od_text *out)
{
    switch (row->type) {
    case OD_TYPE_BOOL:
        od_text_add(out, "true or false");
        return;
    case OD_TYPE_SHORT:
    case OD_TYPE_INT32:
    case OD_TYPE_INT64:
    case OD_TYPE_DOUBLE:
        say_range(row, out);
        return;
    case OD_TYPE_CHOICE:
        od_text_add(out, "one of %s", row->words);
        return;
    case OD_TYPE_FLAGS:
        od_text_add(out, "empty, or some of %s", row->words);
        return;
    case OD_TYPE_STRING:
    case OD_TYPE_CLASS:
    case OD_TYPE_PASSWORD:
    case OD_TYPE_LIST:
        return;
    }
}

static bool parse_bool(struct od_str text, bool *out)
{
    *out = text.len == 4 && !strncasecmp(text.data, "true", 4);
    return *out || (text.len == 5 && !strncasecmp(text.data, "false", 5));
}

static bool parse_int(const struct od_key_row *row, struct od_str text, int64_t *out)
{
    return od_str_to_i64(text, row->min, row->max, out) ||
           (row->also_set && od_str_to_i64(text, row->also, row->also, out));
}

static bool parse_double(const struct od_key_row *row, struct od_str text, double *out)
{
    char copy[64], *end;

    /* strtod would also take "0x1", "inf" and a locale's comma. */
    if (text.len == 0 || text.len >= sizeof(copy))
        return false;
    memcpy(copy, text.data, text.len);
    copy[text.len] = '\0';
    *out = strtod(copy, &end);
    return !copy[strspn(copy, "0123456789.eE+-")] && *end == '\0' && isfinite(*out) &&
           *out >= (double)row->min && (row->max == INT64_MAX || *out <= (double)row->max);
}

static bool parse_flags(const struct od_key_row *row, struct od_str text, unsigned *out)
{
    char *list = od_str_dup(text);
    struct od_str item;
    bool good = true;

    *out = 0;
    for (int i = 0; good && (item = od_config_item(list, i)).data; i++) {
        int word = word_index(row->words, item);

        good = word >= 0;
        if (good)
            *out |= 1u << word;
    }
    od_free(list);
    return good;
}

static void replace(char **field, struct od_str text)
{
    od_free(*field);
    *field = od_str_dup(text);
}

bool od_key_parse(const struct od_key_row *row, struct od_str text, void *field,
                  struct od_text *why)
{
    struct od_str value = trim(text);
    int64_t number = 0;
    double fraction = 0;
    unsigned flags = 0;
    bool yes = false, good = false;

    if (value.len && memchr(value.data, 0, value.len)) {
        od_text_add(why, "no zero bytes");
        return false;
    }
    switch (row->type) {
    case OD_TYPE_BOOL:
        good = parse_bool(value, &yes);
        if (good)
            *(bool *)field = yes;
        break;
    case OD_TYPE_SHORT:
    case OD_TYPE_INT32:
        good = parse_int(row, value, &number);
        if (good)
            *(int32_t *)field = (int32_t)number;
        break;
    case OD_TYPE_INT64:
        good = parse_int(row, value, &number);
        if (good)
            *(int64_t *)field = number;
        break;
    case OD_TYPE_DOUBLE:
        good = parse_double(row, value, &fraction);
        if (good)
            *(double *)field = fraction;
        break;
    case OD_TYPE_CHOICE:
        number = word_index(row->words, value);
        good = number >= 0;
        if (good)
            *(int *)field = (int)number;
        break;
    case OD_TYPE_FLAGS:
        good = parse_flags(row, value, &flags);
        if (good)
            *(unsigned *)field = flags;
        break;
    case OD_TYPE_STRING:
    case OD_TYPE_CLASS:
    case OD_TYPE_PASSWORD:
    case OD_TYPE_LIST:
        replace(field, value);
        return true;
    }
    if (!good)
        od_key_say_bound(row, why);
    return good;
}

bool od_key_check(const struct od_key_row *row, const char *name, struct od_str text,
                  struct od_text *why)
{
    struct od_text bound = { 0 };
    union {
        bool yes;
        int64_t number;
        double fraction;
        char *text;
    } scratch = { 0 };
    bool good = od_key_parse(row, text, &scratch, &bound);

    if (good)
        od_key_free(row, &scratch);
    else
        od_text_add(why, "Invalid value %.*s for configuration %s: must be %s",
                    text.len > 200 ? 200 : (int)text.len, text.data, name, od_text_get(&bound));
    od_text_reset(&bound);
    return good;
}

static void print_flags(const struct od_key_row *row, unsigned flags, struct od_text *out)
{
    struct od_str word;
    const char *comma = "";

    for (int i = 0; (word = od_config_item(row->words, i)).data; i++) {
        if (!(flags & 1u << i))
            continue;
        od_text_add(out, "%s%.*s", comma, OD_STR_ARGS(word));
        comma = ",";
    }
}

/* As Java prints a double: the fewest digits that give it back; 1e-3 to 1e7 without exponent. */
static void print_double(double value, struct od_text *out)
{
    bool plain = value == 0 || (fabs(value) >= 1e-3 && fabs(value) < 1e7);
    char text[40], *e;
    int digits = 1;

    do
        snprintf(text, sizeof(text), plain ? "%.*f" : "%.*e", digits, value);
    while (strtod(text, NULL) != value && ++digits < 20);
    e = strchr(text, 'e');
    if (e)
        *e = '\0';
    od_text_add(out, "%s", text);
    if (e)
        od_text_add(out, "E%d", (int)strtol(e + 1, NULL, 10));
}

void od_key_print(const struct od_key_row *row, const void *field, struct od_text *out)
{
    switch (row->type) {
    case OD_TYPE_BOOL:
        od_text_add(out, "%s", *(const bool *)field ? "true" : "false");
        return;
    case OD_TYPE_SHORT:
    case OD_TYPE_INT32:
        od_text_add(out, "%" PRId32, *(const int32_t *)field);
        return;
    case OD_TYPE_INT64:
        od_text_add(out, "%" PRId64, *(const int64_t *)field);
        return;
    case OD_TYPE_DOUBLE:
        print_double(*(const double *)field, out);
        return;
    case OD_TYPE_CHOICE:
        od_text_add_str(out, od_config_item(row->words, *(const int *)field));
        return;
    case OD_TYPE_FLAGS:
        print_flags(row, *(const unsigned *)field, out);
        return;
    case OD_TYPE_STRING:
    case OD_TYPE_CLASS:
    case OD_TYPE_PASSWORD:
    case OD_TYPE_LIST:
        od_text_add_str(out, od_str_of(*(char *const *)field));
        return;
    }
}

void od_key_set_default(const struct od_key_row *row, void *field)
{
    switch (row->type) {
    case OD_TYPE_BOOL:
        *(bool *)field = row->def != 0;
        return;
    case OD_TYPE_SHORT:
    case OD_TYPE_INT32:
        *(int32_t *)field = (int32_t)row->def;
        return;
    case OD_TYPE_INT64:
        *(int64_t *)field = row->def;
        return;
    case OD_TYPE_DOUBLE:
        *(double *)field = row->def_double;
        return;
    case OD_TYPE_CHOICE:
        *(int *)field = (int)row->def;
        return;
    case OD_TYPE_FLAGS:
        *(unsigned *)field = (unsigned)row->def;
        return;
    case OD_TYPE_STRING:
    case OD_TYPE_CLASS:
    case OD_TYPE_PASSWORD:
    case OD_TYPE_LIST:
        *(char **)field = row->def_text ? od_strdup(row->def_text) : NULL;
        return;
    }
}

void od_key_free(const struct od_key_row *row, void *field)
{
    if (od_key_is_text(row))
        od_free(*(char **)field);
}
