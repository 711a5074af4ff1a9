/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Emits sizes and encoders.  Both refuse a value that the version cannot carry, unless the field is
 * ignorable or the value is its default.
 */
#include "schema.h"

#include <string.h>

/* Adds what the value of a field takes to the struct od_size *to. */
static void emit_size_value(FILE *out, const struct schema_struct *s, const struct schema_field *f,
                            const char *to)
{
    const char *form = schema_form(s, f, true);
    int bytes = schema_fixed_bytes(f->type);

    if (f->array && f->type == TYPE_STRING) {
        fprintf(out, "        od_size_list_str(%s, %s, m->%s.n, m->%s.v);\n", to, form, f->name,
                f->name);
    } else if (f->array) {
        fprintf(out, "        od_size_list(%s, %s, m->%s.n, %d);\n", to, form, f->name, bytes);
        if (f->type == TYPE_STRUCT)
            fprintf(out,
                    "        for (int32_t i = 0; i < m->%s.n; i++)\n"
                    "            size_%s(%s, v, &m->%s.v[i]);\n",
                    f->name, f->target->fn, to, f->name);
    } else if (schema_is_pointer(f)) {
        const char *test = schema_condition(f->nulls, f->tag >= 0 ? f->range : s->range);

        fprintf(out,
                "        if (%s)\n            (%s)->wire += 1;\n        else if (!m->%s)\n"
                "            od_size_fail(%s, OD_UNSUPPORTED_VERSION);\n"
                "        if (m->%s)\n            size_%s(%s, v, m->%s);\n",
                *test ? test : "true", to, f->name, to, f->name, f->target->fn, to, f->name);
    } else if (f->type == TYPE_STRUCT) {
        fprintf(out, "        size_%s(%s, v, &m->%s);\n", f->target->fn, to, f->name);
    } else if (bytes) {
        fprintf(out, "        (%s)->wire += %d;\n", to, bytes);
    } else {
        fprintf(out, "        od_size_%s(%s, %s, m->%s);\n", schema_suffix(f->type), to, form,
                f->name);
    }
}

static void emit_write_value(FILE *out, const struct schema_struct *s, const struct schema_field *f)
{
    const char *form = schema_form(s, f, true);

    if (f->array && f->type == TYPE_STRUCT) {
        fprintf(out,
                "        od_write_count(w, %s, m->%s.n);\n"
                "        for (int32_t i = 0; i < m->%s.n; i++)\n"
                "            encode_%s(w, v, &m->%s.v[i]);\n",
                form, f->name, f->name, f->target->fn, f->name);
    } else if (f->array) {
        fprintf(out, "        od_write_list_%s(w, %s, m->%s.n, m->%s.v);\n", schema_suffix(f->type),
                form, f->name, f->name);
    } else if (schema_is_pointer(f)) {
        const char *test = schema_condition(f->nulls, f->tag >= 0 ? f->range : s->range);

        fprintf(out,
                "        if (%s)\n            od_write_i8(w, m->%s ? 1 : -1);\n"
                "        else if (!m->%s)\n            od_writer_fail(w, OD_UNSUPPORTED_VERSION);\n"
                "        if (m->%s)\n            encode_%s(w, v, m->%s);\n",
                *test ? test : "true", f->name, f->name, f->name, f->target->fn, f->name);
    } else if (f->type == TYPE_STRUCT) {
        fprintf(out, "        encode_%s(w, v, &m->%s);\n", f->target->fn, f->name);
    } else if (schema_fixed_bytes(f->type)) {
        fprintf(out, "        od_write_%s(w, m->%s);\n", schema_suffix(f->type), f->name);
    } else {
        fprintf(out, "        od_write_%s(w, %s, m->%s);\n", schema_suffix(f->type), form, f->name);
    }
}

/* The last of the plain fields of the same versions that start at f. */
static const struct schema_field *end_of_run(const struct schema_field *f, int *bytes)
{
    const struct schema_field *last = f;

    *bytes = 0;
    for (const struct schema_field *g = f;
         g && schema_is_plain(g) && g->range.min == f->range.min && g->range.max == f->range.max;
         g = g->next) {
        *bytes += schema_fixed_bytes(g->type);
        last = g;
    }
    return last;
}

static void emit_put_run(FILE *out, const struct schema_field *f, const struct schema_field *last,
                         int bytes)
{
    fprintf(out, "        uint8_t *p = od_writer_take(w, %d);\n\n        if (p) {\n", bytes);
    bytes = 0;
    for (const struct schema_field *g = f;; g = g->next) {
        fprintf(out, "            od_put_%s(p + %d, m->%s);\n", schema_suffix(g->type), bytes,
                g->name);
        bytes += schema_fixed_bytes(g->type);
        if (g == last)
            break;
    }
    fprintf(out, "        }\n");
}

