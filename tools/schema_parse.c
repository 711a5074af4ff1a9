/* SPDX-License-Identifier: Apache-2.0 */
/* Reads one message file into the model and checks what a person can get wrong. */
#include "schema.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { LINE_MAX_BYTES = 512, DEPTH_MAX = 12, WORDS_MAX = 16, WORD_MAX = 128 };

struct parser {
    struct schema_message *m;
    FILE *in;
    int line;
    bool failed;
    int indent; /* of the current line, in levels; -1: end of file */
    int words;
    char word[WORDS_MAX][WORD_MAX];
    const char *section; /* "req", "rsp", "" */
    struct schema_struct **tail;
};

static const char *const type_names[] = {"bool",   "int8",   "int16",   "int32",
                                         "int64",  "uint16", "uint32",  "float64",
                                         "string", "bytes",  "records", "uuid"};

static const char *const keywords[] = {
    "auto",    "break",  "case",     "char",   "const",    "continue", "default",
    "do",      "double", "else",     "enum",   "extern",   "float",    "for",
    "goto",    "if",     "inline",   "int",    "long",     "register", "restrict",
    "return",  "short",  "signed",   "sizeof", "static",   "struct",   "switch",
    "typedef", "union",  "unsigned", "void",   "volatile", "while",    "bool",
};

__attribute__((format(printf, 3, 4))) static void fail(struct parser *p, int line,
                                                       const char *format, ...)
{
    va_list args;

    if (p->failed)
        return;
    p->failed = true;
    fprintf(stderr, "%s:%d: ", p->m->path, line);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
}

static void *zalloc(size_t bytes)
{
    void *object = calloc(1, bytes);

    if (!object)
        abort();
    return object;
}

/* Splits text into words; a quoted text is one word and keeps its opening quote. */
static void split(struct parser *p, const char *text)
{
    p->words = 0;
    while (*text) {
        size_t n = 0;
        bool quoted = *text == '"';

        if (isspace((unsigned char)*text)) {
            text++;
            continue;
        }
        if (p->words == WORDS_MAX) {
            fail(p, p->line, "too many words");
            return;
        }
        while (text[n] && (quoted ? n == 0 || text[n] != '"' : !isspace((unsigned char)text[n])))
            n++;
        if (n >= WORD_MAX || (quoted && !text[n])) {
            fail(p, p->line, "a word is too long or a text does not end");
            return;
        }
        memcpy(p->word[p->words], text, n);
        p->word[p->words++][n] = '\0';
        text += n + (quoted ? 1 : 0);
    }
}

/* Goes to the next line that holds something. */
static void next_line(struct parser *p)
{
    char text[LINE_MAX_BYTES];

    while (!p->failed && fgets(text, sizeof(text), p->in)) {
        size_t blanks;
        bool quoted = false;

        p->line++;
        if (!strchr(text, '\n') && !feof(p->in))
            fail(p, p->line, "line is longer than %d bytes", LINE_MAX_BYTES - 2);
        for (char *c = text; *c; c++) {
            quoted ^= *c == '"';
            if (*c == '#' && !quoted)
                *c = '\0';
            if (*c == '\0')
                break;
        }
        blanks = strspn(text, " ");
        if (text[blanks + strspn(text + blanks, "\r\n")] == '\0')
            continue;
        if (strchr(text, '\t') || blanks % 2)
            fail(p, p->line, "indent with two blanks per level, no tabs");
        p->indent = (int)blanks / 2;
        split(p, text + blanks);
        return;
    }
    p->indent = -1;
    p->words = 0;
}

static bool parse_int(const char *text, const char **rest, int *out)
{
    char *end;
    long v;

    if (!isdigit((unsigned char)*text))
        return false;
    v = strtol(text, &end, 10);
    if (v < 0 || v >= SCHEMA_OPEN)
        return false;
    *rest = end;
    *out = (int)v;
    return true;
}

/* "3+", "2-4" or "3", the whole text. */
static bool parse_range(const char *text, struct schema_range *out)
{
    if (!parse_int(text, &text, &out->min))
        return false;
    out->max = out->min;
    if (strcmp(text, "+") == 0) {
        out->max = SCHEMA_OPEN;
        return true;
    }
    if (*text == '-' && !parse_int(text + 1, &text, &out->max))
        return false;
    return *text == '\0' && out->min <= out->max;
}

