/* SPDX-License-Identifier: Apache-2.0 */
/* What the emitters share, the header file and the defaults. */
#include "schema.h"

#include <stdarg.h>
#include <string.h>

enum { EXPRESSION_MAX = 600, EXPRESSIONS = 8 };

__attribute__((format(printf, 1, 2))) static const char *expression(const char *format, ...)
{
    static char text[EXPRESSIONS][EXPRESSION_MAX];
    static unsigned next;
    char *out = text[next++ % EXPRESSIONS];
    va_list args;

    va_start(args, format);
    vsnprintf(out, EXPRESSION_MAX, format, args);
    va_end(args);
    return out;
}

const char *schema_suffix(enum schema_type type)
{
    static const char *const names[] = {"bool", "i8",  "i16",   "i32",     "i64",  "u16", "u32",
                                        "f64",  "str", "bytes", "records", "uuid", NULL};

    return names[type];
}

const char *schema_c_type(const struct schema_field *f)
{
    static const char *const names[] = {
        "bool",          "int8_t",          "int16_t",           "int32_t",
        "int64_t",       "uint16_t",        "uint32_t",          "double",
        "struct od_str", "struct od_bytes", "struct od_records", "struct od_uuid"};

    return f->type == TYPE_STRUCT ? expression("struct %s", f->target->c_name) : names[f->type];
}

const char *schema_condition(struct schema_range range, struct schema_range within)
{
    if (range.min > within.min && range.max < within.max)
        return range.min == range.max ? expression("v == %d", range.min)
                                      : expression("v >= %d && v <= %d", range.min, range.max);
    if (range.min > within.min)
        return expression("v >= %d", range.min);
    if (range.max < within.max)
        return expression("v <= %d", range.max);
    return "";
}

const char *schema_form(const struct schema_struct *s, const struct schema_field *f, bool writer)
{
    const char *base = f->classic ? "0u" : "form";
    const char *test;

    if (f->nulls.min > f->nulls.max)
        return writer && !f->array ? expression("%s | OD_FORM_REQUIRED", base) : base;
    test = schema_condition(f->nulls, f->tag >= 0 ? f->range : s->range);
    /* Outside the field's own versions the form does not matter. */
    if (!*test || !*schema_condition(f->nulls, f->range))
        return expression("%s | OD_FORM_NULLABLE", base);
    return expression("%s | (%s ? OD_FORM_NULLABLE : 0u)", base, test);
}

const char *schema_compact(const struct schema_message *m, const struct schema_struct *s)
{
    if (m->flexible_min > s->range.max)
        return "OD_FORM_CLASSIC";
    if (m->flexible_min <= s->range.min)
        return "OD_FORM_COMPACT";
    return expression("v >= %d ? OD_FORM_COMPACT : OD_FORM_CLASSIC", m->flexible_min);
}

const char *schema_differs(const struct schema_field *f)
{
    bool nullable = f->nulls.min <= f->nulls.max;

    if (f->array)
        return expression("m->%s.n %s", f->name,
                          f->default_kind == DEFAULT_NULL ? ">= 0"
                          : nullable                      ? "!= 0"
                                                          : "> 0");
    switch (f->type) {
    case TYPE_BOOL:
        return expression("%sm->%s", strcmp(f->default_text, "true") == 0 ? "!" : "", f->name);
    case TYPE_UUID:
        return expression("!od_uuid_is_zero(m->%s)", f->name);
    case TYPE_STRING:
    case TYPE_BYTES:
        if (f->default_kind == DEFAULT_VALUE)
            return expression("!od_str_is(m->%s, \"%s\")", f->name, f->default_text);
        if (f->default_kind == DEFAULT_NULL)
            return expression("m->%s.data", f->name);
        return nullable ? expression("(!m->%s.data || m->%s.len > 0)", f->name, f->name)
                        : expression("m->%s.len > 0", f->name);
    case TYPE_RECORDS:
        return expression("m->%s.len %s", f->name,
                          f->default_kind == DEFAULT_NULL ? ">= 0" : "!= 0");
    case TYPE_STRUCT:
        return schema_is_pointer(f) ? expression("m->%s", f->name)
                                    : expression("differs_%s(&m->%s)", f->target->fn, f->name);
    default:
        return expression("m->%s != %s", f->name,
                          f->default_kind == DEFAULT_VALUE ? f->default_text : "0");
    }
}

static void emit_struct(FILE *out, const struct schema_message *m, const struct schema_struct *s)
{
    fprintf(out, "struct %s {\n", s->c_name);
    for (const struct schema_field *f = s->fields; f; f = f->next) {
        if (f->array)
            fprintf(out, "    struct {\n        int32_t n;\n        %s *v;\n    } %s;\n",
                    schema_c_type(f), f->name);
        else
            fprintf(out, "    %s %s%s;\n", schema_c_type(f), schema_is_pointer(f) ? "*" : "",
                    f->name);
    }
    if (schema_keeps_tags(m))
        fprintf(out, "    struct od_tags unknown_tags;\n");
    else if (!s->fields)
        fprintf(out, "    uint8_t none;\n");
    fprintf(out, "};\n\n");
}