/* What happens in versions that lack the fields from f to last. */
static void emit_refusal(FILE *out, const struct schema_field *f, const struct schema_field *last,
                         const char *fail)
{
    bool any = false;

    for (const struct schema_field *g = f;; g = g->next) {
        if (!g->ignorable) {
            fprintf(out, "%s%s", any ? " || " : " else if (", schema_differs(g));
            any = true;
        }
        if (g == last)
            break;
    }
    if (any)
        fprintf(out, ") {\n        %s, OD_UNSUPPORTED_VERSION);\n    }", fail);
    fprintf(out, "\n");
}

/* Every field in the order of the wire, but the tagged ones. */
static void emit_fields(FILE *out, const struct schema_struct *s, bool writing)
{
    for (const struct schema_field *f = s->fields; f; f = f->next) {
        const char *test = schema_condition(f->range, s->range);
        const struct schema_field *last = f;
        int bytes = 0;

        if (f->tag >= 0)
            continue;
        if (schema_is_plain(f))
            last = end_of_run(f, &bytes);
        if (*test)
            fprintf(out, "    if (%s) {\n", test);
        else
            fprintf(out, "    {\n");
        if (bytes && writing)
            emit_put_run(out, f, last, bytes);
        else if (bytes)
            fprintf(out, "        s->wire += %d;\n", bytes);
        else if (writing)
            emit_write_value(out, s, f);
        else
            emit_size_value(out, s, f, "s");
        fprintf(out, "    }");
        if (*test)
            emit_refusal(out, f, last, writing ? "od_writer_fail(w" : "od_size_fail(s");
        else
            fprintf(out, "\n");
        f = last;
    }
}

/* In which versions of the struct a tagged field can be sent. */
static const char *tag_test(const struct schema_field *f, const struct schema_struct *s)
{
    const char *test = schema_condition(f->range, s->range);

    return *test ? test : "true";
}

/* Declares has_TAG for each tagged field and counts them in n. */
static void emit_tag_count(FILE *out, const struct schema_message *m, const struct schema_struct *s,
                           const char *fail)
{
    fprintf(out, "    uint32_t n = %s;\n",
            schema_keeps_tags(m) ? "(uint32_t)m->unknown_tags.n" : "0");
    for (const struct schema_field *f = s->fields; f; f = f->next)
        if (f->tag >= 0)
            fprintf(out, "    const bool has_%d = %s;\n", f->tag, schema_differs(f));
    for (const struct schema_field *f = s->fields; f; f = f->next) {
        if (f->tag < 0)
            continue;
        fprintf(out, "    if (%s)\n        n += has_%d;\n", tag_test(f, s), f->tag);
        if (!f->ignorable && *schema_condition(f->range, s->range))
            fprintf(out, "    else if (has_%d)\n        %s, OD_UNSUPPORTED_VERSION);\n", f->tag,
                    fail);
    }
}

/* The tagged field with the smallest tag above `after`. */
static const struct schema_field *next_tag(const struct schema_struct *s, int after)
{
    const struct schema_field *found = NULL;

    for (const struct schema_field *f = s->fields; f; f = f->next)
        if (f->tag > after && (!found || f->tag < found->tag))
            found = f;
    return found;
}

/* A tagged field in versions without any tags. */
static void emit_tags_refusal(FILE *out, const struct schema_struct *s, const char *fail)
{
    for (const struct schema_field *f = s->fields; f; f = f->next)
        if (f->tag >= 0 && !f->ignorable)
            fprintf(out, "    if (%s)\n        %s, OD_UNSUPPORTED_VERSION);\n", schema_differs(f),
                    fail);
}

/* Opens the block for flexible versions; false when nothing is left to do in it. */
static bool open_tags(FILE *out, const struct schema_message *m, const struct schema_struct *s,
                      bool writing)
{
    const char *fail = writing ? "od_writer_fail(w" : "od_size_fail(s";
    const char *test =
        schema_condition((struct schema_range) {m->flexible_min, SCHEMA_OPEN}, s->range);

    if (m->flexible_min > s->range.max)
        return false;
    if (!schema_keeps_tags(m) && !next_tag(s, -1)) {
        fprintf(out, "    if (%s)\n        %s;\n", *test ? test : "true",
                writing ? "od_write_i8(w, 0)" : "s->wire += 1");
        return false;
    }
    if (*test) {
        fprintf(out, "    if (!(%s)) {\n", test);
        emit_tags_refusal(out, s, fail);
        fprintf(out, "    } else {\n");
    } else {
        fprintf(out, "    {\n");
    }
    emit_tag_count(out, m, s, fail);
    return true;
}