static void copy_name(struct parser *p, char *out, const char *word)
{
    size_t len = strlen(word);

    if (len == 0 || len >= SCHEMA_NAME_MAX || !islower((unsigned char)word[0]) ||
        strspn(word, "abcdefghijklmnopqrstuvwxyz0123456789_") != len) {
        fail(p, p->line, "'%s' is no snake_case name", word);
        return;
    }
    for (size_t i = 0; i < sizeof(keywords) / sizeof(*keywords); i++)
        if (strcmp(word, keywords[i]) == 0)
            fail(p, p->line, "'%s' is a keyword of C", word);
    memcpy(out, word, len + 1);
}

static struct schema_range intersect(struct schema_range a, struct schema_range b)
{
    return (struct schema_range) {a.min > b.min ? a.min : b.min, a.max < b.max ? a.max : b.max};
}

static struct schema_struct *find_struct(struct parser *p, const char *name)
{
    for (struct schema_struct *s = p->m->structs; s; s = s->next) {
        const char *section = s->shared ? "" : p->section;
        char fn[2 * SCHEMA_NAME_MAX];

        snprintf(fn, sizeof(fn), "%s%s%s", section, *section ? "_" : "", name);
        if (!s->root && strcmp(s->fn, fn) == 0)
            return s;
    }
    return NULL;
}

static struct schema_struct *new_struct(struct parser *p, const char *name, bool shared)
{
    struct schema_struct *s = zalloc(sizeof(*s));
    const char *section = shared ? "" : p->section;

    if (*name && find_struct(p, name))
        fail(p, p->line, "struct '%s' exists already", name);
    s->line = p->line;
    s->shared = shared;
    if (*name)
        copy_name(p, s->name, name);
    snprintf(s->fn, sizeof(s->fn), "%s%s%s", section, *section && *name ? "_" : "", s->name);
    snprintf(s->c_name, sizeof(s->c_name), "od_%s%s%s", p->m->name, *s->fn ? "_" : "", s->fn);
    if (!*name && !*section)
        snprintf(s->fn, sizeof(s->fn), "message");
    return s;
}

/* After its contents, so that what is contained comes first. */
static void add_struct(struct parser *p, struct schema_struct *s)
{
    *p->tail = s;
    p->tail = &s->next;
}

static void parse_type(struct parser *p, char *word, struct schema_field *f, char *struct_name)
{
    char *mark = strchr(word, '?');
    size_t len;

    f->nulls = (struct schema_range) {1, 0};
    if (mark) {
        *mark = '\0';
        f->nulls = (struct schema_range) {0, SCHEMA_OPEN};
        if (mark[1] && !parse_range(mark + 1, &f->nulls))
            fail(p, p->line, "'%s' is no version range", mark + 1);
    }
    len = strlen(word);
    if (len > 2 && word[0] == '[' && word[len - 1] == ']') {
        f->array = true;
        word[len - 1] = '\0';
        word++;
    }
    f->type = TYPE_STRUCT;
    for (int i = 0; i < TYPE_STRUCT; i++)
        if (strcmp(word, type_names[i]) == 0)
            f->type = (enum schema_type)i;
    snprintf(struct_name, SCHEMA_NAME_MAX, "%.*s", SCHEMA_NAME_MAX - 1, word);
}

static void parse_default(struct parser *p, struct schema_field *f, const char *word)
{
    if (strcmp(word, "null") == 0) {
        f->default_kind = DEFAULT_NULL;
        return;
    }
    f->default_kind = DEFAULT_VALUE;
    snprintf(f->default_text, sizeof(f->default_text), "%s", word + (*word == '"'));
    if (*word == '"' && !*f->default_text)
        f->default_kind = DEFAULT_NONE;
    if (f->type == TYPE_STRING && *word != '"')
        fail(p, p->line, "the default of a string is \"text\" or null");
}

