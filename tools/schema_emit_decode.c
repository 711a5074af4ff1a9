/* SPDX-License-Identifier: Apache-2.0 */
/* Emits decoders: one function per struct, neighbouring plain fields under one bounds check. */
#include "schema.h"

#include <string.h>

/* Minimum bytes of an element as a C expression over v. */
static const char *emit_min(const struct schema_message *m, const struct schema_field *f)
{
    static char text[256];
    const struct schema_struct *s = f->target;
    int first = f->range.min - m->versions.min, last = f->range.max - m->versions.min;

    for (int i = first; i <= last; i++)
        if (s->min_bytes[i] != s->min_bytes[first]) {
            snprintf(text, sizeof(text), "min_%s[v - %d]", s->fn, m->versions.min);
            return text;
        }
    snprintf(text, sizeof(text), "%d", s->min_bytes[first]);
    return text;
}

static void emit_list(FILE *out, const struct schema_message *m, const struct schema_struct *s,
                      const struct schema_field *f)
{
    const char *form = schema_form(s, f, false);

    if (f->type != TYPE_STRUCT) {
        fprintf(out, "        m->%s.v = od_read_list_%s(r, %s, a, &m->%s.n);\n", f->name,
                schema_suffix(f->type), form, f->name);
        return;
    }
    fprintf(out,
            "        m->%s.v = od_read_list(r, %s, %s, sizeof(*m->%s.v), a, &m->%s.n);\n"
            "        for (int32_t i = 0; i < m->%s.n && !r->err; i++) {\n",
            f->name, form, emit_min(m, f), f->name, f->name, f->name);
    if (schema_needs_init(f->target))
        fprintf(out, "            init_%s(&m->%s.v[i]);\n", f->target->fn, f->name);
    fprintf(out, "            decode_%s(r, v, a, &m->%s.v[i]);\n        }\n", f->target->fn,
            f->name);
}

static void emit_object(FILE *out, const struct schema_struct *s, const struct schema_field *f)
{
    const char *null_test = schema_condition(f->nulls, f->tag >= 0 ? f->range : s->range);

    if (!schema_is_pointer(f)) {
        fprintf(out, "        decode_%s(r, v, a, &m->%s);\n", f->target->fn, f->name);
        return;
    }
    fprintf(out, "        m->%s = ", f->name);
    if (*null_test)
        fprintf(out, "(%s) && !od_read_present(r) ? NULL : ", null_test);
    else
        fprintf(out, "!od_read_present(r) ? NULL : ");
    fprintf(out, "od_read_object(r, sizeof(*m->%s), a);\n        if (m->%s) {\n", f->name, f->name);
    if (schema_needs_init(f->target))
        fprintf(out, "            init_%s(m->%s);\n", f->target->fn, f->name);
    fprintf(out, "            decode_%s(r, v, a, m->%s);\n        }\n", f->target->fn, f->name);
}

static void emit_value(FILE *out, const struct schema_message *m, const struct schema_struct *s,
                       const struct schema_field *f)
{
    if (f->array)
        emit_list(out, m, s, f);
    else if (f->type == TYPE_STRUCT)
        emit_object(out, s, f);
    else if (schema_fixed_bytes(f->type))
        fprintf(out, "        m->%s = od_read_%s(r);\n", f->name, schema_suffix(f->type));
    else
        fprintf(out, "        m->%s = od_read_%s(r, %s);\n", f->name, schema_suffix(f->type),
                schema_form(s, f, false));
}

/* Plain fields of the same versions in a row; returns the last one. */
static const struct schema_field *emit_run(FILE *out, const struct schema_field *f)
{
    const struct schema_field *last = f;
    int bytes = 0;

    for (const struct schema_field *g = f;
         g && schema_is_plain(g) && g->range.min == f->range.min && g->range.max == f->range.max;
         g = g->next) {
        bytes += schema_fixed_bytes(g->type);
        last = g;
    }
    fprintf(out, "        const uint8_t *p = od_reader_take(r, %d);\n\n        if (p) {\n", bytes);
    bytes = 0;
    for (const struct schema_field *g = f;; g = g->next) {
        fprintf(out, "            m->%s = od_get_%s(p + %d);\n", g->name, schema_suffix(g->type),
                bytes);
        bytes += schema_fixed_bytes(g->type);
        if (g == last)
            break;
    }
    fprintf(out, "        }\n");
    return last;
}