static void emit_size_tags(FILE *out, const struct schema_message *m, const struct schema_struct *s)
{
    if (!open_tags(out, m, s, false))
        return;
    fprintf(out, "    s->wire += od_uvarint_len(n);\n");
    for (const struct schema_field *f = next_tag(s, -1); f; f = next_tag(s, f->tag)) {
        fprintf(out, "    if (has_%d && %s) {\n        struct od_size t = { 0 };\n\n", f->tag,
                tag_test(f, s));
        emit_size_value(out, s, f, "&t");
        fprintf(out, "        od_size_tag(s, %d, &t);\n    }\n", f->tag);
    }
    if (schema_keeps_tags(m))
        fprintf(out, "    od_size_tags(s, &m->unknown_tags);\n");
    fprintf(out, "    }\n");
}

static void emit_write_tags(FILE *out, const struct schema_message *m,
                            const struct schema_struct *s)
{
    bool keep = schema_keeps_tags(m);

    if (!open_tags(out, m, s, true))
        return;
    if (keep)
        fprintf(out, "    int32_t k = 0;\n");
    fprintf(out, "    od_write_uvarint(w, n);\n");
    for (const struct schema_field *f = next_tag(s, -1); f; f = next_tag(s, f->tag)) {
        fprintf(out, "    if (has_%d && %s) {\n        struct od_size t = { 0 };\n\n", f->tag,
                tag_test(f, s));
        if (keep)
            fprintf(out, "        k = od_write_tags_below(w, &m->unknown_tags, k, %d);\n", f->tag);
        emit_size_value(out, s, f, "&t");
        fprintf(out, "        od_write_tag(w, %d, t.wire);\n", f->tag);
        emit_write_value(out, s, f);
        fprintf(out, "    }\n");
    }
    if (keep)
        fprintf(out, "    od_write_tags_below(w, &m->unknown_tags, k, INT64_MAX);\n");
    fprintf(out, "    }\n");
}

void schema_emit_sizes(FILE *out, const struct schema_message *m)
{
    for (const struct schema_struct *s = m->structs; s; s = s->next) {
        fprintf(out,
                "static void size_%s(struct od_size *s, int16_t v, const struct %s *m)\n{\n"
                "    const unsigned form = %s;\n\n    (void)form, (void)v, (void)m, (void)s;\n",
                s->fn, s->c_name, schema_compact(m, s));
        emit_fields(out, s, false);
        emit_size_tags(out, m, s);
        fprintf(out, "}\n\n");
    }
    for (int i = 0; i < 2; i++) {
        const struct schema_struct *s = m->roots[i];

        if (!s)
            continue;
        fprintf(out,
                "enum od_err %s_size(const struct %s *message, int16_t version,\n"
                "        struct od_size *out)\n{\n    *out = (struct od_size){ 0 };\n"
                "    if (version < %d || version > %d)\n"
                "        od_size_fail(out, OD_UNSUPPORTED_VERSION);\n    else\n"
                "        size_%s(out, version, message);\n"
                "    if (out->wire > INT32_MAX)\n        od_size_fail(out, OD_E_LIMIT);\n"
                "    return out->err;\n}\n\n",
                s->c_name, s->c_name, m->versions.min, m->versions.max, s->fn);
    }
}

void schema_emit_encoders(FILE *out, const struct schema_message *m)
{
    for (const struct schema_struct *s = m->structs; s; s = s->next) {
        fprintf(out,
                "static void encode_%s(struct od_writer *w, int16_t v, const struct %s *m)\n{\n"
                "    const unsigned form = %s;\n\n    (void)form, (void)v, (void)m, (void)w;\n",
                s->fn, s->c_name, schema_compact(m, s));
        emit_fields(out, s, true);
        emit_write_tags(out, m, s);
        fprintf(out, "}\n\n");
    }
    for (int i = 0; i < 2; i++) {
        const struct schema_struct *s = m->roots[i];

        if (!s)
            continue;
        fprintf(out,
                "enum od_err %s_encode(struct od_writer *w, int16_t version,\n"
                "        const struct %s *message)\n{\n"
                "    if (version < %d || version > %d)\n"
                "        od_writer_fail(w, OD_UNSUPPORTED_VERSION);\n    else\n"
                "        encode_%s(w, version, message);\n    return w->err;\n}\n\n",
                s->c_name, s->c_name, m->versions.min, m->versions.max, s->fn);
    }
}