/* The words after name and type. */
static void parse_attributes(struct parser *p, struct schema_field *f)
{
    for (int i = 2; i < p->words; i++) {
        const char *word = p->word[i];
        const char *rest;

        if (isdigit((unsigned char)*word) && i == 2) {
            if (!parse_range(word, &f->range))
                fail(p, p->line, "'%s' is no version range", word);
        } else if (strcmp(word, "tag") == 0 && i + 1 < p->words) {
            if (!parse_int(p->word[++i], &rest, &f->tag) || *rest)
                fail(p, p->line, "'%s' is no tag", p->word[i]);
        } else if (strcmp(word, "=") == 0 && i + 1 < p->words) {
            parse_default(p, f, p->word[++i]);
        } else if (strcmp(word, "ignorable") == 0) {
            f->ignorable = true;
        } else if (strcmp(word, "classic") == 0) {
            f->classic = true;
        } else if (*word == '@') {
            copy_name(p, f->entity, word + 1);
        } else {
            fail(p, p->line, "'%s' is not understood here", word);
        }
    }
}

static bool default_fits(struct schema_field *f)
{
    static const int64_t min[] = {0, INT8_MIN, INT16_MIN, INT32_MIN, INT64_MIN, 0, 0};
    static const int64_t max[] = {0,         INT8_MAX,   INT16_MAX, INT32_MAX,
                                  INT64_MAX, UINT16_MAX, UINT32_MAX};
    const char *text = f->default_text;
    char *end;
    long long v;

    if (f->default_kind == DEFAULT_NULL)
        return f->nulls.min <= f->nulls.max;
    if (f->array || f->type >= TYPE_BYTES)
        return false;
    if (f->type == TYPE_STRING)
        return !strpbrk(text, "\"\\");
    if (f->type == TYPE_BOOL)
        return strcmp(text, "true") == 0 || strcmp(text, "false") == 0;
    errno = 0;
    if (f->type == TYPE_FLOAT64) {
        strtod(text, &end);
        return *text && !*end;
    }
    v = strtoll(text, &end, 0);
    if (!*text || *end || errno || v < min[f->type] || v > max[f->type])
        return false;
    if (v == INT64_MIN)
        snprintf(f->default_text, sizeof(f->default_text), "INT64_MIN");
    else
        snprintf(f->default_text, sizeof(f->default_text), "%lld", v);
    if (v == 0)
        f->default_kind = DEFAULT_NONE;
    return true;
}

static void check_field(struct parser *p, const struct schema_struct *s, struct schema_field *f)
{
    bool can_be_null = f->array || f->type == TYPE_STRING || f->type == TYPE_BYTES ||
                       f->type == TYPE_RECORDS || f->type == TYPE_STRUCT;

    if (f->range.min > f->range.max)
        fail(p, f->line, "'%s' exists in no version", f->name);
    if (f->nulls.min <= f->nulls.max && !can_be_null)
        fail(p, f->line, "'%s' cannot be nullable", f->name);
    if (f->type == TYPE_STRUCT && !f->array && f->nulls.min <= f->nulls.max &&
        f->default_kind != DEFAULT_NULL)
        fail(p, f->line, "a nullable struct needs = null");
    if (f->tag >= 0 && f->range.min < p->m->flexible_min)
        fail(p, f->line, "'%s' is tagged in a version that is not flexible", f->name);
    if (f->default_kind != DEFAULT_NONE && !default_fits(f))
        fail(p, f->line, "the default of '%s' does not fit", f->name);
    if (f->array && (f->type == TYPE_BOOL || f->type == TYPE_UINT16 || f->type == TYPE_UINT32 ||
                     f->type == TYPE_FLOAT64 || f->type == TYPE_BYTES || f->type == TYPE_RECORDS))
        fail(p, f->line, "arrays of this type are not supported");
    for (const struct schema_field *other = s->fields; other != f; other = other->next) {
        if (strcmp(other->name, f->name) == 0)
            fail(p, f->line, "field '%s' exists already", f->name);
        if (f->tag >= 0 && other->tag == f->tag)
            fail(p, f->line, "tag %d exists already", f->tag);
    }
}

static void parse_fields(struct parser *p, struct schema_struct *s, int indent);

