/* SPDX-License-Identifier: Apache-2.0 */
/* Emits the shapes of a message's structs, its codecs, and the tables of all messages. */
#include "schema.h"

static void emit_field(FILE *out, const struct schema_struct *s, const struct schema_field *f)
{
    static const char *const types[] = {"BOOL",    "INT8",   "INT16",   "INT32",  "INT64",
                                        "UINT16",  "UINT32", "FLOAT64", "STRING", "BYTES",
                                        "RECORDS", "UUID",   "STRUCT"};
    bool nullable = f->nulls.min <= f->nulls.max;

    fprintf(out, "    { \"%s\", ", f->name);
    if (f->target)
        fprintf(out, "&shape_%s", f->target->fn);
    else
        fprintf(out, "NULL");
    fprintf(out, ", offsetof(struct %s, %s), OD_FIELD_%s, %d, %d, %d, %d, %d, %d, %d },\n",
            s->c_name, f->name, types[f->type], f->array, nullable, f->range.min, f->range.max,
            nullable ? f->nulls.min : 0, nullable ? f->nulls.max : -1, f->tag);
}

void schema_emit_shapes(FILE *out, const struct schema_message *m)
{
    for (const struct schema_struct *s = m->structs; s; s = s->next) {
        int count = 0;

        fprintf(out,
                "static void defaults_of_%s(void *object)\n{\n    %s_defaults(object);\n}\n\n"
                "static const struct od_field fields_%s[] = {\n",
                s->fn, s->c_name, s->fn);
        for (const struct schema_field *f = s->fields; f; f = f->next, count++)
            emit_field(out, s, f);
        if (count == 0)
            fprintf(out, "    { .name = NULL },\n");
        fprintf(out,
                "};\n\nstatic const struct od_shape shape_%s = {\n"
                "    \"%s\", sizeof(struct %s), %d, fields_%s,\n    ",
                s->fn, s->name, s->c_name, count, s->fn);
        if (schema_keeps_tags(m))
            fprintf(out, "offsetof(struct %s, unknown_tags)", s->c_name);
        else
            fprintf(out, "-1");
        fprintf(out, ", defaults_of_%s,\n};\n\n", s->fn);
    }
}

static void emit_codec(FILE *out, const struct schema_message *m, const struct schema_struct *s,
                       const char *kind)
{
    fprintf(out,
            "static enum od_err decode_any_%s(struct od_reader *r, int16_t version,\n"
            "        struct od_arena *arena, void *message)\n{\n"
            "    return %s_decode(r, version, arena, message);\n}\n\n"
            "static enum od_err encode_any_%s(struct od_writer *w, int16_t version,\n"
            "        const void *message)\n{\n    return %s_encode(w, version, message);\n}\n\n"
            "static enum od_err size_any_%s(const void *message, int16_t version,\n"
            "        struct od_size *out)\n{\n    return %s_size(message, version, out);\n}\n\n",
            s->fn, s->c_name, s->fn, s->c_name, s->fn, s->c_name);
    fprintf(out,
            "const struct od_codec %s_codec = {\n    \"%s\", OD_CODEC_%s, %d, %d, %d, %d,\n"
            "    &shape_%s, decode_any_%s, encode_any_%s, size_any_%s,\n};\n",
            s->c_name, s->c_name + 3, kind, m->key, m->versions.min, m->versions.max,
            m->flexible_min, s->fn, s->fn, s->fn, s->fn);
}

void schema_emit_codecs(FILE *out, const struct schema_message *m)
{
    static const char *const kinds[] = {"REQUEST", "RECORD", "KEY", "VALUE", "DATA"};

    emit_codec(out, m, m->roots[0], kinds[m->kind]);
    if (m->roots[1])
        emit_codec(out, m, m->roots[1], "RESPONSE");
}