static void emit_tags(FILE *out, const struct schema_message *m, const struct schema_struct *s)
{
    struct schema_range flexible = {m->flexible_min, SCHEMA_OPEN};
    const char *test = schema_condition(flexible, s->range);
    bool keep = schema_keeps_tags(m), known = keep;
    const char *unknown = keep ? "od_tag_keep(&c, r, a, &m->unknown_tags)" : "od_tag_skip(r)";

    if (m->flexible_min > s->range.max)
        return;
    for (const struct schema_field *f = s->fields; f; f = f->next)
        known |= f->tag >= 0;
    if (!known) {
        fprintf(out, "    if (%s)\n        od_tags_skip(r);\n", *test ? test : "true");
        return;
    }
    fprintf(out,
            "    if (%s) {\n    struct od_tag_cursor c = od_tags_open(r);\n\n"
            "    while (od_tags_next(&c, r)) {\n"
            "        switch (c.tag) {\n",
            *test ? test : "true");
    for (const struct schema_field *f = s->fields; f; f = f->next) {
        if (f->tag < 0)
            continue;
        fprintf(out, "        case %d:\n", f->tag);
        test = schema_condition(f->range, s->range);
        if (*test)
            fprintf(out, "        if (!(%s)) {\n            %s;\n            break;\n        }\n",
                    test, unknown);
        emit_value(out, m, s, f);
        fprintf(out, "        break;\n");
    }
    fprintf(out,
            "        default:\n            %s;\n        }\n        od_tag_close(&c, r);\n    }\n"
            "    }\n",
            unknown);
}

static void emit_min_table(FILE *out, const struct schema_message *m, const struct schema_struct *s)
{
    fprintf(out, "__attribute__((unused)) static const uint16_t min_%s[] = {", s->fn);
    for (int v = m->versions.min; v <= m->versions.max; v++)
        fprintf(out, " %d,", s->min_bytes[v - m->versions.min]);
    fprintf(out, " };\n\n");
}

static void emit_decoder(FILE *out, const struct schema_message *m, const struct schema_struct *s)
{
    fprintf(out,
            "static void decode_%s(struct od_reader *r, int16_t v, struct od_arena *a,\n"
            "        struct %s *m)\n{\n    const unsigned form = %s;\n\n"
            "    (void)form, (void)v, (void)a, (void)m, (void)r;\n",
            s->fn, s->c_name, schema_compact(m, s));
    for (const struct schema_field *f = s->fields; f; f = f->next) {
        const char *test = schema_condition(f->range, s->range);

        if (f->tag >= 0)
            continue;
        if (*test)
            fprintf(out, "    if (%s) {\n", test);
        else
            fprintf(out, "    {\n");
        if (schema_is_plain(f))
            f = emit_run(out, f);
        else
            emit_value(out, m, s, f);
        fprintf(out, "    }\n");
    }
    emit_tags(out, m, s);
    fprintf(out, "}\n\n");
}

void schema_emit_decoders(FILE *out, const struct schema_message *m)
{
    for (const struct schema_struct *s = m->structs; s; s = s->next) {
        if (s->in_array)
            emit_min_table(out, m, s);
        emit_decoder(out, m, s);
    }
    for (int i = 0; i < 2; i++) {
        const struct schema_struct *s = m->roots[i];

        if (!s)
            continue;
        fprintf(out,
                "enum od_err %s_decode(struct od_reader *r, int16_t version,\n"
                "        struct od_arena *arena, struct %s *out)\n{\n    %s_defaults(out);\n"
                "    if (version < %d || version > %d)\n"
                "        od_reader_fail(r, OD_UNSUPPORTED_VERSION);\n    else\n"
                "        decode_%s(r, version, arena, out);\n    return r->err;\n}\n\n",
                s->c_name, s->c_name, s->c_name, m->versions.min, m->versions.max, s->fn);
    }
}