/* The struct that a field names: defined by the lines below it, or before. */
static void resolve_struct(struct parser *p, struct schema_field *f, const char *name, int indent)
{
    if (p->indent == indent + 1) {
        f->target = new_struct(p, name, false);
        f->target->range = f->range;
        parse_fields(p, f->target, indent + 1);
        add_struct(p, f->target);
    } else {
        f->target = find_struct(p, name);
        if (!f->target) {
            fail(p, f->line, "'%s' is neither a type nor a struct defined so far", name);
            return;
        }
    }
    f->target->used = true;
    f->target->in_array |= f->array;
    f->target->in_tag |= f->tag >= 0 && !f->array;
}

static void parse_fields(struct parser *p, struct schema_struct *s, int indent)
{
    struct schema_field **tail = &s->fields;

    if (indent > DEPTH_MAX)
        fail(p, p->line, "nested too deeply");
    while (!p->failed && p->indent == indent) {
        struct schema_field *f;
        char struct_name[SCHEMA_NAME_MAX] = "";

        if (indent == 0 && p->m->kind == KIND_API)
            break;
        f = zalloc(sizeof(*f));
        f->line = p->line;
        f->tag = -1;
        f->range = (struct schema_range) {0, SCHEMA_OPEN};
        *tail = f;
        tail = &f->next;
        if (p->words < 2) {
            fail(p, p->line, "a field is: name type [versions] ...");
            break;
        }
        copy_name(p, f->name, p->word[0]);
        parse_type(p, p->word[1], f, struct_name);
        parse_attributes(p, f);
        f->range = intersect(f->range, s->range);
        f->nulls = intersect(f->nulls, f->range);
        check_field(p, s, f);
        next_line(p);
        if (f->type == TYPE_STRUCT)
            resolve_struct(p, f, struct_name, indent);
    }
    if (!p->failed && p->indent > indent)
        fail(p, p->line, "indented too far");
}

static void parse_shared(struct parser *p)
{
    struct schema_struct *s;

    if (p->words < 2 || p->words > 3) {
        fail(p, p->line, "expected: struct name [versions]");
        return;
    }
    s = new_struct(p, p->word[1], true);
    s->range = (struct schema_range) {0, SCHEMA_OPEN};
    if (p->words == 3 && !parse_range(p->word[2], &s->range))
        fail(p, p->line, "'%s' is no version range", p->word[2]);
    s->range = intersect(s->range, p->m->versions);
    next_line(p);
    parse_fields(p, s, 1);
    add_struct(p, s);
}

static void parse_root(struct parser *p, int index, const char *section, int indent)
{
    struct schema_struct *s;

    if (p->m->roots[index])
        fail(p, p->line, "a second section of this name");
    p->section = section;
    s = new_struct(p, "", false);
    s->root = true;
    s->used = true;
    s->range = p->m->versions;
    p->m->roots[index] = s;
    if (indent > 0)
        next_line(p);
    parse_fields(p, s, indent);
    add_struct(p, s);
}

static void parse_body(struct parser *p)
{
    while (!p->failed && p->indent == 0 && strcmp(p->word[0], "struct") == 0)
        parse_shared(p);
    if (p->m->kind != KIND_API) {
        parse_root(p, 0, "", 0);
    } else {
        while (!p->failed && p->indent == 0 && p->words == 1) {
            if (strcmp(p->word[0], "request") == 0)
                parse_root(p, 0, "req", 1);
            else if (strcmp(p->word[0], "response") == 0)
                parse_root(p, 1, "rsp", 1);
            else
                break;
        }
        if (!p->m->roots[0] || !p->m->roots[1])
            fail(p, p->line, "expected the sections request and response");
    }
    if (p->indent >= 0)
        fail(p, p->line, "'%s' is not expected here", p->word[0]);
}