static void emit_prototypes(FILE *out, const char *name)
{
    fprintf(out,
            "\nOD_MUST_USE enum od_err %s_decode(struct od_reader *r, int16_t version,\n"
            "        struct od_arena *arena, struct %s *out);\n"
            "OD_MUST_USE enum od_err %s_encode(struct od_writer *w, int16_t version,\n"
            "        const struct %s *message);\n"
            "OD_MUST_USE enum od_err %s_size(const struct %s *message, int16_t version,\n"
            "        struct od_size *out);\n"
            "extern const struct od_codec %s_codec;\n",
            name, name, name, name, name, name, name);
}

void schema_emit_header(FILE *out, const struct schema_message *m)
{
    fprintf(out,
            "/* Generated by schemac from %s. */\n#pragma once\n\n#include \"wire/codec.h\"\n\n",
            m->path);
    fprintf(out, "enum { OD_%s_VERSION_MIN = %d, OD_%s_VERSION_MAX = %d", m->name, m->versions.min,
            m->name, m->versions.max);
    if (m->key >= 0)
        fprintf(out, ", OD_%s_KEY = %d", m->name, m->key);
    fprintf(out, " };\n\n");
    for (const struct schema_struct *s = m->structs; s; s = s->next)
        emit_struct(out, m, s);
    for (const struct schema_struct *s = m->structs; s; s = s->next)
        fprintf(out, "void %s_defaults(struct %s *m);\n", s->c_name, s->c_name);
    for (int i = 0; i < 2; i++)
        if (m->roots[i])
            emit_prototypes(out, m->roots[i]->c_name);
}

/* "" when zeroed memory is right already. */
static const char *initial(const struct schema_field *f)
{
    bool nullable = f->nulls.min <= f->nulls.max;

    if (f->array)
        return f->default_kind == DEFAULT_NULL ? ".n = -1" : "";
    switch (f->type) {
    case TYPE_STRING:
        if (f->default_kind == DEFAULT_VALUE)
            return expression(" = OD_STR(\"%s\")", f->default_text);
        return nullable && f->default_kind == DEFAULT_NONE ? " = OD_STR(\"\")" : "";
    case TYPE_BYTES:
        return nullable && f->default_kind == DEFAULT_NONE
                   ? " = (struct od_bytes){ (const uint8_t *)\"\", 0 }"
                   : "";
    case TYPE_RECORDS:
        return f->default_kind == DEFAULT_NULL ? " = OD_RECORDS_NULL" : "";
    case TYPE_UUID:
    case TYPE_STRUCT:
        return "";
    default:
        if (f->default_kind != DEFAULT_VALUE || strcmp(f->default_text, "false") == 0)
            return "";
        return expression(" = %s", f->default_text);
    }
}

static bool holds_init(const struct schema_field *f)
{
    return f->type == TYPE_STRUCT && !f->array && !schema_is_pointer(f) &&
           schema_needs_init(f->target);
}

bool schema_needs_init(const struct schema_struct *s)
{
    for (const struct schema_field *f = s->fields; f; f = f->next)
        if (*initial(f) || holds_init(f))
            return true;
    return false;
}

static void emit_differs(FILE *out, const struct schema_struct *s)
{
    fprintf(
        out,
        "__attribute__((unused)) static bool differs_%s(const struct %s *m)\n{\n    return false",
        s->fn, s->c_name);
    for (const struct schema_field *f = s->fields; f; f = f->next)
        fprintf(out, " ||\n           %s", schema_differs(f));
    fprintf(out, ";\n}\n\n");
}

void schema_emit_defaults(FILE *out, const struct schema_message *m)
{
    for (const struct schema_struct *s = m->structs; s; s = s->next) {
        bool needed = schema_needs_init(s);

        if (needed) {
            fprintf(out, "/* On zeroed memory. */\nstatic void init_%s(struct %s *m)\n{\n", s->fn,
                    s->c_name);
            for (const struct schema_field *f = s->fields; f; f = f->next) {
                if (*initial(f))
                    fprintf(out, "    m->%s%s;\n", f->name, initial(f));
                else if (holds_init(f))
                    fprintf(out, "    init_%s(&m->%s);\n", f->target->fn, f->name);
            }
            fprintf(out, "}\n\n");
        }
        fprintf(out, "void %s_defaults(struct %s *m)\n{\n    memset(m, 0, sizeof(*m));\n",
                s->c_name, s->c_name);
        if (needed)
            fprintf(out, "    init_%s(m);\n", s->fn);
        fprintf(out, "}\n\n");
        if (!s->root && !s->in_array)
            emit_differs(out, s);
    }
}