static void parse_head(struct parser *p)
{
    static const char *const kinds[] = {"api", "record", "key", "value", "data"};
    struct schema_message *m = p->m;
    const char *rest = "";
    int i = 1;
    bool typed;

    next_line(p);
    for (int k = 0; p->words > 0 && k < 5; k++)
        if (strcmp(p->word[0], kinds[k]) == 0)
            m->kind = (enum schema_kind)k;
    typed = m->kind == KIND_RECORD || m->kind == KIND_KEY || m->kind == KIND_VALUE;
    m->key = -1;
    if (p->words != (typed                 ? 8
                     : m->kind == KIND_API ? 7
                                           : 6) ||
        (m->kind == KIND_API && strcmp(p->word[0], "api") != 0)) {
        fail(p, p->line, "expected: api KEY NAME versions A-B flexible C+ (see schema/README.md)");
        return;
    }
    if (m->kind == KIND_API && (!parse_int(p->word[i++], &rest, &m->key) || *rest))
        fail(p, p->line, "'%s' is no api key", p->word[1]);
    copy_name(p, m->name, p->word[i]);
    if (strcmp(p->word[i + 1], "versions") != 0 || !parse_range(p->word[i + 2], &m->versions) ||
        m->versions.max - m->versions.min >= SCHEMA_VERSIONS_MAX)
        fail(p, p->line, "expected: versions A-B");
    m->flexible_min = SCHEMA_OPEN;
    if (strcmp(p->word[i + 3], "flexible") != 0)
        fail(p, p->line, "expected: flexible C+");
    if (strcmp(p->word[i + 4], "none") != 0 &&
        (!parse_int(p->word[i + 4], &rest, &m->flexible_min) || strcmp(rest, "+") != 0))
        fail(p, p->line, "'%s' is neither none nor C+", p->word[i + 4]);
    if (typed && (strcmp(p->word[i + 5], "type") != 0 ||
                  !parse_int(p->word[i + 6], &rest, &m->key) || *rest))
        fail(p, p->line, "expected: type N");
    next_line(p);
}

int schema_fixed_bytes(enum schema_type type)
{
    static const int bytes[] = {1, 1, 2, 4, 8, 2, 4, 8, 0, 0, 0, 16, 0};

    return bytes[type];
}

static int min_of_field(const struct schema_message *m, const struct schema_field *f, int version)
{
    bool compact = schema_flexible(m, version) && !f->classic;

    if (f->tag >= 0 || !schema_range_has(f->range, version))
        return 0;
    if (f->array)
        return compact ? 1 : 4;
    if (schema_fixed_bytes(f->type))
        return schema_fixed_bytes(f->type);
    if (f->type == TYPE_STRUCT)
        return schema_range_has(f->nulls, version)
                   ? 1
                   : f->target->min_bytes[version - m->versions.min];
    if (compact)
        return 1;
    return f->type == TYPE_STRING ? 2 : 4;
}

static void compute_min(struct parser *p)
{
    for (struct schema_struct *s = p->m->structs; s; s = s->next) {
        if (!s->used)
            fail(p, s->line, "struct '%s' is never used", s->name);
        for (int v = p->m->versions.min; v <= p->m->versions.max; v++) {
            int *min = &s->min_bytes[v - p->m->versions.min];

            *min = schema_flexible(p->m, v) ? 1 : 0;
            for (const struct schema_field *f = s->fields; f; f = f->next)
                *min += min_of_field(p->m, f, v);
        }
    }
}

/* A struct in an array must take at least a byte, or its count would have no bound in the input. */
static void check_arrays(struct parser *p)
{
    for (struct schema_struct *s = p->m->structs; s; s = s->next)
        for (int v = s->range.min; s->in_array && v <= s->range.max; v++)
            if (s->min_bytes[v - p->m->versions.min] == 0)
                fail(p, s->line, "an element '%s' of version %d may take no byte", s->name, v);
}

bool schema_parse(const char *path, struct schema_message *out)
{
    struct parser p = {.m = out, .section = "", .tail = &out->structs};

    memset(out, 0, sizeof(*out));
    out->path = path;
    p.in = fopen(path, "r");
    if (!p.in) {
        perror(path);
        return false;
    }
    parse_head(&p);
    if (!p.failed)
        parse_body(&p);
    if (!p.failed)
        compute_min(&p);
    if (!p.failed)
        check_arrays(&p);
    fclose(p.in);
    return !p.failed;
}
